//! UTF-8 as Go decodes it: every byte that belongs to no character becomes U+FFFD on its own.

use std::borrow::Cow;

/// Returns `bytes` as text, each invalid byte replaced as Go's `range` over a string does.
pub(crate) fn to_valid(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(s) => Cow::Borrowed(s),
        Err(_) => Cow::Owned(replace(bytes)),
    }
}

fn replace(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        // Rust takes a cut-off sequence as one unit, Go takes each byte of it.
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    out
}

/// Turns output that is built of whole characters into text.
pub(crate) fn into_string(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| replace(e.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_replaced() {
        assert_eq!(to_valid(b"a\xe4\xb8b"), "a\u{fffd}\u{fffd}b");
        assert_eq!(to_valid("ä".as_bytes()), "ä");
    }
}
