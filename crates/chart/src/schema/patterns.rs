//! Regular expressions in a schema: Helm's are Go's, our library's are those of JavaScript and Rust.
//!
//! What both understand alike is left alone. The rest is written in our library's syntax before it sees the schema, and
//! texts show what was written first.

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

    /// Puts what our library reads in the place of expressions that it would read otherwise than Go.
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
        let text = match translated(pattern.as_bytes()) {
            // What Go refuses must be refused, too: no library takes this.
            Err(_) => format!("({}", self.0.len()),
            Ok(text) if differs(pattern) => text,
            Ok(_) => return None,
        };
        self.0.insert(text.clone(), pattern.to_owned());
        Some(text)
    }
}

/// Tells whether an expression may mean something else to our library.
fn differs(pattern: &str) -> bool {
    const APART: [&str; 6] = ["(?", "[]", "[^]", "&&", "--", "~~"];
    if APART.iter().any(|part| pattern.contains(part)) {
        return true;
    }
    let mut in_class = false;
    let mut bytes = pattern.bytes().enumerate().peekable();
    while let Some((at, b)) = bytes.next() {
        match b {
            // A class in a class is a character to Go.
            b'[' if in_class => return true,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'{' if !in_class && !is_repetition(pattern.get(at + 1..).unwrap_or_default()) => return true,
            b'\\' => match bytes.next() {
                // `[\d-z]` is a class and two characters to Go.
                Some((_, b'd' | b'D' | b'w' | b'W')) if bytes.peek().is_none_or(|(_, next)| *next != b'-') => {}
                Some((_, escaped)) if escaped.is_ascii_punctuation() => {}
                _ => return true,
            },
            _ => {}
        }
    }
    false
}

/// Tells whether what follows a `{` makes it a repetition; to Go it is a character otherwise.
fn is_repetition(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, "0"));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    !least.is_empty() && number(least) && (most.is_empty() || number(most))
}

#[cfg(test)]
mod tests {
    use super::differs;

    #[test]
    fn what_both_read_alike_is_left_alone() {
        for (pattern, want) in [
            ("^[a-z]+$", false),
            ("a{2}b{2,}c{2,10}", false),
            ("\\d+\\.[\\w.]*", false),
            ("[{]}", false),
            ("{", true),
            ("a{", true),
            ("a{,2}", true),
            ("a{01}", true),
            ("${x}", true),
            ("[a[b]", true),
            ("[[:alpha:]]", true),
            ("[\\d-z]", true),
            ("\\z", true),
        ] {
            assert_eq!(differs(pattern), want, "{pattern}");
        }
    }
}
