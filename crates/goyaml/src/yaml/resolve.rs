//! What a plain scalar means: go-yaml's `resolve.go`, YAML 1.1 with Go's numbers.

use std::borrow::Cow;

use super::timestamp::is_timestamp;

/// The prefix of YAML's own tags.
pub(crate) const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Which go-yaml.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// The one of `sigs.k8s.io/yaml`.
    V2,
    /// The one of Helm's `toYamlPretty`.
    V3,
}

/// A scalar that is understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// Looks like a timestamp; read as a string all the same.
    Timestamp,
    Str,
}

impl Scalar {
    /// The short tag, as it stands in errors.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Timestamp => "!!timestamp",
            Self::Str => "!!str",
        }
    }
}

/// Resolves a scalar without a tag.
pub(crate) fn resolve(text: &[u8], version: Version) -> Scalar {
    resolve_as(text, version, true)
}

/// Resolves a scalar; a timestamp is looked for only where none or its own tag stands.
fn resolve_as(text: &[u8], version: Version, timestamps: bool) -> Scalar {
    let Some(first) = text.first() else { return Scalar::Null };
    match first {
        b'+' | b'-' | b'0'..=b'9' => {
            if let Some(word) = infinity(text) {
                return word;
            }
            if timestamps && is_timestamp(text) {
                return Scalar::Timestamp;
            }
            number(text, version).unwrap_or(Scalar::Str)
        }
        b'.' => {
            if let Some(word) = infinity(text) {
                return word;
            }
            point_float(text).map_or(Scalar::Str, Scalar::Float)
        }
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => word(text, version),
        _ => Scalar::Str,
    }
}

fn word(text: &[u8], version: Version) -> Scalar {
    if text.len() > 5 {
        return Scalar::Str;
    }
    match text {
        b"true" | b"True" | b"TRUE" => Scalar::Bool(true),
        b"false" | b"False" | b"FALSE" => Scalar::Bool(false),
        b"~" | b"null" | b"Null" | b"NULL" => Scalar::Null,
        _ if version == Version::V2 => old_bool(text).map_or(Scalar::Str, Scalar::Bool),
        _ => Scalar::Str,
    }
}

/// The booleans of YAML 1.1.
fn old_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"y" | b"Y" | b"yes" | b"Yes" | b"YES" | b"on" | b"On" | b"ON" => Some(true),
        b"n" | b"N" | b"no" | b"No" | b"NO" | b"off" | b"Off" | b"OFF" => Some(false),
        _ => None,
    }
}

fn infinity(text: &[u8]) -> Option<Scalar> {
    Some(Scalar::Float(match text {
        b".nan" | b".NaN" | b".NAN" => f64::NAN,
        b".inf" | b".Inf" | b".INF" | b"+.inf" | b"+.Inf" | b"+.INF" => f64::INFINITY,
        b"-.inf" | b"-.Inf" | b"-.INF" => f64::NEG_INFINITY,
        _ => return None,
    }))
}

fn number(text: &[u8], version: Version) -> Option<Scalar> {
    // Most strings that begin like a number are none: an address, a version, a size.
    if !text.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.' | b'_')) {
        return None;
    }
    let plain: Cow<'_, [u8]> = if text.contains(&b'_') {
        Cow::Owned(text.iter().copied().filter(|&c| c != b'_').collect())
    } else {
        Cow::Borrowed(text)
    };
    let plain = std::str::from_utf8(&plain).ok()?;
    if let Some(i) = parse_int(plain, 0) {
        return Some(Scalar::Int(i));
    }
    if let Some(u) = parse_uint(plain, 0) {
        return Some(Scalar::Uint(u));
    }
    if is_yaml_float(plain.as_bytes())
        && let Some(f) = finite(plain)
    {
        return Some(Scalar::Float(f));
    }
    // Go's own prefixes are done with above; what these add is a sign behind the prefix, as in `0b-1`.
    radix(plain, "0b", "-0b", 2).or_else(|| (version == Version::V3).then(|| radix(plain, "0o", "-0o", 8)).flatten())
}

fn radix(plain: &str, prefix: &str, negative: &str, base: u32) -> Option<Scalar> {
    if let Some(digits) = plain.strip_prefix(prefix) {
        return parse_int(digits, base).map(Scalar::Int).or_else(|| parse_uint(digits, base).map(Scalar::Uint));
    }
    let digits = plain.strip_prefix(negative)?;
    parse_int(&format!("-{digits}"), base).map(Scalar::Int)
}

/// Go's `strconv.ParseInt` of text without underscores; base 0 reads the prefix.
fn parse_int(text: &str, base: u32) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits, base)?;
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Go's `strconv.ParseUint` of text without underscores; base 0 reads the prefix.
fn parse_uint(text: &str, base: u32) -> Option<u64> {
    let bytes = text.as_bytes();
    let (base, digits) = match (base, bytes) {
        (0, [b'0', b'x' | b'X', rest @ ..]) if !rest.is_empty() => (16, rest),
        (0, [b'0', b'o' | b'O', rest @ ..]) if !rest.is_empty() => (8, rest),
        (0, [b'0', b'b' | b'B', rest @ ..]) if !rest.is_empty() => (2, rest),
        (0, [b'0', rest @ ..]) => (8, rest),
        (0, rest) => (10, rest),
        (base, rest) => (base, rest),
    };
    if bytes.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &c| {
        let digit = char::from(c).to_digit(base)?;
        n.checked_mul(u64::from(base))?.checked_add(u64::from(digit))
    })
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`.
fn is_yaml_float(text: &[u8]) -> bool {
    fn digits(text: &[u8]) -> (usize, &[u8]) {
        let n = text.iter().take_while(|c| c.is_ascii_digit()).count();
        (n, text.get(n..).unwrap_or_default())
    }
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix(b".").map_or((None, rest), |r| {
        let (n, rest) = digits(r);
        (Some(n), rest)
    });
    if whole == 0 && fraction.unwrap_or(0) == 0 {
        return false;
    }
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else { return rest.is_empty() };
    let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
    let (n, rest) = digits(exponent);
    n > 0 && rest.is_empty()
}

/// Go's `strconv.ParseFloat` of text that begins with a point; underscores may stand between digits there.
fn point_float(text: &[u8]) -> Option<f64> {
    let mut plain = Vec::with_capacity(text.len());
    for (i, &c) in text.iter().enumerate() {
        if c != b'_' {
            plain.push(c);
            continue;
        }
        let digit_at = |i: usize| text.get(i).is_some_and(u8::is_ascii_digit);
        if i == 0 || !digit_at(i - 1) || !digit_at(i + 1) {
            return None;
        }
    }
    if !is_yaml_float(&plain) {
        return None;
    }
    finite(std::str::from_utf8(&plain).ok()?)
}

/// Parses a decimal number; one that is too large is an error in Go.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// Resolves a scalar that has a tag. The error is go-yaml's problem text.
pub(crate) fn resolve_tagged(tag: &str, text: &[u8]) -> Result<Scalar, String> {
    let short = tag.strip_prefix(TAG_PREFIX);
    let Some(short @ ("str" | "bool" | "int" | "float" | "null" | "timestamp")) = short else {
        return Ok(Scalar::Str);
    };
    if short == "str" {
        return Ok(Scalar::Str);
    }
    let scalar = resolve_as(text, Version::V2, short == "timestamp");
    if scalar.tag().strip_prefix("!!") == Some(short) {
        return Ok(scalar);
    }
    if let ("float", Scalar::Int(i)) = (short, scalar) {
        return Ok(Scalar::Float(i as f64));
    }
    Err(format!("cannot decode {} `{}` as a !!{short}", scalar.tag(), String::from_utf8_lossy(text)))
}

/// Tells whether go-yaml writes the string without quotes, as far as its meaning goes.
pub(crate) fn is_plain_string(text: &[u8], version: Version) -> bool {
    if resolve(text, version) != Scalar::Str || is_base60(text) {
        return false;
    }
    version == Version::V2 || text.len() > 3 || old_bool(text).is_none()
}

/// `[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`, a number to other readers of YAML 1.1.
fn is_base60(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|c| c.is_ascii_digit() || **c == b'_').count();
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let mut rest = text.get(digits(text)..).unwrap_or_default();
    let mut groups = 0;
    while let Some(group) = rest.strip_prefix(b":") {
        rest = match group {
            [b'0'..=b'5', b'0'..=b'9', after @ ..] => after,
            [b'0'..=b'9', after @ ..] => after,
            _ => return false,
        };
        groups += 1;
    }
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = fraction.get(digits(fraction)..).unwrap_or_default();
    }
    groups > 0 && rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, want) in [
            ("0777", Scalar::Int(511)),
            ("0o17", Scalar::Int(15)),
            ("0b11", Scalar::Int(3)),
            ("0b-11", Scalar::Int(-3)),
            ("-0x1F", Scalar::Int(-31)),
            ("+12", Scalar::Int(12)),
            ("1_000", Scalar::Int(1000)),
            ("08", Scalar::Float(8.0)),
            ("0", Scalar::Int(0)),
            ("-0", Scalar::Int(0)),
            ("18446744073709551615", Scalar::Uint(u64::MAX)),
            ("-9223372036854775808", Scalar::Int(i64::MIN)),
            ("1e3", Scalar::Float(1000.0)),
            (".5", Scalar::Float(0.5)),
            (".2_5", Scalar::Float(0.25)),
            (".5_", Scalar::Str),
            ("5.", Scalar::Float(5.0)),
            ("1e400", Scalar::Str),
            ("1.2.3", Scalar::Str),
            ("0x", Scalar::Str),
            ("12:30", Scalar::Str),
            ("-", Scalar::Str),
            ("", Scalar::Null),
            ("2001-01-01", Scalar::Timestamp),
            ("+.Inf", Scalar::Float(f64::INFINITY)),
        ] {
            assert_eq!(resolve(text.as_bytes(), Version::V2), want, "{text}");
        }
        assert_eq!(resolve(b"0o-7", Version::V2), Scalar::Str);
        assert_eq!(resolve(b"0o-7", Version::V3), Scalar::Int(-7));
    }

    #[test]
    fn base60() {
        for yes in ["12:30", "1:2:3", "-1:59.5", "1_0:0", "190:20:30.15_"] {
            assert!(is_base60(yes.as_bytes()), "{yes}");
        }
        for no in ["12:60", "12:", ":30", "12:30x", "a:1", "1:234", "12"] {
            assert!(!is_base60(no.as_bytes()), "{no}");
        }
    }

    #[test]
    fn tags() {
        let tag = |t: &str| format!("{TAG_PREFIX}{t}");
        assert_eq!(resolve_tagged(&tag("float"), b"3"), Ok(Scalar::Float(3.0)));
        assert_eq!(resolve_tagged(&tag("str"), b"3"), Ok(Scalar::Str));
        assert_eq!(resolve_tagged("!x", b"3"), Ok(Scalar::Str));
        assert_eq!(resolve_tagged(&tag("int"), b"x").unwrap_err(), "cannot decode !!str `x` as a !!int");
        assert_eq!(resolve_tagged(&tag("null"), b"").unwrap(), Scalar::Null);
    }
}
