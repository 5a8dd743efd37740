//! Short ways to read arguments and to make results.

use gotext::{Arena, Error, GoType, Kind, List, Map, Value};

/// What a function gives back.
pub(crate) type Out<'a> = Result<Value<'a>, Error>;

/// An error whose text a template author sees after `error calling NAME: `.
pub(crate) fn fail<T>(message: impl Into<String>) -> Result<T, Error> {
    Err(Error::new(message))
}

/// The argument at a position; nil when there is none.
pub(crate) fn any<'a>(args: &[Value<'a>], at: usize) -> Value<'a> {
    args.get(at).copied().unwrap_or(Value::Nil)
}

/// A `string` argument.
pub(crate) fn bytes<'a>(args: &[Value<'a>], at: usize) -> &'a [u8] {
    match any(args, at) {
        Value::Str(s) => s,
        _ => b"",
    }
}

/// A `string` argument as text; bytes that are not UTF-8 are replaced.
pub(crate) fn text<'a>(args: &[Value<'a>], at: usize) -> std::borrow::Cow<'a, str> {
    String::from_utf8_lossy(bytes(args, at))
}

/// An integer argument.
pub(crate) fn int(args: &[Value<'_>], at: usize) -> i64 {
    match any(args, at) {
        Value::Int(v, _) => v,
        Value::Uint(v, _) => v as i64,
        _ => 0,
    }
}

/// A `bool` argument.
pub(crate) fn boolean(args: &[Value<'_>], at: usize) -> bool {
    matches!(any(args, at), Value::Bool(true))
}

/// A `map[string]interface {}` argument; `None` for a nil map.
pub(crate) fn map<'a>(args: &[Value<'a>], at: usize) -> Option<&'a Map<'a>> {
    match any(args, at) {
        Value::Map(m) => Some(m),
        _ => None,
    }
}

/// The entries of a map, in the order of its keys, as they are now.
pub(crate) fn entries<'a>(map: &Map<'a>) -> Vec<(&'a [u8], Value<'a>)> {
    (0..map.len()).filter_map(|at| map.entry(at)).collect()
}

/// The list below a value of Go kind slice, host objects included; `None` when it is of another kind.
pub(crate) fn slice<'a>(arena: &'a Arena, value: Value<'a>) -> Option<&'a List<'a>> {
    match value {
        Value::List(list) => Some(list),
        Value::Object(object) if object.kind() == Kind::Slice => match object.underlying(arena) {
            Value::List(list) => Some(list),
            _ => None,
        },
        _ => None,
    }
}

/// The items of a `[]string` as byte strings.
pub(crate) fn strings<'a>(arena: &'a Arena, items: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Value<'a> {
    let items: Vec<Value<'a>> = items.into_iter().map(|item| arena.str(item)).collect();
    arena.typed_list(GoType::String, &items)
}

/// The error of Go for a nil interface whose type is asked for.
pub(crate) fn nil_pointer<T>() -> Result<T, Error> {
    fail("runtime error: invalid memory address or nil pointer dereference")
}

/// Sprig's `empty`: whether a value is the zero of its type (as Sprig 3.3: `defaults.go`).
pub(crate) fn is_empty<'a>(arena: &'a Arena, value: Value<'a>) -> bool {
    match value {
        Value::Nil => true,
        Value::Bool(b) => !b,
        Value::Int(v, _) => v == 0,
        Value::Uint(v, _) => v == 0,
        Value::Float(v, _) => v == 0.0,
        Value::Str(s) => s.is_empty(),
        Value::List(list) => list.items().is_empty(),
        Value::Map(map) => map.is_empty(),
        Value::Object(object) if object.complex().is_some() => object.complex() == Some((0.0, 0.0)),
        Value::Object(object) => match object.kind() {
            Kind::Struct | Kind::Ptr | Kind::Func => false,
            Kind::Invalid => true,
            _ => match object.bytes() {
                Some(bytes) => bytes.is_empty(),
                None => is_empty(arena, object.underlying(arena)),
            },
        },
    }
}

/// Reads Go's `int(f)`: what does not fit becomes the smallest integer, as on amd64.
pub(crate) fn float_to_int(v: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&v) { v as i64 } else { i64::MIN }
}
