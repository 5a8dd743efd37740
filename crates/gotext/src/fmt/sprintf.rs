//! The format string: directives, argument indexes, and the `%!` notes about what is wrong with them.

use super::format::Flags;
use super::print::Printer;
use crate::strconv::{append_rune, decode_rune};
use crate::{Arena, Value};

/// Widths, precisions and argument indexes beyond this are taken for mistakes.
const TOO_LARGE: i64 = 1_000_000;

/// Walks over a format string.
struct Directives<'f> {
    format: &'f [u8],
    at: usize,
    arg: usize,
    args: usize,
    /// Whether any argument was asked for by index.
    reordered: bool,
    /// Whether the index of this directive was a good one.
    good_index: bool,
}

impl Directives<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// Reads digits from a position up to an end: the number, if there is one, and where it stops.
    fn number(&self, start: usize, end: usize) -> (Option<i64>, usize) {
        let (mut value, mut at) = (None, start);
        if start >= end {
            return (None, end);
        }
        while let Some(digit) = self.format.get(at).filter(|b| at < end && b.is_ascii_digit()) {
            let so_far = value.unwrap_or(0);
            if so_far > TOO_LARGE {
                return (None, end);
            }
            value = Some(so_far * 10 + i64::from(digit - b'0'));
            at += 1;
        }
        (value, at)
    }

    /// Reads a `[n]`; says whether there was a usable one.
    fn index(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = if rest.len() < 3 { None } else { rest.iter().skip(1).position(|b| *b == b']').map(|p| p + 1) };
        let Some(close) = close else {
            self.good_index = false;
            self.at += 1;
            return false;
        };
        let end = self.at + close;
        let (number, stop) = self.number(self.at + 1, end);
        let number = number.filter(|_| stop == end);
        self.at = end + 1;
        match number.and_then(|n| usize::try_from(n - 1).ok()) {
            Some(index) if index < self.args => {
                self.arg = index;
                true
            }
            _ => {
                self.good_index = false;
                number.is_some()
            }
        }
    }

    /// Takes the next argument for a `*`.
    fn star(&mut self, args: &[Value<'_>]) -> Option<i64> {
        let value = match args.get(self.arg)? {
            Value::Int(v, _) => Some(*v),
            Value::Uint(v, _) => i64::try_from(*v).ok(),
            _ => None,
        };
        self.arg += 1;
        value.filter(|v| (-TOO_LARGE..=TOO_LARGE).contains(v))
    }
}

/// Appends what `fmt.Sprintf` gives.
pub fn append_sprintf<'a>(out: &mut Vec<u8>, arena: &'a Arena, format: &[u8], args: &[Value<'a>]) {
    let mut printer = Printer::new(out, arena);
    let mut d = Directives { format, at: 0, arg: 0, args: args.len(), reordered: false, good_index: true };
    while d.at < format.len() {
        d.good_index = true;
        let rest = format.get(d.at..).unwrap_or_default();
        let plain = rest.iter().position(|b| *b == b'%').unwrap_or(rest.len());
        printer.out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        d.at += plain;
        if d.at >= format.len() {
            break;
        }
        d.at += 1;
        if !arena.has_room(printer.out.len()) || !directive(&mut printer, &mut d, args) {
            break;
        }
    }
    if !d.reordered && d.arg < args.len() {
        printer.flags = Flags::default();
        printer.out.extend_from_slice(b"%!(EXTRA ");
        for (at, arg) in args.iter().skip(d.arg).enumerate() {
            if at > 0 {
                printer.out.extend_from_slice(b", ");
            }
            if !matches!(arg, Value::Nil) {
                printer.out.extend_from_slice(arg.type_name().as_bytes());
                printer.out.push(b'=');
            }
            printer.print_arg(*arg, 'v');
        }
        printer.out.push(b')');
    }
}

/// Handles one directive, whose `%` has been read; false when the format ends within it.
fn directive<'a>(printer: &mut Printer<'_, 'a>, d: &mut Directives<'_>, args: &[Value<'a>]) -> bool {
    printer.flags = Flags::default();
    loop {
        match d.peek() {
            Some(b'#') => printer.flags.sharp = true,
            Some(b'0') => printer.flags.zero = true,
            Some(b'+') => printer.flags.plus = true,
            Some(b'-') => printer.flags.minus = true,
            Some(b' ') => printer.flags.space = true,
            _ => break,
        }
        d.at += 1;
    }
    let mut after_index = d.index();
    if d.peek() == Some(b'*') {
        d.at += 1;
        match d.star(args) {
            Some(width) => {
                printer.flags.width = Some(width.unsigned_abs() as usize);
                if width < 0 {
                    printer.flags.minus = true;
                    printer.flags.zero = false;
                }
            }
            None => printer.out.extend_from_slice(b"%!(BADWIDTH)"),
        }
        after_index = false;
    } else {
        let (width, at) = d.number(d.at, d.format.len());
        d.at = at;
        printer.flags.width = width.map(|w| w as usize);
        if after_index && width.is_some() {
            d.good_index = false;
        }
    }
    // A point that ends the format is no precision.
    if d.peek() == Some(b'.') && d.at + 1 < d.format.len() {
        d.at += 1;
        if after_index {
            d.good_index = false;
        }
        after_index = d.index();
        if d.peek() == Some(b'*') {
            d.at += 1;
            let precision = d.star(args).and_then(|p| usize::try_from(p).ok());
            printer.flags.precision = precision;
            if precision.is_none() {
                printer.out.extend_from_slice(b"%!(BADPREC)");
            }
            after_index = false;
        } else {
            let (precision, at) = d.number(d.at, d.format.len());
            d.at = at;
            printer.flags.precision = Some(precision.unwrap_or(0) as usize);
        }
    }
    if !after_index {
        d.index();
    }
    let rest = d.format.get(d.at..).unwrap_or_default();
    if rest.is_empty() {
        printer.out.extend_from_slice(b"%!(NOVERB)");
        return false;
    }
    let (rune, width) = decode_rune(rest);
    d.at += width;
    let verb = char::from_u32(rune).unwrap_or(char::REPLACEMENT_CHARACTER);
    if verb == '%' {
        printer.out.push(b'%');
        return true;
    }
    let Some(arg) = args.get(d.arg).filter(|_| d.good_index) else {
        printer.out.extend_from_slice(b"%!");
        append_rune(printer.out, rune);
        printer.out.extend_from_slice(if d.good_index { b"(MISSING)" } else { b"(BADINDEX)" });
        return true;
    };
    if matches!(verb, 'v' | 'w') {
        printer.flags.sharp_v = std::mem::take(&mut printer.flags.sharp);
        printer.flags.plus_v = std::mem::take(&mut printer.flags.plus);
    }
    printer.print_arg(*arg, verb);
    d.arg += 1;
    true
}
