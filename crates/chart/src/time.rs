//! Points in time as Go prints them in JSON: RFC 3339 with as many fractional digits as needed.

use crate::text::quote;

/// Go's zero time, which it prints where nothing was set.
pub const ZERO: &str = "0001-01-01T00:00:00Z";

/// The layout that Go names in its errors.
const LAYOUT: &str = "2006-01-02T15:04:05Z07:00";

/// Formats seconds since 1970 in UTC; `None` outside the years that RFC 3339 has.
#[must_use]
pub fn format_unix(seconds: i64, nanos: u32) -> Option<String> {
    let days = seconds.div_euclid(86_400);
    let rest = seconds.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    let fraction = fraction(&format!("{nanos:09}"));
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Reads seconds since 1970 with a fraction, as an extended tar header holds them.
pub(crate) fn parse_unix(text: &str) -> Option<(i64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let seconds: i64 = whole.parse().ok()?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    let nanos: u32 = digits.parse().ok()?;
    match (negative, nanos) {
        (true, 1..) => Some((seconds.checked_sub(1)?, 1_000_000_000 - nanos)),
        _ => Some((seconds, nanos)),
    }
}

/// Gives the fraction of a second with its dot and without trailing zeros.
fn fraction(digits: &str) -> String {
    let digits = digits.trim_end_matches('0');
    if digits.is_empty() { String::new() } else { format!(".{digits}") }
}

/// Turns days since 1970 into a date.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads RFC 3339 and gives it as Go prints it again: no needless zeros, `Z` where there is no offset.
///
/// # Errors
/// Go's text when it is no such time.
pub fn normalize(text: &str) -> Result<String, String> {
    let mut reader = Reader { text, rest: text };
    let year = reader.number(4, "2006")?;
    reader.literal("-")?;
    let month = reader.number(2, "01")?;
    reader.literal("-")?;
    let day = reader.number(2, "02")?;
    reader.literal("T")?;
    let hour = reader.number(2, "15")?;
    reader.literal(":")?;
    let minute = reader.number(2, "04")?;
    reader.literal(":")?;
    let second = reader.number(2, "05")?;
    let fraction = reader.fraction();
    let zone = reader.zone()?;
    let ranges = [
        (month, 1, 12, "month"),
        (day, 1, days_in(year, month), "day"),
        (hour, 0, 23, "hour"),
        (minute, 0, 59, "minute"),
        (second, 0, 59, "second"),
    ];
    for (value, low, high, name) in ranges {
        if !(low..=high).contains(&value) {
            return Err(format!("parsing time {}: {name} out of range", quote(text)));
        }
    }
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn number(&mut self, len: usize, element: &str) -> Result<u32, String> {
        let digits = self.rest.get(..len).filter(|d| d.bytes().all(|b| b.is_ascii_digit()));
        let number = digits.and_then(|d| d.parse().ok()).ok_or_else(|| cannot(self.text, self.rest, element))?;
        self.rest = self.rest.get(len..).unwrap_or_default();
        Ok(number)
    }

    fn literal(&mut self, literal: &str) -> Result<(), String> {
        self.rest = self.rest.strip_prefix(literal).ok_or_else(|| cannot(self.text, self.rest, literal))?;
        Ok(())
    }

    fn fraction(&mut self) -> String {
        let Some(rest) = self.rest.strip_prefix('.') else { return String::new() };
        let len = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, after) = rest.split_at(len);
        if digits.is_empty() {
            return String::new();
        }
        self.rest = after;
        // Go keeps nanoseconds.
        fraction(digits.get(..9).unwrap_or(digits))
    }

    fn zone(&mut self) -> Result<String, String> {
        let zone = self.rest;
        let good = match zone.as_bytes() {
            [b'Z'] => return Ok("Z".to_owned()),
            [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if !good {
            return Err(cannot(self.text, zone, "Z07:00"));
        }
        Ok(if zone.get(1..) == Some("00:00") { "Z".to_owned() } else { zone.to_owned() })
    }
}

fn cannot(text: &str, rest: &str, element: &str) -> String {
    format!("parsing time {} as {}: cannot parse {} as {}", quote(text), quote(LAYOUT), quote(rest), quote(element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_and_reads() {
        assert_eq!(format_unix(0, 0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(format_unix(1_709_210_096, 120_000_000).as_deref(), Some("2024-02-29T12:34:56.12Z"));
        assert_eq!(format_unix(-1, 0).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(parse_unix("1.5"), Some((1, 500_000_000)));
        assert_eq!(parse_unix("-1.25"), Some((-2, 750_000_000)));
        for (text, want) in [
            ("2020-07-17T10:15:02.840000000Z", Ok("2020-07-17T10:15:02.84Z")),
            ("2020-07-17T10:15:02+00:00", Ok("2020-07-17T10:15:02Z")),
            ("2020-07-17T10:15:02.123456789-04:00", Ok("2020-07-17T10:15:02.123456789-04:00")),
            ("2021-02-29T10:15:02Z", Err("parsing time \"2021-02-29T10:15:02Z\": day out of range")),
            ("2021-02", Err("parsing time \"2021-02\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"-\"")),
        ] {
            assert_eq!(normalize(text).as_deref().map_err(String::as_str), want);
        }
    }
}
