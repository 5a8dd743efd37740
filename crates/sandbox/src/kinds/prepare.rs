//! What the server does to an object before it is stored: parts that clients may not set, addresses, names of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::json::{at, list, list_mut, remove, set, set_default, text};
use crate::resources::Resource;
use crate::state::State;
use crate::status::{ApiError, FieldError, Result};

/// Whether the kind counts changes of its spec.
pub(crate) fn has_generation(resource: &Resource) -> bool {
    resource.custom.is_some()
        || matches!(
            (resource.group.as_str(), resource.plural.as_str()),
            ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets")
                | (
                    "batch" | "policy" | "scheduling.k8s.io" | "apiextensions.k8s.io" | "admissionregistration.k8s.io",
                    _
                )
                | ("", "pods" | "replicationcontrollers" | "podtemplates")
                | ("networking.k8s.io" | "flowcontrol.apiserver.k8s.io" | "discovery.k8s.io", _)
        )
}

/// Whether an update changes what the generation counts.
pub(crate) fn bumps_generation(resource: &Resource, old: &Value, new: &Value) -> bool {
    let plain = |object: &Value| {
        let mut out = object.clone();
        for key in ["metadata", "status", "apiVersion"] {
            remove(&mut out, &[key]);
        }
        out
    };
    has_generation(resource) && plain(old) != plain(new)
}

/// Moves the text of `stringData` into `data`.
pub(crate) fn secret_strings(object: &mut Value) {
    let Some(Value::Object(texts)) = remove(object, &["stringData"]) else { return };
    for (key, value) in texts {
        let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
        set_default(object, &["data"], json!({}));
        if let Some(data) = object.get_mut("data") {
            set(data, &[&key], encoded);
        }
    }
}

impl State {
    /// Makes an object ready to be created.
    pub(crate) fn prepare_create(&mut self, resource: &Resource, object: &mut Value) -> Result<()> {
        let place = (resource.group.as_str(), resource.plural.as_str());
        if resource.has_status() && place != ("", "nodes") {
            reset_status(resource, object);
        }
        if has_generation(resource) {
            set(object, &["metadata", "generation"], 1);
        }
        match place {
            ("", "namespaces") => {
                set(object, &["spec", "finalizers"], json!(["kubernetes"]));
                set(object, &["status"], json!({"phase": "Active"}));
            }
            ("", "pods") => self.prepare_pod(object)?,
            ("", "services") => self.prepare_service(object, None)?,
            ("", "persistentvolumeclaims") => {
                self.default_class(object);
                protect(object, "kubernetes.io/pvc-protection");
                set(object, &["status"], json!({"phase": "Pending"}));
            }
            ("", "persistentvolumes") => {
                protect(object, "kubernetes.io/pv-protection");
                set(object, &["status"], json!({"phase": "Available"}));
            }
            ("batch", "jobs") => prepare_job(object),
            ("networking.k8s.io", "ingresses") => self.default_ingress_class(object),
            _ => {}
        }
        Ok(())
    }

    /// Fills in what an update leaves out and only the server knows.
    pub(crate) fn prepare_update(&mut self, resource: &Resource, old: &Value, new: &mut Value) -> Result<()> {
        match (resource.group.as_str(), resource.plural.as_str()) {
            ("", "services") => self.prepare_service(new, Some(old))?,
            ("", "persistentvolumeclaims") => {
                for key in ["storageClassName", "volumeName"] {
                    if let (None, Some(value)) = (at(new, &["spec", key]), at(old, &["spec", key]).cloned()) {
                        set(new, &["spec", key], value);
                    }
                }
            }
            ("apps", "daemonsets") => {
                const COUNT: [&str; 3] = ["metadata", "annotations", "deprecated.daemonset.template.generation"];
                let count: i64 = text(old, &COUNT).parse().unwrap_or(1);
                let changed = at(old, &["spec", "template"]) != at(new, &["spec", "template"]);
                set(new, &COUNT, (count + i64::from(changed)).to_string());
            }
            ("batch", "jobs") if at(new, &["spec", "selector"]).is_none() => {
                for path in [&["spec", "selector"][..], &["spec", "template", "metadata", "labels"]] {
                    if let Some(value) = at(old, path).cloned() {
                        set(new, path, value);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn prepare_pod(&mut self, object: &mut Value) -> Result<()> {
        let namespace = text(object, &["metadata", "namespace"]).to_owned();
        let name = text(object, &["metadata", "name"]).to_owned();
        let refuse = |why: String| ApiError::forbidden("", "pods", &name, &why);
        set_default(object, &["spec", "serviceAccountName"], "default");
        let account = text(object, &["spec", "serviceAccountName"]).to_owned();
        set(object, &["spec", "serviceAccount"], account.clone());
        if self.get("", "serviceaccounts", &namespace, &account).is_none() {
            return Err(refuse(format!(
                "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
            )));
        }
        let class = text(object, &["spec", "priorityClassName"]).to_owned();
        let mut priority = 0;
        if !class.is_empty() {
            priority = match class.as_str() {
                "system-node-critical" => 2_000_001_000,
                "system-cluster-critical" => 2_000_000_000,
                _ => self
                    .get("scheduling.k8s.io", "priorityclasses", "", &class)
                    .and_then(|c| c.get("value").and_then(Value::as_i64))
                    .ok_or_else(|| refuse(format!("no PriorityClass with name {class} was found")))?,
            };
        }
        set_default(object, &["spec", "priority"], priority);
        set_default(object, &["spec", "preemptionPolicy"], "PreemptLowerPriority");
        set_default(object, &["spec", "tolerations"], json!([]));
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let Some(list) = list_mut(object, &["spec", "tolerations"]) else { continue };
            if !list.iter().any(|t| {
                text(t, &["key"]) == taint || (text(t, &["key"]).is_empty() && text(t, &["operator"]) == "Exists")
            }) {
                list.push(json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
        let off = |v: Option<&Value>| v == Some(&Value::Bool(false));
        let account_off = self
            .get("", "serviceaccounts", &namespace, &account)
            .is_some_and(|a| off(at(&a, &["automountServiceAccountToken"])));
        let own = at(object, &["spec", "automountServiceAccountToken"]).cloned();
        if !(off(own.as_ref()) || (own.is_none() && account_off)) {
            self.mount_token(object);
        }
        set(object, &["status"], json!({"phase": "Pending", "qosClass": quality(object)}));
        Ok(())
    }

    /// Mounts the token of the service account, as the admission plugin does.
    fn mount_token(&mut self, object: &mut Value) {
        const PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
        let volume = format!("kube-api-access-{}", self.random.suffix(5));
        let mut used = false;
        for kind in ["initContainers", "containers"] {
            for container in list_mut(object, &["spec", kind]).into_iter().flatten() {
                if list(container, &["volumeMounts"]).iter().any(|m| text(m, &["mountPath"]) == PATH) {
                    continue;
                }
                used = true;
                set_default(container, &["volumeMounts"], json!([]));
                if let Some(mounts) = list_mut(container, &["volumeMounts"]) {
                    mounts.push(json!({"name": volume, "readOnly": true, "mountPath": PATH}));
                }
            }
        }
        if used {
            set_default(object, &["spec", "volumes"], json!([]));
            if let Some(volumes) = list_mut(object, &["spec", "volumes"]) {
                volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
                ]}}));
            }
        }
    }

    fn prepare_service(&mut self, object: &mut Value, old: Option<&Value>) -> Result<()> {
        let kind = text(object, &["spec", "type"]).to_owned();
        if kind == "ExternalName" {
            for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
                if old.is_none() || text(object, &["spec", key]).is_empty() {
                    remove(object, &["spec", key]);
                }
            }
            return Ok(());
        }
        let keep = |object: &mut Value, key: &str| {
            if let (None, Some(value)) = (at(object, &["spec", key]), old.and_then(|o| at(o, &["spec", key])).cloned())
            {
                set(object, &["spec", key], value);
            }
        };
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            keep(object, key);
        }
        let given = text(object, &["spec", "clusterIP"]).to_owned();
        let headless = given == "None";
        if given.is_empty() {
            let address = self.next_address();
            set(object, &["spec", "clusterIP"], address);
        } else if !headless && old.is_none() && !given.starts_with("10.0.") && !given.contains(':') {
            let error = FieldError::invalid(
                "spec.clusterIPs",
                &json!([given]),
                &format!("failed to allocate IP {given}: the provided network does not match the current range"),
            );
            return Err(ApiError::invalid("", "Service", text(object, &["metadata", "name"]), &[error]));
        }
        if list(object, &["spec", "clusterIPs"]).is_empty() {
            let address = text(object, &["spec", "clusterIP"]).to_owned();
            set(object, &["spec", "clusterIPs"], json!([address]));
        }
        set_default(object, &["spec", "ipFamilyPolicy"], "SingleStack");
        // One family is all there is: a wish for two that may go unmet is met with one.
        set_default(object, &["spec", "ipFamilies"], json!(["IPv4"]));
        if matches!(kind.as_str(), "NodePort" | "LoadBalancer") {
            let old_ports = old.map(|o| list(o, &["spec", "ports"]).to_vec()).unwrap_or_default();
            let allocate = at(object, &["spec", "allocateLoadBalancerNodePorts"]) != Some(&Value::Bool(false));
            let mut next = || 30_000 + i64::try_from(self.random.next() % 2768).unwrap_or(0);
            for (i, port) in list_mut(object, &["spec", "ports"]).into_iter().flatten().enumerate() {
                let before = old_ports
                    .iter()
                    .find(|p| text(p, &["name"]) == text(port, &["name"]) && p.get("port") == port.get("port"))
                    .or(old_ports.get(i))
                    .and_then(|p| at(p, &["nodePort"]).cloned());
                if allocate || kind == "NodePort" {
                    let number = before.unwrap_or_else(|| next().into());
                    if at(port, &["nodePort"]).is_none_or(|n| n == 0) {
                        set(port, &["nodePort"], number);
                    }
                }
            }
        } else if old.is_some_and(|o| matches!(text(o, &["spec", "type"]), "NodePort" | "LoadBalancer")) {
            let before = old.map(|o| list(o, &["spec", "ports"]).to_vec()).unwrap_or_default();
            for (port, was) in list_mut(object, &["spec", "ports"]).into_iter().flatten().zip(before) {
                if port.get("nodePort") == was.get("nodePort") {
                    remove(port, &["nodePort"]);
                }
            }
            if kind == "ClusterIP" {
                remove(object, &["spec", "allocateLoadBalancerNodePorts"]);
                if list(object, &["spec", "externalIPs"]).is_empty() {
                    remove(object, &["spec", "externalTrafficPolicy"]);
                }
            }
        }
        if text(object, &["spec", "externalTrafficPolicy"]) == "Local"
            && kind == "LoadBalancer"
            && at(object, &["spec", "healthCheckNodePort"]).is_none()
        {
            let old_port = old.and_then(|o| at(o, &["spec", "healthCheckNodePort"])).cloned();
            let port = 30_000 + i64::try_from(self.random.next() % 2768).unwrap_or(0);
            set(object, &["spec", "healthCheckNodePort"], old_port.unwrap_or_else(|| port.into()));
        }
        if old.is_none() {
            set(object, &["status"], json!({"loadBalancer": {}}));
        }
        Ok(())
    }

    fn next_address(&mut self) -> String {
        self.addresses += 1;
        let n = self.addresses + 255;
        format!("10.0.{}.{}", (n >> 8) & 0xff, n & 0xff)
    }

    /// Gives a claim the default storage class.
    fn default_class(&mut self, object: &mut Value) {
        const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
        if at(object, &["spec", "storageClassName"]).is_some() {
            return;
        }
        let place = crate::resources::GroupResource::new("storage.k8s.io", "storageclasses");
        let class = self
            .store
            .list(&place, "")
            .filter(|(_, c)| text(c, &["metadata", "annotations", DEFAULT]) == "true")
            .map(|((_, name), _)| name.clone())
            .next();
        if let Some(class) = class {
            set(object, &["spec", "storageClassName"], class);
        }
    }

    fn default_ingress_class(&mut self, object: &mut Value) {
        const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
        let old = !text(object, &["metadata", "annotations", "kubernetes.io/ingress.class"]).is_empty();
        if old || at(object, &["spec", "ingressClassName"]).is_some() {
            return;
        }
        let place = crate::resources::GroupResource::new("networking.k8s.io", "ingressclasses");
        let class = self
            .store
            .list(&place, "")
            .filter(|(_, c)| text(c, &["metadata", "annotations", DEFAULT]) == "true")
            .map(|((_, name), _)| name.clone())
            .next();
        if let Some(class) = class {
            set(object, &["spec", "ingressClassName"], class);
        }
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    set_default(object, &["metadata", "finalizers"], json!([]));
    if let Some(list) = list_mut(object, &["metadata", "finalizers"])
        && !list.iter().any(|f| f == finalizer)
    {
        list.push(finalizer.into());
    }
}

/// Takes away a status that a client sent along; what the kind's Go type always writes stays.
pub(crate) fn reset_status(resource: &Resource, object: &mut Value) {
    if resource.custom.is_some() {
        remove(object, &["status"]);
        return;
    }
    let mut findings = crate::schema::decode::Findings::default();
    let empty = resource
        .ty()
        .member("status")
        .and_then(|(ty, _)| crate::schema::decode::decode(&json!({}), ty, &mut findings).ok());
    match (empty, object.get("status").is_some()) {
        (Some(status), true) => set(object, &["status"], status),
        (None, _) => {
            remove(object, &["status"]);
        }
        _ => {}
    }
}

/// The labels by which a job finds its pods; they need the uid, which the object has by now.
fn prepare_job(object: &mut Value) {
    if at(object, &["spec", "manualSelector"]) == Some(&Value::Bool(true)) {
        return;
    }
    let uid = text(object, &["metadata", "uid"]).to_owned();
    let name = text(object, &["metadata", "name"]).to_owned();
    for (key, value) in [
        ("batch.kubernetes.io/controller-uid", &uid),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("job-name", &name),
    ] {
        set(object, &["spec", "template", "metadata", "labels", key], value.as_str());
    }
    // A job without labels of its own shows those of its template.
    if at(object, &["metadata", "labels"]).is_none()
        && let Some(labels) = at(object, &["spec", "template", "metadata", "labels"]).cloned()
    {
        set(object, &["metadata", "labels"], labels);
    }
    set(object, &["spec", "selector"], json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
}

/// The quality of service class of a pod.
fn quality(object: &Value) -> &'static str {
    let mut any = false;
    let mut guaranteed = true;
    for container in list(object, &["spec", "containers"]).iter().chain(list(object, &["spec", "initContainers"])) {
        let amount = |kind: &str, name: &str| at(container, &["resources", kind, name]).cloned();
        for name in ["cpu", "memory"] {
            let (limit, request) = (amount("limits", name), amount("requests", name));
            any |= limit.is_some() || request.is_some();
            guaranteed &= limit.is_some() && (request.is_none() || request == limit);
        }
    }
    match (any, guaranteed) {
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
        _ => "BestEffort",
    }
}
