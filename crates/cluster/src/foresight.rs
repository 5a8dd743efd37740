//! What applying an object would do: nothing, as far as can be seen, or which fields it would change.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::cluster::FIELD_MANAGER;
use crate::object::Object;

/// Tells whether applying an object as Helm would evidently change nothing: every field of it is owned by Helm and has
/// its value, and Helm owns no other. `false` says that it cannot be seen, not that something would change: the server
/// may write a value in another way than the chart does.
pub fn is_settled(object: &Object, live: &Value) -> bool {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let mut own = entries.into_iter().flatten().filter(|entry| text(entry, "manager") == FIELD_MANAGER);
    let (Some(entry), None) = (own.next(), own.next()) else { return false };
    let whole = text(entry, "subresource").is_empty() && text(entry, "operation") == "Apply";
    let Some(Value::Object(fields)) = entry.get("fieldsV1") else { return false };
    whole && text(entry, "apiVersion") == object.id().gvk.api_version() && is_same(fields, &bare(object), live)
}

/// A field that has one value and would have another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where it is: `.spec.replicas`, `.spec.ports[0].port`, `.metadata.labels["a.b/c"]`.
    pub path: String,
    /// What it is; left out when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it would be; left out when it would be gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The fields that differ between an object as it is and as it would be; what the server keeps for itself is left out.
pub fn changed_fields(live: &Value, would_be: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", Some(live), Some(would_be), &is_of_the_server, &mut found);
    found
}

/// All fields that differ between two values.
pub fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &|_| false, &mut found);
    found
}

/// The object without what names it, which nobody owns.
fn bare(object: &Object) -> Value {
    let mut value = object.value().clone();
    if let Value::Object(map) = &mut value {
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
            metadata.remove("name");
            metadata.remove("namespace");
            if metadata.is_empty() {
                map.remove("metadata");
            }
        }
    }
    value
}

/// Compares what a set of fields holds; the set must be all that `wanted` has.
fn is_same(fields: &Map<String, Value>, wanted: &Value, live: &Value) -> bool {
    let mut children = fields.iter().filter(|(key, _)| key.as_str() != ".").peekable();
    if children.peek().is_none() {
        return wanted == live;
    }
    let count = match wanted {
        Value::Object(map) => map.len(),
        Value::Array(items) => items.len(),
        _ => return false,
    };
    let mut seen = 0;
    for (key, below) in children {
        seen += 1;
        let (Value::Object(below), Some(wanted), Some(live)) = (below, step(wanted, key), step(live, key)) else {
            return false;
        };
        if !is_same(below, wanted, live) {
            return false;
        }
    }
    seen == count
}

/// Goes down one element of a path: `f:name`, `k:{"name":"x"}` or `v:"x"`.
fn step<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    let (kind, rest) = key.split_once(':')?;
    match (kind, value) {
        ("f", Value::Object(map)) => map.get(rest),
        ("v", Value::Array(items)) => {
            let wanted: Value = serde_json::from_str(rest).ok()?;
            items.iter().find(|item| **item == wanted)
        }
        ("k", Value::Array(items)) => {
            let keys: Map<String, Value> = serde_json::from_str(rest).ok()?;
            // A key that is left out has its default.
            let fits = |item: &&Value| keys.iter().all(|(key, value)| item.get(key).is_none_or(|own| own == value));
            let mut fitting = items.iter().filter(fits);
            fitting.next().filter(|_| fitting.next().is_none())
        }
        _ => None,
    }
}

fn compare(
    at: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    is_left_out: &dyn Fn(&str) -> bool,
    found: &mut Vec<FieldChange>,
) {
    if is_left_out(at) || before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let more = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(more) {
                let dotted = key.contains(['.', '/']);
                let place = if dotted { format!("{at}[{key:?}]") } else { format!("{at}.{key}") };
                compare(&place, old.get(key), new.get(key), is_left_out, found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{at}[{index}]"), Some(old), Some(new), is_left_out, found);
            }
        }
        _ => found.push(FieldChange { path: at.to_owned(), before: before.cloned(), after: after.cloned() }),
    }
}

fn is_of_the_server(at: &str) -> bool {
    matches!(at, ".metadata.managedFields" | ".metadata.resourceVersion" | ".metadata.generation" | ".status")
}

fn text<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(spec: &Value) -> Object {
        Object::new(
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "web"}, "spec": spec}),
        )
        .unwrap()
    }

    fn live(spec: Value, fields: Value) -> Value {
        json!({"metadata": {"name": "a", "uid": "1", "managedFields": [
            {"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:status": {}}},
            {"manager": "helm", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": fields}},
        ]}, "spec": spec})
    }

    #[test]
    fn what_is_as_it_should_be_is_seen() {
        let port = json!({"port": 80, "protocol": "TCP", "targetPort": 80});
        let there =
            json!({"type": "ClusterIP", "ports": [port], "args": ["a"], "set": ["x", "y"], "clusterIP": "10.0.0.1"});
        let fields = json!({
            "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}, "f:args": {}, "f:set": {"v:\"x\"": {}},
        });
        for (wanted, want) in [
            (json!({"ports": [{"port": 80}], "args": ["a"], "set": ["x"]}), true),
            (json!({"ports": [{"port": 81}], "args": ["a"], "set": ["x"]}), false),
            (json!({"ports": [{"port": 80}], "args": ["b"], "set": ["x"]}), false),
            // More than Helm owns, and less.
            (json!({"ports": [{"port": 80}], "args": ["a"], "set": ["x", "y"]}), false),
            (json!({"ports": [{"port": 80}], "args": ["a"], "set": ["x"], "type": "ClusterIP"}), false),
            (json!({"ports": [{"port": 80}], "args": ["a"]}), false),
            (json!({"ports": [{"port": 80, "targetPort": 80}], "args": ["a"], "set": ["x"]}), false),
        ] {
            assert_eq!(is_settled(&object(&wanted), &live(there.clone(), fields.clone())), want, "{wanted}");
        }
        let wanted = object(&json!({"ports": [{"port": 80}], "args": ["a"], "set": ["x"]}));
        let mut updated = live(there.clone(), fields);
        updated["metadata"]["managedFields"][1]["operation"] = "Update".into();
        assert!(!is_settled(&wanted, &updated), "its fields are to be handed over");
        assert!(!is_settled(&wanted, &json!({"spec": there})));
    }

    #[test]
    fn changes_are_named() {
        let old = json!({"metadata": {"resourceVersion": "1", "labels": {"a.b/c": "x"}}, "spec": {"replicas": 1, "a": [1, 2]}});
        let new = json!({"metadata": {"resourceVersion": "2", "labels": {"a.b/c": "y"}}, "spec": {"replicas": 2, "a": [1, 3], "b": 1}});
        let change = |path: &str, before: Value, after: Value| FieldChange {
            path: path.to_owned(),
            before: Some(before).filter(|v| !v.is_null()),
            after: Some(after).filter(|v| !v.is_null()),
        };
        assert_eq!(
            changed_fields(&old, &new),
            [
                change(".metadata.labels[\"a.b/c\"]", json!("x"), json!("y")),
                change(".spec.a[1]", json!(2), json!(3)),
                change(".spec.replicas", json!(1), json!(2)),
                change(".spec.b", Value::Null, json!(1)),
            ]
        );
        assert!(changed_fields(&old, &old).is_empty());
    }
}
