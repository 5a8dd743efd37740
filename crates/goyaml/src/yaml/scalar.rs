//! Writing one scalar in one style (`emitterc.go`).

use super::chars::{at, is_break, is_printable, width};
use super::resolve::Version;
use super::writer::YamlWriter;

impl YamlWriter {
    /// Copies the character at `i` and returns where the next one begins.
    fn copy(&mut self, value: &[u8], i: usize) -> usize {
        let end = (i + width(at(value, i)).max(1)).min(value.len());
        self.out.extend_from_slice(value.get(i..end).unwrap_or_default());
        self.column += 1;
        end
    }

    /// Copies the line break at `i` and returns where the next character begins.
    fn copy_break(&mut self, value: &[u8], i: usize) -> usize {
        let next = if at(value, i) == b'\n' {
            self.put_break();
            i + 1
        } else {
            let next = self.copy(value, i);
            self.column = 0;
            next
        };
        self.indention = true;
        next
    }

    fn space_before_scalar(&mut self) {
        if !self.whitespace {
            self.put(b' ');
        }
    }

    /// Appends text without line breaks and without anything to escape, where no line can get too long.
    fn append(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
        self.column += text.iter().filter(|&&c| c & 0xC0 != 0x80).count();
    }

    /// Tells whether the value, written as it is, stays within the width, so that nothing needs a closer look.
    fn fits(&self, value: &[u8], breaks: bool) -> bool {
        !breaks || self.best_width == usize::MAX || self.column + value.len() <= self.best_width
    }

    pub(super) fn write_plain(&mut self, value: &[u8], breaks: bool) {
        if !(value.is_empty() && self.version == Version::V3) {
            self.space_before_scalar();
        }
        // A plain scalar holds no line breaks of its own here: they would have asked for another style.
        if self.fits(value, breaks) {
            self.append(value);
        } else {
            self.folded_at_spaces(value);
        }
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes one line of text, breaking it at single spaces behind the width.
    fn folded_at_spaces(&mut self, value: &[u8]) {
        let mut spaces = false;
        let mut i = 0;
        while i < value.len() {
            if at(value, i) == b' ' {
                if !spaces && self.column > self.best_width && at(value, i + 1) != b' ' {
                    self.write_indent();
                    i += 1;
                } else {
                    i = self.copy(value, i);
                }
                spaces = true;
            } else {
                i = self.copy(value, i);
                self.indention = false;
                spaces = false;
            }
        }
    }

    pub(super) fn write_single(&mut self, value: &[u8], breaks: bool) {
        self.indicator(b"'", true, false, false);
        let (mut was_space, mut was_break) = (false, false);
        let mut i = 0;
        while i < value.len() {
            let c = at(value, i);
            if c == b' ' {
                let inside = i > 0 && i + 1 < value.len();
                let long = breaks && !was_space && self.column > self.best_width;
                if long && inside && at(value, i + 1) != b' ' {
                    self.write_indent();
                    i += 1;
                } else {
                    i = self.copy(value, i);
                }
                was_space = true;
            } else if is_break(value, i) {
                if !was_break && c == b'\n' {
                    self.put_break();
                }
                i = self.copy_break(value, i);
                was_break = true;
            } else {
                if was_break {
                    self.write_indent();
                }
                if c == b'\'' {
                    self.put(b'\'');
                }
                i = self.copy(value, i);
                self.indention = false;
                (was_space, was_break) = (false, false);
            }
        }
        self.indicator(b"'", false, false, false);
    }

    pub(super) fn write_double(&mut self, value: &[u8], breaks: bool) {
        self.indicator(b"\"", true, false, false);
        // go-yaml looks for a byte order mark at the beginning of the value, whichever character it is at.
        let marked = value.starts_with(b"\xEF\xBB\xBF");
        let mut was_space = false;
        let mut i = 0;
        while i < value.len() {
            let c = at(value, i);
            if marked || !is_printable(value, i) || is_break(value, i) || c == b'"' || c == b'\\' {
                i = self.escape(value, i);
                was_space = false;
            } else if c == b' ' {
                let inside = i > 0 && i + 1 < value.len();
                if breaks && !was_space && self.column > self.best_width && inside {
                    self.write_indent();
                    if at(value, i + 1) == b' ' {
                        self.put(b'\\');
                    }
                    i += 1;
                } else {
                    i = self.copy(value, i);
                }
                was_space = true;
            } else {
                i = self.copy(value, i);
                was_space = false;
            }
        }
        self.indicator(b"\"", false, false, false);
    }

    /// Writes the character at `i` as an escape and returns where the next one begins.
    fn escape(&mut self, value: &[u8], i: usize) -> usize {
        let w = width(at(value, i)).max(1);
        let character = value.get(i..i + w).and_then(|c| std::str::from_utf8(c).ok()).and_then(|c| c.chars().next());
        let code = character.map_or(0xFFFD, u32::from);
        self.put(b'\\');
        let short = match code {
            0x00 => b'0',
            0x07 => b'a',
            0x08 => b'b',
            0x09 => b't',
            0x0A => b'n',
            0x0B => b'v',
            0x0C => b'f',
            0x0D => b'r',
            0x1B => b'e',
            0x22 => b'"',
            0x5C => b'\\',
            0x85 => b'N',
            0xA0 => b'_',
            0x2028 => b'L',
            0x2029 => b'P',
            _ => {
                let text = match code {
                    0..=0xFF => format!("x{code:02X}"),
                    0x100..=0xFFFF => format!("u{code:04X}"),
                    _ => format!("U{code:08X}"),
                };
                self.append(text.as_bytes());
                return i + w;
            }
        };
        self.put(short);
        i + w
    }

    pub(super) fn write_literal(&mut self, value: &[u8]) {
        self.indicator(b"|", true, false, false);
        if at(value, 0) == b' ' || is_break(value, 0) {
            self.indicator(b"2", false, false, false);
        }
        if let Some(hint) = chomping(value) {
            self.indicator(hint, false, false, false);
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut after_break = true;
        let mut i = 0;
        while i < value.len() {
            if is_break(value, i) {
                i = self.copy_break(value, i);
                after_break = true;
                continue;
            }
            if after_break {
                self.write_indent();
                self.indention = false;
                after_break = false;
            }
            // Up to the next byte that could begin a line break, all is copied at once.
            let rest = value.get(i..).unwrap_or_default();
            let run = rest.iter().take_while(|&&c| !matches!(c, b'\n' | b'\r' | 0xC2 | 0xE2)).count();
            if run == 0 {
                i = self.copy(value, i);
            } else {
                self.append(rest.get(..run).unwrap_or_default());
                i += run;
            }
        }
    }
}

/// The sign behind `|` that says what becomes of the line breaks at the end.
fn chomping(value: &[u8]) -> Option<&'static [u8]> {
    let previous = |end: usize| {
        let mut i = end.checked_sub(1)?;
        while i > 0 && at(value, i) & 0xC0 == 0x80 {
            i -= 1;
        }
        Some(i)
    };
    let Some(last) = previous(value.len()) else { return Some(b"-") };
    if !is_break(value, last) {
        return Some(b"-");
    }
    match previous(last) {
        None => Some(b"+"),
        Some(i) if is_break(value, i) => Some(b"+"),
        Some(_) => None,
    }
}
