//! Scanning directives, anchors, aliases and tags (`scannerc.go`).

use super::chars::{is_alpha, is_blank, is_blankz, is_break, is_breakz, width};
use super::input::Mark;
use super::scanner::Scanner;
use super::token::{Kind, Token};
use crate::error::Error;

impl Scanner<'_> {
    fn at_blankz(&self) -> bool {
        is_blankz(&self.input.buf, self.input.pos)
    }

    fn read_alphas(&mut self, into: &mut Vec<u8>) -> Result<(), Error> {
        while is_alpha(self.input.byte()) {
            self.input.read(into);
            self.input.ensure(1)?;
        }
        Ok(())
    }

    pub(super) fn scan_directive(&mut self) -> Result<Token, Error> {
        let start = self.input.mark;
        self.input.skip();
        let mut name = Vec::new();
        self.input.ensure(1)?;
        self.read_alphas(&mut name)?;
        if name.is_empty() {
            return Err(self.error(start, "could not find expected directive name"));
        }
        if !self.at_blankz() {
            return Err(self.error(start, "found unexpected non-alphabetical character"));
        }
        let kind = match name.as_slice() {
            b"YAML" => self.scan_version(start)?,
            b"TAG" => self.scan_tag_directive(start)?,
            _ => return Err(self.error(start, "found unknown directive name")),
        };
        let end = self.input.mark;
        self.input.ensure(1)?;
        self.skip_blanks()?;
        if self.input.byte() == b'#' {
            self.skip_comment()?;
        }
        if !is_breakz(&self.input.buf, self.input.pos) {
            return Err(self.error(start, "did not find expected comment or line break"));
        }
        if is_break(&self.input.buf, self.input.pos) {
            self.input.ensure(2)?;
            self.input.skip_line();
        }
        Ok(Token { kind, start, end })
    }

    fn scan_version(&mut self, start: Mark) -> Result<Kind, Error> {
        self.input.ensure(1)?;
        self.skip_blanks()?;
        let major = self.scan_version_number(start)?;
        if self.input.byte() != b'.' {
            return Err(self.error(start, "did not find expected digit or '.' character"));
        }
        self.input.skip();
        let minor = self.scan_version_number(start)?;
        Ok(Kind::VersionDirective(major, minor))
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, Error> {
        self.input.ensure(1)?;
        let (mut value, mut len) = (0, 0);
        while let c @ b'0'..=b'9' = self.input.byte() {
            len += 1;
            if len > 2 {
                return Err(self.error(start, "found extremely long version number"));
            }
            value = value * 10 + (c - b'0');
            self.input.skip();
            self.input.ensure(1)?;
        }
        if len == 0 {
            return Err(self.error(start, "did not find expected version number"));
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<Kind, Error> {
        self.input.ensure(1)?;
        self.skip_blanks()?;
        let handle = self.scan_tag_handle(true, start)?;
        self.input.ensure(1)?;
        if !is_blank(self.input.byte()) {
            return Err(self.error(start, "did not find expected whitespace"));
        }
        self.skip_blanks()?;
        let prefix = self.scan_tag_uri(&[], start)?;
        self.input.ensure(1)?;
        if !self.at_blankz() {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        Ok(Kind::TagDirective { handle, prefix })
    }

    pub(super) fn scan_anchor(&mut self, alias: bool) -> Result<Token, Error> {
        let start = self.input.mark;
        self.input.skip();
        let mut name = Vec::new();
        self.input.ensure(1)?;
        self.read_alphas(&mut name)?;
        let end = self.input.mark;
        let follows = matches!(self.input.byte(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !(follows || self.at_blankz()) {
            return Err(self.error(start, "did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { Kind::Alias(name) } else { Kind::Anchor(name) };
        Ok(Token { kind, start, end })
    }

    pub(super) fn scan_tag(&mut self) -> Result<Token, Error> {
        let start = self.input.mark;
        self.input.ensure(2)?;
        let (handle, suffix);
        if self.input.byte_at(1) == b'<' {
            self.input.skip();
            self.input.skip();
            handle = Vec::new();
            suffix = self.scan_tag_uri(&[], start)?;
            if self.input.byte() != b'>' {
                return Err(self.error(start, "did not find the expected '>'"));
            }
            self.input.skip();
        } else {
            let head = self.scan_tag_handle(false, start)?;
            if head.len() > 1 && head.ends_with(b"!") {
                suffix = self.scan_tag_uri(&[], start)?;
                handle = head;
            } else {
                let rest = self.scan_tag_uri(&head, start)?;
                // A lone `!` is a tag of its own, without a handle.
                (handle, suffix) = if rest.is_empty() { (rest, b"!".to_vec()) } else { (b"!".to_vec(), rest) };
            }
        }
        self.input.ensure(1)?;
        if !self.at_blankz() {
            return Err(self.error(start, "did not find expected whitespace or line break"));
        }
        Ok(Token { kind: Kind::Tag { handle, suffix }, start, end: self.input.mark })
    }

    fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Result<Vec<u8>, Error> {
        self.input.ensure(1)?;
        if self.input.byte() != b'!' {
            return Err(self.error(start, "did not find expected '!'"));
        }
        let mut handle = Vec::new();
        self.input.read(&mut handle);
        self.input.ensure(1)?;
        self.read_alphas(&mut handle)?;
        if self.input.byte() == b'!' {
            self.input.read(&mut handle);
        } else if directive && handle != b"!" {
            return Err(self.error(start, "did not find expected '!'"));
        }
        Ok(handle)
    }

    /// Scans the rest of a tag; `head` is what was read of it, its `!` included.
    fn scan_tag_uri(&mut self, head: &[u8], start: Mark) -> Result<Vec<u8>, Error> {
        let mut uri = head.get(1..).unwrap_or_default().to_vec();
        let mut has_tag = !head.is_empty();
        self.input.ensure(1)?;
        while is_uri(self.input.byte()) {
            if self.input.byte() == b'%' {
                self.scan_uri_escape(start, &mut uri)?;
            } else {
                self.input.read(&mut uri);
            }
            self.input.ensure(1)?;
            has_tag = true;
        }
        if !has_tag {
            return Err(self.error(start, "did not find expected tag URI"));
        }
        Ok(uri)
    }

    /// Scans the escapes that make up one character.
    fn scan_uri_escape(&mut self, start: Mark, into: &mut Vec<u8>) -> Result<(), Error> {
        let mut left = None;
        while left != Some(0) {
            self.input.ensure(3)?;
            let digit = |n: usize| char::from(self.input.byte_at(n)).to_digit(16);
            let octet = match (self.input.byte(), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(0),
                _ => return Err(self.error(start, "did not find URI escaped octet")),
            };
            left = Some(match left {
                None => match width(octet) {
                    0 => return Err(self.error(start, "found an incorrect leading UTF-8 octet")),
                    w => w - 1,
                },
                Some(_) if octet & 0xC0 != 0x80 => {
                    return Err(self.error(start, "found an incorrect trailing UTF-8 octet"));
                }
                Some(left) => left - 1,
            });
            into.push(octet);
            for _ in 0..3 {
                self.input.skip();
            }
        }
        Ok(())
    }
}

fn is_uri(c: u8) -> bool {
    is_alpha(c)
        || matches!(c, b';' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'+' | b'$' | b',' | b'.' | b'!' | b'~' | b'*')
        || matches!(c, b'\'' | b'(' | b')' | b'[' | b']' | b'%')
}
