//! Charts that nobody wrote: subcharts in subcharts with nulls, globals, aliases, conditions, tags and imports.
//!
//! No chart is used twice under two aliases: Helm then shares what lies two levels below between both, so that what one
//! of them does to it is seen by the other. We do not follow it there.

use chart::{Chart, File, load_path, pack, values};
use goyaml::Map;
use serde_json::{Value, json};

use crate::corpus::{printed, show};
use crate::{Dice, ask};

const KEYS: [&str; 9] = ["a", "b", "c", "global", "global", "a", "s0", "s1", "x0"];

fn table(dice: &mut Dice, depth: usize) -> Value {
    let mut out = serde_json::Map::new();
    for _ in 0..dice.roll(5) {
        let value = match dice.roll(if depth == 0 { 5 } else { 9 }) {
            0 => Value::Null,
            1 => json!(dice.roll(10)),
            2 => json!("text"),
            3 => json!([1, {"l": null}]),
            4 => json!(dice.roll(2) == 0),
            _ => table(dice, depth - 1),
        };
        out.insert(dice.pick(&KEYS).to_owned(), value);
    }
    Value::Object(out)
}

/// Values that switch something on or off, now and then.
fn values(dice: &mut Dice) -> Value {
    let mut out = table(dice, 3);
    let map = out.as_object_mut().unwrap();
    for key in ["s0", "s1", "x0"] {
        if dice.roll(3) > 0 {
            let mut inner = table(dice, 2);
            if dice.roll(2) == 0 {
                inner["enabled"] = [json!(true), json!(false), json!("yes"), Value::Null][dice.roll(4)].clone();
            }
            if dice.roll(2) == 0 {
                inner["exports"] = json!({"data": table(dice, 2), "more": table(dice, 1)});
            }
            map.insert(key.to_owned(), inner);
        } else if dice.roll(12) > 0 {
            map.remove(key);
        }
    }
    if dice.roll(2) == 0 {
        map.insert("tags".to_owned(), json!({"front": dice.roll(2) == 0, "back": dice.roll(2) == 0}));
    }
    out
}

fn dependency(dice: &mut Dice, i: usize) -> Value {
    let mut out =
        json!({"name": format!("s{i}"), "repository": "", "version": dice.pick(&["1.0.0", ">=1", "^1", "2.x"])});
    if dice.roll(3) == 0 {
        out["alias"] = json!(format!("x{i}"));
    }
    if dice.roll(2) == 0 {
        out["condition"] =
            json!(dice.pick(&["s0.enabled", "s1.enabled,s0.enabled", "x0.enabled", "none.enabled", "a"]));
    }
    if dice.roll(3) == 0 {
        out["tags"] = json!([dice.pick(&["front", "back"])]);
    }
    if dice.roll(2) == 0 {
        let imports = [
            json!(["data"]),
            json!(["data", {"child": "exports.more", "parent": "a"}]),
            json!([{"child": "exports.data", "parent": "b.a"}, {"child": "a", "parent": "."}, "none"]),
            json!(["more", "data"]),
        ];
        out["import-values"] = imports[dice.roll(4)].clone();
    }
    out
}

fn files(dice: &mut Dice, name: &str, prefix: &str, depth: usize, out: &mut Vec<File>) {
    let mut add = |name: &str, text: String| {
        out.push(File { name: format!("{prefix}{name}"), data: text.into_bytes().into(), mod_time: None });
    };
    let mut dependencies = Vec::new();
    for i in 0..2 {
        if depth > 0 && dice.roll(4) > 0 {
            dependencies.push(dependency(dice, i));
        }
    }
    let mut metadata = json!({"apiVersion": "v2", "name": name, "version": "1.0.0"});
    if !dependencies.is_empty() || dice.roll(3) == 0 {
        metadata["dependencies"] = Value::Array(dependencies);
    }
    add("Chart.yaml", metadata.to_string());
    if dice.roll(8) > 0 {
        add("values.yaml", values(dice).to_string());
    }
    add("templates/values.json", "{{ toJson .Values }}".to_owned());
    for i in 0..2 {
        if depth > 0 && dice.roll(4) > 0 {
            files(dice, &format!("s{i}"), &format!("{prefix}charts/s{i}/"), depth - 1, out);
        }
    }
}

/// Says what differs, template by template.
fn difference(ours: &Result<goyaml::Value, String>, theirs: &Result<goyaml::Value, String>) -> String {
    let (Ok(goyaml::Value::Map(a)), Ok(goyaml::Value::Map(b))) = (ours, theirs) else {
        return format!("  ours   {}\n  theirs {}", show(ours), show(theirs));
    };
    let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    let differ = names.into_iter().filter(|name| a.get(*name) != b.get(*name));
    let text = |map: &Map, name: &str| map.get(name).map_or("none".to_owned(), |v| show(&Ok(v.clone())));
    differ.map(|n| format!("  {n}\n    ours   {}\n    theirs {}\n", text(a, n), text(b, n))).collect()
}

/// Takes out what Helm prints elsewhere: of a chart with an alias, charts three levels down that no `Chart.yaml` lists
/// keep the path that they had without it, and of one used twice only one of the two is printed.
fn without_strays(map: goyaml::Value, other: &Result<goyaml::Value, String>) -> goyaml::Value {
    match (map, other) {
        (goyaml::Value::Map(mut map), Ok(goyaml::Value::Map(other))) => {
            map.retain(|path, _| other.contains_key(path) || path.matches("/charts/").count() < 3);
            goyaml::Value::Map(map)
        }
        (map, _) => map,
    }
}

#[test]
fn made_charts_agree() {
    let scratch = tempfile::tempdir().unwrap();
    let mut dice = Dice(3);
    let mut questions = Vec::new();
    for i in 0..2500 {
        let mut all = Vec::new();
        files(&mut dice, "root", "", 3, &mut all);
        let path = scratch.path().join(format!("{i}.tgz"));
        std::fs::write(&path, pack("root", &all).unwrap()).unwrap();
        questions.push(json!({"op": "chart", "path": path.to_str().unwrap(), "values": values(&mut dice)}));
    }
    let Some(answers) = ask(&questions) else { return };
    let (mut wrong, mut errors) = (Vec::new(), 0);
    for (question, answer) in questions.iter().zip(answers) {
        errors += usize::from(answer.is_err());
        let mut chart: Chart = load_path(question["path"].as_str().unwrap().as_ref()).unwrap();
        let values: Map = serde_json::from_value(question["values"].clone()).unwrap();
        let ours = values::process_dependencies(&mut chart, &values)
            .and_then(|_| values::coalesce(&chart, &values))
            .map(|values| {
                let mut out = serde_json::Map::new();
                printed(&chart, chart.name(), &values, &mut out);
                goyaml::Value::from(Value::Object(out))
            })
            .map_err(|e| e.to_string());
        let theirs = answer.map(|answer| {
            let parsed = answer.as_object().unwrap().iter().map(|(name, text)| {
                let value: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
                (name.clone(), value)
            });
            goyaml::Value::from(Value::Object(parsed.collect()))
        });
        // Which of several bad values is named depends on the order of Helm's maps.
        let both_fail = ours.is_err() && theirs.is_err();
        let ours = ours.map(|ours| without_strays(ours, &theirs));
        let theirs = theirs.map(|theirs| without_strays(theirs, &ours));
        if ours != theirs && !both_fail {
            wrong.push(format!("{}\n{}", question["path"], difference(&ours, &theirs)));
        }
    }
    println!("{} charts, {errors} of them errors, {} differences", questions.len(), wrong.len());
    let kept = (!wrong.is_empty()).then(|| scratch.keep());
    wrong.sort_by_key(String::len);
    wrong.truncate(6);
    assert!(wrong.is_empty(), "{kept:?}\n{}", wrong.join("\n"));
}
