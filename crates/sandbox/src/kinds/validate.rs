//! The rules of the kinds that charts break most, with the texts of `pkg/apis/*/validation`.

use serde_json::{Map, Value, json};

use super::names::{label_problem, subdomain_problem, validate_labels};
use super::podspec::template_path;
use crate::controllers::schedule_problem;
use crate::json::{at, int, list, text};
use crate::quantity::milli;
use crate::resources::Resource;
use crate::schema::crd;
use crate::selector::label_selector_matches;
use crate::status::FieldError;

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";
const PORT: &str = "must be between 1 and 65535, inclusive";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const LARGEST_SECRET: usize = 1_048_576;

type Errors = Vec<FieldError>;

/// Checks an object against the rules of its kind.
pub(crate) fn validate(resource: &Resource, object: &Value, errors: &mut Errors) {
    if let Some(custom) = &resource.custom {
        crd::validate(object, &custom.schema, "", errors);
        return;
    }
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("apps", "deployments" | "statefulsets" | "daemonsets" | "replicasets") => workload(resource, object, errors),
        ("batch", "jobs") => job(object, &["spec"], "spec", errors),
        ("batch", "cronjobs") => cron_job(object, errors),
        ("", "pods") => {
            if let Some(spec) = at(object, &["spec"]) {
                pod_spec(spec, "spec", errors);
            }
        }
        ("", "replicationcontrollers") => {
            not_negative(object, &["spec", "replicas"], errors);
            template(object, template_path(resource).unwrap_or(&[]), "spec.template", errors);
        }
        ("", "services") => service(object, errors),
        ("", "configmaps") => config_map(object, errors),
        ("", "secrets") => secret(object, errors),
        ("", "persistentvolumeclaims") => claim(object, errors),
        ("coordination.k8s.io", "leases") => lease(object, errors),
        ("networking.k8s.io", "ingresses") => ingress(object, errors),
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => role(resource, object, errors),
        ("rbac.authorization.k8s.io", _) => binding(resource, object, errors),
        ("autoscaling", _) => scaler(object, errors),
        ("policy", "poddisruptionbudgets") => budget(object, errors),
        ("apiextensions.k8s.io", "customresourcedefinitions") => definition(object, errors),
        ("storage.k8s.io", "storageclasses") if text(object, &["provisioner"]).is_empty() => {
            errors.push(FieldError::required("provisioner", ""));
        }
        _ => {}
    }
}

fn go(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or(Value::Null)
}

fn not_negative(object: &Value, path: &[&str], errors: &mut Errors) {
    if let Some(n) = int(object, path).filter(|n| *n < 0) {
        errors.push(FieldError::invalid(path.join("."), &n.into(), NOT_NEGATIVE));
    }
}

fn lease(object: &Value, errors: &mut Errors) {
    if let Some(seconds) = int(object, &["spec", "leaseDurationSeconds"]).filter(|seconds| *seconds <= 0) {
        errors.push(FieldError::invalid("spec.leaseDurationSeconds", &seconds.into(), "must be greater than 0"));
    }
    not_negative(object, &["spec", "leaseTransitions"], errors);
}

fn port_number(value: i64) -> bool {
    (1..=65_535).contains(&value)
}

fn workload(resource: &Resource, object: &Value, errors: &mut Errors) {
    not_negative(object, &["spec", "replicas"], errors);
    not_negative(object, &["spec", "minReadySeconds"], errors);
    let selector = at(object, &["spec", "selector"]);
    let labels = at(object, &["spec", "template", "metadata", "labels"]);
    // A daemon set's own check for a selector is the one of the labels.
    let daemons = resource.plural == "daemonsets";
    match selector {
        None if !daemons => errors.push(FieldError::required("spec.selector", "")),
        Some(s) if s.as_object().is_some_and(Map::is_empty) => {
            let what = match resource.plural.as_str() {
                "deployments" => "empty selector is invalid for deployment",
                "statefulsets" => "empty selector is invalid for statefulset",
                "daemonsets" => "empty selector is invalid for daemonset",
                _ => "empty selector is invalid for deployment",
            };
            errors.push(FieldError::invalid("spec.selector", s, what));
        }
        _ => {}
    }
    let matches = selector.is_some_and(|s| label_selector_matches(s, labels));
    if !matches {
        errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            &go(labels),
            "`selector` does not match template `labels`",
        ));
    }
    template(object, &["spec", "template"], "spec.template", errors);
    if resource.plural == "statefulsets" {
        // What a container mounts there may be one of the claims that each pod gets; the API server does not look.
        errors.retain(|error| error.reason != "FieldValueNotFound" || !error.field.contains(".volumeMounts["));
    }
    let policy = text(object, &["spec", "template", "spec", "restartPolicy"]);
    if at(object, &["spec", "template", "spec"]).is_some() && policy != "Always" && !policy.is_empty() {
        errors.push(FieldError::unsupported("spec.template.spec.restartPolicy", &policy.into(), &["Always"]));
    }
    match resource.plural.as_str() {
        "deployments" => {
            let kind = text(object, &["spec", "strategy", "type"]);
            let rolling = at(object, &["spec", "strategy", "rollingUpdate"]).is_some();
            if kind == "Recreate" && rolling {
                let why = "may not be specified when strategy `type` is 'Recreate'";
                errors.push(FieldError::forbidden("spec.strategy.rollingUpdate", why));
            } else if !matches!(kind, "Recreate" | "RollingUpdate") {
                errors.push(FieldError::unsupported(
                    "spec.strategy.type",
                    &kind.into(),
                    &["Recreate", "RollingUpdate"],
                ));
            }
        }
        "statefulsets" => {
            let policy = text(object, &["spec", "podManagementPolicy"]);
            if !matches!(policy, "OrderedReady" | "Parallel") {
                let why = "must be 'OrderedReady' or 'Parallel'";
                errors.push(FieldError::invalid("spec.podManagementPolicy", &policy.into(), why));
            }
        }
        _ => {}
    }
}

fn job(object: &Value, spec: &[&str], path: &str, errors: &mut Errors) {
    for name in ["parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"] {
        let full = [spec, &[name]].concat();
        not_negative(object, &full, errors);
    }
    let at_template = [spec, &["template"]].concat();
    template(object, &at_template, &format!("{path}.template"), errors);
    let policy = text(object, &[&at_template[..], &["spec", "restartPolicy"]].concat());
    if !matches!(policy, "OnFailure" | "Never") {
        let field = format!("{path}.template.spec.restartPolicy");
        let valid = "valid values: \"OnFailure\", \"Never\"";
        if matches!(policy, "" | "Always") {
            errors.push(FieldError::required(field, valid));
        } else {
            errors.push(FieldError::unsupported(field, &policy.into(), &["OnFailure", "Never"]));
        }
    }
}

fn cron_job(object: &Value, errors: &mut Errors) {
    let schedule = text(object, &["spec", "schedule"]);
    if schedule.is_empty() {
        errors.push(FieldError::required("spec.schedule", ""));
    } else if let Some(problem) = schedule_problem(schedule) {
        errors.push(FieldError::invalid("spec.schedule", &schedule.into(), &problem));
    }
    if text(object, &["metadata", "name"]).len() > 52 {
        let name = text(object, &["metadata", "name"]);
        errors.push(FieldError::invalid("metadata.name", &name.into(), "must be no more than 52 characters"));
    }
    job(object, &["spec", "jobTemplate", "spec"], "spec.jobTemplate.spec", errors);
}

fn template(object: &Value, path: &[&str], shown: &str, errors: &mut Errors) {
    let Some(template) = at(object, path) else { return };
    validate_labels(at(template, &["metadata", "labels"]), &format!("{shown}.labels"), errors);
    match at(template, &["spec"]) {
        Some(spec) => pod_spec(spec, &format!("{shown}.spec"), errors),
        None => errors.push(FieldError::required(format!("{shown}.spec.containers"), "")),
    }
}

fn pod_spec(spec: &Value, path: &str, errors: &mut Errors) {
    let mut volumes: Vec<&str> = Vec::new();
    for (i, volume) in list(spec, &["volumes"]).iter().enumerate() {
        let field = format!("{path}.volumes[{i}]");
        let name = text(volume, &["name"]);
        let mut sources: Vec<&String> =
            volume.as_object().into_iter().flatten().map(|(k, _)| k).filter(|k| *k != "name").collect();
        sources.sort();
        if sources.len() > 1 {
            // Which of two is one too many depends on the order in which they are looked at; emptyDir comes first.
            let extra = sources.iter().find(|s| ***s != "emptyDir").map_or("", |s| s.as_str());
            errors.push(FieldError::forbidden(format!("{field}.{extra}"), "may not specify more than 1 volume type"));
        }
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if let Some(problem) = label_problem(name) {
            errors.push(FieldError::invalid(format!("{field}.name"), &name.into(), &problem));
        }
        if volumes.contains(&name) {
            errors.push(FieldError::duplicate(format!("{field}.name"), &name.into()));
        }
        volumes.push(name);
    }
    if list(spec, &["containers"]).is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut names: Vec<&str> = Vec::new();
    for kind in ["containers", "initContainers"] {
        for (i, container) in list(spec, &[kind]).iter().enumerate() {
            let field = format!("{path}.{kind}[{i}]");
            check_container(container, &field, &volumes, errors);
            let name = text(container, &["name"]);
            if names.contains(&name) && !name.is_empty() {
                errors.push(FieldError::duplicate(format!("{field}.name"), &name.into()));
            }
            names.push(name);
        }
    }
    let policy = text(spec, &["restartPolicy"]);
    if !matches!(policy, "Always" | "OnFailure" | "Never" | "") {
        let all = ["Always", "OnFailure", "Never"];
        errors.push(FieldError::unsupported(format!("{path}.restartPolicy"), &policy.into(), &all));
    }
    let account = text(spec, &["serviceAccountName"]);
    if !account.is_empty()
        && let Some(problem) = subdomain_problem(account)
    {
        errors.push(FieldError::invalid(format!("{path}.serviceAccountName"), &account.into(), &problem));
    }
}

fn check_container(container: &Value, path: &str, volumes: &[&str], errors: &mut Errors) {
    let name = text(container, &["name"]);
    if name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), ""));
    } else if let Some(problem) = label_problem(name) {
        errors.push(FieldError::invalid(format!("{path}.name"), &name.into(), &problem));
    }
    let image = text(container, &["image"]);
    if image.is_empty() {
        errors.push(FieldError::required(format!("{path}.image"), ""));
    } else if image.trim() != image {
        let why = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(format!("{path}.image"), &image.into(), why));
    }
    let mut port_names: Vec<&str> = Vec::new();
    for (i, port) in list(container, &["ports"]).iter().enumerate() {
        let field = format!("{path}.ports[{i}]");
        let name = text(port, &["name"]);
        if !name.is_empty() {
            for problem in port_name_problems(name) {
                errors.push(FieldError::invalid(format!("{field}.name"), &name.into(), problem));
            }
            if port_names.contains(&name) {
                errors.push(FieldError::duplicate(format!("{field}.name"), &name.into()));
            }
            port_names.push(name);
        }
        match int(port, &["containerPort"]).unwrap_or(0) {
            0 => errors.push(FieldError::required(format!("{field}.containerPort"), "")),
            n if !port_number(n) => errors.push(FieldError::invalid(format!("{field}.containerPort"), &n.into(), PORT)),
            _ => {}
        }
        let protocol = text(port, &["protocol"]);
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            errors.push(FieldError::unsupported(
                format!("{field}.protocol"),
                &protocol.into(),
                &["SCTP", "TCP", "UDP"],
            ));
        }
    }
    for (i, variable) in list(container, &["env"]).iter().enumerate() {
        let field = format!("{path}.env[{i}]");
        let name = text(variable, &["name"]);
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') || name.contains('=') {
            let why =
                "a valid environment variable name must consist only of printable ASCII characters other than '='";
            errors.push(FieldError::invalid(format!("{field}.name"), &name.into(), why));
        }
        if let Some(from) = at(variable, &["valueFrom"]) {
            let field = format!("{field}.valueFrom");
            let sources = from.as_object().map_or(0, Map::len);
            if !text(variable, &["value"]).is_empty() {
                let why = "may not be specified when `value` is not empty";
                errors.push(FieldError::invalid(field, &"".into(), why));
            } else if sources == 0 {
                let why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
                errors.push(FieldError::invalid(field, &"".into(), why));
            } else if sources > 1 {
                errors.push(FieldError::invalid(
                    field,
                    &"".into(),
                    "may not have more than one field specified at a time",
                ));
            }
        }
    }
    let mut paths: Vec<&str> = Vec::new();
    for (i, mount) in list(container, &["volumeMounts"]).iter().enumerate() {
        let field = format!("{path}.volumeMounts[{i}]");
        let name = text(mount, &["name"]);
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        }
        if !volumes.contains(&name) {
            errors.push(FieldError::missing(format!("{field}.name"), &name.into()));
        }
        let place = text(mount, &["mountPath"]);
        if place.is_empty() {
            errors.push(FieldError::required(format!("{field}.mountPath"), ""));
        } else if paths.contains(&place) {
            errors.push(FieldError::invalid(format!("{field}.mountPath"), &place.into(), "must be unique"));
        }
        paths.push(place);
    }
    let policy = text(container, &["imagePullPolicy"]);
    if !matches!(policy, "Always" | "IfNotPresent" | "Never") {
        let all = ["Always", "IfNotPresent", "Never"];
        errors.push(FieldError::unsupported(format!("{path}.imagePullPolicy"), &policy.into(), &all));
    }
    for kind in ["limits", "requests"] {
        for (name, amount) in at(container, &["resources", kind]).and_then(Value::as_object).into_iter().flatten() {
            let amount = amount.as_str().unwrap_or_default();
            if milli(amount).is_some_and(|n| n < 0) {
                errors.push(FieldError::invalid(
                    format!("{path}.resources.{kind}[{name}]"),
                    &amount.into(),
                    NOT_NEGATIVE,
                ));
            }
            let limit = text(container, &["resources", "limits", name]);
            if kind == "requests" && !limit.is_empty() && milli(amount) > milli(limit) {
                let why = format!("must be less than or equal to {name} limit of {limit}");
                errors.push(FieldError::invalid(format!("{path}.resources.requests"), &amount.into(), &why));
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(found) = at(container, &[probe]) else { continue };
        let handlers = ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|h| at(found, &[h]).is_some()).count();
        if handlers == 0 {
            errors.push(FieldError::required(format!("{path}.{probe}"), "must specify a handler type"));
        }
    }
}

fn port_name_problems(name: &str) -> Vec<&'static str> {
    let mut out = Vec::new();
    if name.len() > 15 {
        out.push("must be no more than 15 bytes");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        out.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !name.chars().any(|c| c.is_ascii_alphabetic()) {
        out.push("must contain at least one letter (a-z)");
    }
    if name.contains("--") {
        out.push("must not contain consecutive hyphens");
    }
    if name.starts_with('-') || name.ends_with('-') {
        out.push("must not begin or end with a hyphen");
    }
    out
}

fn service(object: &Value, errors: &mut Errors) {
    let kind = text(object, &["spec", "type"]);
    let ports = list(object, &["spec", "ports"]);
    let headless = text(object, &["spec", "clusterIP"]) == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    if kind == "LoadBalancer" && headless {
        let why = "may not be set to 'None' for LoadBalancer services";
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &"None".into(), why));
    }
    if kind == "ExternalName" && text(object, &["spec", "externalName"]).is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    }
    let mut names: Vec<&str> = Vec::new();
    let mut numbers: Vec<(i64, &str)> = Vec::new();
    for (i, port) in ports.iter().enumerate() {
        let field = format!("spec.ports[{i}]");
        let name = text(port, &["name"]);
        if name.is_empty() && ports.len() > 1 {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        } else if !name.is_empty() {
            if let Some(problem) = label_problem(name) {
                errors.push(FieldError::invalid(format!("{field}.name"), &name.into(), &problem));
            }
            if names.contains(&name) {
                errors.push(FieldError::duplicate(format!("{field}.name"), &name.into()));
            }
            names.push(name);
        }
        let number = int(port, &["port"]).unwrap_or(0);
        if !port_number(number) {
            errors.push(FieldError::invalid(format!("{field}.port"), &number.into(), PORT));
        }
        match at(port, &["targetPort"]) {
            Some(Value::Number(n)) if !n.as_i64().is_some_and(port_number) => {
                errors.push(FieldError::invalid(format!("{field}.targetPort"), &Value::Number(n.clone()), PORT));
            }
            Some(Value::String(name)) => {
                for problem in port_name_problems(name) {
                    errors.push(FieldError::invalid(format!("{field}.targetPort"), &name.as_str().into(), problem));
                }
            }
            _ => {}
        }
        let protocol = text(port, &["protocol"]);
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            errors.push(FieldError::unsupported(
                format!("{field}.protocol"),
                &protocol.into(),
                &["SCTP", "TCP", "UDP"],
            ));
        }
        if numbers.contains(&(number, protocol)) {
            errors.push(FieldError::duplicate(field, &json!({"protocol": protocol, "port": number})));
        }
        numbers.push((number, protocol));
    }
    const KINDS: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !KINDS.contains(&kind) {
        errors.push(FieldError::unsupported("spec.type", &kind.into(), &KINDS));
    }
    validate_labels(at(object, &["spec", "selector"]), "spec.selector", errors);
}

fn config_keys(object: &Value, key: &str, errors: &mut Errors) -> usize {
    let mut size = 0;
    for (name, value) in at(object, &[key]).and_then(Value::as_object).into_iter().flatten() {
        let fine = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        let field = format!("{key}[{name}]");
        if !fine {
            errors.push(FieldError::invalid(field, &name.as_str().into(), CONFIG_KEY));
        } else if name == "." || name == ".." {
            errors.push(FieldError::invalid(field, &name.as_str().into(), &format!("must not be '{name}'")));
        } else if name.len() > 253 {
            errors.push(FieldError::invalid(field, &name.as_str().into(), "must be no more than 253 bytes"));
        }
        size += value.as_str().map_or(0, str::len);
    }
    size
}

/// The size of what base64 stands for.
fn decoded_size(object: &Value, key: &str) -> usize {
    let values = at(object, &[key]).and_then(Value::as_object).into_iter().flatten();
    values.map(|(_, v)| v.as_str().map_or(0, |s| s.trim_end_matches('=').len() * 3 / 4)).sum()
}

fn config_map(object: &Value, errors: &mut Errors) {
    let size = config_keys(object, "data", errors) + decoded_size(object, "binaryData");
    config_keys(object, "binaryData", errors);
    if size > LARGEST_SECRET {
        errors.push(FieldError::too_long("", LARGEST_SECRET));
    }
}

fn secret(object: &Value, errors: &mut Errors) {
    config_keys(object, "data", errors);
    if decoded_size(object, "data") > LARGEST_SECRET {
        errors.push(FieldError::too_long("data", LARGEST_SECRET));
    }
    let required: &[&str] = match text(object, &["type"]) {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/service-account-token" => {
            if text(object, &["metadata", "annotations", "kubernetes.io/service-account.name"]).is_empty() {
                errors.push(FieldError::required("metadata.annotations[kubernetes.io/service-account.name]", ""));
            }
            &[]
        }
        "kubernetes.io/basic-auth" => {
            if ["username", "password"].iter().all(|k| at(object, &["data", k]).is_none()) {
                errors.push(FieldError::required("data[username]", ""));
                errors.push(FieldError::required("data[password]", ""));
            }
            &[]
        }
        _ => &[],
    };
    for key in required {
        if at(object, &["data", key]).is_none() {
            errors.push(FieldError::required(format!("data[{key}]"), ""));
        }
    }
    let config = text(object, &["data", ".dockerconfigjson"]);
    if text(object, &["type"]) == "kubernetes.io/dockerconfigjson" && !config.is_empty() {
        use base64::Engine as _;
        let bytes = base64::engine::general_purpose::STANDARD.decode(config).unwrap_or_default();
        if serde_json::from_slice::<Value>(&bytes).is_err() {
            let first = bytes.first().map_or_else(
                || "unexpected end of JSON input".to_owned(),
                |b| format!("invalid character '{}' looking for beginning of value", char::from(*b)),
            );
            errors.push(FieldError::invalid("data[.dockerconfigjson]", &"<secret contents redacted>".into(), &first));
        }
    }
}

fn claim(object: &Value, errors: &mut Errors) {
    let modes = list(object, &["spec", "accessModes"]);
    if modes.is_empty() {
        errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
    }
    const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
    for mode in modes.iter().filter(|m| !MODES.iter().any(|k| *m == k)) {
        errors.push(FieldError::unsupported("spec.accessModes", mode, &MODES));
    }
    match at(object, &["spec", "resources", "requests", "storage"]) {
        None => errors.push(FieldError::required("spec.resources[storage]", "")),
        Some(amount) if milli(amount.as_str().unwrap_or_default()).is_none_or(|n| n <= 0) => {
            errors.push(FieldError::invalid("spec.resources[storage]", amount, "must be greater than zero"));
        }
        Some(_) => {}
    }
}

fn ingress(object: &Value, errors: &mut Errors) {
    let rules = list(object, &["spec", "rules"]);
    if rules.is_empty() && at(object, &["spec", "defaultBackend"]).is_none() {
        let spec = at(object, &["spec"]).filter(|s| !s.as_object().is_some_and(Map::is_empty));
        errors.push(FieldError::invalid("spec", &go(spec), "either `defaultBackend` or `rules` must be specified"));
    }
    for (i, rule) in rules.iter().enumerate() {
        let host = text(rule, &["host"]);
        let plain = host.strip_prefix("*.").unwrap_or(host);
        if !host.is_empty()
            && let Some(problem) = subdomain_problem(plain)
        {
            errors.push(FieldError::invalid(format!("spec.rules[{i}].host"), &host.into(), &problem));
        }
        for (j, path) in list(rule, &["http", "paths"]).iter().enumerate() {
            let field = format!("spec.rules[{i}].http.paths[{j}]");
            let kind = text(path, &["pathType"]);
            let given = text(path, &["path"]);
            match kind {
                "" => errors.push(FieldError::required(format!("{field}.pathType"), "pathType must be specified")),
                "Exact" | "Prefix" if !given.starts_with('/') => {
                    errors.push(FieldError::invalid(
                        format!("{field}.path"),
                        &given.into(),
                        "must be an absolute path",
                    ));
                }
                "Exact" | "Prefix" | "ImplementationSpecific" => {}
                other => {
                    let all = ["Exact", "ImplementationSpecific", "Prefix"];
                    errors.push(FieldError::unsupported(format!("{field}.pathType"), &other.into(), &all));
                }
            }
            let (service, other) = (at(path, &["backend", "service"]), at(path, &["backend", "resource"]));
            if service.is_none() && other.is_none() {
                let why = "resource or service backend is required";
                errors.push(FieldError::invalid(format!("{field}.backend"), &"".into(), why));
            } else if let Some(service) = service.filter(|_| !kind.is_empty()) {
                if text(service, &["name"]).is_empty() {
                    errors.push(FieldError::required(format!("{field}.backend.service.name"), "name is required"));
                }
                let port = at(service, &["port"]);
                let named =
                    port.is_some_and(|p| !text(p, &["name"]).is_empty() || int(p, &["number"]).unwrap_or(0) != 0);
                if !named {
                    errors.push(FieldError::required(
                        format!("{field}.backend.service.port"),
                        "port name or number is required",
                    ));
                }
            }
        }
    }
}

fn role(resource: &Resource, object: &Value, errors: &mut Errors) {
    for (i, rule) in list(object, &["rules"]).iter().enumerate() {
        let field = format!("rules[{i}]");
        let has = |key: &str| !list(rule, &[key]).is_empty();
        if !has("verbs") {
            errors.push(FieldError::required(format!("{field}.verbs"), "verbs must contain at least one value"));
        }
        if has("nonResourceURLs") {
            if resource.namespaced {
                let why = "namespaced rules cannot apply to non-resource URLs";
                errors.push(FieldError::invalid(
                    format!("{field}.nonResourceURLs"),
                    &go(at(rule, &["nonResourceURLs"])),
                    why,
                ));
            }
            continue;
        }
        if !has("apiGroups") {
            errors.push(FieldError::required(
                format!("{field}.apiGroups"),
                "resource rules must supply at least one api group",
            ));
        }
        if !has("resources") {
            errors.push(FieldError::required(
                format!("{field}.resources"),
                "resource rules must supply at least one resource",
            ));
        }
    }
}

fn binding(resource: &Resource, object: &Value, errors: &mut Errors) {
    let kind = text(object, &["roleRef", "kind"]);
    let kinds: &[&str] = if resource.namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&kind) {
        errors.push(FieldError::unsupported("roleRef.kind", &kind.into(), kinds));
    }
    if text(object, &["roleRef", "name"]).is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    for (i, subject) in list(object, &["subjects"]).iter().enumerate() {
        let field = format!("subjects[{i}]");
        let (kind, name) = (text(subject, &["kind"]), text(subject, &["name"]));
        if name.is_empty() {
            errors.push(FieldError::required(format!("{field}.name"), ""));
        }
        match kind {
            "ServiceAccount" if !resource.namespaced && text(subject, &["namespace"]).is_empty() => {
                errors.push(FieldError::required(format!("{field}.namespace"), ""));
            }
            "ServiceAccount" | "User" | "Group" => {}
            other => {
                let all = ["ServiceAccount", "User", "Group"];
                errors.push(FieldError::unsupported(format!("{field}.kind"), &other.into(), &all));
            }
        }
    }
}

fn scaler(object: &Value, errors: &mut Errors) {
    let (most, least) =
        (int(object, &["spec", "maxReplicas"]).unwrap_or(0), int(object, &["spec", "minReplicas"]).unwrap_or(1));
    if least < 1 {
        errors.push(FieldError::invalid("spec.minReplicas", &least.into(), "must be greater than or equal to 1"));
    }
    if most < 1 {
        errors.push(FieldError::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if most < least {
        errors.push(FieldError::invalid(
            "spec.maxReplicas",
            &most.into(),
            "must be greater than or equal to `minReplicas`",
        ));
    }
    for key in ["kind", "name"] {
        if text(object, &["spec", "scaleTargetRef", key]).is_empty() {
            errors.push(FieldError::required(format!("spec.scaleTargetRef.{key}"), ""));
        }
    }
    let version = text(object, &["spec", "scaleTargetRef", "apiVersion"]);
    if version.is_empty() {
        let why = "apiVersion must specify API group";
        errors.push(FieldError::invalid("spec.scaleTargetRef.apiVersion", &version.into(), why));
    }
}

fn budget(object: &Value, errors: &mut Errors) {
    let (least, most) = (at(object, &["spec", "minAvailable"]), at(object, &["spec", "maxUnavailable"]));
    if least.is_some() && most.is_some() {
        let shown = json!({
            "MinAvailable": least, "Selector": at(object, &["spec", "selector"]), "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": at(object, &["spec", "unhealthyPodEvictionPolicy"]),
        });
        errors.push(FieldError::invalid("spec", &shown, "minAvailable and maxUnavailable cannot be both set"));
    }
}

fn definition(object: &Value, errors: &mut Errors) {
    let (group, plural) = (text(object, &["spec", "group"]), text(object, &["spec", "names", "plural"]));
    let name = text(object, &["metadata", "name"]);
    if name != format!("{plural}.{group}") {
        errors.push(FieldError::invalid("metadata.name", &name.into(), "must be spec.names.plural+\".\"+spec.group"));
    }
    let scope = text(object, &["spec", "scope"]);
    if scope.is_empty() {
        errors.push(FieldError::required("spec.scope", ""));
    } else if !matches!(scope, "Cluster" | "Namespaced") {
        errors.push(FieldError::unsupported("spec.scope", &scope.into(), &["Cluster", "Namespaced"]));
    }
    for key in ["plural", "kind"] {
        if text(object, &["spec", "names", key]).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{key}"), ""));
        }
    }
    let versions = list(object, &["spec", "versions"]);
    for (i, version) in versions.iter().enumerate() {
        let schema = at(version, &["schema", "openAPIV3Schema"]);
        match schema {
            None => errors.push(FieldError::required(format!("spec.versions[{i}].schema.openAPIV3Schema"), "")),
            Some(schema) if text(schema, &["type"]).is_empty() => {
                let field = format!("spec.versions[{i}].schema.openAPIV3Schema.type");
                errors.push(FieldError::required(field, "must not be empty at the root"));
            }
            Some(_) => {}
        }
    }
    let stored = versions.iter().filter(|v| v.get("storage") == Some(&Value::Bool(true))).count();
    if stored != 1 {
        let shown: Vec<&str> = versions.iter().map(|v| text(v, &["name"])).collect();
        errors.push(FieldError::invalid(
            "spec.versions",
            &json!(shown),
            "must have exactly one version marked as storage version",
        ));
    }
}
