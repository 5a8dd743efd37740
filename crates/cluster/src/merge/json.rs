//! Merging as JSON, for the kinds of which nobody knows how their lists merge.

use serde_json::{Map, Value};

/// The JSON merge patch (RFC 7396) that makes one object of another.
pub(super) fn difference(from: &Map<String, Value>, to: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for (key, wanted) in to {
        match (from.get(key), wanted) {
            (Some(Value::Object(old)), Value::Object(new)) => {
                let inner = difference(old, new);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Some(old), new) if old == new => {}
            _ => {
                patch.insert(key.clone(), wanted.clone());
            }
        }
    }
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}

/// Only the deletions of a patch, or all but them.
fn part(patch: &Map<String, Value>, deletions: bool) -> Map<String, Value> {
    let mut out = Map::new();
    for (key, value) in patch {
        match value {
            Value::Null if deletions => {
                out.insert(key.clone(), Value::Null);
            }
            Value::Object(inner) if !inner.is_empty() => {
                let inner = part(inner, deletions);
                if !inner.is_empty() {
                    out.insert(key.clone(), Value::Object(inner));
                }
            }
            Value::Null => {}
            value if !deletions => {
                out.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    out
}

/// Puts a patch on top of another.
fn union(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => union(there, more),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

/// The patch from what manifests had to what is wanted, as Helm 4.3 makes it (`pkg/kube/client.go createPatch`): what is
/// in the cluster is not looked at. Of several manifests, the differences to all of them.
pub(super) fn two_way(originals: &[&Map<String, Value>], wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut patch = Map::new();
    for original in originals {
        union(&mut patch, difference(original, wanted));
    }
    patch
}

/// The patch that adds what the live object lacks or has otherwise, and removes what manifests had and nobody wants any
/// more, as apimachinery's `jsonmergepatch`.
pub(super) fn three_way(
    originals: &[&Map<String, Value>],
    wanted: &Map<String, Value>,
    live: &Map<String, Value>,
) -> Map<String, Value> {
    let mut patch = part(&two_way(originals, wanted), true);
    union(&mut patch, part(&difference(live, wanted), false));
    patch
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn two_ways_do_not_see_what_is_there() {
        let old = map(json!({"a": 1, "b": {"c": 1, "d": [1]}, "gone": true}));
        let new = map(json!({"a": 1, "b": {"c": 2, "d": [1]}, "new": {}}));
        assert_eq!(two_way(&[&old], &new), map(json!({"b": {"c": 2}, "gone": null, "new": {}})));
        assert!(two_way(&[&new], &new).is_empty());
        let failed = map(json!({"a": 2, "b": {"c": 2, "d": [1]}, "new": {}, "more": 1}));
        assert_eq!(
            two_way(&[&failed, &old], &new),
            map(json!({"a": 1, "b": {"c": 2}, "gone": null, "new": {}, "more": null}))
        );
    }

    #[test]
    fn three_ways_put_right_what_others_have_changed() {
        let old = map(json!({"a": 1, "b": {"c": 1}, "gone": true}));
        let new = map(json!({"a": 1, "b": {}}));
        let live = map(json!({"a": 5, "b": {"c": 1, "x": 1}, "gone": true, "theirs": 1}));
        assert_eq!(three_way(&[&old], &new, &live), map(json!({"a": 1, "b": {"c": null}, "gone": null})));
    }
}
