//! Whatever is read, there is an answer: no panic, no exhausted stack, no endless work.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test")]

#[allow(dead_code, reason = "the other test uses the rest")]
#[path = "made/gen.rs"]
mod r#gen;

use r#gen::Rng;

fn all(text: &[u8]) {
    if let Ok(value) = goyaml::from_yaml(text) {
        let yaml = goyaml::to_yaml(&value);
        let _ = goyaml::to_yaml_pretty(&value);
        let json = goyaml::to_json(&value).expect("what was read from YAML is JSON");
        assert_eq!(goyaml::from_json(&json).unwrap(), value, "{json}");
        // Written and read again it is the same; a few odd characters cannot be written, or read.
        if let Ok(Ok(again)) = yaml.map(goyaml::from_yaml) {
            assert_eq!(goyaml::to_json(&again).unwrap(), json);
        }
    }
    let _ = goyaml::from_yaml_keep_ints(text);
    let _ = goyaml::from_yaml_strict(text);
    let _ = goyaml::load_values(text);
    let _ = goyaml::from_json_partial(text);
}

#[test]
fn generated_texts() {
    let mut rng = Rng(7);
    for _ in 0..8000 {
        let mut text = r#gen::yaml(&mut rng).into_bytes();
        if rng.chance(30) {
            for _ in 0..rng.below(6) + 1 {
                let at = rng.below(text.len() + 1);
                let end = (at + rng.below(3)).min(text.len());
                let noise = [rng.next() as u8, rng.next() as u8];
                text.splice(at.min(end)..end, noise);
            }
        }
        all(&text);
        let cut = rng.below(text.len() + 1);
        all(&text[..cut]);
    }
}

#[test]
fn deep_texts() {
    let max = goyaml::MAX_DEPTH;
    for n in [max - 1, max, max + 1, 9_999, 10_001, 60_000] {
        all("[".repeat(n).as_bytes());
        all(format!("{}{}", "[".repeat(n), "]".repeat(n)).as_bytes());
        all("{a: ".repeat(n).as_bytes());
        all(format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n)).as_bytes());
        all("- ".repeat(n).as_bytes());
        all("? ".repeat(n).as_bytes());
        all("&a ".repeat(n).as_bytes());
    }
    let nested: String = (0..3000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    all(nested.as_bytes());
    let chain: String =
        (0..5000).map(|i| if i == 0 { "- &a0 [x]\n".into() } else { format!("- &a{i} [*a{}]\n", i - 1) }).collect();
    all(chain.as_bytes());
    let error = goyaml::from_yaml("[".repeat(10_001)).unwrap_err().to_string();
    assert_eq!(error, "error converting YAML to JSON: yaml: exceeded max depth of 10000");
    let error = goyaml::from_yaml(format!("{}{}", "[".repeat(max + 1), "]".repeat(max + 1))).unwrap_err();
    assert_eq!(error.to_string(), "error converting YAML to JSON: yaml: line 1: exceeded max depth of 1000");
}

#[test]
fn bombs() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in "bcdefghi".chars().zip("abcdefgh".chars()) {
        laughs.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 9].join(",")));
    }
    let error = goyaml::from_yaml(&laughs).unwrap_err().to_string();
    assert_eq!(error, "error converting YAML to JSON: yaml: document contains excessive aliasing");
    assert!(goyaml::from_yaml_strict(&laughs).is_err());
    // A long text, repeated: Go has no limit here and would fill the memory.
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 20_000].join(","));
    let error = goyaml::from_yaml(&long).unwrap_err().to_string();
    assert_eq!(error, "error converting YAML to JSON: yaml: document contains excessive aliasing");
    all(format!("a: &a {{x: 1}}\nb: {{<<: [{}]}}\n", vec!["*a"; 50_000].join(",")).as_bytes());
    all(("a".repeat(1 << 20) + ": b\n").as_bytes());
    all("a: b\n".repeat(50_000).as_bytes());
    all(("\"".to_owned() + &"x\n".repeat(100_000)).as_bytes());
}
