//! Classes of characters in UTF-8 text, as libyaml's macros (`yamlprivateh.go`); past the end every byte is NUL.

/// Returns the byte at `i`, NUL past the end.
pub(crate) fn at(b: &[u8], i: usize) -> u8 {
    b.get(i).copied().unwrap_or(0)
}

/// The length of the character that begins with `c`.
pub(crate) fn width(c: u8) -> usize {
    match c {
        0x00..=0x7F => 1,
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 0,
    }
}

/// A letter, a digit, `_` or `-`.
pub(crate) fn is_alpha(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b'-'
}

/// A space or a tab.
pub(crate) fn is_blank(c: u8) -> bool {
    c == b' ' || c == b'\t'
}

/// A line break: CR, LF, NEL, LS or PS.
pub(crate) fn is_break(b: &[u8], i: usize) -> bool {
    match at(b, i) {
        b'\r' | b'\n' => true,
        0xC2 => at(b, i + 1) == 0x85,
        0xE2 => at(b, i + 1) == 0x80 && matches!(at(b, i + 2), 0xA8 | 0xA9),
        _ => false,
    }
}

/// A line break or the end.
pub(crate) fn is_breakz(b: &[u8], i: usize) -> bool {
    at(b, i) == 0 || is_break(b, i)
}

/// A space, a tab, a line break or the end.
pub(crate) fn is_blankz(b: &[u8], i: usize) -> bool {
    match at(b, i) {
        0 | b' ' | b'\t' => true,
        _ => is_break(b, i),
    }
}

/// A character that the emitter writes as it is.
pub(crate) fn is_printable(b: &[u8], i: usize) -> bool {
    match at(b, i) {
        0x0A | 0x20..=0x7E => true,
        0xC2 => at(b, i + 1) >= 0xA0,
        0xC3..=0xEC | 0xEE => true,
        0xED => at(b, i + 1) < 0xA0,
        // Neither the byte order mark nor U+FFFE and U+FFFF.
        0xEF => {
            let (second, third) = (at(b, i + 1), at(b, i + 2));
            (second, third) != (0xBB, 0xBF) && !(second == 0xBF && third >= 0xBE)
        }
        _ => false,
    }
}
