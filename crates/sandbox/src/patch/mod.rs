//! Patches that are no apply: JSON Patch, merge patch and strategic merge patch.

pub(crate) mod strategic;

use serde_json::{Map, Value};

use crate::status::{ApiError, Result};

/// Applies a JSON merge patch, as RFC 7396.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(map) = target else { return };
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Applies a JSON Patch, as RFC 6902.
///
/// # Errors
/// The document is no patch, or does not fit the object.
pub(crate) fn json(target: &mut Value, patch: &Value) -> Result<()> {
    if !patch.is_array() {
        let what = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            _ => "value",
        };
        return Err(ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {what} into Go value of type []handlers.jsonPatchOp"
        )));
    }
    let refused = || ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request");
    let patch: json_patch::Patch = serde_json::from_value(patch.clone()).map_err(|_| refused())?;
    if patch.0.len() > 10_000 {
        let why = "The allowed maximum operations in a JSON patch is 10000";
        return Err(ApiError::new(413, "RequestEntityTooLarge", why));
    }
    json_patch::patch(target, &patch.0).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_removes() {
        let mut target = json!({"a": {"b": 1, "c": 2}});
        merge(&mut target, &json!({"a": {"b": null, "d": {"e": 1}}}));
        assert_eq!(target, json!({"a": {"c": 2, "d": {"e": 1}}}));
    }

    #[test]
    fn a_patch_that_does_not_fit_is_refused() {
        let mut target = json!({"a": 1});
        json(&mut target, &json!([{"op": "add", "path": "/b", "value": 2}])).unwrap();
        assert_eq!(target, json!({"a": 1, "b": 2}));
        assert_eq!(json(&mut target, &json!([{"op": "test", "path": "/a", "value": 2}])).unwrap_err().code, 422);
        assert_eq!(json(&mut target, &json!({})).unwrap_err().code, 400);
    }
}
