//! The comparisons of templates: `eq` and friends.

use crate::error::Error;
use crate::{Arena, Kind, Value, fmt};

type Outcome<T> = std::result::Result<T, Error>;

/// The kinds that can be compared by value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Other,
    Bool,
    Int,
    Float,
    String,
    Uint,
    Complex,
}

fn basic(value: &Value<'_>) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(..) => Basic::Float,
        Value::Str(_) => Basic::String,
        Value::Object(object) if object.complex().is_some() => Basic::Complex,
        Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_) => Basic::Other,
    }
}

fn incompatible(a: &Value<'_>, b: &Value<'_>) -> Error {
    Error::new(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

fn formatted<'a>(arena: &'a Arena, format: &[u8], args: &[Value<'a>]) -> Error {
    Error::new(String::from_utf8_lossy(&fmt::sprintf(arena, format, args)))
}

/// Whether a value equals any of the others.
pub(super) fn equal_any<'a>(
    arena: &'a Arena,
    a: Value<'a>,
    others: impl IntoIterator<Item = Value<'a>>,
) -> Outcome<bool> {
    let plain = a.plain(arena);
    let mut compared = false;
    for b in others {
        compared = true;
        if equal(arena, (a, plain), (b, b.plain(arena)))? {
            return Ok(true);
        }
    }
    if compared { Ok(false) } else { Err(Error::new("missing argument for comparison")) }
}

/// Compares two values, each as it is and as the plain one below it.
fn equal<'a>(arena: &'a Arena, (a, pa): (Value<'a>, Value<'a>), (b, pb): (Value<'a>, Value<'a>)) -> Outcome<bool> {
    Ok(match (pa, pb) {
        (Value::Object(x), Value::Object(y)) if x.complex().is_some() && y.complex().is_some() => {
            x.complex() == y.complex()
        }
        (Value::Bool(x), Value::Bool(y)) => x == y,
        (Value::Int(x, _), Value::Int(y, _)) => x == y,
        (Value::Uint(x, _), Value::Uint(y, _)) => x == y,
        (Value::Int(x, _), Value::Uint(y, _)) | (Value::Uint(y, _), Value::Int(x, _)) => u64::try_from(x) == Ok(y),
        (Value::Float(x, _), Value::Float(y, _)) => x == y,
        (Value::Str(x), Value::Str(y)) => x == y,
        _ if basic(&pa) != basic(&pb) => {
            if matches!(a, Value::Nil) || matches!(b, Value::Nil) {
                return Ok(false);
            }
            return Err(incompatible(&a, &b));
        }
        _ => return equal_references(arena, a, b),
    })
}

/// Compares values that are of no basic kind: only nil and pointers can be equal.
fn equal_references<'a>(arena: &'a Arena, a: Value<'a>, b: Value<'a>) -> Outcome<bool> {
    let name = |v: &Value<'a>| arena.str(v.type_name().as_bytes());
    let nil = |v: &Value<'a>| matches!(v, Value::Nil);
    if a.kind_name() != b.kind_name() && !nil(&a) && !nil(&b) {
        return Err(formatted(arena, b"non-comparable types %s: %v, %s: %v", &[a, name(&a), name(&b), b]));
    }
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() && b.is_nil());
    }
    match (a, b) {
        (Value::Object(x), Value::Object(y)) if !matches!(y.kind(), Kind::Slice | Kind::Map | Kind::Func) => {
            Ok(x.type_name() == y.type_name() && std::ptr::addr_eq(x, y))
        }
        _ => Err(formatted(arena, b"non-comparable type %s: %v", &[b, name(&b)])),
    }
}

/// `lt`.
pub(super) fn less<'a>(arena: &'a Arena, a: Value<'a>, b: Value<'a>) -> Outcome<bool> {
    let (pa, pb) = (a.plain(arena), b.plain(arena));
    let bad = || Err(Error::new("invalid type for comparison"));
    if basic(&pa) == Basic::Other || basic(&pb) == Basic::Other {
        return bad();
    }
    Ok(match (pa, pb) {
        (Value::Int(x, _), Value::Int(y, _)) => x < y,
        (Value::Uint(x, _), Value::Uint(y, _)) => x < y,
        (Value::Int(x, _), Value::Uint(y, _)) => u64::try_from(x).is_ok_and(|x| x < y) || x < 0,
        (Value::Uint(x, _), Value::Int(y, _)) => u64::try_from(y).is_ok_and(|y| x < y),
        (Value::Float(x, _), Value::Float(y, _)) => x < y,
        (Value::Str(x), Value::Str(y)) => x < y,
        _ if basic(&pa) == basic(&pb) => return bad(),
        _ => return Err(incompatible(&a, &b)),
    })
}

/// `le`.
pub(super) fn less_or_equal<'a>(arena: &'a Arena, a: Value<'a>, b: Value<'a>) -> Outcome<bool> {
    Ok(less(arena, a, b)? || equal_any(arena, a, [b])?)
}
