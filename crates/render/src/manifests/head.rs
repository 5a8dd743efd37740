//! The head of a document: what kind of object it is and what its annotations say.

use std::collections::BTreeMap;

use goyaml::{Error, Map, Value};

/// What of a document matters to Helm (as Helm 4.3: `SimpleHead`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`
    pub api_version: String,
    /// `kind`
    pub kind: String,
    /// `metadata.name`
    pub name: String,
    /// `metadata.annotations`
    pub annotations: BTreeMap<String, String>,
}

/// The Go type of `metadata`, as errors name it.
const METADATA: &str =
    "struct { Name string \"json:\\\"name\\\"\"; Annotations map[string]string \"json:\\\"annotations\\\"\" }";

impl Head {
    /// Reads the head of a document.
    ///
    /// # Errors
    /// The document is no YAML, or the parts of the head are not what they must be.
    pub fn read(document: &str) -> Result<Self, Error> {
        let mut head = Self::default();
        let wanted = |key: &str| same(key, "apiVersion") || same(key, "kind") || same(key, "metadata");
        let root = match goyaml::from_yaml_some(document, wanted, is_text)? {
            Value::Map(map) => map,
            Value::Null => return Ok(head),
            other => return Err(Error::unmarshal_type(other.json_kind(), "util.SimpleHead").in_unmarshal()),
        };
        // As `encoding/json`: keys in order, case ignored, the first error counts and the rest is still read.
        let mut first = None;
        for (key, value) in &root {
            if same(key, "apiVersion") {
                text(&mut head.api_version, value, ".apiVersion", &mut first);
            } else if same(key, "kind") {
                text(&mut head.kind, value, ".kind", &mut first);
            } else if same(key, "metadata") {
                head.metadata(value, &mut first);
            }
        }
        match first {
            Some(error) => Err(error),
            None => Ok(head),
        }
    }

    fn metadata(&mut self, value: &Value, first: &mut Option<Error>) {
        let Some(map) = object(value, ".metadata", METADATA, first) else { return };
        for (key, value) in map {
            if same(key, "name") {
                text(&mut self.name, value, ".metadata.name", first);
            } else if same(key, "annotations") {
                let Some(map) = object(value, ".metadata.annotations", "map[string]string", first) else { continue };
                for (key, value) in map {
                    let entry = self.annotations.entry(key.clone()).or_default();
                    // Go names the place as a JSON pointer would.
                    let place = key.replace('~', "~0").replace('/', "~1");
                    text(entry, value, &format!(".metadata.annotations.{place}"), first);
                }
            }
        }
    }
}

/// Tells whether a field is a string in Go's type.
fn is_text(path: &[String]) -> bool {
    match path {
        [field] => same(field, "apiVersion") || same(field, "kind"),
        [metadata, field] => same(metadata, "metadata") && same(field, "name"),
        [metadata, annotations, _] => same(metadata, "metadata") && same(annotations, "annotations"),
        _ => false,
    }
}

fn same(key: &str, field: &str) -> bool {
    key.eq_ignore_ascii_case(field)
}

fn object<'v>(value: &'v Value, field: &str, go_type: &str, first: &mut Option<Error>) -> Option<&'v Map> {
    match value {
        Value::Map(map) => Some(map),
        Value::Null => None,
        other => {
            first.get_or_insert_with(|| Error::unmarshal_field(other.json_kind(), field, go_type).in_unmarshal());
            None
        }
    }
}

fn text(into: &mut String, value: &Value, field: &str, first: &mut Option<Error>) {
    match value.scalar_text() {
        Some(text) => *into = text,
        None if value.is_null() => {}
        None => {
            first.get_or_insert_with(|| Error::unmarshal_field(value.json_kind(), field, "string").in_unmarshal());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As helm-oracle (`manifests`) says of each.
    #[test]
    fn what_is_no_number_in_json_can_be_a_text() {
        let kind = |text: &str| Head::read(text).map(|head| head.kind);
        assert_eq!(kind("kind: .inf\n").as_deref(), Ok("+Inf"));
        assert_eq!(kind("Kind: .nan\n").as_deref(), Ok("NaN"));
        let head = Head::read("metadata: {name: -.inf, annotations: {a: .inf, b: x}}\n").unwrap();
        assert_eq!((head.name.as_str(), head.annotations.get("a").map(String::as_str)), ("-Inf", Some("+Inf")));
        for text in [
            "kind: .inf\nm: .inf\n",
            "kind: [.inf]\n",
            "kind: {a: .inf}\n",
            "metadata: .inf\n",
            "metadata: {a: .inf}\n",
            "metadata: {annotations: {a: [.inf]}}\n",
        ] {
            let want = "error converting YAML to JSON: json: unsupported value: +Inf";
            assert_eq!(kind(text).unwrap_err().to_string(), want, "{text}");
        }
    }
}
