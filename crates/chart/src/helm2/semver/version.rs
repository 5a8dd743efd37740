//! One version.

use std::cmp::Ordering;
use std::fmt;

use super::MAX_LEN;
use super::parts::{Parts, valid_identifiers};

/// A version; `original` is the text it was read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Version {
    pub major: i64,
    pub minor: i64,
    pub patch: i64,
    pub prerelease: String,
    pub metadata: String,
    pub original: String,
}

fn number(digits: &str) -> Result<i64, String> {
    let digits = digits.strip_prefix('.').unwrap_or(digits);
    if digits.is_empty() {
        return Ok(0);
    }
    digits.parse().map_err(|_| {
        let why = if digits.bytes().all(|b| b.is_ascii_digit()) { "value out of range" } else { "invalid syntax" };
        format!("Error parsing version segment: strconv.ParseInt: parsing {}: {why}", crate::text::quote(digits))
    })
}

impl Version {
    /// Reads a version leniently: a leading `v`, one or two missing numbers and leading zeros are fine.
    ///
    /// # Errors
    /// Where Go's `semver.NewVersion` fails, with its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let invalid = || "Invalid Semantic Version".to_owned();
        if text.len() > MAX_LEN {
            return Err(invalid());
        }
        let mut rest = text;
        let parts = Parts::take(&mut rest, |b| b.is_ascii_digit()).filter(|_| rest.is_empty()).ok_or_else(invalid)?;
        Ok(Self {
            major: number(parts.major)?,
            minor: number(parts.minor)?,
            patch: number(parts.patch)?,
            prerelease: parts.prerelease.to_owned(),
            metadata: parts.metadata.to_owned(),
            original: text.to_owned(),
        })
    }

    /// Orders two versions; metadata does not count.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    fn renamed(mut self, prefix: &str) -> Self {
        self.original = format!("{prefix}{self}");
        self
    }

    fn v_prefix(&self) -> &'static str {
        if self.original.starts_with('v') { "v" } else { "" }
    }

    /// Gives the next patch version; of a prerelease that is the release itself.
    #[must_use]
    pub fn inc_patch(&self) -> Self {
        let patch = if self.prerelease.is_empty() { self.patch.wrapping_add(1) } else { self.patch };
        Self { major: self.major, minor: self.minor, patch, ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the next minor version.
    #[must_use]
    pub fn inc_minor(&self) -> Self {
        Self { major: self.major, minor: self.minor.wrapping_add(1), ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the next major version.
    #[must_use]
    pub fn inc_major(&self) -> Self {
        Self { major: self.major.wrapping_add(1), ..Self::default() }.renamed(self.v_prefix())
    }

    /// Gives the version with another prerelease.
    ///
    /// # Errors
    /// When the text is no prerelease.
    pub fn set_prerelease(&self, text: &str) -> Result<Self, String> {
        if valid_identifiers(text) != text.len() {
            return Err("Invalid Prerelease string".to_owned());
        }
        Ok(Self { prerelease: text.to_owned(), ..self.clone() }.renamed(self.v_prefix()))
    }

    /// Gives the version with other metadata.
    ///
    /// # Errors
    /// When the text is no metadata.
    pub fn set_metadata(&self, text: &str) -> Result<Self, String> {
        if valid_identifiers(text) != text.len() {
            return Err("Invalid Metadata string".to_owned());
        }
        Ok(Self { metadata: text.to_owned(), ..self.clone() }.renamed(self.v_prefix()))
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

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut mine, mut theirs) = (a.split('.'), b.split('.'));
    loop {
        let (x, y) = match (mine.next(), theirs.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => (x.unwrap_or(""), y.unwrap_or("")),
        };
        if x == y {
            continue;
        }
        let (p, q) = (x.parse::<u64>(), y.parse::<u64>());
        return match (p, q) {
            _ if x.is_empty() => Ordering::Less,
            _ if y.is_empty() => Ordering::Greater,
            (Err(_), Err(_)) => x.cmp(y),
            (_, Err(_)) => Ordering::Less,
            (Err(_), _) => Ordering::Greater,
            (Ok(p), Ok(q)) if p > q => Ordering::Greater,
            _ => Ordering::Less,
        };
    }
}
