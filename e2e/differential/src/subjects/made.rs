//! Charts that nobody wrote: subcharts in subcharts with nulls, globals, aliases, conditions, tags and imports, and values
//! for them from files and `--set`.
//!
//! No chart is used twice under two aliases: Helm then shares what lies two levels below between both, so that what one
//! of them does to it is seen by the other. We do not follow it there.

use chart::values::{coalesce, process_dependencies};
use serde_json::{Value as Json, json};

use super::{Subject, charts, dump, sets, text};
use crate::answer::Answer;
use crate::rng::Rng;

/// Values brought together over charts.
pub(crate) const SUBJECT: Subject = Subject { name: "values", weight: 10, question, answer, show: charts::show };

const KEYS: &[&str] = &["a", "b", "c", "global", "global", "a", "s0", "s1", "x0", "tags", "enabled"];

fn table(rng: &mut Rng, depth: usize) -> Json {
    let mut out = serde_json::Map::new();
    for _ in 0..rng.below(5) {
        let value = match rng.below(if depth == 0 { 6 } else { 10 }) {
            0 => Json::Null,
            1 => json!(rng.below(10)),
            2 => json!("text"),
            3 => json!([1, {"l": null}]),
            4 => json!(rng.chance(50)),
            5 => json!({}),
            _ => table(rng, depth - 1),
        };
        out.insert(rng.pick(KEYS).to_owned(), value);
    }
    Json::Object(out)
}

/// Values that switch something on or off, now and then.
fn values(rng: &mut Rng) -> Json {
    let mut out = table(rng, 3);
    let Some(map) = out.as_object_mut() else { return Json::Null };
    for key in ["s0", "s1", "x0"] {
        if rng.below(3) > 0 {
            let mut inner = table(rng, 2);
            if rng.chance(50) {
                inner["enabled"] = [json!(true), json!(false), json!("yes"), Json::Null][rng.below(4)].clone();
            }
            if rng.chance(50) {
                inner["exports"] = json!({"data": table(rng, 2), "more": table(rng, 1)});
            }
            map.insert(key.to_owned(), inner);
        } else if rng.below(12) > 0 {
            map.remove(key);
        }
    }
    if rng.chance(50) {
        map.insert("tags".to_owned(), json!({"front": rng.chance(50), "back": rng.chance(50)}));
    }
    out
}

fn dependency(rng: &mut Rng, i: usize) -> Json {
    let mut out = json!({
        "name": format!("s{i}"), "repository": "", "version": rng.pick(&["1.0.0", ">=1", "^1", "2.x", "", "~1.0", "*", "1.0.1"])
    });
    if rng.below(3) == 0 {
        out["alias"] = json!(format!("x{i}"));
    }
    if rng.chance(50) {
        out["condition"] = json!(rng.pick(&[
            "s0.enabled",
            "s1.enabled,s0.enabled",
            "x0.enabled",
            "none.enabled",
            "a",
            "s0",
            " s0.enabled , s1.enabled"
        ]));
    }
    if rng.below(3) == 0 {
        out["tags"] = json!([rng.pick(&["front", "back", "none"])]);
    }
    if rng.chance(50) {
        let imports = [
            json!(["data"]),
            json!(["data", {"child": "exports.more", "parent": "a"}]),
            json!([{"child": "exports.data", "parent": "b.a"}, {"child": "a", "parent": "."}, "none"]),
            json!(["more", "data"]),
            json!([{"child": ".", "parent": "c"}]),
        ];
        out["import-values"] = imports[rng.below(imports.len())].clone();
    }
    out
}

fn files(rng: &mut Rng, name: &str, prefix: &str, depth: usize, out: &mut serde_json::Map<String, Json>) {
    let mut dependencies = Vec::new();
    for i in 0..2 {
        if depth > 0 && rng.below(4) > 0 {
            dependencies.push(dependency(rng, i));
        }
    }
    let mut metadata = json!({"apiVersion": "v2", "name": name, "version": "1.0.0"});
    if !dependencies.is_empty() || rng.below(3) == 0 {
        metadata["dependencies"] = Json::Array(dependencies);
    }
    if rng.chance(5) {
        metadata["type"] = json!("library");
    }
    out.insert(format!("{prefix}Chart.yaml"), metadata.to_string().into());
    if rng.below(8) > 0 {
        out.insert(format!("{prefix}values.yaml"), values(rng).to_string().into());
    }
    for i in 0..2 {
        if depth > 0 && rng.below(4) > 0 {
            files(rng, &format!("s{i}"), &format!("{prefix}charts/s{i}/"), depth - 1, out);
        }
    }
}

pub(super) fn question(rng: &mut Rng) -> Json {
    let mut all = serde_json::Map::new();
    let depth = 1 + rng.below(3);
    files(rng, "root", "", depth, &mut all);
    let given: Vec<String> = (0..rng.below(3)).map(|_| values(rng).to_string()).collect();
    let set: Vec<Json> = (0..rng.below(2))
        .map(|_| match rng.below(4) {
            0 => json!(["set", sets::expression(rng, "set")]),
            1 => json!(["set", format!("s0.{}=null", rng.pick(KEYS))]),
            2 => json!(["json", format!("{}={}", rng.pick(KEYS), table(rng, 1))]),
            _ => json!([
                "set",
                format!("{}.{}={}", rng.pick(KEYS), rng.pick(KEYS), rng.pick(&["1", "null", "{a}", "true"]))
            ]),
        })
        .collect();
    json!({"op": "coalesce", "files": all, "given": given, "set": set})
}

fn answer(question: &Json) -> Answer {
    debug_assert_eq!(text(question, "op"), "coalesce");
    Answer::result(coalesced(question))
}

fn coalesced(question: &Json) -> Result<String, String> {
    let given = charts::given(question)?;
    let mut chart = charts::load(question)?;
    process_dependencies(&mut chart, &given).map_err(|e| e.to_string())?;
    coalesce(&chart, &given).map(|values| dump(&values.into())).map_err(|e| e.to_string())
}
