//! The characters of a YAML text, decoded and checked in libyaml's portions (`readerc.go`).
//!
//! What stands behind the first document is never looked at, except as far as a portion reaches: so the portions
//! decide whether a bad character there is an error.

use super::chars::{at, width};
use crate::error::Error;

/// The size of a portion.
const PORTION: usize = 512;
/// How much may be asked for in advance.
const MAX_CHARACTER: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16 { low: usize, high: usize },
}

/// A place in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// Characters before it.
    pub(super) index: usize,
    /// Lines before it.
    pub(super) line: usize,
    /// Characters before it in its line.
    pub(super) column: usize,
}

/// The text and the place in it.
pub(super) struct Input<'a> {
    raw: &'a [u8],
    /// The portion that is read and not decoded yet.
    raw_pos: usize,
    raw_end: usize,
    eof: bool,
    encoding: Option<Encoding>,
    /// All characters decoded so far, as UTF-8.
    pub(super) buf: Vec<u8>,
    /// How many NULs stand for the end of the text behind them.
    nuls: usize,
    /// Where libyaml's own buffer would begin: it looks there for a byte order mark.
    start: usize,
    /// Where the next character is in `buf`.
    pub(super) pos: usize,
    pub(super) mark: Mark,
}

impl<'a> Input<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self {
            raw,
            raw_pos: 0,
            raw_end: 0,
            eof: false,
            encoding: None,
            buf: Vec::with_capacity(raw.len() + 8),
            nuls: 0,
            start: 0,
            pos: 0,
            mark: Mark::default(),
        }
    }

    /// The byte at the place, NUL at the end of the text.
    #[inline]
    pub(super) fn byte(&self) -> u8 {
        at(&self.buf, self.pos)
    }

    /// The byte `n` bytes further.
    pub(super) fn byte_at(&self, n: usize) -> u8 {
        at(&self.buf, self.pos + n)
    }

    /// Tells whether a byte order mark stands where libyaml looks for it, which is not always the place.
    pub(super) fn is_bom(&self) -> bool {
        self.buf.get(self.start..).is_some_and(|b| b.starts_with(b"\xEF\xBB\xBF"))
    }

    /// Passes over one character.
    #[inline]
    pub(super) fn skip(&mut self) {
        self.mark.index += 1;
        self.mark.column += 1;
        self.pos += width(self.byte()).max(1);
    }

    /// Passes over one line break.
    pub(super) fn skip_line(&mut self) {
        let (first, second) = (self.byte(), self.byte_at(1));
        if first == b'\r' && second == b'\n' {
            self.mark.index += 1;
            self.pos += 1;
        }
        self.pos += width(self.byte()).max(1);
        self.mark.index += 1;
        self.mark.column = 0;
        self.mark.line += 1;
    }

    /// Counts the ASCII characters from here on that `fits`, as long as `ahead` characters stay decoded behind them:
    /// so the text is asked for more at the same places as if each character was looked at.
    #[inline]
    pub(super) fn ascii_run(&self, ahead: usize, fits: impl Fn(u8) -> bool) -> usize {
        let decoded = self.buf.get(self.pos..).unwrap_or_default();
        let enough = decoded.get(..decoded.len().saturating_sub(ahead)).unwrap_or_default();
        enough.iter().take_while(|&&c| fits(c)).count()
    }

    /// Passes over `n` ASCII characters.
    #[inline]
    pub(super) fn skip_ascii(&mut self, n: usize) {
        self.pos += n;
        self.mark.index += n;
        self.mark.column += n;
    }

    /// Copies one character and passes over it.
    pub(super) fn read(&mut self, into: &mut Vec<u8>) {
        let end = self.pos + width(self.byte()).max(1);
        into.extend_from_slice(self.buf.get(self.pos..end).unwrap_or_default());
        self.skip();
    }

    /// Copies one line break, as a line feed if it is not LS or PS, and passes over it.
    pub(super) fn read_line(&mut self, into: &mut Vec<u8>) {
        if self.byte() == 0xE2 {
            into.extend_from_slice(self.buf.get(self.pos..self.pos + 3).unwrap_or_default());
        } else {
            into.push(b'\n');
        }
        self.skip_line();
    }

    /// Sees to it that `n` characters are decoded.
    #[inline]
    pub(super) fn ensure(&mut self, n: usize) -> Result<(), Error> {
        if self.buf.len().saturating_sub(self.pos) >= n * MAX_CHARACTER {
            return Ok(());
        }
        self.ensure_slowly(n)
    }

    #[cold]
    fn ensure_slowly(&mut self, n: usize) -> Result<(), Error> {
        if self.unread(n) >= n { Ok(()) } else { self.update(n) }
    }

    /// Counts the characters ahead, `enough` being enough.
    fn unread(&self, enough: usize) -> usize {
        let ahead = self.buf.get(self.pos..).unwrap_or_default();
        ahead.iter().filter(|&&c| c & 0xC0 != 0x80).take(enough).count() + self.nuls
    }

    fn update(&mut self, n: usize) -> Result<(), Error> {
        if self.encoding.is_none() {
            self.determine_encoding();
        }
        self.start = self.pos;
        let mut first = true;
        while self.unread(n) < n {
            if !first || self.raw_pos == self.raw_end {
                self.update_raw();
            }
            first = false;
            self.decode()?;
            if self.eof {
                self.nuls += 1;
                break;
            }
        }
        Ok(())
    }

    fn update_raw(&mut self) {
        if self.eof {
            return;
        }
        if self.raw_end == self.raw.len() {
            self.eof = true;
            return;
        }
        let kept = self.raw_end - self.raw_pos;
        self.raw_end = (self.raw_end + (PORTION - kept.min(PORTION))).min(self.raw.len());
    }

    fn determine_encoding(&mut self) {
        while !self.eof && self.raw_end - self.raw_pos < 3 {
            self.update_raw();
        }
        let (encoding, mark) = match self.portion() {
            [0xFF, 0xFE, ..] => (Encoding::Utf16 { low: 0, high: 1 }, 2),
            [0xFE, 0xFF, ..] => (Encoding::Utf16 { low: 1, high: 0 }, 2),
            [0xEF, 0xBB, 0xBF, ..] => (Encoding::Utf8, 3),
            _ => (Encoding::Utf8, 0),
        };
        self.encoding = Some(encoding);
        self.raw_pos += mark;
    }

    fn portion(&self) -> &'a [u8] {
        self.raw.get(self.raw_pos..self.raw_end).unwrap_or_default()
    }

    fn decode(&mut self) -> Result<(), Error> {
        loop {
            let portion = self.portion();
            if portion.is_empty() {
                return Ok(());
            }
            let step = match self.encoding {
                Some(Encoding::Utf16 { low, high }) => utf16(portion, low, high, self.eof)?,
                _ => {
                    let plain = portion.iter().take_while(|&&c| matches!(c, 0x20..=0x7E | b'\n')).count();
                    if plain > 0 {
                        self.buf.extend_from_slice(portion.get(..plain).unwrap_or_default());
                        self.raw_pos += plain;
                        continue;
                    }
                    utf8(portion, self.eof)?
                }
            };
            let Some((code, len)) = step else { return Ok(()) };
            let allowed = matches!(code,
                0x09 | 0x0A | 0x0D | 0x20..=0x7E | 0x85 | 0xA0..=0xD7FF | 0xE000..=0xFFFD | 0x10000..=0x10FFFF);
            let Some(c) = char::from_u32(code).filter(|_| allowed) else {
                return Err(problem("control characters are not allowed"));
            };
            self.buf.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            self.raw_pos += len;
        }
    }
}

fn problem(text: &str) -> Error {
    Error::yaml(None, text)
}

/// Decodes one character and its length; none if it goes on behind the portion.
fn utf8(portion: &[u8], eof: bool) -> Result<Option<(u32, usize)>, Error> {
    let first = at(portion, 0);
    let len = width(first);
    if len == 0 {
        return Err(problem("invalid leading UTF-8 octet"));
    }
    let Some(bytes) = portion.get(..len) else {
        return if eof { Err(problem("incomplete UTF-8 octet sequence")) } else { Ok(None) };
    };
    let mut code = u32::from(match len {
        1 => first,
        2 => first & 0x1F,
        3 => first & 0x0F,
        _ => first & 0x07,
    });
    for &c in bytes.iter().skip(1) {
        if c & 0xC0 != 0x80 {
            return Err(problem("invalid trailing UTF-8 octet"));
        }
        code = code << 6 | u32::from(c & 0x3F);
    }
    if matches!((len, code), (2, ..0x80) | (3, ..0x800) | (4, ..0x10000)) {
        return Err(problem("invalid length of a UTF-8 sequence"));
    }
    if matches!(code, 0xD800..=0xDFFF | 0x11_0000..) {
        return Err(problem("invalid Unicode character"));
    }
    Ok(Some((code, len)))
}

/// As [`utf8`] for UTF-16; `low` and `high` say where the bytes of a unit are.
fn utf16(portion: &[u8], low: usize, high: usize, eof: bool) -> Result<Option<(u32, usize)>, Error> {
    let unit = |i: usize| u32::from(at(portion, i + low)) | u32::from(at(portion, i + high)) << 8;
    if portion.len() < 2 {
        return if eof { Err(problem("incomplete UTF-16 character")) } else { Ok(None) };
    }
    let first = unit(0);
    match first & 0xFC00 {
        0xDC00 => Err(problem("unexpected low surrogate area")),
        0xD800 => {
            if portion.len() < 4 {
                return if eof { Err(problem("incomplete UTF-16 surrogate pair")) } else { Ok(None) };
            }
            let second = unit(2);
            if second & 0xFC00 != 0xDC00 {
                return Err(problem("expected low surrogate area"));
            }
            Ok(Some((0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF), 4)))
        }
        _ => Ok(Some((first, 2))),
    }
}
