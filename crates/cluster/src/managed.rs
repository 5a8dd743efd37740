//! Handing over fields from client-side to server-side apply, as client-go's `util/csaupgrade` does for Helm 4.3.

use serde_json::{Map, Value, json};

use crate::cluster::FIELD_MANAGER;

/// The JSON patch that makes the fields Helm has updated its applied ones; `None` when there is nothing to hand over.
pub(crate) fn migration(live: &Value) -> Option<Value> {
    let entries = live.pointer("/metadata/managedFields")?.as_array()?;
    let upgraded = upgrade(entries);
    if upgraded == *entries {
        return None;
    }
    let version = live.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
    // A "replace" of the version instead of a "test" makes a race end in 409 instead of 422.
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": upgraded},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
    ]))
}

fn upgrade(entries: &[Value]) -> Vec<Value> {
    let mut entries = entries.to_vec();
    let is = |entry: &Value, operation: &str| {
        text(entry, "manager") == FIELD_MANAGER
            && text(entry, "operation") == operation
            && text(entry, "subresource").is_empty()
    };
    let target = match entries.iter().position(|entry| is(entry, "Apply")) {
        Some(at) => at,
        None => match entries.iter().position(|entry| is(entry, "Update")) {
            Some(at) => {
                if let Some(Value::Object(entry)) = entries.get_mut(at) {
                    entry.insert("operation".to_owned(), "Apply".into());
                }
                at
            }
            None => return entries,
        },
    };
    let version = entries.get(target).map(|entry| text(entry, "apiVersion").to_owned()).unwrap_or_default();
    let fields = entries
        .iter()
        .find(|entry| is(entry, "Update") && text(entry, "apiVersion") == version)
        .and_then(|entry| entry.get("fieldsV1")?.as_object().cloned());
    if let (Some(fields), Some(Value::Object(entry))) = (fields, entries.get_mut(target)) {
        let mut union = match entry.remove("fieldsV1") {
            Some(Value::Object(own)) => own,
            _ => Map::new(),
        };
        merge(&mut union, fields);
        entry.insert("fieldsV1".to_owned(), Value::Object(union));
    }
    entries.retain(|entry| !is(entry, "Update"));
    entries
}

/// The union of two sets of fields.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(there)), Value::Object(more)) => merge(there, more),
            (Some(_), _) => {}
            (None, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn text<'v>(entry: &'v Value, key: &str) -> &'v str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn live(entries: &[Value]) -> Value {
        json!({"metadata": {"resourceVersion": "7", "managedFields": entries}})
    }

    fn upgraded(entries: &[Value]) -> Option<Value> {
        migration(&live(entries)).map(|patch| patch[0]["value"].clone())
    }

    #[test]
    fn nothing_to_hand_over() {
        let kubectl = entry("kubectl", "Update", "v1", json!({"f:data": {}}));
        let mut status = entry("helm", "Update", "v1", json!({"f:status": {}}));
        status["subresource"] = "status".into();
        assert_eq!(migration(&json!({"metadata": {}})), None);
        assert_eq!(upgraded(&[kubectl, status, entry("helm", "Apply", "v1", json!({}))]), None);
    }

    #[test]
    fn updates_become_applies() {
        let old =
            [entry("helm", "Update", "v1", json!({"f:data": {"f:a": {}}})), entry("x", "Update", "v1", json!({}))];
        let want = json!([
            entry("helm", "Apply", "v1", json!({"f:data": {"f:a": {}}})),
            entry("x", "Update", "v1", json!({}))
        ]);
        assert_eq!(upgraded(&old), Some(want));
        assert_eq!(migration(&live(&old)).unwrap()[1]["value"], "7");
    }

    #[test]
    fn applies_take_the_updates_of_their_version() {
        let old = [
            entry("helm", "Apply", "apps/v1", json!({"f:spec": {"f:a": {}}})),
            entry("helm", "Update", "apps/v1beta1", json!({"f:spec": {"f:b": {}}})),
            entry("helm", "Update", "apps/v1", json!({"f:spec": {"f:c": {}, "f:a": {"f:d": {}}}})),
        ];
        let want = json!([entry("helm", "Apply", "apps/v1", json!({"f:spec": {"f:a": {"f:d": {}}, "f:c": {}}}))]);
        assert_eq!(upgraded(&old), Some(want));
    }
}
