//! Escaping for HTML, JavaScript and URL queries, as the functions of text/template do it.

use std::fmt::Write as _;

use crate::strconv::{decode_rune, is_print};

/// `html`.
pub(super) fn html(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            _ => out.push(byte),
        }
    }
    out
}

/// `js`.
pub(super) fn js(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (rune, width) = decode_rune(rest);
        let (this, after) = rest.split_at(width.min(rest.len()));
        rest = after;
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\'' => out.extend_from_slice(b"\\'"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'<' | b'>' | b'&' | b'=' | 0..=0x1F => push_unicode(&mut out, rune),
            _ if byte < 0x80 || is_print(rune) => out.extend_from_slice(this),
            _ => push_unicode(&mut out, rune),
        }
    }
    out
}

fn push_unicode(out: &mut Vec<u8>, rune: u32) {
    let mut text = String::new();
    let _ = write!(text, "\\u{rune:04X}");
    out.extend_from_slice(text.as_bytes());
}

/// `urlquery`, as `url.QueryEscape`.
pub(super) fn url_query(text: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out
}
