//! Text (as Sprig 2.22: `strings.go`).

use gotext::GoType::{Int, String as Str};
use gotext::{Function, Value};

use super::{f, words};
use crate::functions::args::{bytes, fail, int};

pub(super) const TABLE: &[Function] = &[
    f("trunc", "Cuts a text to a number of bytes.", &[Int, Str], None, |_, a| {
        let (n, s) = (int(a, 0), bytes(a, 1));
        if s.len() as i64 <= n {
            return Ok(Value::Str(s));
        }
        match usize::try_from(n).ok().and_then(|n| s.get(..n)) {
            Some(cut) => Ok(Value::Str(cut)),
            None => fail(format!("runtime error: slice bounds out of range [:{n}]")),
        }
    }),
    f("camelcase", "Writes words as `CamelCase`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::camel_case(bytes(a, 0))))
    }),
    f("snakecase", "Writes words as `snake_case`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::lower_words(bytes(a, 0), b'_')))
    }),
    f("kebabcase", "Writes words as `kebab-case`.", &[Str], None, |c, a| {
        Ok(c.arena.str(words::lower_words(bytes(a, 0), b'-')))
    }),
];
