//! Formatting of basic operands with flags, width and precision.

use crate::strconv::{
    RUNE_ERROR, append_float, append_quote_rune, append_quote_with, append_rune, can_backquote, decode_rune, is_print,
    rune_count,
};

/// The flags of one directive.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

impl Flags {
    fn padding(&self, out: &mut Vec<u8>, count: usize) {
        // Zeros go only to the left.
        let byte = if self.zero && !self.minus { b'0' } else { b' ' };
        out.extend(std::iter::repeat_n(byte, count));
    }

    /// Appends a text padded to the width, counted in code points.
    pub(super) fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let Some(width) = self.width.filter(|w| *w > 0) else { return out.extend_from_slice(text) };
        let missing = width.saturating_sub(rune_count(text));
        if self.minus {
            out.extend_from_slice(text);
            self.padding(out, missing);
        } else {
            self.padding(out, missing);
            out.extend_from_slice(text);
        }
    }

    fn pad_without_zeros(&self, out: &mut Vec<u8>, text: &[u8]) {
        Flags { zero: false, ..*self }.pad(out, text);
    }

    pub(super) fn boolean(&self, out: &mut Vec<u8>, value: bool) {
        self.pad(out, if value { b"true" } else { b"false" });
    }

    /// Cuts a text to the precision, counted in code points.
    fn truncate<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.precision else { return text };
        let mut end = 0;
        for _ in 0..precision {
            let rest = text.get(end..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            end += decode_rune(rest).1;
        }
        text.get(..end).unwrap_or(text)
    }

    pub(super) fn string(&self, out: &mut Vec<u8>, text: &[u8]) {
        self.pad(out, self.truncate(text));
    }

    /// `%q` of a string.
    pub(super) fn quoted(&self, out: &mut Vec<u8>, text: &[u8]) {
        let text = self.truncate(text);
        let mut quoted = Vec::with_capacity(text.len() + 2);
        if self.sharp && can_backquote(text) {
            quoted.push(b'`');
            quoted.extend_from_slice(text);
            quoted.push(b'`');
        } else {
            append_quote_with(&mut quoted, text, b'"', self.plus);
        }
        self.pad(out, &quoted);
    }

    /// `%x` and `%X` of the bytes of a string.
    pub(super) fn hex_bytes(&self, out: &mut Vec<u8>, bytes: &[u8], upper: bool) {
        let bytes = self.precision.and_then(|p| bytes.get(..p)).unwrap_or(bytes);
        if bytes.is_empty() {
            return self.padding(out, self.width.unwrap_or(0));
        }
        let (digits, letter) = if upper { (UPPER, b'X') } else { (LOWER, b'x') };
        let mut width = bytes.len() * 2;
        if self.space {
            width = if self.sharp { width * 2 } else { width } + bytes.len() - 1;
        } else if self.sharp {
            width += 2;
        }
        let missing = self.width.unwrap_or(0).saturating_sub(width);
        if !self.minus {
            self.padding(out, missing);
        }
        for (at, &byte) in bytes.iter().enumerate() {
            if self.space && at > 0 {
                out.push(b' ');
            }
            if self.sharp && (self.space || at == 0) {
                out.extend_from_slice(&[b'0', letter]);
            }
            out.extend_from_slice(&[digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]);
        }
        if self.minus {
            self.padding(out, missing);
        }
    }

    /// An integer in a base; `octal_prefix` is `%O`.
    pub(super) fn integer(
        &self,
        out: &mut Vec<u8>,
        raw: u64,
        base: u64,
        signed: bool,
        upper: bool,
        octal_prefix: bool,
    ) {
        let negative = signed && (raw as i64) < 0;
        let mut rest = if negative { raw.wrapping_neg() } else { raw };
        let mut zeros = 0;
        if let Some(precision) = self.precision {
            if precision == 0 && rest == 0 {
                // Nothing but padding is printed.
                return Flags { zero: false, ..*self }.padding(out, self.width.unwrap_or(0));
            }
            zeros = precision;
        } else if let Some(width) = self.width.filter(|_| self.zero && !self.minus) {
            zeros = width.saturating_sub(usize::from(negative || self.plus || self.space));
        }
        let digits = if upper { UPPER } else { LOWER };
        // Written from the last digit to the first, and turned round.
        let mut text = Vec::with_capacity(24);
        loop {
            text.push(digits[(rest % base) as usize]);
            rest /= base;
            if rest == 0 {
                break;
            }
        }
        let missing = zeros.saturating_sub(text.len());
        text.extend(std::iter::repeat_n(b'0', missing));
        if self.sharp {
            match base {
                2 => text.extend_from_slice(b"b0"),
                8 if text.last() != Some(&b'0') => text.push(b'0'),
                16 => text.extend_from_slice(if upper { b"X0" } else { b"x0" }),
                _ => {}
            }
        }
        if octal_prefix {
            text.extend_from_slice(b"o0");
        }
        if negative {
            text.push(b'-');
        } else if self.plus {
            text.push(b'+');
        } else if self.space {
            text.push(b' ');
        }
        text.reverse();
        self.pad_without_zeros(out, &text);
    }

    /// `%U`.
    pub(super) fn unicode(&self, out: &mut Vec<u8>, value: u64) {
        let mut text = format!("U+{value:04X}").into_bytes();
        if let Some(precision) = self.precision.filter(|p| *p > 4) {
            let missing = (precision + 2).saturating_sub(text.len());
            text.splice(2..2, std::iter::repeat_n(b'0', missing));
        }
        if let Some(rune) = u32::try_from(value).ok().filter(|r| self.sharp && *r <= 0x10_FFFF && is_print(*r)) {
            text.extend_from_slice(b" '");
            append_rune(&mut text, rune);
            text.push(b'\'');
        }
        self.pad_without_zeros(out, &text);
    }

    /// `%c`.
    pub(super) fn character(&self, out: &mut Vec<u8>, value: u64) {
        let mut text = Vec::new();
        append_rune(&mut text, u32::try_from(value).unwrap_or(RUNE_ERROR));
        self.pad(out, &text);
    }

    /// `%q` of an integer.
    pub(super) fn quoted_character(&self, out: &mut Vec<u8>, value: u64) {
        let mut text = Vec::new();
        append_quote_rune(&mut text, u32::try_from(value).unwrap_or(RUNE_ERROR), self.plus);
        self.pad(out, &text);
    }

    /// A float; the precision of the directive goes before the one given.
    pub(super) fn float(&self, out: &mut Vec<u8>, value: f64, bits: u32, verb: u8, precision: Option<usize>) {
        let precision = self.precision.or(precision);
        let mut num = vec![b'+'];
        append_float(&mut num, value, verb, precision, bits);
        if matches!(num.get(1), Some(b'-' | b'+')) {
            num.remove(0);
        }
        if self.space && num.first() == Some(&b'+') && !self.plus {
            num.splice(..1, *b" ");
        }
        if let Some(letter @ (b'I' | b'N')) = num.get(1) {
            // Infinities and NaN do not look like numbers and get no zeros; the sign goes from NaN unless asked for.
            if *letter == b'N' && !self.space && !self.plus {
                num.remove(0);
            }
            return self.pad_without_zeros(out, &num);
        }
        if self.sharp && verb != b'b' {
            restore_zeros(&mut num, verb, precision);
        }
        if self.plus || num.first() != Some(&b'+') {
            if let Some(width) = self.width.filter(|w| self.zero && !self.minus && *w > num.len()) {
                // The sign stands before the zeros.
                out.extend_from_slice(num.get(..1).unwrap_or_default());
                self.padding(out, width - num.len());
                return out.extend_from_slice(num.get(1..).unwrap_or_default());
            }
            return self.pad(out, &num);
        }
        self.pad(out, num.get(1..).unwrap_or_default());
    }
}

/// The sharp flag forces a decimal point and keeps trailing zeros.
fn restore_zeros(num: &mut Vec<u8>, verb: u8, precision: Option<usize>) {
    let mut digits = match verb {
        b'v' | b'g' | b'G' | b'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let mut tail = Vec::new();
    let (mut point, mut nonzero) = (false, false);
    let mut at = 1;
    while let Some(&byte) = num.get(at) {
        match byte {
            b'.' => point = true,
            b'p' | b'P' => tail = num.split_off(at),
            b'e' | b'E' if verb != b'x' && verb != b'X' => tail = num.split_off(at),
            _ => {
                nonzero |= byte != b'0';
                // Significant digits count from the first that is not zero.
                digits -= i64::from(nonzero);
            }
        }
        at += 1;
    }
    if !point {
        if num.len() == 2 && num.last() == Some(&b'0') {
            digits -= 1;
        }
        num.push(b'.');
    }
    num.extend(std::iter::repeat_n(b'0', digits.max(0) as usize));
    num.append(&mut tail);
}
