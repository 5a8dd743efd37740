//! Pod specs, which stand in many kinds: where they are, and their defaults (`pkg/apis/core/v1/defaults.go`).

use serde_json::{Value, json};

use crate::json::{at, list_mut, set, set_default, text};
use crate::resources::Resource;

/// The path of the pod template of a kind.
pub(crate) fn template_path(resource: &Resource) -> Option<&'static [&'static str]> {
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets")
        | ("batch", "jobs")
        | ("", "replicationcontrollers") => Some(&["spec", "template"]),
        ("batch", "cronjobs") => Some(&["spec", "jobTemplate", "spec", "template"]),
        ("", "podtemplates") => Some(&["template"]),
        _ => None,
    }
}

/// The value at a path, for change.
pub(crate) fn at_mut<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    let mut here = value;
    for key in path {
        here = here.get_mut(*key)?;
    }
    (!here.is_null()).then_some(here)
}

/// Fills in the defaults of a pod spec. `pod` is true for a pod itself, which gets a little more than a template.
pub(crate) fn default_spec(spec: &mut Value, pod: bool) {
    if !spec.is_object() {
        return;
    }
    set_default(spec, &["dnsPolicy"], "ClusterFirst");
    set_default(spec, &["restartPolicy"], "Always");
    set_default(spec, &["securityContext"], json!({}));
    set_default(spec, &["terminationGracePeriodSeconds"], 30);
    set_default(spec, &["schedulerName"], "default-scheduler");
    // The two names of one field.
    if let Some(name) = at(spec, &["serviceAccountName"]).cloned() {
        set(spec, &["serviceAccount"], name);
    } else if let Some(name) = at(spec, &["serviceAccount"]).cloned() {
        set(spec, &["serviceAccountName"], name);
    }
    if pod {
        set_default(spec, &["enableServiceLinks"], true);
    }
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for volume in list_mut(spec, &["volumes"]).into_iter().flatten() {
        default_volume(volume);
    }
    for kind in ["initContainers", "containers", "ephemeralContainers"] {
        for container in list_mut(spec, &[kind]).into_iter().flatten() {
            default_container(container, host_network, pod);
        }
    }
}

fn default_volume(volume: &mut Value) {
    const SOURCES: [&str; 6] = ["configMap", "secret", "downwardAPI", "projected", "hostPath", "emptyDir"];
    let sources = volume.as_object().map_or(0, |m| m.len());
    if sources == 1 && volume.get("name").is_some() {
        set(volume, &["emptyDir"], json!({}));
    }
    for source in SOURCES {
        let Some(inner) = volume.get_mut(source).filter(|v| v.is_object()) else { continue };
        match source {
            "hostPath" => set_default(inner, &["type"], ""),
            "emptyDir" => {}
            _ => set_default(inner, &["defaultMode"], 420),
        }
        for item in list_mut(inner, &["items"]).into_iter().flatten() {
            default_field_ref(item, "fieldRef");
        }
        for projection in list_mut(inner, &["sources"]).into_iter().flatten() {
            if let Some(token) = projection.get_mut("serviceAccountToken").filter(|v| v.is_object()) {
                set_default(token, &["expirationSeconds"], 3600);
            }
            for item in list_mut(projection, &["downwardAPI", "items"]).into_iter().flatten() {
                default_field_ref(item, "fieldRef");
            }
        }
    }
    if let Some(claim) = at_mut(volume, &["ephemeral", "volumeClaimTemplate", "spec"]) {
        set_default(claim, &["volumeMode"], "Filesystem");
    }
    for (source, key, value) in [
        ("iscsi", "iscsiInterface", json!("default")),
        ("rbd", "pool", json!("rbd")),
        ("rbd", "user", json!("admin")),
        ("rbd", "keyring", json!("/etc/ceph/keyring")),
        ("azureDisk", "cachingMode", json!("ReadWrite")),
        ("azureDisk", "fsType", json!("ext4")),
        ("azureDisk", "readOnly", json!(false)),
        ("azureDisk", "kind", json!("Shared")),
    ] {
        if let Some(inner) = volume.get_mut(source).filter(|v| v.is_object()) {
            set_default(inner, &[key], value);
        }
    }
}

fn default_field_ref(holder: &mut Value, key: &str) {
    if let Some(field) = holder.get_mut(key).filter(|v| v.is_object()) {
        set_default(field, &["apiVersion"], "v1");
    }
}

/// `Always` for an image without a tag or with `latest`, as `pkg/util/parsers`.
pub(crate) fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        return "IfNotPresent";
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None | Some((_, "latest")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

fn default_container(container: &mut Value, host_network: bool, pod: bool) {
    if !container.is_object() {
        return;
    }
    let policy = pull_policy(text(container, &["image"]));
    set_default(container, &["imagePullPolicy"], policy);
    set_default(container, &["terminationMessagePath"], "/dev/termination-log");
    set_default(container, &["terminationMessagePolicy"], "File");
    set_default(container, &["resources"], json!({}));
    for port in list_mut(container, &["ports"]).into_iter().flatten() {
        set_default(port, &["protocol"], "TCP");
        if host_network && let Some(number) = at(port, &["containerPort"]).cloned() {
            set_default(port, &["hostPort"], number);
        }
    }
    for variable in list_mut(container, &["env"]).into_iter().flatten() {
        if let Some(from) = variable.get_mut("valueFrom").filter(|v| v.is_object()) {
            default_field_ref(from, "fieldRef");
            if let Some(key) = from.get_mut("fileKeyRef").filter(|v| v.is_object()) {
                set_default(key, &["optional"], false);
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(probe).filter(|v| v.is_object()) else { continue };
        for (key, value) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            set_default(probe, &[key], value);
        }
        default_handler(probe);
    }
    for hook in ["postStart", "preStop"] {
        if let Some(handler) = at_mut(container, &["lifecycle", hook]) {
            default_handler(handler);
        }
    }
    // A limit without a request is its own request; only in a pod itself.
    if pod && let Some(limits) = at(container, &["resources", "limits"]).and_then(Value::as_object).cloned() {
        for (name, amount) in limits {
            set_default(container, &["resources", "requests", &name], amount);
        }
    }
}

fn default_handler(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet").filter(|v| v.is_object()) {
        set_default(get, &["path"], "/");
        set_default(get, &["scheme"], "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc").filter(|v| v.is_object()) {
        set_default(grpc, &["service"], "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_say_when_they_are_pulled() {
        for (image, want) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1", "IfNotPresent"),
            ("r:5000/nginx", "Always"),
            ("r:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:0", "IfNotPresent"),
            ("", "Always"),
        ] {
            assert_eq!(pull_policy(image), want, "{image}");
        }
    }
}
