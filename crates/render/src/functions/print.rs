//! How values become text.

use gotext::strconv;
use gotext::{Arena, Value};

/// What `fmt.Sprintf("%v", v)` gives.
pub(crate) fn sprint<'a>(arena: &'a Arena, value: Value<'a>) -> Vec<u8> {
    let mut out = Vec::new();
    gotext::fmt::append_value(&mut out, arena, value);
    out
}

/// Sprig's `strval`: a text as it is, bytes as a text, all else as `%v`.
pub(crate) fn to_text<'a>(arena: &'a Arena, value: Value<'a>) -> Vec<u8> {
    match value {
        Value::Str(s) => s.to_vec(),
        Value::List(list) if list.elem == gotext::GoType::Uint8 => list.items().iter().map(byte).collect(),
        Value::Object(object) => match object.bytes() {
            Some(bytes) => bytes.to_vec(),
            None => sprint(arena, value),
        },
        _ => sprint(arena, value),
    }
}

fn byte(value: &Value<'_>) -> u8 {
    match value {
        Value::Uint(v, _) => *v as u8,
        _ => 0,
    }
}

/// What `%q` gives for a text.
pub(crate) fn quoted(text: &[u8]) -> String {
    strconv::quote(text)
}
