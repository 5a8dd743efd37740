//! Go's `strconv` and the parts of `unicode/utf8` that templates depend on: quoting, numbers, code point classes.

mod float;
mod parse;
mod quote;
mod tables;

pub use float::{append_float, format_float};
pub use parse::{NumError, parse_bool, parse_float, parse_int, parse_uint};
pub use quote::{append_quote, can_backquote, quote, quote_rune, unquote, unquote_char};

pub(crate) use quote::{append_quote_rune, append_quote_with};

/// What Go decodes from bytes that are not UTF-8.
pub const RUNE_ERROR: u32 = 0xFFFD;

/// Decodes the first code point as Go's `utf8.DecodeRune`: invalid bytes give `(0xFFFD, 1)`, no bytes `(0xFFFD, 0)`.
pub fn decode_rune(bytes: &[u8]) -> (u32, usize) {
    let Some(&first) = bytes.first() else { return (RUNE_ERROR, 0) };
    if first < 0x80 {
        return (u32::from(first), 1);
    }
    let width = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (RUNE_ERROR, 1),
    };
    match bytes.get(..width).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next()) {
        Some(c) => (u32::from(c), width),
        None => (RUNE_ERROR, 1),
    }
}

/// Decodes the last code point as Go's `utf8.DecodeLastRune`.
pub fn decode_last_rune(bytes: &[u8]) -> (u32, usize) {
    let Some(&last) = bytes.last() else { return (RUNE_ERROR, 0) };
    if last < 0x80 {
        return (u32::from(last), 1);
    }
    for width in 2..=4.min(bytes.len()) {
        let tail = bytes.get(bytes.len() - width..).unwrap_or_default();
        if tail.first().is_some_and(|b| b & 0xC0 != 0x80) {
            let (r, w) = decode_rune(tail);
            return if w == width { (r, w) } else { (RUNE_ERROR, 1) };
        }
    }
    (RUNE_ERROR, 1)
}

/// Appends a code point as UTF-8; what is no code point becomes U+FFFD, as Go's `utf8.AppendRune`.
pub fn append_rune(out: &mut Vec<u8>, rune: u32) {
    let c = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Counts code points as Go's `utf8.RuneCount`: each invalid byte counts as one.
pub fn rune_count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        return bytes.len();
    }
    let (mut rest, mut count) = (bytes, 0);
    while !rest.is_empty() {
        let (_, width) = decode_rune(rest);
        rest = rest.get(width..).unwrap_or_default();
        count += 1;
    }
    count
}

fn in_table(table: &[(u32, u32)], rune: u32) -> bool {
    let at = table.partition_point(|&(_, end)| end < rune);
    table.get(at).is_some_and(|&(start, _)| start <= rune)
}

/// Whether Go prints the code point as it is: `strconv.IsPrint`.
pub fn is_print(rune: u32) -> bool {
    match rune {
        0x20..=0x7E => true,
        0xA1..=0xFF => rune != 0xAD,
        0..=0xFF => false,
        _ => in_table(tables::PRINT, rune),
    }
}

/// Whether the code point is a letter: `unicode.IsLetter`.
pub fn is_letter(rune: u32) -> bool {
    match rune {
        0..=0x7F => (rune as u8).is_ascii_alphabetic(),
        _ => in_table(tables::LETTER, rune),
    }
}

/// Whether the code point is a decimal digit: `unicode.IsDigit`.
pub fn is_digit(rune: u32) -> bool {
    match rune {
        0..=0x7F => (rune as u8).is_ascii_digit(),
        _ => in_table(tables::DIGIT, rune),
    }
}

#[cfg(test)]
mod tests;
