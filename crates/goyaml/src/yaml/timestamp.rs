//! What go-yaml takes for a timestamp: Go's `time.Parse` with four layouts (`resolve.go`).

/// Tells whether go-yaml reads `text` as a timestamp.
pub(crate) fn is_timestamp(text: &[u8]) -> bool {
    if text.len() < 5 || !text.iter().take(4).all(u8::is_ascii_digit) || text.get(4) != Some(&b'-') {
        return false;
    }
    [Layout::Zoned(b'T'), Layout::Zoned(b't'), Layout::Spaced, Layout::Date].iter().any(|&layout| parse(text, layout))
}

#[derive(Clone, Copy)]
enum Layout {
    /// `2006-1-2T15:4:5.999999999Z07:00`, with the given letter.
    Zoned(u8),
    /// `2006-1-2 15:4:5.999999999`.
    Spaced,
    /// `2006-1-2`.
    Date,
}

fn parse(text: &[u8], layout: Layout) -> bool {
    matches(&mut Cursor { rest: text }, layout).is_some_and(|in_range| in_range)
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn literal(&mut self, c: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(&[c])?;
        Some(())
    }

    /// One digit or two, as Go reads a field without a leading zero.
    fn number(&mut self) -> Option<u32> {
        let (&first, rest) = self.rest.split_first()?;
        let first = char::from(first).to_digit(10)?;
        self.rest = rest;
        if let Some((&second, rest)) = rest.split_first()
            && let Some(second) = char::from(second).to_digit(10)
        {
            self.rest = rest;
            return Some(first * 10 + second);
        }
        Some(first)
    }

    /// Exactly two digits.
    fn two(&mut self) -> Option<u32> {
        let (pair, rest) = self.rest.split_at_checked(2)?;
        let value = pair.iter().try_fold(0, |n, &c| Some(n * 10 + char::from(c).to_digit(10)?))?;
        self.rest = rest;
        Some(value)
    }

    /// A fraction of a second, if there is one; any number of digits, after a point or a comma.
    fn fraction(&mut self) {
        if let [b'.' | b',', rest @ ..] = self.rest {
            let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
            if digits > 0 {
                self.rest = rest.get(digits..).unwrap_or_default();
            }
        }
    }
}

/// Returns whether all fields are in their range, or nothing when the text does not have this layout.
fn matches(at: &mut Cursor<'_>, layout: Layout) -> Option<bool> {
    let year = at.two()? * 100 + at.two()?;
    at.literal(b'-')?;
    let month = at.number()?;
    at.literal(b'-')?;
    let day = at.number()?;
    let mut in_range = (1..=12).contains(&month) && (1..=days_in(month, year)).contains(&day);
    match layout {
        Layout::Date => {}
        Layout::Zoned(letter) => {
            at.literal(letter)?;
            in_range &= clock(at)?;
            in_range &= zone(at)?;
        }
        Layout::Spaced => {
            // One space in a layout stands for one or more.
            at.literal(b' ')?;
            while at.literal(b' ').is_some() {}
            in_range &= clock(at)?;
        }
    }
    at.rest.is_empty().then_some(in_range)
}

fn clock(at: &mut Cursor<'_>) -> Option<bool> {
    let hour = at.number()?;
    at.literal(b':')?;
    let minute = at.number()?;
    at.literal(b':')?;
    let second = at.number()?;
    at.fraction();
    Some(hour < 24 && minute < 60 && second < 60)
}

fn zone(at: &mut Cursor<'_>) -> Option<bool> {
    if at.literal(b'Z').is_some() {
        return Some(true);
    }
    at.literal(b'+').or_else(|| at.literal(b'-'))?;
    let hour = at.two()?;
    at.literal(b':')?;
    let minute = at.two()?;
    // Go lets an offset of exactly 24 hours or 60 minutes pass.
    Some(hour <= 24 && minute <= 60)
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::is_timestamp;

    #[test]
    fn layouts() {
        for yes in [
            "2001-12-14",
            "2001-1-2",
            "2001-12-14T21:59:43Z",
            "2001-12-14t21:59:43.1-05:00",
            "2001-12-14 21:59:43.10",
            "2001-12-14   1:2:3,5",
            "2000-02-29",
            "2001-12-14T1:2:3+24:60",
            "2001-12-14T1:2:3.0123456789012Z",
        ] {
            assert!(is_timestamp(yes.as_bytes()), "{yes}");
        }
        for no in [
            "2001-13-14",
            "2001-02-29",
            "1900-02-29",
            "2001-12-1x",
            "201-12-14",
            "2001-12-14 21:59:43Z",
            "2001-12-14T21:59:43",
            "2001-12-14T24:00:00Z",
            "2001-12-14 ",
            "2001-12-14T1:2:3.Z",
            "2001-12-14T1:2:3+25:00",
        ] {
            assert!(!is_timestamp(no.as_bytes()), "{no}");
        }
    }
}
