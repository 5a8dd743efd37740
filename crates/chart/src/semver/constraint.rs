//! Constraints: groups parted by `||`, each a list of comparisons that must all hold.

use std::fmt;

use super::version::{compare_prerelease, identifiers, take};
use super::{Error, Version};
use crate::text::quote;

/// The longest constraint that is read, in bytes.
const MAX_LEN: usize = 512;
/// The most groups that are read.
const MAX_GROUPS: usize = 32;

/// A parsed constraint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraints {
    groups: Vec<Group>,
    /// Whether prereleases are considered even where the constraint names none.
    pub include_prerelease: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    comparisons: Vec<Comparison>,
    has_prerelease: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    TildeOrEqual,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// The spellings of the operators, the longest first.
const OPERATORS: [(&str, Operator); 12] = [
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::TildeOrEqual),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    ("", Operator::TildeOrEqual),
];

#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    operator: Operator,
    /// The operator and the version as they were written.
    spelling: &'static str,
    original: String,
    version: Version,
    /// Some number is missing or a wildcard.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraints {
    /// Reads a constraint such as `>=1.2, <2 || ^3.x`.
    ///
    /// # Errors
    /// Where Go's `semver.NewConstraint` fails, with its text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_LEN {
            return Err(Error::ConstraintTooLong);
        }
        let text = rewrite_ranges(text);
        let parts: Vec<&str> = text.split("||").collect();
        if parts.len() > MAX_GROUPS {
            return Err(Error::TooManyGroups);
        }
        let groups = parts.into_iter().map(Group::parse).collect::<Result<_, _>>()?;
        Ok(Self { groups, include_prerelease: false })
    }

    /// Tells whether a version meets the constraint.
    #[must_use]
    pub fn check(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let prereleases = self.include_prerelease || group.has_prerelease;
            group.comparisons.iter().all(|c| c.check(version, prereleases).is_ok())
        })
    }

    /// Checks a version and gives the reasons when no group accepts it.
    ///
    /// # Errors
    /// The reasons of all groups, in Go's words.
    pub fn validate(&self, version: &Version) -> Result<(), Vec<String>> {
        let mut reasons = Vec::new();
        let mut said_prerelease = false;
        for group in &self.groups {
            let prereleases = self.include_prerelease || group.has_prerelease;
            let mut fits = true;
            for comparison in &group.comparisons {
                if !prereleases && !version.prerelease.is_empty() {
                    if !said_prerelease {
                        reasons.push(only_releases(version));
                        said_prerelease = true;
                    }
                    fits = false;
                } else if let Err(reason) = comparison.check(version, prereleases) {
                    reasons.push(reason);
                    fits = false;
                }
            }
            if fits {
                return Ok(());
            }
        }
        Err(reasons)
    }
}

impl fmt::Display for Constraints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.groups.iter().enumerate() {
            if i > 0 {
                f.write_str(" || ")?;
            }
            for (k, comparison) in group.comparisons.iter().enumerate() {
                if k > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{}{}", comparison.spelling, comparison.original)?;
            }
        }
        Ok(())
    }
}

impl Group {
    fn parse(text: &str) -> Result<Self, Error> {
        let improper = || Error::Improper(text.to_owned());
        let mut rest = text;
        let mut comparisons = Vec::new();
        skip_space(&mut rest);
        if rest.is_empty() && !text.is_empty() {
            return Err(improper());
        }
        if text.is_empty() {
            return Err(improper());
        }
        // The whole group is checked before any version in it is read, so that the error names the group.
        let mut found = Vec::new();
        loop {
            let (spelling, operator) = OPERATORS
                .iter()
                .copied()
                .find(|(spelling, _)| rest.starts_with(spelling))
                .unwrap_or(("", Operator::TildeOrEqual));
            rest = rest.get(spelling.len()..).unwrap_or_default();
            skip_space(&mut rest);
            let pattern = Pattern::take(&mut rest).ok_or_else(improper)?;
            found.push((spelling, operator, pattern));
            let before = rest.len();
            skip_space(&mut rest);
            if rest.is_empty() {
                break;
            }
            if let Some(after) = rest.strip_prefix(',') {
                rest = after;
                skip_space(&mut rest);
            } else if rest.len() == before {
                return Err(improper());
            }
        }
        for (spelling, operator, pattern) in found {
            comparisons.push(Comparison::new(spelling, operator, &pattern)?);
        }
        let has_prerelease = comparisons.iter().any(|c| !c.version.prerelease.is_empty());
        Ok(Self { comparisons, has_prerelease })
    }
}

fn skip_space(rest: &mut &str) {
    // Go's `\s` is ASCII only and has no vertical tab.
    take(rest, |b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c));
}

/// A version that may hold wildcards.
struct Pattern<'a> {
    whole: &'a str,
    major: &'a str,
    /// With its leading dot, as the next; empty when absent.
    minor: &'a str,
    patch: &'a str,
    /// With its leading dash.
    prerelease: &'a str,
}

impl<'a> Pattern<'a> {
    fn take(rest: &mut &'a str) -> Option<Self> {
        let whole = *rest;
        let mut after = rest.strip_prefix('v').unwrap_or(rest);
        // Go's expression lists `|` among the characters of a number.
        let fits = |b: u8| b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*' | b'|');
        let major = take(&mut after, fits);
        if major.is_empty() {
            return None;
        }
        let mut dotted = || -> &'a str {
            let start = after;
            let Some(mut next) = after.strip_prefix('.') else { return "" };
            if take(&mut next, fits).is_empty() {
                return "";
            }
            after = next;
            start.get(..start.len() - next.len()).unwrap_or_default()
        };
        let minor = dotted();
        let patch = if minor.is_empty() { "" } else { dotted() };
        let prerelease = identifiers(&mut after, '-').unwrap_or_default();
        identifiers(&mut after, '+');
        *rest = after;
        Some(Self { whole: whole.get(..whole.len() - after.len())?, major, minor, patch, prerelease })
    }
}

fn is_wild(number: &str) -> bool {
    matches!(number.strip_prefix('.').unwrap_or(number), "" | "x" | "X" | "*")
}

impl Comparison {
    fn new(spelling: &'static str, operator: Operator, pattern: &Pattern<'_>) -> Result<Self, Error> {
        let (mut dirty, mut minor_dirty, mut patch_dirty) = (true, false, false);
        let text = if is_wild(pattern.major) {
            format!("0.0.0{}", pattern.prerelease)
        } else if is_wild(pattern.minor) {
            minor_dirty = true;
            format!("{}.0.0{}", pattern.major, pattern.prerelease)
        } else if is_wild(pattern.patch) {
            patch_dirty = true;
            format!("{}{}.0{}", pattern.major, pattern.minor, pattern.prerelease)
        } else {
            dirty = false;
            pattern.whole.to_owned()
        };
        let version = Version::parse(&text).map_err(|_| Error::ConstraintParser)?;
        Ok(Self { operator, spelling, original: pattern.whole.to_owned(), version, dirty, minor_dirty, patch_dirty })
    }

    fn check(&self, v: &Version, prereleases: bool) -> Result<(), String> {
        if !v.prerelease.is_empty() && !prereleases {
            return Err(only_releases(v));
        }
        match self.operator {
            Operator::TildeOrEqual if self.dirty => self.tilde(v),
            Operator::TildeOrEqual => self.require(v.compare(&self.version).is_eq(), v, "is not equal to"),
            Operator::NotEqual => self.require(self.differs(v), v, "is equal to"),
            Operator::Greater => self.require(self.greater(v), v, "is less than or equal to"),
            Operator::Less => self.require(v.compare(&self.version).is_lt(), v, "is greater than or equal to"),
            Operator::GreaterEqual => self.require(v.compare(&self.version).is_ge(), v, "is less than"),
            Operator::LessEqual => self.require(self.less_equal(v), v, "is greater than"),
            Operator::Tilde => self.tilde(v),
            Operator::Caret => self.caret(v),
        }
    }

    fn require(&self, holds: bool, v: &Version, otherwise: &str) -> Result<(), String> {
        if holds { Ok(()) } else { Err(format!("{} {otherwise} {}", quote(&v.to_string()), quote(&self.original))) }
    }

    fn differs(&self, v: &Version) -> bool {
        let con = &self.version;
        if self.dirty {
            if con.major != v.major || (con.minor != v.minor && !self.minor_dirty) {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if con.patch != v.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                return compare_prerelease(&v.prerelease, &con.prerelease).is_ne();
            }
        }
        v.compare(con).is_ne()
    }

    fn greater(&self, v: &Version) -> bool {
        let con = &self.version;
        if !self.dirty || (v.major == con.major && !self.minor_dirty && !self.patch_dirty) {
            return v.compare(con).is_gt();
        }
        if v.major != con.major {
            return v.major > con.major;
        }
        // `>11` needs 12, and `>11.1` needs 11.2.
        !self.minor_dirty && v.minor > con.minor
    }

    fn less_equal(&self, v: &Version) -> bool {
        let con = &self.version;
        if !self.dirty {
            return v.compare(con).is_le();
        }
        v.major < con.major || (v.major == con.major && (v.minor <= con.minor || self.minor_dirty))
    }

    fn tilde(&self, v: &Version) -> Result<(), String> {
        let con = &self.version;
        self.require(v.compare(con).is_ge(), v, "is less than")?;
        // `~0.0.0` and `*` accept everything from there on.
        if (con.major, con.minor, con.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty {
            return Ok(());
        }
        self.require(v.major == con.major, v, "does not have same major version as")?;
        self.require(v.minor == con.minor || self.minor_dirty, v, "does not have same major and minor version as")
    }

    fn caret(&self, v: &Version) -> Result<(), String> {
        let con = &self.version;
        self.require(v.compare(con).is_ge(), v, "is less than")?;
        if con.major > 0 || self.minor_dirty || v.major > 0 {
            return self.require(v.major == con.major, v, "does not have same major version as");
        }
        let quoted = || (quote(&v.to_string()), quote(&self.original));
        if con.minor > 0 || self.patch_dirty {
            if v.minor == con.minor {
                return Ok(());
            }
            let (version, original) = quoted();
            return Err(format!(
                "{version} does not have same minor version as {original}. Expected minor versions to match when constraint major version is 0"
            ));
        }
        self.require(v.minor == 0, v, "does not have same minor version as")?;
        if con.patch == v.patch {
            return Ok(());
        }
        let (version, original) = quoted();
        Err(format!(
            "{version} does not equal {original}. Expect version and constraint to equal when major and minor versions are 0"
        ))
    }
}

fn only_releases(v: &Version) -> String {
    format!("{} is a prerelease version and the constraint is only looking for release versions", quote(&v.to_string()))
}

/// Rewrites `1.2 - 3.4` into `>= 1.2, <= 3.4 `.
fn rewrite_ranges(text: &str) -> String {
    let mut out = text.to_owned();
    let mut from = 0;
    while from < text.len() {
        let Some(rest) = text.get(from..) else {
            from += 1;
            continue;
        };
        match take_range(rest) {
            Some((len, low, high)) => {
                let matched = rest.get(..len).unwrap_or_default();
                out = out.replacen(matched, &format!(">= {low}, <= {high} "), 1);
                from += len;
            }
            None => from += 1,
        }
    }
    out
}

/// Reads a range at the very start of `text`: its length and its two ends.
fn take_range(text: &str) -> Option<(usize, &str, &str)> {
    let mut rest = text;
    skip_space(&mut rest);
    let low = Pattern::take(&mut rest)?.whole;
    let skipped = |rest: &mut &str| {
        let before = rest.len();
        skip_space(rest);
        before > rest.len()
    };
    if !skipped(&mut rest) {
        return None;
    }
    rest = rest.strip_prefix('-')?;
    if !skipped(&mut rest) {
        return None;
    }
    let high = Pattern::take(&mut rest)?.whole;
    skip_space(&mut rest);
    Some((text.len() - rest.len(), low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(constraint: &str, version: &str) -> bool {
        Constraints::parse(constraint).unwrap().check(&Version::parse(version).unwrap())
    }

    #[test]
    fn accepts_and_refuses() {
        for (constraint, version, want) in [
            ("*", "1.2.3", true),
            ("*", "1.2.3-rc1", false),
            (">=1.2-0", "1.3.0-rc1", true),
            ("1.x", "1.9.9", true),
            ("~1.2.3", "1.3.0", false),
            ("^0.2.3", "0.2.9", true),
            ("^0.0.3", "0.0.4", false),
            ("1.2 - 3.4", "3.4.5", true),
            (">11", "11.5.0", false),
            ("!=1.2.x", "1.2.5", false),
            (">=1.0 <2.0 || >=3.0", "3.1.0", true),
            (">=1.16.0-0", "v1.29.4-gke.100", true),
        ] {
            assert_eq!(check(constraint, version), want, "{constraint} {version}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (constraint, want) in [
            ("", "improper constraint: \"\""),
            ("foo", "improper constraint: \"foo\""),
            (">1 || ", "improper constraint: \" \""),
            ("1.2.3.4", "improper constraint: \"1.2.3.4\""),
            ("xx.1", "constraint parser error"),
        ] {
            assert_eq!(Constraints::parse(constraint).unwrap_err().to_string(), want, "{constraint}");
        }
        let reasons = Constraints::parse("^1.2 || ~3.1.0").unwrap().validate(&Version::parse("2.0.0").unwrap());
        let want = vec![
            "\"2.0.0\" does not have same major version as \"1.2\"".to_owned(),
            "\"2.0.0\" is less than \"3.1.0\"".to_owned(),
        ];
        assert_eq!(reasons, Err(want));
    }
}
