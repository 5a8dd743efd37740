//! Which texts are looked at.

/// Gives the text if it has only characters that stand for themselves everywhere: no control characters but tabs and
/// line feeds, no byte order marks, and no line breaks that are not line feeds.
pub(super) fn is_ordinary(text: &[u8]) -> Option<&str> {
    // Without a branch, so that many bytes are looked at at once.
    let (mut odd, mut wide) = (false, false);
    for &byte in text {
        odd |= (byte < b' ' && byte != b'\n' && byte != b'\t') || byte == 0x7F;
        wide |= byte >= 0x80;
    }
    if odd {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    if wide
        && text
            .chars()
            .any(|c| matches!(c, '\u{80}'..='\u{9F}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}'))
    {
        return None;
    }
    Some(text)
}
