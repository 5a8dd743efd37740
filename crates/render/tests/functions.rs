//! Template functions against Helm: `data/snippets.txt` has the templates, `data/snippets.jsonl` what Helm makes of them.
//!
//! `WHIPSTAFF_ORACLE=/path/to/helm-oracle cargo test -p whipstaff-render --test functions` writes the second file anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::PathBuf;

use common::snippets::{ask_helm, ask_ours};
use serde_json::Value as Json;

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn snippets() -> Vec<String> {
    let text = std::fs::read_to_string(data("snippets.txt")).unwrap();
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(str::to_owned).collect()
}

#[test]
fn functions_do_what_helm_does() {
    let snippets = snippets();
    if let Ok(oracle) = std::env::var("WHIPSTAFF_ORACLE") {
        let lines: String = ask_helm(&oracle, &snippets).iter().map(|a| a.to_string() + "\n").collect();
        std::fs::write(data("snippets.jsonl"), lines).unwrap();
    }
    let text = std::fs::read_to_string(data("snippets.jsonl")).unwrap();
    let expected: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(expected.len(), snippets.len(), "set WHIPSTAFF_ORACLE to write snippets.jsonl anew");
    let mut wrong = 0;
    for (snippet, want) in snippets.iter().zip(&expected) {
        let got = ask_ours(snippet);
        if got != *want {
            wrong += 1;
            println!("{snippet}\n  helm {want}\n  ours {got}");
        }
    }
    println!("functions: {} of {} snippets identical", snippets.len() - wrong, snippets.len());
    assert_eq!(wrong, 0);
}

#[test]
fn every_function_of_helm_is_there() {
    let all = render::functions::all();
    assert_eq!(all.len(), 233);
    assert!(all.windows(2).all(|pair| pair[0].name < pair[1].name), "two functions of one name");
    assert!(all.iter().all(|f| f.doc.ends_with('.')), "a function without documentation");
}
