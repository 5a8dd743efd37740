//! Numbers.

use gotext::GoType::{Any, Float64, Int};
use gotext::{Arena, Error, Function, GoType, Value};

use super::args::{any, fail, int};
use super::f;
use super::print::sprint;
use crate::golang::cast::{to_float64, to_int64};
use crate::golang::decimal::Decimal;

pub(super) const TABLE: &[Function] = &[
    f("int", "Makes an `int` of a value.", &[Any], None, |_, a| Ok(Value::int(to_int64(any(a, 0))))),
    f("int64", "Makes an `int64` of a value.", &[Any], None, |_, a| Ok(Value::int64(to_int64(any(a, 0))))),
    f("float64", "Makes a `float64` of a value.", &[Any], None, |_, a| Ok(Value::float(to_float64(any(a, 0))))),
    f("atoi", "Reads a decimal integer; 0 when it is none.", &[GoType::String], None, |_, a| {
        let text = super::args::bytes(a, 0);
        Ok(Value::int(match gotext::strconv::parse_int(text, 10, 64) {
            Ok(v) => v,
            Err(gotext::strconv::NumError::Range) if text.starts_with(b"-") => i64::MIN,
            Err(gotext::strconv::NumError::Range) => i64::MAX,
            Err(_) => 0,
        }))
    }),
    f("toDecimal", "Reads a number as Unix octal.", &[Any], None, |c, a| {
        let text = sprint(c.arena, any(a, 0));
        Ok(Value::int64(gotext::strconv::parse_int(&text, 8, 64).unwrap_or(0)))
    }),
    f("seq", "Counts like the `seq` command of Unix.", &[], Some(Int), |c, a| {
        let n: Vec<i64> = (0..a.len()).map(|at| int(a, at)).collect();
        let (start, step, stop) = match *n.as_slice() {
            [stop] => (1, 1, stop),
            [start, stop] => (start, 1, stop),
            [start, step, stop, ..] => (start, step, stop),
            [] => (0, 1, 0),
        };
        if !has_room(c.arena, start, stop, step) {
            return Ok(Value::Nil);
        }
        let numbers = match *n.as_slice() {
            [end] => {
                let step = if end < 1 { -1 } else { 1 };
                steps(1, end.wrapping_add(step), step)?
            }
            [start, end] => {
                let step = if end < start { -1 } else { 1 };
                steps(start, end.wrapping_add(step), step)?
            }
            [start, step, end] if end < start => {
                if step > 0 {
                    Vec::new()
                } else {
                    steps(start, end.wrapping_sub(1), step)?
                }
            }
            [start, step, end] => steps(start, end.wrapping_add(1), step)?,
            _ => Vec::new(),
        };
        let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
        Ok(c.arena.str(texts.join(" ")))
    }),
    f("until", "Lists the integers from 0 to a number.", &[Int], None, |c, a| {
        let count = int(a, 0);
        ints(c.arena, 0, count, if count < 0 { -1 } else { 1 })
    }),
    f("untilStep", "Lists integers by steps.", &[Int, Int, Int], None, |c, a| {
        ints(c.arena, int(a, 0), int(a, 1), int(a, 2))
    }),
    f("add1", "Adds one.", &[Any], None, |_, a| Ok(Value::int64(to_int64(any(a, 0)).wrapping_add(1)))),
    f("add", "Adds integers.", &[], Some(Any), |_, a| {
        Ok(Value::int64(a.iter().fold(0, |sum, v| sum.wrapping_add(to_int64(*v)))))
    }),
    f("sub", "Subtracts integers.", &[Any, Any], None, |_, a| {
        Ok(Value::int64(to_int64(any(a, 0)).wrapping_sub(to_int64(any(a, 1)))))
    }),
    f("mul", "Multiplies integers.", &[Any], Some(Any), |_, a| {
        Ok(Value::int64(a.iter().fold(1, |product, v| product.wrapping_mul(to_int64(*v)))))
    }),
    f("div", "Divides integers.", &[Any, Any], None, |_, a| match to_int64(any(a, 1)) {
        0 => fail("runtime error: integer divide by zero"),
        by => Ok(Value::int64(to_int64(any(a, 0)).wrapping_div(by))),
    }),
    f("mod", "Gives the remainder of a division of integers.", &[Any, Any], None, |_, a| match to_int64(any(a, 1)) {
        0 => fail("runtime error: integer divide by zero"),
        by => Ok(Value::int64(to_int64(any(a, 0)).wrapping_rem(by))),
    }),
    f("add1f", "Adds one to a decimal number.", &[Any], None, |_, a| {
        decimals(any(a, 0), &[Value::int(1)], |x, y| Ok(x.add(&y)))
    }),
    f("addf", "Adds decimal numbers.", &[], Some(Any), |_, a| decimals(Value::float(0.0), a, |x, y| Ok(x.add(&y)))),
    f("subf", "Subtracts decimal numbers.", &[Any], Some(Any), |_, a| {
        decimals(any(a, 0), tail(a), |x, y| Ok(x.sub(&y)))
    }),
    f("mulf", "Multiplies decimal numbers.", &[Any], Some(Any), |_, a| {
        decimals(any(a, 0), tail(a), |x, y| Ok(x.mul(&y)))
    }),
    f("divf", "Divides decimal numbers.", &[Any], Some(Any), |_, a| {
        decimals(any(a, 0), tail(a), |x, y| x.div(&y).ok_or_else(|| Error::new("decimal division by 0")))
    }),
    f("biggest", "Takes the greatest integer.", &[Any], Some(Any), |_, a| Ok(greatest(a))),
    f("max", "Takes the greatest integer.", &[Any], Some(Any), |_, a| Ok(greatest(a))),
    f("min", "Takes the least integer.", &[Any], Some(Any), |_, a| {
        Ok(Value::int64(a.iter().map(|v| to_int64(*v)).min().unwrap_or(0)))
    }),
    f("maxf", "Takes the greatest number.", &[Any], Some(Any), |_, a| {
        Ok(Value::float(floats(a, |x, y| beyond(x, y, f64::INFINITY, x > y || (x == y && y.is_sign_negative())))))
    }),
    f("minf", "Takes the least number.", &[Any], Some(Any), |_, a| {
        Ok(Value::float(floats(a, |x, y| beyond(x, y, f64::NEG_INFINITY, x < y || (x == y && x.is_sign_negative())))))
    }),
    f("floor", "Rounds down.", &[Any], None, |_, a| Ok(Value::float(to_float64(any(a, 0)).floor()))),
    f("ceil", "Rounds up.", &[Any], None, |_, a| Ok(Value::float(to_float64(any(a, 0)).ceil()))),
    f("round", "Rounds to a number of decimal places.", &[Any, Int], Some(Float64), |_, a| {
        let on = match any(a, 2) {
            Value::Float(on, _) => on,
            _ => 0.5,
        };
        let power = pow10(int(a, 1));
        let digits = power * to_float64(any(a, 0));
        let rounded = if digits.fract() >= on { digits.ceil() } else { digits.floor() };
        Ok(Value::float(rounded / power))
    }),
];

/// Takes the first or the other of two numbers, as Go's `math.Max` and `math.Min`: what nothing is beyond comes before NaN.
fn beyond(x: f64, y: f64, last: f64, first: bool) -> f64 {
    match (x, y) {
        _ if x == last || y == last => last,
        _ if x.is_nan() || y.is_nan() => f64::NAN,
        _ if first => x,
        _ => y,
    }
}

fn tail<'a, 'v>(a: &'v [Value<'a>]) -> &'v [Value<'a>] {
    a.get(1..).unwrap_or(&[])
}

/// `math.Pow(10, n)`, squaring with mantissa and exponent apart as Go's `math.Pow` does, which rounds otherwise than others.
pub(crate) fn pow10(places: i64) -> f64 {
    const FAR: i64 = 1 << 12;
    let (mut mantissa, mut exponent) = (1.0_f64, 0_i64);
    // Ten is 0.625 * 2^4.
    let (mut square, mut square_exponent) = (0.625_f64, 4_i64);
    let mut left = places.unsigned_abs();
    while left != 0 {
        if square_exponent.abs() > FAR {
            exponent += square_exponent;
            break;
        }
        if left & 1 == 1 {
            mantissa *= square;
            exponent += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if places < 0 { scale(1.0 / mantissa, -exponent) } else { scale(mantissa, exponent) }
}

/// `math.Ldexp`, rounded once.
fn scale(mantissa: f64, exponent: i64) -> f64 {
    let two = |exponent: i64| 2_f64.powi(exponent.clamp(-1022, 1023) as i32);
    match exponent {
        1024.. => mantissa * two(1023) * two(exponent - 1023),
        -1020..=1023 => mantissa * two(exponent),
        _ => mantissa * two(exponent + 60) * two(-60),
    }
}

fn greatest<'a>(a: &[Value<'a>]) -> Value<'a> {
    Value::int64(a.iter().map(|v| to_int64(*v)).max().unwrap_or(0))
}

fn floats(a: &[Value<'_>], pick: impl Fn(f64, f64) -> f64) -> f64 {
    let mut numbers = a.iter().map(|v| to_float64(*v));
    let first = numbers.next().unwrap_or(0.0);
    numbers.fold(first, pick)
}

fn decimals<'a>(
    first: Value<'a>,
    rest: &[Value<'a>],
    op: impl Fn(Decimal, Decimal) -> Result<Decimal, Error>,
) -> Result<Value<'a>, Error> {
    let read = |value: Value<'a>| {
        let number = to_float64(value);
        Decimal::from_f64(number).ok_or_else(|| Error::new(not_a_decimal(number)))
    };
    let mut sum = read(first)?;
    for value in rest {
        sum = op(sum, read(*value)?)?;
    }
    Ok(Value::float(sum.to_f64()))
}

fn not_a_decimal(number: f64) -> String {
    let number = gotext::strconv::format_float(number, b'g', None, 64);
    format!("Cannot create a Decimal from {number}")
}

/// What one call may produce: Go would run out of memory above.
const LONGEST: i64 = 50_000_000;

/// Tells whether there is room for that many numbers.
fn has_room(arena: &Arena, start: i64, stop: i64, step: i64) -> bool {
    let count = usize::try_from(start.abs_diff(stop) / step.unsigned_abs().max(1)).unwrap_or(usize::MAX);
    // What is too many anyway has an error of its own.
    count > LONGEST as usize || arena.has_room(count.saturating_mul(size_of::<Value<'_>>() * 2))
}

/// Sprig's `untilStep`.
fn steps(start: i64, stop: i64, step: i64) -> Result<Vec<i64>, Error> {
    let down = stop < start;
    if (down && step >= 0) || (!down && step <= 0) {
        return Ok(Vec::new());
    }
    if start.abs_diff(stop) / step.unsigned_abs() > LONGEST as u64 {
        return fail(format!("counting from {start} to {stop} by {step} gives more than {LONGEST} numbers"));
    }
    let mut out = Vec::new();
    let mut at = start;
    while if down { at > stop } else { at < stop } {
        out.push(at);
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(out)
}

fn ints<'a>(arena: &'a Arena, start: i64, stop: i64, step: i64) -> Result<Value<'a>, Error> {
    if !has_room(arena, start, stop, step) {
        return Ok(Value::Nil);
    }
    let items: Vec<_> = steps(start, stop, step)?.into_iter().map(Value::int).collect();
    Ok(arena.appended(GoType::Int, &items))
}
