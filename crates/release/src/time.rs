//! Times as Go writes them into a record.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::Offset;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

/// An instant with the UTC offset it was written in, so that a record can be written back as it was read.
///
/// Prints as Go's `time.RFC3339Nano`: no trailing zeros in the fraction, `Z` for a zero offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    at: Timestamp,
    offset: i32,
}

/// The seconds of Go's zero time (`0001-01-01T00:00:00Z`), which stands for "never".
const GO_ZERO: i64 = -62_135_596_800;

impl Time {
    /// The instant.
    pub fn timestamp(&self) -> Timestamp {
        self.at
    }

    /// The offset it was written in, in seconds east of Greenwich.
    pub fn offset(&self) -> i32 {
        self.offset
    }

    /// Reads RFC 3339 text; `None` for Go's zero time.
    ///
    /// # Errors
    /// When the text is no RFC 3339 time.
    pub fn parse(text: &str) -> Result<Option<Self>, jiff::Error> {
        let at: Timestamp = text.parse()?;
        if at.as_second() == GO_ZERO && at.subsec_nanosecond() == 0 {
            return Ok(None);
        }
        Ok(Some(Self { at, offset: offset_of(text) }))
    }
}

/// The offset at the end of RFC 3339 text in seconds; zero when there is none to be seen.
fn offset_of(text: &str) -> i32 {
    let Some(tail) = text.len().checked_sub(6).and_then(|at| text.get(at..)) else { return 0 };
    let (sign, digits) = match tail.split_at_checked(1) {
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        _ => return 0,
    };
    let Some((hours, minutes)) = digits.split_once(':') else { return 0 };
    match (hours.parse::<i32>(), minutes.parse::<i32>()) {
        (Ok(hours), Ok(minutes)) => sign * (hours * 3600 + minutes * 60),
        _ => 0,
    }
}

impl From<Timestamp> for Time {
    fn from(at: Timestamp) -> Self {
        Self { at, offset: 0 }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = Offset::from_seconds(self.offset).unwrap_or(Offset::UTC);
        let civil = offset.to_datetime(self.at);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )?;
        let nanos = civil.subsec_nanosecond();
        if nanos != 0 {
            let digits = format!("{nanos:09}");
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        let minutes = offset.seconds() / 60;
        if minutes == 0 {
            return f.write_str("Z");
        }
        let sign = if minutes < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a time that may be `null`, `""` (Helm 3) or Go's zero time.
pub(crate) fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        None => Ok(None),
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => Time::parse(&text).map_err(de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_go_does() {
        for (text, want) in [
            ("2026-08-20T10:11:12.123456789Z", "2026-08-20T10:11:12.123456789Z"),
            ("2026-08-20T10:11:12.120000000+02:00", "2026-08-20T10:11:12.12+02:00"),
            ("2026-08-20T10:11:12.000+00:00", "2026-08-20T10:11:12Z"),
            ("2026-01-01T00:30:00-05:30", "2026-01-01T00:30:00-05:30"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"),
        ] {
            let time = Time::parse(text).unwrap().unwrap();
            assert_eq!(time.to_string(), want, "{text}");
        }
        assert_eq!(Time::parse("0001-01-01T00:00:00Z").unwrap(), None);
        assert!(Time::parse("yesterday").is_err());
    }
}
