//! Strategic merge patch: lists merge by the key that their type names, and directives say what else is to happen, as
//! apimachinery's `strategicpatch`.

use serde_json::{Map, Value};

use crate::schema::{Field, Type};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const ORDER: &str = "$setElementOrder/";
const DELETE: &str = "$deleteFromPrimitiveList/";

/// Applies a strategic merge patch to an object of a type.
///
/// # Errors
/// A directive that nobody knows, or an item without its key.
pub(crate) fn apply(target: &mut Value, patch: &Value, ty: &Type) -> Result<(), String> {
    let (Value::Object(map), Value::Object(changes)) = (&mut *target, patch) else {
        *target = patch.clone();
        return Ok(());
    };
    merge_map(map, changes, ty)
}

fn directive(map: &Map<String, Value>) -> Option<&str> {
    map.get(DIRECTIVE).and_then(Value::as_str)
}

/// A patch as it stands where there was nothing: without its directives.
fn plain(patch: &Value, ty: &Type) -> Option<Value> {
    match patch {
        Value::Object(map) => {
            if directive(map) == Some("delete") {
                return None;
            }
            let mut out = Map::new();
            for (key, value) in map {
                if key == DIRECTIVE
                    || key == RETAIN
                    || key.starts_with(ORDER)
                    || key.starts_with(DELETE)
                    || value.is_null()
                {
                    continue;
                }
                let inner = ty.member(key).map_or(&Type::Any, |(t, _)| t);
                if let Some(value) = plain(value, inner) {
                    out.insert(key.clone(), value);
                }
            }
            Some(Value::Object(out))
        }
        Value::Array(items) => {
            let element = ty.items().0;
            let only_directive = |v: &&Value| !v.as_object().is_some_and(|m| m.contains_key(DIRECTIVE) && m.len() == 1);
            Some(Value::Array(items.iter().filter(only_directive).filter_map(|v| plain(v, element)).collect()))
        }
        other => Some(other.clone()),
    }
}

fn merge_map(target: &mut Map<String, Value>, patch: &Map<String, Value>, ty: &Type) -> Result<(), String> {
    match directive(patch) {
        Some("replace") => {
            let replaced = plain(&Value::Object(without_directive(patch)), ty);
            *target = replaced.and_then(|v| v.as_object().cloned()).unwrap_or_default();
            return Ok(());
        }
        Some("delete") => {
            target.clear();
            return Ok(());
        }
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type found: {other}")),
    }
    if let Some(keys) = patch.get(RETAIN).and_then(Value::as_array) {
        target.retain(|key, _| keys.iter().any(|k| k == key));
    }
    for (key, change) in patch {
        if key == DIRECTIVE || key == RETAIN || key.starts_with(ORDER) {
            continue;
        }
        if let Some(list) = key.strip_prefix(DELETE) {
            if let (Some(Value::Array(items)), Some(gone)) = (target.get_mut(list), change.as_array()) {
                items.retain(|i| !gone.contains(i));
            }
            continue;
        }
        if change.is_null() {
            target.remove(key);
            continue;
        }
        let field = ty.field(key);
        let inner = ty.member(key).map_or(&Type::Any, |(t, _)| t);
        let order = patch.get(&format!("{ORDER}{key}")).and_then(Value::as_array);
        match (target.get_mut(key), change) {
            (Some(Value::Object(have)), Value::Object(changes)) if !field.is_some_and(|field| field.replace) => {
                merge_map(have, changes, inner)?;
            }
            (Some(Value::Array(have)), Value::Array(changes)) => merge_list(have, changes, order, field, inner)?,
            _ => {
                if let Some(value) = plain(change, inner) {
                    target.insert(key.clone(), value);
                }
            }
        }
    }
    // An order may come without changes to the list itself.
    for (key, order) in patch {
        let Some(name) = key.strip_prefix(ORDER) else { continue };
        if patch.contains_key(name) {
            continue;
        }
        let merge_key = ty.field(name).and_then(|f| f.merge_key.clone());
        if let (Some(Value::Array(items)), Some(order), Some(merge_key)) =
            (target.get_mut(name), order.as_array(), merge_key)
        {
            sort(items, order, &merge_key);
        }
    }
    Ok(())
}

fn without_directive(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter().filter(|(k, _)| *k != DIRECTIVE).map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn merge_list(
    target: &mut Vec<Value>,
    patch: &[Value],
    order: Option<&Vec<Value>>,
    field: Option<&Field>,
    ty: &Type,
) -> Result<(), String> {
    let replaces = patch.iter().any(|i| i.as_object().and_then(directive) == Some("replace"));
    let Some(key) = field.and_then(|f| f.merge_key.as_deref()).filter(|_| !replaces) else {
        let changed = plain(&Value::Array(patch.to_vec()), ty);
        *target = changed.and_then(|v| v.as_array().cloned()).unwrap_or_default();
        return Ok(());
    };
    let element = ty.items().0;
    if key.is_empty() {
        for item in patch {
            if !target.contains(item) {
                target.push(item.clone());
            }
        }
    } else {
        for item in patch {
            let Value::Object(changes) = item else {
                return Err("expected a map in a list that merges by a key".into());
            };
            if changes.len() == 1 && directive(changes) == Some("merge") {
                continue;
            }
            let Some(id) = changes.get(key) else {
                return Err(format!("map: {} does not contain declared merge key: {key}", item));
            };
            let at = target.iter().position(|t| t.get(key) == Some(id));
            match (directive(changes), at) {
                (Some("delete"), _) => target.retain(|t| t.get(key) != Some(id)),
                (_, Some(at)) => {
                    if let Some(Value::Object(have)) = target.get_mut(at) {
                        merge_map(have, changes, element)?;
                    }
                }
                (_, None) => target.extend(plain(item, element)),
            }
        }
    }
    if let Some(order) = order {
        sort(target, order, key);
    }
    Ok(())
}

/// Puts the items that an order names into that order; the others keep their place behind their old neighbour.
fn sort(items: &mut Vec<Value>, order: &[Value], key: &str) {
    let id = |item: &Value| if key.is_empty() { Some(item.clone()) } else { item.get(key).cloned() };
    let wanted: Vec<Option<Value>> = order.iter().map(id).collect();
    let rank = |item: &Value| wanted.iter().position(|w| *w == id(item));
    let mut named: Vec<(usize, Value)> = Vec::new();
    let mut rest: Vec<(usize, Value)> = Vec::new();
    for (place, item) in items.drain(..).enumerate() {
        match rank(&item) {
            Some(rank) => named.push((rank, item)),
            None => rest.push((place, item)),
        }
    }
    named.sort_by_key(|(rank, _)| *rank);
    let mut out: Vec<Value> = named.into_iter().map(|(_, item)| item).collect();
    for (place, item) in rest {
        out.insert(place.min(out.len()), item);
    }
    *items = out;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::BUILTIN;

    fn patched(target: Value, patch: &Value) -> Value {
        let mut target = target;
        apply(&mut target, patch, &BUILTIN.kind("apps", "v1", "Deployment").unwrap()).unwrap();
        target
    }

    fn containers(list: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": list}}}})
    }

    #[test]
    fn lists_merge_by_their_key() {
        let live =
            containers(json!([{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}]));
        let out =
            patched(live, &containers(json!([{"name": "a", "env": [{"name": "Y", "value": "2"}]}, {"name": "c"}])));
        assert_eq!(
            out,
            containers(json!([
                {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]}, {"name": "b"}, {"name": "c"}
            ]))
        );
    }

    #[test]
    fn some_maps_are_replaced() {
        let selector = |labels: Value| json!({"spec": {"selector": {"matchLabels": labels}}});
        let mut budget = selector(json!({"a": "1", "b": "2"}));
        let ty = BUILTIN.kind("policy", "v1", "PodDisruptionBudget").unwrap();
        apply(&mut budget, &selector(json!({"a": "2"})), &ty).unwrap();
        assert_eq!(budget, selector(json!({"a": "2"})));
    }

    #[test]
    fn directives_are_followed() {
        let live = containers(json!([{"name": "a"}, {"name": "b"}]));
        let mut patch = containers(json!([{"name": "a", "$patch": "delete"}, {"name": "c"}]));
        patch["spec"]["template"]["spec"]["$setElementOrder/containers"] = json!([{"name": "c"}, {"name": "b"}]);
        assert_eq!(patched(live, &patch), containers(json!([{"name": "c"}, {"name": "b"}])));
        let live = json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
        assert_eq!(patched(live, &patch), json!({"spec": {"strategy": {"type": "Recreate"}}}));
        let live = json!({"metadata": {"finalizers": ["a", "b"], "labels": {"x": "y"}}});
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "labels": {"$patch": "replace", "z": "1"}}});
        assert_eq!(patched(live, &patch), json!({"metadata": {"finalizers": ["b"], "labels": {"z": "1"}}}));
    }
}
