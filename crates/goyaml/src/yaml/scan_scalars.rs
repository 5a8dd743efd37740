//! Scanning scalars: block, quoted and plain (`scannerc.go`).

use super::chars::{is_blank, is_blankz, is_break, is_breakz};
use super::input::Mark;
use super::scanner::Scanner;
use super::token::{Kind, Text, Token};
use crate::error::Error;

/// Line breaks between two lines of a scalar, and how they join.
#[derive(Default)]
struct Folding {
    leading: Vec<u8>,
    trailing: Vec<u8>,
}

impl Folding {
    /// Writes what the line breaks amount to: a space, or one line break less than there were.
    fn flush(&mut self, into: &mut Vec<u8>) {
        if self.leading.first() == Some(&b'\n') {
            if self.trailing.is_empty() {
                into.push(b' ');
            }
        } else {
            into.append(&mut self.leading);
        }
        into.append(&mut self.trailing);
        self.leading.clear();
    }
}

impl Scanner<'_> {
    fn at_break(&self) -> bool {
        is_break(&self.input.buf, self.input.pos)
    }

    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Token, Error> {
        let start = self.input.mark;
        self.input.skip();
        let (keep, increment) = self.scan_block_header(start)?;
        self.input.ensure(1)?;
        self.skip_blanks()?;
        if self.input.byte() == b'#' {
            self.skip_comment()?;
        }
        if !is_breakz(&self.input.buf, self.input.pos) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        if self.at_break() {
            self.input.ensure(2)?;
            self.input.skip_line();
        }

        let mut end = self.input.mark;
        let mut indent = if increment > 0 { self.indent.unwrap_or(0) + increment } else { 0 };
        let mut text = Vec::new();
        let (mut leading, mut trailing) = (Vec::new(), Vec::new());
        self.scan_block_breaks(&mut indent, &mut trailing, start, &mut end)?;
        self.input.ensure(1)?;
        let mut leading_blank = false;
        while self.input.mark.column == indent && self.input.byte() != 0 {
            let blank = is_blank(self.input.byte());
            // Lines that begin with a blank are never joined with others.
            if !literal && !leading_blank && !blank && leading.first() == Some(&b'\n') {
                if trailing.is_empty() {
                    text.push(b' ');
                }
                leading.clear();
            } else {
                text.append(&mut leading);
            }
            text.append(&mut trailing);
            leading_blank = blank;
            self.read_line_content(&mut text)?;
            self.input.ensure(2)?;
            if self.at_break() {
                self.input.read_line(&mut leading);
            }
            self.scan_block_breaks(&mut indent, &mut trailing, start, &mut end)?;
        }
        if keep != Some(false) {
            text.append(&mut leading);
        }
        if keep == Some(true) {
            text.append(&mut trailing);
        }
        Ok(Token { kind: Kind::Scalar { text: Text::Owned(text), plain: false }, start, end })
    }

    /// Reads the signs behind `|` and `>`: whether to keep the line breaks at the end, and the indent.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Option<bool>, usize), Error> {
        let (mut keep, mut increment) = (None, 0);
        self.input.ensure(1)?;
        if matches!(self.input.byte(), b'+' | b'-') {
            keep = Some(self.input.byte() == b'+');
            self.input.skip();
            self.input.ensure(1)?;
            if self.input.byte().is_ascii_digit() {
                increment = self.scan_increment(start)?;
            }
        } else if self.input.byte().is_ascii_digit() {
            increment = self.scan_increment(start)?;
            self.input.ensure(1)?;
            if matches!(self.input.byte(), b'+' | b'-') {
                keep = Some(self.input.byte() == b'+');
                self.input.skip();
            }
        }
        Ok((keep, increment))
    }

    fn scan_increment(&mut self, start: Mark) -> Result<usize, Error> {
        let digit = self.input.byte();
        if digit == b'0' {
            return Err(self.error(start, "found an indentation indicator equal to 0"));
        }
        self.input.skip();
        Ok(usize::from(digit - b'0'))
    }

    /// Copies the rest of the line, without its line break.
    fn read_line_content(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        while !is_breakz(&self.input.buf, self.input.pos) {
            let run = self.input.ascii_run(0, |c| matches!(c, b' '..=b'~' | b'\t'));
            if run > 0 {
                into.extend_from_slice(self.input.buf.get(self.input.pos..self.input.pos + run).unwrap_or_default());
                self.input.skip_ascii(run);
            } else {
                self.input.read(into);
            }
            self.input.ensure(1)?;
        }
        Ok(())
    }

    /// Passes over indents and empty lines in a block scalar, and finds its indent at the first time.
    fn scan_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut Vec<u8>,
        start: Mark,
        end: &mut Mark,
    ) -> Result<(), Error> {
        *end = self.input.mark;
        let mut max_indent = 0;
        loop {
            self.input.ensure(1)?;
            while (*indent == 0 || self.input.mark.column < *indent) && self.input.byte() == b' ' {
                self.input.skip();
                self.input.ensure(1)?;
            }
            max_indent = max_indent.max(self.input.mark.column);
            if (*indent == 0 || self.input.mark.column < *indent) && self.input.byte() == b'\t' {
                return Err(self.error(start, "found a tab character where an indentation space is expected"));
            }
            if !self.at_break() {
                break;
            }
            self.input.ensure(2)?;
            self.input.read_line(breaks);
            *end = self.input.mark;
        }
        if *indent == 0 {
            *indent = max_indent.max(self.indent.map_or(0, |i| i + 1)).max(1);
        }
        Ok(())
    }

    pub(super) fn scan_flow_scalar(&mut self, single: bool) -> Result<Token, Error> {
        let start = self.input.mark;
        self.input.skip();
        let quote = if single { b'\'' } else { b'"' };
        let mut text = Vec::new();
        let mut folding = Folding::default();
        let mut whitespaces = Vec::new();
        loop {
            self.input.ensure(4)?;
            if self.input.mark.column == 0 && self.at_document_indicator() {
                return Err(self.error(start, "found unexpected document indicator"));
            }
            if self.input.byte() == 0 {
                return Err(self.error(start, "found unexpected end of stream"));
            }
            let mut leading_blanks = self.scan_quoted_run(single, start, &mut text)?;
            self.input.ensure(1)?;
            if self.input.byte() == quote {
                break;
            }
            while is_blank(self.input.byte()) || self.at_break() {
                if is_blank(self.input.byte()) {
                    if leading_blanks {
                        self.input.skip();
                    } else {
                        self.input.read(&mut whitespaces);
                    }
                } else {
                    self.input.ensure(2)?;
                    if leading_blanks {
                        self.input.read_line(&mut folding.trailing);
                    } else {
                        whitespaces.clear();
                        self.input.read_line(&mut folding.leading);
                        leading_blanks = true;
                    }
                }
                self.input.ensure(1)?;
            }
            if leading_blanks {
                folding.flush(&mut text);
            } else {
                text.append(&mut whitespaces);
            }
        }
        self.input.skip();
        let kind = Kind::Scalar { text: Text::Owned(text), plain: false };
        Ok(Token { kind, start, end: self.input.mark })
    }

    /// Reads up to a blank or the closing quote; returns whether an escaped line break ended it.
    fn scan_quoted_run(&mut self, single: bool, start: Mark, text: &mut Vec<u8>) -> Result<bool, Error> {
        while !is_blankz(&self.input.buf, self.input.pos) {
            let run = self.input.ascii_run(1, |c| matches!(c, b'!'..=b'~') && !matches!(c, b'\'' | b'"' | b'\\'));
            if run > 0 {
                text.extend_from_slice(self.input.buf.get(self.input.pos..self.input.pos + run).unwrap_or_default());
                self.input.skip_ascii(run);
                self.input.ensure(2)?;
                continue;
            }
            match self.input.byte() {
                b'\'' if single => {
                    if self.input.byte_at(1) != b'\'' {
                        break;
                    }
                    text.push(b'\'');
                    self.input.skip();
                    self.input.skip();
                }
                b'"' if !single => break,
                b'\\' if !single => {
                    if is_break(&self.input.buf, self.input.pos + 1) {
                        self.input.ensure(3)?;
                        self.input.skip();
                        self.input.skip_line();
                        return Ok(true);
                    }
                    self.scan_escape(start, text)?;
                }
                _ => self.input.read(text),
            }
            self.input.ensure(2)?;
        }
        Ok(false)
    }

    fn scan_escape(&mut self, start: Mark, text: &mut Vec<u8>) -> Result<(), Error> {
        let (c, digits) = match self.input.byte_at(1) {
            b'0' => ('\0', 0),
            b'a' => ('\u{7}', 0),
            b'b' => ('\u{8}', 0),
            b't' | b'\t' => ('\t', 0),
            b'n' => ('\n', 0),
            b'v' => ('\u{b}', 0),
            b'f' => ('\u{c}', 0),
            b'r' => ('\r', 0),
            b'e' => ('\u{1b}', 0),
            c @ (b' ' | b'"' | b'\'' | b'\\') => (char::from(c), 0),
            b'N' => ('\u{85}', 0),
            b'_' => ('\u{a0}', 0),
            b'L' => ('\u{2028}', 0),
            b'P' => ('\u{2029}', 0),
            b'x' => ('\0', 2),
            b'u' => ('\0', 4),
            b'U' => ('\0', 8),
            _ => return Err(self.error(start, "found unknown escape character")),
        };
        self.input.skip();
        self.input.skip();
        let mut c = c;
        if digits > 0 {
            self.input.ensure(digits)?;
            let mut value = 0u32;
            for k in 0..digits {
                let Some(digit) = char::from(self.input.byte_at(k)).to_digit(16) else {
                    return Err(self.error(start, "did not find expected hexdecimal number"));
                };
                value = value << 4 | digit;
            }
            let Some(character) = char::from_u32(value) else {
                return Err(self.error(start, "found invalid Unicode character escape code"));
            };
            c = character;
            self.input.skip_ascii(digits);
        }
        text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    pub(super) fn scan_plain_scalar(&mut self) -> Result<Token, Error> {
        let start = self.input.mark;
        let from = self.input.pos;
        let mut end = start;
        // Most are one run of the input; `owned` takes over as soon as a line break must be folded.
        let mut to = from;
        let mut owned: Option<Vec<u8>> = None;
        let mut folding = Folding::default();
        let mut leading_blanks = false;
        let mut blanks = from..from;
        let indent = self.indent.map_or(0, |i| i + 1);
        loop {
            self.input.ensure(4)?;
            if self.input.mark.column == 0 && self.at_document_indicator() {
                break;
            }
            if self.input.byte() == b'#' {
                break;
            }
            while !is_blankz(&self.input.buf, self.input.pos) {
                if self.ends_plain() {
                    break;
                }
                if leading_blanks {
                    let text = owned.get_or_insert_with(|| self.input.buf.get(from..to).unwrap_or_default().to_vec());
                    folding.flush(text);
                    leading_blanks = false;
                } else if let Some(text) = &mut owned {
                    text.extend_from_slice(self.input.buf.get(blanks.clone()).unwrap_or_default());
                }
                blanks = 0..0;
                let run_start = self.input.pos;
                match self.input.ascii_run(1, is_plain_run) {
                    0 => self.input.skip(),
                    run => self.input.skip_ascii(run),
                }
                if let Some(text) = &mut owned {
                    text.extend_from_slice(self.input.buf.get(run_start..self.input.pos).unwrap_or_default());
                }
                to = self.input.pos;
                end = self.input.mark;
                self.input.ensure(2)?;
            }
            if !is_blank(self.input.byte()) && !self.at_break() {
                break;
            }
            self.input.ensure(1)?;
            let blanks_start = self.input.pos;
            blanks = blanks_start..blanks_start;
            while is_blank(self.input.byte()) || self.at_break() {
                if is_blank(self.input.byte()) {
                    if leading_blanks && self.input.mark.column < indent && self.input.byte() == b'\t' {
                        return Err(self.error(start, "found a tab character that violates indentation"));
                    }
                    self.input.skip();
                    if !leading_blanks {
                        blanks = blanks_start..self.input.pos;
                    }
                } else {
                    self.input.ensure(2)?;
                    if leading_blanks {
                        self.input.read_line(&mut folding.trailing);
                    } else {
                        blanks = 0..0;
                        self.input.read_line(&mut folding.leading);
                        leading_blanks = true;
                    }
                }
                self.input.ensure(1)?;
            }
            if self.flow_level == 0 && self.input.mark.column < indent {
                break;
            }
        }
        let text = owned.map_or(Text::Range(from, to), Text::Owned);
        if leading_blanks {
            self.simple_key_allowed = true;
        }
        Ok(Token { kind: Kind::Scalar { text, plain: true }, start, end })
    }

    /// Tells whether an indicator stands here that ends a plain scalar.
    fn ends_plain(&self) -> bool {
        match self.input.byte() {
            b':' => is_blankz(&self.input.buf, self.input.pos + 1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.flow_level > 0,
            _ => false,
        }
    }
}

/// A character that never ends a plain scalar, so that a run of them can be taken at once.
fn is_plain_run(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'/' | b'+' | b'=' | b'@' | b'(' | b')' | b'$' | b'%')
}
