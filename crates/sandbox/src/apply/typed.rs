//! What server-side apply does with values of a type: their field set, merge, comparison and removal of fields, as
//! structured-merge-diff v6 (`typed/*.go`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::set::{Set, Step, field, sorted};
use crate::schema::{ListKind, Type};

/// A null type, for a value whose type nobody knows.
const ANY: &Type = &Type::Any;

/// The type of what stands under a key, and whether the key is a named field.
fn member<'t>(ty: &'t Type, key: &str) -> (&'t Type, bool) {
    ty.member(key).unwrap_or((ANY, false))
}

/// The step to an item of a list.
///
/// # Errors
/// The item lacks a key, or is of the wrong type.
fn item_step(kind: &ListKind, item: &Value) -> Result<Step, String> {
    match kind {
        ListKind::Atomic => Err("atomic lists have no items of their own".into()),
        ListKind::Set => match item {
            Value::Null => Err("associative list without keys has an element that is explicitly null".into()),
            Value::Object(_) | Value::Array(_) => {
                Err("associative list without keys has an element that's a map or list type".into())
            }
            scalar => Ok(format!("v:{}", sorted(scalar))),
        },
        ListKind::Map(keys) => {
            let Value::Object(map) = item else {
                let what =
                    if item.is_null() { "an element that is explicitly null" } else { "an element that's not a map" };
                return Err(format!("associative list with keys has {what}"));
            };
            let mut out = Map::new();
            for (key, default) in keys {
                match map.get(key).filter(|v| !v.is_null()).or(default.as_ref()) {
                    Some(value) => {
                        out.insert(key.clone(), value.clone());
                    }
                    None => continue,
                }
            }
            if out.is_empty() {
                let names: Vec<String> = keys.iter().map(|(k, _)| format!("{k:?}")).collect();
                return Err(format!(
                    "associative list with keys has an element that omits key field {} (and doesn't have default value)",
                    names.join(" ")
                ));
            }
            Ok(format!("k:{}", sorted(&Value::Object(out))))
        }
    }
}

fn is_empty_container(value: &Value) -> bool {
    match value {
        Value::Object(m) => m.is_empty(),
        Value::Array(a) => a.is_empty(),
        Value::Null => true,
        _ => false,
    }
}

/// Checks that a value fits its type, for an applied configuration.
///
/// # Errors
/// The texts of structured-merge-diff, one a line.
pub(crate) fn validate(value: &Value, ty: &Type) -> Result<(), String> {
    let mut errors = Vec::new();
    check(value, ty, &mut String::new(), &mut errors);
    match errors.len() {
        0 => Ok(()),
        1 => Err(errors.concat()),
        _ => Err(format!("errors:\n{}", errors.iter().map(|e| format!("  {e}")).collect::<Vec<_>>().join("\n"))),
    }
}

fn check(value: &Value, ty: &Type, path: &mut String, errors: &mut Vec<String>) {
    use crate::schema::Scalar;
    if value.is_null() {
        return;
    }
    let mut complain = |what: String| errors.push(format!("{path}: {what}"));
    match ty.resolve() {
        Type::Any | Type::Named(_) | Type::Atomic(_) => {}
        Type::Scalar(scalar) => match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Time if !value.is_string() => {
                complain(format!("expected string, got {}", go_value(value)));
            }
            Scalar::Bool if !value.is_boolean() => complain(format!("expected boolean, got {}", go_plain(value))),
            Scalar::Int32 | Scalar::Int64 | Scalar::Float if !value.is_number() => {
                complain(format!("expected numeric (int or float), got {}", go_type(value)));
            }
            Scalar::Quantity | Scalar::IntOrString if value.is_object() || value.is_array() => {
                complain(format!("expected any scalar, got {}", go_plain(value)));
            }
            _ => {}
        },
        Type::List(list) => {
            let Value::Array(items) = value else {
                complain(format!("expected list, got {}", go_plain(value)));
                return;
            };
            let mut seen = BTreeSet::new();
            for (i, item) in items.iter().enumerate() {
                let before = path.len();
                if list.kind == ListKind::Atomic {
                    path.push_str(&format!("[{i}]"));
                } else {
                    match item_step(&list.kind, item) {
                        Ok(step) => {
                            path.push_str(&super::set::display(std::slice::from_ref(&step)));
                            if !seen.insert(step) {
                                let shown = path[before..].to_owned();
                                path.truncate(before);
                                errors.push(format!("{path}: duplicate entries for key {shown}"));
                                continue;
                            }
                        }
                        Err(why) => {
                            errors.push(format!("{path}: element {i}: {why}"));
                            continue;
                        }
                    }
                }
                check(item, &list.element, path, errors);
                path.truncate(before);
            }
        }
        Type::Map(_) | Type::Struct(_) => {
            let Value::Object(items) = value else {
                complain(format!("expected map, got {}", go_plain(value)));
                return;
            };
            for (key, item) in items {
                let before = path.len();
                path.push('.');
                path.push_str(key);
                match ty.member(key) {
                    Some((inner, _)) => check(item, inner, path, errors),
                    None => errors.push(format!("{path}: field not declared in schema")),
                }
                path.truncate(before);
            }
        }
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn go_plain(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            format!("map[{}]", map.iter().map(|(k, v)| format!("{k}:{}", go_plain(v))).collect::<Vec<_>>().join(" "))
        }
        Value::Null => "<nil>".into(),
        other => other.to_string(),
    }
}

fn go_value(value: &Value) -> String {
    format!("&value.valueUnstructured{{Value:{}}}", go_plain(value))
}

/// The paths that a value has.
pub(crate) fn field_set(value: &Value, ty: &Type) -> Set {
    let mut out = Set::default();
    collect(value, ty, &mut Vec::new(), &mut out);
    out
}

fn collect(value: &Value, ty: &Type, path: &mut Vec<Step>, out: &mut Set) {
    if ty.atomic() {
        out.insert(path);
        return;
    }
    match (ty.resolve(), value) {
        (Type::Map(_) | Type::Struct(_) | Type::Any, Value::Object(map)) => {
            for (key, inner) in map {
                let (inner_type, named) = member(ty, key);
                path.push(field(key));
                collect(inner, inner_type, path, out);
                let empty = inner.is_null() || inner.as_object().is_some_and(Map::is_empty);
                if empty || !named {
                    out.insert(path);
                }
                path.pop();
            }
        }
        (Type::List(list), Value::Array(items)) => {
            let steps: Vec<Option<Step>> = items.iter().map(|i| item_step(&list.kind, i).ok()).collect();
            for (step, item) in steps.iter().zip(items) {
                let Some(step) = step else { continue };
                path.push(step.clone());
                if steps.iter().filter(|s| s.as_ref() == Some(step)).count() == 1 {
                    collect(item, &list.element, path, out);
                }
                out.insert(path);
                path.pop();
            }
        }
        (Type::List(_) | Type::Map(_) | Type::Struct(_), Value::Null) => {}
        _ => out.insert(path),
    }
}

/// What changed between two values.
#[derive(Debug, Default, Clone)]
pub(crate) struct Comparison {
    pub(crate) removed: Set,
    pub(crate) modified: Set,
    pub(crate) added: Set,
}

impl Comparison {
    /// Leaves out fields and all that is below them.
    pub(crate) fn without(mut self, fields: &Set) -> Self {
        self.removed = self.removed.recursive_difference(fields);
        self.modified = self.modified.recursive_difference(fields);
        self.added = self.added.recursive_difference(fields);
        self
    }
}

/// Compares an old value with a new one.
pub(crate) fn compare(old: &Value, new: &Value, ty: &Type) -> Comparison {
    let mut out = Comparison::default();
    walk_compare(Some(old), Some(new), ty, &mut Vec::new(), &mut out);
    out
}

fn walk_compare(old: Option<&Value>, new: Option<&Value>, ty: &Type, path: &mut Vec<Step>, out: &mut Comparison) {
    let leaf = |path: &Vec<Step>, out: &mut Comparison| match (old, new) {
        (None, Some(_)) => out.added.insert(path),
        (Some(_), None) => out.removed.insert(path),
        (Some(a), Some(b)) if a != b => out.modified.insert(path),
        _ => {}
    };
    let both_empty = old.is_none_or(is_empty_container) && new.is_none_or(is_empty_container);
    let maps = old.is_none_or(|v| v.is_object() || v.is_null()) && new.is_none_or(|v| v.is_object() || v.is_null());
    let lists = old.is_none_or(|v| v.is_array() || v.is_null()) && new.is_none_or(|v| v.is_array() || v.is_null());
    match ty.resolve() {
        _ if ty.atomic() || both_empty => return leaf(path, out),
        Type::Map(_) | Type::Struct(_) | Type::Any if maps => {
            let empty = Map::new();
            let left = old.and_then(Value::as_object).unwrap_or(&empty);
            let right = new.and_then(Value::as_object).unwrap_or(&empty);
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                path.push(field(key));
                walk_compare(left.get(key), right.get(key), member(ty, key).0, path, out);
                path.pop();
            }
        }
        Type::List(list) if lists => compare_items(old, new, list, path, out),
        _ => return leaf(path, out),
    }
    if old.is_none() {
        out.added.insert(path);
    } else if new.is_none() {
        out.removed.insert(path);
    }
}

fn compare_items(
    old: Option<&Value>,
    new: Option<&Value>,
    list: &crate::schema::List,
    path: &mut Vec<Step>,
    out: &mut Comparison,
) {
    let group = |value: Option<&Value>| {
        let mut groups: BTreeMap<Step, Vec<Value>> = BTreeMap::new();
        for item in value.and_then(Value::as_array).into_iter().flatten() {
            if let Ok(step) = item_step(&list.kind, item) {
                groups.entry(step).or_default().push(item.clone());
            }
        }
        groups
    };
    let (left, right) = (group(old), group(new));
    let steps: BTreeSet<&Step> = left.keys().chain(right.keys()).collect();
    for step in steps {
        let (a, b) = (left.get(step).map_or(&[][..], Vec::as_slice), right.get(step).map_or(&[][..], Vec::as_slice));
        path.push(step.clone());
        match (a, b) {
            ([_, _, ..], [_, _, ..]) => {
                if a != b {
                    out.modified.insert(path);
                }
            }
            ([_, _, ..], rest) => {
                if let Some(one) = rest.first() {
                    walk_compare(None, Some(one), &list.element, path, out);
                }
                out.removed.insert(path);
            }
            (rest, [_, _, ..]) => {
                if let Some(one) = rest.first() {
                    walk_compare(Some(one), None, &list.element, path, out);
                }
                out.added.insert(path);
            }
            (a, b) => walk_compare(a.first(), b.first(), &list.element, path, out),
        }
        path.pop();
    }
}

/// Puts a configuration over a live value.
pub(crate) fn merge(live: Option<&Value>, config: Option<&Value>, ty: &Type) -> Option<Value> {
    let leaf = || config.or(live).cloned();
    let both_empty = live.is_none_or(is_empty_container) && config.is_none_or(is_empty_container);
    if ty.atomic() || both_empty {
        return leaf();
    }
    let maps = live.is_none_or(|v| v.is_object() || v.is_null()) && config.is_none_or(|v| v.is_object() || v.is_null());
    let lists = live.is_none_or(|v| v.is_array() || v.is_null()) && config.is_none_or(|v| v.is_array() || v.is_null());
    match ty.resolve() {
        Type::Map(_) | Type::Struct(_) | Type::Any if maps => {
            let empty = Map::new();
            let left = live.and_then(Value::as_object).unwrap_or(&empty);
            let right = config.and_then(Value::as_object).unwrap_or(&empty);
            let mut out = Map::new();
            for key in left.keys().chain(right.keys().filter(|k| !left.contains_key(*k))) {
                if let Some(value) = merge(left.get(key), right.get(key), member(ty, key).0) {
                    out.insert(key.clone(), value);
                }
            }
            (!out.is_empty()).then_some(Value::Object(out))
        }
        Type::List(list) if lists => {
            let left = live.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let right = config.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            merge_items(left, right, list)
        }
        _ => leaf(),
    }
}

/// Merges two lists: items that both have stand in the configuration's order, and those that only the live list has keep
/// their place between them.
fn merge_items(left: &[Value], right: &[Value], list: &crate::schema::List) -> Option<Value> {
    let index = |items: &[Value]| -> Vec<(Step, Value)> {
        items.iter().filter_map(|i| Some((item_step(&list.kind, i).ok()?, i.clone()))).collect()
    };
    let (lefts, rights) = (index(left), index(right));
    // An item that is there twice does not merge with the one that takes its place.
    let live_of = |step: &Step| -> Option<&Value> {
        let mut found = lefts.iter().filter(|(s, _)| s == step);
        match (found.next(), found.next()) {
            (Some((_, v)), None) => Some(v),
            _ => None,
        }
    };
    let in_left: BTreeSet<&Step> = lefts.iter().map(|(s, _)| s).collect();
    let in_right: BTreeSet<&Step> = rights.iter().map(|(s, _)| s).collect();
    let mut shared = rights.iter().map(|(s, _)| s).filter(|s| in_left.contains(s));
    let mut next = shared.next();
    let mut merged: BTreeSet<&Step> = BTreeSet::new();
    let mut out = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < lefts.len() || r < rights.len() {
        if let (Some((ls, lv)), Some((rs, rv))) = (lefts.get(l), rights.get(r)) {
            if ls == rs {
                merged.insert(ls);
                let live = live_of(ls).or(if in_left.contains(ls) { None } else { Some(lv) });
                out.extend(merge(live, Some(rv), &list.element));
                l += 1;
                r += 1;
                next = shared.next();
                continue;
            }
            if in_right.contains(ls) && next.is_some_and(|n| n != ls) {
                l += 1;
                continue;
            }
        }
        if let Some((ls, lv)) = lefts.get(l) {
            if !in_right.contains(ls) {
                out.extend(merge(Some(lv), None, &list.element));
                l += 1;
                continue;
            }
            if merged.contains(ls) {
                l += 1;
            }
        }
        if let Some((rs, rv)) = rights.get(r) {
            merged.insert(rs);
            out.extend(merge(live_of(rs), Some(rv), &list.element));
            r += 1;
            if next == Some(rs) {
                next = shared.next();
            }
        }
    }
    (!out.is_empty()).then_some(Value::Array(out))
}

/// Takes the paths of a set out of a value.
pub(crate) fn remove(value: &Value, paths: &Set, ty: &Type) -> Value {
    if paths.is_empty() {
        return value.clone();
    }
    match (ty.resolve(), value) {
        (_, Value::Object(_) | Value::Array(_)) if is_empty_container(value) || ty.atomic() => Value::Null,
        (Type::Map(_) | Type::Struct(_) | Type::Any, Value::Object(map)) => {
            let mut out = Map::new();
            let mut touched = false;
            for (key, inner) in map {
                let step = field(key);
                if paths.contains(&step) {
                    continue;
                }
                let inner = match paths.below(&step) {
                    Some(below) => {
                        touched = true;
                        removed_inside(inner, below, member(ty, key).0)
                    }
                    None => inner.clone(),
                };
                out.insert(key.clone(), inner);
            }
            if out.is_empty() && !touched { Value::Null } else { Value::Object(out) }
        }
        (Type::List(list), Value::Array(items)) => {
            let mut out = Vec::new();
            let mut touched = false;
            for item in items {
                let Ok(step) = item_step(&list.kind, item) else {
                    out.push(item.clone());
                    continue;
                };
                if paths.contains(&step) {
                    continue;
                }
                out.push(match paths.below(&step) {
                    Some(below) => {
                        touched = true;
                        removed_inside(item, below, &list.element)
                    }
                    None => item.clone(),
                });
            }
            if out.is_empty() && !touched { Value::Null } else { Value::Array(out) }
        }
        _ => value.clone(),
    }
}

/// A container that lost all its parts stays there, empty.
fn removed_inside(value: &Value, below: &Set, ty: &Type) -> Value {
    match (remove(value, below, ty), value) {
        (Value::Null, Value::Object(_)) => Value::Object(Map::new()),
        (Value::Null, Value::Array(_)) => Value::Array(Vec::new()),
        (other, _) => other,
    }
}

/// Adds the named fields that only have something below them.
pub(crate) fn with_named_fields(set: &Set, ty: &Type) -> Set {
    let mut out = Set::default();
    for step in set.members() {
        out.add_member(step);
    }
    for (step, child) in set.children() {
        let inner = match step.strip_prefix("f:") {
            Some(key) => {
                let (inner, named) = member(ty, key);
                if named {
                    out.add_member(step);
                }
                inner
            }
            None => ty.items().0,
        };
        out.put_child(step, with_named_fields(child, inner));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::apply::set::display;
    use crate::schema::BUILTIN;

    fn pod() -> Type {
        BUILTIN.kind("", "v1", "Pod").unwrap()
    }

    #[test]
    fn lists_merge_by_their_keys_and_keep_their_order() {
        let live = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "side"}, {"name": "b"}]}});
        let config = json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "a"}, {"name": "c"}]}});
        let merged = merge(Some(&live), Some(&config), &pod()).unwrap();
        let names: Vec<&str> =
            merged["spec"]["containers"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["side", "b", "a", "c"]);
        assert_eq!(merged["spec"]["containers"][2]["image"], "1");
    }

    #[test]
    fn the_field_set_has_items_and_leaves() {
        let value = json!({"metadata": {"labels": {"a": "b"}, "finalizers": ["x"]},
            "spec": {"containers": [{"name": "a", "args": ["x"], "ports": [{"containerPort": 80}]}], "volumes": [{"name": "v", "emptyDir": {}}]}});
        let paths: Vec<String> = field_set(&value, &pod()).paths().iter().map(|p| display(p)).collect();
        for want in [
            ".metadata.labels.a",
            ".metadata.finalizers[=\"x\"]",
            ".spec.containers[name=\"a\"]",
            ".spec.containers[name=\"a\"].args",
            ".spec.containers[name=\"a\"].name",
            ".spec.containers[name=\"a\"].ports[containerPort=80,protocol=\"TCP\"]",
            ".spec.volumes[name=\"v\"].emptyDir",
        ] {
            assert!(paths.iter().any(|p| p == want), "{want} in {paths:?}");
        }
        assert!(!paths.iter().any(|p| p == ".spec"));
    }

    #[test]
    fn undeclared_fields_are_told_by_path() {
        let text = validate(&json!({"spec": {"containers": [{"name": "a", "imag": "x"}]}}), &pod()).unwrap_err();
        assert_eq!(text, ".spec.containers[name=\"a\"].imag: field not declared in schema");
    }
}
