//! Looking into an object's JSON.

use serde_json::Value;

/// A number at a JSON pointer.
pub(super) fn int(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer)?.as_i64()
}

/// A text at a JSON pointer; empty when it is not there.
pub(super) fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A condition of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Condition {
    /// `Available`, `Ready` …
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word why.
    pub reason: String,
    /// A sentence why.
    pub message: String,
    /// When it last changed.
    pub since: String,
}

/// The conditions of an object.
pub(super) fn conditions(object: &Value) -> impl Iterator<Item = Condition> {
    object.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten().map(|condition| Condition {
        kind: text(condition, "/type").to_owned(),
        status: text(condition, "/status").to_owned(),
        reason: text(condition, "/reason").to_owned(),
        message: text(condition, "/message").to_owned(),
        since: text(condition, "/lastTransitionTime").to_owned(),
    })
}

/// Finds a condition with a status.
pub(super) fn condition(object: &Value, kind: &str, status: &str) -> Option<Condition> {
    conditions(object).find(|condition| condition.kind == kind && condition.status == status)
}

/// The selector of an object's pods, in the form of a query; `None` when it has none.
pub(super) fn pod_selector(object: &Value) -> Option<String> {
    let selector = object.pointer("/spec/selector")?.as_object()?;
    let mut parts = Vec::new();
    let labelled = selector.contains_key("matchLabels") || selector.contains_key("matchExpressions");
    let labels = if labelled { selector.get("matchLabels").and_then(Value::as_object) } else { Some(selector) };
    for (key, value) in labels.into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str()?));
    }
    for expression in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = text(expression, "/key");
        let values: Vec<&str> = expression
            .get("values")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        parts.push(match text(expression, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors() {
        for (selector, want) in [
            (json!({"matchLabels": {"a": "b", "c": "d"}}), Some("a=b,c=d")),
            (json!({"a": "b"}), Some("a=b")),
            (
                json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "t", "operator": "In", "values": ["x", "y"]}, {"key": "e", "operator": "DoesNotExist"}]}),
                Some("a=b,t in (x,y),!e"),
            ),
            (json!({}), None),
        ] {
            assert_eq!(pod_selector(&json!({"spec": {"selector": selector}})).as_deref(), want);
        }
    }
}
