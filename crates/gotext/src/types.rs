//! The names of Go types, and the zero values and conversions that go by them.

use std::borrow::Cow;
use std::fmt;

use crate::{Arena, GoType, Kind, List, Value};

impl GoType {
    /// The name as `%T` prints it; for `Any` that of the interface.
    pub fn name(self) -> &'static str {
        match self {
            GoType::Any => "interface {}",
            GoType::Bool => "bool",
            GoType::Int => "int",
            GoType::Int8 => "int8",
            GoType::Int16 => "int16",
            GoType::Int32 => "int32",
            GoType::Int64 => "int64",
            GoType::Uint => "uint",
            GoType::Uint8 => "uint8",
            GoType::Uint16 => "uint16",
            GoType::Uint32 => "uint32",
            GoType::Uint64 => "uint64",
            GoType::Float32 => "float32",
            GoType::Float64 => "float64",
            GoType::String => "string",
            GoType::List => "[]interface {}",
            GoType::Strings => "[]string",
            GoType::Bytes => "[]uint8",
            GoType::Map => "map[string]interface {}",
            GoType::StringMap => "map[string]string",
            GoType::Named(name) | GoType::NamedMap(name) => name,
        }
    }

    /// Whether Go's nil can stand for a value of the type (text/template's `canBeNil`).
    pub(crate) fn can_be_nil(self) -> bool {
        match self {
            GoType::Any | GoType::List | GoType::Strings | GoType::Bytes | GoType::Map | GoType::StringMap => true,
            GoType::NamedMap(_) => true,
            GoType::Named(name) => {
                name.starts_with(['*', '['])
                    || name.starts_with("map[")
                    || name.starts_with("func(")
                    || name == "io.Writer"
            }
            _ => false,
        }
    }

    /// The zero value of the type, as `reflect.Zero`.
    pub fn zero<'a>(self, arena: &'a Arena) -> Value<'a> {
        match self {
            GoType::Any | GoType::Named(_) => Value::Nil,
            GoType::Bool => Value::Bool(false),
            GoType::Int | GoType::Int8 | GoType::Int16 | GoType::Int32 | GoType::Int64 => Value::Int(0, self),
            GoType::Uint | GoType::Uint8 | GoType::Uint16 | GoType::Uint32 | GoType::Uint64 => Value::Uint(0, self),
            GoType::Float32 | GoType::Float64 => Value::Float(0.0, self),
            GoType::String => Value::Str(b""),
            GoType::List => arena.nil_list(GoType::Any),
            GoType::Strings => arena.nil_list(GoType::String),
            GoType::Bytes => arena.nil_list(GoType::Uint8),
            GoType::Map => Value::Map(arena.nil_map(GoType::Any)),
            GoType::StringMap => Value::Map(arena.nil_map(GoType::String)),
            GoType::NamedMap(name) => Value::Map(arena.view(arena.nil_map(GoType::Any), Some(name))),
        }
    }

    /// The name of the kind, as `reflect.Kind` prints it; a named type is taken for a struct unless its name tells.
    fn kind_name(self) -> &'static str {
        match self {
            GoType::Any => "interface",
            GoType::List | GoType::Strings | GoType::Bytes => "slice",
            GoType::Map | GoType::StringMap | GoType::NamedMap(_) => "map",
            GoType::Named(name) if name.starts_with('*') => "ptr",
            GoType::Named(name) if name.starts_with('[') => "slice",
            GoType::Named(name) if name.starts_with("map[") => "map",
            GoType::Named(_) => "struct",
            basic => basic.name(),
        }
    }
}

impl fmt::Display for GoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Kind {
    /// The name as `reflect.Kind` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Invalid => "invalid",
            Kind::Bool => "bool",
            Kind::Int => "int",
            Kind::Int64 => "int64",
            Kind::Uint => "uint",
            Kind::Float64 => "float64",
            Kind::String => "string",
            Kind::Slice => "slice",
            Kind::Map => "map",
            Kind::Struct => "struct",
            Kind::Ptr => "ptr",
            Kind::Func => "func",
            Kind::Complex128 => "complex128",
        }
    }
}

/// The name of the slice type with the given elements.
fn list_type(elem: GoType) -> Cow<'static, str> {
    match elem {
        GoType::Any => GoType::List.name().into(),
        GoType::String => GoType::Strings.name().into(),
        GoType::Uint8 => GoType::Bytes.name().into(),
        _ => format!("[]{elem}").into(),
    }
}

impl<'a> Value<'a> {
    /// The name of the type, as `%T` prints it: `<nil>` for nil.
    pub fn type_name(&self) -> Cow<'static, str> {
        match self {
            Value::Nil => "<nil>".into(),
            Value::Bool(_) => "bool".into(),
            Value::Int(_, t) | Value::Uint(_, t) | Value::Float(_, t) => t.name().into(),
            Value::Str(_) => "string".into(),
            Value::List(list) => list_type(list.elem),
            Value::Map(map) => match (map.name, map.elem) {
                (Some(name), _) => name.into(),
                (None, GoType::Any) => GoType::Map.name().into(),
                (None, GoType::String) => GoType::StringMap.name().into(),
                (None, elem) => format!("map[string]{elem}").into(),
            },
            Value::Object(object) => object.type_name(),
        }
    }

    /// The name of the kind, as `reflect.Kind` prints it: `invalid` for nil.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Value::Nil => "invalid",
            Value::Bool(_) => "bool",
            Value::Int(_, GoType::Named(_)) => "int64",
            Value::Uint(_, GoType::Named(_)) => "uint64",
            Value::Float(_, GoType::Named(_)) => "float64",
            Value::Int(_, t) | Value::Uint(_, t) | Value::Float(_, t) => t.kind_name(),
            Value::Str(_) => "string",
            Value::List(_) => "slice",
            Value::Map(_) => "map",
            Value::Object(object) => object.kind().name(),
        }
    }

    /// Whether it is a `[]byte`.
    pub(crate) fn is_bytes(&self) -> bool {
        match self {
            Value::List(list) => list.elem == GoType::Uint8,
            Value::Object(object) => object.bytes().is_some(),
            _ => false,
        }
    }

    /// The plain value: that below a host object which has one, otherwise the value itself.
    pub fn plain(self, arena: &'a Arena) -> Value<'a> {
        match self {
            Value::Object(object) => match object.underlying(arena) {
                Value::Nil => self,
                plain => plain,
            },
            _ => self,
        }
    }

    /// Whether the value is a nil: an untyped one, a nil slice or map, or a nil pointer of the host's.
    pub fn is_nil(&self) -> bool {
        match self {
            Value::Nil => true,
            Value::List(list) => list.items.is_none(),
            Value::Map(map) => map.is_nil(),
            Value::Object(object) => object.is_nil(),
            _ => false,
        }
    }

    /// The truth of the value by text/template's rules: not the zero of its type.
    pub fn truth(self, arena: &'a Arena) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(b) => b,
            Value::Int(v, _) => v != 0,
            Value::Uint(v, _) => v != 0,
            Value::Float(v, _) => v != 0.0,
            Value::Str(s) => !s.is_empty(),
            Value::List(list) => !list.items().is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Object(object) => match object.kind() {
                Kind::Struct => true,
                Kind::Ptr | Kind::Func => !object.is_nil(),
                Kind::Complex128 => object.complex() != Some((0.0, 0.0)),
                _ => object.underlying(arena).truth(arena),
            },
        }
    }

    /// The value as a parameter of the given type would get it, or `None` where Go's `AssignableTo` says no.
    /// A named map or slice becomes the plain one, as in Go. Nil is not looked at here.
    pub fn assign(self, to: GoType, arena: &'a Arena) -> Option<Value<'a>> {
        let fits = match (to, &self) {
            (GoType::Any, _) | (GoType::Bool, Value::Bool(_)) | (GoType::String, Value::Str(_)) => true,
            (_, Value::Int(_, t) | Value::Uint(_, t) | Value::Float(_, t)) => *t == to,
            (GoType::List, Value::List(List { elem: GoType::Any, .. }))
            | (GoType::Strings, Value::List(List { elem: GoType::String, .. }))
            | (GoType::Bytes, Value::List(List { elem: GoType::Uint8, .. })) => true,
            (GoType::Map, Value::Map(map)) if map.elem == GoType::Any && map.name.is_some() => {
                return Some(Value::Map(arena.view(map, None)));
            }
            (GoType::Map, Value::Map(map)) => map.elem == GoType::Any,
            (GoType::StringMap, Value::Map(map)) => map.elem == GoType::String,
            (GoType::NamedMap(name), Value::Map(map)) if map.elem == GoType::Any && map.name.is_none() => {
                return Some(Value::Map(arena.view(map, Some(name))));
            }
            (GoType::NamedMap(name), Value::Map(map)) => map.name == Some(name),
            (GoType::Bytes, Value::Object(object)) if object.bytes().is_some() => true,
            (
                GoType::List | GoType::Strings | GoType::Bytes | GoType::Map | GoType::StringMap,
                Value::Object(object),
            ) => {
                return match object.underlying(arena) {
                    plain @ (Value::List(_) | Value::Map(_)) => plain.assign(to, arena),
                    _ => None,
                };
            }
            (GoType::Named(name), Value::Object(object)) => {
                let own = object.type_name();
                // One dereference is made for the caller.
                own == name || own.strip_prefix('*') == Some(name)
            }
            (GoType::Named(name), Value::List(_) | Value::Map(_)) => self.type_name() == name,
            _ => false,
        };
        fits.then_some(self)
    }
}
