//! `values.schema.json`: verdicts and texts.

use chart::schema::validate_one;
use goyaml::Map;
use serde_json::{Value as Json, json};

use super::{Subject, text};
use crate::answer::Answer;
use crate::rng::Rng;

/// Schemas that values meet or not.
pub(crate) const SUBJECT: Subject = Subject {
    name: "schema",
    weight: 6,
    question,
    answer,
    show: |question| format!("{}\n{}", text(question, "schema"), question["values"]),
};

fn schema(rng: &mut Rng, depth: usize) -> Json {
    let mut out = serde_json::Map::new();
    for _ in 0..=rng.below(2) {
        let (keyword, argument) = match rng.below(if depth == 0 { 16 } else { 32 }) {
            0 | 1 => ("type", json!(rng.pick(&["string", "number", "integer", "object", "array", "boolean", "null"]))),
            2 => ("type", json!(["string", "null", "array"])),
            3 => ("enum", json!([1, "x", null, 1.5])),
            4 => ("enum", json!([[1], "x"])),
            5 => ("const", json!("x")),
            6 => ("minimum", json!(2)),
            7 => ("maximum", json!(1234.5)),
            8 => ("minLength", json!(2)),
            9 => ("pattern", json!(rng.pick(&["^[a-z]+$", "\\d", "x|y", "^\\S+\\.$"]))),
            10 if rng.chance(40) => {
                let odd = [
                    "[\\d-z]",
                    "\\Qa.b\\E",
                    "(?i)X",
                    "(",
                    "\\cA",
                    "a{,3}",
                    "\\bx\\b",
                    "\\s",
                    "(?=x)",
                    "[[:alpha:]]",
                    "\\pL",
                    "x**",
                    "\\",
                ];
                let pattern = rng.pick(&odd);
                if rng.chance(50) {
                    ("pattern", json!(pattern))
                } else {
                    ("patternProperties", json!({ pattern: {"type": "string"} }))
                }
            }
            10 => ("required", json!(["a", "zz"])),
            11 => ("minItems", json!(2)),
            12 => ("uniqueItems", json!(true)),
            13 => ("minProperties", json!(2)),
            14 => ("exclusiveMinimum", json!(1)),
            15 => ("format", json!(rng.pick(&["ipv4", "uri", "email", "date-time"]))),
            16 | 17 => ("properties", json!({"a": schema(rng, depth - 1), "b": schema(rng, depth - 1)})),
            18 => ("additionalProperties", schema(rng, depth - 1)),
            19 => ("items", schema(rng, depth - 1)),
            20 => ("allOf", json!([schema(rng, depth - 1)])),
            21 => ("allOf", json!([schema(rng, depth - 1), schema(rng, depth - 1)])),
            22 => ("anyOf", json!([schema(rng, depth - 1)])),
            23 => ("anyOf", json!([schema(rng, depth - 1), schema(rng, depth - 1)])),
            24 => ("oneOf", json!([schema(rng, depth - 1), schema(rng, depth - 1)])),
            25 => ("not", schema(rng, depth - 1)),
            26 => ("if", schema(rng, depth - 1)),
            27 => ("then", schema(rng, depth - 1)),
            28 => ("contains", schema(rng, depth - 1)),
            29 => ("propertyNames", schema(rng, depth - 1)),
            30 if rng.chance(30) => {
                let odd = [
                    "#/$defs/My Type",
                    "#/$defs/a[b]",
                    "#/x|y^`<>\"",
                    "#/é",
                    "#/%zz",
                    "#a b",
                    "#/$defs/%7Bd%7D",
                    "a\\b",
                ];
                (rng.pick(&["$ref", "$dynamicRef"]), json!(rng.pick(&odd)))
            }
            30 => ("$ref", json!(rng.pick(&["#/$defs/d", "#/$defs/e", "#"]))),
            _ => ("dependentSchemas", json!({"a": schema(rng, depth - 1)})),
        };
        out.insert(keyword.to_owned(), argument);
    }
    Json::Object(out)
}

fn value(rng: &mut Rng, depth: usize) -> Json {
    match rng.below(if depth == 0 { 7 } else { 11 }) {
        0 => json!("x"),
        1 => json!("it's \"q\"."),
        2 => json!(1),
        3 => json!(1_234_567.5),
        4 => json!(1.5),
        5 => Json::Null,
        6 => json!(true),
        7 | 8 => json!([value(rng, depth - 1), value(rng, depth - 1)]),
        _ => json!({"a": value(rng, depth - 1), "b": value(rng, depth - 1)}),
    }
}

/// Sorts the tree of lines, since Helm walks properties in no order.
pub(crate) fn sorted(text: &str) -> String {
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
                let mut lines: Vec<String> = b.iter().take(1).map(|line| (*line).to_owned()).collect();
                lines.extend(block(b.get(1..).unwrap_or_default(), indent + 2));
                lines.join("\n")
            })
            .collect();
        out.sort();
        out
    }
    // Of these Helm prints whichever place it looked at last.
    let placeless = |line: &str| match line.split_once(": invalid propertyName") {
        Some((place, rest)) => format!("{}- ?{rest}", place.get(..place.find('-').unwrap_or(0)).unwrap_or_default()),
        None => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(placeless).collect();
    block(&lines.iter().map(String::as_str).collect::<Vec<_>>(), 0).join("\n")
}

const DRAFTS: &[&str] = &[
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "https://json-schema.org/draft/2020-12/schema",
];

fn question(rng: &mut Rng) -> Json {
    let mut made = schema(rng, 3);
    made["$defs"] = json!({"d": schema(rng, 2), "e": schema(rng, 1)});
    if rng.chance(20) {
        made["$defs"]["My Type"] = schema(rng, 1);
        made["$defs"]["a[b]"] = schema(rng, 1);
        made["$defs"]["{d}"] = schema(rng, 1);
    }
    if rng.chance(50) {
        made["$schema"] = json!(rng.pick(DRAFTS));
    }
    let mut schema = made.to_string();
    // Not with a dialect: a broken one would be looked for in the network.
    if !schema.contains("$schema") && rng.chance(8) {
        schema = crate::yaml_gen::mutate(&mut crate::yaml_gen::Rng(rng.next()), &schema);
    }
    json!({"op": "schema", "schema": schema, "values": {"a": value(rng, 3), "b": value(rng, 2)}})
}

fn answer(question: &Json) -> Answer {
    let goyaml::Value::Map(values) = goyaml::from_json(question["values"].to_string()).unwrap_or_default() else {
        return Answer::Died("no table".to_owned());
    };
    let values: Map = values;
    let verdict = validate_one(&values, text(question, "schema").as_bytes());
    Answer::result(verdict.map(|()| String::new()).map_err(|e| e.text.trim().to_owned()))
}
