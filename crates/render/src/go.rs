//! Pieces of Go's standard library that a door shows what it shows with.

use std::rc::Rc;
use std::sync::OnceLock;

use gotext::Arena;
use gotext::regexp::{Cache, Regex};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::golang::time::{Time, Zone, local_zone};

/// A regular expression of Go's `regexp`.
pub struct Pattern(Rc<Regex>);

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What Go says of it.
    pub fn new(expression: &str) -> Result<Self, String> {
        Cache::default().compile(expression.as_bytes(), "\u{e9}".as_bytes()).map(Self)
    }

    /// Tells whether there is a match anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(&Arena::new(), text.as_bytes())
    }
}

/// Formats a time as Go's `Time.Format`, in the zone that reading it with an offset (in seconds) gives it: UTC, the local
/// one where that has this offset, or one without a name.
pub fn format_time(at: Timestamp, offset: i32, layout: &str) -> String {
    static LOCAL: OnceLock<TimeZone> = OnceLock::new();
    let local = local_zone(LOCAL.get_or_init(TimeZone::system));
    let zone = match offset {
        0 => Zone::Utc,
        offset if local.at(at.as_second()).0 == offset => local,
        offset => Zone::fixed(offset, ""),
    };
    let time = Time::unix(at.as_second(), at.subsec_nanosecond().unsigned_abs(), zone);
    String::from_utf8_lossy(&time.format(layout.as_bytes())).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_as_go() {
        assert!(Pattern::new("^ara[a-z]+$").unwrap().is_match("arachnid"));
        assert_eq!(Pattern::new("[").err().unwrap(), "error parsing regexp: missing closing ]: `[`");
    }

    #[test]
    fn times_as_go() {
        let at: Timestamp = "2026-11-25T12:46:38.01987Z".parse().unwrap();
        let layout = "2006-01-02 15:04:05.999999999 -0700 MST";
        assert_eq!(format_time(at, 0, layout), "2026-11-25 12:46:38.01987 +0000 UTC");
        assert_eq!(format_time(at, -16_200, layout), "2026-11-25 08:16:38.01987 -0430 -0430");
    }
}
