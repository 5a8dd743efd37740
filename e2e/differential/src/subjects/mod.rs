//! What is compared: for each subject how a question is made, and how we answer it.

mod calls;
mod charts;
mod helm2;
mod made;
mod manifests;
mod schema;
mod semver;
mod sets;
mod small;
mod templates;
mod yaml;

pub(crate) use helm2::SUBJECTS as HELM2;
pub(crate) use schema::sorted;
use serde_json::Value as Json;

use crate::answer::Answer;
use crate::rng::Rng;

/// A subject.
pub(crate) struct Subject {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many of the cases it gets, against the others.
    pub(crate) weight: usize,
    /// Makes a question.
    pub(crate) question: fn(&mut Rng) -> Json,
    /// Answers it.
    pub(crate) answer: fn(&Json) -> Answer,
    /// Shows it to a person.
    pub(crate) show: fn(&Json) -> String,
}

/// All subjects.
pub(crate) const SUBJECTS: &[&Subject] = &[
    &templates::SUBJECT,
    &calls::SUBJECT,
    &small::REGEX,
    &small::PRINTF,
    &small::DATES,
    &sets::SUBJECT,
    &yaml::READ,
    &yaml::WRITE,
    &semver::SUBJECT,
    &made::SUBJECT,
    &manifests::SUBJECT,
    &schema::SUBJECT,
];

/// A text of a question.
fn text<'q>(question: &'q Json, key: &str) -> &'q str {
    question[key].as_str().unwrap_or_default()
}

/// Shows a value with the types of its numbers, as the oracle does.
fn dump(value: &goyaml::Value) -> String {
    use goyaml::Value;
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Int(i) => i.to_string(),
        Value::Uint(u) => u.to_string(),
        Value::Float(f) => {
            let digits = gotext::strconv::format_float(f.abs(), b'e', None, 64);
            let (before, after) =
                (if *f == 0.0 && f.is_sign_negative() { "-" } else { "" }, if *f < 0.0 { "-" } else { "" });
            format!("{before}f{digits}{after}")
        }
        Value::Str(s) => goyaml::to_json(&Value::Str(s.clone())).unwrap_or_default(),
        Value::Seq(items) => format!("[{}]", items.iter().map(dump).collect::<Vec<_>>().join(",")),
        Value::Map(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(k, v)| format!("{}:{}", dump(&Value::Str(k.clone())), dump(v))).collect();
            format!("{{{}}}", pairs.join(","))
        }
    }
}
