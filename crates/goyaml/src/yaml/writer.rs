//! Writing YAML: go-yaml's encoder and libyaml's emitter as one writer (`encode.go`, `emitterc.go`).

use super::analysis::{Analysis, analyze};
use super::resolve::{Version, is_plain_string};
use crate::emit::Sink;
use crate::float::format_float_g;
use crate::order::KeyOrder;
use crate::utf8::into_string;

/// How far apart two levels stand.
const INDENT: usize = 2;
/// The longest key that is written before its value without `? `.
const SIMPLE_KEY: usize = 128;

/// Where the next node belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Seq,
    /// A mapping; whether the key at hand was written without `? `.
    Map {
        simple: bool,
    },
    /// `[]` or `{}`.
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Writes YAML with the bytes of go-yaml; [`crate::to_yaml`] adds what Helm's way through JSON does to the values.
#[derive(Debug)]
pub struct YamlWriter {
    pub(super) out: Vec<u8>,
    pub(super) version: Version,
    pub(super) column: usize,
    pub(super) indent: Option<usize>,
    indents: Vec<Option<usize>>,
    pub(super) whitespace: bool,
    pub(super) indention: bool,
    /// The column behind which go-yaml breaks a line at the next space.
    pub(super) best_width: usize,
    frames: Vec<Frame>,
    /// Whether the node at hand is the value or key of a mapping.
    mapping_context: bool,
}

impl YamlWriter {
    fn new(version: Version, best_width: usize) -> Self {
        Self {
            out: Vec::new(),
            version,
            column: 0,
            indent: None,
            indents: Vec::new(),
            whitespace: true,
            indention: true,
            best_width,
            frames: Vec::new(),
            mapping_context: false,
        }
    }

    /// Writes as go-yaml v2, without the way through JSON.
    pub fn v2() -> Self {
        Self::new(Version::V2, 80)
    }

    /// Writes as go-yaml v3 with an indent of two, as Helm's `toYamlPretty`.
    pub fn v3() -> Self {
        Self::new(Version::V3, usize::MAX)
    }

    /// Returns what was written, with the line break at the end.
    pub fn finish(mut self) -> String {
        self.write_indent();
        into_string(self.out)
    }

    pub(super) fn put(&mut self, c: u8) {
        self.out.push(c);
        self.column += 1;
    }

    pub(super) fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
        if self.version == Version::V3 {
            self.indention = true;
        }
    }

    pub(super) fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.column < indent {
            self.out.resize(self.out.len() + indent - self.column, b' ');
            self.column = indent;
        }
        self.whitespace = true;
        if self.version == Version::V2 {
            self.indention = true;
        }
    }

    pub(super) fn indicator(&mut self, text: &[u8], need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(b' ');
        }
        self.out.extend_from_slice(text);
        self.column += text.len();
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    fn increase_indent(&mut self, flow: bool, indentless: bool) {
        self.indents.push(self.indent);
        self.indent = match self.indent {
            None => Some(if flow { INDENT } else { 0 }),
            Some(indent) if indentless => Some(indent),
            Some(indent) => Some(indent + INDENT),
        };
    }

    fn decrease_indent(&mut self) {
        self.indent = self.indents.pop().flatten();
    }

    /// Writes what stands before a node, by what it is in.
    fn before_node(&mut self) {
        match self.frames.last() {
            None | Some(Frame::Empty) => self.mapping_context = false,
            Some(Frame::Seq) => {
                self.write_indent();
                self.indicator(b"-", true, false, true);
                self.mapping_context = false;
            }
            Some(Frame::Map { simple: true }) => {
                self.indicator(b":", false, false, false);
                self.mapping_context = true;
            }
            Some(Frame::Map { simple: false }) => {
                self.write_indent();
                self.indicator(b":", true, false, true);
                self.mapping_context = true;
            }
        }
    }

    fn begin(&mut self, len: usize, frame: Frame, open: &[u8]) {
        self.before_node();
        if len == 0 {
            self.indicator(open, true, true, false);
            self.frames.push(Frame::Empty);
            return;
        }
        // Only go-yaml v2 keeps the items of a sequence under a key at the column of the key.
        let indentless = frame == Frame::Seq && self.version == Version::V2 && self.mapping_context && !self.indention;
        self.increase_indent(false, indentless);
        self.frames.push(frame);
    }

    fn end(&mut self, close: &[u8]) {
        match self.frames.pop() {
            Some(Frame::Empty) => self.indicator(close, false, false, false),
            Some(_) => self.decrease_indent(),
            None => {}
        }
    }

    /// Writes what is plain in any place.
    fn plain_value(&mut self, text: &str) {
        self.before_node();
        self.write_plain(text.as_bytes(), false);
    }

    /// Writes a string that is valid.
    pub(super) fn text(&mut self, value: &str) {
        self.before_node();
        let style = self.preferred(value.as_bytes());
        self.scalar(value.as_bytes(), None, style, false);
    }

    /// Writes a number that is printed already.
    pub(super) fn number(&mut self, text: &str) {
        self.plain_value(text);
    }

    /// Writes a scalar in the style asked for or the next one that can hold it.
    fn scalar(&mut self, value: &[u8], analysis: Option<Analysis>, style: Style, simple_key: bool) {
        let analysis = analysis.unwrap_or_else(|| analyze(value, self.version));
        self.increase_indent(true, false);
        match allowed(style, analysis, value.is_empty(), simple_key) {
            Style::Plain => self.write_plain(value, !simple_key),
            Style::Single => self.write_single(value, !simple_key),
            Style::Double => self.write_double(value, !simple_key),
            Style::Literal => self.write_literal(value),
        }
        self.decrease_indent();
    }

    fn preferred(&self, value: &[u8]) -> Style {
        if value.contains(&b'\n') {
            Style::Literal
        } else if is_plain_string(value, self.version) {
            Style::Plain
        } else {
            Style::Double
        }
    }

    /// Writes what is no UTF-8 as base64 under a tag.
    fn binary(&mut self, value: &[u8], simple_key: bool) {
        let text = super::base64::encode_lines(value);
        if !self.whitespace {
            self.put(b' ');
        }
        self.indicator(b"!!binary", false, false, false);
        let style = if text.contains(&b'\n') { Style::Literal } else { Style::Plain };
        self.scalar(&text, None, style, simple_key);
    }
}

/// Falls back from a style that cannot hold the value.
fn allowed(style: Style, analysis: Analysis, empty: bool, simple_key: bool) -> Style {
    let style = if simple_key && analysis.multiline { Style::Double } else { style };
    let style = match style {
        Style::Plain if !analysis.plain || (empty && simple_key) => Style::Single,
        other => other,
    };
    match style {
        Style::Single if !analysis.single_quoted => Style::Double,
        Style::Literal if !analysis.block || simple_key => Style::Double,
        other => other,
    }
}

impl Sink for YamlWriter {
    fn null(&mut self) {
        self.plain_value("null");
    }

    fn bool(&mut self, value: bool) {
        self.plain_value(if value { "true" } else { "false" });
    }

    fn int(&mut self, value: i64) {
        self.plain_value(&value.to_string());
    }

    fn uint(&mut self, value: u64) {
        self.plain_value(&value.to_string());
    }

    fn float(&mut self, value: f64) {
        if value.is_finite() {
            self.plain_value(&format_float_g(value));
        } else if value.is_nan() {
            self.plain_value(".nan");
        } else {
            self.plain_value(if value > 0.0 { ".inf" } else { "-.inf" });
        }
    }

    fn str(&mut self, value: &[u8]) {
        if let Ok(text) = std::str::from_utf8(value) {
            self.text(text);
        } else {
            self.before_node();
            self.binary(value, false);
        }
    }

    fn begin_seq(&mut self, len: usize) {
        self.begin(len, Frame::Seq, b"[");
    }

    fn end_seq(&mut self) {
        self.end(b"]");
    }

    fn begin_map(&mut self, len: usize) {
        self.begin(len, Frame::Map { simple: true }, b"{");
    }

    fn key(&mut self, key: &[u8]) {
        self.write_indent();
        self.mapping_context = true;
        let binary = std::str::from_utf8(key).is_err();
        let (analysis, len) = if binary {
            let text = super::base64::encode_lines(key);
            (analyze(&text, self.version), text.len() + "!!binary".len())
        } else {
            (analyze(key, self.version), key.len())
        };
        let simple = !analysis.multiline && len <= SIMPLE_KEY;
        if !simple {
            self.indicator(b"?", true, false, true);
        }
        if binary {
            self.binary(key, simple);
        } else {
            let style = self.preferred(key);
            self.scalar(key, Some(analysis), style, simple);
        }
        if let Some(frame) = self.frames.last_mut() {
            *frame = Frame::Map { simple };
        }
    }

    fn end_map(&mut self) {
        self.end(b"}");
    }

    fn order(&self) -> KeyOrder {
        match self.version {
            Version::V2 => KeyOrder::Natural,
            Version::V3 => KeyOrder::NaturalV3,
        }
    }

    fn timestamp(&mut self, value: &[u8]) {
        match std::str::from_utf8(value) {
            Ok(text) if self.version == Version::V3 => self.plain_value(text),
            _ => self.str(value),
        }
    }

    fn reflects(&self) -> bool {
        self.version == Version::V3
    }
}
