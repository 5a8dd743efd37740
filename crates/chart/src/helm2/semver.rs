//! Versions and constraints as `Masterminds/semver` 1.5 has them, which Helm 2 is built with.

use std::cmp::Ordering;
use std::fmt;

/// The longest text that is read; the library has no limit.
const MAX_LEN: usize = 4096;

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

/// The parts of a version or a pattern, as the library's expression finds them.
struct Parts<'t> {
    whole: &'t str,
    major: &'t str,
    /// With its leading dot, as the next; empty when absent.
    minor: &'t str,
    patch: &'t str,
    /// Without its leading dash.
    prerelease: &'t str,
    metadata: &'t str,
}

impl<'t> Parts<'t> {
    /// Takes as much as fits from the front.
    fn take(rest: &mut &'t str, fits: fn(u8) -> bool) -> Option<Self> {
        let whole = *rest;
        let mut after = rest.strip_prefix('v').unwrap_or(rest);
        let major = run(&mut after, fits);
        if major.is_empty() {
            return None;
        }
        let minor = dotted(&mut after, fits);
        let patch = if minor.is_empty() { "" } else { dotted(&mut after, fits) };
        let prerelease = identifiers(&mut after, '-');
        let metadata = identifiers(&mut after, '+');
        *rest = after;
        Some(Self { whole: whole.get(..whole.len() - after.len())?, major, minor, patch, prerelease, metadata })
    }
}

fn run<'t>(rest: &mut &'t str, fits: fn(u8) -> bool) -> &'t str {
    let len = rest.bytes().take_while(|b| fits(*b)).count();
    let (run, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
    *rest = after;
    run
}

fn dotted<'t>(rest: &mut &'t str, fits: fn(u8) -> bool) -> &'t str {
    let whole = *rest;
    let Some(mut after) = rest.strip_prefix('.') else { return "" };
    if run(&mut after, fits).is_empty() {
        return "";
    }
    *rest = after;
    whole.get(..whole.len() - after.len()).unwrap_or("")
}

/// Takes identifiers with dots between them that follow a mark.
fn identifiers<'t>(rest: &mut &'t str, mark: char) -> &'t str {
    let Some(start) = rest.strip_prefix(mark) else { return "" };
    let len = valid_identifiers(start);
    let (found, after) = start.split_at_checked(len).unwrap_or((start, ""));
    if !found.is_empty() {
        *rest = after;
    }
    found
}

/// The length of identifiers at the front of a text.
fn valid_identifiers(text: &str) -> usize {
    let mut len = 0;
    loop {
        let rest = text.get(len..).unwrap_or("");
        let word = rest.bytes().skip(usize::from(len > 0)).take_while(|b| b.is_ascii_alphanumeric() || *b == b'-');
        let count = word.count();
        match (count, len > 0) {
            (0, _) => return len,
            (_, true) if !rest.starts_with('.') => return len,
            (_, true) => len += count + 1,
            (_, false) => len = count,
        }
    }
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

/// A constraint such as `>=1.2, <2 || ^3.x`: one of the groups must hold.
#[derive(Clone, Debug)]
pub struct Constraints(Vec<Vec<Comparison>>);

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

#[derive(Clone, Debug)]
struct Comparison {
    operator: Operator,
    version: Version,
    /// Some number is a wildcard, or there is no minor one.
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

/// Whether a byte may stand in a number of a pattern; the library's expression lists `|` among them.
fn in_pattern(b: u8) -> bool {
    b.is_ascii_digit() || matches!(b, b'x' | b'X' | b'*' | b'|')
}

fn skip_space(rest: &mut &str) -> bool {
    // Go's `\s` is ASCII only and has no vertical tab.
    !run(rest, |b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)).is_empty()
}

impl Constraints {
    /// Reads a constraint.
    ///
    /// # Errors
    /// Where Go's `semver.NewConstraint` fails, with its text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LEN {
            return Err(format!("improper constraint: {text}"));
        }
        let text = rewrite_ranges(text);
        let group = |group: &str| group.split(',').map(Comparison::parse).collect::<Result<Vec<_>, _>>();
        text.split("||").map(group).collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether a version meets the constraint.
    #[must_use]
    pub fn check(&self, version: &Version) -> bool {
        self.0.iter().any(|group| group.iter().all(|comparison| comparison.check(version)))
    }
}

impl Comparison {
    fn parse(text: &str) -> Result<Self, String> {
        let improper = || format!("improper constraint: {text}");
        let mut rest = text;
        skip_space(&mut rest);
        let found = OPERATORS.iter().copied().find(|(spelling, _)| rest.starts_with(spelling));
        let (spelling, operator) = found.unwrap_or(("", Operator::TildeOrEqual));
        rest = rest.get(spelling.len()..).unwrap_or("");
        skip_space(&mut rest);
        let parts = Parts::take(&mut rest, in_pattern).ok_or_else(improper)?;
        skip_space(&mut rest);
        if !rest.is_empty() {
            return Err(improper());
        }
        let is_wild = |number: &str| matches!(number.strip_prefix('.').unwrap_or(number), "x" | "X" | "*");
        let pre = if parts.prerelease.is_empty() { String::new() } else { format!("-{}", parts.prerelease) };
        let (mut dirty, mut minor_dirty, mut patch_dirty) = (true, false, false);
        let version = if is_wild(parts.major) {
            "0.0.0".to_owned()
        } else if parts.minor.is_empty() || is_wild(parts.minor) {
            minor_dirty = true;
            format!("{}.0.0{pre}", parts.major)
        } else if is_wild(parts.patch) {
            patch_dirty = true;
            format!("{}{}.0{pre}", parts.major, parts.minor)
        } else {
            dirty = false;
            parts.whole.to_owned()
        };
        let version = Version::parse(&version).map_err(|_| "constraint Parser Error".to_owned())?;
        Ok(Self { operator, version, dirty, minor_dirty, patch_dirty })
    }

    fn check(&self, v: &Version) -> bool {
        let con = &self.version;
        let only_releases = con.prerelease.is_empty() && !v.prerelease.is_empty();
        if self.operator == Operator::NotEqual {
            return if self.dirty { !only_releases && self.differs(v) } else { v.compare(con).is_ne() };
        }
        if only_releases {
            return false;
        }
        match self.operator {
            Operator::TildeOrEqual if self.dirty => self.tilde(v),
            Operator::TildeOrEqual => v.compare(con).is_eq(),
            Operator::NotEqual => false,
            Operator::Greater => v.compare(con).is_gt(),
            Operator::GreaterEqual => v.compare(con).is_ge(),
            Operator::Less if !self.dirty => v.compare(con).is_lt(),
            Operator::LessEqual if !self.dirty => v.compare(con).is_le(),
            Operator::Less | Operator::LessEqual => v.major <= con.major && (v.minor <= con.minor || self.minor_dirty),
            Operator::Tilde => self.tilde(v),
            Operator::Caret => v.compare(con).is_ge() && v.major == con.major,
        }
    }

    fn differs(&self, v: &Version) -> bool {
        let con = &self.version;
        con.major != v.major || (con.minor != v.minor && !self.minor_dirty)
    }

    fn tilde(&self, v: &Version) -> bool {
        let con = &self.version;
        if v.compare(con).is_lt() {
            return false;
        }
        // `~0.0.0` and `*` accept everything from there on.
        if (con.major, con.minor, con.patch) == (0, 0, 0) && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        v.major == con.major && (v.minor == con.minor || self.minor_dirty)
    }
}

/// Rewrites `1.2 - 3.4` into `>= 1.2, <= 3.4`.
fn rewrite_ranges(text: &str) -> String {
    let mut out = text.to_owned();
    let mut from = 0;
    while from < text.len() {
        match text.get(from..).and_then(take_range) {
            Some((len, low, high)) => {
                let matched = text.get(from..from + len).unwrap_or("");
                out = out.replacen(matched, &format!(">= {low}, <= {high}"), 1);
                from += len;
            }
            None => from += 1,
        }
    }
    out
}

/// Reads a range at the very start of a text: its length and its two ends.
fn take_range(text: &str) -> Option<(usize, &str, &str)> {
    let mut rest = text;
    skip_space(&mut rest);
    let low = Parts::take(&mut rest, in_pattern)?.whole;
    if !skip_space(&mut rest) {
        return None;
    }
    rest = rest.strip_prefix('-')?;
    if !skip_space(&mut rest) {
        return None;
    }
    let high = Parts::take(&mut rest, in_pattern)?.whole;
    skip_space(&mut rest);
    Some((text.len() - rest.len(), low, high))
}

/// Tells whether a version meets a constraint; what cannot be read meets none (as Helm 2.17: `pkg/version/compatible.go`).
#[must_use]
pub fn is_compatible_range(constraint: &str, version: &str) -> bool {
    match (Version::parse(version), Constraints::parse(constraint)) {
        (Ok(version), Ok(constraint)) => constraint.check(&version),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_and_refuses() {
        for (constraint, version, want) in [
            ("^0.2.3", "0.3.0", true),
            ("^0.0.3", "0.0.4", true),
            ("=1.2", "1.2.9", false),
            ("1.2", "1.2.9", false),
            ("!=1.2", "1.2.9", true),
            ("1.2 - 1.4", "1.4.5", false),
            ("1.2.x", "1.2.9", true),
            ("1", "1.9.0", true),
            ("*", "9.9.9", true),
            ("*", "1.0.0-rc", false),
            (">=1.2.3-0 || 4", "4.1.2", true),
            (">11", "11.0.1", true),
            ("<1.x", "1.9.9", true),
        ] {
            assert_eq!(is_compatible_range(constraint, version), want, "{constraint} {version}");
        }
    }

    #[test]
    fn space_is_no_and() {
        assert_eq!(Constraints::parse(">=1 <2").unwrap_err(), "improper constraint: >=1 <2");
    }
}
