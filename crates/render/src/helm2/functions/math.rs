//! Numbers (as Sprig 2.22: `numeric.go`).

use gotext::GoType::{Any, Float64, Int};
use gotext::{Call, Error, Function, Value};

use super::cast::{to_float64, to_int64};
use super::f;
use crate::functions::args::{any, fail, int};
use crate::functions::lists;
use crate::functions::math::pow10;

pub(super) const TABLE: &[Function] = &[
    f("int", "Makes an `int` of a value.", &[Any], None, |c, a| Ok(Value::int(to_int64(any(a, 0), c.arena)))),
    f("int64", "Makes an `int64` of a value.", &[Any], None, |c, a| Ok(Value::int64(to_int64(any(a, 0), c.arena)))),
    f("float64", "Makes a `float64` of a value.", &[Any], None, |c, a| {
        Ok(Value::float(to_float64(any(a, 0), c.arena)))
    }),
    f("add1", "Adds one.", &[Any], None, |c, a| Ok(Value::int64(to_int64(any(a, 0), c.arena).wrapping_add(1)))),
    f("add", "Adds integers.", &[], Some(Any), |c, a| {
        Ok(Value::int64(a.iter().fold(0, |sum, v| sum.wrapping_add(to_int64(*v, c.arena)))))
    }),
    f("sub", "Subtracts integers.", &[Any, Any], None, |c, a| {
        Ok(Value::int64(to_int64(any(a, 0), c.arena).wrapping_sub(to_int64(any(a, 1), c.arena))))
    }),
    f("mul", "Multiplies integers.", &[Any], Some(Any), |c, a| {
        Ok(Value::int64(a.iter().fold(1, |product, v| product.wrapping_mul(to_int64(*v, c.arena)))))
    }),
    f("div", "Divides integers.", &[Any, Any], None, |c, a| match to_int64(any(a, 1), c.arena) {
        0 => divided_by_zero(),
        by => Ok(Value::int64(to_int64(any(a, 0), c.arena).wrapping_div(by))),
    }),
    f("mod", "Gives the remainder of a division of integers.", &[Any, Any], None, |c, a| {
        match to_int64(any(a, 1), c.arena) {
            0 => divided_by_zero(),
            by => Ok(Value::int64(to_int64(any(a, 0), c.arena).wrapping_rem(by))),
        }
    }),
    f("biggest", "Takes the greatest integer.", &[Any], Some(Any), |c, a| {
        Ok(Value::int64(a.iter().map(|v| to_int64(*v, c.arena)).max().unwrap_or(0)))
    }),
    f("max", "Takes the greatest integer.", &[Any], Some(Any), |c, a| {
        Ok(Value::int64(a.iter().map(|v| to_int64(*v, c.arena)).max().unwrap_or(0)))
    }),
    f("min", "Takes the least integer.", &[Any], Some(Any), |c, a| {
        Ok(Value::int64(a.iter().map(|v| to_int64(*v, c.arena)).min().unwrap_or(0)))
    }),
    f("floor", "Rounds down.", &[Any], None, |c, a| Ok(Value::float(to_float64(any(a, 0), c.arena).floor()))),
    f("ceil", "Rounds up.", &[Any], None, |c, a| Ok(Value::float(to_float64(any(a, 0), c.arena).ceil()))),
    f("round", "Rounds to a number of decimal places.", &[Any, Int], Some(Float64), |c, a| {
        let on = match any(a, 2) {
            Value::Float(on, _) => on,
            _ => 0.5,
        };
        let power = pow10(int(a, 1));
        let digits = power * to_float64(any(a, 0), c.arena);
        let rounded = if digits.fract() >= on { digits.ceil() } else { digits.floor() };
        Ok(Value::float(rounded / power))
    }),
    f("slice", "Cuts a piece out of a list.", &[Any], Some(Any), cut),
];

fn divided_by_zero<'a>() -> Result<Value<'a>, Error> {
    fail("runtime error: integer divide by zero")
}

/// Sprig's `slice`, whose places are converted as numbers are.
fn cut<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Result<Value<'a>, Error> {
    let mut args = vec![any(a, 0)];
    args.extend(a.iter().skip(1).map(|v| Value::int(to_int64(*v, c.arena))));
    lists::cut(c.arena, &args)
}
