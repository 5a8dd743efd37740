//! Template functions against Helm: `data/snippets.txt` has the templates, `data/snippets.jsonl` what Helm makes of them.
//!
//! `WHIPSTAFF_ORACLE=/path/to/helm-oracle cargo test -p whipstaff-render --test functions` writes the second file anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chart::{Chart, File};
use render::{Capabilities, Inputs, Parsed, Release};
use serde_json::{Value as Json, json};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn values() -> Json {
    json!({"n": 1.5, "list": ["a", "b", "c"], "map": {"k": "v"}, "nothing": null, "emptyList": [], "yes": true, "text": "some text"})
}

fn snippets() -> Vec<String> {
    let text = std::fs::read_to_string(data("snippets.txt")).unwrap();
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(str::to_owned).collect()
}

/// What Helm makes of each snippet: `{"out": text}` or `{"err": text}`.
fn ask_helm(oracle: &str, snippets: &[String]) -> Vec<Json> {
    let mut child = Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let questions: String = snippets
        .iter()
        .map(|s| json!({"op": "render", "templates": {"a.yaml": s}, "values": values()}).to_string() + "\n")
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers
        .lines()
        .map(|line| {
            let answer: Json = serde_json::from_str(line).unwrap();
            match answer.get("out") {
                Some(out) => json!({"out": out["t/templates/a.yaml"]}),
                None => answer,
            }
        })
        .collect()
}

fn ask_ours(snippet: &str) -> Json {
    let mut chart = Chart::default();
    chart.metadata.name = "t".into();
    chart.metadata.version = "0.1.0".into();
    chart.metadata.api_version = "v2".into();
    chart.metadata.app_version = "1.0".into();
    chart.templates.push(File {
        name: "templates/a.yaml".into(),
        data: snippet.as_bytes().to_vec(),
        ..File::default()
    });
    let goyaml::Value::Map(values) = goyaml::from_json(values().to_string()).unwrap() else { unreachable!() };
    let values = chart::values::coalesce_values(&chart, &values).unwrap().values;
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let capabilities = Capabilities::default();
    let inputs = Inputs::new(&values, &release, &capabilities, jiff::Timestamp::from_second(1_790_000_000).unwrap());
    match Parsed::new(Arc::new(chart)).and_then(|parsed| parsed.render(&inputs)) {
        Ok(files) => json!({"out": files["t/templates/a.yaml"]}),
        Err(error) => json!({"err": error.to_string()}),
    }
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
