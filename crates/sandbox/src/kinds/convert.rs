//! The same object in the versions of its kind.

use serde_json::{Map, Value, json};

use crate::json::{at, int, list, remove, set, text};

/// Writes an object in another version; none when there is no way.
pub(crate) fn to_version(object: &Value, version: &str) -> Option<Value> {
    let from = text(object, &["apiVersion"]);
    if from == version {
        return Some(object.clone());
    }
    let mut out = object.clone();
    match (from, version) {
        ("autoscaling/v1", "autoscaling/v2") => scaler_to_v2(&mut out),
        ("autoscaling/v2", "autoscaling/v1") => scaler_to_v1(&mut out),
        ("v1", "events.k8s.io/v1") => event_to_new(&mut out),
        ("events.k8s.io/v1", "v1") => event_to_core(&mut out),
        _ => {}
    }
    set(&mut out, &["apiVersion"], version);
    Some(out)
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn scaler_to_v2(out: &mut Value) {
    let mut metrics = Vec::new();
    if let Some(percent) = remove(out, &["spec", "targetCPUUtilizationPercentage"]).and_then(|v| v.as_i64()) {
        metrics.push(json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": percent}}}));
    }
    if let Some(Value::String(kept)) = remove(out, &["metadata", "annotations", METRICS])
        && let Ok(Value::Array(more)) = serde_json::from_str(&kept)
    {
        metrics.extend(more);
    }
    if !metrics.is_empty() && out.get("spec").is_some() {
        set(out, &["spec", "metrics"], metrics);
    }
    remove(out, &["status", "currentCPUUtilizationPercentage"]);
}

fn scaler_to_v1(out: &mut Value) {
    let metrics = remove(out, &["spec", "metrics"]);
    let mut rest = Vec::new();
    for metric in metrics.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let cpu = text(metric, &["resource", "name"]) == "cpu";
        match int(metric, &["resource", "target", "averageUtilization"]) {
            Some(percent) if cpu => set(out, &["spec", "targetCPUUtilizationPercentage"], percent),
            _ => rest.push(metric.clone()),
        }
    }
    if !rest.is_empty() {
        set(out, &["metadata", "annotations", METRICS], Value::Array(rest).to_string());
    }
    for path in [&["spec", "behavior"][..], &["status", "currentMetrics"], &["status", "conditions"]] {
        remove(out, path);
    }
}

/// The fields that the two kinds of event call differently: in `v1`, and in `events.k8s.io/v1`.
const EVENT: [(&str, &str); 6] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn event_to_new(out: &mut Value) {
    for (core, new) in EVENT {
        if let Some(value) = remove(out, &[core]) {
            set(out, &[new], value);
        }
    }
    if let Some(value) = remove(out, &["reportingComponent"]) {
        set(out, &["reportingController"], value);
    }
}

fn event_to_core(out: &mut Value) {
    for (core, new) in EVENT {
        if let Some(value) = remove(out, &[new]) {
            set(out, &[core], value);
        }
    }
    if let Some(value) = remove(out, &["reportingController"]) {
        set(out, &["reportingComponent"], value);
    }
}

/// The `autoscaling/v1` Scale of an object.
pub(crate) fn scale(object: &Value, paths: Option<&Value>) -> Value {
    let path = |key: &str, default: &str| {
        paths.and_then(|p| p.get(key)).and_then(Value::as_str).unwrap_or(default).trim_start_matches('.').to_owned()
    };
    let number = |path: &str| {
        let parts: Vec<&str> = path.split('.').collect();
        int(object, &parts).unwrap_or(0)
    };
    let mut status = Map::new();
    status.insert("replicas".into(), number(&path("statusReplicasPath", ".status.replicas")).into());
    let selector = match paths {
        None => at(object, &["spec", "selector"]).map(selector_text),
        Some(p) => at(p, &["labelSelectorPath"]).and_then(Value::as_str).map(|p| {
            let parts: Vec<&str> = p.trim_start_matches('.').split('.').collect();
            text(object, &parts).to_owned()
        }),
    };
    if let Some(selector) = selector.filter(|s| !s.is_empty()) {
        status.insert("selector".into(), selector.into());
    }
    let mut metadata = Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = at(object, &["metadata", key]) {
            metadata.insert(key.into(), value.clone());
        }
    }
    let replicas = number(&path("specReplicasPath", ".spec.replicas"));
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
}

/// Writes a label selector as a query has it.
pub(crate) fn selector_text(selector: &Value) -> String {
    let Some(map) = selector.as_object() else { return String::new() };
    let plain = !map.contains_key("matchLabels") && !map.contains_key("matchExpressions");
    let labels = if plain { Some(map) } else { at(selector, &["matchLabels"]).and_then(Value::as_object) };
    let mut parts: Vec<String> =
        labels.into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    for expression in list(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let values: Vec<&str> = list(expression, &["values"]).iter().filter_map(Value::as_str).collect();
        parts.push(match text(expression, &["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    parts.sort();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaler_keeps_its_target_in_both_versions() {
        let old = json!({"apiVersion": "autoscaling/v1", "spec": {"targetCPUUtilizationPercentage": 50}});
        let new = to_version(&old, "autoscaling/v2").unwrap();
        assert_eq!(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
        assert_eq!(to_version(&new, "autoscaling/v1").unwrap(), old);
    }
}
