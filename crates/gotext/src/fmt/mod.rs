//! Go's `fmt`: `Sprintf`, `Sprint` and `Sprintln` over template values.
//!
//! The functions take the arena because a host object makes its plain value there.

mod format;
mod print;
mod sprintf;

use crate::{Arena, Value};
use print::Printer;

pub use sprintf::append_sprintf;

/// Formats as `fmt.Sprintf`.
pub fn sprintf<'a>(arena: &'a Arena, format: &[u8], args: &[Value<'a>]) -> Vec<u8> {
    let mut out = Vec::new();
    append_sprintf(&mut out, arena, format, args);
    out
}

/// Formats as `fmt.Sprint`: a space stands between two operands when neither is a string.
pub fn sprint<'a>(arena: &'a Arena, args: &[Value<'a>]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut previous_string = false;
    for (at, arg) in args.iter().enumerate() {
        if !arena.has_room(out.len()) {
            break;
        }
        let string = match arg {
            Value::Str(_) => true,
            Value::Object(object) => object.kind() == crate::Kind::String,
            _ => false,
        };
        if at > 0 && !string && !previous_string {
            out.push(b' ');
        }
        append_value(&mut out, arena, *arg);
        previous_string = string;
    }
    out
}

/// Formats as `fmt.Sprintln`: a space between all operands, and a line feed.
pub fn sprintln<'a>(arena: &'a Arena, args: &[Value<'a>]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if !arena.has_room(out.len()) {
            break;
        }
        if at > 0 {
            out.push(b' ');
        }
        append_value(&mut out, arena, *arg);
    }
    out.push(b'\n');
    out
}

/// Appends a value as `%v` prints it: `<nil>` for nil.
pub fn append_value<'a>(out: &mut Vec<u8>, arena: &'a Arena, value: Value<'a>) {
    match value {
        Value::Str(s) => out.extend_from_slice(s),
        Value::Nil => out.extend_from_slice(b"<nil>"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Int(v, _) => append_int(out, v),
        // All numbers of values files are floats, and most of them whole; -0 is not for here.
        Value::Float(v, _) if v.fract() == 0.0 && v.abs() < 1e6 && v.is_sign_positive() => append_int(out, v as i64),
        _ => Printer::new(out, arena).print_arg(value, 'v'),
    }
}

/// Appends a value as `%v` prints it, or rather what it points to: Go's templates follow a pointer before they print.
pub(crate) fn append_pointee<'a>(out: &mut Vec<u8>, arena: &'a Arena, value: Value<'a>) {
    let start = out.len();
    append_value(out, arena, value);
    if let Value::Object(object) = value
        && object.kind() == crate::Kind::Ptr
        && object.string().is_none()
        && out.get(start) == Some(&b'&')
    {
        out.remove(start);
    }
}

/// Appends a decimal integer.
fn append_int(out: &mut Vec<u8>, value: i64) {
    let mut buffer = [0u8; 20];
    let mut at = buffer.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        if let Some(slot) = buffer.get_mut(at) {
            *slot = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(buffer.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
