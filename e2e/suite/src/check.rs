//! Assertions that return an error instead of ending the run.

use std::fmt::Debug;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Fails unless both are equal.
pub(crate) fn equal<A: PartialEq<B> + Debug, B: Debug>(what: &str, found: A, expected: B) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    bail!("{what}: found {found:?}, expected {expected:?}")
}

/// Fails unless a text holds another.
pub(crate) fn contains(what: &str, text: &str, part: &str) -> Result<()> {
    if text.contains(part) {
        return Ok(());
    }
    bail!("{what} does not contain {part:?}:\n{text}")
}

/// Fails unless two texts are the same; says where they part.
pub(crate) fn same_text(what: &str, found: &str, expected: &str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let line = found.lines().zip(expected.lines()).take_while(|(f, e)| f == e).count();
    let around = |text: &str| {
        text.lines()
            .enumerate()
            .skip(line.saturating_sub(2))
            .take(6)
            .map(|(n, l)| format!("    {:>5} {l}\n", n + 1))
            .collect::<String>()
    };
    bail!(
        "{what} differ from line {} ({} and {} bytes)\n  found:\n{}  expected:\n{}",
        line + 1,
        found.len(),
        expected.len(),
        around(found),
        around(expected)
    )
}

/// Returns what is at a JSON pointer.
pub(crate) fn at<'v>(value: &'v Value, pointer: &str) -> Result<&'v Value> {
    value.pointer(pointer).with_context(|| format!("nothing at `{pointer}` of {value}"))
}

/// Returns the text at a JSON pointer.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    at(value, pointer)?.as_str().with_context(|| format!("`{pointer}` is no text in {value}"))
}

/// Returns the list at a JSON pointer.
pub(crate) fn list<'v>(value: &'v Value, pointer: &str) -> Result<&'v Vec<Value>> {
    at(value, pointer)?.as_array().with_context(|| format!("`{pointer}` is no list in {value}"))
}

/// Fails unless a JSON pointer leads to this value.
pub(crate) fn is(value: &Value, pointer: &str, expected: impl Into<Value>) -> Result<()> {
    let (found, expected) = (at(value, pointer)?, expected.into());
    if *found == expected {
        return Ok(());
    }
    bail!("`{pointer}` is {found}, expected {expected}, in {value}")
}

/// Returns the texts at a pointer of each item of a list.
pub(crate) fn column<'v>(items: &'v [Value], pointer: &str) -> Result<Vec<&'v str>> {
    items.iter().map(|item| text(item, pointer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_difference_names_its_line() {
        let error = same_text("manifests", "a\nb\nc\n", "a\nX\nc\n").unwrap_err().to_string();
        assert!(error.contains("from line 2"), "{error}");
        assert!(same_text("manifests", "a", "a\n").is_err());
    }

    #[test]
    fn pointers_lead_to_values() {
        let value = json!({"a": [{"b": "x"}, {"b": "y"}], "n": 1});
        assert_eq!(column(list(&value, "/a").unwrap(), "/b").unwrap(), ["x", "y"]);
        is(&value, "/n", 1).unwrap();
        assert!(is(&value, "/n", "1").unwrap_err().to_string().contains("expected \"1\""));
        assert!(text(&value, "/none").is_err());
    }
}
