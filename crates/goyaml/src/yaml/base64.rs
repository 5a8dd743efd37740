//! Base64 as go-yaml's `!!binary` has it.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Encodes in lines of 70, each with a line break as soon as there could be more than one (`encodeBase64`).
pub(crate) fn encode_lines(data: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(data.len() / 3 * 4 + 4);
    for chunk in data.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let index = usize::try_from(bits >> (18 - 6 * i) & 63).unwrap_or(0);
            text.push(if i > chunk.len() { b'=' } else { ALPHABET.get(index).copied().unwrap_or(b'=') });
        }
    }
    if text.len() < 70 {
        return text;
    }
    text.chunks(70).flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// Decodes as Go's `base64.StdEncoding`: line breaks are passed over, padding is needed.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let clean: Vec<u8> = text.iter().copied().filter(|c| !matches!(c, b'\r' | b'\n')).collect();
    if !clean.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::with_capacity(clean.len() / 4 * 3);
    let groups = clean.len() / 4;
    for (n, group) in clean.chunks(4).enumerate() {
        let padding = group.iter().rev().take_while(|&&c| c == b'=').count();
        if padding > 2 || (padding > 0 && n + 1 < groups) {
            return None;
        }
        let mut bits = 0u32;
        for &c in group.iter().take(4 - padding) {
            let index = ALPHABET.iter().position(|&a| a == c)?;
            bits = bits << 6 | u32::try_from(index).ok()?;
        }
        bits <<= 6 * padding;
        out.extend(bits.to_be_bytes().iter().skip(1).take(3 - padding));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        assert_eq!(encode_lines(b"\xff\xfe"), b"//4=");
        assert_eq!(decode(b"//4="), Some(b"\xff\xfe".to_vec()));
        assert_eq!(decode(b"aGk\n="), Some(b"hi".to_vec()));
        for bad in ["a", "aGk", "=aGk", "a===", "aG=k", "aG==aGk=", "a*k="] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
        let long = encode_lines(&[0xff; 60]);
        assert_eq!(long.iter().filter(|&&c| c == b'\n').count(), 2);
        assert_eq!(decode(&long), Some(vec![0xff; 60]));
    }
}
