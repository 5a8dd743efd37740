//! Real charts: all of them load, and their values come out as Helm's do.
//!
//! The corpus is a folder with `cases.jsonl`; its path is `WHIPSTAFF_CORPUS`, or `/work/shared/corpus`. Without it these
//! tests say so and pass.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chart::{Chart, File, ValueOptions, load_path, pack, values};
use goyaml::Map;
use serde_json::{Value, json};

use crate::{ask, compare};

struct Case {
    chart: String,
    values: Map,
}

fn folder() -> Option<PathBuf> {
    let path = std::env::var("WHIPSTAFF_CORPUS").unwrap_or_else(|_| "/work/shared/corpus".to_owned());
    let path = PathBuf::from(path);
    if path.join("cases.jsonl").exists() {
        return Some(path);
    }
    println!("skipped: there is no corpus at {}; set WHIPSTAFF_CORPUS to run over real charts", path.display());
    None
}

/// Reads the cases with their values merged.
fn cases() -> Option<Vec<Case>> {
    let folder = folder()?;
    let text = std::fs::read_to_string(folder.join("cases.jsonl")).unwrap();
    let cases = text.lines().map(|line| -> Value { serde_json::from_str(line).unwrap() });
    let cases = cases.filter(|case| case.get("skipped").is_none()).map(|case| {
        let texts = |key: &str| -> Vec<String> { serde_json::from_value(case[key].clone()).unwrap_or_default() };
        let mut options = ValueOptions::default();
        for file in texts("values") {
            let data = std::fs::read(folder.join(&file)).unwrap();
            options.files.push((file, data));
        }
        let flags = texts("flags");
        for (flag, value) in flags.iter().zip(flags.iter().skip(1)) {
            match flag.as_str() {
                "--set" => options.set.push(value.clone()),
                "--set-string" => options.string.push(value.clone()),
                "--set-json" => options.json.push(value.clone()),
                _ => {}
            }
        }
        let chart = folder.join(case["chart"].as_str().unwrap()).to_str().unwrap().to_owned();
        let values = options.merge(&mut |path| Err(path.to_owned())).unwrap();
        Case { chart, values }
    });
    Some(cases.collect())
}

/// Loads every chart once.
fn charts(cases: &[Case]) -> BTreeMap<&str, Chart> {
    let mut charts = BTreeMap::new();
    for case in cases {
        charts.entry(case.chart.as_str()).or_insert_with(|| {
            load_path(case.chart.as_ref()).unwrap_or_else(|e| panic!("{}: {e}: {:?}", case.chart, e.root()))
        });
    }
    println!("{} charts loaded", charts.len());
    charts
}

#[test]
fn values_coalesce_as_in_helm() {
    let Some(cases) = cases() else { return };
    let charts = charts(&cases);
    let questions: Vec<_> =
        cases.iter().map(|c| json!({"op": "coalesce", "path": c.chart, "values": c.values})).collect();
    compare(&questions, |question| {
        let values: Map = serde_json::from_value(question["values"].clone()).unwrap();
        let chart = &charts[question["path"].as_str().unwrap()];
        values::coalesce(chart, &values).map(|v| serde_json::to_value(v).unwrap()).map_err(|e| e.to_string())
    });
}

/// Makes the files of a chart whose only template, in every subchart, prints its values.
fn printing_files(chart: &Chart, prefix: &str, files: &mut Vec<File>) {
    let mut add = |name: &str, data: &[u8]| {
        files.push(File { name: format!("{prefix}{name}"), data: data.to_vec().into(), mod_time: None })
    };
    for name in ["Chart.yaml", "values.yaml", "requirements.yaml"] {
        if let Some(file) = chart.raw_file(name) {
            add(name, &file.data);
        }
    }
    add("templates/_values.json", b"");
    // Library charts render nothing, so that every chart has to be an application.
    add("templates/values.json", b"{{ toJson .Values }}");
    for (i, subchart) in chart.dependencies.iter().enumerate() {
        printing_files(subchart, &format!("{prefix}charts/{i}/"), files);
    }
}

/// Gives the values of every chart that renders, by the path of its template.
fn printed(chart: &Chart, path: &str, values: &Map, out: &mut serde_json::Map<String, Value>) {
    if !chart.is_library() {
        out.insert(format!("{path}/templates/values.json"), serde_json::to_value(values).unwrap());
    }
    for subchart in &chart.dependencies {
        let empty = Map::new();
        let values = values.get(subchart.name()).and_then(goyaml::Value::as_map).unwrap_or(&empty);
        printed(subchart, &format!("{path}/charts/{}", subchart.name()), values, out);
    }
}

#[test]
fn dependencies_are_processed_as_in_helm() {
    let Some(cases) = cases() else { return };
    let charts = charts(&cases);
    let scratch = tempfile::tempdir().unwrap();
    let mut paths = BTreeMap::new();
    for (i, (path, chart)) in charts.iter().enumerate() {
        let mut files = Vec::new();
        printing_files(chart, "", &mut files);
        let packed = scratch.path().join(format!("{i}.tgz"));
        std::fs::write(&packed, pack("chart", &files).unwrap()).unwrap();
        paths.insert(*path, packed.to_str().unwrap().to_owned());
    }
    let questions: Vec<_> =
        cases.iter().map(|c| json!({"op": "chart", "path": paths[c.chart.as_str()], "values": c.values})).collect();
    let Some(answers) = ask(&questions) else { return };
    let mut wrong = Vec::new();
    for (case, answer) in cases.iter().zip(answers) {
        let mut chart = charts[case.chart.as_str()].clone();
        let ours = values::process_dependencies(&mut chart, &case.values)
            .and_then(|_| values::coalesce(&chart, &case.values))
            .map(|values| {
                let mut out = serde_json::Map::new();
                printed(&chart, chart.name(), &values, &mut out);
                goyaml::Value::from(Value::Object(out))
            })
            .map_err(|e| e.to_string());
        let theirs = answer.map(|answer| {
            let texts = answer.as_object().unwrap().iter();
            let parsed = texts.filter(|(name, _)| !name.ends_with("_values.json")).map(|(name, text)| {
                let value: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
                (name.clone(), value)
            });
            goyaml::Value::from(Value::Object(parsed.collect()))
        });
        if ours != theirs {
            wrong.push(format!(
                "{} {:?}\n  ours   {}\n  theirs {}",
                case.chart,
                case.values,
                show(&ours),
                show(&theirs)
            ));
        }
    }
    println!("{} cases, {} differences", cases.len(), wrong.len());
    wrong.truncate(5);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn show(answer: &Result<goyaml::Value, String>) -> String {
    let text = answer.as_ref().map_or_else(Clone::clone, |v| serde_json::to_string(v).unwrap());
    text.chars().take(3000).collect()
}
