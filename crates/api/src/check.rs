//! Checks a body against a type of the document, and says all that is wrong with it at once.
//!
//! It knows the part of JSON Schema that the document's input types use. What it lets through, serde can read.

use serde_json::{Map, Value};

use crate::document::schemas;
use crate::parameter::alternatives;
use crate::problem::InputError;

/// Checks a value against the type of a name.
#[must_use]
pub fn check(type_name: &str, value: &Value) -> Vec<InputError> {
    let mut errors = Vec::new();
    if let Some(schema) = schemas().get(type_name) {
        visit(schema, value, "", &mut errors);
    }
    errors
}

fn visit(schema: &Value, value: &Value, pointer: &str, errors: &mut Vec<InputError>) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let name = target.rsplit('/').next().unwrap_or(target);
        if let Some(found) = schemas().get(name) {
            visit(found, value, pointer, errors);
        }
        return;
    }
    if let Some(all) = schema.get("oneOf").and_then(Value::as_array) {
        return alternatives_of(all, value, pointer, errors);
    }
    if let Some(allowed) = types(schema)
        && !allowed.iter().any(|t| is_of(t, value))
    {
        let wanted = allowed.iter().filter(|t| **t != "null").map(|t| article(t)).collect::<Vec<_>>().join(" or ");
        errors.push(InputError::body(pointer, format!("expected {wanted}, found {}", found(value))));
        return;
    }
    if value.is_null() {
        return;
    }
    if let Some(choices) = schema.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        errors.push(not_a_choice(choices, value, pointer));
    }
    range(schema, value, pointer, errors);
    match value {
        Value::Object(map) => object(schema, map, pointer, errors),
        Value::Array(items) => {
            if let Some(item) = schema.get("items") {
                for (index, value) in items.iter().enumerate() {
                    visit(item, value, &format!("{pointer}/{index}"), errors);
                }
            }
        }
        _ => {}
    }
}

fn object(schema: &Value, map: &Map<String, Value>, pointer: &str, errors: &mut Vec<InputError>) {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let others = schema.get("additionalProperties");
    for (name, value) in map {
        let place = format!("{pointer}/{}", escape(name));
        match (properties.get(name), others) {
            (Some(property), _) => visit(property, value, &place, errors),
            (None, Some(Value::Bool(false))) => {
                let mut error = InputError::body(place, "unknown field");
                error.hint = nearest(name, properties.keys().map(String::as_str)).or_else(|| {
                    let names: Vec<&str> = properties.keys().map(String::as_str).collect();
                    Some(format!("known here: {}", alternatives(&names).replace(" or ", " and ")))
                });
                errors.push(error);
            }
            (None, Some(other)) if other.is_object() => visit(other, value, &place, errors),
            (None, _) => {}
        }
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(name) {
            errors.push(InputError::body(format!("{pointer}/{}", escape(name)), "missing"));
        }
    }
}

/// A nullable type, a choice among scalars, or an enumeration whose members are documented one by one.
fn alternatives_of(all: &[Value], value: &Value, pointer: &str, errors: &mut Vec<InputError>) {
    let tries: Vec<Vec<InputError>> = all
        .iter()
        .map(|schema| {
            let mut errors = Vec::new();
            visit(schema, value, pointer, &mut errors);
            errors
        })
        .collect();
    if tries.iter().any(Vec::is_empty) {
        return;
    }
    let real: Vec<(&Value, Vec<InputError>)> =
        all.iter().zip(tries).filter(|(schema, _)| types(schema).is_none_or(|t| t != ["null"])).collect();
    if let [(_, only)] = real.as_slice() {
        errors.extend(only.iter().cloned());
        return;
    }
    let mut choices = Vec::new();
    for (schema, _) in &real {
        match schema.get("enum").and_then(Value::as_array) {
            Some(values) => choices.extend(values.iter().cloned()),
            None => match types(schema).as_deref() {
                Some(["boolean"]) => choices.extend([Value::Bool(true), Value::Bool(false)]),
                _ => {
                    errors.push(InputError::body(pointer, format!("{} does not fit here", found(value))));
                    return;
                }
            },
        }
    }
    errors.push(not_a_choice(&choices, value, pointer));
}

fn not_a_choice(choices: &[Value], value: &Value, pointer: &str) -> InputError {
    let names: Vec<String> = choices.iter().map(plain).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut error =
        InputError::body(pointer, format!("expected {}, found `{}`", alternatives(&names), shorten(&plain(value))));
    if let Value::String(text) = value {
        error.hint = nearest(text, names.iter().copied());
    }
    error
}

fn range(schema: &Value, value: &Value, pointer: &str, errors: &mut Vec<InputError>) {
    let Some(number) = value.as_f64() else { return };
    if let Some(least) = schema.get("minimum").and_then(Value::as_f64)
        && number < least
    {
        errors.push(InputError::body(pointer, format!("expected {least} or more, found {value}")));
    }
    let greatest = schema.get("maximum").and_then(Value::as_f64).or_else(|| {
        let format = schema.get("format").and_then(Value::as_str);
        (format == Some("int32")).then_some(f64::from(u32::MAX))
    });
    if let Some(greatest) = greatest
        && number > greatest
    {
        errors.push(InputError::body(pointer, format!("expected {greatest} or less, found {value}")));
    }
}

fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn article(name: &str) -> &str {
    match name {
        "boolean" => "true or false",
        "string" => "a string",
        "integer" => "a whole number",
        "number" => "a number",
        "array" => "a list",
        "object" => "an object",
        other => other,
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("the string `{}`", shorten(text)),
        other => format!("`{other}`"),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Finds the known name that was probably meant.
pub(crate) fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let limit = (name.chars().count() / 3).max(1) + usize::from(name.chars().count() > 3);
    known
        .map(|k| (distance(&name.to_lowercase(), &k.to_lowercase()), k))
        .filter(|(d, _)| *d <= limit)
        .min()
        .map(|(_, k)| format!("did you mean `{k}`?"))
}

/// The number of letters to add, drop or change, bounded in what it looks at.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((y, above), above_left) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or_default();
            next.push((above_left + usize::from(x != y)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let body = json!({
            "chrt": {"upload": "x"}, "chart": {"uplod": "x"}, "values": [], "set": ["a=1", 2],
            "wait": {"strategy": "watch", "timeout": 5}, "apply": {"serverSide": "yes"}, "historyMax": -1,
            "labels": {"a": 1, "b": null}, "crds": null, "valueStrategy": "resetthenreuse"
        });
        let errors: Vec<(String, String, Option<String>)> =
            check("ChangeBody", &body).into_iter().map(|e| (e.pointer.unwrap(), e.detail, e.hint)).collect();
        let expected = [
            ("/chrt", "unknown field", Some("did you mean `chart`?")),
            ("/chart/uplod", "unknown field", Some("did you mean `upload`?")),
            ("/values", "expected an object, found a list", None),
            ("/set/1", "expected a string, found `2`", None),
            (
                "/wait/strategy",
                "expected `watcher`, `hookOnly` or `legacy`, found `watch`",
                Some("did you mean `watcher`?"),
            ),
            ("/wait/timeout", "expected a string, found `5`", None),
            ("/apply/serverSide", "expected `auto`, `true` or `false`, found `yes`", None),
            ("/historyMax", "expected 0 or more, found -1", None),
            ("/labels/a", "expected a string, found `1`", None),
            ("/crds", "expected a string, found null", None),
            (
                "/valueStrategy",
                "expected `reset`, `reuse`, `resetThenReuse` or `auto`, found `resetthenreuse`",
                Some("did you mean `resetThenReuse`?"),
            ),
        ];
        for (pointer, detail, hint) in expected {
            let wanted = (pointer.to_owned(), detail.to_owned(), hint.map(str::to_owned));
            assert!(errors.contains(&wanted), "{wanted:?} is not in {errors:#?}");
        }
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
    }

    #[test]
    fn what_is_let_through_can_be_read() {
        let body = json!({
            "chart": {"upload": "x", "version": null}, "values": {"a": 1, "b": null}, "set": ["a=1"],
            "wait": {"strategy": "watcher", "timeout": "5m", "jobs": true}, "apply": {"serverSide": true},
            "labels": {"b": null}, "historyMax": 0, "description": null
        });
        assert_eq!(check("ChangeBody", &body), []);
        let read: crate::ChangeBody = serde_json::from_value(body).unwrap();
        assert_eq!(read.history_max, Some(0));
        assert_eq!(check("ChangeBody", &json!([])).len(), 1);
        assert_eq!(check("RollbackBody", &json!({"revision": 4_294_967_296_u64})).len(), 1);
    }
}
