//! What a registry answers: a header in the first line, the rest a body. Manifests, lists of tags, challenges, tokens, refusals.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (header, body) = bytes.split_at(at);
    let header = String::from_utf8_lossy(header);
    assert_eq!(depot::oci::read_answers(&header, body.get(1..).unwrap_or_default()).err(), None);
});
