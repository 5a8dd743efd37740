//! Lists.

use gotext::GoType::{Any, Int};
use gotext::{Arena, Error, Function, GoType, List, Room, Value};

use super::args::{Out, any, fail, int, is_empty, nil_pointer, slice};
use super::f;
use crate::golang::cast::to_int64;
use crate::golang::deep::deep_equal;

pub(super) const TABLE: &[Function] = &[
    f("list", "Makes a list.", &[], Some(Any), |c, a| Ok(make(c.arena, a))),
    f("tuple", "Makes a list.", &[], Some(Any), |c, a| Ok(make(c.arena, a))),
    f("append", "Adds a value at the end of a list.", &[Any, Any], None, |c, a| push(c.arena, a)),
    f("push", "Adds a value at the end of a list.", &[Any, Any], None, |c, a| push(c.arena, a)),
    f("mustAppend", "Adds a value at the end of a list.", &[Any, Any], None, |c, a| push(c.arena, a)),
    f("mustPush", "Adds a value at the end of a list.", &[Any, Any], None, |c, a| push(c.arena, a)),
    f("prepend", "Adds a value at the front of a list.", &[Any, Any], None, |c, a| prepend(c.arena, a)),
    f("mustPrepend", "Adds a value at the front of a list.", &[Any, Any], None, |c, a| prepend(c.arena, a)),
    f("first", "Takes the first item.", &[Any], None, |c, a| first(c.arena, a)),
    f("mustFirst", "Takes the first item.", &[Any], None, |c, a| first(c.arena, a)),
    f("last", "Takes the last item.", &[Any], None, |c, a| last(c.arena, a)),
    f("mustLast", "Takes the last item.", &[Any], None, |c, a| last(c.arena, a)),
    f("rest", "Takes all items but the first.", &[Any], None, |c, a| rest(c.arena, a)),
    f("mustRest", "Takes all items but the first.", &[Any], None, |c, a| rest(c.arena, a)),
    f("initial", "Takes all items but the last.", &[Any], None, |c, a| initial(c.arena, a)),
    f("mustInitial", "Takes all items but the last.", &[Any], None, |c, a| initial(c.arena, a)),
    f("reverse", "Turns a list round.", &[Any], None, |c, a| reverse(c.arena, a)),
    f("mustReverse", "Turns a list round.", &[Any], None, |c, a| reverse(c.arena, a)),
    f("compact", "Leaves empty items out.", &[Any], None, |c, a| compact(c.arena, a)),
    f("mustCompact", "Leaves empty items out.", &[Any], None, |c, a| compact(c.arena, a)),
    f("uniq", "Leaves repeated items out.", &[Any], None, |c, a| uniq(c.arena, a)),
    f("mustUniq", "Leaves repeated items out.", &[Any], None, |c, a| uniq(c.arena, a)),
    f("without", "Leaves the given items out.", &[Any], Some(Any), |c, a| without(c.arena, a)),
    f("mustWithout", "Leaves the given items out.", &[Any], Some(Any), |c, a| without(c.arena, a)),
    f("has", "Tells whether an item is in a list.", &[Any, Any], None, |c, a| has(c.arena, a)),
    f("mustHas", "Tells whether an item is in a list.", &[Any, Any], None, |c, a| has(c.arena, a)),
    f("slice", "Cuts a piece out of a list.", &[Any], Some(Any), |c, a| cut(c.arena, a)),
    f("mustSlice", "Cuts a piece out of a list.", &[Any], Some(Any), |c, a| cut(c.arena, a)),
    f("concat", "Joins lists into one.", &[], Some(Any), |c, a| concat(c.arena, a)),
    f("chunk", "Cuts a list into lists of a size.", &[Int, Any], None, |c, a| chunk(c.arena, a)),
    f("mustChunk", "Cuts a list into lists of a size.", &[Int, Any], None, |c, a| chunk(c.arena, a)),
];

fn make<'a>(arena: &'a Arena, items: &[Value<'a>]) -> Value<'a> {
    arena.list(items)
}

/// The list an argument is, or the error Sprig gives for another kind; `what` begins it (`Cannot push on type`).
fn list<'a>(arena: &'a Arena, value: Value<'a>, what: &str) -> Result<&'a List<'a>, Error> {
    match slice(arena, value) {
        Some(list) => Ok(list),
        None if matches!(value, Value::Nil) => nil_pointer(),
        None => fail(format!("{what} {}", value.kind_name())),
    }
}

fn push<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let old = list(arena, any(a, 0), "Cannot push on type")?.items();
    let mut items = Vec::with_capacity(old.len() + 1);
    items.extend_from_slice(old);
    items.push(any(a, 1));
    Ok(arena.roomy_list(Any, &items, Room::Joined(old.len())))
}

fn prepend<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let old = list(arena, any(a, 0), "Cannot prepend on type")?.items();
    let mut items = Vec::with_capacity(old.len() + 1);
    items.push(any(a, 1));
    items.extend_from_slice(old);
    Ok(arena.roomy_list(Any, &items, Room::Joined(1)))
}

fn first<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    Ok(list(arena, any(a, 0), "Cannot find first on type")?.items().first().copied().unwrap_or(Value::Nil))
}

fn last<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    Ok(list(arena, any(a, 0), "Cannot find last on type")?.items().last().copied().unwrap_or(Value::Nil))
}

fn rest<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    Ok(match list(arena, any(a, 0), "Cannot find rest on type")?.items().split_first() {
        Some((_, rest)) => arena.list(rest),
        None => GoType::List.zero(arena),
    })
}

fn initial<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    Ok(match list(arena, any(a, 0), "Cannot find initial on type")?.items().split_last() {
        Some((_, initial)) => arena.list(initial),
        None => GoType::List.zero(arena),
    })
}

fn reverse<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let mut items = list(arena, any(a, 0), "Cannot find reverse on type")?.items().to_vec();
    items.reverse();
    Ok(arena.list(&items))
}

fn compact<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let items = list(arena, any(a, 0), "Cannot compact on type")?.items();
    let kept: Vec<_> = items.iter().copied().filter(|v| !is_empty(arena, *v)).collect();
    Ok(arena.appended(Any, &kept))
}

fn uniq<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in list(arena, any(a, 0), "Cannot find uniq on type")?.items() {
        if !kept.iter().any(|k| deep_equal(arena, *item, *k)) {
            kept.push(*item);
        }
    }
    Ok(arena.appended(Any, &kept))
}

fn without<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let items = list(arena, any(a, 0), "Cannot find without on type")?.items();
    let omit = a.get(1..).unwrap_or(&[]);
    let kept: Vec<_> = items.iter().copied().filter(|v| !omit.iter().any(|o| deep_equal(arena, *v, *o))).collect();
    Ok(arena.appended(Any, &kept))
}

fn has<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let (needle, haystack) = (any(a, 0), any(a, 1));
    if matches!(haystack, Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let items = list(arena, haystack, "Cannot find has on type")?.items();
    Ok(Value::Bool(items.iter().any(|v| deep_equal(arena, needle, *v))))
}

pub(crate) fn cut<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let list = list(arena, any(a, 0), "list should be type of slice or array but")?;
    let items = list.items();
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = if a.len() > 1 { to_int64(any(a, 1)) } else { 0 };
    let end = if a.len() > 2 { to_int64(any(a, 2)) } else { items.len() as i64 };
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let named = |(start, end)| match any(a, 0) {
        Value::Object(object) => object.sliced(arena, start, end),
        _ => None,
    };
    if let Some(part) = range.and_then(named) {
        return Ok(part);
    }
    match range.and_then(|(start, end)| list.part(arena, start, end)) {
        Some(part) => Ok(part),
        None => fail("reflect.Value.Slice: slice index out of bounds"),
    }
}

fn concat<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    let mut items = Vec::new();
    for value in a {
        match slice(arena, *value) {
            Some(list) => items.extend_from_slice(list.items()),
            None if matches!(value, Value::Nil) => return nil_pointer(),
            None => return fail(format!("Cannot concat type {} as list", value.kind_name())),
        }
    }
    // As in Go, joining nothing gives a nil list.
    Ok(if items.is_empty() { GoType::List.zero(arena) } else { arena.appended(Any, &items) })
}

fn chunk<'a>(arena: &'a Arena, a: &[Value<'a>]) -> Out<'a> {
    const OUT_OF_RANGE: &str = "runtime error: makeslice: len out of range";
    let (size, items) = (int(a, 0), list(arena, any(a, 1), "Cannot chunk type")?.items());
    // Sprig counts with floats, so that a negative size can fit once.
    let count = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
    if !(0.0..9e18).contains(&count) {
        return fail(OUT_OF_RANGE);
    }
    let count = count as usize;
    let mut chunks = Vec::new();
    for i in 0..count {
        let mut len = size;
        if i + 1 == count {
            len = (items.len() as f64 % size as f64).floor() as i64;
            if len == 0 {
                len = size;
            }
        }
        let Ok(len) = usize::try_from(len) else { return fail(OUT_OF_RANGE) };
        let start = usize::try_from(size).unwrap_or(0).saturating_mul(i);
        match items.get(start..start.saturating_add(len)) {
            Some(part) => chunks.push(arena.list(part)),
            None => return fail(OUT_OF_RANGE),
        }
    }
    Ok(arena.typed_list(GoType::List, &chunks))
}
