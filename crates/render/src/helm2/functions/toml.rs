//! Writing TOML (as BurntSushi/toml 0.3.1: `encode.go`).

use gotext::strconv::append_float;
use gotext::{Arena, GoType, Kind, List, Value};

use crate::functions::args::entries;
use crate::golang::time::{Time, Zone};
use crate::values::Emitted;

/// Why nothing was written: an error, whose text `toToml` gives, or a panic, which ends the render.
enum Stop {
    Error(String),
    Panic(String),
}

type Result<T> = std::result::Result<T, Stop>;

fn error<T>(text: &str) -> Result<T> {
    Err(Stop::Error(text.to_owned()))
}

/// Writes a value, or the library's error text.
///
/// # Errors
/// What the library panics with.
pub(super) fn encode<'a>(arena: &'a Arena, value: Value<'a>) -> std::result::Result<Vec<u8>, String> {
    if matches!(value, Value::Nil) {
        return Err("reflect: call of reflect.Value.Interface on zero Value".to_owned());
    }
    Emitted::check(value)?;
    let mut writer = Writer { arena, out: Vec::new() };
    match writer.encode(&[], value) {
        Ok(()) => Ok(writer.out),
        Err(Stop::Error(text)) => Ok(text.into_bytes()),
        Err(Stop::Panic(text)) => Err(text),
    }
}

struct Writer<'a> {
    arena: &'a Arena,
    out: Vec<u8>,
}

/// The library's types, as far as it tells them apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Nil,
    Bool,
    Integer,
    Float,
    Text,
    Time,
    Array,
    Table,
    Tables,
}

const DEEPEST: usize = 1000;

impl<'a> Writer<'a> {
    fn kind(&self, value: Value<'a>, depth: usize) -> Result<Type> {
        if depth > DEEPEST {
            return error("toml: the value contains itself");
        }
        if time_of(value).is_some() {
            return Ok(Type::Time);
        }
        Ok(match value.plain(self.arena) {
            Value::Nil => Type::Nil,
            Value::Bool(_) => Type::Bool,
            Value::Int(..) | Value::Uint(..) => Type::Integer,
            Value::Float(..) => Type::Float,
            Value::Str(_) => Type::Text,
            Value::Map(map) if map.is_nil() => Type::Nil,
            Value::Map(_) => Type::Table,
            Value::List(list) if list.items.is_none() => Type::Nil,
            Value::List(list) if self.elements(list, depth)? == Some(Type::Table) => Type::Tables,
            Value::List(_) => Type::Array,
            Value::Object(object) => match object.kind() {
                Kind::Struct | Kind::Ptr => Type::Table,
                other => return Err(Stop::Panic(format!("unexpected reflect.Kind: {}", other.name()))),
            },
        })
    }

    /// The type that all elements of a list have.
    fn elements(&self, list: &List<'a>, depth: usize) -> Result<Option<Type>> {
        let mut found = None;
        for item in list.items() {
            match (self.kind(*item, depth + 1)?, found) {
                (Type::Nil, _) => return error("toml: cannot encode array with nil element"),
                // A list of tables and a list of others are one type to a list of lists.
                (kind, Some(first)) if kind != first => {
                    return error("toml: cannot encode array with mixed element types");
                }
                (kind, _) => found = Some(kind),
            }
        }
        if let (Some(Type::Array | Type::Tables), Some(first)) = (found, list.items().first())
            && let Value::List(inner) = first.plain(self.arena)
            && matches!(self.elements(inner, depth + 1)?, Some(Type::Table | Type::Tables))
        {
            return error("toml: TOML array element cannot contain a table");
        }
        Ok(found)
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push(b'\n');
        }
    }

    fn put(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    fn encode(&mut self, key: &[&[u8]], value: Value<'a>) -> Result<()> {
        match self.kind(value, key.len())? {
            Type::Nil if key.is_empty() && matches!(value, Value::List(_)) => self.pair(key, value),
            Type::Nil => Ok(()),
            Type::Table => {
                valid(key)?;
                if key.len() == 1 {
                    self.newline();
                }
                if !key.is_empty() {
                    self.header(key, b"[", b"]");
                }
                self.table(key, value)
            }
            Type::Tables => {
                if key.is_empty() {
                    return error(NO_KEY);
                }
                let Value::List(list) = value.plain(self.arena) else { return Ok(()) };
                for item in list.items() {
                    valid(key)?;
                    self.newline();
                    self.header(key, b"[[", b"]]");
                    self.table(key, *item)?;
                }
                Ok(())
            }
            _ => self.pair(key, value),
        }
    }

    fn header(&mut self, key: &[&[u8]], open: &[u8], close: &[u8]) {
        self.put("  ".repeat(key.len() - 1));
        self.put(open);
        self.put(all_quoted(key));
        self.put(close);
        self.newline();
    }

    /// Writes the pairs of a table: plain ones before tables, each sorted by key.
    fn table(&mut self, key: &[&[u8]], value: Value<'a>) -> Result<()> {
        let pairs: Vec<(&'a [u8], Value<'a>)> = match value.plain(self.arena) {
            Value::Map(map) => entries(map),
            Value::Object(object) => {
                let fields = object.fields(self.arena).into_iter();
                let exported = fields.filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_uppercase()));
                exported.map(|(name, value)| (name.as_bytes(), value)).collect()
            }
            _ => Vec::new(),
        };
        let (mut direct, mut below) = (Vec::new(), Vec::new());
        for (name, value) in pairs {
            match self.kind(value, key.len())? {
                Type::Nil => {}
                Type::Table | Type::Tables => below.push((name, value)),
                _ => direct.push((name, value)),
            }
        }
        for (name, value) in direct.into_iter().chain(below) {
            let mut longer = key.to_vec();
            longer.push(name);
            self.encode(&longer, value)?;
        }
        Ok(())
    }

    fn pair(&mut self, key: &[&[u8]], value: Value<'a>) -> Result<()> {
        let Some((last, _)) = key.split_last() else { return error(NO_KEY) };
        valid(key)?;
        self.put("  ".repeat(key.len() - 1));
        self.put(quoted_key(last));
        self.put(b" = ");
        self.element(value, 0)?;
        self.newline();
        Ok(())
    }

    fn element(&mut self, value: Value<'a>, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return error("toml: the value contains itself");
        }
        if let Some(time) = time_of(value) {
            let text = time.within(Zone::Utc).format(b"2006-01-02T15:04:05Z");
            self.put(text);
            return Ok(());
        }
        match value.plain(self.arena) {
            Value::Str(text) => self.quoted(text),
            Value::Bool(b) => self.put(if b { "true" } else { "false" }),
            Value::Int(v, _) => self.put(v.to_string()),
            Value::Uint(v, _) => self.put(v.to_string()),
            Value::Float(v, t) => {
                let from = self.out.len();
                append_float(&mut self.out, v, b'f', None, if t == GoType::Float32 { 32 } else { 64 });
                if !self.out.get(from..).unwrap_or(&[]).contains(&b'.') {
                    self.put(b".0");
                }
            }
            Value::List(list) => {
                self.put(b"[");
                for (at, item) in list.items().iter().enumerate() {
                    if at > 0 {
                        self.put(b", ");
                    }
                    self.element(*item, depth + 1)?;
                }
                self.put(b"]");
            }
            other => return Err(Stop::Panic(format!("toml: unexpected primitive type: {}", other.kind_name()))),
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8]) {
        self.put(b"\"");
        self.put(escaped(text));
        self.put(b"\"");
    }
}

const NO_KEY: &str = "toml: top-level values must be Go maps or structs";

fn time_of(value: Value<'_>) -> Option<Time> {
    match value {
        Value::Object(object) => object.as_any().and_then(|any| any.downcast_ref::<Time>()).copied(),
        _ => None,
    }
}

/// Refuses empty names.
fn valid(key: &[&[u8]]) -> Result<()> {
    if key.iter().any(|part| part.is_empty()) {
        let key = all_quoted(key);
        let key = String::from_utf8_lossy(&key);
        return Err(Stop::Error(format!("toml: Key '{key}' is not a valid table name. Key names cannot be empty.")));
    }
    Ok(())
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &b in text {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.push(b),
        }
    }
    out
}

fn all_quoted(key: &[&[u8]]) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = key.iter().map(|part| quoted_key(part)).collect();
    parts.join(b".".as_slice())
}

fn quoted_key(key: &[u8]) -> Vec<u8> {
    if key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return key.to_vec();
    }
    // Only quotes are escaped in names.
    let mut out = vec![b'"'];
    for &b in key {
        if b == b'"' {
            out.push(b'\\');
        }
        out.push(b);
    }
    out.push(b'"');
    out
}
