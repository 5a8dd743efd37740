//! Numbers and dates of TOML: how far they reach and what is wrong with them (as BurntSushi/toml 1.6: `lex.go`, `parse.go`).

use gotext::strconv::{NumError, decode_rune, parse_float, parse_int, quote, quote_rune};

/// What a text that starts like a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Float,
    Date,
}

/// Measures the number or the date that a text starts with; an error comes with how much of the text was read.
pub(super) fn scan(text: &[u8]) -> Result<(Kind, usize), (String, usize)> {
    match text {
        [b'+' | b'-', ..] => after_sign(text),
        [b'0', ..] => Ok(after_zero(text)?),
        _ => Ok(number_or_date(text, 1)),
    }
}

fn run(text: &[u8], from: usize, inside: impl Fn(u8) -> bool) -> usize {
    from + text.iter().skip(from).take_while(|b| inside(**b)).count()
}

fn number_or_date(text: &[u8], from: usize) -> (Kind, usize) {
    let at = run(text, from, |b| b.is_ascii_digit());
    match text.get(at) {
        Some(b'-' | b':') => {
            let part = |b: u8| b.is_ascii_digit() || b"-:Tt .Zz+".contains(&b);
            (Kind::Date, run(text, at, part))
        }
        Some(b'_') => decimal(text, at),
        Some(b'.' | b'e' | b'E') => float(text, at),
        _ => (Kind::Integer, at),
    }
}

fn decimal(text: &[u8], from: usize) -> (Kind, usize) {
    let at = run(text, from, |b| b.is_ascii_digit() || b == b'_');
    match text.get(at) {
        Some(b'.' | b'e' | b'E') => float(text, at),
        _ => (Kind::Integer, at),
    }
}

fn float(text: &[u8], from: usize) -> (Kind, usize) {
    (Kind::Float, run(text, from, |b| b.is_ascii_digit() || b"_.-+eE".contains(&b)))
}

fn after_sign(text: &[u8]) -> Result<(Kind, usize), (String, usize)> {
    let found = text.get(1).copied();
    let shown = |to: usize| String::from_utf8_lossy(text.get(..to).unwrap_or(text)).into_owned();
    match found {
        Some(first @ (b'i' | b'n')) => {
            let wanted: &[u8] = if first == b'i' { b"nf" } else { b"an" };
            let same = text.iter().skip(2).zip(wanted).take_while(|(a, b)| a == b).count();
            if same == wanted.len() {
                return Ok((Kind::Float, 4));
            }
            Err((format!("invalid float: '{}'", shown(2 + same)), 2 + same))
        }
        Some(b'0') if matches!(text.get(2), Some(b'b' | b'o' | b'x')) => {
            Err((format!("cannot use sign with non-decimal numbers: '{}'", shown(3)), 2))
        }
        Some(b'.') => Err(("floats must start with a digit, not '.'".to_owned(), 2)),
        Some(b'0'..=b'9') => Ok(decimal(text, 2)),
        _ => {
            let (rune, width) = rune_at(text, 1);
            Err((format!("expected a digit but got {}", quote_rune(rune)), 1 + width))
        }
    }
}

fn after_zero(text: &[u8]) -> Result<(Kind, usize), (String, usize)> {
    let base: (&str, fn(u8) -> bool) = match text.get(1) {
        Some(b'0'..=b'9') => return Ok(number_or_date(text, 2)),
        Some(b'_') => return Ok(decimal(text, 1)),
        Some(b'.' | b'e' | b'E') => return Ok(float(text, 1)),
        Some(b'b') => ("a binary", |b| matches!(b, b'0' | b'1')),
        Some(b'o') => ("an octal", |b| matches!(b, b'0'..=b'7')),
        Some(b'x') => ("a hexadecimal", |b| b.is_ascii_hexdigit()),
        _ => return Ok((Kind::Integer, 1)),
    };
    let (name, digit) = base;
    if text.get(2).copied().is_some_and(digit) {
        return Ok((Kind::Integer, run(text, 2, |b| digit(b) || b == b'_')));
    }
    let (rune, _) = rune_at(text, 2);
    let prefix = String::from_utf8_lossy(text.get(..2).unwrap_or(text)).into_owned();
    let rune = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    Err((format!("not {name} number: '{prefix}{rune}'"), 2))
}

/// The code point at a place and its width; zero after the end, as the Go library has it.
fn rune_at(text: &[u8], at: usize) -> (u32, usize) {
    match text.get(at..) {
        Some(rest) if !rest.is_empty() => {
            let (rune, width) = decode_rune(rest);
            (rune, width)
        }
        _ => (0, 0),
    }
}

/// Reads an integer.
pub(super) fn integer(token: &[u8]) -> Result<i64, String> {
    let shown = quote(token);
    if !underscores_ok(token) {
        return Err(format!("Invalid integer {shown}: underscores must be surrounded by digits"));
    }
    if has_leading_zero(token) {
        return Err(format!("Invalid integer {shown}: cannot have leading zeroes"));
    }
    parse_int(&without_underscores(token), 0, 64).map_err(|error| match error {
        NumError::Range => format!("{} is out of range for int64", String::from_utf8_lossy(token)),
        _ => format!("Invalid integer {shown}"),
    })
}

/// Reads a float.
pub(super) fn floating(token: &[u8]) -> Result<f64, String> {
    let shown = quote(token);
    let mut parts = token.split(|b| matches!(b, b'.' | b'e' | b'E')).filter(|part| !part.is_empty());
    if !parts.clone().all(underscores_ok) {
        return Err(format!("Invalid float {shown}: underscores must be surrounded by digits"));
    }
    if parts.next().is_some_and(has_leading_zero) {
        return Err(format!("Invalid float {shown}: cannot have leading zeroes"));
    }
    let bare_period = |pair: &[u8]| matches!(pair, [b'.', after] if !after.is_ascii_digit());
    if token.ends_with(b".") || token.windows(2).any(bare_period) {
        return Err(format!("Invalid float {shown}: '.' must be followed by one or more digits"));
    }
    let plain = without_underscores(token);
    match plain.as_slice() {
        b"+nan" | b"nan" => Ok(f64::NAN),
        b"-nan" => Ok(-f64::NAN),
        _ => parse_float(&plain).map_err(|error| match error {
            NumError::Range => format!("{} is out of range for float64", String::from_utf8_lossy(token)),
            _ => format!("Invalid float value: {shown}"),
        }),
    }
}

fn without_underscores(token: &[u8]) -> Vec<u8> {
    token.iter().copied().filter(|b| *b != b'_').collect()
}

fn has_leading_zero(token: &[u8]) -> bool {
    match token {
        [b'0', b'b' | b'o' | b'x', ..] => false,
        [b'0', _, ..] | [b'+' | b'-', b'0', _, ..] => true,
        _ => false,
    }
}

fn underscores_ok(token: &[u8]) -> bool {
    if matches!(token, b"nan" | b"+nan" | b"-nan" | b"inf" | b"+inf" | b"-inf") {
        return true;
    }
    let mut digit_before = false;
    for b in token {
        if *b == b'_' && !digit_before {
            return false;
        }
        digit_before = b.is_ascii_hexdigit();
    }
    digit_before
}
