//! Lines of Helm's log on standard error: Go's `log/slog` text, without the time.

use gotext::strconv::{decode_rune, is_print, quote};

/// How grave a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Only shown with `--debug`.
    Debug,
    /// Good to know.
    Info,
    /// Not as it should be.
    Warn,
    /// Wrong.
    Error,
}

/// Makes a line.
fn line(level: Level, message: &str, attributes: &[(&str, &str)]) -> String {
    let level = match level {
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warn => "WARN",
        Level::Error => "ERROR",
    };
    let mut line = format!("level={level} msg={}", text(message));
    for (key, value) in attributes {
        line.push_str(&format!(" {}={}", text(key), text(value)));
    }
    line
}

/// Writes a line to standard error.
pub(crate) fn log(level: Level, message: &str, attributes: &[(&str, &str)]) {
    eprintln!("{}", line(level, message, attributes));
}

/// A text, in quotes when it needs them (as Go's `log/slog` `needsQuoting`).
fn text(text: &str) -> String {
    let plain = |c: char| match c {
        ' ' | '"' | '=' | '\\' => c == '\\',
        c => is_print(decode_rune(c.encode_utf8(&mut [0; 4]).as_bytes()).0) && c != char::REPLACEMENT_CHARACTER,
    };
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quote(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_where_needed() {
        let attributes = [("error", "a \"b\""), ("path", "/a\\b"), ("version", "")];
        let want = r#"level=WARN msg="two words" error="a \"b\"" path=/a\b version="""#;
        assert_eq!(line(Level::Warn, "two words", &attributes), want);
    }
}
