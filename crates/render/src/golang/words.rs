//! Case and wrapping as `huandu/xstrings` 1.5 and `Masterminds/goutils` 1.1 do them.

use gotext::strconv::{RUNE_ERROR, append_rune, decode_rune, is_letter};

use super::unicode::{
    is_lower, is_number, is_punct, is_space, is_title, is_upper, map_runes, to_lower, to_title, to_upper,
};

fn tail(text: &[u8], from: usize) -> &[u8] {
    text.get(from..).unwrap_or(&[])
}

fn is_connector(rune: u32) -> bool {
    rune == u32::from(b'-') || rune == u32::from(b'_') || is_space(rune)
}

/// `xstrings.ToPascalCase`.
pub(crate) fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut first_upper = false;
    let (mut r0, mut size) = (0, 0);
    while !rest.is_empty() {
        (r0, size) = decode_rune(rest);
        rest = tail(rest, size);
        if !is_connector(r0) {
            first_upper = is_upper(r0);
            r0 = to_upper(r0);
            break;
        }
        append_rune(&mut out, r0);
    }
    if rest.is_empty() {
        // As in Go, a connector at the very end comes out twice.
        if size != 0 {
            append_rune(&mut out, r0);
        }
        return out;
    }
    while !rest.is_empty() {
        let r1 = r0;
        (r0, size) = decode_rune(rest);
        rest = tail(rest, size);
        if is_connector(r0) && is_connector(r1) {
            append_rune(&mut out, r1);
            continue;
        }
        if is_connector(r1) {
            first_upper = is_upper(r0);
            r0 = to_upper(r0);
        } else {
            if first_upper {
                if is_upper(r0) {
                    r0 = to_lower(r0);
                } else {
                    first_upper = false;
                }
            }
            append_rune(&mut out, r1);
        }
    }
    append_rune(&mut out, r0);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punct,
    Other,
}

/// `xstrings.ToSnakeCase` and `ToKebabCase`.
pub(crate) fn lower_words(text: &[u8], connector: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 8);
    if text.is_empty() {
        return out;
    }
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            put_lower(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Punct | Word::Connector) {
                    out.push(connector);
                }
            }
            Word::Connector => put_lower(&mut out, previous, last, connector),
            Word::Punct => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let last = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Alphabet {
                    // The number belongs to the word before it: `Bld4Floor` is `bld4_floor`.
                    put_lower(&mut out, Word::Number, last, connector);
                    if !matches!(kind, Word::Connector | Word::Punct) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                put_lower(&mut out, Word::Number, last, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    put_lower(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Connector | Word::Punct) {
                    out.push(connector);
                }
            }
        }
    }
    put_lower(&mut out, kind, word, connector);
    out
}

/// xstrings' alphabet: letters but for the common CJK ones.
fn is_alphabet(rune: u32) -> bool {
    if !is_letter(rune) {
        return false;
    }
    !matches!(rune, 0x3400..=0x4D85 | 0x4E00..=0x9FCC | 0x20000..=0x2B81D)
}

fn next_valid(mut text: &[u8], previous: u32) -> (u32, usize) {
    let mut size = 0;
    while !text.is_empty() {
        let (rune, width) = decode_rune(text);
        size += width;
        if rune != RUNE_ERROR {
            return (rune, size);
        }
        text = tail(text, width);
    }
    (previous, size)
}

/// Goes on while code points belong to the word.
fn run(text: &[u8], offset: &mut usize, start: u32, more: &dyn Fn(u32) -> bool) {
    let mut rune = start;
    while *offset < text.len() {
        let (next, size) = next_valid(tail(text, *offset), rune);
        rune = next;
        if size == 0 || !more(rune) {
            break;
        }
        *offset += size;
    }
}

fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::Invalid, text, text);
    }
    let (first, mut offset) = next_valid(text, RUNE_ERROR);
    if first == RUNE_ERROR {
        return (Word::Invalid, text.get(..offset).unwrap_or(text), tail(text, offset));
    }
    let kind = if is_connector(first) {
        run(text, &mut offset, first, &is_connector);
        Word::Connector
    } else if is_punct(first) {
        run(text, &mut offset, first, &is_punct);
        Word::Punct
    } else if is_upper(first) {
        let rest = tail(text, offset);
        if !rest.is_empty() {
            let (second, size) = next_valid(rest, first);
            if is_upper(second) {
                let mut previous = size;
                offset += size;
                let mut rune = second;
                while offset < text.len() {
                    let (next, size) = next_valid(tail(text, offset), rune);
                    rune = next;
                    if !is_upper(rune) {
                        break;
                    }
                    previous = size;
                    offset += size;
                }
                // `HTTPStatus` splits into `HTTP` and `Status`.
                if offset < text.len() && is_alphabet(rune) {
                    offset -= previous;
                }
            } else if is_alphabet(second) {
                run(text, &mut offset, first, &|r| is_alphabet(r) && !is_upper(r));
            }
        }
        Word::Upper
    } else if is_alphabet(first) {
        run(text, &mut offset, first, &|r| is_alphabet(r) && !is_upper(r));
        Word::Alphabet
    } else if is_number(first) {
        run(text, &mut offset, first, &is_number);
        Word::Number
    } else {
        run(text, &mut offset, first, &|r| !(is_connector(r) || is_alphabet(r) || is_number(r) || is_punct(r)));
        Word::Other
    };
    (kind, text.get(..offset).unwrap_or(text), tail(text, offset))
}

fn put_lower(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: u8) {
    if kind != Word::Upper && kind != Word::Connector {
        out.extend_from_slice(word);
        return;
    }
    for rune in super::unicode::runes(word) {
        if is_connector(rune) {
            out.push(connector);
        } else {
            append_rune(out, if is_upper(rune) { to_lower(rune) } else { rune });
        }
    }
}

/// `goutils.SwapCase`.
pub(crate) fn swap_case(text: &[u8]) -> Vec<u8> {
    let mut after_space = true;
    map_runes(text, |rune| {
        if is_upper(rune) || is_title(rune) {
            after_space = false;
            to_lower(rune)
        } else if is_lower(rune) {
            if std::mem::take(&mut after_space) { to_title(rune) } else { to_upper(rune) }
        } else {
            after_space = is_space(rune);
            rune
        }
    })
}

/// `goutils.Uncapitalize`.
pub(crate) fn uncapitalize(text: &[u8]) -> Vec<u8> {
    let mut next = true;
    map_runes(text, |rune| {
        if is_space(rune) {
            next = true;
            rune
        } else if std::mem::take(&mut next) {
            to_lower(rune)
        } else {
            rune
        }
    })
}

/// `goutils.Initials`, which goes by bytes.
pub(crate) fn initials(text: &[u8]) -> Vec<u8> {
    let (mut out, mut gap) = (Vec::new(), true);
    for &b in text {
        if is_space(u32::from(b)) {
            gap = true;
        } else if std::mem::take(&mut gap) {
            append_rune(&mut out, u32::from(b));
        }
    }
    out
}

/// `goutils.DeleteWhiteSpace`, which goes by bytes: a text with white space and other scripts is garbled.
pub(crate) fn delete_space(text: &[u8]) -> Vec<u8> {
    if !text.iter().any(|b| is_space(u32::from(*b))) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for &b in text.iter().filter(|b| !is_space(u32::from(**b))) {
        append_rune(&mut out, u32::from(b));
    }
    out
}

/// `goutils.AbbreviateFull`; an error gives an empty text, as Sprig drops it.
pub(crate) fn abbreviate(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let len = text.len() as i64;
    if text.is_empty() || width < 4 {
        return Vec::new();
    }
    if len <= width {
        return text.to_vec();
    }
    let mut offset = offset.min(len);
    // As Go's integers do, the offset that no text has wraps around.
    if len.wrapping_sub(offset) < width - 3 {
        offset = len - (width - 3);
    }
    let cut = |from: i64, to: i64| text.get(from.max(0) as usize..to.max(0) as usize).unwrap_or(&[]);
    if offset <= 4 {
        return [cut(0, width - 3), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset.wrapping_add(width - 3) < len {
        return [b"...".to_vec(), abbreviate(cut(offset, len), 0, width - 3)].concat();
    }
    [b"...", cut(len - (width - 3), len)].concat()
}

/// `goutils.WrapCustom`.
pub(crate) fn wrap(text: &[u8], width: i64, newline: &[u8], long_words: bool) -> Vec<u8> {
    let newline: &[u8] = if newline.is_empty() { b"\n" } else { newline };
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    let mut offset = 0;
    while text.len() - offset > width {
        if text.get(offset) == Some(&b' ') {
            offset += 1;
            continue;
        }
        let window = text.get(offset..offset + width + 1).unwrap_or(&[]);
        if let Some(space) = window.iter().rposition(|b| *b == b' ') {
            out.extend_from_slice(window.get(..space).unwrap_or(window));
            out.extend_from_slice(newline);
            offset += space + 1;
        } else if long_words {
            out.extend_from_slice(window.get(..width).unwrap_or(window));
            out.extend_from_slice(newline);
            offset += width;
        } else {
            match tail(text, offset + width).iter().position(|b| *b == b' ') {
                Some(at) => {
                    let space = offset + width + at;
                    out.extend_from_slice(text.get(offset..space).unwrap_or(&[]));
                    out.extend_from_slice(newline);
                    offset = space + 1;
                }
                None => {
                    out.extend_from_slice(tail(text, offset));
                    offset = text.len();
                }
            }
        }
    }
    out.extend_from_slice(tail(text, offset));
    out
}
