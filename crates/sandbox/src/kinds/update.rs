//! What of an object cannot be changed once it is there.

use serde_json::{Map, Value, json};

use super::podspec::at_mut;
use crate::json::{at, int, list, remove, text};
use crate::quantity::milli;
use crate::resources::Resource;
use crate::status::FieldError;

const IMMUTABLE: &str = "field is immutable";

/// Checks a change of an object.
pub(crate) fn validate(resource: &Resource, old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments" | "daemonsets" | "replicasets") => {
            same(old, new, &["spec", "selector"], IMMUTABLE, errors)
        }
        ("apps", "statefulsets") => stateful_set(old, new, errors),
        ("batch", "jobs") => job(old, new, errors),
        ("", "services") => service(old, new, errors),
        ("", "secrets") => {
            sealed(old, new, &["data"], errors);
            same(old, new, &["type"], IMMUTABLE, errors);
        }
        ("", "configmaps") => sealed(old, new, &["data", "binaryData"], errors),
        ("", "persistentvolumeclaims") => claim(old, new, errors),
        ("", "persistentvolumes") => {
            let source = |v: &Value| {
                let mut spec = v.get("spec").cloned().unwrap_or(Value::Null);
                for key in [
                    "claimRef",
                    "capacity",
                    "accessModes",
                    "persistentVolumeReclaimPolicy",
                    "storageClassName",
                    "mountOptions",
                    "nodeAffinity",
                    "volumeAttributesClassName",
                    "volumeMode",
                ] {
                    remove(&mut spec, &[key]);
                }
                spec
            };
            if source(old) != source(new) {
                errors.push(FieldError::forbidden(
                    "spec.persistentvolumesource",
                    "spec.persistentvolumesource is immutable after creation",
                ));
            }
        }
        ("", "pods") => pod(old, new, errors),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings")
            if at(old, &["roleRef"]) != at(new, &["roleRef"]) =>
        {
            let shown = json!({
                "APIGroup": text(new, &["roleRef", "apiGroup"]), "Kind": text(new, &["roleRef", "kind"]),
                "Name": text(new, &["roleRef", "name"]),
            });
            errors.push(FieldError::invalid("roleRef", &shown, "cannot change roleRef"));
        }
        ("storage.k8s.io", "storageclasses") => {
            for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                same(old, new, &[key], IMMUTABLE, errors);
            }
        }
        ("networking.k8s.io", "ingressclasses") => same(old, new, &["spec", "controller"], IMMUTABLE, errors),
        ("scheduling.k8s.io", "priorityclasses") => {
            for key in ["value", "preemptionPolicy"] {
                if at(old, &[key]) != at(new, &[key]) {
                    errors.push(FieldError::forbidden(key, "may not be changed in an update."));
                }
            }
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            for path in
                [&["spec", "group"][..], &["spec", "names", "plural"], &["spec", "scope"], &["spec", "names", "kind"]]
            {
                same(old, new, path, IMMUTABLE, errors);
            }
        }
        _ => {}
    }
}

fn same(old: &Value, new: &Value, path: &[&str], why: &str, errors: &mut Vec<FieldError>) {
    let (a, b) = (at(old, path), at(new, path));
    let empty = |v: Option<&Value>| v.is_none_or(|v| v.as_object().is_some_and(Map::is_empty));
    if a != b && !(empty(a) && empty(b)) {
        errors.push(FieldError::invalid(path.join("."), &b.cloned().unwrap_or(Value::Null), why));
    }
}

/// What has `immutable: true` does not change.
fn sealed(old: &Value, new: &Value, keys: &[&str], errors: &mut Vec<FieldError>) {
    const WHY: &str = "field is immutable when `immutable` is set";
    if old.get("immutable") != Some(&Value::Bool(true)) {
        return;
    }
    if new.get("immutable") != Some(&Value::Bool(true)) {
        errors.push(FieldError::forbidden("immutable", WHY));
    }
    for key in keys {
        if at(old, &[key]) != at(new, &[key]) {
            errors.push(FieldError::forbidden(*key, WHY));
        }
    }
}

fn stateful_set(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    const MAY: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let fixed = |v: &Value| {
        let mut spec = v.get("spec").cloned().unwrap_or(Value::Null);
        for key in MAY {
            remove(&mut spec, &[key]);
        }
        spec
    };
    if fixed(old) != fixed(new) {
        errors.push(FieldError::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
}

fn job(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let indexed = text(new, &["spec", "completionMode"]) == "Indexed";
    if !indexed {
        same(old, new, &["spec", "completions"], IMMUTABLE, errors);
    }
    same(old, new, &["spec", "selector"], IMMUTABLE, errors);
    let suspended =
        at(old, &["spec", "suspend"]) == Some(&Value::Bool(true)) && at(old, &["status", "startTime"]).is_none();
    let template = |v: &Value| {
        let mut template = at(v, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        if suspended {
            // Where its pods will run can be changed until they do.
            for path in [
                &["spec", "nodeSelector"][..],
                &["spec", "affinity"],
                &["spec", "tolerations"],
                &["spec", "schedulingGates"],
                &["metadata", "annotations"],
                &["metadata", "labels"],
            ] {
                remove(&mut template, path);
            }
        }
        template
    };
    if template(old) != template(new) {
        let shown = at(new, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        errors.push(FieldError::invalid("spec.template", &shown, IMMUTABLE));
    }
    same(old, new, &["spec", "completionMode"], IMMUTABLE, errors);
    same(old, new, &["spec", "podFailurePolicy"], IMMUTABLE, errors);
}

fn service(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let external = |v: &Value| text(v, &["spec", "type"]) == "ExternalName";
    if external(old) || external(new) {
        return;
    }
    let address = |v: &Value| text(v, &["spec", "clusterIP"]).to_owned();
    if !address(old).is_empty() && address(old) != address(new) {
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &json!([address(new)]), "may not change once set"));
    }
}

fn claim(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let bound = text(old, &["status", "phase"]) == "Bound";
    let fixed = |v: &Value| {
        let mut spec = v.get("spec").cloned().unwrap_or(Value::Null);
        if bound {
            remove(&mut spec, &["resources"]);
            remove(&mut spec, &["volumeAttributesClassName"]);
        }
        if text(old, &["spec", "volumeName"]).is_empty() {
            // The binder may name the volume.
            remove(&mut spec, &["volumeName"]);
        }
        spec
    };
    if fixed(old) != fixed(new) {
        errors.push(FieldError::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ));
        return;
    }
    let amount = |v: &Value, path: &[&str]| milli(text(v, path));
    let request = ["spec", "resources", "requests", "storage"];
    if bound
        && amount(new, &request) < amount(old, &request)
        && amount(new, &request) < amount(old, &["status", "capacity", "storage"])
    {
        errors.push(FieldError::forbidden(
            "spec.resources.requests.storage",
            "field can not be less than status.capacity",
        ));
    }
}

fn pod(old: &Value, new: &Value, errors: &mut Vec<FieldError>) {
    let fixed = |v: &Value| {
        let mut spec = v.get("spec").cloned().unwrap_or(Value::Null);
        for kind in ["containers", "initContainers"] {
            for i in 0..list(&spec, &[kind]).len() {
                if let Some(container) = at_mut(&mut spec, &[kind]).and_then(|l| l.get_mut(i)) {
                    remove(container, &["image"]);
                }
            }
        }
        for key in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"] {
            remove(&mut spec, &[key]);
        }
        spec
    };
    let before = list(old, &["spec", "tolerations"]);
    let kept = before.iter().all(|t| list(new, &["spec", "tolerations"]).contains(t));
    let grace = |v: &Value| int(v, &["spec", "terminationGracePeriodSeconds"]);
    if fixed(old) != fixed(new) || !kept || grace(old) != grace(new) {
        errors.push(FieldError::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ));
    }
}
