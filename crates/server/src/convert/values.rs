//! Values: from JSON to the tree that charts are rendered with, and back.

use api::{InputError, ValuesInput};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::strvals::{self, Room};
use goyaml::Value as Yaml;
use serde_json::{Map, Value};

use super::pointer;

/// The largest integer up to which every one is a float as well.
const EXACT: u64 = 1 << 53;

/// Reads numbers as Helm reads those of a values file, as floats, so that a chart renders the same either way (`kindIs
/// "float64"`, `printf "%v"`). What a float cannot hold stays an integer, as `--set` makes it: values must not be mangled.
fn to_yaml_value(value: &Value) -> Yaml {
    match value {
        Value::Null => Yaml::Null,
        Value::Bool(b) => Yaml::Bool(*b),
        Value::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(i), _) if i.unsigned_abs() > EXACT => Yaml::Int(i),
            (None, Some(u)) => Yaml::Uint(u),
            _ => Yaml::Float(n.as_f64().unwrap_or_default()),
        },
        Value::String(s) => Yaml::Str(s.clone()),
        Value::Array(items) => Yaml::Seq(items.iter().map(to_yaml_value).collect()),
        Value::Object(map) => Yaml::Map(to_yaml_map(map)),
    }
}

/// As [`to_yaml_value`], of a whole object.
pub(crate) fn to_yaml_map(map: &Map<String, Value>) -> goyaml::Map {
    map.iter().map(|(k, v)| (k.clone(), to_yaml_value(v))).collect()
}

/// The way back; a float without fraction is an integer again, as in Go's JSON.
pub(crate) fn to_json_map(map: &goyaml::Map) -> Map<String, Value> {
    match serde_json::to_value(map) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Puts what was set on top of the values, in Helm's order of precedence.
///
/// As Helm 4.3: `pkg/cli/values/options.go`.
pub(crate) fn user_values(base: goyaml::Map, input: &ValuesInput<'_>) -> Result<goyaml::Map, Vec<InputError>> {
    let mut set = Setting { values: base, room: Room::default(), errors: Vec::new() };
    set.all("setJson", input.set_json, set_json);
    set.all("set", input.set, |text, values, room| words(room.parse_into(text, values)));
    set.all("setString", input.set_string, |text, values, room| words(room.parse_into_string(text, values)));
    for (path, content) in input.set_file {
        if let Err(error) = set_file(path, content, &mut set.values, &mut set.room) {
            set.errors.push(InputError::body(pointer(&["setFile", path]), error));
        }
    }
    set.all("setLiteral", input.set_literal, |text, values, room| words(room.parse_literal_into(text, values)));
    if set.errors.is_empty() { Ok(set.values) } else { Err(set.errors) }
}

/// How many errors are told.
const MAX_ERRORS: usize = 100;

/// Values in the making.
struct Setting {
    values: goyaml::Map,
    room: Room,
    errors: Vec<InputError>,
}

impl Setting {
    /// Sets each of a field's texts, and says where one is wrong.
    fn all(&mut self, field: &str, texts: &[String], set: fn(&str, &mut goyaml::Map, &mut Room) -> Result<(), String>) {
        for (index, text) in texts.iter().enumerate() {
            if self.errors.len() >= MAX_ERRORS {
                return;
            }
            if let Err(error) = set(text, &mut self.values, &mut self.room) {
                self.errors.push(InputError::body(pointer(&[field, &index.to_string()]), error));
            }
        }
    }
}

fn words<T>(result: Result<T, strvals::SetError>) -> Result<T, String> {
    result.map_err(|e| e.to_string())
}

/// One whole object, or paths with JSON.
fn set_json(text: &str, values: &mut goyaml::Map, room: &mut Room) -> Result<(), String> {
    if !text.trim_start().starts_with('{') {
        return words(room.parse_json(text, values));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) => {
            goyaml::merge_maps(values, to_yaml_map(&map));
            Ok(())
        }
        Ok(_) => Err("expected an object".to_owned()),
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

fn set_file(path: &str, content: &str, values: &mut goyaml::Map, room: &mut Room) -> Result<(), String> {
    let bytes = STANDARD.decode(content).map_err(|e| format!("not base64: {e}"))?;
    let text = String::from_utf8(bytes).map_err(|_| "the file is not UTF-8".to_owned())?;
    // The path stands for the file's name; whatever it is called, its content is this.
    words(room.parse_into_file(&format!("{path}=file"), values, &mut |_| Ok(Yaml::Str(text.clone()))))
}

/// Merges a patch into values, as RFC 7386.
pub(crate) fn merge_patch(target: &mut goyaml::Map, patch: &Map<String, Value>) {
    for (key, value) in patch {
        match value {
            Value::Null => {
                target.remove(key);
            }
            Value::Object(patch) => {
                let child = target.entry(key.clone()).or_insert_with(|| Yaml::Map(goyaml::Map::new()));
                if !matches!(child, Yaml::Map(_)) {
                    *child = Yaml::Map(goyaml::Map::new());
                }
                if let Yaml::Map(child) = child {
                    merge_patch(child, patch);
                }
            }
            other => {
                target.insert(key.clone(), to_yaml_value(other));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> goyaml::Map {
        to_yaml_map(value.as_object().unwrap())
    }

    #[test]
    fn later_kinds_win() {
        let body: api::ChangeBody = serde_json::from_value(json!({
            "values": {"a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": {"x": 1}},
            "setJson": ["a=2,b=2", "{\"f\": {\"y\": 12345678901}}"],
            "set": ["b=3,c=3"], "setString": ["c=4"], "setFile": {"d": "NQ=="}, "setLiteral": ["e=6,7"]
        }))
        .unwrap();
        let made = user_values(to_yaml_map(&body.values), &body.values_input()).unwrap();
        assert_eq!(
            Value::Object(to_json_map(&made)),
            json!({"a": 2, "b": 3, "c": "4", "d": "5", "e": "6,7", "f": {"x": 1, "y": 12_345_678_901_u64}})
        );
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        let body: api::ChangeBody = serde_json::from_value(json!({
            "set": ["a=1", "b[-1]=2"], "setJson": ["{]"], "setFile": {"a/b": "%"}
        }))
        .unwrap();
        let errors = user_values(goyaml::Map::new(), &body.values_input()).unwrap_err();
        let places: Vec<&str> = errors.iter().filter_map(|e| e.pointer.as_deref()).collect();
        assert_eq!(places, ["/setJson/0", "/set/1", "/setFile/a~1b"]);
    }

    #[test]
    fn a_merge_patch_takes_away_with_null() {
        let mut values = map(json!({"a": 1, "b": {"c": 2, "d": 3}, "e": "x"}));
        merge_patch(&mut values, json!({"a": null, "b": {"c": 4, "z": null}, "e": {"f": [1]}}).as_object().unwrap());
        assert_eq!(Value::Object(to_json_map(&values)), json!({"b": {"c": 4, "d": 3}, "e": {"f": [1]}}));
    }

    #[test]
    fn integers_stay_integers() {
        let values = json!({"a": 9_007_199_254_740_993_i64, "b": u64::MAX, "c": -1, "d": 1.5});
        assert_eq!(Value::Object(to_json_map(&map(values.clone()))), values);
    }
}
