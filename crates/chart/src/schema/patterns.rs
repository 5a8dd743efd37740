//! Regular expressions in a schema: Helm's are Go's, our library's are those of JavaScript and Rust.
//!
//! Each is written in our library's syntax before it sees the schema, and texts show what was written first.

use std::collections::HashMap;

use gotext::regexp::translated;
use serde_json::{Map, Value};

use super::references::is_data;

/// What was written, by what stands for it now.
#[derive(Default)]
pub(super) struct Originals(HashMap<String, String>);

impl Originals {
    /// What was written.
    pub(super) fn of<'s>(&'s self, text: &'s str) -> &'s str {
        self.0.get(text).map_or(text, String::as_str)
    }

    /// A place in the schema, with what was written.
    pub(super) fn in_pointer(&self, pointer: String) -> String {
        if self.0.is_empty() || !pointer.contains("/patternProperties/") {
            return pointer;
        }
        let part = |part: &str| {
            let key = part.replace("~1", "/").replace("~0", "~");
            self.0.get(&key).map_or_else(|| part.to_owned(), |written| written.replace('~', "~0").replace('/', "~1"))
        };
        pointer.split('/').map(part).collect::<Vec<_>>().join("/")
    }

    /// Puts what our library reads as Go reads the expressions in their place.
    pub(super) fn replace(&mut self, schema: &mut Value) {
        match schema {
            Value::Object(map) => {
                for (key, value) in map.iter_mut() {
                    match value {
                        Value::String(pattern) if key == "pattern" => {
                            if let Some(text) = self.replacement(pattern) {
                                *pattern = text;
                            }
                        }
                        Value::Object(properties) if key == "patternProperties" => {
                            let entries = std::mem::take(properties).into_iter();
                            *properties = entries
                                .map(|(key, value)| (self.replacement(&key).unwrap_or(key), value))
                                .collect::<Map<_, _>>();
                        }
                        _ => {}
                    }
                    if !is_data(key) {
                        self.replace(value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item)),
            _ => {}
        }
    }

    fn replacement(&mut self, pattern: &str) -> Option<String> {
        let mut text = match translated(pattern.as_bytes()) {
            // What Go refuses must be refused, too: no library takes this.
            Err(_) => format!("({}", self.0.len()),
            Ok(text) if text == pattern => return None,
            Ok(text) => text,
        };
        // Two that mean the same are still told apart.
        while self.0.get(&text).is_some_and(|other| other != pattern) {
            text = format!("(?:{text})");
        }
        self.0.insert(text.clone(), pattern.to_owned());
        Some(text)
    }
}
