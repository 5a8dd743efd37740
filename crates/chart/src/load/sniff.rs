//! Says what a file that is no archive seems to be, as Go's `http.DetectContentType`.

use super::LoadError;

/// Refuses a file that does not begin as a gzip stream, with a hint at what it is
/// (as Helm 4.3: `archive.EnsureArchive`).
pub(super) fn ensure_archive(name: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if bytes.starts_with(b"\x1f\x8b\x08") {
        return Ok(());
    }
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        return Err(LoadError::NotAnArchive(format!(
            "file '{name}' seems to be a YAML file, but expected a gzipped archive"
        )));
    }
    // Helm looks at a buffer of this size, whose rest is zero.
    let mut head = [0_u8; 512];
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    Err(LoadError::NotAnArchive(format!(
        "file '{name}' does not appear to be a gzipped archive; got '{}'",
        content_type(&head)
    )))
}

const HTML_TAGS: [&[u8]; 17] = [
    b"<!DOCTYPE HTML",
    b"<HTML",
    b"<HEAD",
    b"<SCRIPT",
    b"<IFRAME",
    b"<H1",
    b"<DIV",
    b"<FONT",
    b"<TABLE",
    b"<A",
    b"<STYLE",
    b"<TITLE",
    b"<B",
    b"<BODY",
    b"<BR",
    b"<P",
    b"<!--",
];

/// Signatures at the start; `?` stands for any byte.
const SIGNATURES: [(&[u8], &str); 31] = [
    (b"%PDF-", "application/pdf"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xfe\xff??", "text/plain; charset=utf-16be"),
    (b"\xff\xfe??", "text/plain; charset=utf-16le"),
    (b"\xef\xbb\xbf?", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", "image/x-icon"),
    (b"\x00\x00\x02\x00", "image/x-icon"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"RIFF????WEBPVP", "image/webp"),
    (b"\x89PNG\x0d\x0a\x1a\x0a", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"FORM????AIFF", "audio/aiff"),
    (b"ID3", "audio/mpeg"),
    (b"OggS\x00", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", "audio/midi"),
    (b"RIFF????AVI ", "video/avi"),
    (b"RIFF????WAVE", "audio/wave"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"??????????????????????????????????LP", "application/vnd.ms-fontobject"),
    (b"\x00\x01\x00\x00", "font/ttf"),
    (b"OTTO", "font/otf"),
    (b"ttcf", "font/collection"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"\x1f\x8b\x08", "application/x-gzip"),
    (b"PK\x03\x04", "application/zip"),
    (b"Rar!\x1a\x07\x00", "application/x-rar-compressed"),
    (b"Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"),
    (b"\x00asm", "application/wasm"),
];

fn content_type(data: &[u8]) -> &'static str {
    let space = data.iter().take_while(|b| matches!(b, b'\t' | b'\n' | 0x0c | b'\r' | b' ')).count();
    let text = data.get(space..).unwrap_or_default();
    if HTML_TAGS.iter().any(|tag| is_tag(text, tag)) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    let fits =
        |pattern: &[u8]| data.len() >= pattern.len() && pattern.iter().zip(data).all(|(p, b)| *p == b'?' || p == b);
    for (pattern, kind) in &SIGNATURES {
        // MP4 stands between AIFF's family and WebM.
        if *kind == "video/webm" && is_mp4(data) {
            return "video/mp4";
        }
        if fits(pattern) {
            return kind;
        }
    }
    let is_binary = |b: &u8| matches!(b, 0..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if text.iter().any(is_binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

fn is_tag(text: &[u8], tag: &[u8]) -> bool {
    let fits = tag.iter().zip(text).all(|(t, b)| if t.is_ascii_uppercase() { *t == b & 0xdf } else { t == b });
    fits && matches!(text.get(tag.len()), Some(b' ' | b'>'))
}

fn is_mp4(data: &[u8]) -> bool {
    let Some((size, rest)) = data.split_first_chunk::<4>() else { return false };
    let size = u32::from_be_bytes(*size) as usize;
    if data.len() < size || !size.is_multiple_of(4) || !rest.starts_with(b"ftyp") {
        return false;
    }
    (8..size).step_by(4).filter(|at| *at != 12).any(|at| data.get(at..).is_some_and(|b| b.starts_with(b"mp4")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_it_is() {
        for (name, bytes, want) in [
            ("a.yaml", &b"a: 1"[..], "file 'a.yaml' seems to be a YAML file, but expected a gzipped archive"),
            ("a", b"short", "file 'a' does not appear to be a gzipped archive; got 'application/octet-stream'"),
            ("a", &[b'x'; 600], "file 'a' does not appear to be a gzipped archive; got 'text/plain; charset=utf-8'"),
            ("a", b" <html><body>", "file 'a' does not appear to be a gzipped archive; got 'text/html; charset=utf-8'"),
            ("a", b"PK\x03\x04", "file 'a' does not appear to be a gzipped archive; got 'application/zip'"),
            ("a", b"\x89PNG\x0d\x0a\x1a\x0a", "file 'a' does not appear to be a gzipped archive; got 'image/png'"),
        ] {
            assert_eq!(ensure_archive(name, bytes).unwrap_err().to_string(), want);
        }
        assert_eq!(ensure_archive("a", b"\x1f\x8b\x08"), Ok(()));
    }
}
