//! Text.

use gotext::GoType::{Any, Int, String as Str};
use gotext::{Arena, Error, Function, GoType, Value};

use super::args::{any, bytes, fail, int, slice, strings};
use super::f;
use super::print::{quoted, sprint, to_text};
use crate::golang::unicode::{map_runes, runes, title, to_lower, to_upper, trim_end, trim_start};
use crate::golang::words;

pub(super) const TABLE: &[Function] = &[
    f("abbrev", "Shortens a text to a width, ending it in three dots.", &[Int, Str], None, |c, a| {
        let (width, s) = (int(a, 0), bytes(a, 1));
        Ok(if width < 4 { Value::Str(s) } else { c.arena.str(words::abbreviate(s, 0, width)) })
    }),
    f("abbrevboth", "Shortens a text on both sides.", &[Int, Int, Str], None, |c, a| {
        let (left, right, s) = (int(a, 0), int(a, 1), bytes(a, 2));
        let keep = right < 4 || left > 0 && right < 7;
        Ok(if keep { Value::Str(s) } else { c.arena.str(words::abbreviate(s, left, right)) })
    }),
    f("trunc", "Cuts a text to a number of bytes, counted from the end when negative.", &[Int, Str], None, |_, a| {
        let (n, s) = (int(a, 0), bytes(a, 1));
        let len = s.len() as i64;
        let cut = match n {
            _ if n < 0 && len + n > 0 => s.get((len + n) as usize..),
            _ if n >= 0 && len > n => s.get(..n as usize),
            _ => None,
        };
        Ok(Value::Str(cut.unwrap_or(s)))
    }),
    f("trim", "Removes white space from both ends.", &[Str], None, |_, a| {
        Ok(Value::Str(crate::golang::unicode::trim_space(bytes(a, 0))))
    }),
    f("upper", "Makes a text upper case.", &[Str], None, |c, a| Ok(c.arena.str(map_runes(bytes(a, 0), to_upper)))),
    f("lower", "Makes a text lower case.", &[Str], None, |c, a| Ok(c.arena.str(map_runes(bytes(a, 0), to_lower)))),
    f("title", "Puts the first letter of each word in title case.", &[Str], None, |c, a| {
        Ok(c.arena.str(title(bytes(a, 0))))
    }),
    f("untitle", "Puts the first letter of each word in lower case.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::uncapitalize(bytes(a, 0))))
    }),
    f("substr", "Cuts a piece out of a text, from one byte to another.", &[Int, Int, Str], None, |_, a| {
        substring(int(a, 0), int(a, 1), bytes(a, 2)).map(Value::Str)
    }),
    f("repeat", "Repeats a text.", &[Int, Str], None, |c, a| {
        repeat(c.arena, bytes(a, 1), int(a, 0)).map(|s| c.arena.str(s))
    }),
    f("trimall", "Removes the given characters from both ends.", &[Str, Str], None, |_, a| Ok(trim_all(a))),
    f("trimAll", "Removes the given characters from both ends.", &[Str, Str], None, |_, a| Ok(trim_all(a))),
    f("trimSuffix", "Removes an ending.", &[Str, Str], None, |_, a| {
        let s = bytes(a, 1);
        Ok(Value::Str(s.strip_suffix(bytes(a, 0)).unwrap_or(s)))
    }),
    f("trimPrefix", "Removes a beginning.", &[Str, Str], None, |_, a| {
        let s = bytes(a, 1);
        Ok(Value::Str(s.strip_prefix(bytes(a, 0)).unwrap_or(s)))
    }),
    f("nospace", "Removes all white space.", &[Str], None, |c, a| Ok(c.arena.str(words::delete_space(bytes(a, 0))))),
    f("initials", "Takes the first letter of each word.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::initials(bytes(a, 0))))
    }),
    f("swapcase", "Swaps upper and lower case.", &[Str], None, |c, a| Ok(c.arena.str(words::swap_case(bytes(a, 0))))),
    f("snakecase", "Writes words as `snake_case`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::lower_words(bytes(a, 0), b'_')))
    }),
    f("camelcase", "Writes words as `CamelCase`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::pascal_case(bytes(a, 0))))
    }),
    f("kebabcase", "Writes words as `kebab-case`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::lower_words(bytes(a, 0), b'-')))
    }),
    f("wrap", "Wraps a text at a column.", &[Int, Str], None, |c, a| {
        Ok(c.arena.str(words::wrap(bytes(a, 1), int(a, 0), b"", false)))
    }),
    f("wrapWith", "Wraps a text at a column with a given line end, long words too.", &[Int, Str, Str], None, |c, a| {
        let (text, width) = (bytes(a, 2), usize::try_from(int(a, 0)).unwrap_or(1).max(1));
        if !c.arena.has_room((text.len() / width + 1).saturating_mul(bytes(a, 1).len())) {
            return Ok(Value::Nil);
        }
        Ok(c.arena.str(words::wrap(text, int(a, 0), bytes(a, 1), true)))
    }),
    f("contains", "Tells whether the second text contains the first.", &[Str, Str], None, |_, a| {
        Ok(Value::Bool(find(bytes(a, 1), bytes(a, 0)).is_some()))
    }),
    f("hasPrefix", "Tells whether the second text begins with the first.", &[Str, Str], None, |_, a| {
        Ok(Value::Bool(bytes(a, 1).starts_with(bytes(a, 0))))
    }),
    f("hasSuffix", "Tells whether the second text ends with the first.", &[Str, Str], None, |_, a| {
        Ok(Value::Bool(bytes(a, 1).ends_with(bytes(a, 0))))
    }),
    f("quote", "Puts each value in double quotes, escaped as in Go.", &[], Some(Any), |c, a| {
        Ok(spaced(c.arena, a, |v| quoted(&to_text(c.arena, v)).into_bytes()))
    }),
    f("squote", "Puts each value in single quotes.", &[], Some(Any), |c, a| {
        Ok(spaced(c.arena, a, |v| [b"'", &*sprint(c.arena, v), b"'"].concat()))
    }),
    f("cat", "Joins values with spaces, nils left out.", &[], Some(Any), |c, a| {
        Ok(spaced(c.arena, a, |v| sprint(c.arena, v)))
    }),
    f("indent", "Indents every line by a number of spaces.", &[Int, Str], None, |c, a| {
        indent(c.arena, b"", int(a, 0), bytes(a, 1))
    }),
    f("nindent", "Indents every line, after a line break.", &[Int, Str], None, |c, a| {
        indent(c.arena, b"\n", int(a, 0), bytes(a, 1))
    }),
    f("replace", "Replaces one text by another everywhere.", &[Str, Str, Str], None, |c, a| {
        Ok(c.arena.str(replace(c.arena, bytes(a, 2), bytes(a, 0), bytes(a, 1))))
    }),
    f("plural", "Takes the first text for one, the second otherwise.", &[Str, Str, Int], None, |_, a| {
        Ok(any(a, usize::from(int(a, 2) != 1)))
    }),
    f("toString", "Makes a text of a value.", &[Any], None, |c, a| {
        Ok(match any(a, 0) {
            text @ Value::Str(_) => text,
            other => c.arena.str(to_text(c.arena, other)),
        })
    }),
    f("toStrings", "Makes a list of texts of a list, nils left out.", &[Any], None, |c, a| {
        Ok(strslice(c.arena, any(a, 0)))
    }),
    f("split", "Splits a text into a dictionary `_0`, `_1` ….", &[Str, Str], None, |c, a| {
        Ok(numbered(c.arena, &split(bytes(a, 1), bytes(a, 0), -1)))
    }),
    f("splitn", "Splits a text into a dictionary of so many parts at most.", &[Str, Int, Str], None, |c, a| {
        Ok(numbered(c.arena, &split(bytes(a, 2), bytes(a, 0), int(a, 1))))
    }),
    f("splitList", "Splits a text into a list.", &[Str, Str], None, |c, a| {
        Ok(strings(c.arena, split(bytes(a, 1), bytes(a, 0), -1)))
    }),
    f("join", "Joins a list into a text.", &[Str, Any], None, |c, a| {
        let list = strslice(c.arena, any(a, 1));
        let items: Vec<&[u8]> =
            slice(c.arena, list).map(|l| l.items()).unwrap_or_default().iter().map(as_bytes).collect();
        let size = items.iter().map(|item| item.len() + bytes(a, 0).len()).fold(0, usize::saturating_add);
        if size > LONGEST {
            return fail("strings: Join output length overflow");
        }
        if !c.arena.has_room(size.saturating_mul(2)) {
            return Ok(Value::Nil);
        }
        Ok(c.arena.str(items.join(bytes(a, 0))))
    }),
    f("sortAlpha", "Sorts a list of texts.", &[Any], None, |c, a| {
        // A list of texts is sorted as it is, and a nil one stays nil.
        if let Value::List(list) = any(a, 0)
            && list.elem == GoType::String
            && list.items.is_none()
        {
            return Ok(any(a, 0));
        }
        let list = strslice(c.arena, any(a, 0));
        let mut items: Vec<&[u8]> =
            slice(c.arena, list).map(|l| l.items()).unwrap_or_default().iter().map(as_bytes).collect();
        if slice(c.arena, any(a, 0)).is_none() {
            items = vec![c.arena.bytes(to_text(c.arena, any(a, 0)))];
        }
        items.sort_unstable();
        Ok(strings(c.arena, items))
    }),
    f("hello", "Says hello.", &[], None, |c, _| Ok(c.arena.str("Hello!"))),
];

fn as_bytes<'a>(value: &Value<'a>) -> &'a [u8] {
    match value {
        Value::Str(s) => s,
        _ => b"",
    }
}

fn is_nil(value: Value<'_>) -> bool {
    matches!(value, Value::Nil)
}

fn trim_all<'a>(a: &[Value<'a>]) -> Value<'a> {
    let set: Vec<u32> = runes(bytes(a, 0)).collect();
    let inside = |rune: u32| set.contains(&rune);
    Value::Str(trim_end(trim_start(bytes(a, 1), inside), inside))
}

/// Go's slicing of a string with its panics.
fn substring(start: i64, end: i64, s: &[u8]) -> Result<&[u8], Error> {
    let len = s.len() as i64;
    let (start, end) = match (start, end) {
        _ if start < 0 => {
            if end < 0 {
                return fail(format!("runtime error: slice bounds out of range [:{end}]"));
            }
            if end > len {
                return fail(format!("runtime error: slice bounds out of range [:{end}] with length {len}"));
            }
            (0, end)
        }
        _ if end < 0 || end > len => {
            if start > len {
                return fail(format!("runtime error: slice bounds out of range [{start}:{len}]"));
            }
            (start, len)
        }
        _ => {
            if start > end {
                return fail(format!("runtime error: slice bounds out of range [{start}:{end}]"));
            }
            (start, end)
        }
    };
    Ok(s.get(start as usize..end as usize).unwrap_or(b""))
}

/// Writes values with spaces between them, nils left out.
fn spaced<'a>(arena: &'a Arena, values: &[Value<'a>], write: impl Fn(Value<'a>) -> Vec<u8>) -> Value<'a> {
    let mut out = Vec::new();
    for (at, value) in values.iter().filter(|v| !is_nil(**v)).enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(&write(*value));
        // The same long text may be there many times.
        if !arena.has_room(out.len()) {
            return Value::Nil;
        }
    }
    arena.str(out)
}

/// What one call may produce: Go would run out of memory somewhere above.
const LONGEST: usize = 1 << 30;

/// `strings.Repeat` with its panics.
pub(super) fn repeat(arena: &Arena, s: &[u8], count: i64) -> Result<Vec<u8>, Error> {
    if count < 0 {
        return fail("strings: negative Repeat count");
    }
    match usize::try_from(count).ok().and_then(|n| n.checked_mul(s.len())) {
        Some(n) if n <= LONGEST && !arena.has_room(n.saturating_mul(2)) => Ok(Vec::new()),
        Some(n) if n <= LONGEST => Ok(s.repeat(count as usize)),
        _ => fail("strings: Repeat output length overflow"),
    }
}

fn indent<'a>(arena: &'a Arena, before: &[u8], spaces: i64, text: &[u8]) -> Result<Value<'a>, Error> {
    let pad = repeat(arena, b" ", spaces)?;
    let lines = text.iter().filter(|b| **b == b'\n').count() + 1;
    let size = lines.checked_mul(pad.len()).map(|n| n + text.len() + 1);
    let Some(size) = size.filter(|n| *n <= LONGEST) else { return fail("strings: Repeat output length overflow") };
    if !arena.has_room(size.saturating_mul(2)) {
        return Ok(Value::Nil);
    }
    let mut out = Vec::with_capacity(size);
    out.extend_from_slice(before);
    out.extend_from_slice(&pad);
    for (at, line) in text.split(|b| *b == b'\n').enumerate() {
        if at > 0 {
            out.push(b'\n');
            out.extend_from_slice(&pad);
        }
        out.extend_from_slice(line);
    }
    Ok(arena.str(out))
}

/// The first place of a text in another.
pub(super) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

/// `strings.ReplaceAll`.
pub(super) fn replace(arena: &Arena, text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    if old.is_empty() {
        if !arena.has_room((text.len() + 1).saturating_mul(new.len())) {
            return out;
        }
        out.extend_from_slice(new);
        let mut rest = text;
        while !rest.is_empty() {
            let (_, width) = gotext::strconv::decode_rune(rest);
            let (rune, after) = rest.split_at_checked(width).unwrap_or((rest, &[]));
            out.extend_from_slice(rune);
            out.extend_from_slice(new);
            rest = after;
        }
        return out;
    }
    let mut rest = text;
    while let Some(at) = find(rest, old) {
        out.extend_from_slice(rest.get(..at).unwrap_or(&[]));
        out.extend_from_slice(new);
        if !arena.has_room(out.len()) {
            return Vec::new();
        }
        rest = rest.get(at + old.len()..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    out
}

/// `strings.SplitN`; no limit when it is negative.
pub(super) fn split<'t>(text: &'t [u8], separator: &[u8], limit: i64) -> Vec<&'t [u8]> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut out = Vec::new();
    if limit == 0 {
        return out;
    }
    let mut rest = text;
    if separator.is_empty() {
        while !rest.is_empty() && out.len() + 1 < limit {
            let (_, width) = gotext::strconv::decode_rune(rest);
            let (rune, after) = rest.split_at_checked(width).unwrap_or((rest, &[]));
            out.push(rune);
            rest = after;
        }
        if !rest.is_empty() {
            out.push(rest);
        }
        return out;
    }
    while out.len() + 1 < limit {
        let Some(at) = find(rest, separator) else { break };
        out.push(rest.get(..at).unwrap_or(&[]));
        rest = rest.get(at + separator.len()..).unwrap_or(&[]);
    }
    out.push(rest);
    out
}

fn numbered<'a>(arena: &'a Arena, parts: &[&[u8]]) -> Value<'a> {
    let map = arena.typed_map(GoType::String);
    for (at, part) in parts.iter().enumerate() {
        if at % 1024 == 0 && !arena.has_room((parts.len() - at).saturating_mul(64)) {
            break;
        }
        map.set(arena.bytes(format!("_{at}")), arena.str(part));
    }
    Value::Map(map)
}

/// Sprig's `strslice`: a `[]string` of any list, or of a single value.
pub(super) fn strslice<'a>(arena: &'a Arena, value: Value<'a>) -> Value<'a> {
    match value {
        Value::Nil => strings(arena, [] as [&[u8]; 0]),
        Value::List(list) if list.elem == GoType::String => value,
        _ => match slice(arena, value) {
            Some(list) => strings(arena, list.items().iter().filter(|v| !is_nil(**v)).map(|v| to_text(arena, *v))),
            None => strings(arena, [to_text(arena, value)]),
        },
    }
}
