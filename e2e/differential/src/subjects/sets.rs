//! `--set` and its kin.

use chart::strvals;
use goyaml::{Map, Value};
use serde_json::{Value as Json, json};

use super::{Subject, dump, text};
use crate::answer::Answer;
use crate::rng::Rng;

/// Expressions over tables that are there already.
pub(crate) const SUBJECT: Subject = Subject {
    name: "set",
    weight: 8,
    question,
    answer,
    show: |q| format!("[{}] {:?} into {}", text(q, "kind"), text(q, "expr"), q["into"]),
};

const PIECES: &[&str] = &[
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
    "[65536]",
    "[65537]",
    "[ 1]",
    "[1 ]",
    "[+1]",
    "[0x1]",
    "..",
    "[]",
    "]]",
    "\\[",
    "\\{",
    "\\=",
    "\\\\",
    "nil",
    "~",
    "\t",
    "{a,{b}}",
    "\u{feff}",
    "日本",
    "\"",
    "'",
    "[9999999999999999999]",
    "True",
    "-0",
    "+1",
    "1_0",
    "0b1",
    "0o7",
    "1e2",
    " a",
    "b ",
];
const KEYS: &[&str] = &["a", "b", "c", "d e", "a\\.b", "é", "a\\,b", "\"q\"", "0", "a\\[0\\]", "global"];
const STEPS: &[&str] = &[".a", ".b", "[0]", "[1]", "[3]", "[0].c", "[0][1]", ".a[1].b", "[2]"];
const SET_VALUES: &[&str] = &[
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
    "{a\\,b,c}",
    "{1, true, null,x}",
    "{a",
    "a}",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "False",
    "TRUE",
    "tRue",
    "Null",
    "NULL",
    "{null}",
    "{,}",
    "{a,}",
    "{{a}}",
    "\\n",
    "a\\\\b",
    "{a.b=c}",
    "[a]",
    "+5",
    "0x10",
    "0",
    "00",
    "-0",
    "-",
    "\"1\"",
    "1 2",
    "a{b",
    "{a}b",
];
const JSON_VALUES: &[&str] = &[
    "1",
    "1.5",
    "\"s\"",
    "null",
    "true",
    "[1,{\"q\":null}]",
    "{\"k\":[true]}",
    "{\"a\":{\"b\":null}}",
    "",
    "x",
    "[",
    "1 2",
    "{\"a\":1,\"a\":2}",
    "\"\\u00e9\"",
    "1e400",
    "-0",
    "[1, 2]",
    "12345678901234567890",
    "{\"a\": {}}",
    "tru",
    "\"a,b\"",
    "[],",
    "{},",
    "01",
    "\"\\ud800\"",
    "{\"\":1}",
    " 5 ",
];

/// One expression.
pub(super) fn expression(rng: &mut Rng, kind: &str) -> String {
    let mut text = if rng.below(4) > 0 {
        // Mostly sound ones.
        let pairs: Vec<String> = (0..=rng.below(3))
            .map(|_| {
                let mut path = rng.pick(KEYS).to_owned();
                for _ in 0..rng.below(4) {
                    path += rng.pick(STEPS);
                }
                if rng.chance(1) {
                    path += &".a".repeat(25 + rng.below(12));
                }
                let value = if kind == "json" && rng.chance(85) { rng.pick(JSON_VALUES) } else { rng.pick(SET_VALUES) };
                format!("{path}={value}")
            })
            .collect();
        pairs.join(rng.pick(&[",", ",", ",", ", ", ",,"]))
    } else {
        (0..=rng.below(8)).map(|_| rng.pick(PIECES)).collect()
    };
    if rng.chance(15) {
        let chars: Vec<char> = text.chars().collect();
        let at = rng.below(chars.len() + 1);
        let head: String = chars.iter().take(at).collect();
        let tail: String = chars.iter().skip(at + rng.below(2)).collect();
        text = head + rng.pick(PIECES) + &tail;
    }
    text
}

fn question(rng: &mut Rng) -> Json {
    let kind = rng.pick(&["set", "set", "string", "json", "literal", "file"]);
    let into = match rng.below(6) {
        0 | 1 => json!({}),
        2 => json!({"a": {"b": {"c": 1}, "a": [1, {"c": 2}, null]}, "b": ["x", ["y"]], "c": "text"}),
        3 => json!({"a": null, "b": [null, {"a": {}}], "c": {"b": []}}),
        4 => json!({"a": "s", "b": {"a": {"a": 1}, "b": [[]]}, "d e": [{"b": 1}], "é": 1, "0": {}}),
        _ => json!({"a": [[1, 2], [3]], "b": {"a": "s", "b": 5.5}, "c": true}),
    };
    json!({"op": "set", "kind": kind, "expr": expression(rng, kind), "into": into, "typed": true})
}

fn answer(question: &Json) -> Answer {
    let Value::Map(mut map) = goyaml::from_json(question["into"].to_string()).unwrap_or_default() else {
        return Answer::Died("no table".to_owned());
    };
    Answer::result(set(text(question, "kind"), text(question, "expr"), &mut map).map(|()| dump(&Value::Map(map))))
}

/// Applies one expression; that of a file reads what the oracle makes up too.
pub(super) fn set(kind: &str, expression: &str, into: &mut Map) -> Result<(), String> {
    match kind {
        "string" => strvals::parse_into_string(expression, into),
        "json" => strvals::parse_json(expression, into),
        "literal" => strvals::parse_literal_into(expression, into),
        "file" => strvals::parse_into_file(expression, into, &mut |path| {
            if path.contains("no") {
                return Err(format!("open {path}: no such file or directory"));
            }
            Ok(Value::Str(format!("content of {path}")))
        }),
        _ => strvals::parse_into(expression, into),
    }
    .map_err(|e| e.to_string())
}
