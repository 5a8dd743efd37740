//! Conversions as `github.com/spf13/cast` 1.7 does them, with the zero value on failure.

use gotext::strconv::{parse_float, parse_int};
use gotext::{GoType, Value};

use crate::functions::args::float_to_int;
use crate::functions::dates::Named;

/// `cast.ToInt64`, and `cast.ToInt` on 64 bits.
pub(crate) fn to_int64(value: Value<'_>) -> i64 {
    match value {
        Value::Int(v, _) => v,
        Value::Uint(v, _) => v as i64,
        Value::Float(v, _) => float_to_int(v),
        Value::Bool(v) => i64::from(v),
        Value::Str(s) => parse_int(trim_zero_decimal(s), 0, 64).unwrap_or(0),
        _ => calendar(value).unwrap_or(0),
    }
}

/// A month or a day of the week: of the named numbers cast knows these alone.
fn calendar(value: Value<'_>) -> Option<i64> {
    let Value::Object(object) = value else { return None };
    object.as_any()?.downcast_ref::<Named>().map(|named| named.number)
}

/// `cast.ToFloat64`.
pub(crate) fn to_float64(value: Value<'_>) -> f64 {
    match value {
        Value::Int(v, _) => v as f64,
        Value::Uint(v, _) => v as f64,
        Value::Float(v, GoType::Float32) => f64::from(v as f32),
        Value::Float(v, _) => v,
        Value::Bool(v) => f64::from(u8::from(v)),
        Value::Str(s) => parse_float(s).unwrap_or(0.0),
        _ => calendar(value).map_or(0.0, |number| number as f64),
    }
}

/// Cuts `.0`, `.00` … off the end.
fn trim_zero_decimal(s: &[u8]) -> &[u8] {
    let mut found_zero = false;
    for (at, b) in s.iter().enumerate().rev() {
        match b {
            b'.' if found_zero => return s.get(..at).unwrap_or(s),
            b'.' => {}
            b'0' => found_zero = true,
            _ => return s,
        }
    }
    s
}
