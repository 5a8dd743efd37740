//! One version.

use std::cmp::Ordering;
use std::fmt;

use super::Error;

/// The longest version that is read, in bytes.
const MAX_LEN: usize = 256;

/// A semantic version; `original` is the text it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    pub prerelease: String,
    pub metadata: String,
    pub original: String,
}

impl Version {
    /// Reads a version leniently: a leading `v`, one or two missing numbers and leading zeros are fine.
    ///
    /// # Errors
    /// Where Go's `semver.NewVersion` fails, with its text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LEN {
            return Err(Error::TooLong);
        }
        let loose = Loose::parse(text).ok_or(Error::Invalid)?;
        let number =
            |digits: &str| -> Result<u64, Error> { digits.parse().map_err(|_| Error::OutOfRange(digits.to_owned())) };
        let version = Self {
            major: number(loose.major)?,
            minor: loose.minor.map_or(Ok(0), number)?,
            patch: loose.patch.map_or(Ok(0), number)?,
            prerelease: loose.prerelease.unwrap_or_default().to_owned(),
            metadata: loose.metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        if !version.prerelease.is_empty() {
            check_prerelease(&version.prerelease)?;
        }
        if !version.metadata.is_empty() {
            check_metadata(&version.metadata)?;
        }
        Ok(version)
    }

    /// Reads a version to the letter of the specification.
    ///
    /// # Errors
    /// Where Go's `semver.StrictNewVersion` fails, with its text.
    pub fn parse_strict(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Err(Error::Empty);
        }
        if text.len() > MAX_LEN {
            return Err(Error::TooLong);
        }
        let mut parts = text.splitn(3, '.');
        let (Some(major), Some(minor), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Error::Invalid);
        };
        let mut version = Self { original: text.to_owned(), ..Self::default() };
        let mut patch = rest;
        if let Some((before, metadata)) = patch.split_once('+') {
            check_metadata(metadata)?;
            metadata.clone_into(&mut version.metadata);
            patch = before;
        }
        if let Some((before, prerelease)) = patch.split_once('-') {
            check_prerelease(prerelease)?;
            prerelease.clone_into(&mut version.prerelease);
            patch = before;
        }
        for part in [major, minor, patch] {
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(Error::Characters);
            }
            if part.len() > 1 && part.starts_with('0') {
                return Err(Error::LeadingZero);
            }
        }
        let number = |digits: &str| -> Result<u64, Error> {
            digits.parse().map_err(|_| Error::StrictOutOfRange(digits.to_owned()))
        };
        version.major = number(major)?;
        version.minor = number(minor)?;
        version.patch = number(patch)?;
        Ok(version)
    }

    /// Orders two versions by the specification's precedence; metadata does not count.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prerelease(&self.prerelease, &other.prerelease),
            }
        })
    }

    fn v_prefix(&self) -> &'static str {
        if self.original.starts_with('v') { "v" } else { "" }
    }

    fn renamed(mut self, prefix: &str) -> Self {
        self.original = format!("{prefix}{self}");
        self
    }

    /// Gives the next patch version; of a prerelease that is the release itself.
    #[must_use]
    pub fn inc_patch(&self) -> Self {
        let patch = if self.prerelease.is_empty() { self.patch.saturating_add(1) } else { self.patch };
        Self { major: self.major, minor: self.minor, patch, ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the next minor version.
    #[must_use]
    pub fn inc_minor(&self) -> Self {
        Self { major: self.major, minor: self.minor.saturating_add(1), ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the next major version.
    #[must_use]
    pub fn inc_major(&self) -> Self {
        Self { major: self.major.saturating_add(1), ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the version with another prerelease.
    ///
    /// # Errors
    /// When the text is no prerelease.
    pub fn set_prerelease(&self, prerelease: &str) -> Result<Self, Error> {
        if !prerelease.is_empty() {
            check_prerelease(prerelease)?;
        }
        Ok(Self { prerelease: prerelease.to_owned(), ..self.clone() }.renamed(self.v_prefix()))
    }

    /// Gives the version with other metadata.
    ///
    /// # Errors
    /// When the text is no metadata.
    pub fn set_metadata(&self, metadata: &str) -> Result<Self, Error> {
        if !metadata.is_empty() {
            check_metadata(metadata)?;
        }
        Ok(Self { metadata: metadata.to_owned(), ..self.clone() }.renamed(self.v_prefix()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// The pieces of a lenient version.
struct Loose<'a> {
    major: &'a str,
    minor: Option<&'a str>,
    patch: Option<&'a str>,
    prerelease: Option<&'a str>,
    metadata: Option<&'a str>,
}

impl<'a> Loose<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let major = take(&mut rest, |b| b.is_ascii_digit());
        if major.is_empty() {
            return None;
        }
        let minor = number_after_dot(&mut rest);
        let patch = if minor.is_some() { number_after_dot(&mut rest) } else { None };
        let prerelease = identifiers(&mut rest, '-').map(|text| text.get(1..).unwrap_or_default());
        let metadata = identifiers(&mut rest, '+').map(|text| text.get(1..).unwrap_or_default());
        rest.is_empty().then_some(Self { major, minor, patch, prerelease, metadata })
    }
}

fn number_after_dot<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let mut after = rest.strip_prefix('.')?;
    let digits = take(&mut after, |b| b.is_ascii_digit());
    if digits.is_empty() {
        return None;
    }
    *rest = after;
    Some(digits)
}

/// Takes the longest run of bytes that fit from the front of `rest`.
pub(super) fn take<'a>(rest: &mut &'a str, fits: impl Fn(u8) -> bool) -> &'a str {
    let len = rest.bytes().position(|b| !fits(b)).unwrap_or(rest.len());
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}

/// Takes `mark` and dotted identifiers after it; what is taken begins with the mark.
pub(super) fn identifiers<'a>(rest: &mut &'a str, mark: char) -> Option<&'a str> {
    let whole = *rest;
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let mut after = rest.strip_prefix(mark)?;
    if take(&mut after, fits).is_empty() {
        return None;
    }
    while let Some(mut next) = after.strip_prefix('.') {
        if take(&mut next, fits).is_empty() {
            break;
        }
        after = next;
    }
    *rest = after;
    whole.get(..whole.len() - after.len())
}

fn check_prerelease(text: &str) -> Result<(), Error> {
    for part in text.split('.') {
        if part.is_empty() {
            return Err(Error::Prerelease);
        }
        if part.bytes().all(|b| b.is_ascii_digit()) {
            if part.len() > 1 && part.starts_with('0') {
                return Err(Error::LeadingZero);
            }
        } else if !part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(Error::Prerelease);
        }
    }
    Ok(())
}

fn check_metadata(text: &str) -> Result<(), Error> {
    let fits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if text.split('.').all(fits) { Ok(()) } else { Err(Error::Metadata) }
}

/// Orders two prereleases part by part: numbers by value and before words, a missing part first.
pub(super) fn compare_prerelease(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = (left.next(), right.next());
        if x.is_none() && y.is_none() {
            return Ordering::Equal;
        }
        let order = compare_part(x.unwrap_or_default(), y.unwrap_or_default());
        if order != Ordering::Equal {
            return order;
        }
    }
}

fn compare_part(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    if a.is_empty() {
        return Ordering::Less;
    }
    if b.is_empty() {
        return Ordering::Greater;
    }
    // A run of digits beyond 64 bits is a word, as in Go.
    let number = |text: &str| text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match (number(a), number(b)) {
        (None, None) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        // Two spellings of one number are never equal, as in Go.
        (Some(x), Some(y)) => {
            if x > y {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_leniently() {
        for (text, want) in [
            ("1", Ok("1.0.0")),
            ("v1.2", Ok("1.2.0")),
            ("01.02.03", Ok("1.2.3")),
            ("1.2.3-alpha.1+build-5", Ok("1.2.3-alpha.1+build-5")),
            ("1.2-rc1", Ok("1.2.0-rc1")),
            ("V1", Err("invalid semantic version")),
            ("1.2.3.4", Err("invalid semantic version")),
            ("1.2.3-", Err("invalid semantic version")),
            ("1.2.3-01", Err("version segment starts with 0")),
            (" 1.2.3", Err("invalid semantic version")),
            ("", Err("invalid semantic version")),
            (
                "99999999999999999999",
                Err(
                    "error parsing version segment: strconv.ParseUint: parsing \"99999999999999999999\": value out of range",
                ),
            ),
        ] {
            let got = Version::parse(text).map(|v| v.to_string()).map_err(|e| e.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn reads_strictly() {
        for (text, want) in [
            ("1.2.3-a+b", Ok("1.2.3-a+b")),
            ("v1.2.3", Err("invalid characters in version")),
            ("1.2", Err("invalid semantic version")),
            ("1.02.3", Err("version segment starts with 0")),
            ("1.2.3+", Err("invalid metadata string")),
            ("", Err("version string empty")),
        ] {
            let got = Version::parse_strict(text).map(|v| v.to_string()).map_err(|e| e.to_string());
            assert_eq!(got.as_deref().map_err(String::as_str), want, "{text}");
        }
    }

    #[test]
    fn orders_by_precedence() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
        ];
        for pair in order.windows(2) {
            let [a, b] = pair else { continue };
            assert_eq!(Version::parse(a).unwrap().compare(&Version::parse(b).unwrap()), Ordering::Less, "{a} {b}");
        }
    }

    #[test]
    fn increments_keep_the_prefix() {
        let v = Version::parse("v1.2.3-rc.1").unwrap();
        assert_eq!(v.inc_patch().original, "v1.2.3");
        assert_eq!(v.inc_minor().original, "v1.3.0");
        assert_eq!(v.inc_major().original, "v2.0.0");
        assert_eq!(v.set_metadata("x").unwrap().original, "v1.2.3-rc.1+x");
    }
}
