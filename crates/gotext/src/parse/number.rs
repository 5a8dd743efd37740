//! Number constants, as Go's parse.newNumber.

use super::lex::Token;
use super::node::{Number, Span};
use crate::strconv::{parse_float, parse_int, parse_uint, quote, unquote_char};

/// Reads a constant; the error is Go's.
pub(super) fn number(text: &[u8], span: Span, token: Token) -> Result<Number, String> {
    let mut n = Number { text: span, ..Number::default() };
    match token {
        Token::CharConstant => {
            let (&quote, rest) = text.split_first().ok_or("invalid syntax")?;
            let (rune, _, width) = unquote_char(rest, quote).ok_or("invalid syntax")?;
            if rest.get(width..) != Some(b"'") {
                return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
            }
            n.int = Some(i64::from(rune));
            n.uint = Some(u64::from(rune));
            n.float = Some(f64::from(rune));
            return Ok(n);
        }
        Token::Complex => {
            let (re, im) = complex(text)?;
            set_complex(&mut n, re, im);
            return Ok(n);
        }
        _ => {}
    }
    if let Some(imaginary) = text.strip_suffix(b"i")
        && let Ok(im) = parse_float(imaginary)
    {
        set_complex(&mut n, 0.0, im);
        return Ok(n);
    }
    n.uint = parse_uint(text, 0, 64).ok();
    n.int = parse_int(text, 0, 64).ok();
    if n.int == Some(0) {
        // Also for -0.
        n.uint = Some(0);
    }
    if let Some(int) = n.int {
        n.float = Some(int as f64);
    } else if let Some(uint) = n.uint {
        n.float = Some(uint as f64);
    } else if let Ok(float) = parse_float(text) {
        // What reads as a float but looks like an integer is too large for one.
        if !text.iter().any(|b| b".eEpP".contains(b)) {
            return Err(format!("integer overflow: {}", quote(text)));
        }
        n.float = Some(float);
        n.int = as_int(float);
        n.uint = as_uint(float);
    } else {
        return Err(format!("illegal number syntax: {}", quote(text)));
    }
    Ok(n)
}

fn as_int(float: f64) -> Option<i64> {
    let limit = 2f64.powi(63);
    (float.fract() == 0.0 && (-limit..limit).contains(&float)).then_some(float as i64)
}

fn as_uint(float: f64) -> Option<u64> {
    (float.fract() == 0.0 && (0.0..2f64.powi(64)).contains(&float)).then_some(float as u64)
}

/// A complex number without an imaginary part can be used as the others.
fn set_complex(n: &mut Number, re: f64, im: f64) {
    n.complex = Some((re, im));
    if im == 0.0 {
        n.float = Some(re);
        n.int = as_int(re);
        n.uint = as_uint(re);
    }
}

/// Reads `1+2i`: the lexer made sure of the sign in the middle and the `i`.
fn complex(text: &[u8]) -> Result<(f64, f64), String> {
    let body = text.strip_suffix(b"i").unwrap_or(text);
    let splits = (1..body.len()).filter(|at| matches!(body.get(*at), Some(b'+' | b'-')));
    for at in splits {
        let (re, im) = body.split_at(at);
        if let (Ok(re), Ok(im)) = (parse_float(re), parse_float(im)) {
            return Ok((re, im));
        }
    }
    Err("syntax error scanning complex number".to_owned())
}
