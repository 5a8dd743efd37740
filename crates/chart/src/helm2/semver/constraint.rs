//! Constraints.

use super::parts::{Parts, run};
use super::{MAX_LEN, Version};

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
