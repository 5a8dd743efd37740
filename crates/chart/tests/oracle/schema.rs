//! `values.schema.json`: verdicts and texts.
//!
//! The oracle here is another program, `HELM_SCHEMA_ORACLE`: for each line `{"schema": text, "values": {...}}` it prints as a
//! JSON string what Helm's `util.ValidateAgainstSingleSchema` says.

use std::io::Write as _;
use std::process::{Command, Stdio};

use chart::schema::validate_one;
use goyaml::Map;
use serde_json::{Value, json};

use crate::Dice;

fn schema(dice: &mut Dice, depth: usize) -> Value {
    let mut out = serde_json::Map::new();
    for _ in 0..=dice.roll(2) {
        let (keyword, argument) = match dice.roll(if depth == 0 { 16 } else { 32 }) {
            0 | 1 => ("type", json!(dice.pick(&["string", "number", "integer", "object", "array", "boolean", "null"]))),
            2 => ("type", json!(["string", "null", "array"])),
            3 => ("enum", json!([1, "x", null, 1.5])),
            4 => ("enum", json!([[1], "x"])),
            5 => ("const", json!("x")),
            6 => ("minimum", json!(2)),
            7 => ("maximum", json!(1234.5)),
            8 => ("minLength", json!(2)),
            9 => ("pattern", json!(dice.pick(&["^[a-z]+$", "\\d", "x|y", "^\\S+\\.$"]))),
            10 => ("required", json!(["a", "zz"])),
            11 => ("minItems", json!(2)),
            12 => ("uniqueItems", json!(true)),
            13 => ("minProperties", json!(2)),
            14 => ("exclusiveMinimum", json!(1)),
            15 => ("format", json!(dice.pick(&["ipv4", "uri", "email", "date-time"]))),
            16 | 17 => ("properties", json!({"a": schema(dice, depth - 1), "b": schema(dice, depth - 1)})),
            18 => ("additionalProperties", schema(dice, depth - 1)),
            19 => ("items", schema(dice, depth - 1)),
            20 => ("allOf", json!([schema(dice, depth - 1)])),
            21 => ("allOf", json!([schema(dice, depth - 1), schema(dice, depth - 1)])),
            22 => ("anyOf", json!([schema(dice, depth - 1)])),
            23 => ("anyOf", json!([schema(dice, depth - 1), schema(dice, depth - 1)])),
            24 => ("oneOf", json!([schema(dice, depth - 1), schema(dice, depth - 1)])),
            25 => ("not", schema(dice, depth - 1)),
            26 => ("if", schema(dice, depth - 1)),
            27 => ("then", schema(dice, depth - 1)),
            28 => ("contains", schema(dice, depth - 1)),
            29 => ("propertyNames", schema(dice, depth - 1)),
            30 => ("$ref", json!(dice.pick(&["#/$defs/d", "#/$defs/e", "#"]))),
            _ => ("dependentSchemas", json!({"a": schema(dice, depth - 1)})),
        };
        out.insert(keyword.to_owned(), argument);
    }
    Value::Object(out)
}

fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.roll(if depth == 0 { 7 } else { 11 }) {
        0 => json!("x"),
        1 => json!("it's \"q\"."),
        2 => json!(1),
        3 => json!(1_234_567.5),
        4 => json!(1.5),
        5 => Value::Null,
        6 => json!(true),
        7 | 8 => json!([value(dice, depth - 1), value(dice, depth - 1)]),
        _ => json!({"a": value(dice, depth - 1), "b": value(dice, depth - 1)}),
    }
}

/// Sorts the tree of lines, since Helm walks properties in no order.
fn sorted(text: &str) -> String {
    fn block(lines: &[&str], indent: usize) -> Vec<String> {
        let mut blocks: Vec<Vec<&str>> = Vec::new();
        for line in lines {
            let depth = line.len() - line.trim_start().len();
            match blocks.last_mut() {
                Some(last) if depth > indent => last.push(line),
                _ => blocks.push(vec![line]),
            }
        }
        let mut out: Vec<String> = blocks
            .iter()
            .map(|b| {
                let mut lines = vec![b[0].to_owned()];
                lines.extend(block(&b[1..], indent + 2));
                lines.join("\n")
            })
            .collect();
        out.sort();
        out
    }
    // Of these Helm prints whichever place it looked at last.
    let placeless = |line: &str| match line.split_once(": invalid propertyName") {
        Some((place, rest)) => format!("{}- ?{rest}", &place[..place.find('-').unwrap_or(0)]),
        None => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(placeless).collect();
    block(&lines.iter().map(String::as_str).collect::<Vec<_>>(), 0).join("\n")
}

#[test]
fn schemas_agree() {
    let Ok(path) = std::env::var("HELM_SCHEMA_ORACLE") else {
        println!("skipped: set HELM_SCHEMA_ORACLE to compare schemas with Helm");
        return;
    };
    let mut dice = Dice(5);
    let mut questions = Vec::new();
    for i in 0..6000 {
        let mut schema = schema(&mut dice, 3);
        let drafts = ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema"];
        let map = schema.as_object_mut().unwrap();
        map.insert("$defs".to_owned(), json!({"d": self::schema(&mut dice, 2), "e": self::schema(&mut dice, 1)}));
        if i % 4 < 2 {
            map.insert("$schema".to_owned(), json!(drafts[i % 2]));
        }
        let values = json!({"a": value(&mut dice, 3), "b": value(&mut dice, 2)});
        questions.push(json!({"schema": schema.to_string(), "values": values}));
    }
    let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let text: String = questions.iter().map(|q| format!("{q}\n")).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (question, answer) in questions.iter().zip(String::from_utf8(output.stdout).unwrap().lines()) {
        let theirs: String = serde_json::from_str(answer).unwrap();
        refused += usize::from(!theirs.is_empty());
        let values: Map = serde_json::from_value(question["values"].clone()).unwrap();
        let schema = question["schema"].as_str().unwrap();
        let ours = validate_one(&values, schema.as_bytes()).map_or_else(|e| e.text, |()| String::new());
        if sorted(&ours) != sorted(&theirs) {
            wrong.push(format!("{schema}\n{}\n-- ours\n{ours}\n-- theirs\n{theirs}", question["values"]));
        }
    }
    println!("{} schemas, {refused} refused the values, {} differences", questions.len(), wrong.len());
    wrong.sort_by_key(String::len);
    wrong.truncate(6);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
