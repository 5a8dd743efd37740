//! Go's `encoding/base64` and `encoding/base32`, with its error texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Encodes in standard base64.
pub(crate) fn encode64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

fn value64(b: u8) -> Option<u32> {
    Some(u32::from(match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Decodes standard base64 as Go does: line breaks are skipped, bits left over are not looked at.
pub(crate) fn decode64(src: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base64 data at input byte {at}");
    let mut out = Vec::with_capacity(src.len() / 4 * 3);
    let mut at = 0;
    let newline = |at: usize| matches!(src.get(at), Some(b'\n' | b'\r'));
    while at < src.len() {
        let (mut quantum, mut len) = (0u32, 0);
        let mut full = true;
        while len < 4 {
            let Some(&b) = src.get(at) else {
                if len == 0 {
                    return Ok(out);
                }
                return Err(corrupt(at - len));
            };
            at += 1;
            if let Some(v) = value64(b) {
                quantum = quantum << 6 | v;
                len += 1;
                continue;
            }
            if b == b'\n' || b == b'\r' {
                continue;
            }
            if b != b'=' || len < 2 {
                return Err(corrupt(at - 1));
            }
            if len == 2 {
                while newline(at) {
                    at += 1;
                }
                match src.get(at) {
                    None => return Err(corrupt(src.len())),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(corrupt(at - 1)),
                }
            }
            while newline(at) {
                at += 1;
            }
            if at < src.len() {
                return Err(corrupt(at));
            }
            full = false;
            break;
        }
        quantum <<= 6 * (4 - len);
        let bytes = quantum.to_be_bytes();
        let take = if full { 3 } else { len - 1 };
        out.extend_from_slice(bytes.get(1..1 + take).unwrap_or(&[]));
    }
    Ok(out)
}

const ALPHABET32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Encodes in standard base32.
pub(crate) fn encode32(data: &[u8]) -> String {
    let mut out = String::with_capacity(data.len().div_ceil(5) * 8);
    for chunk in data.chunks(5) {
        let bits = chunk.iter().fold(0u64, |bits, b| bits << 8 | u64::from(*b)) << (8 * (5 - chunk.len()));
        let used = (chunk.len() * 8).div_ceil(5);
        for at in 0..8 {
            let index = (bits >> (35 - 5 * at) & 31) as usize;
            out.push(if at < used { ALPHABET32.get(index).map_or('=', |b| char::from(*b)) } else { '=' });
        }
    }
    out
}

/// Decodes standard base32 as Go does.
pub(crate) fn decode32(src: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| format!("illegal base32 data at input byte {at}");
    let src: Vec<u8> = src.iter().copied().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    let mut out = Vec::with_capacity(src.len() / 8 * 5);
    let mut at = 0;
    while at < src.len() {
        let (mut bits, mut len, mut end) = (0u64, 0, false);
        while len < 8 {
            let Some(&b) = src.get(at) else { return Err(corrupt(at - len)) };
            at += 1;
            let left = src.len() - at;
            if b == b'=' && len >= 2 && left < 8 {
                if left + len < 7 {
                    return Err(corrupt(src.len()));
                }
                for k in 0..7 - len {
                    if src.get(at + k).is_some_and(|b| *b != b'=') {
                        return Err(corrupt(at + k - 1));
                    }
                }
                if matches!(len, 1 | 3 | 6) {
                    return Err(corrupt(at - 1));
                }
                end = true;
                break;
            }
            let Some(v) = ALPHABET32.iter().position(|a| *a == b) else { return Err(corrupt(at - 1)) };
            bits = bits << 5 | v as u64;
            len += 1;
        }
        bits <<= 5 * (8 - len);
        let bytes = bits.to_be_bytes();
        out.extend_from_slice(bytes.get(3..3 + len * 5 / 8).unwrap_or(&[]));
        if end {
            break;
        }
    }
    Ok(out)
}
