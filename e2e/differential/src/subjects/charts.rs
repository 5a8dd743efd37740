//! Charts made of the files in a question, and what we make of them.

use std::sync::Arc;

use chart::values::{coalesce_values, process_dependencies};
use chart::{Chart, File, load_files, schema};
use goyaml::Map;
use render::{Capabilities, Inputs, Parsed, Release};
use serde_json::{Value as Json, json};

use crate::answer::{Answer, bytes};

/// Values of the command line: values files, then `--set` and its kin.
pub(super) fn given(question: &Json) -> Result<Map, String> {
    let mut base = Map::new();
    for text in question["given"].as_array().into_iter().flatten() {
        let values = goyaml::load_values(bytes(text.as_str().unwrap_or_default()))
            .map_err(|e| format!("failed to parse values.yaml: {e}"))?;
        goyaml::merge_maps(&mut base, values);
    }
    for pair in question["set"].as_array().into_iter().flatten() {
        let (kind, expression) = (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
        super::sets::set(kind, expression, &mut base)?;
    }
    Ok(base)
}

pub(super) fn load(question: &Json) -> Result<Chart, String> {
    let files = question["files"].as_object().into_iter().flatten();
    let files = files.map(|(name, text)| File {
        name: name.clone(),
        data: bytes(text.as_str().unwrap_or_default()).into(),
        mod_time: None,
    });
    load_files(files.collect()).map_err(|e| e.to_string())
}

/// Renders the question's chart.
pub(super) fn template(question: &Json) -> Answer {
    Answer::result(rendered(question))
}

fn rendered(question: &Json) -> Result<Json, String> {
    let given = given(question)?;
    let mut chart = load(question)?;
    process_dependencies(&mut chart, &given).map_err(|e| e.to_string())?;
    let coalesced = coalesce_values(&chart, &given).map_err(|e| e.to_string())?;
    schema::validate(&chart, &coalesced.values).map_err(|e| e.to_string())?;
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let capabilities = Capabilities::default();
    let now = jiff::Timestamp::from_second(1_790_000_000).map_err(|e| e.to_string())?;
    let mut inputs = Inputs::new(&coalesced.values, &release, &capabilities, now);
    // What has no end in Helm either must have one here.
    inputs.limits.steps = Some(300_000_000);
    inputs.limits.output = Some(256 << 20);
    inputs.limits.memory = Some(1 << 30);
    inputs.strict = question["strict"] == json!(true);
    let files = Parsed::new(Arc::new(chart)).and_then(|parsed| parsed.render(&inputs)).map_err(|e| e.to_string())?;
    Ok(files.into_iter().map(|(name, text)| (name, text.to_string().into())).collect::<serde_json::Map<_, _>>().into())
}

/// Shows the files of a question.
pub(super) fn show(question: &Json) -> String {
    let mut out = String::new();
    for (name, text) in question["files"].as_object().into_iter().flatten() {
        if !super::calls::chart("").get(name).is_some_and(|usual| usual == text) {
            out += &format!("[{name}] {}\n", text.as_str().unwrap_or_default());
        }
    }
    for key in ["given", "set"] {
        if question[key].as_array().is_some_and(|items| !items.is_empty()) {
            out += &format!("[{key}] {}\n", question[key]);
        }
    }
    out.truncate(out.trim_end().len());
    out
}
