//! Reading JSON as `json.Unmarshal` does, with its error texts (Go 1.26: `encoding/json/scanner.go`, `decode.go`).

use crate::error::{Error, ErrorKind};
use crate::value::{Map, Value};

/// Reads JSON as Go decodes it into an `interface{}`: every number is a float.
pub fn from_json(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    whole(from_json_partial(text))
}

/// Reads JSON and keeps integers: `1` is [`Value::Int`], `1.0` and `1e3` are [`Value::Float`].
pub fn from_json_keep_ints(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    whole(Reader::new(text.as_ref(), true).document())
}

/// Reads JSON into a `map[string]interface {}`; `null` is an empty one.
pub fn from_json_map(text: impl AsRef<[u8]>) -> Result<Map, Error> {
    into_map(from_json(text)?)
}

/// Reads JSON into a `[]interface {}`; `null` is an empty one.
pub fn from_json_seq(text: impl AsRef<[u8]>) -> Result<Vec<Value>, Error> {
    into_seq(from_json(text)?)
}

/// Reads JSON and returns what Go's decoder leaves behind together with its error: after a number out of range (which
/// becomes `null`) the rest is decoded all the same, and Helm's `fromJson` shows it.
pub fn from_json_partial(text: impl AsRef<[u8]>) -> (Value, Option<Error>) {
    Reader::new(text.as_ref(), false).document()
}

fn whole((value, error): (Value, Option<Error>)) -> Result<Value, Error> {
    error.map_or(Ok(value), Err)
}

pub(crate) fn into_map(value: Value) -> Result<Map, Error> {
    match value {
        Value::Map(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(Error::unmarshal_type(other.json_kind(), "map[string]interface {}")),
    }
}

pub(crate) fn into_seq(value: Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Seq(items) => Ok(items),
        Value::Null => Ok(Vec::new()),
        other => Err(Error::unmarshal_type(other.json_kind(), "[]interface {}")),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    keep_ints: bool,
    /// The first number that is out of range; Go goes on after it.
    saved: Option<Error>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], keep_ints: bool) -> Self {
        Self { text, at: 0, depth: 0, keep_ints, saved: None }
    }

    fn document(mut self) -> (Value, Option<Error>) {
        let value = match self.value() {
            Ok(value) => value,
            Err(error) => return (Value::Null, Some(error)),
        };
        self.spaces();
        if self.at < self.text.len() {
            return (Value::Null, Some(self.invalid("after top-level value")));
        }
        (value, self.saved)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The error for the byte at hand; inside a token Go takes the end of the text for a space.
    fn invalid(&self, context: &str) -> Error {
        Error::json(format!("invalid character {} {context}", quote(self.peek().unwrap_or(b' '))))
    }

    /// As [`Self::invalid`] where a space would be fine, so that the end of the text is just that.
    fn invalid_or_end(&self, context: &str) -> Error {
        if self.at >= self.text.len() {
            return Error::json("unexpected end of JSON input");
        }
        self.invalid(context)
    }

    fn value(&mut self) -> Result<Value, Error> {
        self.spaces();
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::Str(self.string()?)),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.invalid_or_end("looking for beginning of value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.depth >= crate::MAX_DEPTH {
            return Err(self.invalid("exceeded max depth"));
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut map = Map::new();
        self.spaces();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(map));
        }
        loop {
            self.spaces();
            if self.peek() != Some(b'"') {
                return Err(self.invalid_or_end("looking for beginning of object key string"));
            }
            let key = self.string()?;
            self.spaces();
            if self.peek() != Some(b':') {
                return Err(self.invalid_or_end("after object key"));
            }
            self.at += 1;
            let value = self.value()?;
            map.insert(key, value);
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Map(map));
                }
                _ => return Err(self.invalid_or_end("after object key:value pair")),
            }
        }
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.spaces();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Seq(items));
        }
        loop {
            items.push(self.value()?);
            self.spaces();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::Seq(items));
                }
                _ => return Err(self.invalid_or_end("after array element")),
            }
        }
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, Error> {
        self.at += 1;
        for want in word.bytes().skip(1) {
            if self.peek() != Some(want) {
                return Err(self.invalid(&format!("in literal {word} (expecting '{}')", char::from(want))));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.at;
        let mut integral = true;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.invalid("in numeric literal")),
        }
        if self.peek() == Some(b'.') {
            integral = false;
            self.at += 1;
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.invalid("after decimal point in numeric literal"));
            }
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            integral = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if !matches!(self.peek(), Some(b'0'..=b'9')) {
                return Err(self.invalid("in exponent of numeric literal"));
            }
            self.digits();
        }
        let text = self.text.get(start..self.at).and_then(|t| std::str::from_utf8(t).ok()).unwrap_or_default();
        Ok(self.converted(text, integral))
    }

    fn converted(&mut self, text: &str, integral: bool) -> Value {
        if self.keep_ints && integral {
            if let Ok(i) = text.parse() {
                return Value::Int(i);
            }
            if let Ok(u) = text.parse() {
                return Value::Uint(u);
            }
        }
        match text.parse::<f64>() {
            Ok(f) if f.is_finite() => Value::Float(f),
            _ => {
                self.saved.get_or_insert_with(|| Error::unmarshal_type(&format!("number {text}"), "float64"));
                Value::Null
            }
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut out: Vec<u8> = Vec::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.iter().take_while(|&&c| c >= 0x20 && c != b'"' && c != b'\\').count();
            out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(crate::utf8::into_string(out));
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(self.invalid_or_end("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        let c = match self.peek() {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(c @ (b'\\' | b'/' | b'"')) => char::from(c),
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.invalid("in string escape code")),
        };
        self.at += 1;
        Ok(c)
    }

    /// Reads the digits after `\u`; surrogates count in pairs, a lone one becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hex4()?;
        if !(0xD800..0xE000).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
        }
        let here = self.at;
        if first < 0xDC00 && self.text.get(here..here + 2) == Some(b"\\u") {
            self.at += 2;
            if let Ok(second @ 0xDC00..0xE000) = self.hex4() {
                let c = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                return Ok(char::from_u32(c).unwrap_or('\u{fffd}'));
            }
            // Not a pair: what follows is read again, and complained about, as a character of its own.
            self.at = here;
        }
        Ok('\u{fffd}')
    }

    fn hex4(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|c| char::from(c).to_digit(16));
            let Some(digit) = digit else { return Err(self.invalid("in \\u hexadecimal character escape")) };
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }
}

/// Quotes a byte as `encoding/json` does in its errors: as the character of that number, in Go's syntax.
fn quote(c: u8) -> String {
    match c {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0C => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x0B => r"'\v'".to_owned(),
        0x20..=0x7E => format!("'{}'", char::from(c)),
        0x00..=0x1F | 0x7F => format!("'\\x{c:02x}'"),
        // Go prints what it calls printable, which leaves out the no-break space and the soft hyphen.
        0x80..=0xA0 | 0xAD => format!("'\\u{c:04x}'"),
        _ => format!("'{}'", char::from(c)),
    }
}

impl From<serde_json::Error> for Error {
    /// Keeps the text of `serde_json`; for typed decoding, where Go's own words are not needed.
    fn from(error: serde_json::Error) -> Self {
        Error::new(ErrorKind::Json, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        for (text, want) in [
            ("", "unexpected end of JSON input"),
            ("  ", "unexpected end of JSON input"),
            ("{", "unexpected end of JSON input"),
            ("[1", "unexpected end of JSON input"),
            ("\"a", "unexpected end of JSON input"),
            ("x", "invalid character 'x' looking for beginning of value"),
            ("é", "invalid character 'Ã' looking for beginning of value"),
            ("\u{1}", "invalid character '\\x01' looking for beginning of value"),
            ("'", "invalid character '\\'' looking for beginning of value"),
            ("{a", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\" 1", "invalid character '1' after object key"),
            ("{\"a\":1 \"", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("1 2", "invalid character '2' after top-level value"),
            ("01", "invalid character '1' after top-level value"),
            ("-", "invalid character ' ' in numeric literal"),
            ("1.", "invalid character ' ' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("tru", "invalid character ' ' in literal true (expecting 'e')"),
            ("nuxl", "invalid character 'x' in literal null (expecting 'l')"),
            ("\"\\q\"", "invalid character 'q' in string escape code"),
            ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("[1e400]", "json: cannot unmarshal number 1e400 into Go value of type float64"),
        ] {
            assert_eq!(from_json(text).unwrap_err().to_string(), want, "{text:?}");
        }
        assert_eq!(
            from_json_map("[]").unwrap_err().to_string(),
            "json: cannot unmarshal array into Go value of type map[string]interface {}"
        );
        assert!(from_json("[".repeat(100_000)).unwrap_err().to_string().ends_with("exceeded max depth"));
    }

    #[test]
    fn values() {
        assert_eq!(from_json(r#""\ud83d\ude00\ud83dx\/""#).unwrap(), Value::from("😀\u{fffd}x/"));
        assert_eq!(from_json(b"\"a\xff\"").unwrap(), Value::from("a\u{fffd}"));
        assert_eq!(from_json("[1,-0,2.5]").unwrap(), Value::from(vec![1.0, -0.0, 2.5]));
        let kept = from_json_keep_ints("[1,1.0,18446744073709551615]").unwrap();
        assert_eq!(kept, Value::Seq(vec![Value::Int(1), Value::Float(1.0), Value::Uint(u64::MAX)]));
        assert_eq!(from_json_map("null").unwrap(), Map::new());
        let (value, error) = from_json_partial(r#"{"a":1e999,"b":2}"#);
        assert_eq!(value.get("b"), Some(&Value::Float(2.0)));
        assert!(value.get("a").unwrap().is_null() && error.is_some());
    }
}
