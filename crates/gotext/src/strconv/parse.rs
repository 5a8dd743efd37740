//! Reading numbers as Go's `strconv.ParseInt`, `ParseUint`, `ParseFloat` and `ParseBool` do.

/// Why a text is not a number of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumError {
    /// Go's `ErrSyntax`.
    Syntax,
    /// Go's `ErrRange`.
    Range,
}

impl std::fmt::Display for NumError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NumError::Syntax => "invalid syntax",
            NumError::Range => "value out of range",
        })
    }
}

/// Whether underscores stand only between digits or after a base prefix.
fn underscores_ok(text: &[u8]) -> bool {
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let (digits, hex, mut digit_before) = match text {
        [b'0', p, rest @ ..] if matches!(p.to_ascii_lowercase(), b'b' | b'o' | b'x') => {
            (rest, p.eq_ignore_ascii_case(&b'x'), true)
        }
        _ => (text, false, false),
    };
    let mut underscore = false;
    for &b in digits {
        if b.is_ascii_digit() || (hex && b.is_ascii_hexdigit()) {
            (digit_before, underscore) = (true, false);
        } else if b == b'_' {
            if !digit_before {
                return false;
            }
            (digit_before, underscore) = (false, true);
        } else {
            if underscore {
                return false;
            }
            digit_before = false;
        }
    }
    !underscore
}

/// Reads an unsigned integer; base 0 takes Go's prefixes and underscores. On `Range` Go's value is the largest of the size.
pub fn parse_uint(text: &[u8], base: u32, bits: u32) -> Result<u64, NumError> {
    if text.is_empty() {
        return Err(NumError::Syntax);
    }
    let base0 = base == 0;
    let (digits, base) = match text {
        _ if !base0 => (text, base),
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (rest, 2),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (rest, 8),
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (rest, 16),
        [b'0', rest @ ..] => (rest, 8),
        _ => (text, 10),
    };
    let max = if bits == 0 || bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    let (mut value, mut underscores) = (0u64, false);
    for &b in digits {
        if b == b'_' && base0 {
            underscores = true;
            continue;
        }
        let digit = char::from(b).to_digit(36).filter(|d| *d < base).ok_or(NumError::Syntax)?;
        value = value
            .checked_mul(u64::from(base))
            .and_then(|v| v.checked_add(u64::from(digit)))
            .filter(|v| *v <= max)
            .ok_or(NumError::Range)?;
    }
    if underscores && !underscores_ok(text) {
        return Err(NumError::Syntax);
    }
    Ok(value)
}

/// Reads a signed integer; base 0 takes Go's prefixes and underscores.
pub fn parse_int(text: &[u8], base: u32, bits: u32) -> Result<i64, NumError> {
    let (negative, digits) = match text {
        [b'+', rest @ ..] => (false, rest),
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let value = parse_uint(digits, base, bits)?;
    let cutoff = 1u64 << (if bits == 0 { 64 } else { bits.min(64) } - 1);
    if negative {
        if value > cutoff {
            return Err(NumError::Range);
        }
        Ok((value as i64).wrapping_neg())
    } else if value >= cutoff {
        Err(NumError::Range)
    } else {
        Ok(value as i64)
    }
}

/// Reads a bool as `strconv.ParseBool`.
pub fn parse_bool(text: &[u8]) -> Option<bool> {
    match text {
        b"1" | b"t" | b"T" | b"true" | b"TRUE" | b"True" => Some(true),
        b"0" | b"f" | b"F" | b"false" | b"FALSE" | b"False" => Some(false),
        _ => None,
    }
}

/// Reads a float as `strconv.ParseFloat(text, 64)`: decimal, hexadecimal, `inf`, `infinity`, `nan`, and
/// underscores between digits.
pub fn parse_float(text: &[u8]) -> Result<f64, NumError> {
    let (sign, body) = match text {
        [b'+', rest @ ..] => (1.0, rest),
        [b'-', rest @ ..] => (-1.0, rest),
        _ => (1.0, text),
    };
    if body.eq_ignore_ascii_case(b"inf") || body.eq_ignore_ascii_case(b"infinity") {
        return Ok(sign * f64::INFINITY);
    }
    if text.eq_ignore_ascii_case(b"nan") {
        return Ok(f64::NAN);
    }
    let hex = matches!(body, [b'0', b'x' | b'X', ..]);
    let clean: Vec<u8> = body.iter().copied().filter(|&b| b != b'_').collect();
    if clean.len() != body.len() && !underscores_ok(text) {
        return Err(NumError::Syntax);
    }
    let value = if hex { parse_hex(clean.get(2..).unwrap_or_default())? } else { parse_decimal(&clean)? };
    if value.is_infinite() {
        return Err(NumError::Range);
    }
    Ok(sign * value)
}

fn parse_decimal(text: &[u8]) -> Result<f64, NumError> {
    // Rust also takes "inf" and "nan", which were dealt with above.
    let plain = text.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain || !text.first().is_some_and(|b| b.is_ascii_digit() || *b == b'.') {
        return Err(NumError::Syntax);
    }
    let text = std::str::from_utf8(text).map_err(|_| NumError::Syntax)?;
    text.parse().map_err(|_| NumError::Syntax)
}

/// Reads the part after `0x`: hex digits with an optional point, and a binary exponent that Go requires.
fn parse_hex(text: &[u8]) -> Result<f64, NumError> {
    let (mut mantissa, mut exponent, mut sticky) = (0u64, 0i64, false);
    let (mut digits, mut point) = (false, false);
    let mut at = text;
    while let [b, rest @ ..] = at {
        if *b == b'.' && !point {
            point = true;
        } else if let Some(d) = char::from(*b).to_digit(16) {
            digits = true;
            if mantissa >> 60 == 0 {
                mantissa = mantissa << 4 | u64::from(d);
                exponent -= if point { 4 } else { 0 };
            } else {
                sticky |= d != 0;
                exponent += if point { 0 } else { 4 };
            }
        } else {
            break;
        }
        at = rest;
    }
    let [b'p' | b'P', power @ ..] = at else { return Err(NumError::Syntax) };
    if !digits {
        return Err(NumError::Syntax);
    }
    let unsigned = match power {
        [b'+' | b'-', rest @ ..] => rest,
        _ => power,
    };
    if unsigned.is_empty() || !unsigned.iter().all(u8::is_ascii_digit) {
        return Err(NumError::Syntax);
    }
    let power = unsigned.iter().fold(0i64, |n, b| (n * 10 + i64::from(b - b'0')).min(100_000))
        * if power.first() == Some(&b'-') { -1 } else { 1 };
    Ok(scale(mantissa, sticky, exponent + power))
}

/// Gives `mantissa * 2^exponent` rounded half to even; `sticky` tells of non-zero bits below the mantissa.
fn scale(mantissa: u64, sticky: bool, exponent: i64) -> f64 {
    if mantissa == 0 {
        return 0.0;
    }
    let shift = i64::from(mantissa.leading_zeros());
    let (mantissa, exponent) = (mantissa << shift, exponent - shift);
    // The value is mantissa * 2^exponent with the top bit at 63; a normal float keeps 53 bits.
    let top = exponent + 63;
    if top > 1023 {
        return f64::INFINITY;
    }
    let keep = if top >= -1022 { 53 } else { 53 + (top + 1022) };
    if keep < 0 {
        return 0.0;
    }
    let drop = 64 - keep;
    let (kept, rest, half) = if drop == 64 {
        (0u64, mantissa, 1u64 << 63)
    } else {
        (mantissa >> drop, mantissa & ((1u64 << drop) - 1), 1u64 << (drop - 1))
    };
    let up = rest > half || (rest == half && (sticky || kept & 1 == 1));
    let kept = kept + u64::from(up);
    // `kept` has at most 54 bits, so the steps below are exact (or overflow to infinity as they should).
    let low = exponent + drop;
    let step = |e: i64| f64::from_bits(((e + 1023) as u64) << 52);
    let value = kept as f64;
    if low < -1022 { value * step(-1022) * step((low + 1022).max(-1022)) } else { value * step(low.min(1023)) }
}
