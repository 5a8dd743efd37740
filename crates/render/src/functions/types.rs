//! Types and defaults.

use gotext::GoType::{Any, Bool, String as Str};
use gotext::{Function, Value};

use super::args::{any, boolean, bytes, is_empty};
use super::f;
use crate::golang::deep::deep_equal;

pub(super) const TABLE: &[Function] = &[
    f("typeOf", "Names the Go type of a value.", &[Any], None, |c, a| {
        Ok(c.arena.str(any(a, 0).type_name().as_bytes()))
    }),
    f("typeIs", "Tells whether a value is of a Go type.", &[Str, Any], None, |_, a| {
        Ok(Value::Bool(bytes(a, 0) == any(a, 1).type_name().as_bytes()))
    }),
    f("typeIsLike", "Tells whether a value is of a Go type or a pointer to it.", &[Str, Any], None, |_, a| {
        let (target, name) = (bytes(a, 0), any(a, 1).type_name());
        let name = name.as_bytes();
        Ok(Value::Bool(target == name || name.strip_prefix(b"*") == Some(target)))
    }),
    f("kindOf", "Names the Go kind of a value.", &[Any], None, |c, a| Ok(c.arena.str(any(a, 0).kind_name()))),
    f("kindIs", "Tells whether a value is of a Go kind.", &[Str, Any], None, |_, a| {
        Ok(Value::Bool(bytes(a, 0) == any(a, 1).kind_name().as_bytes()))
    }),
    f("deepEqual", "Tells whether two values are equal all the way down.", &[Any, Any], None, |c, a| {
        Ok(Value::Bool(deep_equal(c.arena, any(a, 0), any(a, 1))))
    }),
    f("default", "Takes a default when the value is empty.", &[Any], Some(Any), |c, a| {
        Ok(if a.len() < 2 || is_empty(c.arena, any(a, 1)) { any(a, 0) } else { any(a, 1) })
    }),
    f("empty", "Tells whether a value is the zero of its type.", &[Any], None, |c, a| {
        Ok(Value::Bool(is_empty(c.arena, any(a, 0))))
    }),
    f("coalesce", "Takes the first value that is not empty.", &[], Some(Any), |c, a| {
        Ok(a.iter().copied().find(|v| !is_empty(c.arena, *v)).unwrap_or(Value::Nil))
    }),
    f("all", "Tells whether no value is empty.", &[], Some(Any), |c, a| {
        Ok(Value::Bool(a.iter().all(|v| !is_empty(c.arena, *v))))
    }),
    f("any", "Tells whether some value is not empty.", &[], Some(Any), |c, a| {
        Ok(Value::Bool(a.iter().any(|v| !is_empty(c.arena, *v))))
    }),
    f("ternary", "Takes the first value when the last is true, else the second.", &[Any, Any, Bool], None, |_, a| {
        Ok(any(a, usize::from(!boolean(a, 2))))
    }),
];
