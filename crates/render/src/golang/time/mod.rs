//! Go's `time`: points in time, durations, zones.

mod duration;
mod format;
mod parse;

use std::sync::{Mutex, OnceLock};

use jiff::Timestamp;
use jiff::tz::{TimeZone, db};

pub(crate) use duration::{parse_duration, print_duration, round, truncate};
pub(crate) use format::{MONTHS, WEEKDAYS};

/// Quotes as the package does: every byte that is no printable ASCII as `\xNN`.
fn quote(text: impl AsRef<[u8]>) -> String {
    let mut out = String::from("\"");
    for byte in text.as_ref() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=0x7f => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// A point in time with the zone it is shown in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Seconds since 1970 in UTC.
    pub(crate) seconds: i64,
    /// Nanoseconds of the second.
    pub(crate) nanos: u32,
    pub(crate) zone: Zone,
    /// Whether it is a reading of the clock, which Go prints with a monotonic part.
    pub(crate) clock: bool,
}

/// Where a time is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Zone {
    Utc,
    /// A zone of the database, or the local one.
    Known(&'static TimeZone),
    /// A fixed offset in seconds with a name, cut to what fits.
    Fixed(i32, [u8; 14]),
}

/// A calendar date and a clock time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
}

/// Go's zero time: the first of January of the year 1.
const ZERO_SECONDS: i64 = -62_135_596_800;

/// Days since 1970 of a date; months and days out of range carry over.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468 + day - 1
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_in(month: i64, year: i64) -> i64 {
    days_from_civil(year, month + 1, 1) - days_from_civil(year, month, 1)
}

/// A zone by its name as `time.LoadLocation` takes it; zones are kept for the life of the process.
pub(crate) fn load_zone(name: &str, local: &'static TimeZone) -> Option<Zone> {
    match name {
        "" | "UTC" => return Some(Zone::Utc),
        "Local" => return Some(local_zone(local)),
        _ => {}
    }
    static KNOWN: OnceLock<Mutex<Vec<&'static TimeZone>>> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(zone) = known.iter().find(|z| z.iana_name() == Some(name)) {
        return Some(Zone::Known(zone));
    }
    let zone = db().get(name).ok().filter(|z| z.iana_name() == Some(name))?;
    // There are some 600 names: what is kept is bounded.
    let zone: &'static TimeZone = Box::leak(Box::new(zone));
    known.push(zone);
    Some(Zone::Known(zone))
}

/// The local zone.
pub(crate) fn local_zone(local: &'static TimeZone) -> Zone {
    Zone::Known(local)
}

/// The UTC zone as a local zone.
pub(crate) fn utc() -> &'static TimeZone {
    static UTC: TimeZone = TimeZone::UTC;
    &UTC
}

/// The same time of the same year within the years that the database's reader takes: the calendar repeats itself after
/// 400 years, and so do the rules of a zone.
fn within_known_years(seconds: i64) -> i64 {
    const CYCLE: i64 = 146_097 * 86_400;
    const LAST: i64 = 253_402_207_200;
    const FIRST: i64 = -377_705_023_201;
    if seconds > LAST {
        return seconds - ((seconds - LAST + CYCLE - 1) / CYCLE) * CYCLE;
    }
    if seconds < FIRST { FIRST } else { seconds }
}

impl Zone {
    /// A zone of a fixed offset.
    pub(crate) fn fixed(offset: i32, name: &str) -> Self {
        let mut short = [0; 14];
        for (to, from) in short.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        Zone::Fixed(offset, short)
    }

    /// The offset in seconds and the abbreviation at a time.
    pub(crate) fn at(self, seconds: i64) -> (i32, String) {
        match self {
            Zone::Utc => (0, "UTC".to_owned()),
            Zone::Fixed(offset, name) => {
                let name = name.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect();
                (offset, name)
            }
            Zone::Known(zone) => match Timestamp::from_second(within_known_years(seconds)) {
                Ok(timestamp) => {
                    let info = zone.to_offset_info(timestamp);
                    (info.offset().seconds(), info.abbreviation().to_owned())
                }
                Err(_) => (0, "UTC".to_owned()),
            },
        }
    }
}

impl Time {
    /// Go's zero time.
    pub(crate) const ZERO: Self = Self { seconds: ZERO_SECONDS, nanos: 0, zone: Zone::Utc, clock: false };

    /// `time.Unix`.
    pub(crate) fn unix(seconds: i64, nanos: u32, zone: Zone) -> Self {
        Self { seconds, nanos, zone, clock: false }
    }

    /// `time.Date`: fields out of range carry over.
    pub(crate) fn date(civil: Civil, nanos: u32, zone: Zone) -> Self {
        let Civil { year, month, day, hour, minute, second } = civil;
        let wall = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        // As Go: guess with the offset of the wall time, then look whether it holds there.
        let (offset, _) = zone.at(wall);
        let mut seconds = wall - i64::from(offset);
        let (there, _) = zone.at(seconds);
        if there != offset {
            let (again, _) = zone.at(wall - i64::from(there));
            if again == there || zone.at(seconds).0 != offset {
                seconds = wall - i64::from(there);
            }
        }
        Self::unix(seconds, nanos, zone)
    }

    /// The offset and the abbreviation of its zone.
    pub(crate) fn offset(&self) -> (i32, String) {
        self.zone.at(self.seconds)
    }

    /// What calendar and clock show in its zone.
    pub(crate) fn civil(&self) -> Civil {
        let wall = self.seconds + i64::from(self.offset().0);
        let (year, month, day) = civil_from_days(wall.div_euclid(86_400));
        let rest = wall.rem_euclid(86_400);
        Civil { year, month, day, hour: rest / 3600, minute: rest / 60 % 60, second: rest % 60 }
    }

    /// The day of the year, from 1.
    pub(crate) fn year_day(&self) -> i64 {
        let c = self.civil();
        days_from_civil(c.year, c.month, c.day) - days_from_civil(c.year, 1, 1) + 1
    }

    /// The day of the week, from Sunday as 0.
    pub(crate) fn weekday(&self) -> i64 {
        let c = self.civil();
        (days_from_civil(c.year, c.month, c.day) + 4).rem_euclid(7)
    }

    /// `Time.Add` of nanoseconds.
    pub(crate) fn add(&self, nanos: i64) -> Self {
        let total = i64::from(self.nanos) + nanos.rem_euclid(1_000_000_000);
        let seconds = self.seconds + nanos.div_euclid(1_000_000_000) + total / 1_000_000_000;
        Self { seconds, nanos: (total % 1_000_000_000) as u32, ..*self }
    }

    /// `Time.AddDate`.
    pub(crate) fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let mut civil = self.civil();
        civil.year += years;
        civil.month += months;
        civil.day += days;
        Self::date(civil, self.nanos, self.zone)
    }

    /// `Time.Sub` in nanoseconds, at most the greatest duration.
    pub(crate) fn sub(&self, other: &Self) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let nanos = seconds * 1_000_000_000 + i128::from(self.nanos) - i128::from(other.nanos);
        nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// Nanoseconds since Go's zero time.
    pub(crate) fn since_year_one(&self) -> i128 {
        (i128::from(self.seconds) - i128::from(ZERO_SECONDS)) * 1_000_000_000 + i128::from(self.nanos)
    }

    /// The same time shown in another zone.
    pub(crate) fn within(&self, zone: Zone) -> Self {
        Self { zone, ..*self }
    }

    /// `Time.String`.
    pub(crate) fn text(&self) -> String {
        let text = self.format(b"2006-01-02 15:04:05.999999999 -0700 MST");
        let text = String::from_utf8_lossy(&text).into_owned();
        if self.clock { text + " m=+0.050000001" } else { text }
    }

    /// `Time.GoString`. A known zone is the local one: no function gives a time in another.
    pub(crate) fn go_text(&self) -> String {
        let c = self.civil();
        let month = usize::try_from(c.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
        let zone = match self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Known(_) => "time.Local".to_owned(),
            Zone::Fixed(..) => format!("time.Location({})", quote(self.offset().1)),
        };
        let Civil { year, day, hour, minute, second, .. } = c;
        format!("time.Date({year}, time.{month}, {day}, {hour}, {minute}, {second}, {}, {zone})", self.nanos)
    }

    /// How JSON shows it.
    pub(crate) fn rfc3339_nano(&self) -> String {
        String::from_utf8_lossy(&self.format(b"2006-01-02T15:04:05.999999999Z07:00")).into_owned()
    }

    /// The order of two times.
    pub(crate) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        (self.seconds, self.nanos).cmp(&(other.seconds, other.nanos))
    }

    /// Whether it is Go's zero time.
    pub(crate) fn is_zero(&self) -> bool {
        self.seconds == ZERO_SECONDS && self.nanos == 0
    }
}
