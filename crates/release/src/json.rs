//! JSON text as Go's `encoding/json` writes it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Writes compact JSON with Go's escapes (`<`, `>`, `&`, U+2028, U+2029) and Go's way with floats.
///
/// # Errors
/// What JSON cannot say, such as maps whose keys are no strings.
pub fn to_vec<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(1 << 14);
    value.serialize(&mut Serializer::with_formatter(&mut out, GoFormatter))?;
    Ok(out)
}

struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = format!("{value:e}");
            return match text.split_once('e') {
                Some((digits, exponent)) if !exponent.starts_with('-') => write!(writer, "{digits}e+{exponent}"),
                _ => writer.write_all(text.as_bytes()),
            };
        }
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let mut start = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let (escape, len) = match byte {
                b'<' => ("\\u003c", 1),
                b'>' => ("\\u003e", 1),
                b'&' => ("\\u0026", 1),
                0xe2 => match bytes.get(at + 1..at + 3) {
                    Some([0x80, 0xa8]) => ("\\u2028", 3),
                    Some([0x80, 0xa9]) => ("\\u2029", 3),
                    _ => continue,
                },
                _ => continue,
            };
            writer.write_all(bytes.get(start..at).unwrap_or_default())?;
            writer.write_all(escape.as_bytes())?;
            start = at + len;
        }
        writer.write_all(bytes.get(start..).unwrap_or_default())
    }
}

/// Tells how deep arrays and objects are nested in JSON text.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => {
                            bytes.next();
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    // Each right side was printed by Go 1.26: `json.Marshal`.
    #[test]
    fn numbers_as_go() {
        for (value, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (1e6, "1000000"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (1e-6, "0.000001"),
            (9.5e-7, "9.5e-7"),
            (1e-10, "1e-10"),
            (123_456_789.0, "123456789"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(String::from_utf8(to_vec(&value).unwrap()).unwrap(), want);
        }
    }

    #[test]
    fn strings_as_go() {
        for (value, want) in [
            ("<a&b>", r#""\u003ca\u0026b\u003e""#),
            ("\u{2028}x\u{2029}\u{2030}â", "\"\\u2028x\\u2029\u{2030}â\""),
            ("\u{8}\u{c}\n\r\t\"\\\u{1}\u{7f}", "\"\\b\\f\\n\\r\\t\\\"\\\\\\u0001\u{7f}\""),
        ] {
            assert_eq!(String::from_utf8(to_vec(&value).unwrap()).unwrap(), want);
        }
    }

    #[test]
    fn depths() {
        for (json, want) in [("1", 0), ("{}", 1), (r#"{"a":[[]]}"#, 3), (r#"["[[[\"[["]"#, 1)] {
            assert_eq!(depth(json.as_bytes()), want, "{json}");
        }
    }
}
