//! Whatever the quick reader accepts, the usual one reads the same.

use super::{read, read_some, read_strict};
use crate::value::{Map, Value};
use crate::yaml::{compose, decode, exact};

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../../tests/made/gen.rs"]
mod r#gen;

/// Reads as usual.
fn usual(text: &[u8], keep_ints: bool) -> Option<Value> {
    let document = compose::compose(text).ok()?;
    decode::decode(&document, keep_ints).ok()
}

/// Compares both readers, and tells whether the quick one took part.
fn check(text: &[u8]) -> bool {
    let mut accepted = false;
    for keep_ints in [false, true] {
        let Some(quick) = read(text, keep_ints) else { continue };
        accepted = true;
        assert_eq!(Some(Value::Map(quick.clone())), usual(text, keep_ints), "{}", String::from_utf8_lossy(text));
        let wanted = |key: &str| key.len().is_multiple_of(2);
        let some: Map = quick.into_iter().filter(|(key, _)| wanted(key)).collect();
        assert_eq!(read_some(text, keep_ints, wanted), Some(some));
    }
    if let Some(strict) = read_strict(text) {
        let exactly = compose::compose(text).and_then(|document| exact::decode(&document, true, true));
        assert_eq!(Ok(Value::Map(strict)), exactly, "{}", String::from_utf8_lossy(text));
    }
    accepted
}

#[test]
fn ordinary_texts_are_accepted() {
    for text in [
        "a: 1\n",
        "---\na: 1",
        "# note\n\na: b # note\n\nc:\n  d: e\n",
        "a:\n- b\n- c: d\n  e: f\n-   - g\n    - h\n-\n-\n  i: j\n",
        "a: \"b: c # d\"\n'e f': 'g' # h\n",
        "a: |\n  b\n\n    c\n  # d\n\nb: |-\n  x\n\n",
        "a: |\n  b",
        "a: b c\n  d\n\n\n  e # f\ng: h\n",
        "a: {}\nb: []\nc: [1, \"x\", a-b]\nd: {e: [f], g: , h: {i: 1.5}}\n",
        "a:\nb: null\nc: ~\nd: yes\ne: 0x10\nf: 1e3\ng: 2001-01-01\nh: .5\ni: 18446744073709551615\n",
        "a: é\n# ü\nb: 'ö'\n",
        "  a: 1\n  b:\n  - 2\n",
        "a: 'b''c'\nd: 'e\n  f  \n\n\n  ''g'' \\ '  # h\ni: \"j\\n\\\"k\n l\\\\\"\n",
        "a: >\n  b\n  c\n\n  d\n\n\n  e\nf: >-\n\n  g\n\n",
        "a:\n  b\n  c\nd:\n  {}\ne:\n  'f'\ng:\n- |\n  h\n-\n  i\n",
        "a: -b\nc: --- d\ne: x:y\nf: x#y\ng: http://x/y?z={a}\n",
    ] {
        assert!(check(text.as_bytes()), "{text}");
    }
}

#[test]
fn all_else_is_left_to_the_usual_way() {
    for text in [
        "",
        "\n",
        "a",
        "- a\n",
        "{a: 1}",
        "a: &b c\n",
        "a: *b\n",
        "a: !!str 1\n",
        "<<: {a: 1}\n",
        "a: >\n  b\n   c\n",
        "a: b: c\n",
        "a:\n\tb: c\n",
        "a: b\tc\n",
        "a: \"b\\x41\"\n",
        "a: 'b\n''c'\n",
        "a: \"b\nc\"\n",
        "a: \"b\\\n  c\"\n",
        "a: b\n  # c\n  d\n",
        "a: b\n---\nc: d\n",
        "a: b\n...\n",
        "a: .inf\n",
        "1: a\ntrue: b\n",
        "a: |2\n  b\n",
        "a: |+\n  b\n\n",
        "a: |\n",
        "a:\n    b: c\n  d: e\n",
        "a: \u{85}\n",
        "a: \u{2028}\n",
        "\u{feff}a: b\n",
        "a: b\r\n",
        "a: 1\n b: 2\n",
        "%YAML 1.1\n---\na: b\n",
        "a: [b\n",
        "a: [b: c]\n",
        "? a\n",
        "a: - b\n",
        "- a: b\n",
        "a:\n- b\n c: d\n",
        "a: \"b\"c\n",
        "a: \"b\" #c\n  d: e\n",
        "a: b #c\n  d: e\n",
    ] {
        assert!(!check(text.as_bytes()), "{text}");
    }
}

#[test]
fn generated_texts() {
    let mut rng = r#gen::Rng(11);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut text = r#gen::yaml(&mut rng).into_bytes();
        accepted += usize::from(check(&text));
        for _ in 0..rng.below(4) {
            let noise = *b" \n:-#'\"|[]{},a1\t".get(rng.below(16)).unwrap_or(&b' ');
            let at = rng.below(text.len() + 1);
            if rng.chance(50) && at < text.len() {
                text.remove(at);
            } else {
                text.insert(at, noise);
            }
            accepted += usize::from(check(&text));
        }
    }
    assert!(accepted > 200, "{accepted}");
}

/// Block YAML of lines that nearly always fit together, so that most of it is accepted.
#[test]
fn generated_blocks() {
    const LINES: &[&str] = &[
        "a:",
        "b: c",
        "- d",
        "- e: f",
        "-",
        "- - g",
        "h: |",
        "i: |-",
        "j k",
        "# l",
        "",
        "   ",
        "'m': n",
        "o: \"p\"",
        "q: [r, 1]",
        "s: t # u",
        "v:w",
        "- x: |",
        "y: z:",
        "- 'a'",
        "- \"b\": c",
        "d: # e",
        "f: 1",
        "- {}",
        "g: {h: i}",
        "...",
        "---",
        "- [",
        "é: 1",
    ];
    let mut rng = r#gen::Rng(12);
    let mut accepted = 0;
    for _ in 0..300_000 {
        let mut text = String::new();
        let mut indent = 0usize;
        for _ in 0..rng.below(8) + 1 {
            match rng.below(6) {
                0 | 1 => indent += 2,
                2 => indent = indent.saturating_sub(2),
                3 => indent = rng.below(6),
                _ => {}
            }
            text.push_str(&" ".repeat(indent));
            text.push_str(LINES.get(rng.below(LINES.len())).unwrap_or(&""));
            text.push('\n');
        }
        if rng.chance(20) {
            text.pop();
        }
        accepted += usize::from(check(text.as_bytes()));
    }
    assert!(accepted > 10_000, "{accepted}");
}

/// Texts of others: `WHIPSTAFF_YAML=FOLDER cargo test -p whipstaff-goyaml folder -- --nocapture` takes all files of a
/// folder apart into documents.
#[test]
fn documents_of_a_folder() {
    let Some(folder) = std::env::var_os("WHIPSTAFF_YAML") else { return };
    let (mut count, mut accepted, mut bytes, mut accepted_bytes) = (0, 0, 0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let Ok(text) = std::fs::read(entry.unwrap().path()) else { continue };
        for document in crate::split_documents(&text).flatten() {
            let document = document.strip_prefix(b"---\n").unwrap_or(&document);
            let fits = check(document);
            count += 1;
            accepted += usize::from(fits);
            bytes += document.len();
            accepted_bytes += if fits { document.len() } else { 0 };
        }
    }
    println!("{accepted} of {count} documents, {accepted_bytes} of {bytes} bytes");
}

#[test]
fn a_key_that_comes_twice_is_left_to_the_exact_way() {
    for text in ["a: 1\na: 2\n", "a:\n  b: 1\n  b: 1\n", "a: {b: 1, b: 2}\n", "a:\n- b: 1\n  b: 1\n"] {
        assert!(read(text.as_bytes(), true).is_some(), "{text}");
        assert_eq!(read_strict(text.as_bytes()), None, "{text}");
    }
    assert!(read_strict(b"a: {b: 1}\nc:\n- b: 1\n- b: 2\n").is_some());
}
