//! Ordinary block YAML, read in one go: what nearly all values files, manifests and CRDs consist of.
//!
//! Whatever is not surely understood here, from an anchor to an error, ends the attempt, and the text is read the
//! usual way. So this reader has no rules of its own to be wrong about except one: what it accepts means the same there.

mod flow;
mod scalars;
mod text;

use std::borrow::Cow;

use super::resolve::{Scalar, Version, resolve};
use crate::value::{Map, Value};
use text::is_ordinary;

/// How deep collections may lie in each other here.
const MAX_LEVELS: usize = 100;

/// What is made of the nodes.
trait Build: Sized {
    /// A mapping while it grows.
    type Entries: Default;
    fn text(text: String) -> Self;
    /// A scalar that is no text.
    fn other(value: Value) -> Self;
    fn seq(items: Vec<Self>) -> Self;
    /// Takes an entry; `None` when the usual way has to look at it.
    fn entry(entries: &mut Self::Entries, key: &str, value: Self) -> Option<()>;
    fn map(entries: Self::Entries) -> Self;
    /// Makes text of a part of the input.
    fn slice(text: &str) -> Self;
}

impl Build for Value {
    type Entries = Map;

    fn text(text: String) -> Self {
        Self::Str(text)
    }
    fn other(value: Value) -> Self {
        value
    }
    fn seq(items: Vec<Self>) -> Self {
        Self::Seq(items)
    }
    fn entry(entries: &mut Map, key: &str, value: Self) -> Option<()> {
        entries.insert(key.to_owned(), value);
        Some(())
    }
    fn map(entries: Map) -> Self {
        Self::Map(entries)
    }
    fn slice(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

/// A value of which no mapping has a key twice.
struct Once(Value);

impl Build for Once {
    type Entries = Map;

    fn text(text: String) -> Self {
        Self(Value::Str(text))
    }
    fn other(value: Value) -> Self {
        Self(value)
    }
    fn seq(items: Vec<Self>) -> Self {
        Self(Value::Seq(items.into_iter().map(|item| item.0).collect()))
    }
    fn entry(entries: &mut Map, key: &str, value: Self) -> Option<()> {
        entries.insert(key.to_owned(), value.0).is_none().then_some(())
    }
    fn map(entries: Map) -> Self {
        Self(Value::Map(entries))
    }
    fn slice(text: &str) -> Self {
        Self(Value::Str(text.to_owned()))
    }
}

/// Nothing at all: the text is only checked.
struct Checked;

impl Build for Checked {
    type Entries = ();

    fn text(_: String) -> Self {
        Self
    }
    fn other(_: Value) -> Self {
        Self
    }
    fn seq(_: Vec<Self>) -> Self {
        Self
    }
    fn entry((): &mut (), _: &str, _: Self) -> Option<()> {
        Some(())
    }
    fn map((): ()) -> Self {
        Self
    }
    fn slice(_: &str) -> Self {
        Self
    }
}

/// Reads a document that is an ordinary mapping.
pub(super) fn read(text: &[u8], keep_ints: bool) -> Option<Map> {
    read_some(text, keep_ints, |_| true)
}

/// Reads a document that is an ordinary mapping without keys that come twice; integers are kept.
pub(super) fn read_strict(text: &[u8]) -> Option<Map> {
    let mut reader = Reader::new(text, true)?;
    reader.start()?;
    if reader.indent == END {
        return None;
    }
    let Once(Value::Map(map)) = reader.mapping(reader.indent)? else { return None };
    (reader.indent == END).then_some(map)
}

/// Reads a document that is an ordinary mapping, and builds only those of its values whose keys are `wanted`.
pub(super) fn read_some(text: &[u8], keep_ints: bool, wanted: impl Fn(&str) -> bool) -> Option<Map> {
    let mut reader = Reader::new(text, keep_ints)?;
    let mut map = Map::new();
    reader.start()?;
    if reader.indent == END {
        return None;
    }
    let column = reader.indent;
    reader.entries(column, |reader, key| {
        if wanted(key) {
            let value = reader.value(column, false)?;
            map.insert(key.to_owned(), value);
        } else {
            let _: Checked = reader.value(column, false)?;
        }
        Some(())
    })?;
    (reader.indent == END).then_some(map)
}

/// The column of what comes after the end.
const END: isize = -1;

struct Reader<'t> {
    text: &'t str,
    pos: usize,
    /// Where the line of `pos` begins.
    line: usize,
    /// The column of the content at `pos`, once [`Reader::next_line`] has found some.
    indent: isize,
    levels: usize,
    keep_ints: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t [u8], keep_ints: bool) -> Option<Self> {
        // What begins like this is JSON.
        if matches!(text.first(), Some(b'{' | b'[' | b'"')) {
            return None;
        }
        let text = is_ordinary(text)?;
        Some(Self { text, pos: 0, line: 0, indent: END, levels: 0, keep_ints })
    }

    /// Goes to the first content, past one `---`.
    fn start(&mut self) -> Option<()> {
        self.find_content();
        if self.indent == 0 && self.rest().starts_with(b"---\n") {
            self.pos += 3;
            self.next_line()?;
            return Some(());
        }
        self.check_indicator()
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    fn rest(&self) -> &'t [u8] {
        self.bytes().get(self.pos..).unwrap_or_default()
    }

    /// The byte at the place; at the end a line feed, as that ends the same things.
    fn byte(&self) -> u8 {
        self.bytes().get(self.pos).copied().unwrap_or(b'\n')
    }

    fn byte_at(&self, n: usize) -> u8 {
        self.bytes().get(self.pos + n).copied().unwrap_or(b'\n')
    }

    fn skip_spaces(&mut self) -> usize {
        let spaces = self.rest().iter().take_while(|b| **b == b' ').count();
        self.pos += spaces;
        spaces
    }

    /// Ends a line behind a value: there may be a comment.
    fn end_line(&mut self) -> Option<()> {
        let spaces = self.skip_spaces();
        match self.byte() {
            b'\n' => Some(()),
            b'#' if spaces > 0 => {
                self.skip_line();
                Some(())
            }
            _ => None,
        }
    }

    /// Goes to the end of the line.
    fn skip_line(&mut self) {
        self.pos += memchr::memchr(b'\n', self.rest()).unwrap_or(self.rest().len());
    }

    /// From the end of a line to the next content, past blank lines and comments.
    fn next_line(&mut self) -> Option<()> {
        self.pos += 1;
        self.find_content();
        self.check_indicator()
    }

    /// From the beginning of a line to the next content.
    fn find_content(&mut self) {
        loop {
            self.line = self.pos;
            let spaces = self.skip_spaces();
            match self.rest().first() {
                None => {
                    self.indent = END;
                    return;
                }
                Some(b'\n') => self.pos += 1,
                Some(b'#') => {
                    self.skip_line();
                    self.pos += 1;
                }
                Some(_) => {
                    self.indent = spaces as isize;
                    return;
                }
            }
        }
    }

    /// Refuses what would end a document, or begin another.
    fn check_indicator(&self) -> Option<()> {
        let ends = self.indent == 0 && (self.rest().starts_with(b"---") || self.rest().starts_with(b"..."));
        (!ends).then_some(())
    }

    fn column(&self) -> isize {
        (self.pos - self.line) as isize
    }

    fn at_dash(&self) -> bool {
        self.byte() == b'-' && matches!(self.byte_at(1), b' ' | b'\n')
    }

    /// Reads the entries of a block mapping at a column.
    fn entries(&mut self, column: isize, mut entry: impl FnMut(&mut Self, &'t str) -> Option<()>) -> Option<()> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return None;
        }
        while self.indent == column {
            let key = self.key()?;
            entry(self, key)?;
        }
        self.levels -= 1;
        (self.indent < column).then_some(())
    }

    fn mapping<B: Build>(&mut self, column: isize) -> Option<B> {
        let mut entries = B::Entries::default();
        // The content began at this column, be it behind a dash.
        self.indent = column;
        self.entries(column, |reader, key| {
            let value = reader.value(column, false)?;
            B::entry(&mut entries, key, value)
        })?;
        Some(B::map(entries))
    }

    /// Reads a block sequence at a column. One at the column of the mapping it is in ends with the last dash.
    fn sequence<B: Build>(&mut self, column: isize, indentless: bool) -> Option<B> {
        self.levels += 1;
        if self.levels > MAX_LEVELS {
            return None;
        }
        self.indent = column;
        let mut items = Vec::new();
        while self.indent == column {
            if !self.at_dash() {
                if indentless {
                    break;
                }
                return None;
            }
            self.pos += 1;
            items.push(self.value(column, true)?);
        }
        self.levels -= 1;
        (self.indent <= column).then(|| B::seq(items))
    }

    /// Reads a value behind the `:` or `-` of a collection at a column, and goes to the content behind it.
    fn value<B: Build>(&mut self, column: isize, in_sequence: bool) -> Option<B> {
        let spaces = self.skip_spaces();
        match self.byte() {
            b'\n' => self.value_below(column, in_sequence),
            b'#' if spaces > 0 => {
                self.skip_line();
                self.value_below(column, in_sequence)
            }
            b'|' => self.block_scalar(column, false),
            b'>' => self.block_scalar(column, true),
            b'-' if in_sequence && self.at_dash() => self.sequence(self.column(), false),
            _ if in_sequence && self.is_key() => self.mapping(self.column()),
            _ => self.inline(column),
        }
    }

    /// Reads a value that begins on a line of its own, or is not there.
    fn value_below<B: Build>(&mut self, column: isize, in_sequence: bool) -> Option<B> {
        self.next_line()?;
        if self.indent > column {
            return if self.at_dash() {
                self.sequence(self.indent, false)
            } else if self.is_key() {
                self.mapping(self.indent)
            } else {
                self.inline(column)
            };
        }
        if self.indent == column && !in_sequence && self.at_dash() {
            return self.sequence(column, true);
        }
        Some(B::other(Value::Null))
    }

    /// Reads a scalar or a flow collection, and goes to the content behind it.
    fn inline<B: Build>(&mut self, column: isize) -> Option<B> {
        let value = match self.byte() {
            b'"' | b'\'' => match self.quoted(column)? {
                Cow::Borrowed(text) => B::slice(text),
                Cow::Owned(text) => B::text(text),
            },
            b'[' | b'{' => self.flow(0)?,
            _ => return self.plain(column),
        };
        self.end_line()?;
        self.next_line()?;
        (self.indent <= column).then_some(value)
    }

    /// Gives what a plain scalar means.
    fn resolved<B: Build>(&self, text: &str) -> Option<B> {
        Some(match resolve(text.as_bytes(), Version::V2) {
            Scalar::Str | Scalar::Timestamp => B::slice(text),
            Scalar::Null => B::other(Value::Null),
            Scalar::Bool(b) => B::other(Value::Bool(b)),
            Scalar::Int(i) if self.keep_ints => B::other(Value::Int(i)),
            Scalar::Uint(u) if self.keep_ints => B::other(Value::Uint(u)),
            Scalar::Int(i) => B::other(Value::Float(i as f64)),
            Scalar::Uint(u) => B::other(Value::Float(u as f64)),
            Scalar::Float(f) if f.is_finite() => B::other(Value::Float(f)),
            Scalar::Float(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests;
