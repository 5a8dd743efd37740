//! What is deleted and what is kept.

use serde_json::Value;

use crate::object::Object;

/// The annotation that says what becomes of an object when its release no longer wants it.
pub const RESOURCE_POLICY: &str = "helm.sh/resource-policy";

/// What an uninstall does with an object, by what the manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// It is deleted.
    Delete,
    /// It is kept, and said to be.
    Keep,
    /// The annotation has a value that Helm does not know: it is kept, and not spoken of.
    Ignore,
}

/// What an uninstall does with an object, as Helm 4.3: `pkg/action/resource_policy.go`.
pub fn uninstall_policy(manifest: &Object) -> Policy {
    let annotations = manifest.value().pointer("/metadata/annotations");
    // An annotation without a value is there all the same.
    match annotations.and_then(|map| map.get(RESOURCE_POLICY)) {
        None => Policy::Delete,
        Some(policy) if policy.as_str().is_some_and(|word| word.trim().to_lowercase() == "keep") => Policy::Keep,
        Some(_) => Policy::Ignore,
    }
}

/// Tells whether an upgrade that no longer wants an object keeps it, by what the live object says, as Helm 4.3:
/// `pkg/kube/client.go update`.
pub fn is_kept(live: &Value) -> bool {
    let annotations = live.pointer("/metadata/annotations");
    annotations.and_then(|map| map.get(RESOURCE_POLICY)).and_then(Value::as_str) == Some("keep")
}

/// The objects of the old manifest that the new one no longer has; the version of a kind does not matter.
pub fn removed<'o>(old: &'o [Object], new: &[Object]) -> Vec<&'o Object> {
    old.iter().filter(|object| !new.iter().any(|wanted| wanted.id().is_same(object.id()))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(api_version: &str, kind: &str, name: &str, policy: Option<&str>) -> Object {
        let annotations = policy.map(|policy| json!({RESOURCE_POLICY: policy}));
        Object::new(json!({"apiVersion": api_version, "kind": kind,
            "metadata": {"name": name, "namespace": "web", "annotations": annotations}}))
        .unwrap()
    }

    #[test]
    fn policies() {
        for (policy, at_uninstall, at_upgrade) in [
            (None, Policy::Delete, false),
            (Some("keep"), Policy::Keep, true),
            (Some(" Keep "), Policy::Keep, false),
            (Some("delete"), Policy::Ignore, false),
            (Some(""), Policy::Ignore, false),
        ] {
            let object = object("v1", "Secret", "a", policy);
            assert_eq!(uninstall_policy(&object), at_uninstall, "{policy:?}");
            assert_eq!(is_kept(object.value()), at_upgrade, "{policy:?}");
        }
        let empty = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a", "annotations": {RESOURCE_POLICY: null}}});
        assert_eq!(uninstall_policy(&Object::new(empty).unwrap()), Policy::Ignore);
    }

    #[test]
    fn a_new_version_of_a_kind_is_no_removal() {
        let old = [
            object("x.io/v1beta1", "Shop", "a", None),
            object("v1", "Secret", "b", None),
            object("x.io/v1", "Secret", "b", None),
        ];
        let new = [object("x.io/v1", "Shop", "a", None), object("v1", "Secret", "b", None)];
        assert_eq!(removed(&old, &new), [&old[2]]);
    }
}
