//! Output and error texts against those of Go's text/template, written down in `data/*.jsonl`.

#![allow(clippy::unwrap_used)]

mod common;

fn cases(file: &str) -> String {
    let path = format!("{}/tests/data/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).unwrap()
}

/// Cases written by hand, some for each rule.
#[test]
fn table() {
    assert!(common::check(&cases("table.jsonl")) > 400);
}

/// Cases a generator made.
#[test]
fn generated() {
    assert!(common::check(&cases("generated.jsonl")) > 400);
}

/// More cases, from a file that `GOTEXT_CASES` names: what a generator and Go made of it.
#[test]
fn others() {
    if let Ok(path) = std::env::var("GOTEXT_CASES") {
        println!("{} cases", common::check(&std::fs::read_to_string(path).unwrap()));
    }
}
