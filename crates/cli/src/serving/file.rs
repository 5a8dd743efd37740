//! Settings in a YAML file. What is no setting is refused, so that nobody believes in a limit that is misspelt.

use std::collections::BTreeMap;
use std::path::Path;

use goyaml::{Map, Value};

use super::{Setting, settings};
use crate::command::distance;
use crate::fail::{Fail, Outcome};
use crate::flags::{Kind, texts};

/// What a file says: texts by the names of flags.
pub(super) type Said = BTreeMap<&'static str, Vec<String>>;

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, with its path.
pub(super) fn read(path: &Path) -> Outcome<Said> {
    let fail = |why: String| Fail::new(format!("cannot use `{}`: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| Fail::new(format!("cannot read `{}`: {error}", path.display())))?;
    let mut reading = Reading::default();
    match goyaml::from_yaml_strict(text).map_err(|error| fail(error.to_string()))? {
        Value::Null => {}
        Value::Map(map) => reading.fields("", &map),
        _ => return Err(fail("expected settings by name".to_owned())),
    }
    if reading.wrong.is_empty() { Ok(reading.said) } else { Err(fail(reading.wrong.join("; "))) }
}

#[derive(Default)]
struct Reading {
    said: Said,
    wrong: Vec<String>,
}

impl Reading {
    fn fields(&mut self, above: &str, map: &Map) {
        for (key, value) in map {
            let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
            if let Some(setting) = settings().find(|setting| setting.path == path) {
                match value_of(setting, value) {
                    Ok(Some(texts)) => _ = self.said.insert(setting.flag.name, texts),
                    Ok(None) => {}
                    Err(why) => self.wrong.push(format!("`{path}`: {why}")),
                }
            } else if settings()
                .any(|setting| setting.path.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.')))
            {
                match value {
                    Value::Map(below) => self.fields(&path, below),
                    Value::Null => {}
                    other => self.wrong.push(format!("`{path}`: expected settings by name, not {}", other.json_kind())),
                }
            } else {
                let meant = nearest(&path, key).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                self.wrong.push(format!("`{path}` is no setting{meant}"));
            }
        }
    }
}

/// The texts of a value; none when it is left open.
fn value_of(setting: Setting, value: &Value) -> Result<Option<Vec<String>>, String> {
    let kind = setting.flag.kind;
    let expected = |what: &str| format!("expected {what}, not {}", value.json_kind());
    let text = match (kind, value) {
        (_, Value::Null) => return Ok(None),
        (Kind::Slice, Value::Seq(items)) => {
            let item = |item: &Value| item.as_str().map(str::to_owned);
            return items
                .iter()
                .map(item)
                .collect::<Option<_>>()
                .map(Some)
                .ok_or_else(|| "expected a list of texts".to_owned());
        }
        (Kind::Bool, Value::Bool(on)) => on.to_string(),
        (Kind::Bool, _) => return Err(expected("true or false")),
        (Kind::Slice, Value::Str(text)) => text.clone(),
        (Kind::Slice, _) => return Err(expected("a list of texts")),
        (Kind::Uint | Kind::Size, Value::Int(_) | Value::Uint(_) | Value::Float(_)) => {
            whole(value).ok_or("expected a whole number that is not negative")?
        }
        (Kind::Uint, _) => return Err(expected("a number")),
        (_, Value::Str(text)) => text.clone(),
        (Kind::Size, _) => return Err(expected("a number of bytes such as 32Mi")),
        (Kind::Duration, _) => return Err(expected("a time such as 30s")),
        (_, Value::Int(_) | Value::Uint(_) | Value::Float(_)) => value.scalar_text().unwrap_or_default(),
        _ => return Err(expected("a text")),
    };
    texts(kind, &text).map(Some)
}

/// A whole number as it is written; readers of YAML make floats of all.
fn whole(value: &Value) -> Option<String> {
    let number = value.as_f64()?;
    let is_whole = number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number);
    is_whole.then(|| format!("{number:.0}"))
}

/// The setting that was probably meant: one that is written nearly so, or the one whose flag or own name it is.
fn nearest(path: &str, key: &str) -> Option<&'static str> {
    let plain = |text: &str| text.replace(['-', '_'], "").to_lowercase();
    let last = |setting: &Setting| setting.path.rsplit('.').next().is_some_and(|own| plain(own) == plain(key));
    let named = settings().find(|setting| plain(setting.flag.name) == plain(key)).or_else(|| settings().find(last));
    let limit = (key.len() / 3).max(1) + usize::from(key.len() > 3);
    // What is above a setting can be misspelt as well.
    let parts = settings().flat_map(|setting| {
        let ends = setting.path.match_indices('.').map(|(at, _)| at).chain([setting.path.len()]);
        ends.filter_map(|end| setting.path.get(..end)).collect::<Vec<_>>()
    });
    let written = || parts.map(|known| (distance(&plain(path), &plain(known)), known)).min();
    named.map(|setting| setting.path).or_else(|| written().filter(|(apart, _)| *apart <= limit).map(|(_, known)| known))
}
