//! What of an object its author decided.

use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;
use serde_json::{Value, json};

use super::api::{Object, is_clusters};

/// What the cluster puts into an object and is another in every cluster.
const GIVEN: [&str; 16] = [
    "/status",
    "/metadata/uid",
    "/metadata/resourceVersion",
    "/metadata/creationTimestamp",
    "/metadata/annotations/deployment.kubernetes.io~1revision",
    "/metadata/annotations/pv.kubernetes.io~1bind-completed",
    "/metadata/annotations/pv.kubernetes.io~1bound-by-controller",
    "/metadata/annotations/volume.kubernetes.io~1selected-node",
    "/metadata/annotations/volume.kubernetes.io~1storage-provisioner",
    "/metadata/annotations/volume.beta.kubernetes.io~1storage-provisioner",
    "/spec/clusterIP",
    "/spec/clusterIPs",
    "/spec/healthCheckNodePort",
    "/spec/volumeName",
    "/spec/claimRef",
    "/spec/nodeName",
];

static UUID: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").ok());
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^kube-api-access-[a-z0-9]{5}$").ok());

/// Returns an object without what the cluster decides, and whether it is the record of a release.
pub(crate) fn normal(object: &Object) -> Value {
    let mut value = object.value.clone();
    for pointer in GIVEN {
        remove(&mut value, pointer);
    }
    if let Some(fields) = value.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        fields.retain(|entry| !is_clusters(entry));
        for entry in fields.iter_mut() {
            remove(entry, "/time");
        }
        fields.sort_by_key(|entry| (entry["manager"].to_string(), entry["operation"].to_string()));
    }
    for port in value.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        remove(port, "/nodePort");
    }
    // A Secret's values are looked at as texts.
    if object.id.starts_with("Secret. ") {
        for text in value.get_mut("data").and_then(Value::as_object_mut).into_iter().flat_map(|data| data.values_mut())
        {
            let bytes = text.as_str().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
            if let Some(plain) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
                *text = json!(plain);
            }
        }
    }
    blank(&mut value);
    value
}

/// Tells whether an object is the record of a release.
pub(crate) fn is_record(object: &Object) -> bool {
    object.value["type"] == "helm.sh/release.v1"
}

/// Removes what is at a pointer, and a map that is empty without it.
fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    let name = name.replace("~1", "/");
    let Some(map) = value.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    if map.remove(&name).is_some() && map.is_empty() && parent.ends_with("annotations") {
        remove(value, parent);
    }
}

/// Blanks identities and made-up names wherever they are.
fn blank(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(uuid) = UUID.as_ref().filter(|uuid| uuid.is_match(text)) {
                *text = uuid.replace_all(text, "UUID").into_owned();
            } else if TOKEN.as_ref().is_some_and(|token| token.is_match(text)) {
                "kube-api-access".clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::Object(map) => map.values_mut().for_each(blank),
        _ => {}
    }
}

/// A value that differs, and the path to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// `/spec/replicas`.
    pub(crate) path: String,
    /// What Helm left; nothing when it is only ours.
    pub(crate) helm: Option<Value>,
    /// What we left.
    pub(crate) ours: Option<Value>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let short = |value: &Option<Value>| match value {
            None => "nothing".to_owned(),
            Some(value) => value.to_string().chars().take(160).collect(),
        };
        write!(f, "{}: {} with Helm, {} with us", self.path, short(&self.helm), short(&self.ours))
    }
}

/// Collects what differs between two values.
pub(crate) fn differences(path: &str, helm: &Value, ours: &Value, found: &mut Vec<Difference>) {
    match (helm, ours) {
        (Value::Object(left), Value::Object(right)) => {
            for name in left.keys().chain(right.keys().filter(|name| !left.contains_key(*name))) {
                let path = format!("{path}/{}", name.replace('/', "~1"));
                match (left.get(name), right.get(name)) {
                    (Some(helm), Some(ours)) => differences(&path, helm, ours, found),
                    (helm, ours) => found.push(Difference { path, helm: helm.cloned(), ours: ours.cloned() }),
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (at, (helm, ours)) in left.iter().zip(right).enumerate() {
                differences(&format!("{path}/{at}"), helm, ours, found);
            }
        }
        (helm, ours) if helm == ours => {}
        (helm, ours) => {
            found.push(Difference { path: path.to_owned(), helm: Some(helm.clone()), ours: Some(ours.clone()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cluster_gives_is_taken_out() {
        let object = |uid: &str, ip: &str, replicas: u32| Object {
            id: "Service. a/b".to_owned(),
            path: String::new(),
            value: json!({
                "metadata": {
                    "uid": uid,
                    "annotations": {"deployment.kubernetes.io/revision": uid},
                    "managedFields": [{"manager": "helm", "time": uid, "fieldsV1": {}}, {"manager": "kwok"}],
                },
                "spec": {"clusterIP": ip, "replicas": replicas, "ports": [{"nodePort": 30000 + replicas}]},
            }),
        };
        let mut found = Vec::new();
        differences("", &normal(&object("1", "10.0.0.1", 1)), &normal(&object("2", "10.0.0.2", 1)), &mut found);
        assert_eq!(found, []);
        differences("", &normal(&object("1", "", 1)), &normal(&object("1", "", 2)), &mut found);
        let want = Difference { path: "/spec/replicas".to_owned(), helm: Some(json!(1)), ours: Some(json!(2)) };
        assert_eq!(found, [want]);
        assert_eq!(
            normal(&object("1", "", 1))["metadata"]["managedFields"],
            json!([{"manager": "helm", "fieldsV1": {}}])
        );
        assert_eq!(normal(&object("1", "", 1))["metadata"].get("annotations"), None);
    }
}
