//! Go's simple case mappings and character classes: one code point to one code point.

use std::sync::OnceLock;

use gotext::strconv::{RUNE_ERROR, append_rune, decode_rune, is_digit, is_letter};
use regex_syntax::hir::{self, HirKind};

/// `unicode.IsSpace`.
pub(crate) fn is_space(rune: u32) -> bool {
    char::from_u32(rune).is_some_and(char::is_whitespace)
}

/// A general category, as its sorted ranges.
struct Class {
    pattern: &'static str,
    ranges: OnceLock<Vec<(u32, u32)>>,
}

impl Class {
    const fn new(pattern: &'static str) -> Self {
        Self { pattern, ranges: OnceLock::new() }
    }

    fn has(&self, rune: u32) -> bool {
        let ranges = self.ranges.get_or_init(|| match regex_syntax::parse(self.pattern).map(|hir| hir.into_kind()) {
            Ok(HirKind::Class(hir::Class::Unicode(class))) => {
                class.ranges().iter().map(|r| (u32::from(r.start()), u32::from(r.end()))).collect()
            }
            _ => Vec::new(),
        });
        let at = ranges.partition_point(|(_, end)| *end < rune);
        ranges.get(at).is_some_and(|(start, _)| *start <= rune)
    }
}

static UPPER: Class = Class::new(r"\p{Lu}");
static LOWER: Class = Class::new(r"\p{Ll}");
static TITLE: Class = Class::new(r"\p{Lt}");
static NUMBER: Class = Class::new(r"\p{N}");
static PUNCT: Class = Class::new(r"\p{P}");

/// `unicode.IsUpper`.
pub(crate) fn is_upper(rune: u32) -> bool {
    if rune < 0x80 { (0x41..=0x5A).contains(&rune) } else { UPPER.has(rune) }
}

/// `unicode.IsLower`.
pub(crate) fn is_lower(rune: u32) -> bool {
    if rune < 0x80 { (0x61..=0x7A).contains(&rune) } else { LOWER.has(rune) }
}

/// `unicode.IsTitle`.
pub(crate) fn is_title(rune: u32) -> bool {
    rune >= 0x80 && TITLE.has(rune)
}

/// `unicode.IsNumber`.
pub(crate) fn is_number(rune: u32) -> bool {
    if rune < 0x80 { (0x30..=0x39).contains(&rune) } else { NUMBER.has(rune) }
}

/// `unicode.IsPunct`.
pub(crate) fn is_punct(rune: u32) -> bool {
    PUNCT.has(rune)
}

/// `unicode.ToUpper`.
pub(crate) fn to_upper(rune: u32) -> u32 {
    match rune {
        0x1F80..=0x1F87 | 0x1F90..=0x1F97 | 0x1FA0..=0x1FA7 => rune + 8,
        0x1FB3 => 0x1FBC,
        0x1FC3 => 0x1FCC,
        0x1FF3 => 0x1FFC,
        _ => single(rune, char::from_u32(rune).map(char::to_uppercase)),
    }
}

/// `unicode.ToLower`.
pub(crate) fn to_lower(rune: u32) -> u32 {
    match rune {
        0x130 => 0x69,
        _ => single(rune, char::from_u32(rune).map(char::to_lowercase)),
    }
}

/// `unicode.ToTitle`.
pub(crate) fn to_title(rune: u32) -> u32 {
    match rune {
        0x1C4..=0x1C6 => 0x1C5,
        0x1C7..=0x1C9 => 0x1C8,
        0x1CA..=0x1CC => 0x1CB,
        0x1F1..=0x1F3 => 0x1F2,
        0x10D0..=0x10FA | 0x10FD..=0x10FF => rune,
        _ => to_upper(rune),
    }
}

fn single(rune: u32, mapped: Option<impl Iterator<Item = char>>) -> u32 {
    let Some(mut mapped) = mapped else { return rune };
    match (mapped.next(), mapped.next()) {
        (Some(c), None) => u32::from(c),
        _ => rune,
    }
}

/// `strings.Map`: every code point replaced; bytes that are not UTF-8 count as U+FFFD.
pub(crate) fn map_runes(text: &[u8], mut f: impl FnMut(u32) -> u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for rune in runes(text) {
        append_rune(&mut out, f(rune));
    }
    out
}

/// The code points of a string, as Go's `range` and `[]rune` give them.
pub(crate) fn runes(mut text: &[u8]) -> impl Iterator<Item = u32> + '_ {
    std::iter::from_fn(move || {
        let (rune, width) = decode_rune(text);
        if width == 0 {
            return None;
        }
        text = text.get(width..).unwrap_or(&[]);
        Some(rune)
    })
}

/// `strings.TrimSpace`.
pub(crate) fn trim_space(text: &[u8]) -> &[u8] {
    trim_end(trim_start(text, is_space), is_space)
}

/// `strings.TrimLeftFunc`.
pub(crate) fn trim_start(mut text: &[u8], drop: impl Fn(u32) -> bool) -> &[u8] {
    loop {
        let (rune, width) = decode_rune(text);
        if width == 0 || !drop(rune) {
            return text;
        }
        text = text.get(width..).unwrap_or(&[]);
    }
}

/// `strings.TrimRightFunc`.
pub(crate) fn trim_end(mut text: &[u8], drop: impl Fn(u32) -> bool) -> &[u8] {
    loop {
        let (rune, width) = gotext::strconv::decode_last_rune(text);
        if width == 0 || !drop(rune) {
            return text;
        }
        text = text.get(..text.len() - width).unwrap_or(&[]);
    }
}

/// `strings.Title`: the first letter of each word in title case.
pub(crate) fn title(text: &[u8]) -> Vec<u8> {
    let mut previous = u32::from(b' ');
    map_runes(text, |rune| {
        let out = if is_separator(previous) { to_title(rune) } else { rune };
        previous = rune;
        out
    })
}

fn is_separator(rune: u32) -> bool {
    if rune <= 0x7F {
        return !(rune == u32::from(b'_') || u8::try_from(rune).is_ok_and(|b| b.is_ascii_alphanumeric()));
    }
    !is_letter(rune) && !is_digit(rune) && rune != RUNE_ERROR && is_space(rune)
}
