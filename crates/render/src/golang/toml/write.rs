//! Writing TOML (as BurntSushi/toml 1.6: `encode.go`).

use gotext::strconv::append_float;
use gotext::{Arena, GoType, Kind, List, Value};

use crate::functions::args::entries;
use crate::golang::time::Time;
use crate::values::Emitted;

type Result<T> = std::result::Result<T, String>;

/// Writes a value; an error has the text of the Go library.
pub(crate) fn encode<'a>(arena: &'a Arena, value: Value<'a>) -> Result<Vec<u8>> {
    let mut writer = Writer { arena, out: Vec::new() };
    if matches!(value, Value::Nil) {
        // Go panics on the type of a nil.
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    if let Value::Object(object) = value
        && object.complex().is_some()
    {
        return Err(format!("unsupported type for key '': {}", object.type_name()));
    }
    Emitted::check(value)?;
    writer.encode(&[], value)?;
    Ok(writer.out)
}

struct Writer<'a> {
    arena: &'a Arena,
    out: Vec<u8>,
}

#[derive(PartialEq, Eq)]
enum Kinds {
    Nil,
    Table,
    Tables,
    Other,
}

const DEEPEST: usize = 1000;

impl<'a> Writer<'a> {
    fn kind(&self, value: Value<'a>) -> Result<Kinds> {
        Ok(match plain(self.arena, value) {
            Value::Nil => Kinds::Nil,
            Value::Map(map) if map.is_nil() => Kinds::Nil,
            Value::Map(_) => Kinds::Table,
            Value::List(list) if list.items.is_none() => Kinds::Nil,
            Value::List(list) => {
                if self.is_tables(list)? {
                    Kinds::Tables
                } else {
                    Kinds::Other
                }
            }
            Value::Object(object) if object.kind() == Kind::Func => return Err("unsupported type: func".to_owned()),
            Value::Object(object) if object.as_any().is_none() && !object.json_fields(self.arena).is_empty() => {
                Kinds::Table
            }
            _ => Kinds::Other,
        })
    }

    fn is_tables(&self, list: &List<'a>) -> Result<bool> {
        let mut all = !list.items().is_empty();
        for item in list.items() {
            match self.kind(*item)? {
                Kinds::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
                Kinds::Table => {}
                _ => all = false,
            }
        }
        Ok(all)
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
        if key.len() > DEEPEST {
            return Err("toml: the value contains itself".to_owned());
        }
        match self.kind(value)? {
            // At the top a list is one, be it nil.
            Kinds::Nil if key.is_empty() && matches!(value, Value::List(_)) => self.pair(key, value, false),
            Kinds::Nil => Ok(()),
            Kinds::Table => {
                if key.len() == 1 {
                    self.newline();
                }
                if !key.is_empty() {
                    self.header(key, b"[", b"]");
                }
                self.table(key, value, false)
            }
            Kinds::Tables => {
                if key.is_empty() {
                    return Err("toml: top-level values must be Go maps or structs".to_owned());
                }
                let Value::List(list) = plain(self.arena, value) else { return Ok(()) };
                for item in list.items() {
                    self.newline();
                    self.header(key, b"[[", b"]]");
                    self.table(key, *item, false)?;
                }
                Ok(())
            }
            Kinds::Other => self.pair(key, value, false),
        }
    }

    fn header(&mut self, key: &[&[u8]], open: &[u8], close: &[u8]) {
        self.put("  ".repeat(key.len() - 1));
        self.put(open);
        for (at, part) in key.iter().enumerate() {
            if at > 0 {
                self.put(b".");
            }
            self.put(quoted_key(part));
        }
        self.put(close);
        self.newline();
    }

    /// Writes the pairs of a table: plain ones before tables, each sorted by key.
    fn table(&mut self, key: &[&[u8]], value: Value<'a>, inline: bool) -> Result<()> {
        // Of a struct each field has its place among all, those not exported too.
        let (pairs, of_struct): (Vec<(usize, &'a [u8], Value<'a>)>, bool) = match plain(self.arena, value) {
            Value::Map(map) => (entries(map).into_iter().map(|(name, value)| (0, name, value)).collect(), false),
            Value::Object(object) => {
                let fields = object.fields(self.arena).into_iter().enumerate();
                let exported = fields.filter(|(_, (name, _))| name.starts_with(|c: char| c.is_ascii_uppercase()));
                (exported.map(|(at, (name, value))| (at, name.as_bytes(), value)).collect(), true)
            }
            _ => (Vec::new(), false),
        };
        let total = pairs.len();
        let (mut direct, mut below) = (Vec::new(), Vec::new());
        for (place, name, value) in pairs {
            let table = matches!(self.kind(value)?, Kinds::Table | Kinds::Tables);
            if table { below.push((place, name, value)) } else { direct.push((place, name, value)) }
        }
        if inline {
            self.put(b"{");
        }
        let tables = !below.is_empty();
        for (list, trailing) in [(direct, tables), (below, false)] {
            let count = list.len();
            for (at, (place, name, value)) in list.into_iter().enumerate() {
                if self.kind(value)? == Kinds::Nil {
                    continue;
                }
                if inline {
                    self.pair(&[name], value, true)?;
                    // The Go library counts the exported fields and compares with the place among all.
                    let more = if of_struct { place + 1 != total } else { trailing || at + 1 != count };
                    if more {
                        self.put(b", ");
                    }
                } else {
                    let mut longer = key.to_vec();
                    longer.push(name);
                    self.encode(&longer, value)?;
                }
            }
        }
        if inline {
            self.put(b"}");
        }
        Ok(())
    }

    fn pair(&mut self, key: &[&[u8]], value: Value<'a>, inline: bool) -> Result<()> {
        let Some((last, _)) = key.split_last() else { return self.element(value, 0) };
        self.put("  ".repeat(key.len() - 1));
        self.put(quoted_key(last));
        self.put(b" = ");
        self.element(value, 0)?;
        if !inline {
            self.newline();
        }
        Ok(())
    }

    fn element(&mut self, value: Value<'a>, depth: usize) -> Result<()> {
        if depth > DEEPEST {
            return Err("toml: the value contains itself".to_owned());
        }
        if let Value::Object(object) = value {
            if let Some(time) = object.as_any().and_then(|any| any.downcast_ref::<Time>()) {
                let text = time.rfc3339_nano();
                self.put(text);
                return Ok(());
            }
            if let (Kind::Int64, Some(text)) = (object.kind(), object.string()) {
                self.quoted(text.as_bytes());
                return Ok(());
            }
        }
        match plain(self.arena, value) {
            Value::Str(text) => self.quoted(text),
            Value::Bool(b) => self.put(if b { "true" } else { "false" }),
            Value::Int(v, _) => self.put(v.to_string()),
            Value::Uint(v, _) => self.put(v.to_string()),
            Value::Float(v, t) => self.float(v, t),
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
            Value::Map(_) => self.table(&[], value, true)?,
            Value::Object(object) => match object.string() {
                Some(text) => self.quoted(text.as_bytes()),
                None => self.table(&[], value, true)?,
            },
            Value::Nil => return Err("unexpected type: <nil>".to_owned()),
        }
        Ok(())
    }

    fn float(&mut self, value: f64, t: GoType) {
        if value.is_nan() || value.is_infinite() {
            if value.is_sign_negative() {
                self.put(b"-");
            }
            return self.put(if value.is_nan() { "nan" } else { "inf" });
        }
        let from = self.out.len();
        append_float(&mut self.out, value, b'g', None, if t == GoType::Float32 { 32 } else { 64 });
        if !self.out.get(from..).unwrap_or(&[]).iter().any(|b| matches!(b, b'.' | b'e')) {
            self.put(b".0");
        }
    }

    fn quoted(&mut self, text: &[u8]) {
        self.put(b"\"");
        self.put(escaped(text));
        self.put(b"\"");
    }
}

/// The list or map below a host object.
fn plain<'a>(arena: &'a Arena, value: Value<'a>) -> Value<'a> {
    match value {
        Value::Object(_) => value.plain(arena),
        _ => value,
    }
}

fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &b in text {
        match b {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1F | 0x7F => out.extend_from_slice(format!("\\u{b:04x}").as_bytes()),
            _ => out.push(b),
        }
    }
    out
}

fn quoted_key(key: &[u8]) -> Vec<u8> {
    if !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return key.to_vec();
    }
    [b"\"", escaped(key).as_slice(), b"\""].concat()
}
