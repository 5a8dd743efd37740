//! The values of flags, with Go's texts for those that are none (pflag 1.0.10: `bool.go`, `int.go`, …; Helm 4.3:
//! `pkg/cmd/flags.go`).

use std::collections::BTreeMap;
use std::time::Duration;

use gotext::strconv::{NumError, parse_bool, parse_float, parse_int, parse_uint, quote};

use super::{Kind, csv};
use crate::log::{Level, log};

/// What a flag holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The text or the texts.
    pub(super) texts: Vec<String>,
    /// The pairs of a map.
    pub(super) pairs: BTreeMap<String, String>,
}

/// Takes a value in.
pub(super) fn set(held: &mut Held, kind: Kind, value: &str) -> Result<(), String> {
    let raw = value.as_bytes();
    match kind {
        Kind::Array => {
            held.texts.push(value.to_owned());
            return Ok(());
        }
        Kind::Slice => {
            held.texts.extend(if value.is_empty() { Vec::new() } else { csv::read(value)? });
            return Ok(());
        }
        Kind::Pairs => return pairs(&mut held.pairs, value),
        Kind::Bool => parse_bool(raw).map(drop).ok_or_else(|| number("Bool", value, NumError::Syntax)),
        Kind::Int => parse_int(raw, 0, 64).map(drop).map_err(|why| number("Int", value, why)),
        Kind::Uint => parse_uint(raw, 0, 64).map(drop).map_err(|why| number("Uint", value, why)),
        Kind::Float => parse_float(raw).map(drop).map_err(|why| number("Float", value, why)),
        Kind::Duration => go_duration(value).map(drop),
        Kind::Size => bytes(value).map(drop).ok_or_else(|| "not a number of bytes such as 32Mi".to_owned()),
        Kind::Format if !matches!(value, "table" | "json" | "yaml") => Err("invalid format type".to_owned()),
        Kind::Wait if !matches!(value, "watcher" | "legacy" | "hookOnly" | "true" | "false") => {
            Err(format!("invalid wait input {}. Valid inputs are watcher, hookOnly, and legacy", quote(value)))
        }
        // There are no plugins yet, so whatever is named is not there.
        Kind::PostRenderer if !value.is_empty() => {
            Err(format!("plugin: {{Name:{value} Type:postrenderer/v1}} not found"))
        }
        Kind::Wait => {
            let word = match value {
                "true" => "watcher",
                _ => "hookOnly",
            };
            if go_bool(value).is_some() {
                let text =
                    format!("--wait={value} is deprecated (boolean value) and can be replaced with --wait={word}");
                log(Level::Warn, &text, &[]);
            }
            Ok(())
        }
        Kind::Text | Kind::Format | Kind::PostRenderer => Ok(()),
    }?;
    held.texts = vec![value.to_owned()];
    Ok(())
}

/// The texts that a value of a kind comes to, when it is given elsewhere than on the command line.
///
/// # Errors
/// Why it is none of this kind, as for a flag.
pub(crate) fn texts(kind: Kind, value: &str) -> Result<Vec<String>, String> {
    let mut held = Held::default();
    set(&mut held, kind, value)?;
    Ok(held.texts)
}

/// Reads a number of bytes, with Kubernetes' suffixes.
pub(crate) fn bytes(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let shift = match unit {
        "" => 0,
        "Ki" => 10,
        "Mi" => 20,
        "Gi" => 30,
        _ => return None,
    };
    number.parse::<usize>().ok()?.checked_mul(1 << shift)
}

fn number(function: &str, value: &str, why: NumError) -> String {
    format!("strconv.Parse{function}: parsing {}: {why}", quote(value))
}

fn pairs(held: &mut BTreeMap<String, String>, value: &str) -> Result<(), String> {
    let malformed = |pair: &str| format!("{pair} must be formatted as key=value");
    let list = match value.matches('=').count() {
        0 => return Err(malformed(value)),
        1 => vec![value.trim_matches('"').to_owned()],
        _ => csv::read(value)?,
    };
    let split = |pair: &String| match pair.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(malformed(pair)),
    };
    held.extend(list.iter().map(split).collect::<Result<Vec<_>, _>>()?);
    Ok(())
}

/// Reads a truth value as Go's `strconv.ParseBool` does.
pub(crate) fn go_bool(text: &str) -> Option<bool> {
    parse_bool(text.as_bytes())
}

/// Reads a whole number as Go's `strconv.ParseInt` does with base 0.
pub(crate) fn go_int(text: &str) -> Option<i64> {
    parse_int(text.as_bytes(), 0, 64).ok()
}

/// Reads a time span that is not negative.
pub(crate) fn go_span(text: &str) -> Option<Duration> {
    go_duration(text).ok().and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
}

/// Reads a time span as Go's `time.ParseDuration` does, in nanoseconds.
///
/// # Errors
/// Go's text.
pub(super) fn go_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1_i128, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, after) = rest.split_at(digits(rest));
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => after.split_at(digits(after)),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanos: i128 = match unit {
            "" => return Err(format!("time: missing unit in duration {}", quote(text))),
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            unit => return Err(format!("time: unknown unit {} in duration {}", quote(unit), quote(text))),
        };
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
        // What is smaller than a nanosecond of a unit of hours does not count.
        let fraction = fraction.get(..fraction.len().min(18)).unwrap_or_default();
        let places = u32::try_from(fraction.len()).map_err(|_| invalid())?;
        let part = number(fraction).and_then(|part| part.checked_mul(nanos)).map(|part| part / 10_i128.pow(places));
        let whole = number(whole).and_then(|whole| whole.checked_mul(nanos));
        total = whole.zip(part).and_then(|(a, b)| total.checked_add(a)?.checked_add(b)).ok_or_else(invalid)?;
        if total > 1 << 63 {
            return Err(invalid());
        }
        rest = after;
    }
    i64::try_from(sign * total).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_go() {
        for (text, want) in [
            ("1.5h", Ok(5_400_000_000_000)),
            (".5s", Ok(500_000_000)),
            ("-1m", Ok(-60_000_000_000)),
            ("+5s", Ok(5_000_000_000)),
            ("0", Ok(0)),
            ("1h30", Err("time: missing unit in duration \"1h30\"")),
            ("1d", Err("time: unknown unit \"d\" in duration \"1d\"")),
            ("9999999999999h", Err("time: invalid duration \"9999999999999h\"")),
            ("", Err("time: invalid duration \"\"")),
            (".s", Err("time: invalid duration \".s\"")),
        ] {
            assert_eq!(go_duration(text), want.map_err(str::to_owned), "{text:?}");
        }
    }

    #[test]
    fn bytes_have_the_suffixes_of_kubernetes() {
        for (text, want) in [
            ("0", Some(0)),
            ("32Mi", Some(32 << 20)),
            ("1Ki", Some(1024)),
            ("2Gi", Some(2 << 30)),
            ("1.5Mi", None),
            ("Mi", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("9999999999999Gi", None),
            ("1M", None),
        ] {
            assert_eq!(bytes(text), want, "{text}");
        }
    }

    #[test]
    fn pairs_as_pflag() {
        let mut held = BTreeMap::new();
        assert_eq!(pairs(&mut held, "a=1,b=2"), Ok(()));
        assert_eq!(pairs(&mut held, "a=3"), Ok(()));
        assert_eq!(held.into_iter().collect::<Vec<_>>(), [("a".into(), "3".into()), ("b".into(), "2".into())]);
        assert_eq!(pairs(&mut BTreeMap::new(), "x"), Err("x must be formatted as key=value".into()));
    }
}
