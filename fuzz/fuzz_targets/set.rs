//! `--set` and its kin; the first byte says which.
#![no_main]

use chart::strvals;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((kind, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let mut map = goyaml::from_yaml_map(whipstaff_fuzz::VALUES.as_bytes()).unwrap_or_default();
    let result = match kind % 4 {
        0 => strvals::parse_into(text, &mut map),
        1 => strvals::parse_into_string(text, &mut map),
        2 => strvals::parse_json(text, &mut map),
        _ => strvals::parse_literal_into(text, &mut map),
    };
    if let Err(error) = result {
        let _ = error.to_string();
    }
});
