//! From a manifest's text to objects.

use cluster::{Gvk, NoMatch, Object};
use serde_json::Value;

use crate::engine::Engine;
use crate::error::Error;

/// Reads the documents of a manifest; empty ones are left out.
///
/// # Errors
/// [`Error::Manifest`] when one is no YAML.
pub fn documents(manifest: &str) -> Result<Vec<Value>, Error> {
    let broken = |message: String| Error::Manifest { message };
    let mut documents = Vec::new();
    for text in goyaml::split_documents(manifest.as_bytes()) {
        let text = text.map_err(|error| broken(error.to_string()))?;
        let value = goyaml::from_yaml_keep_ints(&text).map_err(|error| broken(error.to_string()))?;
        let value = serde_json::to_value(&value).map_err(|error| broken(error.to_string()))?;
        if !value.is_null() {
            documents.push(value);
        }
    }
    Ok(documents)
}

/// A kind that a CRD of the chart defines, and that the cluster may not serve yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Defined {
    pub(crate) gvk: Gvk,
    pub(crate) namespaced: bool,
}

/// The kinds that custom resource definitions define.
pub(crate) fn defined(crds: &[Object]) -> Vec<Defined> {
    let mut found = Vec::new();
    for crd in crds {
        let spec = |path: &str| crd.value().pointer(path).and_then(Value::as_str).unwrap_or_default();
        let versions = crd.value().pointer("/spec/versions").and_then(Value::as_array);
        for version in versions.into_iter().flatten() {
            let served = version.get("served").and_then(Value::as_bool).unwrap_or(false);
            let Some(name) = version.get("name").and_then(Value::as_str).filter(|_| served) else { continue };
            found.push(Defined {
                gvk: Gvk {
                    group: spec("/spec/group").to_owned(),
                    version: name.to_owned(),
                    kind: spec("/spec/names/kind").to_owned(),
                },
                namespaced: spec("/spec/scope") != "Cluster",
            });
        }
    }
    found
}

impl Engine {
    /// Makes the objects of a manifest; kinds that `defined` names need not be served yet.
    pub(crate) async fn objects(
        &self,
        manifest: &str,
        namespace: &str,
        defined: &[Defined],
    ) -> Result<Vec<Object>, Error> {
        let documents = documents(manifest)?;
        let in_build = |error: cluster::Error| match error {
            error @ (cluster::Error::Malformed { .. } | cluster::Error::NoMatch(_)) => {
                Error::Manifest { message: error.to_string() }
            }
            error => Error::Cluster(error),
        };
        let (mut objects, missing) = self.cluster.build_known(documents.clone(), namespace).await.map_err(in_build)?;
        if missing.is_empty() {
            return Ok(objects);
        }
        let (later, unknown): (Vec<NoMatch>, Vec<NoMatch>) =
            missing.into_iter().partition(|NoMatch(id)| defined.iter().any(|kind| kind.gvk == id.gvk));
        if !unknown.is_empty() {
            return Err(in_build(cluster::Error::NoMatch(unknown)));
        }
        for document in documents {
            let Ok(mut object) = Object::new(document) else { continue };
            if !later.iter().any(|NoMatch(id)| id == object.id()) {
                continue;
            }
            let namespaced = defined.iter().any(|kind| kind.gvk == object.id().gvk && kind.namespaced);
            if namespaced && object.namespace().is_empty() {
                object.set_namespace(namespace);
            }
            objects.push(object);
        }
        Ok(objects)
    }

    /// Makes the objects of an old manifest. Kinds that are no longer served are left out: there is nothing to find.
    pub(crate) async fn old_objects(
        &self,
        manifest: &str,
        namespace: &str,
    ) -> Result<(Vec<Object>, Vec<String>), Error> {
        let (objects, missing) = self.cluster.build_known(documents(manifest)?, namespace).await?;
        let warnings = missing
            .into_iter()
            .map(|NoMatch(id)| {
                format!("{id} of the last revision is of a kind that the cluster no longer serves; it is taken as gone")
            })
            .collect();
        Ok((objects, warnings))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn integers_stay_integers() {
        let found = documents("---\n# Source: a\na: 5\n---\n# nothing\n---\nb: 1.5\nc: 9007199254740993\n").unwrap();
        assert_eq!(found, [json!({"a": 5}), json!({"b": 1.5, "c": 9007199254740993_i64})]);
        assert!(matches!(documents("a: [1"), Err(Error::Manifest { .. })));
    }

    #[test]
    fn a_crd_defines_its_served_versions() {
        let crd = Object::new(json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "boats.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": {"kind": "Boat"},
                "versions": [{"name": "v1", "served": true}, {"name": "v0", "served": false}]},
        }))
        .unwrap();
        assert_eq!(defined(&[crd]), [Defined { gvk: Gvk::new("example.com/v1", "Boat"), namespaced: true }]);
    }
}
