//! Tables for `kubectl get`, as the printers of Kubernetes make them.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::json::{at, int, list, text};
use crate::resources::Resource;

/// A column and how its cell is made.
struct Column {
    name: &'static str,
    ty: &'static str,
    format: &'static str,
    priority: i32,
    cell: fn(&Value, Timestamp) -> Value,
}

const fn column(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { name, ty: "string", format: "", priority: 0, cell }
}

const NAME: Column = Column {
    name: "Name",
    ty: "string",
    format: "name",
    priority: 0,
    cell: |o, _| text(o, &["metadata", "name"]).into(),
};
const AGE: Column = column("Age", |o, now| age(o, &["metadata", "creationTimestamp"], now));

/// Makes a table of objects.
pub(crate) fn table(resource: &Resource, objects: &[&Value], metadata: Value, include: &str, now: Timestamp) -> Value {
    let custom = resource.custom.as_ref().map(|c| c.columns.as_slice()).filter(|c| !c.is_empty());
    let (definitions, cells): (Vec<Value>, Box<dyn Fn(&Value) -> Vec<Value>>) = match custom {
        Some(columns) => {
            let mut definitions = vec![define("Name", "string", "name", 0)];
            definitions.extend(columns.iter().map(|c| {
                let priority = int(c, &["priority"]).unwrap_or(0);
                json!({"name": text(c, &["name"]), "type": text(c, &["type"]), "format": text(c, &["format"]),
                    "description": text(c, &["description"]), "priority": priority})
            }));
            let columns = columns.to_vec();
            let cells = move |o: &Value| {
                let mut row = vec![text(o, &["metadata", "name"]).into()];
                row.extend(columns.iter().map(|c| custom_cell(o, c, now)));
                row
            };
            (definitions, Box::new(cells))
        }
        None => {
            let columns = columns(resource);
            let definitions = columns.iter().map(|c| define(c.name, c.ty, c.format, c.priority)).collect();
            (definitions, Box::new(move |o: &Value| columns.iter().map(|c| (c.cell)(o, now)).collect()))
        }
    };
    let rows: Vec<Value> = objects
        .iter()
        .map(|o| {
            let object = match include {
                "None" => Value::Null,
                "Object" => (*o).clone(),
                _ => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": o.get("metadata")}),
            };
            let mut row = Map::new();
            row.insert("cells".into(), cells(o).into());
            if !object.is_null() {
                row.insert("object".into(), object);
            }
            Value::Object(row)
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
}

fn define(name: &str, ty: &str, format: &str, priority: i32) -> Value {
    json!({"name": name, "type": ty, "format": format, "description": "", "priority": priority})
}

/// The short text of a time that has gone by: `5s`, `3m20s`, `2h`, `4d`.
fn age(object: &Value, path: &[&str], now: Timestamp) -> Value {
    match at(object, path).and_then(Value::as_str).and_then(|t| t.parse::<Timestamp>().ok()) {
        Some(then) => human(now.as_second() - then.as_second()).into(),
        None => "<unknown>".into(),
    }
}

/// As `duration.HumanDuration` of apimachinery.
fn human(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{small_unit}") }
    };
    match seconds {
        s if s < -1 => "<invalid>".into(),
        s if s < 0 => "0s".into(),
        s if s < 120 => format!("{s}s"),
        s if minutes < 10 => pair(minutes, "m", s % 60, "s"),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => pair(days, "d", hours % 24, "h"),
        _ if days < 365 * 2 => format!("{days}d"),
        _ if days < 365 * 8 => pair(days / 365, "y", days % 365, "d"),
        _ => format!("{}y", days / 365),
    }
}

fn number(object: &Value, path: &[&str]) -> Value {
    int(object, path).unwrap_or(0).into()
}

fn or_none(text: String) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A cell of a custom column: a JSON path of plain fields.
fn custom_cell(object: &Value, column: &Value, now: Timestamp) -> Value {
    let found = json_path(object, text(column, &["jsonPath"]));
    let ty = text(column, &["type"]);
    match found.as_slice() {
        [] => Value::Null,
        [one] if ty == "date" => match one.as_str().and_then(|t| t.parse::<Timestamp>().ok()) {
            Some(then) => human(now.as_second() - then.as_second()).into(),
            None => "<invalid>".into(),
        },
        [one] if ty == "integer" && one.is_i64() => (*one).clone(),
        [one] if ty == "number" || ty == "boolean" => (*one).clone(),
        [one] => plain(one).into(),
        many => Value::String(many.iter().map(|v| plain(v)).collect::<Vec<_>>().join(",")),
    }
}

/// The values at a simple JSON path: `.a.b`, `[0]`, `[*]` and `[?(@.type=="Ready")]`.
pub(crate) fn json_path<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut here = vec![object];
    let mut rest = path.trim().trim_start_matches('$');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']').unwrap_or(inside.len());
            let (index, tail) = inside.split_at(end);
            rest = tail.strip_prefix(']').unwrap_or_default();
            let index = index.trim();
            here = if index == "*" {
                here.into_iter().flat_map(|v| v.as_array().map_or(&[][..], Vec::as_slice)).collect()
            } else if let Some(test) = index.strip_prefix("?(@.").and_then(|t| t.strip_suffix(')')) {
                let (key, want) = test.split_once("==").unwrap_or((test, ""));
                let want = want.trim().trim_matches(['"', '\'']);
                let keys: Vec<&str> = key.trim().split('.').collect();
                here.into_iter()
                    .flat_map(|v| v.as_array().map_or(&[][..], Vec::as_slice))
                    .filter(|v| at(v, &keys).is_some_and(|v| plain(v) == want))
                    .collect()
            } else if let Ok(n) = index.parse::<usize>() {
                here.into_iter().filter_map(|v| v.get(n)).collect()
            } else {
                let key = index.trim_matches(['"', '\'']);
                here.into_iter().filter_map(|v| v.get(key)).collect()
            };
            continue;
        }
        let tail = rest.strip_prefix('.').unwrap_or(rest);
        let mut end = tail.len();
        let mut key = String::new();
        let mut escaped = false;
        for (i, c) in tail.char_indices() {
            match c {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '.' | '[' if !escaped => {
                    end = i;
                    break;
                }
                c => key.push(c),
            }
            escaped = false;
        }
        rest = tail.get(end..).unwrap_or_default();
        if !key.is_empty() {
            here = here.into_iter().filter_map(|v| v.get(&key)).collect();
        }
    }
    here.retain(|v| !v.is_null());
    here
}

fn ready_pods(object: &Value, have: &[&str], want: &[&str]) -> Value {
    format!("{}/{}", int(object, have).unwrap_or(0), int(object, want).unwrap_or(0)).into()
}

fn pod_status(object: &Value) -> String {
    if at(object, &["metadata", "deletionTimestamp"]).is_some() {
        return "Terminating".into();
    }
    for status in list(object, &["status", "containerStatuses"]) {
        for state in ["waiting", "terminated"] {
            let reason = text(status, &["state", state, "reason"]);
            if !reason.is_empty() {
                return reason.into();
            }
        }
    }
    text(object, &["status", "phase"]).into()
}

fn pod_ready(object: &Value) -> Value {
    let statuses = list(object, &["status", "containerStatuses"]);
    let ready = statuses.iter().filter(|s| s.get("ready") == Some(&Value::Bool(true))).count();
    format!("{ready}/{}", list(object, &["spec", "containers"]).len()).into()
}

fn images(object: &Value, path: &[&str]) -> Value {
    let names: Vec<&str> = list(object, path).iter().map(|c| text(c, &["image"])).collect();
    names.join(",").into()
}

fn service_ports(object: &Value) -> Value {
    let ports: Vec<String> = list(object, &["spec", "ports"])
        .iter()
        .map(|p| {
            let (port, protocol) = (int(p, &["port"]).unwrap_or(0), text(p, &["protocol"]));
            match int(p, &["nodePort"]).filter(|n| *n > 0) {
                Some(node) => format!("{port}:{node}/{protocol}"),
                None => format!("{port}/{protocol}"),
            }
        })
        .collect();
    or_none(ports.join(","))
}

fn balancer(object: &Value) -> String {
    let names: Vec<&str> = list(object, &["status", "loadBalancer", "ingress"])
        .iter()
        .map(|i| if text(i, &["ip"]).is_empty() { text(i, &["hostname"]) } else { text(i, &["ip"]) })
        .collect();
    names.join(",")
}

fn external(object: &Value) -> Value {
    let own: Vec<&str> = list(object, &["spec", "externalIPs"]).iter().filter_map(Value::as_str).collect();
    match text(object, &["spec", "type"]) {
        "ExternalName" => text(object, &["spec", "externalName"]).into(),
        "LoadBalancer" => match balancer(object) {
            none if none.is_empty() && own.is_empty() => "<pending>".into(),
            some => some.into(),
        },
        _ => or_none(own.join(",")),
    }
}

fn job_state(object: &Value) -> &'static str {
    let has = |kind: &str| {
        list(object, &["status", "conditions"])
            .iter()
            .any(|c| text(c, &["type"]) == kind && text(c, &["status"]) == "True")
    };
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if at(object, &["metadata", "deletionTimestamp"]).is_some() => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn count(object: &Value, path: &[&str]) -> Value {
    match at(object, path) {
        Some(Value::Object(map)) => map.len().into(),
        Some(Value::Array(items)) => items.len().into(),
        _ => 0.into(),
    }
}

fn wide(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { priority: 1, ..column(name, cell) }
}

fn columns(resource: &Resource) -> Vec<Column> {
    const TEMPLATE: &[&str] = &["spec", "template", "spec", "containers"];
    match (resource.group.as_str(), resource.plural.as_str()) {
        ("", "pods") => vec![
            NAME,
            column("Ready", |o, _| pod_ready(o)),
            column("Status", |o, _| pod_status(o).into()),
            column("Restarts", |o, _| {
                let sum: i64 =
                    list(o, &["status", "containerStatuses"]).iter().filter_map(|s| int(s, &["restartCount"])).sum();
                sum.to_string().into()
            }),
            AGE,
            wide("IP", |o, _| or_none(text(o, &["status", "podIP"]).into())),
            wide("Node", |o, _| or_none(text(o, &["spec", "nodeName"]).into())),
        ],
        ("apps", "deployments") => vec![
            NAME,
            column("Ready", |o, _| ready_pods(o, &["status", "readyReplicas"], &["spec", "replicas"])),
            column("Up-to-date", |o, _| number(o, &["status", "updatedReplicas"])),
            column("Available", |o, _| number(o, &["status", "availableReplicas"])),
            AGE,
            wide("Images", |o, _| images(o, TEMPLATE)),
        ],
        ("apps", "replicasets") | ("", "replicationcontrollers") => vec![
            NAME,
            column("Desired", |o, _| number(o, &["spec", "replicas"])),
            column("Current", |o, _| number(o, &["status", "replicas"])),
            column("Ready", |o, _| number(o, &["status", "readyReplicas"])),
            AGE,
            wide("Images", |o, _| images(o, TEMPLATE)),
        ],
        ("apps", "statefulsets") => {
            vec![NAME, column("Ready", |o, _| ready_pods(o, &["status", "readyReplicas"], &["spec", "replicas"])), AGE]
        }
        ("apps", "daemonsets") => vec![
            NAME,
            column("Desired", |o, _| number(o, &["status", "desiredNumberScheduled"])),
            column("Current", |o, _| number(o, &["status", "currentNumberScheduled"])),
            column("Ready", |o, _| number(o, &["status", "numberReady"])),
            column("Up-to-date", |o, _| number(o, &["status", "updatedNumberScheduled"])),
            column("Available", |o, _| number(o, &["status", "numberAvailable"])),
            AGE,
        ],
        ("batch", "jobs") => vec![
            NAME,
            column("Status", |o, _| job_state(o).into()),
            column("Completions", |o, _| ready_pods(o, &["status", "succeeded"], &["spec", "completions"])),
            column("Duration", |o, now| {
                let time = |key: &str| text(o, &["status", key]).parse::<Timestamp>().ok();
                match (time("startTime"), time("completionTime")) {
                    (Some(a), Some(b)) => human(b.as_second() - a.as_second()).into(),
                    (Some(a), None) => human(now.as_second() - a.as_second()).into(),
                    _ => "".into(),
                }
            }),
            AGE,
        ],
        ("batch", "cronjobs") => vec![
            NAME,
            column("Schedule", |o, _| text(o, &["spec", "schedule"]).into()),
            column("Timezone", |o, _| or_none(text(o, &["spec", "timeZone"]).into())),
            column("Suspend", |o, _| {
                if at(o, &["spec", "suspend"]) == Some(&Value::Bool(true)) { "True" } else { "False" }.into()
            }),
            column("Active", |o, _| count(o, &["status", "active"])),
            column("Last Schedule", |o, now| match at(o, &["status", "lastScheduleTime"]) {
                Some(_) => age(o, &["status", "lastScheduleTime"], now),
                None => "<none>".into(),
            }),
            AGE,
        ],
        ("", "services") => vec![
            NAME,
            column("Type", |o, _| text(o, &["spec", "type"]).into()),
            column("Cluster-IP", |o, _| or_none(text(o, &["spec", "clusterIP"]).into())),
            column("External-IP", |o, _| external(o)),
            column("Port(s)", |o, _| service_ports(o)),
            AGE,
            wide("Selector", |o, _| {
                at(o, &["spec", "selector"]).map_or("<none>".into(), |s| crate::kinds::convert::selector_text(s).into())
            }),
        ],
        ("networking.k8s.io", "ingresses") => vec![
            NAME,
            column("Class", |o, _| or_none(text(o, &["spec", "ingressClassName"]).into())),
            column("Hosts", |o, _| {
                let hosts: Vec<&str> =
                    list(o, &["spec", "rules"]).iter().map(|r| text(r, &["host"])).filter(|h| !h.is_empty()).collect();
                if hosts.is_empty() { "*".into() } else { hosts.join(",").into() }
            }),
            column("Address", |o, _| balancer(o).into()),
            column("Ports", |o, _| if list(o, &["spec", "tls"]).is_empty() { "80" } else { "80, 443" }.into()),
            AGE,
        ],
        ("", "configmaps") => vec![
            NAME,
            column("Data", |o, _| {
                let sum = ["data", "binaryData"].iter().filter_map(|k| count(o, &[k]).as_u64()).sum::<u64>();
                sum.into()
            }),
            AGE,
        ],
        ("", "secrets") => {
            vec![
                NAME,
                column("Type", |o, _| text(o, &["type"]).into()),
                column("Data", |o, _| count(o, &["data"])),
                AGE,
            ]
        }
        ("", "serviceaccounts") => vec![NAME, column("Secrets", |o, _| count(o, &["secrets"])), AGE],
        ("", "namespaces") | ("", "nodes") => vec![
            NAME,
            column("Status", |o, _| {
                let node = list(o, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == "Ready");
                match node {
                    Some(c) if text(c, &["status"]) == "True" => "Ready".into(),
                    _ => text(o, &["status", "phase"]).into(),
                }
            }),
            AGE,
        ],
        ("", "persistentvolumeclaims") => vec![
            NAME,
            column("Status", |o, _| text(o, &["status", "phase"]).into()),
            column("Volume", |o, _| text(o, &["spec", "volumeName"]).into()),
            column("Capacity", |o, _| text(o, &["status", "capacity", "storage"]).into()),
            column("Access Modes", |o, _| modes(o, &["status", "accessModes"])),
            column("StorageClass", |o, _| text(o, &["spec", "storageClassName"]).into()),
            AGE,
        ],
        ("", "persistentvolumes") => vec![
            NAME,
            column("Capacity", |o, _| text(o, &["spec", "capacity", "storage"]).into()),
            column("Access Modes", |o, _| modes(o, &["spec", "accessModes"])),
            column("Reclaim Policy", |o, _| text(o, &["spec", "persistentVolumeReclaimPolicy"]).into()),
            column("Status", |o, _| text(o, &["status", "phase"]).into()),
            column("Claim", |o, _| match text(o, &["spec", "claimRef", "name"]) {
                "" => "".into(),
                name => format!("{}/{name}", text(o, &["spec", "claimRef", "namespace"])).into(),
            }),
            AGE,
        ],
        ("autoscaling", _) => vec![
            NAME,
            column("Reference", |o, _| {
                format!(
                    "{}/{}",
                    text(o, &["spec", "scaleTargetRef", "kind"]),
                    text(o, &["spec", "scaleTargetRef", "name"])
                )
                .into()
            }),
            column("MinPods", |o, _| number(o, &["spec", "minReplicas"])),
            column("MaxPods", |o, _| number(o, &["spec", "maxReplicas"])),
            column("Replicas", |o, _| number(o, &["status", "currentReplicas"])),
            AGE,
        ],
        ("policy", "poddisruptionbudgets") => vec![
            NAME,
            column("Min Available", |o, _| at(o, &["spec", "minAvailable"]).map_or("N/A".into(), |v| plain(v).into())),
            column("Max Unavailable", |o, _| {
                at(o, &["spec", "maxUnavailable"]).map_or("N/A".into(), |v| plain(v).into())
            }),
            column("Allowed Disruptions", |o, _| number(o, &["status", "disruptionsAllowed"])),
            AGE,
        ],
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            vec![NAME, column("Created At", |o, _| text(o, &["metadata", "creationTimestamp"]).into())]
        }
        ("rbac.authorization.k8s.io", "roles" | "clusterroles") => {
            vec![NAME, column("Created At", |o, _| text(o, &["metadata", "creationTimestamp"]).into())]
        }
        ("rbac.authorization.k8s.io", _) => vec![
            NAME,
            column("Role", |o, _| {
                format!("{}/{}", text(o, &["roleRef", "kind"]), text(o, &["roleRef", "name"])).into()
            }),
            AGE,
        ],
        ("", "events") => vec![
            column("Last Seen", |o, now| age(o, &["metadata", "creationTimestamp"], now)),
            column("Type", |o, _| text(o, &["type"]).into()),
            column("Reason", |o, _| text(o, &["reason"]).into()),
            column("Object", |o, _| {
                format!(
                    "{}/{}",
                    text(o, &["involvedObject", "kind"]).to_lowercase(),
                    text(o, &["involvedObject", "name"])
                )
                .into()
            }),
            column("Message", |o, _| text(o, &["message"]).into()),
        ],
        _ => vec![NAME, AGE],
    }
}

fn modes(object: &Value, path: &[&str]) -> Value {
    let short = |mode: &str| match mode {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => "",
    };
    let names: Vec<&str> = list(object, path).iter().filter_map(Value::as_str).map(short).collect();
    names.join(",").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        for (seconds, want) in [
            (5, "5s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (700, "11m"),
            (3 * 3600, "3h"),
            (3 * 3600 + 120, "3h2m"),
            (40 * 3600, "40h"),
            (50 * 3600, "2d2h"),
            (9 * 86_400, "9d"),
        ] {
            assert_eq!(human(seconds), want);
        }
    }

    #[test]
    fn paths_find_values() {
        let object =
            json!({"a": {"b.c": 1}, "s": [{"type": "Ready", "status": "True"}, {"type": "X", "status": "False"}]});
        assert_eq!(json_path(&object, ".a.b\\.c"), [&json!(1)]);
        assert_eq!(json_path(&object, ".s[?(@.type==\"Ready\")].status"), [&json!("True")]);
        assert_eq!(json_path(&object, ".s[*].status").len(), 2);
        assert_eq!(json_path(&object, ".s[1].type"), [&json!("X")]);
    }
}
