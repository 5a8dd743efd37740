//! Documents as Kubernetes reads them: YAML, or JSON (as `k8s.io/apimachinery` 0.37: `pkg/util/yaml/decoder.go`).

use goyaml::{Error, Map, Value};

/// How far JSON's opening brace is looked for.
const PEEK: usize = 4096;

/// What the rules look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
}

/// Reads the documents up to the first that is wrong; `null` is no document.
pub(crate) fn documents(data: &[u8]) -> Vec<Result<Option<Head>, String>> {
    let peeked = data.get(..data.len().min(PEEK)).unwrap_or_default();
    let is_json = String::from_utf8_lossy(peeked).trim_start().starts_with('{');
    if !is_json {
        return yaml(data);
    }
    let mut found = Vec::new();
    let mut stream = serde_json::Deserializer::from_slice(data).into_iter::<serde_json::Value>();
    let mut end = 0;
    let wrong = loop {
        match stream.next() {
            None => return found,
            Some(Ok(value)) => {
                end = stream.byte_offset();
                let head = goyaml::from_json_keep_ints(value.to_string()).and_then(Head::read);
                match head {
                    Ok(head) => found.push(Ok(head)),
                    Err(error) => break bare(&error),
                }
            }
            Some(Err(error)) => break syntax(data, end, &error),
        }
    };
    // One object may be the first document of a YAML stream; several are JSON for good.
    if found.len() > 1 {
        found.push(Err(wrong));
        return found;
    }
    let rest = data.get(end..).unwrap_or_default();
    let blank = rest.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(rest.len());
    let line = rest.get(..blank).and_then(|blank| blank.iter().position(|b| *b == b'\n')).map(|at| at + 1);
    for document in yaml(rest.get(line.unwrap_or(blank)..).unwrap_or_default()) {
        found.push(document.map_err(|_| wrong.clone()));
    }
    found
}

/// The error of a JSON decoder, without the words that YAML's puts in front.
fn bare(error: &Error) -> String {
    let text = error.to_string();
    text.rsplit_once("while decoding JSON: ").map_or(text.clone(), |(_, text)| text.to_owned())
}

/// Says where JSON is wrong as Go does, as far as its own reader tells.
fn syntax(data: &[u8], from: usize, error: &serde_json::Error) -> String {
    let text =
        goyaml::from_json(data.get(from..).unwrap_or_default()).map_or_else(|e| e.to_string(), |_| error.to_string());
    let before: usize =
        data.split_inclusive(|b| *b == b'\n').take(error.line().saturating_sub(1)).map(<[u8]>::len).sum();
    format!("json: offset {}: {text}", before + error.column())
}

fn yaml(data: &[u8]) -> Vec<Result<Option<Head>, String>> {
    let mut found = Vec::new();
    for document in goyaml::split_documents(data) {
        let head = document.and_then(|text| goyaml::from_yaml_keep_ints(text.as_ref())).and_then(Head::read);
        let failed = head.is_err();
        found.push(head.map_err(|error| error.to_string()));
        if failed {
            break;
        }
    }
    found
}

impl Head {
    /// Takes the fields as Go's `encoding/json` does: keys in order, case ignored, the first error counts.
    fn read(value: Value) -> Result<Option<Self>, Error> {
        let map = match value {
            Value::Null => return Ok(None),
            Value::Map(map) => map,
            other => return Err(Error::unmarshal_type(other.json_kind(), "rules.k8sYamlStruct").in_unmarshal()),
        };
        let (mut head, mut first) = (Self::default(), None);
        for (key, value) in &map {
            match key.to_ascii_lowercase().as_str() {
                "apiversion" => text(&mut head.api_version, value, ".apiVersion", &mut first),
                "kind" => text(&mut head.kind, value, ".kind", &mut first),
                "metadata" => head.metadata(value, &mut first),
                _ => {}
            }
        }
        first.map_or(Ok(Some(head)), Err)
    }

    fn metadata(&mut self, value: &Value, first: &mut Option<Error>) {
        let none = Map::new();
        let map = match value {
            Value::Map(map) => map,
            Value::Null => &none,
            other => {
                first.get_or_insert_with(|| {
                    Error::unmarshal_field(other.json_kind(), ".metadata", "rules.k8sYamlMetadata").in_unmarshal()
                });
                &none
            }
        };
        let mut namespace = String::new();
        for (key, value) in map {
            match key.to_ascii_lowercase().as_str() {
                "name" => text(&mut self.name, value, ".metadata.name", first),
                "namespace" => text(&mut namespace, value, ".metadata.namespace", first),
                _ => {}
            }
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
