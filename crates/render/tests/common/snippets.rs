//! Single templates, by Helm and by us.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chart::{Chart, File};
use render::{Capabilities, Inputs, Parsed, Release};
use serde_json::{Value as Json, json};

fn values() -> Json {
    json!({"n": 1.5, "list": ["a", "b", "c"], "map": {"k": "v"}, "nothing": null, "emptyList": [], "yes": true, "deep": {"a": {"b": {"c": [1]}}, "l": [{"x": 1}]}, "text": "some text"})
}

/// What Helm makes of each snippet: `{"out": text}` or `{"err": text}`, null where it dies.
pub(crate) fn ask_helm(oracle: &str, snippets: &[String]) -> Vec<Json> {
    let mut answers = Vec::new();
    while answers.len() < snippets.len() {
        answers.extend(ask_some(oracle, &snippets[answers.len()..]));
        if answers.len() < snippets.len() {
            answers.push(Json::Null);
        }
    }
    answers
}

/// The answers up to where Helm dies.
fn ask_some(oracle: &str, snippets: &[String]) -> Vec<Json> {
    let mut command = Command::new(oracle);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let questions: String = snippets
        .iter()
        .map(|s| json!({"op": "render", "templates": {"a.yaml": s}, "values": values()}).to_string() + "\n")
        .collect();
    // It stops reading when it dies.
    let writer = std::thread::spawn(move || drop(stdin.write_all(questions.as_bytes())));
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

pub(crate) fn ask_ours(snippet: &str) -> Json {
    let mut chart = Chart::default();
    chart.metadata.name = "t".into();
    chart.metadata.version = "0.1.0".into();
    chart.metadata.api_version = "v2".into();
    chart.metadata.app_version = "1.0".into();
    chart.templates.push(File { name: "templates/a.yaml".into(), data: snippet.to_owned().into(), ..File::default() });
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
