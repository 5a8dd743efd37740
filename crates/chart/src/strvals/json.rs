//! One JSON value at the front of a text, as Go's `json.Decoder` takes it.

use goyaml::Value;

/// Reads a value and gives the length of what was read.
///
/// # Errors
/// Go's text when there is no whole value.
pub(super) fn take(text: &str) -> Result<(Value, usize), String> {
    let bytes = text.as_bytes();
    let start = bytes.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).count();
    let rest = bytes.get(start..).unwrap_or_default();
    let len = match rest.first() {
        Some(b'{' | b'[') => nested(rest),
        Some(b'"') => string(rest),
        Some(b'-' | b'0'..=b'9') => number(rest),
        Some(_) => ["true", "false", "null"].iter().find(|word| rest.starts_with(word.as_bytes())).map(|w| w.len()),
        None => None,
    };
    let end = len.map_or(text.len(), |len| start + len);
    let value = goyaml::from_json(text.get(..end).unwrap_or(text)).map_err(|e| {
        // A decoder waits for more where a whole text would be at its end.
        let text = e.to_string();
        let cut_short = text == "unexpected end of JSON input" || number_is_cut_short(rest) || word_is_cut_short(rest);
        if cut_short { "unexpected EOF".to_owned() } else { text }
    })?;
    Ok((value, end))
}

fn string(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn nested(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'"' => {
                at += string(bytes.get(at..)?)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
}

/// Measures a number: a leading zero ends it, so that `01` is `0` and then something else.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match bytes.get(at)? {
        b'0' => 1,
        b'1'..=b'9' => digits(at),
        _ => return None,
    };
    if bytes.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return None,
            n => at += 1 + n,
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return None,
            n => at += 1 + sign + n,
        }
    }
    Some(at)
}

/// Tells whether the text ends in the middle of a number.
fn number_is_cut_short(bytes: &[u8]) -> bool {
    let digit_at_end = [bytes, b"0"].concat();
    matches!(bytes.first(), Some(b'-' | b'0'..=b'9'))
        && number(bytes).is_none()
        && number(&digit_at_end) == Some(digit_at_end.len())
}

/// Tells whether the text ends in the middle of a word.
fn word_is_cut_short(bytes: &[u8]) -> bool {
    ["true", "false", "null"].iter().any(|word| !bytes.is_empty() && word.as_bytes().starts_with(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_value() {
        for (text, want) in
            [("1,b=2", 1), (" {\"a\":[\"}\\\"\"]} x", 14), ("01", 1), ("-1.5e+3x", 7), ("true]", 4), ("\"a\\\\\"b", 5)]
        {
            assert_eq!(take(text).unwrap().1, want, "{text}");
        }
    }
}
