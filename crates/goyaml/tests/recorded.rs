//! Cases with what Go itself says to them, one JSON object a line in `recorded.jsonl`.
//!
//! The record was made from inputs of our own making, with the oracle of `e2e/fixtures`; `cargo xtask fuzz` goes on from there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

use goyaml::{Error, Value};

fn text(case: &Value, key: &str) -> String {
    case.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn run(case: &Value) -> Result<Value, Error> {
    let yaml = text(case, "yaml");
    let tree = || {
        let json = text(case, "json");
        if case.get("ints") == Some(&Value::Bool(true)) {
            goyaml::from_json_keep_ints(json)
        } else {
            goyaml::from_json(json)
        }
    };
    match text(case, "op").as_str() {
        "toyaml" => goyaml::to_yaml(&tree()?).map(Value::Str),
        "pretty" => Ok(Value::Str(goyaml::to_yaml_pretty(&tree()?))),
        "tojson" => goyaml::to_json(&tree()?).map(Value::Str),
        "toprettyjson" => goyaml::to_json_pretty(&tree()?).map(Value::Str),
        "fromyaml" => goyaml::from_yaml(yaml),
        "fromyamlmap" => goyaml::from_yaml_map(yaml).map(Value::Map),
        // Strict reading keeps integers; the record cannot tell them from floats.
        "strict" => goyaml::from_yaml_strict(yaml).and_then(|v| goyaml::from_json(goyaml::to_json(&v)?)),
        "split" => goyaml::split_documents(yaml.as_bytes())
            .map(|d| d.map(|d| Value::Str(String::from_utf8_lossy(&d).into_owned())))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Seq),
        other => unreachable!("no such operation: {other}"),
    }
}

#[test]
fn as_go_says() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in include_str!("recorded.jsonl").lines() {
        let case = goyaml::from_json(line).unwrap();
        let want = match case.get("err") {
            Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
            None => Ok(case.get("out").cloned().unwrap_or_default()),
        };
        let got = run(&case).map_err(|e| e.to_string());
        if got != want {
            wrong.push(format!("{line}\n  got:  {got:?}\n  want: {want:?}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1000, "{count}");
}
