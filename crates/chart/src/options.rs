//! Values as they come in on a command line or in a request, in Helm's order of precedence
//! (as Helm 4.3: `pkg/cli/values/options.go`).

use goyaml::{Map, Value};

use crate::strvals;

/// Values from several places; what comes later in the list of fields wins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueOptions {
    /// Values files, already read: their names and contents (`-f`).
    pub files: Vec<(String, Vec<u8>)>,
    /// JSON objects, or `key=json` (`--set-json`).
    pub json: Vec<String>,
    /// `key=value` (`--set`).
    pub set: Vec<String>,
    /// `key=text` (`--set-string`).
    pub string: Vec<String>,
    /// `key=path` (`--set-file`).
    pub file: Vec<String>,
    /// `key=text`, the text taken as it is (`--set-literal`).
    pub literal: Vec<String>,
}

/// Values could not be read; the text is Helm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct OptionsError(pub String);

impl ValueOptions {
    /// Merges everything into one table. `read` gives the content of a file that `--set-file` names.
    ///
    /// # Errors
    /// Names the option that cannot be read.
    pub fn merge(&self, read: &mut dyn FnMut(&str) -> Result<Vec<u8>, String>) -> Result<Map, OptionsError> {
        let mut base = Map::new();
        for (name, data) in &self.files {
            let values = goyaml::load_values(data).map_err(|e| OptionsError(format!("failed to parse {name}: {e}")))?;
            goyaml::merge_maps(&mut base, values);
        }
        for text in &self.json {
            let trimmed = text.trim();
            if trimmed.starts_with('{') {
                let values = goyaml::from_json_map(trimmed)
                    .map_err(|_| OptionsError(format!("failed parsing --set-json data JSON: {text}")))?;
                goyaml::merge_maps(&mut base, values);
            } else {
                strvals::parse_json(text, &mut base)
                    .map_err(|_| OptionsError(format!("failed parsing --set-json data {text}")))?;
            }
        }
        for text in &self.set {
            strvals::parse_into(text, &mut base).map_err(|e| wrap("--set", &e))?;
        }
        for text in &self.string {
            strvals::parse_into_string(text, &mut base).map_err(|e| wrap("--set-string", &e))?;
        }
        let mut value = |path: &str| Ok(Value::Str(String::from_utf8_lossy(&read(path)?).into_owned()));
        for text in &self.file {
            strvals::parse_into_file(text, &mut base, &mut value).map_err(|e| wrap("--set-file", &e))?;
        }
        for text in &self.literal {
            strvals::parse_literal_into(text, &mut base).map_err(|e| wrap("--set-literal", &e))?;
        }
        Ok(base)
    }
}

fn wrap(option: &str, error: &strvals::SetError) -> OptionsError {
    OptionsError(format!("failed parsing {option} data: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_files(path: &str) -> Result<Vec<u8>, String> {
        Err(format!("open {path}: no such file or directory"))
    }

    #[test]
    fn later_kinds_win() {
        let mut options = ValueOptions {
            files: vec![("a.yaml".into(), b"a: 1\nb: {x: 1}\n---\nb: {w: 2}".to_vec())],
            json: vec!["{\"a\": 2}".into(), "b.z=[1]".into()],
            set: vec!["a=3".into()],
            string: vec!["a=4".into()],
            file: vec!["a=path".into()],
            literal: vec!["a=5,6".into()],
        };
        let mut read = |_: &str| Ok(b"content".to_vec());
        let show = |map: Map| serde_json::to_string(&map).unwrap();
        assert_eq!(show(options.merge(&mut read).unwrap()), r#"{"a":"5,6","b":{"w":2,"x":1,"z":[1]}}"#);
        options.literal.clear();
        assert_eq!(show(options.merge(&mut read).unwrap()), r#"{"a":"content","b":{"w":2,"x":1,"z":[1]}}"#);
        options.file.clear();
        assert_eq!(show(options.merge(&mut read).unwrap()), r#"{"a":"4","b":{"w":2,"x":1,"z":[1]}}"#);
    }

    #[test]
    fn errors_name_the_option() {
        let empty = ValueOptions::default();
        for (options, want) in [
            (
                ValueOptions { set: vec!["a".into()], ..empty.clone() },
                "failed parsing --set data: key \"a\" has no value",
            ),
            (ValueOptions { json: vec!["{x".into()], ..empty.clone() }, "failed parsing --set-json data JSON: {x"),
            (ValueOptions { json: vec!["a=x".into()], ..empty.clone() }, "failed parsing --set-json data a=x"),
            (
                ValueOptions { file: vec!["a=x".into()], ..empty.clone() },
                "failed parsing --set-file data: open x: no such file or directory",
            ),
        ] {
            assert_eq!(options.merge(&mut no_files).unwrap_err().to_string(), want);
        }
    }
}
