//! Go's `time.Duration`: nanoseconds.

use super::quote;

/// `Duration.String`.
pub(crate) fn print_duration(nanos: i64) -> String {
    let total = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if total < 1_000_000_000 {
        let (unit, digits, name) = match total {
            0 => return "0s".to_owned(),
            1..1_000 => (1, 0, "ns"),
            1_000..1_000_000 => (1_000, 3, "µs"),
            _ => (1_000_000, 6, "ms"),
        };
        return format!("{sign}{}{}{name}", total / unit, fraction(total % unit, digits));
    }
    let seconds = total / 1_000_000_000;
    let rest = format!("{}{}s", seconds % 60, fraction(total % 1_000_000_000, 9));
    match (seconds / 3600, seconds / 60 % 60) {
        (0, 0) => format!("{sign}{rest}"),
        (0, minutes) => format!("{sign}{minutes}m{rest}"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{rest}"),
    }
}

fn fraction(value: u64, digits: usize) -> String {
    if value == 0 {
        return String::new();
    }
    format!(".{value:0digits$}").trim_end_matches('0').to_owned()
}

/// `time.ParseDuration`.
pub(crate) fn parse_duration(text: &[u8]) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {}", quote(text));
    let (negative, mut rest) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let number = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
        let whole_len = number(rest);
        let (whole, after) = rest.split_at(whole_len);
        let mut value: u64 = 0;
        for digit in whole {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u64::from(digit - b'0')))
                .filter(|v| *v <= 1 << 63)
                .ok_or_else(invalid)?;
        }
        rest = after;
        let (mut part, mut scale, mut fraction_len) = (0u64, 1f64, 0);
        if let Some(after) = rest.strip_prefix(b".") {
            fraction_len = number(after);
            let (digits, after) = after.split_at(fraction_len);
            let mut full = false;
            for digit in digits {
                if full {
                    continue;
                }
                let next = part.checked_mul(10).and_then(|p| p.checked_add(u64::from(digit - b'0')));
                match next.filter(|n| *n <= i64::MAX as u64) {
                    Some(next) => {
                        part = next;
                        scale *= 10.0;
                    }
                    None => full = true,
                }
            }
            rest = after;
        }
        if whole_len == 0 && fraction_len == 0 {
            return Err(invalid());
        }
        let unit_len = rest.iter().take_while(|b| **b != b'.' && !b.is_ascii_digit()).count();
        if unit_len == 0 {
            return Err(format!("time: missing unit in duration {}", quote(text)));
        }
        let (name, after) = rest.split_at(unit_len);
        rest = after;
        let unit: u64 = match std::str::from_utf8(name) {
            Ok("ns") => 1,
            Ok("us" | "µs" | "μs") => 1_000,
            Ok("ms") => 1_000_000,
            Ok("s") => 1_000_000_000,
            Ok("m") => 60_000_000_000,
            Ok("h") => 3_600_000_000_000,
            _ => return Err(format!("time: unknown unit {} in duration {}", quote(name), quote(text))),
        };
        let mut nanos = value.checked_mul(unit).filter(|v| *v <= 1 << 63).ok_or_else(invalid)?;
        if part > 0 {
            nanos += (part as f64 * (unit as f64 / scale)) as u64;
        }
        total = total.checked_add(nanos).filter(|t| *t <= 1 << 63).ok_or_else(invalid)?;
    }
    if negative {
        return Ok((total as i64).wrapping_neg());
    }
    i64::try_from(total).map_err(|_| invalid())
}

/// `Duration.Truncate`.
pub(crate) fn truncate(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 { nanos } else { nanos - nanos % unit }
}

/// `Duration.Round`: half away from zero.
pub(crate) fn round(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = nanos % unit;
    let closer = rest.unsigned_abs() + rest.unsigned_abs() < unit.unsigned_abs();
    if nanos < 0 {
        if closer { nanos - rest } else { (nanos - rest).checked_sub(unit).unwrap_or(i64::MIN) }
    } else if closer {
        nanos - rest
    } else {
        (nanos - rest).checked_add(unit).unwrap_or(i64::MAX)
    }
}
