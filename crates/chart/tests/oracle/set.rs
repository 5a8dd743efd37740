//! `--set` and its kin.

use chart::strvals;
use goyaml::Map;
use serde_json::{Value, json};

use crate::{Dice, compare};

const PIECES: [&str; 42] = [
    "a",
    "b",
    "c",
    "a.b",
    "a[0]",
    "a[1]",
    "b[2].c",
    "=",
    "=",
    "=",
    ",",
    ",",
    ".",
    "[",
    "]",
    "[0]",
    "[x]",
    "[-1]",
    "{",
    "}",
    "{1,2}",
    "{}",
    "\\",
    "\\,",
    "\\.",
    "1",
    "0",
    "01",
    "true",
    "FALSE",
    "null",
    "1.5",
    "-3",
    " ",
    "é",
    "\"x\"",
    "[1,2]",
    "{\"k\":1}",
    "x",
    "a.b.c=1",
    "9223372036854775808",
    "\n",
];

fn expression(dice: &mut Dice) -> String {
    if dice.roll(3) > 0 {
        // Mostly sound ones.
        let pairs: Vec<String> = (0..=dice.roll(3))
            .map(|_| {
                let mut path = dice.pick(&["a", "b", "c", "d e", "a\\.b"]).to_owned();
                for _ in 0..dice.roll(4) {
                    path += dice.pick(&[".a", ".b", "[0]", "[1]", "[3]", "[0].c"]);
                }
                let value = dice.pick(&[
                    "1",
                    "x",
                    "",
                    "true",
                    "null",
                    "{1,2}",
                    "{}",
                    "{a,b}",
                    "a=b",
                    "x\\,y",
                    "1e3",
                    "\"s\"",
                    "[1,{\"q\":null}]",
                    "{\"k\":[true]}",
                    "0",
                    "007",
                    "-1",
                    " 5 ",
                ]);
                format!("{path}={value}")
            })
            .collect();
        return pairs.join(",");
    }
    (0..=dice.roll(8)).map(|_| dice.pick(&PIECES)).collect()
}

fn ours(question: &Value) -> Result<Value, String> {
    let mut map: Map = serde_json::from_value(question["into"].clone()).unwrap();
    let expression = question["expr"].as_str().unwrap();
    match question["kind"].as_str().unwrap() {
        "string" => strvals::parse_into_string(expression, &mut map),
        "json" => strvals::parse_json(expression, &mut map),
        "literal" => strvals::parse_literal_into(expression, &mut map),
        _ => strvals::parse_into(expression, &mut map),
    }
    .map_err(|e| e.to_string())?;
    Ok(serde_json::to_value(&map).unwrap())
}

#[test]
fn expressions_agree() {
    let mut dice = Dice(11);
    let into = [
        json!({}),
        json!({"a": {"b": {"c": 1}, "a": [1, {"c": 2}, null]}, "b": ["x", ["y"]], "c": "text"}),
        json!({"a": null, "b": [null, {"a": {}}], "c": {"b": []}}),
        json!({"a": [[1, 2], [3]], "b": {"a": "s", "b": 5.5}, "c": true}),
    ];
    let mut questions = Vec::new();
    for _ in 0..40_000 {
        let kind = dice.pick(&["set", "set", "string", "json", "literal"]);
        let expression = expression(&mut dice);
        let into = into[dice.roll(into.len())].clone();
        questions.push(json!({"op": "set", "kind": kind, "expr": expression, "into": into}));
    }
    compare(&questions, ours);
}
