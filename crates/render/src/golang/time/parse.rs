//! Reading times by a layout (as Go 1.26: `time.ParseInLocation`).

use jiff::tz::TimeZone;

use super::format::{MONTHS, Std, WEEKDAYS, next_chunk};
use super::{Civil, Time, Zone, days_in, local_zone, quote};

/// Why an element cannot be read.
enum Bad {
    Element,
    Range(&'static str),
}

type Read<'v, T> = Result<(T, &'v [u8]), Bad>;

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm: bool,
    am: bool,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

impl Time {
    /// Reads a time; where the text names no zone it is in the local one. An error has Go's text.
    pub(crate) fn parse(layout: &[u8], value: &[u8], local: &'static TimeZone) -> Result<Self, String> {
        let mut fields = Fields::default();
        let (mut rest_layout, mut rest) = (layout, value);
        let failed = |elem: &[u8], at: &[u8]| {
            format!("parsing time {} as {}: cannot parse {} as {}", quote(value), quote(layout), quote(at), quote(elem))
        };
        loop {
            let (prefix, std, suffix) = next_chunk(rest_layout);
            let elem_len = rest_layout.len() - prefix.len() - suffix.len();
            let elem = rest_layout.get(prefix.len()..prefix.len() + elem_len).unwrap_or(&[]);
            rest = match skip(rest, prefix) {
                Ok(rest) => rest,
                Err(at) => return Err(failed(prefix, at)),
            };
            let Some(std) = std else {
                if !rest.is_empty() {
                    return Err(format!("parsing time {}: extra text: {}", quote(value), quote(rest)));
                }
                break;
            };
            rest_layout = suffix;
            rest = match fields.read(std, rest, rest_layout) {
                Ok(rest) => rest,
                Err(Bad::Element) => return Err(failed(elem, rest)),
                Err(Bad::Range(what)) => return Err(format!("parsing time {}: {what} out of range", quote(value))),
            };
        }
        fields.finish(local).map_err(|what| format!("parsing time {}: {what} out of range", quote(value)))
    }
}

/// Takes literal text off the front; a run of spaces stands for any.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    fn cut_space(text: &[u8]) -> &[u8] {
        text.get(text.iter().take_while(|b| **b == b' ').count()..).unwrap_or(&[])
    }
    while let Some((first, after)) = prefix.split_first() {
        if *first == b' ' {
            if value.first().is_some_and(|b| *b != b' ') {
                return Err(value);
            }
            prefix = cut_space(prefix);
            value = cut_space(value);
            continue;
        }
        match value.split_first() {
            Some((b, rest)) if b == first => value = rest,
            _ => return Err(value),
        }
        prefix = after;
    }
    Ok(value)
}

fn digit(value: &[u8], at: usize) -> Option<i64> {
    value.get(at).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'))
}

/// One or two digits; two when `fixed`.
fn two(value: &[u8], fixed: bool) -> Read<'_, i64> {
    let first = digit(value, 0).ok_or(Bad::Element)?;
    match digit(value, 1) {
        Some(second) => Ok((first * 10 + second, value.get(2..).unwrap_or(&[]))),
        None if fixed => Err(Bad::Element),
        None => Ok((first, value.get(1..).unwrap_or(&[]))),
    }
}

fn three(value: &[u8], fixed: bool) -> Read<'_, i64> {
    let len = (0..3).take_while(|at| digit(value, *at).is_some()).count();
    if len == 0 || fixed && len != 3 {
        return Err(Bad::Element);
    }
    let number = (0..len).filter_map(|at| digit(value, at)).fold(0, |n, d| n * 10 + d);
    Ok((number, value.get(len..).unwrap_or(&[])))
}

fn name<'v>(names: &[&str], short: bool, value: &'v [u8]) -> Read<'v, i64> {
    for (at, name) in names.iter().enumerate() {
        let name = if short { name.get(..3).unwrap_or(name) } else { name };
        if value.get(..name.len()).is_some_and(|v| v.eq_ignore_ascii_case(name.as_bytes())) {
            return Ok((at as i64, value.get(name.len()..).unwrap_or(&[])));
        }
    }
    Err(Bad::Element)
}

fn nanos(value: &[u8], len: usize) -> Result<u32, Bad> {
    let digits = value.get(1..len).ok_or(Bad::Element)?;
    if !matches!(value.first(), Some(b'.' | b',')) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Bad::Element);
    }
    let nine = digits.iter().copied().chain(std::iter::repeat(b'0')).take(9);
    Ok(nine.fold(0u32, |n, d| n * 10 + u32::from(d - b'0')))
}

impl Fields {
    fn read<'v>(&mut self, std: Std, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Bad> {
        let within = |(n, rest): (i64, &'v [u8]), limit: i64, what: &'static str| {
            if n < limit { Ok((n, rest)) } else { Err(Bad::Range(what)) }
        };
        let tail = |n: usize| value.get(n..).unwrap_or(&[]);
        Ok(match std {
            Std::Year => {
                // Go reads it as any number, and that may have a sign.
                let year = match (value.first(), digit(value, 0), digit(value, 1)) {
                    (_, Some(a), Some(b)) => a * 10 + b,
                    (Some(b'+'), None, Some(b)) => b,
                    (Some(b'-'), None, Some(b)) => -b,
                    _ => return Err(Bad::Element),
                };
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
                tail(2)
            }
            Std::LongYear => {
                let digits: Option<Vec<i64>> = (0..4).map(|at| digit(value, at)).collect();
                self.year = digits.ok_or(Bad::Element)?.into_iter().fold(0, |n, d| n * 10 + d);
                tail(4)
            }
            Std::Month | Std::LongMonth => {
                let (at, rest) = name(&MONTHS, std == Std::Month, value)?;
                self.month = Some(at + 1);
                rest
            }
            Std::NumMonth | Std::ZeroMonth => {
                let (month, rest) = within(two(value, std == Std::ZeroMonth)?, 13, "month")?;
                if month == 0 {
                    return Err(Bad::Range("month"));
                }
                self.month = Some(month);
                rest
            }
            Std::WeekDay | Std::LongWeekDay => name(&WEEKDAYS, std == Std::WeekDay, value)?.1,
            Std::Day | Std::UnderDay | Std::ZeroDay => {
                let value = match value.split_first() {
                    Some((b' ', rest)) if std == Std::UnderDay => rest,
                    _ => value,
                };
                let (day, rest) = two(value, std == Std::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Std::UnderYearDay | Std::ZeroYearDay => {
                let mut value = value;
                for _ in 0..2 {
                    if std == Std::UnderYearDay {
                        value = value.strip_prefix(b" ").unwrap_or(value);
                    }
                }
                let (day, rest) = three(value, std == Std::ZeroYearDay)?;
                self.year_day = Some(day);
                rest
            }
            Std::Hour => {
                let (hour, rest) = within(two(value, false)?, 24, "hour")?;
                self.hour = hour;
                rest
            }
            Std::Hour12 | Std::ZeroHour12 => {
                let (hour, rest) = within(two(value, std == Std::ZeroHour12)?, 13, "hour")?;
                self.hour = hour;
                rest
            }
            Std::Minute | Std::ZeroMinute => {
                let (minute, rest) = within(two(value, std == Std::ZeroMinute)?, 60, "minute")?;
                self.minute = minute;
                rest
            }
            Std::Second | Std::ZeroSecond => {
                let (second, rest) = within(two(value, std == Std::ZeroSecond)?, 60, "second")?;
                self.second = second;
                self.stray_fraction(rest, layout)?
            }
            Std::UpperPm | Std::LowerPm => {
                let (am, pm): (&[u8], &[u8]) = if std == Std::UpperPm { (b"AM", b"PM") } else { (b"am", b"pm") };
                match value.get(..2) {
                    Some(text) if text == am => self.am = true,
                    Some(text) if text == pm => self.pm = true,
                    _ => return Err(Bad::Element),
                }
                tail(2)
            }
            Std::Offset { zulu: true, .. } if value.first() == Some(&b'Z') => {
                self.utc = true;
                tail(1)
            }
            Std::Offset { colon, parts, .. } => self.offset(value, colon, parts)?,
            Std::Abbreviation => {
                if value.starts_with(b"UTC") {
                    self.utc = true;
                    return Ok(tail(3));
                }
                let len = abbreviation(value).ok_or(Bad::Element)?;
                self.zone_name = value.get(..len).map(|n| String::from_utf8_lossy(n).into_owned());
                tail(len)
            }
            Std::Fraction { digits, trim: false, .. } => {
                self.nanos = nanos(value, 1 + digits)?;
                tail(1 + digits)
            }
            Std::Fraction { .. } => {
                if !matches!(value.first(), Some(b'.' | b',')) || digit(value, 1).is_none() {
                    return Ok(value);
                }
                let len = 1 + (1..).take_while(|at| digit(value, *at).is_some()).count();
                self.nanos = nanos(value, len)?;
                tail(len)
            }
        })
    }

    /// A fraction after the seconds is read even where the layout has none.
    fn stray_fraction<'v>(&mut self, value: &'v [u8], layout: &[u8]) -> Result<&'v [u8], Bad> {
        if !matches!(value.first(), Some(b'.' | b',')) || digit(value, 1).is_none() {
            return Ok(value);
        }
        if let (_, Some(Std::Fraction { .. }), _) = next_chunk(layout) {
            return Ok(value);
        }
        let len = 1 + (1..).take_while(|at| digit(value, *at).is_some()).count();
        self.nanos = nanos(value, len)?;
        Ok(value.get(len..).unwrap_or(&[]))
    }

    /// Go cuts the parts out first, then looks at the numbers, and at the sign last.
    fn offset<'v>(&mut self, value: &'v [u8], colon: bool, parts: u8) -> Result<&'v [u8], Bad> {
        const WHATS: [&str; 3] = ["time zone offset hour", "time zone offset minute", "time zone offset second"];
        let step = if colon { 3 } else { 2 };
        let len = step * usize::from(parts) + if colon { 0 } else { 1 };
        let text = value.get(..len).ok_or(Bad::Element)?;
        if colon && (1..usize::from(parts)).any(|part| text.get(step * part) != Some(&b':')) {
            return Err(Bad::Element);
        }
        let (mut total, mut out_of_range, mut bad) = (0, None, false);
        for (at, (limit, what)) in [24, 60, 60].into_iter().zip(WHATS).enumerate() {
            total *= 60;
            if at >= usize::from(parts) || bad {
                continue;
            }
            match two(text.get(1 + step * at..).unwrap_or(&[]), true) {
                Ok((number, _)) => {
                    if number > limit {
                        out_of_range = Some(what);
                    }
                    total += number;
                }
                Err(_) => bad = true,
            }
        }
        if let Some(what) = out_of_range {
            return Err(Bad::Range(what));
        }
        let sign = match text.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(Bad::Element),
        };
        if bad {
            return Err(Bad::Element);
        }
        self.offset = Some(sign * total);
        Ok(value.get(len..).unwrap_or(&[]))
    }

    fn finish(self, local: &'static TimeZone) -> Result<Time, &'static str> {
        let hour = match self.hour {
            hour if self.pm && hour < 12 => hour + 12,
            12 if self.am => 0,
            hour => hour,
        };
        let (mut month, mut day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        if let Some(year_day) = self.year_day {
            let length = 365 + i64::from(days_in(2, self.year) == 29);
            if year_day < 1 || year_day > length {
                return Err("day-of-year");
            }
            let (mut m, mut d) = (1, year_day);
            while d > days_in(m, self.year) {
                d -= days_in(m, self.year);
                m += 1;
            }
            if self.month.is_some_and(|month| month != m) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|day| day != d) {
                return Err("day-of-year does not match day");
            }
            (month, day) = (m, d);
        }
        if day < 1 || day > days_in(month, self.year) {
            return Err("day");
        }
        let civil = Civil { year: self.year, month, day, hour, minute: self.minute, second: self.second };
        if self.utc {
            return Ok(Time::date(civil, self.nanos, Zone::Utc));
        }
        let here = local_zone(local);
        if let Some(offset) = self.offset {
            let mut time = Time::date(civil, self.nanos, Zone::Utc);
            time.seconds -= offset;
            let (local_offset, local_name) = here.at(time.seconds);
            let name = self.zone_name.unwrap_or_default();
            let same = i64::from(local_offset) == offset && (name.is_empty() || name == local_name);
            return Ok(time.within(if same { here } else { Zone::fixed(offset as i32, &name) }));
        }
        if let Some(name) = self.zone_name {
            let time = Time::date(civil, self.nanos, here);
            if time.offset().1 == name {
                return Ok(time);
            }
            let hours: i32 = name.strip_prefix("GMT").and_then(|h| h.parse().ok()).unwrap_or(0);
            // The zone is only how it is shown: the time itself is read as UTC.
            return Ok(Time::date(civil, self.nanos, Zone::Utc).within(Zone::fixed(hours * 3600, &name)));
        }
        Ok(Time::date(civil, self.nanos, here))
    }
}

/// The length of a zone abbreviation: three to five capitals, `ChST`, `MeST`, `GMT-4` or a sign with digits.
fn abbreviation(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    let signed = |text: &[u8]| -> usize {
        let Some(sign) = text.first().filter(|b| matches!(b, b'+' | b'-')) else { return 0 };
        let digits = text.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
        let number =
            text.get(1..=digits).unwrap_or(&[]).iter().fold(0i64, |n, d| n.saturating_mul(10) + i64::from(d - b'0'));
        let _ = sign;
        if digits == 0 || number > 23 { 0 } else { digits + 1 }
    };
    if value.starts_with(b"GMT") {
        return Some(3 + signed(value.get(3..).unwrap_or(&[])));
    }
    if matches!(value.first(), Some(b'+' | b'-')) {
        return Some(signed(value)).filter(|n| *n > 0);
    }
    let capitals = value.iter().take(6).take_while(|b| b.is_ascii_uppercase()).count();
    match capitals {
        5 if value.get(4) == Some(&b'T') => Some(5),
        4 if value.get(3) == Some(&b'T') || value.starts_with(b"WITA") => Some(4),
        3 => Some(3),
        _ => None,
    }
}
