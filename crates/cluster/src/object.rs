//! Kinds and objects.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// A group, version and kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gvk {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version.
    pub version: String,
    /// The kind.
    pub kind: String,
}

impl Gvk {
    /// Makes one from an `apiVersion` and a `kind`.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }

    /// The `apiVersion`: `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Tells whether group and kind are these; the version does not matter.
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group == group && self.kind == kind
    }
}

/// Prints as Go's `schema.GroupVersionKind`: `apps/v1, Kind=Deployment`, `/v1, Kind=Service`.
impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

/// Names an object in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// What it is.
    pub gvk: Gvk,
    /// Its namespace; empty when its kind has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// Tells whether both name the same object; the version of the kind does not matter, as Helm 4.3:
    /// `pkg/kube/resource.go`.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.namespace == other.namespace
            && self.gvk.group == other.gvk.group
            && self.gvk.kind == other.gvk.kind
    }
}

impl ObjectRef {
    /// How Helm names an object in a sentence: `ConfigMap "shop" in namespace "web"`.
    pub fn in_words(&self) -> String {
        format!("{} {:?} in namespace {:?}", self.gvk.kind, self.name, self.namespace)
    }

    /// Checks that the name can stand in a URL, as `k8s.io/apimachinery/pkg/api/validation/path`.
    pub(crate) fn check_name(&self) -> Result<(), Error> {
        let name = self.name.as_str();
        if name.is_empty() {
            return Err(Error::NoName(self.clone()));
        }
        let faults: Vec<String> = if matches!(name, "." | "..") {
            vec![format!("may not be '{name}'")]
        } else {
            ['/', '%'].into_iter().filter(|c| name.contains(*c)).map(|c| format!("may not contain '{c}'")).collect()
        };
        if faults.is_empty() {
            return Ok(());
        }
        Err(Error::BadName { object: Box::new(self.clone()), fault: faults.join(" ") })
    }
}

/// Prints as Helm names an object in its messages: `web/shop apps/v1, Kind=Deployment`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.namespace, self.name, self.gvk)
    }
}

/// An object as it is to be, or as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    id: ObjectRef,
    value: Value,
}

impl Object {
    /// Reads kind, namespace and name of a JSON object.
    ///
    /// # Errors
    /// When `apiVersion` or `kind` is missing, in the words of `kubectl`.
    pub fn new(value: Value) -> Result<Self, Error> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let missing: Vec<String> = ["apiVersion", "kind"]
            .into_iter()
            .filter(|key| text(key).is_empty())
            .map(|key| format!("{key} not set"))
            .collect();
        if !value.is_object() || !missing.is_empty() {
            return Err(Error::Malformed { missing });
        }
        let gvk = Gvk::new(text("apiVersion"), text("kind"));
        let meta = |key: &str| {
            value
                .pointer("/metadata")
                .and_then(|meta| meta.get(key))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let id = ObjectRef { gvk, namespace: meta("namespace"), name: meta("name") };
        Ok(Self { id, value })
    }

    /// What names it.
    pub fn id(&self) -> &ObjectRef {
        &self.id
    }

    /// Its kind.
    pub fn kind(&self) -> &str {
        &self.id.gvk.kind
    }

    /// Its name; empty when the server is to make one up.
    pub fn name(&self) -> &str {
        &self.id.name
    }

    /// Its namespace; empty when its kind has none.
    pub fn namespace(&self) -> &str {
        &self.id.namespace
    }

    /// The JSON.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The JSON, given away.
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The prefix of a name that the server is to make up (`metadata.generateName`).
    pub fn generate_name(&self) -> Option<&str> {
        self.value.pointer("/metadata/generateName").and_then(Value::as_str).filter(|prefix| !prefix.is_empty())
    }

    /// An annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.value.pointer("/metadata/annotations")?.get(key)?.as_str()
    }

    /// A label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.value.pointer("/metadata/labels")?.get(key)?.as_str()
    }

    /// Puts the object into a namespace.
    pub fn set_namespace(&mut self, namespace: &str) {
        self.id.namespace = namespace.to_owned();
        self.metadata(|metadata| {
            metadata.insert("namespace".to_owned(), namespace.into());
        });
    }

    /// The object belongs to a kind without namespaces: forgets the one it names.
    pub(crate) fn clear_namespace(&mut self) {
        self.id.namespace.clear();
    }

    /// Sets keys of `metadata.labels` or `metadata.annotations`, keeping the others.
    pub(crate) fn merge(&mut self, field: &str, pairs: &[(&str, &str)]) {
        self.metadata(|metadata| {
            change(metadata, field, |map| {
                map.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))));
            });
        });
    }

    fn metadata(&mut self, with: impl FnOnce(&mut Map<String, Value>)) {
        if let Value::Object(map) = &mut self.value {
            change(map, "metadata", with);
        }
    }
}

/// Changes a map below a map; what is there and no map is replaced by one.
fn change(map: &mut Map<String, Value>, key: &str, with: impl FnOnce(&mut Map<String, Value>)) {
    let mut inner = match map.remove(key) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    with(&mut inner);
    map.insert(key.to_owned(), Value::Object(inner));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_names_an_object() {
        let object =
            Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}})).unwrap();
        assert_eq!(object.id().to_string(), "/shop apps/v1, Kind=Deployment");
        assert_eq!(Gvk::new("v1", "Service").to_string(), "/v1, Kind=Service");
        let error = Object::new(json!({"metadata": {}})).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error validating \"\": error validating data: [apiVersion not set, kind not set]"
        );
        let error = Object::new(json!({"kind": "Pod"})).unwrap_err();
        assert_eq!(error.to_string(), "error validating \"\": error validating data: apiVersion not set");
        assert!(Object::new(json!([1])).is_err());
    }

    #[test]
    fn names_must_stand_in_a_url() {
        for (name, want) in [
            ("system:a", None),
            ("", Some("resource name may not be empty")),
            ("..", Some("invalid resource name \"..\": [may not be '..']")),
            ("a/b%", Some("invalid resource name \"a/b%\": [may not contain '/' may not contain '%']")),
        ] {
            let object = ObjectRef { name: name.into(), ..ObjectRef::default() };
            assert_eq!(object.check_name().err().map(|error| error.to_string()).as_deref(), want);
        }
    }

    #[test]
    fn merges_metadata() {
        let mut object = Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"labels": null}})).unwrap();
        object.merge("labels", &[("a", "b")]);
        object.set_namespace("web");
        assert_eq!(object.value().pointer("/metadata"), Some(&json!({"labels": {"a": "b"}, "namespace": "web"})));
        assert_eq!(object.namespace(), "web");
    }
}
