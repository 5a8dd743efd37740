//! Regular expressions in Go's syntax.

use std::rc::Rc;

use gotext::GoType::{Int, String as Str};
use gotext::{Arena, Call, Error, Function, GoType, Room, Value};

use super::args::{Out, bytes, fail, int};
use super::{f, host};
use gotext::regexp::{Regex, must_compile_error, quote_meta};

pub(super) const TABLE: &[Function] = &[
    f("regexMatch", "Tells whether an expression matches a text somewhere.", &[Str, Str], None, |c, a| {
        Ok(Value::Bool(compile(c, a, false).is_ok_and(|r| r.is_match(c.arena, bytes(a, 1)))))
    }),
    f("mustRegexMatch", "Tells whether an expression matches a text somewhere.", &[Str, Str], None, |c, a| {
        Ok(Value::Bool(compile(c, a, false)?.is_match(c.arena, bytes(a, 1))))
    }),
    f("regexFindAll", "Lists the matches, so many at most.", &[Str, Str, Int], None, |c, a| find_all(c, a, true)),
    f("mustRegexFindAll", "Lists the matches, so many at most.", &[Str, Str, Int], None, |c, a| find_all(c, a, false)),
    f("regexFind", "Takes the first match.", &[Str, Str], None, |c, a| find(c, a, true)),
    f("mustRegexFind", "Takes the first match.", &[Str, Str], None, |c, a| find(c, a, false)),
    f("regexReplaceAll", "Replaces matches; `${1}` is a group.", &[Str, Str, Str], None, |c, a| replace(c, a, true)),
    f("mustRegexReplaceAll", "Replaces matches; `${1}` is a group.", &[Str, Str, Str], None, |c, a| {
        replace(c, a, false)
    }),
    f("regexReplaceAllLiteral", "Replaces matches by a text as it is.", &[Str, Str, Str], None, |c, a| {
        literal(c, a, true)
    }),
    f("mustRegexReplaceAllLiteral", "Replaces matches by a text as it is.", &[Str, Str, Str], None, |c, a| {
        literal(c, a, false)
    }),
    f("regexSplit", "Splits a text at the matches, into so many parts at most.", &[Str, Str, Int], None, |c, a| {
        split(c, a, true)
    }),
    f("mustRegexSplit", "Splits a text at the matches, into so many parts at most.", &[Str, Str, Int], None, |c, a| {
        split(c, a, false)
    }),
    f("regexQuoteMeta", "Escapes what has a meaning in expressions.", &[Str], None, |c, a| {
        Ok(c.arena.str(quote_meta(bytes(a, 0))))
    }),
];

/// For how many matches Go makes room at first.
const ROOM: usize = 10;

/// Compiles the first argument for the second; `must` gives the text that `regexp.MustCompile` panics with.
fn compile(call: &mut Call<'_, '_>, a: &[Value<'_>], must: bool) -> Result<Rc<Regex>, Error> {
    let expression = bytes(a, 0);
    match host(call)?.regexes.compile(expression, bytes(a, 1)) {
        Ok(regex) => Ok(regex),
        Err(error) if must => fail(must_compile_error(expression, &error)),
        Err(error) => fail(error),
    }
}

fn find_all<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], must: bool) -> Out<'a> {
    let regex = compile(c, a, must)?;
    let text = bytes(a, 1);
    let found = regex.find_all(c.arena, text, int(a, 2));
    // Go returns a nil slice for no match.
    if found.is_empty() {
        return Ok(GoType::Strings.zero(c.arena));
    }
    let texts = found.into_iter().map(|span| c.arena.str(text.get(span.range()).unwrap_or(&[])));
    Ok(c.arena.roomy_list(Str, &texts.collect::<Vec<_>>(), Room::Appended(ROOM)))
}

fn find<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], must: bool) -> Out<'a> {
    Ok(Value::Str(compile(c, a, must)?.find(c.arena, bytes(a, 1)).unwrap_or(b"")))
}

fn replace<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], must: bool) -> Out<'a> {
    let out = compile(c, a, must)?.replace(c.arena, bytes(a, 1), bytes(a, 2));
    Ok(c.arena.str(out))
}

fn literal<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], must: bool) -> Out<'a> {
    let out = compile(c, a, must)?.replace_literal(c.arena, bytes(a, 1), bytes(a, 2));
    Ok(c.arena.str(out))
}

fn split<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>], must: bool) -> Out<'a> {
    let regex = compile(c, a, must)?;
    let arena: &'a Arena = c.arena;
    let (text, most) = (bytes(a, 1), int(a, 2));
    let Some(parts) = regex.split(arena, text, most) else { return Ok(GoType::Strings.zero(arena)) };
    let texts: Vec<_> = parts.into_iter().map(|part| arena.str(part)).collect();
    // Go makes room for as many parts as there are matches.
    let room = if text.is_empty() { Room::None } else { Room::Appended(regex.find_all(arena, text, most).len()) };
    Ok(arena.roomy_list(Str, &texts, room))
}
