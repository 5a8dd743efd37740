//! The defaults of the kinds, as `pkg/apis/*/v1/defaults.go` of Kubernetes 1.36.

use serde_json::{Value, json};

use super::podspec::{at_mut, default_spec, template_path};
use crate::json::{at, list, list_mut, remove, set, set_default, text};
use crate::resources::Resource;
use crate::schema::crd::apply_defaults;

/// Fills in what the kind leaves to the server.
pub(crate) fn default(resource: &Resource, object: &mut Value) {
    if let Some(custom) = &resource.custom {
        apply_defaults(object, &custom.schema);
        return;
    }
    if let Some(path) = template_path(resource)
        && let Some(spec) = at_mut(object, &[path, &["spec"]].concat())
    {
        default_spec(spec, false);
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => {
            if let Some(spec) = at_mut(object, &["spec"]) {
                default_spec(spec, true);
            }
        }
        ("apps", _) => workload(&resource.plural, object),
        ("batch", "jobs") => job(object),
        ("batch", "cronjobs") => {
            set_default(object, &["spec", "concurrencyPolicy"], "Allow");
            set_default(object, &["spec", "suspend"], false);
            set_default(object, &["spec", "successfulJobsHistoryLimit"], 3);
            set_default(object, &["spec", "failedJobsHistoryLimit"], 1);
        }
        ("", "replicationcontrollers") => {
            set_default(object, &["spec", "replicas"], 1);
            let labels = at(object, &["spec", "template", "metadata", "labels"]).cloned();
            if let Some(labels) = labels {
                set_default(object, &["spec", "selector"], labels.clone());
                set_default(object, &["metadata", "labels"], labels);
            }
        }
        ("", "services") => service(object),
        ("", "secrets") => set_default(object, &["type"], "Opaque"),
        ("", "persistentvolumeclaims") => set_default(object, &["spec", "volumeMode"], "Filesystem"),
        ("", "persistentvolumes") => {
            set_default(object, &["spec", "persistentVolumeReclaimPolicy"], "Retain");
            set_default(object, &["spec", "volumeMode"], "Filesystem");
            if let Some(path) = at_mut(object, &["spec", "hostPath"]) {
                set_default(path, &["type"], "");
            }
        }
        ("", "namespaces") => {
            let name = text(object, &["metadata", "name"]).to_owned();
            if !name.is_empty() {
                set(object, &["metadata", "labels", "kubernetes.io/metadata.name"], name);
            }
        }
        ("", "endpoints") => {
            for subset in list_mut(object, &["subsets"]).into_iter().flatten() {
                for port in list_mut(subset, &["ports"]).into_iter().flatten() {
                    set_default(port, &["protocol"], "TCP");
                }
            }
        }
        ("", "limitranges") => limit_range(object),
        ("autoscaling", _) => scaler(object),
        ("networking.k8s.io", "networkpolicies") => network_policy(object),
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => binding(object),
        ("policy", "poddisruptionbudgets") => {}
        ("storage.k8s.io", "storageclasses") => {
            set_default(object, &["reclaimPolicy"], "Delete");
            set_default(object, &["volumeBindingMode"], "Immediate");
        }
        ("storage.k8s.io", "csidrivers") => {
            for (key, value) in [
                ("attachRequired", json!(true)),
                ("podInfoOnMount", json!(false)),
                ("storageCapacity", json!(false)),
                ("fsGroupPolicy", json!("ReadWriteOnceWithFSType")),
                ("volumeLifecycleModes", json!(["Persistent"])),
                ("requiresRepublish", json!(false)),
                ("seLinuxMount", json!(false)),
            ] {
                set_default(object, &["spec", key], value);
            }
        }
        ("scheduling.k8s.io", "priorityclasses") => set_default(object, &["preemptionPolicy"], "PreemptLowerPriority"),
        ("admissionregistration.k8s.io", _) => webhooks(&resource.plural, object),
        ("apiregistration.k8s.io", "apiservices") => {
            if let Some(service) = at_mut(object, &["spec", "service"]) {
                set_default(service, &["port"], 443);
            }
        }
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(object),
        ("discovery.k8s.io", "endpointslices") => {
            for port in list_mut(object, &["ports"]).into_iter().flatten() {
                set_default(port, &["name"], "");
                set_default(port, &["protocol"], "TCP");
            }
        }
        ("certificates.k8s.io", "certificatesigningrequests") => {
            set_default(object, &["spec", "usages"], json!(["digital signature", "key encipherment"]));
        }
        _ => {}
    }
}

fn workload(plural: &str, object: &mut Value) {
    if at(object, &["spec"]).is_none() {
        return;
    }
    match plural {
        "deployments" => {
            set_default(object, &["spec", "replicas"], 1);
            set_default(object, &["spec", "revisionHistoryLimit"], 10);
            set_default(object, &["spec", "progressDeadlineSeconds"], 600);
            set_default(object, &["spec", "strategy", "type"], "RollingUpdate");
            if text(object, &["spec", "strategy", "type"]) == "RollingUpdate" {
                set_default(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"], "25%");
                set_default(object, &["spec", "strategy", "rollingUpdate", "maxSurge"], "25%");
            }
        }
        "statefulsets" => {
            set_default(object, &["spec", "podManagementPolicy"], "OrderedReady");
            set_default(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
            if text(object, &["spec", "updateStrategy", "type"]) == "RollingUpdate" {
                set_default(object, &["spec", "updateStrategy", "rollingUpdate", "partition"], 0);
            }
            for key in ["whenDeleted", "whenScaled"] {
                set_default(object, &["spec", "persistentVolumeClaimRetentionPolicy", key], "Retain");
            }
            set_default(object, &["spec", "replicas"], 1);
            set_default(object, &["spec", "revisionHistoryLimit"], 10);
            for claim in list_mut(object, &["spec", "volumeClaimTemplates"]).into_iter().flatten() {
                set_default(claim, &["apiVersion"], "v1");
                set_default(claim, &["kind"], "PersistentVolumeClaim");
                set_default(claim, &["spec", "volumeMode"], "Filesystem");
                set_default(claim, &["status", "phase"], "Pending");
            }
        }
        "daemonsets" => {
            set_default(object, &["spec", "updateStrategy", "type"], "RollingUpdate");
            if text(object, &["spec", "updateStrategy", "type"]) == "RollingUpdate" {
                set_default(object, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"], 1);
                set_default(object, &["spec", "updateStrategy", "rollingUpdate", "maxSurge"], 0);
            }
            set_default(object, &["spec", "revisionHistoryLimit"], 10);
            set_default(object, &["metadata", "annotations", "deprecated.daemonset.template.generation"], "1");
        }
        "replicasets" => set_default(object, &["spec", "replicas"], 1),
        _ => {}
    }
}

fn job(object: &mut Value) {
    let spec = |key: &str| at(object, &["spec", key]).cloned();
    let (completions, parallelism, policy) = (spec("completions"), spec("parallelism"), spec("podFailurePolicy"));
    if completions.is_none() && parallelism.is_none() {
        set(object, &["spec", "completions"], 1);
    }
    set_default(object, &["spec", "parallelism"], 1);
    set_default(object, &["spec", "backoffLimit"], 6);
    set_default(object, &["spec", "completionMode"], "NonIndexed");
    set_default(object, &["spec", "suspend"], false);
    set_default(object, &["spec", "manualSelector"], false);
    let replacement = if policy.is_some() { "Failed" } else { "TerminatingOrFailed" };
    set_default(object, &["spec", "podReplacementPolicy"], replacement);
    let labels = at(object, &["spec", "template", "metadata", "labels"]).cloned();
    if let (Some(labels), None) = (labels, at(object, &["metadata", "labels"])) {
        set(object, &["metadata", "labels"], labels);
    }
}

fn service(object: &mut Value) {
    set_default(object, &["spec", "sessionAffinity"], "None");
    match text(object, &["spec", "sessionAffinity"]) {
        "ClientIP" => set_default(object, &["spec", "sessionAffinityConfig", "clientIP", "timeoutSeconds"], 10_800),
        _ => {
            remove(object, &["spec", "sessionAffinityConfig"]);
        }
    }
    set_default(object, &["spec", "type"], "ClusterIP");
    for port in list_mut(object, &["spec", "ports"]).into_iter().flatten() {
        set_default(port, &["protocol"], "TCP");
        let unset = at(port, &["targetPort"]).is_none_or(|t| t == 0 || t == "");
        if let (true, Some(number)) = (unset, at(port, &["port"]).cloned()) {
            set(port, &["targetPort"], number);
        }
    }
    let kind = text(object, &["spec", "type"]).to_owned();
    let external = !list(object, &["spec", "externalIPs"]).is_empty();
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer") || (kind == "ClusterIP" && external) {
        set_default(object, &["spec", "externalTrafficPolicy"], "Cluster");
    }
    if matches!(kind.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        set_default(object, &["spec", "internalTrafficPolicy"], "Cluster");
    }
    if kind == "LoadBalancer" {
        set_default(object, &["spec", "allocateLoadBalancerNodePorts"], true);
    }
}

fn limit_range(object: &mut Value) {
    for limit in list_mut(object, &["spec", "limits"]).into_iter().flatten() {
        if text(limit, &["type"]) != "Container" {
            continue;
        }
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            for (name, amount) in at(limit, &[from]).and_then(Value::as_object).cloned().into_iter().flatten() {
                set_default(limit, &[to, &name], amount);
            }
        }
    }
}

fn scaler(object: &mut Value) {
    set_default(object, &["spec", "minReplicas"], 1);
    if text(object, &["apiVersion"]) == "autoscaling/v1" {
        return;
    }
    if list(object, &["spec", "metrics"]).is_empty() {
        set(
            object,
            &["spec", "metrics"],
            json!([
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
            ]),
        );
    }
    if let Some(behavior) = at_mut(object, &["spec", "behavior"]) {
        let up = json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]);
        let down = json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]);
        for (key, policies) in [("scaleUp", up), ("scaleDown", down)] {
            if key == "scaleUp" {
                set_default(behavior, &[key, "stabilizationWindowSeconds"], 0);
            }
            set_default(behavior, &[key, "selectPolicy"], "Max");
            set_default(behavior, &[key, "policies"], policies);
        }
    }
}

fn network_policy(object: &mut Value) {
    if at(object, &["spec"]).is_none() {
        return;
    }
    for rules in ["ingress", "egress"] {
        for rule in list_mut(object, &["spec", rules]).into_iter().flatten() {
            for port in list_mut(rule, &["ports"]).into_iter().flatten() {
                set_default(port, &["protocol"], "TCP");
            }
        }
    }
    if list(object, &["spec", "policyTypes"]).is_empty() {
        let egress = !list(object, &["spec", "egress"]).is_empty();
        set(object, &["spec", "policyTypes"], if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) });
    }
}

fn binding(object: &mut Value) {
    const GROUP: &str = "rbac.authorization.k8s.io";
    if text(object, &["roleRef", "apiGroup"]).is_empty() {
        set(object, &["roleRef", "apiGroup"], GROUP);
    }
    for subject in list_mut(object, &["subjects"]).into_iter().flatten() {
        if text(subject, &["apiGroup"]).is_empty() && matches!(text(subject, &["kind"]), "User" | "Group") {
            set(subject, &["apiGroup"], GROUP);
        }
    }
}

fn webhooks(plural: &str, object: &mut Value) {
    for hook in list_mut(object, &["webhooks"]).into_iter().flatten() {
        set_default(hook, &["failurePolicy"], "Fail");
        set_default(hook, &["matchPolicy"], "Equivalent");
        set_default(hook, &["namespaceSelector"], json!({}));
        set_default(hook, &["objectSelector"], json!({}));
        set_default(hook, &["timeoutSeconds"], 10);
        if plural == "mutatingwebhookconfigurations" {
            set_default(hook, &["reinvocationPolicy"], "Never");
        }
        if let Some(service) = at_mut(hook, &["clientConfig", "service"]) {
            set_default(service, &["port"], 443);
        }
        for rule in list_mut(hook, &["rules"]).into_iter().flatten() {
            set_default(rule, &["scope"], "*");
        }
    }
    if matches!(plural, "validatingadmissionpolicies" | "mutatingadmissionpolicies") {
        set_default(object, &["spec", "failurePolicy"], "Fail");
        if let Some(constraints) = at_mut(object, &["spec", "matchConstraints"]) {
            set_default(constraints, &["matchPolicy"], "Equivalent");
            set_default(constraints, &["namespaceSelector"], json!({}));
            set_default(constraints, &["objectSelector"], json!({}));
            for rule in list_mut(constraints, &["resourceRules"]).into_iter().flatten() {
                set_default(rule, &["scope"], "*");
            }
        }
    }
}

fn definition(object: &mut Value) {
    if at(object, &["spec"]).is_none() {
        return;
    }
    let kind = text(object, &["spec", "names", "kind"]).to_owned();
    if text(object, &["spec", "names", "singular"]).is_empty() {
        set(object, &["spec", "names", "singular"], kind.to_lowercase());
    }
    if text(object, &["spec", "names", "listKind"]).is_empty() && !kind.is_empty() {
        set(object, &["spec", "names", "listKind"], format!("{kind}List"));
    }
    set_default(object, &["spec", "conversion", "strategy"], "None");
    if let Some(service) = at_mut(object, &["spec", "conversion", "webhook", "clientConfig", "service"]) {
        set_default(service, &["port"], 443);
    }
}
