//! Dates and durations.

use std::borrow::Cow;

use gotext::GoType::{Any, Int as IntType, Int64, String as Str};
use gotext::{Arena, Call, Error, Function, GoType, Kind, Method, Object, Value};

use super::args::{Out, any, bytes, float_to_int, int};
use super::{f, host};
use crate::golang::time::{
    MONTHS, Time, WEEKDAYS, Zone, load_zone, local_zone, parse_duration, print_duration, round, truncate,
};
use crate::golang::unicode::trim_space;

const TIME: GoType = GoType::Named("time.Time");
const DURATION: GoType = GoType::Named("time.Duration");

pub(super) const TABLE: &[Function] = &[
    f("now", "Gives the current time.", &[], None, |c, _| {
        let now = host(c)?.now;
        Ok(c.arena.object(now))
    }),
    f("date", "Formats a time by a Go layout in the local zone.", &[Str, Any], None, |c, a| {
        format(c, bytes(a, 0), any(a, 1), b"Local")
    }),
    f("date_in_zone", "Formats a time by a Go layout in a zone.", &[Str, Any, Str], None, |c, a| {
        format(c, bytes(a, 0), any(a, 1), bytes(a, 2))
    }),
    f("dateInZone", "Formats a time by a Go layout in a zone.", &[Str, Any, Str], None, |c, a| {
        format(c, bytes(a, 0), any(a, 1), bytes(a, 2))
    }),
    f("htmlDate", "Formats a time as a date input wants it.", &[Any], None, |c, a| {
        format(c, b"2006-01-02", any(a, 0), b"Local")
    }),
    f("htmlDateInZone", "Formats a time in a zone as a date input wants it.", &[Any, Str], None, |c, a| {
        format(c, b"2006-01-02", any(a, 0), bytes(a, 1))
    }),
    f("date_modify", "Adds a duration to a time.", &[Str, TIME], None, modify),
    f("dateModify", "Adds a duration to a time.", &[Str, TIME], None, modify),
    f("must_date_modify", "Adds a duration to a time.", &[Str, TIME], None, must_modify),
    f("mustDateModify", "Adds a duration to a time.", &[Str, TIME], None, must_modify),
    f("toDate", "Reads a time by a Go layout; the zero time when it cannot be.", &[Str, Str], None, |c, a| {
        let local = host(c)?.local;
        Ok(c.arena.object(Time::parse(bytes(a, 0), bytes(a, 1), local).unwrap_or(Time::ZERO)))
    }),
    f("mustToDate", "Reads a time by a Go layout.", &[Str, Str], None, |c, a| {
        let local = host(c)?.local;
        Ok(c.arena.object(Time::parse(bytes(a, 0), bytes(a, 1), local).map_err(Error::new)?))
    }),
    f("unixEpoch", "Gives the seconds since 1970.", &[TIME], None, |c, a| {
        Ok(c.arena.str(time_of(any(a, 0)).unwrap_or(Time::ZERO).seconds.to_string()))
    }),
    f("ago", "Tells how long ago a time was.", &[Any], None, |c, a| {
        let now = host(c)?.now;
        let then = match any(a, 0) {
            Value::Int(seconds, GoType::Int | GoType::Int64) => Time::unix(seconds, 0, Zone::Utc),
            other => time_of(other).unwrap_or(now),
        };
        Ok(c.arena.str(print_duration(round(now.sub(&then), 1_000_000_000))))
    }),
    f("duration", "Writes a number of seconds as a duration.", &[Any], None, |c, a| {
        let seconds = match any(a, 0) {
            Value::Str(text) => read_integer(text),
            Value::Int(seconds, GoType::Int64) => seconds,
            _ => 0,
        };
        Ok(c.arena.str(print_duration(seconds.wrapping_mul(1_000_000_000))))
    }),
    f("durationRound", "Rounds a duration to its greatest unit.", &[Any], None, |c, a| {
        let nanos = match any(a, 0) {
            Value::Str(text) => parse_duration(text).unwrap_or(0),
            Value::Int(nanos, GoType::Int64) => nanos,
            other => match time_of(other) {
                Some(time) => host(c)?.now.sub(&time),
                None => 0,
            },
        };
        Ok(c.arena.str(greatest_unit(nanos)))
    }),
    f("mustToDuration", "Reads a duration; plain numbers are seconds.", &[Any], None, |c, a| {
        Ok(c.arena.object(Duration(as_duration(any(a, 0)).map_err(Error::new)?)))
    }),
    f("durationNanoseconds", "Gives a duration in nanoseconds.", &[Any], None, |_, a| Ok(whole(a, 1))),
    f("durationMicroseconds", "Gives a duration in microseconds.", &[Any], None, |_, a| Ok(whole(a, 1_000))),
    f("durationMilliseconds", "Gives a duration in milliseconds.", &[Any], None, |_, a| Ok(whole(a, 1_000_000))),
    f("durationSeconds", "Gives a duration in seconds.", &[Any], None, |_, a| Ok(units(a, SECOND, 1.0))),
    f("durationMinutes", "Gives a duration in minutes.", &[Any], None, |_, a| Ok(units(a, 60 * SECOND, 1.0))),
    f("durationHours", "Gives a duration in hours.", &[Any], None, |_, a| Ok(units(a, 3600 * SECOND, 1.0))),
    f("durationDays", "Gives a duration in days.", &[Any], None, |_, a| Ok(units(a, 3600 * SECOND, 24.0))),
    f("durationWeeks", "Gives a duration in weeks.", &[Any], None, |_, a| {
        let hours = as_duration(any(a, 0)).map_or(0.0, |d| in_units(d, 3600 * SECOND));
        Ok(Value::float(hours / 24.0 / 7.0))
    }),
    f("durationRoundTo", "Rounds a duration to a multiple of another.", &[Any, Any], None, |c, a| {
        Ok(c.arena.object(Duration(to_multiple(a, round))))
    }),
    f("durationTruncateTo", "Cuts a duration to a multiple of another.", &[Any, Any], None, |c, a| {
        Ok(c.arena.object(Duration(to_multiple(a, truncate))))
    }),
];

const SECOND: i64 = 1_000_000_000;

/// The time an argument is.
pub(super) fn time_of(value: Value<'_>) -> Option<Time> {
    match value {
        Value::Object(object) => object.as_any().and_then(|any| any.downcast_ref::<Time>()).copied(),
        _ => None,
    }
}

fn format<'a>(c: &mut Call<'a, '_>, layout: &[u8], value: Value<'a>, zone: &[u8]) -> Out<'a> {
    let host = host(c)?;
    let time = match value {
        Value::Int(seconds, GoType::Int | GoType::Int32 | GoType::Int64) => Time::unix(seconds, 0, Zone::Utc),
        other => time_of(other).unwrap_or(host.now),
    };
    let zone = std::str::from_utf8(zone).ok().and_then(|name| load_zone(name, host.local)).unwrap_or(Zone::Utc);
    Ok(c.arena.str(time.within(zone).format(layout)))
}

fn modify<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    match parse_duration(bytes(a, 0)) {
        Ok(nanos) => Ok(c.arena.object(time_of(any(a, 1)).unwrap_or(Time::ZERO).add(nanos))),
        Err(_) => Ok(any(a, 1)),
    }
}

fn must_modify<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Out<'a> {
    let nanos = parse_duration(bytes(a, 0)).map_err(Error::new)?;
    Ok(c.arena.object(time_of(any(a, 1)).unwrap_or(Time::ZERO).add(nanos)))
}

/// `strconv.ParseInt` whose error is dropped: what is too great becomes the greatest.
fn read_integer(text: &[u8]) -> i64 {
    match gotext::strconv::parse_int(text, 10, 64) {
        Ok(v) => v,
        Err(gotext::strconv::NumError::Range) if text.starts_with(b"-") => i64::MIN,
        Err(gotext::strconv::NumError::Range) => i64::MAX,
        Err(_) => 0,
    }
}

fn greatest_unit(nanos: i64) -> String {
    let total = nanos.unsigned_abs();
    let second = SECOND as u64;
    let units = [
        (365 * 86_400 * second, "y"),
        (30 * 86_400 * second, "mo"),
        (86_400 * second, "d"),
        (3600 * second, "h"),
        (60 * second, "m"),
        (second, "s"),
    ];
    units
        .iter()
        .find(|(unit, _)| total > *unit)
        .map_or("0s".to_owned(), |(unit, name)| format!("{}{name}", total / unit))
}

/// Helm's `asDuration` (as Helm 4.3: `pkg/engine/funcs.go`).
fn as_duration(value: Value<'_>) -> Result<i64, String> {
    const MOST: i64 = i64::MAX / SECOND;
    let overflow = |seconds: &dyn std::fmt::Display| format!("duration seconds overflow: {seconds}");
    match value {
        Value::Nil => Err("invalid duration".to_owned()),
        Value::Str(text) => {
            let trimmed = trim_space(text);
            if trimmed.is_empty() {
                return Err("empty duration".to_owned());
            }
            if let Ok(nanos) = parse_duration(trimmed) {
                return Ok(nanos);
            }
            match gotext::strconv::parse_float(trimmed) {
                Ok(seconds) => float_seconds(seconds),
                Err(_) => Err(format!("could not parse duration {}", gotext::strconv::quote(text))),
            }
        }
        Value::Int(seconds, _) if (-MOST..=MOST).contains(&seconds) => Ok(seconds * SECOND),
        Value::Int(seconds, _) => Err(overflow(&seconds)),
        Value::Uint(seconds, _) if seconds <= MOST as u64 => Ok(seconds as i64 * SECOND),
        Value::Uint(seconds, _) => Err(overflow(&seconds)),
        Value::Float(seconds, _) => float_seconds(seconds),
        Value::Object(object) => match object.as_any().and_then(|any| any.downcast_ref::<Duration>()) {
            Some(duration) => Ok(duration.0),
            None => Err(format!("unsupported duration type {}", value.type_name())),
        },
        _ => Err(format!("unsupported duration type {}", value.type_name())),
    }
}

fn float_seconds(seconds: f64) -> Result<i64, String> {
    let shown = |v: f64| {
        let mut out = Vec::new();
        gotext::strconv::append_float(&mut out, v, b'g', None, 64);
        String::from_utf8_lossy(&out).into_owned()
    };
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", shown(seconds)));
    }
    let most = i64::MAX as f64 / SECOND as f64;
    if seconds > most || seconds < -most {
        return Err(format!("duration seconds overflow: {}", shown(seconds)));
    }
    Ok(float_to_int(seconds * SECOND as f64))
}

fn whole<'a>(a: &[Value<'a>], unit: i64) -> Value<'a> {
    Value::int64(as_duration(any(a, 0)).map_or(0, |d| d / unit))
}

fn in_units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

fn units<'a>(a: &[Value<'a>], unit: i64, by: f64) -> Value<'a> {
    Value::float(as_duration(any(a, 0)).map_or(0.0, |d| in_units(d, unit)) / by)
}

fn to_multiple(a: &[Value<'_>], to: fn(i64, i64) -> i64) -> i64 {
    let Ok(duration) = as_duration(any(a, 0)) else { return 0 };
    as_duration(any(a, 1)).map_or(duration, |unit| to(duration, unit))
}

/// A `time.Duration` in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duration(pub(crate) i64);

impl<'a> Object<'a> for Duration {
    fn type_name(&self) -> Cow<'static, str> {
        "time.Duration".into()
    }
    fn kind(&self) -> Kind {
        Kind::Int64
    }
    fn underlying(&self, _arena: &'a Arena) -> Value<'a> {
        Value::int64(self.0)
    }
    fn counted(&self, arena: &'a Arena, n: i64) -> Option<Value<'a>> {
        Some(arena.object(Duration(n)))
    }
    fn string(&self) -> Option<String> {
        Some(print_duration(self.0))
    }
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        const ONE: Method = Method { params: &[DURATION], variadic: None };
        match name {
            "Round" | "Truncate" => Some(&ONE),
            "String" | "Nanoseconds" | "Microseconds" | "Milliseconds" | "Seconds" | "Minutes" | "Hours" | "Abs" => {
                Some(&NO_ARGUMENT)
            }
            _ => None,
        }
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let float = |unit: i64| Ok(Value::float(in_units(self.0, unit)));
        let other = || as_duration(any(args, 0)).unwrap_or(0);
        Some(match name {
            "String" => Ok(call.arena.str(print_duration(self.0))),
            "Nanoseconds" => Ok(Value::int64(self.0)),
            "Microseconds" => Ok(Value::int64(self.0 / 1_000)),
            "Milliseconds" => Ok(Value::int64(self.0 / 1_000_000)),
            "Seconds" => float(SECOND),
            "Minutes" => float(60 * SECOND),
            "Hours" => float(3600 * SECOND),
            "Abs" => Ok(call.arena.object(Duration(self.0.saturating_abs()))),
            "Round" => Ok(call.arena.object(Duration(round(self.0, other())))),
            "Truncate" => Ok(call.arena.object(Duration(truncate(self.0, other())))),
            _ => return None,
        })
    }
}

const NO_ARGUMENT: Method = Method { params: &[], variadic: None };

/// A `time.Month` or a `time.Weekday`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    type_name: &'static str,
    names: &'static [&'static str],
    /// The number of the first name.
    first: i64,
    pub(crate) number: i64,
}

impl Named {
    fn name(&self) -> Cow<'static, str> {
        let name = usize::try_from(self.number - self.first).ok().and_then(|at| self.names.get(at).copied());
        let short = self.type_name.strip_prefix("time.").unwrap_or(self.type_name);
        name.map_or_else(|| format!("%!{short}({})", self.number).into(), Cow::Borrowed)
    }
}

impl<'a> Object<'a> for Named {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }
    fn kind(&self) -> Kind {
        Kind::Int
    }
    fn underlying(&self, _arena: &'a Arena) -> Value<'a> {
        Value::int(self.number)
    }
    fn counted(&self, arena: &'a Arena, n: i64) -> Option<Value<'a>> {
        Some(arena.object(Named { number: n, ..*self }))
    }
    fn string(&self) -> Option<String> {
        Some(self.name().into_owned())
    }
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        (name == "String").then_some(&NO_ARGUMENT)
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, _args: &[Value<'a>]) -> Option<Out<'a>> {
        (name == "String").then(|| Ok(call.arena.str(self.name().as_bytes())))
    }
}

impl<'a> Object<'a> for Time {
    fn type_name(&self) -> Cow<'static, str> {
        "time.Time".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn string(&self) -> Option<String> {
        Some(self.text())
    }
    fn go_string(&self) -> Option<String> {
        Some(self.go_text())
    }
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        const TEXT: Method = Method { params: &[Str], variadic: None };
        const DATE: Method = Method { params: &[IntType, IntType, IntType], variadic: None };
        const OTHER: Method = Method { params: &[TIME], variadic: None };
        const SPAN: Method = Method { params: &[DURATION], variadic: None };
        Some(match name {
            "Format" => &TEXT,
            "AddDate" => &DATE,
            "After" | "Before" | "Equal" | "Compare" | "Sub" => &OTHER,
            "Add" | "Round" | "Truncate" => &SPAN,
            "String" | "GoString" | "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond"
            | "YearDay" | "Weekday" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "IsZero" | "UTC" | "Local" => {
                &NO_ARGUMENT
            }
            _ => return None,
        })
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let arena = call.arena;
        let civil = self.civil();
        let other = || time_of(any(args, 0)).unwrap_or(Time::ZERO);
        let span = || as_duration(any(args, 0)).unwrap_or(0);
        Some(match name {
            "Format" => Ok(arena.str(self.format(bytes(args, 0)))),
            "String" => Ok(arena.str(self.text())),
            "GoString" => Ok(arena.str(self.go_text())),
            "Year" => Ok(Value::int(civil.year)),
            "Month" => {
                Ok(arena.object(Named { type_name: "time.Month", names: &MONTHS, first: 1, number: civil.month }))
            }
            "Day" => Ok(Value::int(civil.day)),
            "Hour" => Ok(Value::int(civil.hour)),
            "Minute" => Ok(Value::int(civil.minute)),
            "Second" => Ok(Value::int(civil.second)),
            "Nanosecond" => Ok(Value::int(i64::from(self.nanos))),
            "YearDay" => Ok(Value::int(self.year_day())),
            "Weekday" => Ok(arena.object(Named {
                type_name: "time.Weekday",
                names: &WEEKDAYS,
                first: 0,
                number: self.weekday(),
            })),
            "Unix" => Ok(Value::Int(self.seconds, Int64)),
            "UnixMilli" => Ok(Value::int64(self.seconds.wrapping_mul(1000) + i64::from(self.nanos / 1_000_000))),
            "UnixMicro" => Ok(Value::int64(self.seconds.wrapping_mul(1_000_000) + i64::from(self.nanos / 1_000))),
            "UnixNano" => Ok(Value::int64(self.seconds.wrapping_mul(SECOND).wrapping_add(i64::from(self.nanos)))),
            "IsZero" => Ok(Value::Bool(self.is_zero())),
            "UTC" => Ok(arena.object(self.within(Zone::Utc))),
            "Local" => match host(call) {
                Ok(host) => Ok(arena.object(self.within(local_zone(host.local)))),
                Err(error) => Err(error),
            },
            "AddDate" => Ok(arena.object(self.add_date(int(args, 0), int(args, 1), int(args, 2)))),
            "Add" => Ok(arena.object(self.add(span()))),
            "Sub" => Ok(arena.object(Duration(self.sub(&other())))),
            "After" => Ok(Value::Bool(self.compare(&other()).is_gt())),
            "Before" => Ok(Value::Bool(self.compare(&other()).is_lt())),
            "Equal" => Ok(Value::Bool(self.compare(&other()).is_eq())),
            "Compare" => Ok(Value::int(self.compare(&other()) as i64)),
            "Round" | "Truncate" => {
                let unit = span();
                let rest = if unit > 0 { self.since_year_one() % i128::from(unit) } else { 0 };
                let down = self.add((-rest) as i64);
                let up = name == "Round" && unit > 0 && rest + rest >= i128::from(unit);
                let mut time = if up { down.add(unit) } else { down };
                time.clock = false;
                Ok(arena.object(time))
            }
            _ => return None,
        })
    }
}
