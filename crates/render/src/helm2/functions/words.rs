//! Case as `huandu/xstrings` 1.2 changes it (`convert.go`).

use gotext::strconv::{RUNE_ERROR, append_rune, decode_rune};

use crate::golang::unicode::{is_number, is_upper, to_lower, to_upper};

const UNDERSCORE: u32 = b'_' as u32;

/// Takes the first rune off.
fn next(text: &mut &[u8]) -> u32 {
    let (rune, size) = decode_rune(text);
    *text = text.get(size..).unwrap_or(&[]);
    rune
}

/// `xstrings.ToCamelCase`: only underscores part words, and all but first letters become small.
pub(super) fn camel_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut rune = 0;
    while !rest.is_empty() {
        rune = next(&mut rest);
        if rune != UNDERSCORE {
            break;
        }
        append_rune(&mut out, rune);
    }
    if rest.is_empty() {
        // As in Go, a first letter that is the last one is lost.
        return out;
    }
    rune = to_upper(rune);
    while !rest.is_empty() {
        let before = rune;
        rune = next(&mut rest);
        if before == UNDERSCORE && rune == UNDERSCORE {
            append_rune(&mut out, before);
            continue;
        }
        rune = if before == UNDERSCORE { to_upper(rune) } else { to_lower(rune) };
        if before != UNDERSCORE {
            append_rune(&mut out, before);
        }
    }
    append_rune(&mut out, rune);
    out
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`.
pub(super) fn lower_words(text: &[u8], connector: u8) -> Vec<u8> {
    let connector = u32::from(connector);
    let mut out = Vec::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut rune = connector;
    while !rest.is_empty() {
        let before = rune;
        rune = next(&mut rest);
        if rune == RUNE_ERROR {
            append_rune(&mut out, rune);
        } else if is_upper(rune) {
            if before != connector && !is_number(before) {
                append_rune(&mut out, connector);
            }
            append_rune(&mut out, to_lower(rune));
            if !rest.is_empty() {
                rune = upper_run(&mut rest, connector, &mut out);
            }
        } else if is_number(rune) {
            if before != connector && !is_number(before) {
                append_rune(&mut out, connector);
            }
            append_rune(&mut out, rune);
        } else {
            if is_mark(rune) {
                rune = connector;
            }
            append_rune(&mut out, rune);
        }
    }
    out
}

fn is_mark(rune: u32) -> bool {
    [b'_', b' ', b'-'].iter().any(|b| u32::from(*b) == rune)
}

/// Goes on behind an upper case letter: a word, or an abbreviation whose last letter may begin a word. Gives the last rune.
fn upper_run(rest: &mut &[u8], connector: u32, out: &mut Vec<u8>) -> u32 {
    let mut rune = next(rest);
    if !is_upper(rune) {
        append_rune(out, rune);
        return rune;
    }
    while !rest.is_empty() {
        let before = rune;
        rune = next(rest);
        if rune == RUNE_ERROR {
            append_rune(out, to_lower(before));
            append_rune(out, rune);
            break;
        }
        if !is_upper(rune) {
            if is_mark(rune) {
                rune = connector;
                append_rune(out, to_lower(before));
            } else if is_number(rune) {
                append_rune(out, to_lower(before));
                append_rune(out, connector);
                append_rune(out, rune);
            } else {
                append_rune(out, connector);
                append_rune(out, to_lower(before));
                append_rune(out, rune);
            }
            break;
        }
        append_rune(out, to_lower(before));
    }
    // As in Go, what ended the text comes out again.
    if rest.is_empty() || rune == connector {
        append_rune(out, to_lower(rune));
    }
    rune
}
