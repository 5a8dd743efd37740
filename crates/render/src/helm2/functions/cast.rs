//! Conversions as Sprig 2.22 does them (`numeric.go`), with zero for what is no number.

use gotext::strconv::{parse_float, parse_int};
use gotext::{GoType, Value};

use crate::functions::args::float_to_int;

/// `toInt64`, and `toInt` on 64 bits: texts are decimal only, and what is too great is the greatest.
pub(super) fn to_int64<'a>(value: Value<'a>, arena: &'a gotext::Arena) -> i64 {
    match value {
        Value::Int(v, _) => v,
        Value::Uint(v, GoType::Uint | GoType::Uint64) => i64::try_from(v).unwrap_or(i64::MAX),
        Value::Uint(v, _) => v as i64,
        Value::Float(v, _) => float_to_int(v),
        Value::Bool(v) => i64::from(v),
        Value::Str(s) => parse_int(s, 10, 64).unwrap_or(0),
        Value::Object(object) => match object.underlying(arena) {
            Value::Int(v, _) => v,
            _ => 0,
        },
        _ => 0,
    }
}

/// `toFloat64`.
pub(super) fn to_float64<'a>(value: Value<'a>, arena: &'a gotext::Arena) -> f64 {
    match value {
        Value::Int(v, _) => v as f64,
        Value::Uint(v, _) => v as f64,
        Value::Float(v, _) => v,
        Value::Bool(v) => f64::from(u8::from(v)),
        Value::Str(s) => parse_float(s).unwrap_or(0.0),
        Value::Object(object) => match object.underlying(arena) {
            Value::Int(v, _) => v as f64,
            _ => 0.0,
        },
        _ => 0.0,
    }
}
