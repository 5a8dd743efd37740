//! Text as Go prints it: quoting, `%v`, and the clean-up Helm does on metadata.

use std::fmt::Write as _;

use goyaml::Value;

/// Tells whether a character is printable, as Go's `unicode.IsPrint`.
#[must_use]
pub fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Rust's `Debug` for strings holds the table of what is printable. A leading `a` keeps combining marks as they are.
    let mut text = String::with_capacity(8);
    text.push('a');
    text.push(c);
    text.escape_debug().nth(1) == Some(c)
}

/// Quotes a string as Go's `strconv.Quote` (and `%q`) does.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        quote_char(&mut out, c, '"');
    }
    out.push('"');
    out
}

/// Quotes one character as Go's `%q` of a rune does.
#[must_use]
pub fn quote_rune(c: char) -> String {
    let mut out = String::with_capacity(4);
    out.push('\'');
    quote_char(&mut out, c, '\'');
    out.push('\'');
    out
}

fn quote_char(out: &mut String, c: char, mark: char) {
    match c {
        _ if c == mark || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        '\u{07}' => out.push_str("\\a"),
        '\u{08}' => out.push_str("\\b"),
        '\u{0c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{0b}' => out.push_str("\\v"),
        _ if is_print(c) => out.push(c),
        _ if (c as u32) < 0x80 => _ = write!(out, "\\x{:02x}", c as u32),
        _ if (c as u32) < 0x10000 => _ = write!(out, "\\u{:04x}", c as u32),
        _ => _ = write!(out, "\\U{:08x}", c as u32),
    }
}

/// Turns every kind of space into a space and drops what cannot be printed
/// (as Helm 4.3: `pkg/chart/v2/metadata.go`).
#[must_use]
pub fn sanitize(text: &str) -> String {
    if text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        return text.to_owned();
    }
    text.chars().filter_map(|c| if c.is_whitespace() { Some(' ') } else { is_print(c).then_some(c) }).collect()
}

/// Formats a value as Go's `%v` does.
#[must_use]
pub fn display(value: &Value) -> String {
    let mut out = String::new();
    write_display(&mut out, value);
    out
}

fn write_display(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("<nil>"),
        Value::Bool(b) => _ = write!(out, "{b}"),
        Value::Int(i) => _ = write!(out, "{i}"),
        Value::Uint(u) => _ = write!(out, "{u}"),
        Value::Float(f) => out.push_str(&goyaml::format_float_g(*f)),
        Value::Str(s) => out.push_str(s),
        Value::Seq(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                write_display(out, item);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(' ');
                }
                out.push_str(key);
                out.push(':');
                write_display(out, item);
            }
            out.push(']');
        }
    }
}

/// Formats a value as Go's `%t` does, which most values are not fit for.
#[must_use]
pub(crate) fn display_bool(value: &Value) -> String {
    match value {
        Value::Bool(b) => b.to_string(),
        Value::Null => "%!t(<nil>)".to_owned(),
        Value::Seq(items) => format!("[{}]", items.iter().map(display_bool_within).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            // `%t` applies to the keys too.
            let pairs: Vec<_> =
                map.iter().map(|(k, v)| format!("%!t(string={k}):{}", display_bool_within(v))).collect();
            format!("map[{}]", pairs.join(" "))
        }
        other => format!("%!t({}={})", type_name(other), display(other)),
    }
}

/// Of a part of a value Go says nothing when it is nil.
fn display_bool_within(value: &Value) -> String {
    if *value == Value::Null { "<nil>".to_owned() } else { display_bool(value) }
}

/// Names the Go type that holds a value, as `%T` prints it.
#[must_use]
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int64",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Str(_) => "string",
        Value::Seq(_) => "[]interface {}",
        Value::Map(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go() {
        for (text, want) in [
            ("a", r#""a""#),
            ("a\"b\\", r#""a\"b\\""#),
            ("\u{07}\n\u{1b}é\u{301}", "\"\\a\\n\\x1bé\u{301}\""),
            ("\u{202e}\u{feff}\u{10ffff}", r#""\u202e\ufeff\U0010ffff""#),
            ("\u{a0}", r#""\u00a0""#),
        ] {
            assert_eq!(quote(text), want);
        }
        assert_eq!(quote_rune('\''), r"'\''");
        assert_eq!(quote_rune('"'), "'\"'");
    }

    #[test]
    fn sanitizes_as_helm() {
        assert_eq!(sanitize("a\tb\u{a0}c\u{1b}[31m\u{202e}d\u{301}"), "a b c[31md\u{301}");
    }

    #[test]
    fn displays_as_go() {
        let map =
            Value::Map([("b".to_owned(), Value::Float(1e6)), ("a".to_owned(), Value::Seq(vec![Value::Null]))].into());
        assert_eq!(display(&map), "map[a:[<nil>] b:1e+06]");
        assert_eq!(display_bool(&Value::Str("x".to_owned())), "%!t(string=x)");
        assert_eq!(display_bool(&Value::Seq(vec![Value::Float(1.5)])), "[%!t(float64=1.5)]");
        assert_eq!(display_bool(&Value::Null), "%!t(<nil>)");
    }
}
