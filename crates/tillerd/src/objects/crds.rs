//! Definitions as Helm 2's charts write them, on clusters of today: `apiextensions.k8s.io/v1beta1` is gone since Kubernetes 1.22,
//! so they are sent as `v1`. Tiller fails there.

use cluster::{Gvk, Object, Served};
use serde_json::{Map, Value, json};

const OLD: &str = "apiextensions.k8s.io/v1beta1";
const NEW: &str = "apiextensions.k8s.io/v1";
const KIND: &str = "CustomResourceDefinition";

/// Whether an object defines a kind.
pub(super) fn is_definition(object: &Object) -> bool {
    object.id().gvk.is("apiextensions.k8s.io", KIND)
}

/// Whether a document is a definition in the old version.
pub(super) fn is_old(document: &Value) -> bool {
    document["apiVersion"] == OLD && document["kind"] == KIND
}

/// Makes a definition one of `v1` where the cluster has only that.
pub(super) fn renew(document: &mut Value, served: &Served) {
    let (old, new) = (Gvk::new(OLD, KIND), Gvk::new(NEW, KIND));
    if !is_old(document) || served.get(&old).is_some() || served.get(&new).is_none() {
        return;
    }
    let Some(spec) = document.get_mut("spec").and_then(Value::as_object_mut) else { return };
    renew_spec(spec);
    document["apiVersion"] = NEW.into();
}

/// What stood once for all versions stands at each of them, and every version has a schema.
fn renew_spec(spec: &mut Map<String, Value>) {
    let preserves = spec.remove("preserveUnknownFields").is_none_or(|preserves| preserves != false);
    let first = spec.remove("version");
    let validation = spec.remove("validation");
    let subresources = spec.remove("subresources");
    let columns = spec.remove("additionalPrinterColumns");
    if !spec.get("versions").and_then(Value::as_array).is_some_and(|versions| !versions.is_empty()) {
        let name = first.unwrap_or_else(|| "v1".into());
        spec.insert("versions".to_owned(), json!([{"name": name, "served": true, "storage": true}]));
    }
    spec.entry("scope").or_insert_with(|| "Cluster".into());
    let Some(versions) = spec.get_mut("versions").and_then(Value::as_array_mut) else { return };
    for version in versions.iter_mut().filter_map(Value::as_object_mut) {
        let schema = version.entry("schema").or_insert_with(|| validation.clone().unwrap_or_else(|| json!({})));
        if !schema.is_object() {
            *schema = json!({});
        }
        let schema = &mut schema["openAPIV3Schema"];
        if !schema.is_object() {
            *schema = json!({});
        }
        schema["type"] = "object".into();
        // Before `v1`, what a schema did not know was kept.
        if preserves {
            schema["x-kubernetes-preserve-unknown-fields"] = true.into();
        }
        if let Some(subresources) = &subresources {
            version.entry("subresources").or_insert_with(|| subresources.clone());
        }
        let columns = version.remove("additionalPrinterColumns").or_else(|| columns.clone());
        if let Some(Value::Array(mut columns)) = columns {
            for column in columns.iter_mut().filter_map(Value::as_object_mut) {
                if let Some(path) = column.remove("JSONPath") {
                    column.insert("jsonPath".to_owned(), path);
                }
            }
            version.insert("additionalPrinterColumns".to_owned(), columns.into());
        }
    }
    renew_conversion(spec);
}

/// The webhook of a conversion moved into a field of its own.
fn renew_conversion(spec: &mut Map<String, Value>) {
    let Some(conversion) = spec.get_mut("conversion").and_then(Value::as_object_mut) else { return };
    let client = conversion.remove("webhookClientConfig");
    let versions = conversion.remove("conversionReviewVersions");
    if conversion.get("strategy").is_some_and(|strategy| strategy == "Webhook") {
        let versions = versions.unwrap_or_else(|| json!(["v1beta1"]));
        conversion.insert("webhook".to_owned(), json!({"clientConfig": client, "conversionReviewVersions": versions}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renewed(mut spec: Value) -> Value {
        renew_spec(spec.as_object_mut().unwrap());
        spec
    }

    #[test]
    fn what_was_said_once_is_said_of_each_version() {
        let old = json!({
            "group": "example.com", "version": "v1", "names": {"kind": "Shop", "plural": "shops"}, "scope": "Namespaced",
            "subresources": {"status": {}},
            "additionalPrinterColumns": [{"name": "Age", "type": "date", "JSONPath": ".metadata.creationTimestamp"}],
            "validation": {"openAPIV3Schema": {"properties": {"spec": {"type": "object"}}}},
        });
        let new = json!({
            "group": "example.com", "names": {"kind": "Shop", "plural": "shops"}, "scope": "Namespaced",
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "additionalPrinterColumns": [{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}],
                "schema": {"openAPIV3Schema": {
                    "type": "object", "properties": {"spec": {"type": "object"}}, "x-kubernetes-preserve-unknown-fields": true,
                }},
            }],
        });
        assert_eq!(renewed(old), new);
    }

    #[test]
    fn a_definition_without_a_schema_takes_everything() {
        let old = json!({"group": "e", "versions": [{"name": "a", "served": true, "storage": true}], "preserveUnknownFields": false});
        let schema = json!({"openAPIV3Schema": {"type": "object"}});
        let version = json!({"name": "a", "served": true, "storage": true, "schema": schema});
        assert_eq!(renewed(old), json!({"group": "e", "scope": "Cluster", "versions": [version]}));
    }
}
