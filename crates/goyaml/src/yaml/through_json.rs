//! `sigs.k8s.io/yaml` `Marshal`: JSON first, which go-yaml v2 reads and prints.

use super::writer::YamlWriter;
use crate::emit::{Emit, Sink};
use crate::error::Error;
use crate::float::{EXACT, format_float_g, format_float_json, small_integer};
use crate::json::JsonWriter;
use crate::order::KeyOrder;
use crate::utf8::to_valid;

/// The longest key that surely stays a simple one in JSON: an escape takes six bytes, and go-yaml looks back 1024.
const SAFE_KEY: usize = 160;

/// Writes as `sigs.k8s.io/yaml` `Marshal`, which Helm's `toYaml` calls; ends with a line break.
///
/// # Errors
/// What JSON has no number for, and characters that go-yaml refuses to read back, such as U+007F.
pub fn to_yaml<E: Emit + ?Sized>(value: &E) -> Result<String, Error> {
    let mut writer = ThroughJson { inner: YamlWriter::v2(), odd: false, depth: 0 };
    value.emit(&mut writer);
    if !writer.odd {
        return Ok(writer.inner.finish());
    }
    let mut json = JsonWriter::compact();
    value.emit(&mut json);
    let json = json.into_bytes().map_err(|e| e.wrapped("error marshaling into JSON: "))?;
    let tree = super::read::from_json_text(&json)?;
    let mut writer = YamlWriter::v2();
    tree.emit(&mut writer);
    Ok(writer.finish())
}

/// Writes at once what the way through JSON would give, and notices where only the way itself can tell.
struct ThroughJson {
    inner: YamlWriter,
    odd: bool,
    depth: usize,
}

impl ThroughJson {
    fn check(&mut self, text: &str) {
        self.odd = self.odd || is_odd(text.as_bytes());
    }
}

/// Tells whether there is a character that reading back refuses or changes: U+007F to U+009F, U+FFFE and U+FFFF.
fn is_odd(text: &[u8]) -> bool {
    if !text.iter().any(|&c| c == 0x7F || c == 0xC2 || c == 0xEF) {
        return false;
    }
    text.contains(&0x7F)
        || text.windows(2).any(|w| matches!(w, [0xC2, 0x80..=0x9F]))
        || text.windows(3).any(|w| matches!(w, [0xEF, 0xBF, 0xBE | 0xBF]))
}

impl Sink for ThroughJson {
    fn null(&mut self) {
        self.inner.null();
    }

    fn bool(&mut self, value: bool) {
        self.inner.bool(value);
    }

    fn int(&mut self, value: i64) {
        self.inner.int(value);
    }

    fn uint(&mut self, value: u64) {
        self.inner.uint(value);
    }

    fn float(&mut self, value: f64) {
        if let Some(i) = small_integer(value, EXACT) {
            self.inner.int(i);
            return;
        }
        let Some(text) = format_float_json(value) else {
            self.odd = true;
            return;
        };
        // Read back, what JSON printed without a point is an integer if it fits one.
        if let Ok(i) = text.parse::<i64>() {
            self.inner.int(i);
        } else if let Ok(u) = text.parse::<u64>() {
            self.inner.uint(u);
        } else {
            self.inner.number(&format_float_g(value));
        }
    }

    fn str(&mut self, value: &[u8]) {
        let text = to_valid(value);
        self.check(&text);
        self.inner.text(&text);
    }

    fn begin_seq(&mut self, len: usize) {
        self.depth += 1;
        self.odd = self.odd || self.depth >= crate::MAX_DEPTH;
        self.inner.begin_seq(len);
    }

    fn end_seq(&mut self) {
        self.depth -= 1;
        self.inner.end_seq();
    }

    fn begin_map(&mut self, len: usize) {
        self.depth += 1;
        self.odd = self.odd || self.depth >= crate::MAX_DEPTH;
        self.inner.begin_map(len);
    }

    fn key(&mut self, key: &[u8]) {
        let text = to_valid(key);
        // Different invalid keys may become one; long ones are not found as keys again.
        self.odd = self.odd || key.len() > SAFE_KEY || matches!(text, std::borrow::Cow::Owned(_));
        self.check(&text);
        self.inner.key(text.as_bytes());
    }

    fn end_map(&mut self) {
        self.depth -= 1;
        self.inner.end_map();
    }

    fn order(&self) -> KeyOrder {
        KeyOrder::Natural
    }
}
