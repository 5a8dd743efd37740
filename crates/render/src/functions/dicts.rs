//! Dictionaries.

use gotext::GoType::{Any, Map as Dict, String as Str};
use gotext::{Arena, Error, Function, Map, Value};

use super::args::{Out, any, bytes, entries, fail, map};
use super::f;
use super::print::to_text;
use crate::golang::deep;

pub(super) const TABLE: &[Function] = &[
    f("dict", "Makes a dictionary of keys and values in turn.", &[], Some(Any), |c, a| {
        let dict = c.arena.map();
        for pair in a.chunks(2) {
            let key = match any(pair, 0) {
                Value::Str(key) => key,
                other => c.arena.bytes(to_text(c.arena, other)),
            };
            dict.set(key, if pair.len() > 1 { any(pair, 1) } else { Value::Str(b"") });
        }
        Ok(Value::Map(dict))
    }),
    f("get", "Takes the value of a key, or an empty text.", &[Dict, Str], None, |_, a| {
        Ok(map(a, 0).and_then(|m| m.get(bytes(a, 1))).unwrap_or(Value::Str(b"")))
    }),
    f("set", "Sets a key of a dictionary in place.", &[Dict, Str, Any], None, |_, a| match map(a, 0) {
        Some(m) if !m.is_nil() => {
            m.set(bytes(a, 1), any(a, 2));
            Ok(any(a, 0))
        }
        _ => fail("assignment to entry in nil map"),
    }),
    f("unset", "Takes a key out of a dictionary in place.", &[Dict, Str], None, |_, a| {
        if let Some(m) = map(a, 0) {
            m.remove(bytes(a, 1));
        }
        Ok(any(a, 0))
    }),
    f("hasKey", "Tells whether a dictionary has a key.", &[Dict, Str], None, |_, a| {
        Ok(Value::Bool(map(a, 0).is_some_and(|m| m.get(bytes(a, 1)).is_some())))
    }),
    f("pluck", "Takes the values of a key from each dictionary that has it.", &[Str], Some(Dict), |c, a| {
        let key = bytes(a, 0);
        let found: Vec<_> = (1..a.len()).filter_map(|at| map(a, at)).filter_map(|m| m.get(key)).collect();
        Ok(c.arena.appended(Any, &found))
    }),
    f("keys", "Lists the keys of dictionaries, in no order in Helm; sorted here.", &[], Some(Dict), |c, a| {
        let keys = (0..a.len()).filter_map(|at| map(a, at)).flat_map(entries).map(|(key, _)| key);
        let keys: Vec<_> = keys.map(|key| c.arena.str(key)).collect();
        Ok(c.arena.appended(Str, &keys))
    }),
    f("values", "Lists the values of a dictionary, in no order in Helm; by key here.", &[Dict], None, |c, a| {
        let values: Vec<_> = map(a, 0).map(entries).unwrap_or_default().into_iter().map(|(_, v)| v).collect();
        Ok(c.arena.appended(Any, &values))
    }),
    f("pick", "Makes a dictionary of some keys of another.", &[Dict], Some(Str), |c, a| {
        let out = c.arena.map();
        for at in 1..a.len() {
            if let Some(value) = map(a, 0).and_then(|m| m.get(bytes(a, at))) {
                out.set(bytes(a, at), value);
            }
        }
        Ok(Value::Map(out))
    }),
    f("omit", "Makes a dictionary without some keys of another.", &[Dict], Some(Str), |c, a| {
        let out = c.arena.map();
        for (key, value) in map(a, 0).map(entries).unwrap_or_default() {
            if !(1..a.len()).any(|at| bytes(a, at) == key) {
                out.set(key, value);
            }
        }
        Ok(Value::Map(out))
    }),
    f("merge", "Merges dictionaries into the first; what it has stays.", &[Dict], Some(Dict), |c, a| {
        Ok(merge(c.arena, a, false).unwrap_or(Value::Str(b"")))
    }),
    f("mustMerge", "Merges dictionaries into the first; what it has stays.", &[Dict], Some(Dict), |c, a| {
        merge(c.arena, a, false)
    }),
    f("mergeOverwrite", "Merges dictionaries into the first; later ones win.", &[Dict], Some(Dict), |c, a| {
        Ok(merge(c.arena, a, true).unwrap_or(Value::Str(b"")))
    }),
    f("mustMergeOverwrite", "Merges dictionaries into the first; later ones win.", &[Dict], Some(Dict), |c, a| {
        merge(c.arena, a, true)
    }),
    f("deepCopy", "Copies a value all the way down.", &[Any], None, |c, a| deep_copy(c.arena, any(a, 0))),
    f("mustDeepCopy", "Copies a value all the way down.", &[Any], None, |c, a| deep_copy(c.arena, any(a, 0))),
    f("dig", "Takes a value from dictionaries in dictionaries, or a default.", &[], Some(Any), |_, a| dig(a)),
];

fn merge<'a>(arena: &'a Arena, a: &[Value<'a>], overwrite: bool) -> Out<'a> {
    let mut into = match any(a, 0) {
        Value::Map(m) => m,
        _ => return Ok(any(a, 0)),
    };
    for at in 1..a.len() {
        if let Some(from) = map(a, at).filter(|m| !m.is_nil()) {
            if into.is_nil() {
                into = arena.map();
            }
            deep::merge(arena, into, from, overwrite)?;
        }
    }
    Ok(Value::Map(into))
}

fn deep_copy<'a>(arena: &'a Arena, value: Value<'a>) -> Out<'a> {
    match value {
        Value::Nil => fail("reflect: call of reflect.Value.Type on zero Value"),
        _ => deep::deep_copy(arena, value),
    }
}

fn dig<'a>(a: &[Value<'a>]) -> Out<'a> {
    if a.len() < 3 {
        return fail("dig needs at least three arguments");
    }
    let (keys, default, mut at) =
        (a.get(..a.len() - 2).unwrap_or(&[]), any(a, a.len() - 2), plain(any(a, a.len() - 1))?);
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        match key {
            Value::Str(name) => names.push(*name),
            other => return fail(format!("interface conversion: interface {{}} is {}, not string", dynamic(*other))),
        }
    }
    let Some((last, path)) = names.split_last() else { return Ok(default) };
    for name in path {
        match at.get(name) {
            Some(step) => at = plain(step)?,
            None => return Ok(default),
        }
    }
    Ok(at.get(last).unwrap_or(default))
}

/// Go's type assertion to `map[string]interface {}`.
fn plain<'a>(value: Value<'a>) -> Result<&'a Map<'a>, Error> {
    match value {
        Value::Map(m) if m.name.is_none() && m.elem == Any => Ok(m),
        _ => fail(format!("interface conversion: interface {{}} is {}, not map[string]interface {{}}", dynamic(value))),
    }
}

fn dynamic(value: Value<'_>) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        _ => value.type_name().into_owned(),
    }
}
