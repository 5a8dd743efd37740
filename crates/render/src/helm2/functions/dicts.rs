//! Merging of dictionaries (as mergo 0.3.5: `merge.go`).

use gotext::GoType::Map as Dict;
use gotext::{Arena, Error, Function, GoType, Kind, Map, Value};

use super::f;
use crate::functions::args::{Out, any, entries, fail, map};
use crate::golang::deep::is_empty;

pub(super) const TABLE: &[Function] = &[
    f("merge", "Merges dictionaries into the first; what it has stays.", &[Dict], Some(Dict), |c, a| {
        merge(c.arena, a, false)
    }),
    f("mergeOverwrite", "Merges dictionaries into the first; later ones win.", &[Dict], Some(Dict), |c, a| {
        merge(c.arena, a, true)
    }),
];

/// How far merging goes down into dictionaries, which may contain themselves, and how many it looks at.
const DEEPEST: u32 = 10_000;
const MOST: u32 = 1 << 24;

fn merge<'a>(arena: &'a Arena, a: &[Value<'a>], overwrite: bool) -> Out<'a> {
    let Value::Map(mut into) = any(a, 0) else { return Ok(any(a, 0)) };
    for at in 1..a.len() {
        let Some(from) = map(a, at).filter(|m| !m.is_nil()) else { continue };
        if into.is_nil() {
            into = arena.map();
        }
        let mut merger = Merger { arena, overwrite, left: MOST };
        // Sprig swallows the library's errors, but not its panics.
        if !merger.maps(into, from, 0)? {
            return Ok(Value::Str(b""));
        }
    }
    Ok(Value::Map(into))
}

struct Merger<'a> {
    arena: &'a Arena,
    overwrite: bool,
    left: u32,
}

impl<'a> Merger<'a> {
    /// Merges one dictionary into another; false where the library gives an error.
    fn maps(&mut self, into: &'a Map<'a>, from: &'a Map<'a>, depth: u32) -> Result<bool, Error> {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || depth > DEEPEST {
            return fail("the dictionaries are too large to be merged, or contain themselves");
        }
        for (key, source) in entries(from) {
            if matches!(source, Value::Nil) {
                continue;
            }
            let old = into.get(key);
            if is_deep(source)
                && let Some(old) = old
                && !self.below(old, source, depth + 1)?
            {
                return Ok(false);
            }
            if old.is_some() && is_map(source) {
                continue;
            }
            if self.overwrite || old.is_none_or(|old| is_empty(self.arena, old)) {
                // The element of a plain map is still within its interface.
                if into.elem != GoType::Any && (from.elem != into.elem) {
                    let (got, wanted) = (from.elem, into.elem);
                    return fail(format!(
                        "reflect.Value.SetMapIndex: value of type {got} is not assignable to type {wanted}"
                    ));
                }
                into.set(key, source);
            }
        }
        Ok(true)
    }

    fn below(&mut self, old: Value<'a>, source: Value<'a>, depth: u32) -> Result<bool, Error> {
        match (old, source) {
            (Value::Map(into), Value::Map(from)) if into.is_nil() && !from.is_nil() => {
                fail("reflect: reflect.Value.Set using unaddressable value")
            }
            (Value::Map(into), Value::Map(from)) => self.maps(into, from, depth),
            (Value::Map(_), Value::Object(from)) if from.kind() != Kind::Map => {
                fail(format!("reflect: call of reflect.Value.MapKeys on {} Value", from.kind().name()))
            }
            (Value::Object(old), source) if old.kind() == Kind::Ptr && !self.overwrite => Ok(is_pointer(source)),
            _ => Ok(true),
        }
    }
}

/// Whether the library looks into a value: a map, a struct or a pointer.
fn is_deep(value: Value<'_>) -> bool {
    match value {
        Value::Map(_) => true,
        Value::Object(object) => matches!(object.kind(), Kind::Map | Kind::Struct | Kind::Ptr),
        _ => false,
    }
}

fn is_map(value: Value<'_>) -> bool {
    match value {
        Value::Map(_) => true,
        Value::Object(object) => object.kind() == Kind::Map,
        _ => false,
    }
}

fn is_pointer(value: Value<'_>) -> bool {
    matches!(value, Value::Object(object) if object.kind() == Kind::Ptr)
}
