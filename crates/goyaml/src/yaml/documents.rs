//! Streams of documents, and values files (`k8s.io/apimachinery/pkg/util/yaml`, Helm's `pkg/chart/v2/loader`).

use std::borrow::Cow;

use super::read::from_yaml_map;
use crate::error::{Error, ErrorKind};
use crate::value::{Map, Value};

/// Splits a stream at its `---` lines as `utilyaml.NewYAMLReader` does: line ends become line feeds, documents
/// without any line are left out, and a separator stays where there is nothing before it.
///
/// # Errors
/// A separator with anything but a comment behind it; the documents before it come first.
pub fn split_documents(text: &[u8]) -> impl Iterator<Item = Result<Cow<'_, [u8]>, Error>> {
    Documents { rest: text }
}

struct Documents<'a> {
    rest: &'a [u8],
}

/// The lines of a document so far: a part of the text for as long as they are just that.
struct Lines<'a> {
    text: &'a [u8],
    taken: usize,
    changed: Option<Vec<u8>>,
}

impl<'a> Lines<'a> {
    fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// Takes a line that is `whole` in the text and `line` without its end.
    fn push(&mut self, whole: &[u8], line: &[u8]) {
        if self.changed.is_none() && whole.len() != line.len() + 1 {
            self.changed = Some(self.text.get(..self.taken).unwrap_or_default().to_vec());
        }
        self.taken += whole.len();
        if let Some(out) = &mut self.changed {
            out.extend_from_slice(line);
            out.push(b'\n');
        }
    }

    fn finish(self) -> Cow<'a, [u8]> {
        match self.changed {
            Some(lines) => Cow::Owned(lines),
            None => Cow::Borrowed(self.text.get(..self.taken).unwrap_or_default()),
        }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Cow<'a, [u8]>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut lines = Lines { text: self.rest, taken: 0, changed: None };
        while !self.rest.is_empty() {
            let end = self.rest.iter().position(|&c| c == b'\n');
            let (whole, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
            self.rest = rest;
            // A carriage return belongs to the line's end only where there is one.
            let line = match whole.strip_suffix(b"\n") {
                Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
                None => whole,
            };
            if let Some(behind) = line.strip_prefix(b"---") {
                let behind = String::from_utf8_lossy(behind);
                let behind = behind.trim();
                if !behind.is_empty() && !behind.starts_with('#') {
                    self.rest = &[];
                    let problem = format!("invalid Yaml document separator: {behind}");
                    return Some(Err(Error::new(ErrorKind::Separator, problem)));
                }
                if !lines.is_empty() {
                    return Some(Ok(lines.finish()));
                }
            }
            lines.push(whole, line);
        }
        (!lines.is_empty()).then(|| Ok(lines.finish()))
    }
}

/// Reads a values file: all its documents, each laid over those before it (`loader.LoadValues`).
///
/// # Errors
/// With Helm's words around Go's, for example `cannot unmarshal yaml document: error converting YAML to JSON: ...`.
pub fn load_values(text: impl AsRef<[u8]>) -> Result<Map, Error> {
    let text = text.as_ref();
    // Helm gives the last line an end, and a carriage return before it then belongs to that end.
    let text = if text.ends_with(b"\r") { Cow::Owned([text, b"\n"].concat()) } else { Cow::Borrowed(text) };
    let mut values = Map::new();
    for document in split_documents(&text) {
        let document = document.map_err(|e| e.wrapped("error reading yaml document: "))?;
        let over = from_yaml_map(document).map_err(|e| e.wrapped("cannot unmarshal yaml document: "))?;
        merge_maps(&mut values, over);
    }
    Ok(values)
}

/// Lays `over` over `base`: mappings that both have under a key are merged, all else is replaced
/// (`loader.MergeMaps`).
pub fn merge_maps(base: &mut Map, over: Map) {
    if base.is_empty() {
        *base = over;
        return;
    }
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Map(below)), Value::Map(above)) => merge_maps(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        split_documents(text.as_bytes())
            .map(|d| d.map_or_else(|e| format!("! {e}"), |d| String::from_utf8(d.into_owned()).unwrap()))
            .collect()
    }

    #[test]
    fn separators() {
        assert_eq!(split("a: 1\n---\nb: 2"), ["a: 1\n", "b: 2\n"]);
        assert_eq!(split("---\na: 1\n--- # x\r\nb: 2\r\n"), ["---\na: 1\n", "b: 2\n"]);
        assert_eq!(split("---\n---\n---\na\n"), ["---\n", "---\na\n"]);
        assert_eq!(split("a\n---x\nb"), ["! invalid Yaml document separator: x"]);
        assert_eq!(split(""), Vec::<String>::new());
    }

    #[test]
    fn values_are_merged() {
        let values = load_values("a: {b: 1, c: 2}\n---\na: {b: null, d: [1]}\n").unwrap();
        let text = crate::to_json(&values).unwrap();
        assert_eq!(text, r#"{"a":{"b":null,"c":2,"d":[1]}}"#);
        assert_eq!(load_values(b"\xfe\xff\0{\0}\0\r").unwrap(), Map::new());
        assert_eq!(
            load_values(b"\xfe\xff\0{\0}").unwrap_err().to_string().rsplit(": ").next(),
            Some("incomplete UTF-16 character")
        );
        let unclosed =
            |text: &str| load_values(text).unwrap_err().to_string().rsplit("yaml: ").next().map(str::to_owned);
        assert_eq!(unclosed("\"\n\r").as_deref(), Some("line 3: found unexpected end of stream"));
        assert_eq!(unclosed("\"\r").as_deref(), Some("line 2: found unexpected end of stream"));
        assert_eq!(
            load_values("- a").unwrap_err().to_string(),
            "cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal \
             array into Go value of type map[string]interface {}"
        );
        assert_eq!(
            load_values("a: 1\n--- x\n").unwrap_err().to_string(),
            "error reading yaml document: invalid Yaml document separator: x"
        );
    }
}
