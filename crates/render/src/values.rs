//! Between the trees that YAML and JSON are read into and the values of a render.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotext::{Arena, GoType, Kind, List, Map, Object, Value};
use goyaml::{Emit, KeyOrder, Sink};

use crate::golang::time::Time;

/// Brings a tree into a render's memory.
pub(crate) fn from_tree<'a>(arena: &'a Arena, tree: &goyaml::Value) -> Value<'a> {
    match tree {
        goyaml::Value::Null => Value::Nil,
        goyaml::Value::Bool(b) => Value::Bool(*b),
        goyaml::Value::Int(i) => Value::int64(*i),
        goyaml::Value::Uint(u) => Value::Uint(*u, GoType::Uint64),
        goyaml::Value::Float(f) => Value::float(*f),
        goyaml::Value::Str(s) => arena.str(s),
        goyaml::Value::Seq(items) => {
            let items: Vec<_> = items.iter().map(|item| from_tree(arena, item)).collect();
            // As JSON is read: one after the other.
            arena.appended(GoType::Any, &items)
        }
        goyaml::Value::Map(map) => Value::Map(tree_map(arena, map)),
    }
}

/// Brings a mapping into a render's memory.
pub(crate) fn tree_map<'a>(arena: &'a Arena, tree: &goyaml::Map) -> &'a Map<'a> {
    let map = arena.map_for(tree.len());
    for (key, value) in tree {
        map.set(arena.bytes(key), from_tree(arena, value));
    }
    map
}

/// What text/template prints for a missing value, which Helm takes out of every output.
const NO_VALUE: &[u8] = b"<no value>";

/// Takes `<no value>` out of an output (as Helm 4.3: `pkg/engine/engine.go`).
pub(crate) fn without_no_value(output: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = find(output) else { return Cow::Borrowed(output) };
    let mut out = Vec::with_capacity(output.len());
    let (mut rest, mut at) = (output, Some(first));
    while let Some(found) = at {
        out.extend_from_slice(rest.get(..found).unwrap_or(&[]));
        rest = rest.get(found + NO_VALUE.len()..).unwrap_or(&[]);
        at = find(rest);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

fn find(text: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, NO_VALUE)
}

/// Makes text of an output: what templates print is nearly always UTF-8 as it stands.
pub(crate) fn into_text(output: &[u8]) -> Arc<str> {
    let output = without_no_value(output);
    // What is UTF-8, as nearly everything is, is looked at many bytes at a time.
    match std::str::from_utf8(&output) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(&output).into(),
    }
}

/// The depth from which on a tree is looked at for containing itself, as in Go.
const SUSPICIOUS: usize = 1000;

/// How deep a tree may be.
const DEEPEST: usize = 10_000;

/// How many values, and how many bytes of text, are written at most: values that share parts can be far larger than
/// their memory, where Go would run out of it.
const MOST: usize = 1 << 24;
const MOST_BYTES: usize = 1 << 30;

/// A value of a render, to be written as YAML or JSON the way `encoding/json` sees it.
pub(crate) struct Emitted<'a> {
    arena: &'a Arena,
    value: Value<'a>,
}

impl<'a> Emitted<'a> {
    pub(crate) fn new(arena: &'a Arena, value: Value<'a>) -> Self {
        Self { arena, value }
    }

    /// Refuses a value that contains itself, or a function, with the text of `encoding/json`; and one without end.
    pub(crate) fn check(value: Value<'a>) -> Result<(), String> {
        Check { above: Vec::new(), values: 0, bytes: 0 }.value(value)
    }
}

/// Looks a value over before it is written.
struct Check<'a> {
    /// The maps and lists above.
    above: Vec<Value<'a>>,
    values: usize,
    bytes: usize,
}

impl<'a> Check<'a> {
    fn value(&mut self, value: Value<'a>) -> Result<(), String> {
        self.values += 1;
        match value {
            Value::Str(text) => self.bytes = self.bytes.saturating_add(text.len()),
            Value::List(list) if list.elem != GoType::Uint8 => {
                self.enter(value)?;
                list.items().iter().try_for_each(|item| self.value(*item))?;
                self.above.pop();
            }
            Value::Map(map) => {
                self.enter(value)?;
                for (key, item) in (0..map.len()).filter_map(|at| map.entry(at)) {
                    self.bytes = self.bytes.saturating_add(key.len());
                    self.value(item)?;
                }
                self.above.pop();
            }
            Value::Object(object) if matches!(object.kind(), Kind::Func | Kind::Complex128) => {
                return Err(format!("json: unsupported type: {}", object.type_name()));
            }
            _ => {}
        }
        if self.values > MOST || self.bytes > MOST_BYTES {
            return Err("the value is too large to be written".to_owned());
        }
        Ok(())
    }

    fn enter(&mut self, value: Value<'a>) -> Result<(), String> {
        let depth = self.above.len();
        let same = |above: &Value<'a>| matches!((above, value), (Value::Map(a), Value::Map(b)) if a.same(b));
        if depth > DEEPEST || (depth > SUSPICIOUS && self.above.iter().any(same)) {
            return Err(format!("json: unsupported value: encountered a cycle via {}", value.type_name()));
        }
        self.above.push(value);
        Ok(())
    }
}

impl Emit for Emitted<'_> {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) {
        emit(self.arena, self.value, sink);
    }
}

fn emit<'a, S: Sink + ?Sized>(arena: &'a Arena, value: Value<'a>, sink: &mut S) {
    match value {
        Value::Nil => sink.null(),
        Value::Bool(b) => sink.bool(b),
        Value::Int(v, _) => sink.int(v),
        Value::Uint(v, _) => sink.uint(v),
        Value::Float(v, _) => sink.float(v),
        Value::Str(s) => sink.str(s),
        Value::List(list) => emit_list(arena, list, sink),
        Value::Map(map) => {
            if map.is_nil() && !sink.reflects() {
                return sink.null();
            }
            let pairs = (0..map.len()).filter_map(|at| map.entry(at)).collect();
            emit_pairs(arena, pairs, false, sink);
        }
        Value::Object(object) => emit_object(arena, object, sink),
    }
}

fn emit_list<'a, S: Sink + ?Sized>(arena: &'a Arena, list: &'a List<'a>, sink: &mut S) {
    let items = match list.items {
        Some(items) => items,
        None if sink.reflects() => &[],
        None => return sink.null(),
    };
    if list.elem == GoType::Uint8 && !sink.reflects() {
        let bytes: Vec<u8> = items.iter().map(|v| if let Value::Uint(b, _) = v { *b as u8 } else { 0 }).collect();
        return sink.str(STANDARD.encode(bytes).as_bytes());
    }
    sink.begin_seq(items.len());
    for item in items {
        emit(arena, *item, sink);
    }
    sink.end_seq();
}

/// Says pairs that are sorted by bytes, or those of a struct, whose order JSON keeps.
fn emit_pairs<'a, S: Sink + ?Sized>(
    arena: &'a Arena,
    mut pairs: Vec<(&'a [u8], Value<'a>)>,
    fields: bool,
    sink: &mut S,
) {
    sink.begin_map(pairs.len());
    let order = sink.order();
    if order != KeyOrder::Bytes {
        if fields {
            pairs.sort_by(|a, b| a.0.cmp(b.0));
        }
        order.sort(&mut pairs, |(key, _)| key);
    }
    for (key, value) in pairs {
        sink.key(key);
        emit(arena, value, sink);
    }
    sink.end_map();
}

fn emit_object<'a, S: Sink + ?Sized>(arena: &'a Arena, object: &'a dyn Object<'a>, sink: &mut S) {
    if object.is_nil() {
        return sink.null();
    }
    if let Some(time) = object.as_any().and_then(|any| any.downcast_ref::<Time>()) {
        return sink.timestamp(time.rfc3339_nano().as_bytes());
    }
    if sink.reflects() {
        return emit_reflected(arena, object, sink);
    }
    if let Some(bytes) = object.bytes() {
        return sink.str(STANDARD.encode(bytes).as_bytes());
    }
    match object.underlying(arena) {
        Value::Nil => {}
        plain => return emit(arena, plain, sink),
    }
    let fields = object.json_fields(arena);
    if fields.is_empty() {
        return emit_text(object, sink);
    }
    let pairs = fields.into_iter().map(|(name, value)| (name.as_bytes(), value)).collect();
    emit_pairs(arena, pairs, true, sink);
}

fn emit_text<'a, S: Sink + ?Sized>(object: &'a dyn Object<'a>, sink: &mut S) {
    match object.string() {
        Some(text) => sink.str(text.as_bytes()),
        // A struct that shows nothing.
        None if object.kind() == Kind::Struct => {
            sink.begin_map(0);
            sink.end_map();
        }
        None => sink.null(),
    }
}

/// What go-yaml v3 sees: durations as their texts, bytes as numbers, fields by their names in small letters.
fn emit_reflected<'a, S: Sink + ?Sized>(arena: &'a Arena, object: &'a dyn Object<'a>, sink: &mut S) {
    if object.kind() == Kind::Int64 {
        return emit_text(object, sink);
    }
    match object.underlying(arena) {
        Value::Nil => {}
        plain => return emit(arena, plain, sink),
    }
    // Who writes itself has no fields in JSON.
    if object.json_fields(arena).is_empty() {
        return emit_text(object, sink);
    }
    let mut fields = object.fields(arena);
    fields.retain(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase()));
    sink.begin_map(fields.len());
    for (name, value) in fields {
        sink.key(name.to_lowercase().as_bytes());
        emit(arena, value, sink);
    }
    sink.end_map();
}
