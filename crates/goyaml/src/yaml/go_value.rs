//! Values of the types that go-yaml decodes into, printed as Go's `%#v`.

use std::cmp::Ordering;

use crate::float::format_float_g;

#[derive(Clone, Debug)]
pub(super) enum GoValue {
    Nil,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Str(Vec<u8>),
    Seq(Vec<GoValue>),
    /// A `map[interface {}]interface {}`.
    Map(Vec<(GoValue, GoValue)>),
}

impl GoValue {
    /// Go's name of the type, as `%s` prints it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "%!s(<nil>)",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint64",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Seq(_) => "[]interface {}",
            Self::Map(_) => "map[interface {}]interface {}",
        }
    }

    /// What makes a key the same as another; nothing for what equals nothing, as NaN.
    pub(super) fn identity(&self) -> Option<Vec<u8>> {
        let tagged = |tag: u8, bytes: &[u8]| Some([&[tag], bytes].concat());
        match self {
            Self::Nil => tagged(0, &[]),
            Self::Bool(b) => tagged(1, &[u8::from(*b)]),
            Self::Int(i) => tagged(2, &i.to_be_bytes()),
            Self::Uint(u) => tagged(3, &u.to_be_bytes()),
            Self::Float(f) if f.is_nan() => None,
            // Adding zero makes the two zeros one.
            Self::Float(f) => tagged(4, &(f + 0.0).to_be_bytes()),
            Self::Str(s) => tagged(5, s),
            Self::Seq(_) | Self::Map(_) => None,
        }
    }

    /// Prints as Go's `%#v`.
    pub(super) fn go_syntax(&self) -> String {
        match self {
            Self::Nil => "<nil>".to_owned(),
            _ => {
                let mut out = String::new();
                self.write(&mut out);
                out
            }
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Nil => out.push_str("interface {}(nil)"),
            Self::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Self::Int(i) => out.push_str(&i.to_string()),
            Self::Uint(u) => out.push_str(&format!("{u:#x}")),
            Self::Float(f) => out.push_str(&format_float_g(*f)),
            Self::Str(s) => quote(s, out),
            Self::Seq(items) => {
                out.push_str("[]interface {}{");
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    item.write(out);
                }
                out.push('}');
            }
            Self::Map(pairs) => {
                let mut pairs: Vec<_> = pairs.iter().collect();
                pairs.sort_by(|(a, _), (b, _)| a.rank(b));
                out.push_str("map[interface {}]interface {}{");
                for (i, (key, value)) in pairs.into_iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    key.write(out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// The order in which `fmt` prints keys: those of a type by value, and types by where the linker put them, which
    /// is the same in Helm and every other program that was looked at.
    fn rank(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Uint(a), Self::Uint(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => {
                (!a.is_nan(), a).partial_cmp(&(!b.is_nan(), b)).unwrap_or(Ordering::Equal)
            }
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (a, b) => a.kind().cmp(&b.kind()),
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Nil => 0,
            Self::Str(_) => 1,
            Self::Uint(_) => 2,
            Self::Int(_) => 3,
            Self::Float(_) => 4,
            Self::Bool(_) => 5,
            Self::Seq(_) | Self::Map(_) => 6,
        }
    }
}

/// Quotes as Go's `strconv.Quote`.
fn quote(text: &[u8], out: &mut String) {
    out.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\u{7}' => out.push_str("\\a"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{b}' => out.push_str("\\v"),
                ' '..='~' => out.push(c),
                '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
                _ if is_print(c) => out.push(c),
                '\u{80}'..='\u{ffff}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                _ => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
}

/// Go's `strconv.IsPrint`: Rust has the same notion inside its debug output, apart from combining characters, which
/// it escapes at the beginning only.
fn is_print(c: char) -> bool {
    let pair: String = ['a', c].into_iter().collect();
    pair.escape_debug().count() == 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_syntax() {
        let map = GoValue::Map(vec![
            (GoValue::Str("b".into()), GoValue::Nil),
            (GoValue::Str("a\n\u{301}\u{a0}é".into()), GoValue::Seq(vec![GoValue::Int(1), GoValue::Float(1e21)])),
        ]);
        assert_eq!(
            map.go_syntax(),
            "map[interface {}]interface {}{\"a\\n\u{301}\\u00a0é\":[]interface {}{1, 1e+21}, \"b\":interface {}(nil)}"
        );
        assert_eq!(GoValue::Nil.go_syntax(), "<nil>");
        assert_eq!(GoValue::Uint(1 << 63).go_syntax(), "0x8000000000000000");
    }
}
