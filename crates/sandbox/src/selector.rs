//! Label and field selectors.

use serde_json::Value;

use crate::json::{at, text};
use crate::resources::Resource;
use crate::status::{ApiError, Result};

/// What an object must be like to be listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Greater(i64),
    Less(i64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

impl Requirement {
    fn matches(&self, labels: Option<&Value>) -> bool {
        let value = labels.and_then(|l| l.get(&self.key)).and_then(Value::as_str);
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(set) => value.is_some_and(|v| set.iter().any(|s| s == v)),
            Test::NotIn(set) => value.is_none_or(|v| set.iter().all(|s| s != v)),
            Test::Greater(n) => value.and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v > *n),
            Test::Less(n) => value.and_then(|v| v.parse::<i64>().ok()).is_some_and(|v| v < *n),
        }
    }
}

impl Selector {
    /// Reads the two query parameters of a list.
    ///
    /// # Errors
    /// A selector that cannot be read, or a field that this resource cannot be selected by.
    pub(crate) fn read(resource: &Resource, labels: &str, fields: &str) -> Result<Self> {
        let labels =
            parse_labels(labels).map_err(|why| ApiError::bad_request(format!("unable to parse requirement: {why}")))?;
        let mut parsed = Vec::new();
        for term in fields.split(',').filter(|t| !t.is_empty()) {
            let (key, equal, value) = if let Some((key, value)) = term.split_once("!=") {
                (key, false, value)
            } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (key, true, value)
            } else {
                return Err(ApiError::bad_request(format!("invalid selector: '{fields}'; can't understand '{term}'")));
            };
            if !selectable(resource, key) {
                return Err(ApiError::bad_request(format!(
                    "Unable to find {:?} that match label selector \"\", field selector {fields:?}: field label not supported: {key}",
                    format!("{}/{}, Resource={}", resource.group, resource.version, resource.plural)
                )));
            }
            parsed.push((key.to_owned(), equal, value.to_owned()));
        }
        Ok(Self { labels, fields: parsed })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = at(object, &["metadata", "labels"]);
        self.labels.iter().all(|r| r.matches(labels))
            && self.fields.iter().all(|(key, equal, want)| (field_value(object, key) == *want) == *equal)
    }
}

fn field_value(object: &Value, key: &str) -> String {
    let path: Vec<&str> = key.split('.').collect();
    match at(object, &path) {
        Some(Value::String(s)) => s.clone(),
        Some(Value::Null) | None => match key {
            "spec.unschedulable" => "false".into(),
            "status.successful" => at(object, &["status", "succeeded"]).map_or("0".into(), Value::to_string),
            _ => String::new(),
        },
        Some(other) => other.to_string(),
    }
}

fn selectable(resource: &Resource, key: &str) -> bool {
    if key == "metadata.name" || (key == "metadata.namespace" && resource.namespaced) {
        return true;
    }
    let more: &[&str] = match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        ("", "namespaces") => &["status.phase"],
        ("", "nodes") => &["spec.unschedulable"],
        ("", "secrets") => &["type"],
        ("", "services") => &["spec.clusterIP", "spec.type"],
        ("", "replicationcontrollers") | ("apps", "replicasets") => &["status.replicas"],
        ("", "events") | ("events.k8s.io", "events") => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("batch", "jobs") => &["status.successful"],
        ("certificates.k8s.io", "certificatesigningrequests") => &["spec.signerName"],
        _ => &[],
    };
    more.contains(&key)
}

/// Reads a label selector as `labels.Parse`.
fn parse_labels(text: &str) -> std::result::Result<Vec<Requirement>, String> {
    let mut out = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    let mut terms = Vec::new();
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(text.get(start..i).unwrap_or_default());
                start = i + 1;
            }
            _ => {}
        }
    }
    terms.push(text.get(start..).unwrap_or_default());
    for term in terms.into_iter().map(str::trim).filter(|t| !t.is_empty()) {
        out.push(parse_requirement(term)?);
    }
    Ok(out)
}

fn parse_requirement(term: &str) -> std::result::Result<Requirement, String> {
    let one = |key: &str, test| -> std::result::Result<Requirement, String> {
        let key = key.trim();
        if key.is_empty() || key.contains([' ', '(', ')', '!', '=']) {
            return Err(format!("found '{term}', expected: identifier"));
        }
        Ok(Requirement { key: key.to_owned(), test })
    };
    let values = |list: &str| -> Option<Vec<String>> {
        let inner = list.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.split(',').map(|v| v.trim().to_owned()).collect())
    };
    let exact = |value: &str| match value.trim() {
        value if value.contains([' ', '(', ')', '!', '=']) => Err(format!("found '{value}', expected: identifier")),
        value => Ok(vec![value.to_owned()]),
    };
    if let Some((key, value)) = term.split_once("!=") {
        return one(key, Test::NotIn(exact(value)?));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return one(key, Test::In(exact(value)?));
    }
    if let Some((key, value)) = term.split_once('>') {
        return one(
            key,
            Test::Greater(value.trim().parse().map_err(|_| format!("found '{value}', expected: integer"))?),
        );
    }
    if let Some((key, value)) = term.split_once('<') {
        return one(key, Test::Less(value.trim().parse().map_err(|_| format!("found '{value}', expected: integer"))?));
    }
    if let Some((key, list)) = term.split_once(" notin") {
        return one(key, Test::NotIn(values(list).ok_or_else(|| format!("found '{list}', expected: '('"))?));
    }
    if let Some((key, list)) = term.split_once(" in") {
        return one(key, Test::In(values(list).ok_or_else(|| format!("found '{list}', expected: '('"))?));
    }
    match term.strip_prefix('!') {
        Some(key) => one(key, Test::Missing),
        None => one(term, Test::Exists),
    }
}

/// Whether the labels of an object fit a `metav1.LabelSelector`; an empty one fits everything.
pub(crate) fn label_selector_matches(selector: &Value, labels: Option<&Value>) -> bool {
    let pairs = at(selector, &["matchLabels"]).and_then(Value::as_object);
    let value = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
    pairs.into_iter().flatten().all(|(k, v)| value(k) == v.as_str())
        && crate::json::list(selector, &["matchExpressions"]).iter().all(|e| {
            let set: Vec<String> =
                crate::json::list(e, &["values"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
            let test = match text(e, &["operator"]) {
                "In" => Test::In(set),
                "NotIn" => Test::NotIn(set),
                "Exists" => Test::Exists,
                _ => Test::Missing,
            };
            Requirement { key: text(e, &["key"]).into(), test }.matches(labels)
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_select() {
        let labels = json!({"a": "1", "b": "x"});
        for (text, want) in [
            ("a=1", true),
            ("a==1,b=x", true),
            ("a!=1", false),
            ("c!=1", true),
            ("a in (1, 2)", true),
            ("a notin (1)", false),
            ("c", false),
            ("!c", true),
            ("a", true),
            ("a>0", true),
            ("a<1", false),
            ("", true),
            ("owner=helm,status in (deployed)", false),
        ] {
            let parsed = parse_labels(text).unwrap();
            assert_eq!(parsed.iter().all(|r| r.matches(Some(&labels))), want, "{text}");
        }
        assert!(parse_labels("a in 1").is_err());
        assert!(parse_labels("=x").is_err());
        assert_eq!(parse_labels("a===").unwrap_err(), "found '=', expected: identifier");
    }
}
