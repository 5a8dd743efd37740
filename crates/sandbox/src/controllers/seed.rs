//! What a new cluster has.

use serde_json::{Value, json};

use super::claim::PROVISIONER;
use super::pod::NODE;
use crate::resources::GroupResource;
use crate::state::State;
use crate::store::Key;

const RBAC: &str = "rbac.authorization.k8s.io";

impl State {
    /// Makes the namespaces, the node and the rest of what is there from the beginning.
    pub(crate) fn seed(&mut self) {
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            self.plant("", "namespaces", "", json!({"metadata": {"name": name}}));
        }
        self.settle();
        self.plant(
            "",
            "services",
            "default",
            json!({
                "metadata": {"name": "kubernetes", "labels": {"component": "apiserver", "provider": "kubernetes"}},
                "spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]},
            }),
        );
        self.node();
        self.plant(
            "storage.k8s.io",
            "storageclasses",
            "",
            json!({
                "metadata": {"name": "pretend", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "provisioner": PROVISIONER, "volumeBindingMode": "Immediate",
            }),
        );
        for (name, value) in [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)] {
            self.plant("scheduling.k8s.io", "priorityclasses", "", json!({"metadata": {"name": name}, "value": value}));
        }
        self.roles();
        let versions = self.registry.versions.clone();
        for (group, version) in versions {
            let priority = if group.is_empty() { 18_000 } else { 17_000 };
            self.plant("apiregistration.k8s.io", "apiservices", "", json!({
                "metadata": {"name": format!("{version}.{group}"), "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}},
                "spec": {"group": group, "version": version, "groupPriorityMinimum": priority, "versionPriority": 1},
            }));
        }
        self.settle();
    }

    fn plant(&mut self, group: &str, plural: &str, namespace: &str, object: Value) {
        let made = self.make(&GroupResource::new(group, plural), namespace, object, "kube-apiserver");
        debug_assert!(made.is_ok(), "{group}/{plural}: {made:?}");
    }

    fn node(&mut self) {
        self.plant(
            "",
            "nodes",
            "",
            json!({"metadata": {"name": NODE, "labels": {
            "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": NODE}}, "spec": {}}),
        );
        let now = self.time();
        let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": now, "lastTransitionTime": now});
        let conditions = [
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            condition(
                "MemoryPressure",
                "False",
                "KubeletHasSufficientMemory",
                "kubelet has sufficient memory available",
            ),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ];
        let room = json!({"cpu": "512", "memory": "4Ti", "ephemeral-storage": "8Ti", "pods": "5k"});
        let key = Key::new(&GroupResource::new("", "nodes"), "", NODE);
        let _ = self.write_status(
            &key,
            json!({"phase": "Running", "allocatable": room, "capacity": room, "conditions": conditions}),
            "kwok",
        );
    }

    fn roles(&mut self) {
        let everything = json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
            {"nonResourceURLs": ["*"], "verbs": ["*"]},
        ]);
        self.plant(RBAC, "clusterroles", "", json!({"metadata": {"name": "cluster-admin"}, "rules": everything}));
        let read = ["get", "list", "watch"];
        let write = ["create", "delete", "deletecollection", "patch", "update"];
        let core = [
            "configmaps",
            "endpoints",
            "persistentvolumeclaims",
            "pods",
            "pods/log",
            "pods/status",
            "replicationcontrollers",
            "replicationcontrollers/scale",
            "serviceaccounts",
            "services",
            "services/status",
            "events",
        ];
        let groups = [
            ("apps", "*"),
            ("autoscaling", "horizontalpodautoscalers"),
            ("batch", "*"),
            ("networking.k8s.io", "ingresses"),
            ("networking.k8s.io", "networkpolicies"),
            ("policy", "poddisruptionbudgets"),
        ];
        let rules = |verbs: &[&str]| -> Vec<Value> {
            let mut out = vec![json!({"apiGroups": [""], "resources": core, "verbs": verbs})];
            out.extend(groups.iter().map(|(g, r)| json!({"apiGroups": [g], "resources": [r], "verbs": verbs})));
            out
        };
        let all = [&read[..], &write[..]].concat();
        let secrets = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": all});
        let roles = json!({"apiGroups": [RBAC], "resources": ["roles", "rolebindings"], "verbs": all});
        let aggregate = |name: &str| format!("rbac.authorization.k8s.io/aggregate-to-{name}");
        let view = rules(&read);
        let mut edit = rules(&all);
        edit.push(secrets);
        let mut admin = edit.clone();
        admin.push(roles);
        for (name, rules) in [("view", view), ("edit", edit), ("admin", admin)] {
            let mut label = json!({});
            crate::json::set(&mut label, &["matchLabels", &aggregate(name)], "true");
            self.plant(
                RBAC,
                "clusterroles",
                "",
                json!({
                    "metadata": {"name": name}, "aggregationRule": {"clusterRoleSelectors": [label]}, "rules": rules,
                }),
            );
        }
        let reviews = json!([
            {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"]},
            {"verbs": ["create"], "apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"]},
        ]);
        let delegator = json!({"metadata": {"name": "system:auth-delegator"}, "rules": reviews});
        self.plant(RBAC, "clusterroles", "", delegator);
        self.plant(
            RBAC,
            "clusterrolebindings",
            "",
            json!({
                "metadata": {"name": "cluster-admin"}, "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"kind": "Group", "name": "system:masters"}],
            }),
        );
    }
}
