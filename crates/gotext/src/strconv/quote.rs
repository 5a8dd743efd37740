//! Go string literals: writing them (`strconv.Quote`) and reading them (`strconv.Unquote`).

use super::{RUNE_ERROR, append_rune, decode_rune, is_print};

const HEX: &[u8; 16] = b"0123456789abcdef";

fn push_hex(out: &mut Vec<u8>, value: u32, digits: u32) {
    for at in (0..digits).rev() {
        out.push(HEX[(value >> (at * 4) & 0xF) as usize]);
    }
}

fn append_escaped(out: &mut Vec<u8>, rune: u32, quote: u8, ascii_only: bool) {
    if rune == u32::from(quote) || rune == u32::from(b'\\') {
        out.extend_from_slice(&[b'\\', rune as u8]);
        return;
    }
    if is_print(rune) && (rune < 0x80 || !ascii_only) {
        append_rune(out, rune);
        return;
    }
    let short = match rune {
        7 => b'a',
        8 => b'b',
        12 => b'f',
        10 => b'n',
        13 => b'r',
        9 => b't',
        11 => b'v',
        _ => 0,
    };
    if short != 0 {
        out.extend_from_slice(&[b'\\', short]);
    } else if rune < 0x20 || rune == 0x7F {
        out.extend_from_slice(b"\\x");
        push_hex(out, rune, 2);
    } else if rune < 0x1_0000 {
        out.extend_from_slice(b"\\u");
        push_hex(out, rune, 4);
    } else {
        out.extend_from_slice(b"\\U");
        push_hex(out, rune, 8);
    }
}

/// Appends a literal in the given quotes, escaping everything outside ASCII when asked to.
pub(crate) fn append_quote_with(out: &mut Vec<u8>, text: &[u8], quote: u8, ascii_only: bool) {
    out.reserve(text.len() + 2);
    out.push(quote);
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let (rune, width) = decode_rune(rest);
        if rune == RUNE_ERROR && width == 1 {
            out.extend_from_slice(b"\\x");
            push_hex(out, u32::from(first), 2);
        } else {
            append_escaped(out, rune, quote, ascii_only);
        }
        rest = rest.get(width..).unwrap_or_default();
    }
    out.push(quote);
}

/// Appends a character literal, as `strconv.AppendQuoteRune` and `AppendQuoteRuneToASCII`.
pub(crate) fn append_quote_rune(out: &mut Vec<u8>, rune: u32, ascii_only: bool) {
    let rune = if char::from_u32(rune).is_some() { rune } else { RUNE_ERROR };
    out.push(b'\'');
    append_escaped(out, rune, b'\'', ascii_only);
    out.push(b'\'');
}

/// Appends the double-quoted Go literal of a text, as `strconv.AppendQuote`.
pub fn append_quote(out: &mut Vec<u8>, text: &[u8]) {
    append_quote_with(out, text, b'"', false);
}

/// Gives the double-quoted Go literal of a text, as `strconv.Quote`: always UTF-8.
pub fn quote(text: impl AsRef<[u8]>) -> String {
    let mut out = Vec::new();
    append_quote(&mut out, text.as_ref());
    String::from_utf8_lossy(&out).into_owned()
}

/// Gives the character literal of a code point, as `strconv.QuoteRune`.
pub fn quote_rune(rune: u32) -> String {
    let mut out = Vec::new();
    append_quote_rune(&mut out, rune, false);
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a text can stand between backquotes unchanged, as `strconv.CanBackquote`.
pub fn can_backquote(text: &[u8]) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let (rune, width) = decode_rune(rest);
        rest = rest.get(width..).unwrap_or_default();
        let bad = if width > 1 {
            rune == 0xFEFF
        } else {
            rune == RUNE_ERROR || (rune < 0x20 && rune != 9) || rune == u32::from(b'`') || rune == 0x7F
        };
        if bad {
            return false;
        }
    }
    true
}

/// Reads one character or escape of a literal: the code point or byte, whether it needs UTF-8, and how long it was.
/// `None` is Go's `ErrSyntax`; as `strconv.UnquoteChar`.
pub fn unquote_char(text: &[u8], quote: u8) -> Option<(u32, bool, usize)> {
    let &first = text.first()?;
    if first == quote && (quote == b'\'' || quote == b'"') {
        return None;
    }
    if first >= 0x80 {
        let (rune, width) = decode_rune(text);
        return Some((rune, true, width));
    }
    if first != b'\\' {
        return Some((u32::from(first), false, 1));
    }
    let &escape = text.get(1)?;
    let simple = |v: u32| Some((v, false, 2));
    match escape {
        b'a' => simple(7),
        b'b' => simple(8),
        b'f' => simple(12),
        b'n' => simple(10),
        b'r' => simple(13),
        b't' => simple(9),
        b'v' => simple(11),
        b'\\' => simple(u32::from(b'\\')),
        b'\'' | b'"' if escape == quote => simple(u32::from(escape)),
        b'x' | b'u' | b'U' => {
            let digits = match escape {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let hex = text.get(2..2 + digits)?;
            let mut value = 0u32;
            for &b in hex {
                value = value << 4 | char::from(b).to_digit(16)?;
            }
            if escape == b'x' {
                return Some((value, false, 4));
            }
            char::from_u32(value)?;
            Some((value, true, 2 + digits))
        }
        b'0'..=b'7' => {
            let octal = text.get(1..4)?;
            let mut value = 0u32;
            for &b in octal {
                value = value << 3 | char::from(b).to_digit(8)?;
            }
            (value <= 255).then_some((value, false, 4))
        }
        _ => None,
    }
}

/// Reads a whole Go literal (single-, double- or backquoted), as `strconv.Unquote`; `None` is `invalid syntax`.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.split_first()?;
    let inner = rest.get(..rest.len().checked_sub(1)?)?;
    if rest.last() != Some(&quote) {
        return None;
    }
    match quote {
        b'`' => {
            if inner.contains(&b'`') {
                return None;
            }
            Some(inner.iter().copied().filter(|&b| b != b'\r').collect())
        }
        b'"' | b'\'' => {
            let mut out = Vec::with_capacity(inner.len());
            let mut at = inner;
            let mut count = 0;
            while let Some(&first) = at.first() {
                let (rune, multibyte, width) = unquote_char(at, quote)?;
                if first == b'\n' {
                    return None;
                }
                if rune < 0x80 || !multibyte {
                    out.push(rune as u8);
                } else {
                    append_rune(&mut out, rune);
                }
                at = at.get(width..).unwrap_or_default();
                count += 1;
            }
            (quote == b'"' || count <= 1).then_some(out)
        }
        _ => None,
    }
}
