//! The strategic merge patch between what was, what is wanted and what is there, as apimachinery's `strategicpatch` makes it
//! for Helm 4.3: what the live object lacks or has otherwise is set, and what an earlier manifest had and the new one has
//! not is removed; what others have added stays.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::types::{Field, Type};

/// An item of a list that is to merge has not the key by which it does.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoMergeKey {
    pub(super) item: Value,
    pub(super) key: &'static str,
}

type Made<T> = Result<T, NoMergeKey>;

/// Compares maps.
pub(super) fn maps(
    originals: &[&Map<String, Value>],
    wanted: &Map<String, Value>,
    live: &Map<String, Value>,
    ty: Type,
    retain_keys: bool,
) -> Made<Map<String, Value>> {
    let mut patch = Map::new();
    for (key, want) in wanted {
        let Some(have) = live.get(key) else {
            if !want.is_null() {
                patch.insert(key.clone(), want.clone());
            }
            continue;
        };
        let field = ty.field(key);
        match (want, have) {
            (Value::Object(want), Value::Object(have)) if !field.replace => {
                let originals: Vec<_> =
                    originals.iter().filter_map(|original| original.get(key)?.as_object()).collect();
                let inner = maps(&originals, want, have, field.ty, field.retain_keys)?;
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(want), Value::Array(have)) if field.merge_key.is_some() && !have.is_empty() => {
                let originals: Vec<_> =
                    originals.iter().filter_map(|original| Some(original.get(key)?.as_array()?.as_slice())).collect();
                patch.extend(lists(key, &originals, want, have, field)?);
            }
            (want, have) => {
                if want != have {
                    patch.insert(key.clone(), want.clone());
                }
            }
        }
    }
    let gone = originals.iter().flat_map(|original| original.keys());
    for key in gone.filter(|key| !wanted.contains_key(*key) && live.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    if retain_keys {
        let keys: BTreeSet<&str> =
            wanted.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str()).collect();
        let has_more = live.iter().any(|(key, value)| !value.is_null() && !wanted.contains_key(key));
        if !keys.is_empty() && (!patch.is_empty() || has_more) {
            patch.insert("$retainKeys".to_owned(), json!(keys));
        }
    }
    Ok(patch)
}

/// Compares lists that merge; what comes out belongs beside the list's own key.
fn lists(
    name: &str,
    originals: &[&[Value]],
    wanted: &[Value],
    live: &[Value],
    field: Field,
) -> Made<Vec<(String, Value)>> {
    let key = field.merge_key.unwrap_or_default();
    if key.is_empty() {
        return Ok(plain_lists(name, originals, wanted, live));
    }
    let keys = wanted.iter().map(|item| id(item, key)).collect::<Made<Vec<_>>>()?;
    let mut items = Vec::new();
    for (at, (want, own)) in wanted.iter().zip(&keys).enumerate() {
        let before = keys.iter().take(at).filter(|other| *other == own).count();
        let Some(Value::Object(have)) = nth(live, key, own, before) else {
            items.push(want.clone());
            continue;
        };
        let Value::Object(want) = want else { continue };
        let originals: Vec<_> = originals.iter().filter_map(|list| nth(list, key, own, before)?.as_object()).collect();
        let mut inner = maps(&originals, want, have, field.ty, field.retain_keys)?;
        if !inner.is_empty() {
            inner.insert(key.to_owned(), want.get(key).cloned().unwrap_or_default());
            items.push(Value::Object(inner));
        }
    }
    let mut gone = Vec::<&Value>::new();
    for own in originals.iter().flat_map(|list| list.iter()).filter_map(|item| item.get(key)) {
        let is_there = live.iter().any(|item| item.get(key) == Some(own));
        if is_there && !keys.contains(&text(own)) && !gone.contains(&own) {
            gone.push(own);
        }
    }
    items.extend(gone.into_iter().map(|own| json!({"$patch": "delete", key: own})));
    let order: Vec<_> = live.iter().filter_map(|item| item.get(key)).map(text).collect();
    if items.is_empty() && order == keys {
        return Ok(Vec::new());
    }
    let once = |keys: &[String]| keys.iter().collect::<BTreeSet<_>>().len() == keys.len();
    if !once(&keys) || !once(&order) {
        // The server finds items by a key that two of them have: only all of them together can be right.
        let marked = wanted.iter().cloned().chain([json!({"$patch": "replace"})]).collect();
        return Ok(vec![(name.to_owned(), marked)]);
    }
    let mut found = Vec::new();
    if !items.is_empty() {
        found.push((name.to_owned(), Value::Array(items)));
    }
    if !wanted.is_empty() {
        let order = wanted.iter().map(|item| json!({key: item.get(key)})).collect();
        found.push((format!("$setElementOrder/{name}"), order));
    }
    Ok(found)
}

/// Compares lists of plain values.
fn plain_lists(name: &str, originals: &[&[Value]], wanted: &[Value], live: &[Value]) -> Vec<(String, Value)> {
    let new: Vec<Value> = wanted.iter().filter(|item| !live.contains(item)).cloned().collect();
    let mut gone = Vec::<Value>::new();
    for item in originals.iter().flat_map(|list| list.iter()) {
        if live.contains(item) && !wanted.contains(item) && !gone.contains(item) {
            gone.push(item.clone());
        }
    }
    let mut found = Vec::new();
    if !wanted.is_empty() && live != wanted {
        found.push((format!("$setElementOrder/{name}"), wanted.to_vec().into()));
    }
    if !new.is_empty() {
        found.push((name.to_owned(), new.into()));
    }
    if !gone.is_empty() {
        found.push((format!("$deleteFromPrimitiveList/{name}"), gone.into()));
    }
    found
}

/// What an item is known by.
fn id(item: &Value, key: &'static str) -> Made<String> {
    item.get(key).map(text).ok_or_else(|| NoMergeKey { item: item.clone(), key })
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The item with a key, of several the one with so many before it.
fn nth<'v>(list: &'v [Value], key: &str, own: &str, before: usize) -> Option<&'v Value> {
    list.iter().filter(|item| item.get(key).is_some_and(|found| text(found) == own)).nth(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Gvk;

    fn made(kind: &str, original: &Value, wanted: &Value, live: &Value) -> Value {
        let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        let ty = Type::of(&Gvk::new(version, kind)).unwrap();
        let [original, wanted, live] = [original, wanted, live].map(|value| value.as_object().unwrap());
        Value::Object(maps(&[original], wanted, live, ty, false).unwrap())
    }

    fn pod(spec: &Value) -> Value {
        json!({"spec": {"template": {"spec": spec}}})
    }

    fn of_pod(original: &Value, wanted: &Value, live: &Value) -> Value {
        let mut made = made("Deployment", &pod(original), &pod(wanted), &pod(live));
        made.pointer_mut("/spec/template/spec").map(Value::take).unwrap_or_default()
    }

    #[test]
    fn what_others_added_stays_and_what_was_ours_goes() {
        let old = json!({"data": {"a": "1", "b": "2"}, "metadata": {"labels": {"x": "y"}}});
        let new = json!({"data": {"a": "1"}, "metadata": {}});
        let live =
            json!({"data": {"a": "changed", "b": "2", "theirs": "3"}, "metadata": {"labels": {"x": "y"}, "uid": "1"}});
        let want = json!({"data": {"a": "1", "b": null}, "metadata": {"labels": null}});
        assert_eq!(made("ConfigMap", &old, &new, &live), want);
        assert_eq!(
            made("ConfigMap", &new, &new, &json!({"data": {"a": "1", "theirs": "3"}, "metadata": {}})),
            json!({})
        );
        // What is gone already needs no deletion.
        assert_eq!(made("ConfigMap", &old, &new, &json!({"data": {"a": "1"}, "metadata": {}})), json!({}));
    }

    #[test]
    fn lists_merge_by_their_keys() {
        let old = json!({"containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]}, {"name": "b"}]});
        let new = json!({"containers": [{"name": "c"}, {"name": "a", "image": "2", "env": [{"name": "Y"}]}]});
        let live = json!({"containers": [
            {"name": "a", "image": "1", "imagePullPolicy": "Always", "env": [{"name": "X", "value": "1"}, {"name": "Y"}]},
            {"name": "b"}, {"name": "theirs"},
        ]});
        let want = json!({
            "$setElementOrder/containers": [{"name": "c"}, {"name": "a"}],
            "containers": [
                {"name": "c"},
                {"name": "a", "image": "2", "$setElementOrder/env": [{"name": "Y"}], "env": [{"name": "X", "$patch": "delete"}]},
                {"name": "b", "$patch": "delete"},
            ],
        });
        assert_eq!(of_pod(&old, &new, &live), want);
    }

    #[test]
    fn of_a_union_only_what_is_wanted_stays() {
        let strategy = |strategy: Value| json!({"spec": {"strategy": strategy}});
        let live = strategy(json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}));
        let new = strategy(json!({"type": "Recreate"}));
        let want = strategy(json!({"$retainKeys": ["type"], "type": "Recreate"}));
        assert_eq!(made("Deployment", &new, &new, &live), want);
        let volumes = |volume: Value| json!({"volumes": [volume]});
        let want = json!({
            "$setElementOrder/volumes": [{"name": "v"}],
            "volumes": [{"$retainKeys": ["emptyDir", "name"], "emptyDir": {}, "name": "v"}],
        });
        let live = volumes(json!({"name": "v", "configMap": {"name": "c"}}));
        let new = volumes(json!({"name": "v", "emptyDir": {}}));
        assert_eq!(of_pod(&new, &new, &live), want);
    }

    #[test]
    fn plain_lists_merge_too() {
        let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
        let made = made(
            "ConfigMap",
            &finalizers(json!(["a", "b"])),
            &finalizers(json!(["c", "a"])),
            &finalizers(json!(["a", "b", "x"])),
        );
        let want = json!({"metadata": {
            "finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["b"], "$setElementOrder/finalizers": ["c", "a"],
        }});
        assert_eq!(made, want);
    }

    #[test]
    fn a_list_whose_keys_are_not_unique_is_replaced() {
        let dns = |target: u16| {
            json!({"spec": {"ports": [
                {"port": 53, "protocol": "TCP", "targetPort": 53}, {"port": 53, "protocol": "UDP", "targetPort": target},
            ]}})
        };
        assert_eq!(made("Service", &dns(53), &dns(53), &dns(53)), json!({}));
        let want = json!({"spec": {"ports": [
            {"port": 53, "protocol": "TCP", "targetPort": 53}, {"port": 53, "protocol": "UDP", "targetPort": 54},
            {"$patch": "replace"},
        ]}});
        assert_eq!(made("Service", &dns(53), &dns(54), &dns(53)), want);
    }

    #[test]
    fn an_item_without_its_key_is_an_error() {
        let new = pod(&json!({"containers": [{"image": "x"}]}));
        let live = pod(&json!({"containers": [{"name": "a"}]}));
        let ty = Type::of(&Gvk::new("apps/v1", "Deployment")).unwrap();
        let error = maps(&[], new.as_object().unwrap(), live.as_object().unwrap(), ty, false).unwrap_err();
        assert_eq!(error, NoMergeKey { item: json!({"image": "x"}), key: "name" });
    }
}
