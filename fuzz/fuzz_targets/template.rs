//! The lexer, the parser and the executor with the whole function library.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| whipstaff_fuzz::render_text(text));
