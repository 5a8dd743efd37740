//! Kubernetes' JSONPath templates (as client-go: `util/jsonpath`): text with `{...}` in it, ranges and filters.

mod eval;
mod parse;

use goyaml::Value;

/// A part of an action.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// Parts that follow each other.
    List(Vec<Node>),
    /// Text as it is.
    Text(String),
    /// `.name`
    Field(String),
    /// `.*`
    Wildcard,
    /// `..`
    Recursive,
    /// `[from:to:step]`; one number is an element.
    Array([Bound; 3]),
    /// `[a,b]`
    Union(Vec<Node>),
    /// `[?(left operator right)]`; the operator is `exists` when only the left side is there.
    Filter(Box<Node>, String, Box<Node>),
    /// A number or a truth value.
    Literal(Value),
    /// `range` or `end`.
    Word(String),
}

/// A number between the colons of `[from:to:step]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bound {
    value: i64,
    known: bool,
    /// Made of the number before it.
    derived: bool,
}

/// A template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template(Vec<Node>);

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// client-go's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        parse::parse(text).map(Self)
    }

    /// Writes what it makes of a value; nothing when a part cannot be found.
    ///
    /// # Errors
    /// When a part cannot be found.
    pub(crate) fn execute(&self, data: &Value, out: &mut Vec<u8>) -> Result<(), eval::NotFound> {
        eval::execute(&self.0, data, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(template: &str) -> String {
        let text = r#"{"image":{"tag":"v1","ports":[80,443]},"a.b":"dot","n":null,"on":true,
                       "list":[{"name":"x","size":1},{"name":"y","size":2},{"size":3}]}"#;
        let data = goyaml::from_json(text).unwrap();
        let mut out = Vec::new();
        match Template::parse(template) {
            Ok(parsed) => match parsed.execute(&data, &mut out) {
                Ok(()) => String::from_utf8(out).unwrap(),
                Err(eval::NotFound) => "not found".into(),
            },
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn as_client_go() {
        for (template, want) in [
            ("plain", "plain"),
            ("{.image.tag}", "v1"),
            ("tag={.image.tag}!", "tag=v1!"),
            ("{$.image.tag}{\"\\n\"}", "v1\n"),
            ("{.image}", r#"{"ports":[80,443],"tag":"v1"}"#),
            ("{.image.ports[0]}", "80"),
            ("{.image.ports[-1]}", "443"),
            ("{.image.ports[*]}", "80 443"),
            ("{.image.ports[0:1]}", "80"),
            ("{.image.ports[5]}", "not found"),
            (r"{.a\.b}", "dot"),
            ("{['image']['tag']}", "v1"),
            ("{['image','on']}", r#"{"ports":[80,443],"tag":"v1"} true"#),
            ("{.list[?(@.name==\"y\")].size}", "not found"),
            ("{.list[?(@.name)].size}", "1 2"),
            ("{range .list[0:2]}{.name}:{.size};{end}done", "x:1;y:2;done"),
            ("{..name}", "x y"),
            ("{.n}", "null"),
            ("{.on}", "true"),
            ("{.no}", "not found"),
            ("{end}", "not found"),
            ("{.a", "error: unclosed action"),
            ("{.a[}", "error: unterminated array"),
            ("{.a[x]}", "error: invalid array index x"),
            ("{#}", "error: unrecognized character in action: U+0023 '#'"),
            ("{....a}", "error: invalid multiple recursive descent"),
            ("{'a}", "error: unterminated quoted string"),
            ("{.a[?(@.b]}", "error: unterminated filter"),
        ] {
            assert_eq!(made(template), want, "{template}");
        }
    }
}
