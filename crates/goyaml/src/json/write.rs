//! Writing JSON: `json.Marshal`, `json.MarshalIndent`, and an encoder without HTML escapes.

use crate::emit::{Emit, Sink};
use crate::error::Error;
use crate::float::{format_float_json, unsupported};
use crate::order::KeyOrder;
use crate::utf8::into_string;

/// Writes JSON with Go's bytes.
#[derive(Debug)]
pub struct JsonWriter {
    out: Vec<u8>,
    html: bool,
    indent: Option<usize>,
    /// For each open sequence or mapping, how many values it has so far.
    open: Vec<usize>,
    after_key: bool,
    error: Option<Error>,
}

impl JsonWriter {
    /// Writes as `json.Marshal`: in one line, with `<`, `>` and `&` escaped.
    pub fn compact() -> Self {
        Self { out: Vec::new(), html: true, indent: None, open: Vec::new(), after_key: false, error: None }
    }

    /// Writes as an encoder with `SetEscapeHTML(false)` (as Helm's `toRawJson`).
    pub fn raw() -> Self {
        Self { html: false, ..Self::compact() }
    }

    /// Writes as `json.MarshalIndent` with `indent` spaces (as Sprig's `toPrettyJson` with two).
    pub fn indented(indent: usize) -> Self {
        Self { indent: Some(indent), ..Self::compact() }
    }

    /// Returns what was written, or the error of the first value that JSON cannot hold.
    pub fn finish(self) -> Result<String, Error> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(into_string(self.out)),
        }
    }

    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, Error> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn before_value(&mut self) {
        if self.after_key {
            self.after_key = false;
        } else {
            self.next();
        }
    }

    /// Separates from what came before in the same sequence or mapping.
    fn next(&mut self) {
        let Some(count) = self.open.last_mut() else { return };
        *count += 1;
        if *count > 1 {
            self.out.push(b',');
        }
        self.new_line();
    }

    fn new_line(&mut self) {
        if let Some(indent) = self.indent {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + indent * self.open.len(), b' ');
        }
    }

    fn begin(&mut self, open: u8) {
        self.before_value();
        self.out.push(open);
        self.open.push(0);
    }

    fn end(&mut self, close: u8) {
        if self.open.pop().is_some_and(|count| count > 0) {
            self.new_line();
        }
        self.out.push(close);
    }

    fn quoted(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for chunk in text.utf8_chunks() {
            self.escaped(chunk.valid().as_bytes());
            for _ in chunk.invalid() {
                self.out.extend_from_slice(b"\\ufffd");
            }
        }
        self.out.push(b'"');
    }

    fn escaped(&mut self, text: &[u8]) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut rest = text;
        loop {
            let plain = rest.iter().take_while(|&&c| self.is_plain(c)).count();
            let (head, tail) = rest.split_at(plain);
            self.out.extend_from_slice(head);
            let Some((&c, after)) = tail.split_first() else { return };
            rest = after;
            match c {
                b'"' | b'\\' => self.out.extend_from_slice(&[b'\\', c]),
                0x08 => self.out.extend_from_slice(b"\\b"),
                0x0C => self.out.extend_from_slice(b"\\f"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                b'\r' => self.out.extend_from_slice(b"\\r"),
                b'\t' => self.out.extend_from_slice(b"\\t"),
                // U+2028 and U+2029 are E2 80 A8 and E2 80 A9; nothing else that begins with E2 is escaped.
                0xE2 => match after
                    .strip_prefix(b"\x80\xA8")
                    .map(|r| (b'8', r))
                    .or(after.strip_prefix(b"\x80\xA9").map(|r| (b'9', r)))
                {
                    Some((digit, next)) => {
                        self.out.extend_from_slice(b"\\u202");
                        self.out.push(digit);
                        rest = next;
                    }
                    None => self.out.push(c),
                },
                _ => {
                    let (high, low) = (usize::from(c >> 4), usize::from(c & 15));
                    self.out.extend_from_slice(b"\\u00");
                    self.out.extend([high, low].iter().filter_map(|&i| HEX.get(i)));
                }
            }
        }
    }

    fn is_plain(&self, c: u8) -> bool {
        match c {
            b'"' | b'\\' | 0xE2 => false,
            b'<' | b'>' | b'&' => !self.html,
            _ => c >= 0x20,
        }
    }

    fn raw_value(&mut self, text: &str) {
        self.before_value();
        self.out.extend_from_slice(text.as_bytes());
    }
}

impl Sink for JsonWriter {
    fn null(&mut self) {
        self.raw_value("null");
    }

    fn bool(&mut self, value: bool) {
        self.raw_value(if value { "true" } else { "false" });
    }

    fn int(&mut self, value: i64) {
        self.raw_value(&value.to_string());
    }

    fn uint(&mut self, value: u64) {
        self.raw_value(&value.to_string());
    }

    fn float(&mut self, value: f64) {
        match format_float_json(value) {
            Some(text) => self.raw_value(&text),
            None => {
                let problem = format!("json: unsupported value: {}", unsupported(value));
                self.error.get_or_insert_with(|| Error::json(problem));
            }
        }
    }

    fn str(&mut self, value: &[u8]) {
        self.before_value();
        self.quoted(value);
    }

    fn begin_seq(&mut self, _len: usize) {
        self.begin(b'[');
    }

    fn end_seq(&mut self) {
        self.end(b']');
    }

    fn begin_map(&mut self, _len: usize) {
        self.begin(b'{');
    }

    fn key(&mut self, key: &[u8]) {
        self.next();
        self.quoted(key);
        self.out.extend_from_slice(if self.indent.is_some() { b": " } else { b":" });
        self.after_key = true;
    }

    fn end_map(&mut self) {
        self.end(b'}');
    }

    fn order(&self) -> KeyOrder {
        KeyOrder::Bytes
    }
}

fn write<E: Emit + ?Sized>(value: &E, mut writer: JsonWriter) -> Result<String, Error> {
    value.emit(&mut writer);
    writer.finish()
}

/// Writes as Go's `json.Marshal`, which Helm's `toJson` calls.
pub fn to_json<E: Emit + ?Sized>(value: &E) -> Result<String, Error> {
    write(value, JsonWriter::compact())
}

/// Writes as [`to_json`] without HTML escapes, as Helm's `toRawJson`.
pub fn to_json_raw<E: Emit + ?Sized>(value: &E) -> Result<String, Error> {
    write(value, JsonWriter::raw())
}

/// Writes as Go's `json.MarshalIndent` with two spaces, as Sprig's `toPrettyJson`.
pub fn to_json_pretty<E: Emit + ?Sized>(value: &E) -> Result<String, Error> {
    write(value, JsonWriter::indented(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Value;

    #[test]
    fn escapes() {
        let value = Value::from("<a>&\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}\u{2028}€\u{2029}");
        assert_eq!(
            to_json(&value).unwrap(),
            "\"\\u003ca\\u003e\\u0026\\\"\\\\\\b\\f\\n\\r\\t\\u0001\u{7f}\\u2028€\\u2029\""
        );
        assert!(to_json_raw(&value).unwrap().starts_with("\"<a>&"));
        let mut writer = JsonWriter::compact();
        writer.str(b"a\xff\xe4\xb8");
        assert_eq!(writer.finish().unwrap(), r#""a\ufffd\ufffd\ufffd""#);
    }

    #[test]
    fn indentation() {
        let value = crate::from_json(r#"{"a":[],"b":{},"c":[1,{"d":null}]}"#).unwrap();
        assert_eq!(
            to_json_pretty(&value).unwrap(),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": null\n    }\n  ]\n}"
        );
        assert_eq!(to_json(&value).unwrap(), r#"{"a":[],"b":{},"c":[1,{"d":null}]}"#);
    }

    #[test]
    fn no_number() {
        let error = to_json(&Value::from(vec![f64::NEG_INFINITY, f64::NAN])).unwrap_err();
        assert_eq!(error.to_string(), "json: unsupported value: -Inf");
    }
}
