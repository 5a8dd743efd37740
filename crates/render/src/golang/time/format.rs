//! Go's reference layouts: reading them and printing times by them (as Go 1.26: `time/format.go`).

use super::Time;

pub(crate) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
pub(crate) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// One element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Std {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Abbreviation,
    /// A numeric offset: `Z` for UTC allowed, with colons, how many of hours, minutes and seconds.
    Offset {
        zulu: bool,
        colon: bool,
        parts: u8,
    },
    /// A fraction of a second: digits, the sign before it, whether zeros at the end are left out.
    Fraction {
        digits: usize,
        sign: u8,
        trim: bool,
    },
}

/// What a layout can hold, longest first where one begins another.
const OFFSETS: &[(&[u8], Std)] = &[
    (b"070000", Std::Offset { zulu: false, colon: false, parts: 3 }),
    (b"07:00:00", Std::Offset { zulu: false, colon: true, parts: 3 }),
    (b"0700", Std::Offset { zulu: false, colon: false, parts: 2 }),
    (b"07:00", Std::Offset { zulu: false, colon: true, parts: 2 }),
    (b"07", Std::Offset { zulu: false, colon: false, parts: 1 }),
];

/// Finds the next element: what stands before it, the element, what follows.
pub(super) fn next_chunk(layout: &[u8]) -> (&[u8], Option<Std>, &[u8]) {
    for at in 0..layout.len() {
        let rest = layout.get(at..).unwrap_or(&[]);
        if let Some((std, skip, len)) = element(rest) {
            return (layout.get(..at + skip).unwrap_or(&[]), Some(std), rest.get(len..).unwrap_or(&[]));
        }
    }
    (layout, None, &[])
}

/// The element at the beginning: itself, the bytes before it that are literal, and the bytes taken in all.
fn element(rest: &[u8]) -> Option<(Std, usize, usize)> {
    let lower_after = |n: usize| rest.get(n).is_some_and(u8::is_ascii_lowercase);
    let plain = |std: Std, len: usize| Some((std, 0, len));
    match rest {
        [b'J', b'a', b'n', ..] => {
            if rest.starts_with(b"January") {
                return plain(Std::LongMonth, 7);
            }
            if lower_after(3) { None } else { plain(Std::Month, 3) }
        }
        [b'M', b'o', b'n', ..] => {
            if rest.starts_with(b"Monday") {
                return plain(Std::LongWeekDay, 6);
            }
            if lower_after(3) { None } else { plain(Std::WeekDay, 3) }
        }
        [b'M', b'S', b'T', ..] => plain(Std::Abbreviation, 3),
        [b'0', b'1', ..] => plain(Std::ZeroMonth, 2),
        [b'0', b'2', ..] => plain(Std::ZeroDay, 2),
        [b'0', b'3', ..] => plain(Std::ZeroHour12, 2),
        [b'0', b'4', ..] => plain(Std::ZeroMinute, 2),
        [b'0', b'5', ..] => plain(Std::ZeroSecond, 2),
        [b'0', b'6', ..] => plain(Std::Year, 2),
        [b'0', b'0', b'2', ..] => plain(Std::ZeroYearDay, 3),
        [b'1', b'5', ..] => plain(Std::Hour, 2),
        [b'1', ..] => plain(Std::NumMonth, 1),
        [b'2', b'0', b'0', b'6', ..] => plain(Std::LongYear, 4),
        [b'2', ..] => plain(Std::Day, 1),
        [b'_', b'2', b'0', b'0', b'6', ..] => Some((Std::LongYear, 1, 5)),
        [b'_', b'2', ..] => plain(Std::UnderDay, 2),
        [b'_', b'_', b'2', ..] => plain(Std::UnderYearDay, 3),
        [b'3', ..] => plain(Std::Hour12, 1),
        [b'4', ..] => plain(Std::Minute, 1),
        [b'5', ..] => plain(Std::Second, 1),
        [b'P', b'M', ..] => plain(Std::UpperPm, 2),
        [b'p', b'm', ..] => plain(Std::LowerPm, 2),
        [first @ (b'-' | b'Z'), after @ ..] => {
            OFFSETS.iter().find(|(text, _)| after.starts_with(text)).map(|(text, std)| {
                let std = match *std {
                    Std::Offset { colon, parts, .. } => Std::Offset { zulu: *first == b'Z', colon, parts },
                    other => other,
                };
                (std, 0, text.len() + 1)
            })
        }
        [sign @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let digits = rest.iter().skip(1).take_while(|b| *b == digit).count();
            if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            plain(Std::Fraction { digits, sign: *sign, trim: *digit == b'9' }, 1 + digits)
        }
        _ => None,
    }
}

fn number(out: &mut Vec<u8>, value: i64, width: usize) {
    let sign = if value < 0 { "-" } else { "" };
    out.extend_from_slice(format!("{sign}{:0width$}", value.unsigned_abs()).as_bytes());
}

impl Time {
    /// `Time.Format`.
    pub(crate) fn format(&self, layout: &[u8]) -> Vec<u8> {
        let civil = self.civil();
        let (offset, abbreviation) = self.offset();
        let mut out = Vec::with_capacity(layout.len() + 10);
        let mut rest = layout;
        loop {
            let (prefix, std, suffix) = next_chunk(rest);
            out.extend_from_slice(prefix);
            let Some(std) = std else { return out };
            rest = suffix;
            let name = |names: &[&'static str], at: i64| {
                usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or("")
            };
            let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
            match std {
                Std::LongMonth => out.extend_from_slice(name(&MONTHS, civil.month - 1).as_bytes()),
                Std::Month => out.extend_from_slice(name(&MONTHS, civil.month - 1).as_bytes().get(..3).unwrap_or(&[])),
                Std::NumMonth => number(&mut out, civil.month, 1),
                Std::ZeroMonth => number(&mut out, civil.month, 2),
                Std::LongWeekDay => out.extend_from_slice(name(&WEEKDAYS, self.weekday()).as_bytes()),
                Std::WeekDay => {
                    out.extend_from_slice(name(&WEEKDAYS, self.weekday()).as_bytes().get(..3).unwrap_or(&[]))
                }
                Std::Day => number(&mut out, civil.day, 1),
                Std::UnderDay => out.extend_from_slice(format!("{:2}", civil.day).as_bytes()),
                Std::ZeroDay => number(&mut out, civil.day, 2),
                Std::UnderYearDay => out.extend_from_slice(format!("{:3}", self.year_day()).as_bytes()),
                Std::ZeroYearDay => number(&mut out, self.year_day(), 3),
                Std::Hour => number(&mut out, civil.hour, 2),
                Std::Hour12 => number(&mut out, hour12, 1),
                Std::ZeroHour12 => number(&mut out, hour12, 2),
                Std::Minute => number(&mut out, civil.minute, 1),
                Std::ZeroMinute => number(&mut out, civil.minute, 2),
                Std::Second => number(&mut out, civil.second, 1),
                Std::ZeroSecond => number(&mut out, civil.second, 2),
                Std::LongYear => number(&mut out, civil.year, 4),
                Std::Year => number(&mut out, civil.year.max(0) % 100, 2),
                Std::UpperPm => out.extend_from_slice(if civil.hour >= 12 { b"PM" } else { b"AM" }),
                Std::LowerPm => out.extend_from_slice(if civil.hour >= 12 { b"pm" } else { b"am" }),
                Std::Abbreviation if abbreviation.is_empty() => print_offset(&mut out, offset, false, 2),
                Std::Abbreviation => out.extend_from_slice(abbreviation.as_bytes()),
                Std::Offset { zulu: true, .. } if offset == 0 => out.push(b'Z'),
                Std::Offset { colon, parts, .. } => print_offset(&mut out, offset, colon, parts),
                Std::Fraction { digits, sign, trim } => fraction(&mut out, self.nanos, digits, sign, trim),
            }
        }
    }
}

fn print_offset(out: &mut Vec<u8>, offset: i32, colon: bool, parts: u8) {
    let total = i64::from(offset.unsigned_abs());
    out.push(if offset < 0 { b'-' } else { b'+' });
    number(out, total / 3600, 2);
    for (part, value) in [(2, total / 60 % 60), (3, total % 60)] {
        if parts >= part {
            if colon {
                out.push(b':');
            }
            number(out, value, 2);
        }
    }
}

fn fraction(out: &mut Vec<u8>, nanos: u32, digits: usize, sign: u8, trim: bool) {
    let text = format!("{nanos:09}");
    let text = text.get(..digits.min(9)).unwrap_or(&text);
    let text = if trim { text.trim_end_matches('0') } else { text };
    if trim && text.is_empty() {
        return;
    }
    out.push(sign);
    out.extend_from_slice(text.as_bytes());
}
