//! `reflect.DeepEqual`, `mitchellh/copystructure` and `dario.cat/mergo` on template values.

use gotext::{Arena, Error, GoType, Kind, Map, Room, Value};

use crate::functions::args::{entries, fail};

/// How far these go down into values, which may contain themselves: Go would run out of stack.
const DEEPEST: u32 = 10_000;

/// How many values these look at in one call: values that share parts can be far larger than their memory.
const MOST: u32 = 1 << 24;

/// What is left to spend on one call.
struct Budget {
    left: u32,
}

impl Budget {
    fn new() -> Self {
        Self { left: MOST }
    }

    /// Goes one value further; false when there is no more to spend.
    fn spend(&mut self, depth: u32) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left > 0 && depth < DEEPEST
    }
}

/// `reflect.DeepEqual`: the types must be the same, all the way down.
pub(crate) fn deep_equal<'a>(arena: &'a Arena, a: Value<'a>, b: Value<'a>) -> bool {
    equal(arena, a, b, 0, &mut Budget::new())
}

fn equal<'a>(arena: &'a Arena, a: Value<'a>, b: Value<'a>, depth: u32, budget: &mut Budget) -> bool {
    // Go takes what it has compared before, in a value that contains itself, for equal.
    if !budget.spend(depth) {
        return true;
    }
    match (a, b) {
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a, s), Value::Int(b, t)) => a == b && s == t,
        (Value::Uint(a, s), Value::Uint(b, t)) => a == b && s == t,
        (Value::Float(a, s), Value::Float(b, t)) => a == b && s == t,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.elem == b.elem
                && a.items.is_none() == b.items.is_none()
                && a.items().len() == b.items().len()
                && (std::ptr::eq(a.items(), b.items())
                    || a.items().iter().zip(b.items()).all(|(a, b)| equal(arena, *a, *b, depth + 1, budget)))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.elem == b.elem
                && a.name == b.name
                && a.is_nil() == b.is_nil()
                && a.len() == b.len()
                && (a.same(b)
                    || (0..a.len()).filter_map(|at| a.entry(at)).all(|(key, value)| {
                        b.get(key).is_some_and(|other| equal(arena, value, other, depth + 1, budget))
                    }))
        }
        (Value::Object(a), Value::Object(b)) => {
            if a.type_name() != b.type_name() {
                return false;
            }
            if std::ptr::eq(std::ptr::from_ref(a).cast::<u8>(), std::ptr::from_ref(b).cast::<u8>()) {
                return true;
            }
            if let (Some(a), Some(b)) = (a.bytes(), b.bytes()) {
                return a == b;
            }
            match (a.underlying(arena), b.underlying(arena)) {
                (Value::Nil, Value::Nil) => {
                    let (mine, theirs) = (a.fields(arena), b.fields(arena));
                    let same = |(a, b): (&(_, Value<'a>), &(_, Value<'a>))| equal(arena, a.1, b.1, depth + 1, budget);
                    if mine.is_empty() {
                        return a.string().is_some() && a.string() == b.string();
                    }
                    mine.iter().zip(&theirs).all(same)
                }
                (a, b) => equal(arena, a, b, depth + 1, budget),
            }
        }
        _ => false,
    }
}

/// `copystructure.Copy`: maps and slices anew, all else as it is. A value that contains itself is refused.
pub(crate) fn deep_copy<'a>(arena: &'a Arena, value: Value<'a>) -> Result<Value<'a>, Error> {
    copy(arena, value, 0, &mut Budget::new())
}

fn copy<'a>(arena: &'a Arena, value: Value<'a>, depth: u32, budget: &mut Budget) -> Result<Value<'a>, Error> {
    if !budget.spend(depth) {
        return fail("the value is too large to be copied, or contains itself");
    }
    Ok(match value {
        Value::List(list) if list.items.is_some() => {
            let items = list.items().iter().map(|item| copy(arena, *item, depth + 1, budget));
            let items = items.collect::<Result<Vec<_>, _>>()?;
            arena.roomy_list(list.elem, &items, Room::Reserved(list.capacity()))
        }
        Value::Map(map) if !map.is_nil() => {
            let made = arena.typed_map(map.elem);
            for (key, item) in entries(map) {
                made.set(key, copy(arena, item, depth + 1, budget)?);
            }
            Value::Map(if map.name.is_some() { arena.view(made, map.name) } else { made })
        }
        Value::Object(object) => object.copied(arena).unwrap_or(value),
        _ => value,
    })
}

/// mergo's `isEmptyValue`, pointers looked through.
pub(crate) fn is_empty<'a>(arena: &'a Arena, value: Value<'a>) -> bool {
    match value {
        Value::Object(object) if matches!(object.kind(), Kind::Ptr | Kind::Struct | Kind::Func) => false,
        _ => crate::functions::args::is_empty(arena, value),
    }
}

/// Whether mergo looks into a value by reflection: a map, a struct or a pointer.
fn is_deep(value: Value<'_>) -> bool {
    match value {
        Value::Map(_) => true,
        Value::Object(object) => matches!(object.kind(), Kind::Map | Kind::Struct | Kind::Ptr),
        _ => false,
    }
}

fn is_slice(value: Value<'_>) -> bool {
    match value {
        Value::List(_) => true,
        Value::Object(object) => object.kind() == Kind::Slice,
        _ => false,
    }
}

/// `mergo.Merge`, or `mergo.MergeWithOverwrite`, of maps: the source into the destination, in place.
pub(crate) fn merge<'a>(arena: &'a Arena, into: &'a Map<'a>, from: &'a Map<'a>, overwrite: bool) -> Result<(), Error> {
    merge_maps(arena, into, from, overwrite, (0, &mut Budget::new()))
}

fn merge_maps<'a>(
    arena: &'a Arena,
    into: &'a Map<'a>,
    from: &'a Map<'a>,
    overwrite: bool,
    (depth, budget): (u32, &mut Budget),
) -> Result<(), Error> {
    for (key, source) in entries(from) {
        let old = into.get(key);
        if matches!(source, Value::Nil) {
            if overwrite {
                put(into, key, source)?;
            }
            continue;
        }
        if is_deep(source) {
            if !budget.spend(depth) {
                return fail("the dictionaries are too large to be merged, or contain themselves");
            }
            merge_below(arena, old, source, overwrite, (depth + 1, budget))?;
        } else if is_slice(source) && (overwrite || into.is_empty()) {
            put(into, key, source)?;
        }
        // mergo looks at the old value as it is after the merge below.
        if let Some(old) = old
            && !is_empty(arena, old)
            && (is_slice(source) || matches!((source, old), (Value::Map(_), Value::Map(_))))
        {
            continue;
        }
        if overwrite || old.is_none_or(|old| is_empty(arena, old)) {
            put(into, key, source)?;
        }
    }
    Ok(())
}

fn merge_below<'a>(
    arena: &'a Arena,
    old: Option<Value<'a>>,
    source: Value<'a>,
    overwrite: bool,
    down: (u32, &mut Budget),
) -> Result<(), Error> {
    match (old, source) {
        (Some(Value::Map(into)), Value::Map(from)) if !into.is_nil() => merge_maps(arena, into, from, overwrite, down),
        (Some(Value::Object(old)), source) if old.kind() == Kind::Ptr && !overwrite && !is_pointer(source) => {
            fail("src and dst must be of same type")
        }
        _ => Ok(()),
    }
}

fn is_pointer(value: Value<'_>) -> bool {
    matches!(value, Value::Object(object) if object.kind() == Kind::Ptr)
}

fn put<'a>(map: &Map<'a>, key: &'a [u8], value: Value<'a>) -> Result<(), Error> {
    if map.elem == GoType::String && !matches!(value, Value::Str(_)) {
        return fail(format!("reflect.Set: value of type {} is not assignable to type string", value.type_name()));
    }
    map.set(key, value);
    Ok(())
}
