//! Keys and scalars of ordinary YAML.

use std::borrow::Cow;

use super::{Build, Reader};
use crate::yaml::resolve::{Scalar, Version, resolve};

/// Longer keys are left alone; go-yaml looks back 1024 characters for them.
const MAX_KEY: usize = 256;

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$')
}

/// What a plain scalar cannot begin with, or what needs a closer look there.
fn is_indicator(byte: u8) -> bool {
    matches!(
        byte,
        b',' | b'['
            | b']'
            | b'{'
            | b'}'
            | b'#'
            | b'&'
            | b'*'
            | b'!'
            | b'|'
            | b'>'
            | b'\''
            | b'"'
            | b'%'
            | b'@'
            | b'`'
            | b'?'
            | b':'
            | b' '
            | b'\t'
            | b'\n'
    )
}

impl<'t> Reader<'t> {
    pub(super) fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Tells whether a key and its `:` stand here.
    pub(super) fn is_key(&mut self) -> bool {
        let pos = self.pos;
        let found = self.key().is_some();
        self.pos = pos;
        found
    }

    /// Reads a key and passes its `:`.
    pub(super) fn key(&mut self) -> Option<&'t str> {
        let start = self.pos;
        let key = match self.byte() {
            b'"' | b'\'' => self.quoted_word()?,
            b'-' => return None,
            _ => {
                self.pos += self.rest().iter().take_while(|b| is_word(**b)).count();
                let key = self.slice(start, self.pos);
                if !matches!(resolve(key.as_bytes(), Version::V2), Scalar::Str | Scalar::Timestamp) {
                    return None;
                }
                key
            }
        };
        if self.byte() != b':' || !matches!(self.byte_at(1), b' ' | b'\n') || self.pos - start > MAX_KEY {
            return None;
        }
        self.pos += 1;
        Some(key)
    }

    /// Reads a quoted scalar of one line with nothing escaped in it.
    pub(super) fn quoted_word(&mut self) -> Option<&'t str> {
        let quote = self.byte();
        let start = self.pos + 1;
        let inside = self.bytes().get(start..)?;
        let end = inside.iter().position(|&b| b == quote || matches!(b, b'\\' | b'\n' | b'\t'))?;
        let closes = match (quote, inside.get(end)?) {
            (b'"', b'"') => true,
            (b'\'', b'\'') => inside.get(end + 1) != Some(&b'\''),
            _ => false,
        };
        if !closes {
            return None;
        }
        self.pos = start + end + 1;
        Some(self.slice(start, start + end))
    }

    /// Reads a quoted scalar, on further lines too.
    pub(super) fn quoted(&mut self, column: isize) -> Option<Cow<'t, str>> {
        if let Some(word) = self.quoted_word() {
            return Some(Cow::Borrowed(word));
        }
        let quote = self.byte();
        self.pos += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let len = rest.iter().position(|&b| b == quote || matches!(b, b'\\' | b'\n' | b'\t'))?;
            let run = self.slice(self.pos, self.pos + len);
            self.pos += len;
            match (quote, self.byte(), self.byte_at(1)) {
                (_, b'\n', _) => {
                    text.push_str(run.trim_end_matches(' '));
                    let blank = self.next_part(column)?;
                    fold(&mut text, blank);
                    continue;
                }
                (b'\'', b'\'', b'\'') => {
                    text.push_str(run);
                    text.push('\'');
                }
                (b'"', b'\\', escaped @ (b'"' | b'\\' | b'n' | b't')) => {
                    text.push_str(run);
                    text.push(match escaped {
                        b'n' => '\n',
                        b't' => '\t',
                        other => char::from(other),
                    });
                }
                (b'\'', b'\\', _) => {
                    text.push_str(run);
                    text.push('\\');
                    self.pos += 1;
                    continue;
                }
                (_, b'"' | b'\'', _) => {
                    text.push_str(run);
                    self.pos += 1;
                    return Some(Cow::Owned(text));
                }
                _ => return None,
            }
            self.pos += 2;
        }
    }

    /// From the end of a line to where a scalar goes on, at a column further right; gives how many blank lines there
    /// are between.
    fn next_part(&mut self, column: isize) -> Option<usize> {
        let mut blank = 0;
        loop {
            if self.pos >= self.bytes().len() {
                return None;
            }
            self.pos += 1;
            self.line = self.pos;
            let spaces = self.skip_spaces() as isize;
            match self.byte() {
                b'\n' => blank += 1,
                b'\t' => return None,
                _ => return (spaces > column).then_some(blank),
            }
        }
    }

    /// Reads a plain scalar, on further lines too, and goes to the content behind it.
    pub(super) fn plain<B: Build>(&mut self, column: isize) -> Option<B> {
        if is_indicator(self.byte()) || self.at_dash() {
            return None;
        }
        let (first, mut commented) = self.plain_line()?;
        let mut joined: Option<String> = None;
        while !commented {
            let end = self.pos;
            let blank = self.next_part(column).filter(|_| self.byte() != b'#');
            let Some(blank) = blank else {
                self.pos = end;
                break;
            };
            let (line, ended) = self.plain_line()?;
            let text = joined.get_or_insert_with(|| first.to_owned());
            fold(text, blank);
            text.push_str(line);
            commented = ended;
        }
        let value = match joined {
            None => self.resolved(first)?,
            Some(text) => match resolve(text.as_bytes(), Version::V2) {
                Scalar::Str => B::text(text),
                _ => return None,
            },
        };
        self.next_line()?;
        (self.indent <= column).then_some(value)
    }

    /// Reads the part of a plain scalar that is on this line, and tells whether a comment follows; goes to the line's
    /// end.
    fn plain_line(&mut self) -> Option<(&'t str, bool)> {
        let start = self.pos;
        let rest = self.rest();
        let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len()))?;
        let (mut end, mut commented) = (line.len(), false);
        let mut before = b'x';
        for (at, &byte) in line.iter().enumerate() {
            match byte {
                b':' if matches!(line.get(at + 1), None | Some(b' ')) => return None,
                b'\t' => return None,
                b'#' if before == b' ' => {
                    (end, commented) = (at, true);
                    break;
                }
                _ => before = byte,
            }
        }
        self.pos = start + line.len();
        Some((self.slice(start, start + end).trim_end_matches(' '), commented))
    }

    /// Reads a block scalar, literal or folded, and goes to the content behind it.
    pub(super) fn block_scalar<B: Build>(&mut self, column: isize, folded: bool) -> Option<B> {
        self.pos += 1;
        let strip = self.byte() == b'-';
        self.pos += usize::from(strip);
        self.end_line()?;
        if self.pos >= self.bytes().len() {
            return None;
        }
        self.pos += 1;
        // The first line decides how deep the text is indented.
        let blank = self.rest().iter().take_while(|b| **b == b'\n').count();
        self.pos += blank;
        let indent = self.rest().iter().take_while(|b| **b == b' ').count();
        if indent as isize <= column || indent == 0 || matches!(self.byte_at(indent), b'\n' | b'\t') {
            return None;
        }
        let mut text = "\n".repeat(blank);
        // Line feeds that only count when more text follows.
        let mut feeds = 0;
        loop {
            self.line = self.pos;
            let rest = self.rest();
            let spaces = rest.iter().take(indent).take_while(|b| **b == b' ').count();
            match rest.get(spaces) {
                None => break,
                Some(b'\n') if spaces < indent || rest.get(indent) == Some(&b'\n') => {
                    self.pos += spaces + 1;
                    feeds += 1;
                    continue;
                }
                Some(b'\t') if spaces < indent => return None,
                Some(_) if spaces < indent => break,
                Some(_) => {}
            }
            let inside = rest.get(indent..)?;
            // Lines that are indented further are not folded.
            if folded && matches!(inside.first(), Some(b' ' | b'\t')) {
                return None;
            }
            let len = memchr::memchr(b'\n', inside).unwrap_or(inside.len());
            if folded && feeds > 0 {
                fold(&mut text, feeds - 1);
            } else {
                text.extend(std::iter::repeat_n('\n', feeds));
            }
            text.push_str(self.slice(self.pos + indent, self.pos + indent + len));
            self.pos += indent + len;
            if self.pos >= self.bytes().len() {
                feeds = 0;
                break;
            }
            self.pos += 1;
            feeds = 1;
        }
        if feeds > 0 && !strip {
            text.push('\n');
        }
        self.find_content();
        self.check_indicator()?;
        (self.indent <= column).then(|| B::text(text))
    }
}

/// Joins two lines of a scalar: by a space, or by as many line feeds as there are blank lines between.
fn fold(text: &mut String, blank: usize) {
    if blank == 0 {
        text.push(' ');
    }
    text.extend(std::iter::repeat_n('\n', blank));
}
