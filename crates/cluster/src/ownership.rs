//! Whose an object is, as Helm 4.3: `pkg/action/validate.go`.

use serde_json::Value;

use crate::error::Error;
use crate::object::{Object, ObjectRef};

const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "Helm");
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// A release as the owner of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The release's name.
    pub name: String,
    /// The release's namespace.
    pub namespace: String,
}

/// An object that belongs to someone else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name:?} in namespace {namespace:?} exists and cannot be imported into the current release: invalid ownership metadata; {}", .wrong.join("; "), kind = .object.gvk.kind, name = .object.name, namespace = .object.namespace)]
pub struct NotOwned {
    /// Which.
    pub object: ObjectRef,
    /// What its metadata lacks.
    pub wrong: Vec<String>,
}

impl Owner {
    /// Makes an owner.
    pub fn new(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: namespace.into() }
    }

    /// Marks an object as the release's own.
    pub fn mark(&self, object: &mut Object) {
        object.merge("labels", &[MANAGED_BY]);
        object.merge("annotations", &[(RELEASE_NAME, &self.name), (RELEASE_NAMESPACE, &self.namespace)]);
    }

    /// What marks an object as the release's own: a label, and two annotations.
    pub(crate) fn marks(&self) -> [(&'static str, &str); 3] {
        [MANAGED_BY, (RELEASE_NAME, &self.name), (RELEASE_NAMESPACE, &self.namespace)]
    }

    /// Tells whether a live object says that it is another release's; one that says nothing is nobody's.
    pub(crate) fn is_another(&self, live: &Value) -> bool {
        [(RELEASE_NAME, &self.name), (RELEASE_NAMESPACE, &self.namespace)].into_iter().any(|(key, own)| {
            let annotations = live.pointer("/metadata/annotations");
            annotations.and_then(|map| map.get(key)).and_then(Value::as_str).is_some_and(|value| value != own)
        })
    }

    /// Checks that a live object is the release's own.
    ///
    /// # Errors
    /// In Helm's words, what is wrong with it.
    pub fn check(&self, object: &ObjectRef, live: &Value) -> Result<(), Box<NotOwned>> {
        let checks = [
            ("label", "labels", MANAGED_BY.0, MANAGED_BY.1),
            ("annotation", "annotations", RELEASE_NAME, self.name.as_str()),
            ("annotation", "annotations", RELEASE_NAMESPACE, self.namespace.as_str()),
        ];
        let wrong: Vec<String> = checks
            .into_iter()
            .filter_map(|(what, field, key, want)| {
                let map = live.pointer("/metadata").and_then(|metadata| metadata.get(field));
                let fault = match map.and_then(|map| map.get(key)).and_then(Value::as_str) {
                    Some(value) if value == want => return None,
                    Some(value) => format!("key {key:?} must equal {want:?}: current value is {value:?}"),
                    None => format!("missing key {key:?}: must be set to {want:?}"),
                };
                Some(format!("{what} validation error: {fault}"))
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(Box::new(NotOwned { object: object.clone(), wrong })) }
    }
}

/// What the cluster says about an object that a release wants to create.
#[derive(Debug)]
pub enum Existing {
    /// It is not there.
    Missing,
    /// It is there, and this release's own.
    Owned(Value),
    /// It is there, and someone else's.
    Foreign(Value, Box<NotOwned>),
}

/// What the cluster says about an object that a release wants to delete.
#[derive(Debug)]
pub enum Deletable {
    /// It is gone already.
    Gone,
    /// It is the release's own.
    Owned,
    /// It is someone else's and must be left alone.
    Foreign(Box<NotOwned>),
    /// It could not be read, so it must be left alone.
    Unverifiable(Error),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(metadata: Value) -> Object {
        Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap()
    }

    #[test]
    fn marks_and_checks() {
        let owner = Owner::new("shop", "web");
        let mut map = object(json!({"name": "a", "namespace": "web", "labels": {"x": "y"}}));
        let error = owner.check(map.id(), map.value()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ConfigMap \"a\" in namespace \"web\" exists and cannot be imported into the current release: invalid ownership metadata; \
             label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; \
             annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"shop\"; \
             annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"web\""
        );
        owner.mark(&mut map);
        assert_eq!(owner.check(map.id(), map.value()), Ok(()));
        assert_eq!(map.label("x"), Some("y"));
        let error = Owner::new("other", "web").check(map.id(), map.value()).unwrap_err();
        assert_eq!(
            error.wrong,
            [
                "annotation validation error: key \"meta.helm.sh/release-name\" must equal \"other\": current value is \"shop\""
            ]
        );
    }
}
