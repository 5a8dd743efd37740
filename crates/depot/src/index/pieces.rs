//! A YAML index, a version at a time.
//!
//! An index as everybody writes it is a mapping in block style: `entries:` at the left, below it the names of charts in one
//! column, below each a list whose dashes stand in one column. Each item of such a list is a document of its own when its
//! dash is taken for a space, so it is read by itself and dropped again. This holds as long as lines are what they seem: a
//! piece that is cut out wrongly does not read as one, since what it was cut out of (a quoted text, a flow collection, an
//! anchor) is open or not known in it. Whatever is not surely understood is left to who reads the index whole.

use std::io::{BufRead, Read};

use goyaml::Value;

use super::decode::Decoder;
use super::{Builder, Index, LONGEST_PIECE, Odd, whole};

const DECODER: Decoder = Decoder { is_yaml: true };

/// Reads an index. Whatever is wrong or unusual is left to who reads it whole.
pub(super) fn read(reader: &mut impl BufRead) -> Result<Index, Odd> {
    let mut pieces = Pieces { lines: Lines::new(reader), head: Vec::new(), builder: Builder::default() };
    let has_entries = pieces.top()?;
    let Pieces { head, mut builder, .. } = pieces;
    let value = goyaml::from_yaml_strict(&head).map_err(|_| Odd::Unusual)?;
    let Value::Map(map) = value else { return Err(Odd::Unusual) };
    // A key that is there in another spelling would count as well.
    let is_double = has_entries && map.keys().any(|key| key.eq_ignore_ascii_case("entries"));
    let head = whole::head(DECODER, map).map_err(|_| Odd::Unusual)?;
    if is_double || head.api_version.is_empty() {
        return Err(Odd::Unusual);
    }
    for (name, value) in head.entries.unwrap_or_default() {
        take_all(&mut builder, &name, value)?;
        builder.end_chart(&name)?;
    }
    builder.finish()
}

fn take_all(builder: &mut Builder, chart: &str, value: Value) -> Result<(), Odd> {
    let entries = whole::versions(DECODER, value).map_err(|_| Odd::Unusual)?;
    entries.into_iter().try_for_each(|entry| builder.take(chart, entry))
}

/// A line, as far as its structure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Blank, or a comment.
    Nothing,
    /// What ends a document.
    End,
    /// Content in a column.
    At(usize),
}

/// The lines of a text, one at a time.
struct Lines<'r, R> {
    reader: &'r mut R,
    line: Vec<u8>,
    shape: Option<Shape>,
}

impl<'r, R: BufRead> Lines<'r, R> {
    fn new(reader: &'r mut R) -> Self {
        Self { reader, line: Vec::new(), shape: None }
    }

    /// The line at hand, after reading one when there is none.
    fn peek(&mut self) -> Result<Option<Shape>, Odd> {
        if self.shape.is_none() {
            self.line.clear();
            let most = LONGEST_PIECE as u64 + 1;
            self.reader.by_ref().take(most).read_until(b'\n', &mut self.line)?;
            if self.line.len() > LONGEST_PIECE {
                return Err(Odd::TooLarge(format!("a line has more than {LONGEST_PIECE} bytes")));
            }
            if !self.line.is_empty() {
                self.shape = Some(shape(&self.line)?);
            }
        }
        Ok(self.shape)
    }

    /// Takes the line at hand.
    fn take(&mut self) -> &mut Vec<u8> {
        self.shape = None;
        &mut self.line
    }
}

/// A line without its end.
fn unbroken(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn shape(line: &[u8]) -> Result<Shape, Odd> {
    // Other line breaks would make more lines of this one.
    let inside = unbroken(line);
    if inside.contains(&b'\r') || has_wide_break(inside) {
        return Err(Odd::Unusual);
    }
    let column = inside.iter().take_while(|b| **b == b' ').count();
    Ok(match inside.get(column..).unwrap_or_default() {
        // Nobody else looks at what a comment is made of.
        [] | [b'#', ..] if !is_readable(inside) => return Err(Odd::Unusual),
        [] | [b'#', ..] => Shape::Nothing,
        [b'-', b'-', b'-'] | [b'.', b'.', b'.'] if column == 0 => Shape::End,
        [b'-', b'-', b'-', b' ', ..] | [b'.', b'.', b'.', b' ', ..] | [b'%', ..] if column == 0 => {
            return Err(Odd::Unusual);
        }
        [b'\t', ..] => return Err(Odd::Unusual),
        _ => Shape::At(column),
    })
}

/// Tells whether there are line breaks that are no line feeds, or byte order marks.
fn has_wide_break(line: &[u8]) -> bool {
    !line.is_ascii()
        && line.windows(3).any(|w| matches!(w, [0xE2, 0x80, 0xA8 | 0xA9] | [0xEF, 0xBB, 0xBF] | [0xC2, 0x85, _]))
        || line.ends_with(b"\xC2\x85")
}

/// Tells whether go-yaml takes all characters of a line.
fn is_readable(line: &[u8]) -> bool {
    let is_taken = |c: char| matches!(c, '\t' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    std::str::from_utf8(line).is_ok_and(|text| text.chars().all(is_taken))
}

fn is_dash(line: &[u8], column: usize) -> bool {
    matches!(line.get(column..), Some([b'-', b' ' | b'\n' | b'\r', ..] | [b'-']))
}

struct Pieces<'r, R> {
    lines: Lines<'r, R>,
    /// What stands at the left besides the entries.
    head: Vec<u8>,
    builder: Builder,
}

impl<R: BufRead> Pieces<'_, R> {
    /// Reads all; tells whether there were entries.
    fn top(&mut self) -> Result<bool, Odd> {
        let (mut marked, mut begun, mut found) = (false, false, false);
        while let Some(shape) = self.lines.peek()? {
            match shape {
                Shape::End if begun => {
                    self.end()?;
                    break;
                }
                // After a second mark the first document is empty, and that is the one that is read.
                Shape::End if !marked && self.lines.line.starts_with(b"---") => {
                    marked = true;
                    self.lines.take();
                }
                Shape::End => return Err(Odd::Unusual),
                Shape::At(0) if is_entries(&self.lines.line) => {
                    if found {
                        return Err(Odd::Unusual);
                    }
                    (begun, found) = (true, true);
                    self.lines.take();
                    self.entries()?;
                }
                // A mapping that begins further right would end at the next line that does not.
                Shape::At(1..) if !begun => return Err(Odd::Unusual),
                shape => {
                    begun |= shape != Shape::Nothing;
                    let line = self.lines.take();
                    self.head.append(line);
                    if self.head.len() > LONGEST_PIECE {
                        return Err(Odd::Unusual);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Reads on to the end of the text. What follows the document means nothing, but it may be what go-yaml does not read.
    fn end(&mut self) -> Result<(), Odd> {
        while let Some(shape) = self.lines.peek()? {
            if matches!(shape, Shape::At(_)) {
                return Err(Odd::Unusual);
            }
            self.lines.take();
        }
        Ok(())
    }

    /// Reads what is below `entries:`.
    fn entries(&mut self) -> Result<(), Odd> {
        let mut names_at = None;
        while let Some(shape) = self.lines.peek()? {
            match shape {
                Shape::Nothing => _ = self.lines.take(),
                // A list in the same column would be the value.
                Shape::At(0) if is_dash(&self.lines.line, 0) => return Err(Odd::Unusual),
                Shape::At(0) | Shape::End => return Ok(()),
                Shape::At(column) if names_at.is_none_or(|at| at == column) => {
                    names_at = Some(column);
                    self.chart(column)?;
                }
                Shape::At(_) => return Err(Odd::Unusual),
            }
        }
        Ok(())
    }

    /// Reads a chart whose name is in a column.
    fn chart(&mut self, column: usize) -> Result<(), Odd> {
        let line = std::mem::take(self.lines.take());
        let first = line.get(column).copied().unwrap_or_default();
        if !(first.is_ascii_alphanumeric() || b"\"'_.".contains(&first)) {
            return Err(Odd::Unusual);
        }
        let Ok(Value::Map(map)) = goyaml::from_yaml_strict(&line) else { return Err(Odd::Unusual) };
        let mut pairs = map.into_iter();
        let (Some((name, value)), None) = (pairs.next(), pairs.next()) else { return Err(Odd::Unusual) };
        let is_empty = value.is_null();
        take_all(&mut self.builder, &name, value)?;
        let mut dashes_at = None;
        while let Some(shape) = self.lines.peek()? {
            match shape {
                Shape::Nothing => _ = self.lines.take(),
                Shape::At(at) if at >= column && is_dash(&self.lines.line, at) && dashes_at.is_none_or(|d| d == at) => {
                    // The value was beside the name.
                    if !is_empty {
                        return Err(Odd::Unusual);
                    }
                    dashes_at = Some(at);
                    self.version(&name, at)?;
                }
                Shape::At(at) if at > column => return Err(Odd::Unusual),
                Shape::At(_) | Shape::End => break,
            }
        }
        self.builder.end_chart(&name)
    }

    /// Reads a version whose dash is in a column.
    fn version(&mut self, chart: &str, column: usize) -> Result<(), Odd> {
        let mut piece = std::mem::take(self.lines.take());
        if let Some(dash) = piece.get_mut(column) {
            *dash = b' ';
        }
        let mut content_at = shape(&piece)?;
        if let Shape::At(at) = content_at {
            begins_mapping(&piece, at)?;
        }
        while let Some(shape) = self.lines.peek()? {
            match (shape, content_at) {
                (Shape::Nothing, _) => {}
                (Shape::At(at), _) if at <= column => break,
                (Shape::At(at), Shape::Nothing) => {
                    begins_mapping(&self.lines.line, at)?;
                    content_at = shape;
                }
                // A document would end there, and nobody would look at the rest.
                (Shape::At(at), Shape::At(first)) if at < first => return Err(Odd::Unusual),
                (Shape::At(_), _) => {}
                (Shape::End, _) => break,
            }
            piece.append(self.lines.take());
            if piece.len() > LONGEST_PIECE {
                return Err(Odd::TooLarge(format!("a version of {chart} has more than {LONGEST_PIECE} bytes")));
            }
        }
        let wrong = |what: &str| Odd::Wrong(format!("{what} (a version of {})", chart::text::quote(chart)));
        let value = goyaml::from_yaml_strict(&piece).map_err(|error| wrong(error.problem()))?;
        let entry = DECODER.entry(value).map_err(|what| wrong(&what))?;
        self.builder.take(chart, entry)
    }
}

/// Leaves to others what does not begin as a mapping in block style does: where a flow collection ends, a document would end, and nobody
/// would look at the rest.
fn begins_mapping(line: &[u8], at: usize) -> Result<(), Odd> {
    let first = line.get(at).copied().unwrap_or_default();
    if first.is_ascii_alphanumeric() || b"\"'_".contains(&first) { Ok(()) } else { Err(Odd::Unusual) }
}

/// Tells whether a line says `entries:` with nothing behind it; one with characters that go-yaml does not take is read, and refused, as
/// part of the head.
fn is_entries(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"entries:") else { return false };
    let after = rest.trim_ascii();
    (after.is_empty() || rest.starts_with(b" ") && after.starts_with(b"#")) && is_readable(unbroken(rest))
}
