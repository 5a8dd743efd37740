//! Paths, of slashes and of the operating system, which are the same here.

use gotext::GoType::String as Str;
use gotext::{Function, Value};

use super::args::bytes;
use super::f;
use crate::golang::path;

pub(super) const TABLE: &[Function] = &[
    f("base", "Takes the last part of a path.", &[Str], None, |c, a| Ok(c.arena.str(path::base(bytes(a, 0))))),
    f("dir", "Takes all but the last part of a path.", &[Str], None, |c, a| Ok(c.arena.str(path::dir(bytes(a, 0))))),
    f("clean", "Makes a path the shortest of its meaning.", &[Str], None, |c, a| {
        Ok(c.arena.str(path::clean(bytes(a, 0))))
    }),
    f("ext", "Takes the extension of a path.", &[Str], None, |_, a| Ok(Value::Str(path::ext(bytes(a, 0))))),
    f("isAbs", "Tells whether a path is absolute.", &[Str], None, |_, a| {
        Ok(Value::Bool(bytes(a, 0).starts_with(b"/")))
    }),
    f("osBase", "Takes the last part of a file path.", &[Str], None, |c, a| Ok(c.arena.str(path::base(bytes(a, 0))))),
    f("osDir", "Takes all but the last part of a file path.", &[Str], None, |c, a| {
        Ok(c.arena.str(path::dir(bytes(a, 0))))
    }),
    f("osClean", "Makes a file path the shortest of its meaning.", &[Str], None, |c, a| {
        Ok(c.arena.str(path::clean(bytes(a, 0))))
    }),
    f("osExt", "Takes the extension of a file path.", &[Str], None, |_, a| Ok(Value::Str(path::ext(bytes(a, 0))))),
    f("osIsAbs", "Tells whether a file path is absolute.", &[Str], None, |_, a| {
        Ok(Value::Bool(bytes(a, 0).starts_with(b"/")))
    }),
];
