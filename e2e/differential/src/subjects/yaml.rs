//! YAML and JSON texts, read and written.

use serde_json::{Value as Json, json};

use super::{Subject, dump, text};
use crate::answer::{Answer, bytes, coded};
use crate::rng::Rng;
use crate::yaml_gen as made;
use crate::yaml_texts::TEXTS;

/// Texts that are read.
pub(crate) const READ: Subject = Subject { name: "yaml-read", weight: 14, question: read_question, answer: read, show };

/// Trees that are written.
pub(crate) const WRITE: Subject =
    Subject { name: "yaml-write", weight: 10, question: write_question, answer: write, show };

fn show(question: &Json) -> String {
    let mut copy = question.clone();
    let given = text(question, if question["yaml"].is_string() { "yaml" } else { "json" });
    copy.as_object_mut().map(|map| (map.remove("yaml"), map.remove("json")));
    format!("{copy} {given:?}")
}

fn read_question(rng: &mut Rng) -> Json {
    let op = rng.pick(&["fromyaml", "fromyaml", "fromyaml", "fromyamlmap", "strict", "split", "values", "fromjson"]);
    let seeded = &mut made::Rng(rng.next());
    let mut given = match op {
        "fromjson" => {
            let json = made::json(seeded, 3);
            if rng.chance(80) { made::mutate(seeded, &json) } else { json }
        }
        _ if rng.chance(4) => {
            let text = rng.pick(TEXTS);
            if rng.chance(70) { made::mutate(seeded, text) } else { text.to_owned() }
        }
        "split" | "values" => made::yaml(seeded).replace("# c", "---"),
        _ => made::yaml(seeded),
    }
    .into_bytes();
    if op != "split" && rng.chance(4) {
        match rng.below(4) {
            0 => given = utf16(&given, rng.chance(50)),
            1 => given = utf16(&given, rng.chance(50)).split_off(rng.below(3)),
            _ => {
                let at = rng.below(given.len() + 1);
                given.splice(at..at, [0x80 | rng.next() as u8]);
            }
        }
    }
    match coded(&given) {
        text if text.starts_with("base64:") => {
            json!({"op": op, "b64": text.trim_start_matches("base64:"), "typed": true})
        }
        text => json!({"op": op, "yaml": text, "typed": true}),
    }
}

fn utf16(text: &[u8], big: bool) -> Vec<u8> {
    let text = format!("\u{feff}{}", String::from_utf8_lossy(text));
    text.encode_utf16().flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

fn read(question: &Json) -> Answer {
    let given = match question["b64"].as_str() {
        Some(code) => bytes(&format!("base64:{code}")),
        None => text(question, "yaml").as_bytes().to_vec(),
    };
    match text(question, "op") {
        "fromyaml" => Answer::result(goyaml::from_yaml(&given).map(|v| dump(&v))),
        "fromyamlmap" => Answer::result(goyaml::from_yaml_map(&given).map(|v| dump(&v.into()))),
        // Helm reads into structs with it, for which ours keeps integers.
        "strict" => Answer::result(goyaml::from_yaml_strict(&given).map(|v| dump(&floats(v)))),
        "fromjson" => Answer::result(goyaml::from_json(&given).map(|v| dump(&v))),
        "values" => Answer::result(goyaml::load_values(&given).map(|v| dump(&v.into()))),
        _ => Answer::result(goyaml::split_documents(&given).collect::<Result<Vec<_>, _>>().map(|documents| {
            documents.into_iter().map(|d| Json::from(String::from_utf8_lossy(&d).into_owned())).collect::<Vec<_>>()
        })),
    }
}

fn write_question(rng: &mut Rng) -> Json {
    let op = rng.pick(&["toyaml", "toyaml", "toyaml", "pretty", "pretty", "tojson", "torawjson", "toprettyjson"]);
    json!({"op": op, "json": made::json(&mut made::Rng(rng.next()), 4), "ints": rng.chance(30)})
}

fn write(question: &Json) -> Answer {
    let json = text(question, "json");
    let tree =
        if question["ints"] == json!(true) { goyaml::from_json_keep_ints(json) } else { goyaml::from_json(json) };
    let tree = match tree {
        Ok(tree) => tree,
        Err(error) => return Answer::Err(error.to_string()),
    };
    match text(question, "op") {
        "toyaml" => Answer::result(goyaml::to_yaml(&tree)),
        "pretty" => Answer::Out(goyaml::to_yaml_pretty(&tree).into()),
        "tojson" => Answer::result(goyaml::to_json(&tree)),
        "torawjson" => Answer::result(goyaml::to_json_raw(&tree)),
        _ => Answer::result(goyaml::to_json_pretty(&tree)),
    }
}

fn floats(value: goyaml::Value) -> goyaml::Value {
    use goyaml::Value;
    match value {
        Value::Int(_) | Value::Uint(_) => Value::Float(value.as_f64().unwrap_or_default()),
        Value::Seq(items) => Value::Seq(items.into_iter().map(floats).collect()),
        Value::Map(map) => Value::Map(map.into_iter().map(|(k, v)| (k, floats(v))).collect()),
        other => other,
    }
}
