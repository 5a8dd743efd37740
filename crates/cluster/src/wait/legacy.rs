//! Whether an object is ready by Helm 3's rules, which Helm 4.3's `legacy` strategy follows (`pkg/kube/ready.go`).

use serde_json::Value;

use super::json::{condition, conditions, int, pod_selector, text};
use super::{Readiness, Status};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::object::{Gvk, ObjectRef};

/// Says how an object stands. Kinds without a rule are ready.
pub(super) async fn status(cluster: &Cluster, live: &Value, jobs: bool) -> Result<Readiness, Error> {
    let ready = match (text(live, "/apiVersion"), text(live, "/kind")) {
        ("v1", "Pod") => pod(live),
        ("batch/v1", "Job") if jobs => job(live),
        ("apps/v1", "Deployment") => deployment(live, new_replica_set(cluster, live).await?.as_ref()),
        ("apps/v1", "ReplicaSet") | ("v1", "ReplicationController") => match observed(live) {
            Some(waiting) => waiting,
            None => pods(cluster, live).await?,
        },
        ("v1", "PersistentVolumeClaim") => claim(live),
        ("v1", "Service") => service(live),
        ("apps/v1", "DaemonSet") => daemon_set(live),
        ("apps/v1", "StatefulSet") => stateful_set(live),
        ("apiextensions.k8s.io/v1" | "apiextensions.k8s.io/v1beta1", "CustomResourceDefinition") => crd(live),
        _ => Readiness::current("Resource is ready"),
    };
    Ok(ready)
}

/// Waits until the controller has seen the newest spec.
fn observed(live: &Value) -> Option<Readiness> {
    let generation = int(live, "/metadata/generation").unwrap_or(0);
    let observed = int(live, "/status/observedGeneration").unwrap_or(0);
    (generation != observed).then(|| {
        Readiness::in_progress(format!("generation is {generation}, but latest observed generation is {observed}"))
    })
}

fn pod(live: &Value) -> Readiness {
    match condition(live, "Ready", "True") {
        Some(_) => Readiness::current("Pod is Ready"),
        None => Readiness::in_progress("Pod is not ready"),
    }
}

async fn pods(cluster: &Cluster, live: &Value) -> Result<Readiness, Error> {
    let Some(selector) = pod_selector(live) else { return Ok(Readiness::current("Resource is ready")) };
    let like = ObjectRef {
        gvk: Gvk::new("v1", "Pod"),
        namespace: text(live, "/metadata/namespace").to_owned(),
        name: String::new(),
    };
    let pods = cluster.list(&like, &selector, "").await?;
    let waiting = pods.iter().filter(|live| pod(live).status != Status::Current).count();
    Ok(match waiting {
        0 => Readiness::current("Pods are ready"),
        _ => Readiness::in_progress(format!("{waiting} of {} pods are not ready", pods.len())),
    })
}

fn job(live: &Value) -> Readiness {
    let succeeded = int(live, "/status/succeeded").unwrap_or(0);
    let failed = int(live, "/status/failed").unwrap_or(0);
    if failed > int(live, "/spec/backoffLimit").unwrap_or(6) {
        let name = format!("{}/{}", text(live, "/metadata/namespace"), text(live, "/metadata/name"));
        return Readiness::failed(format!("job is failed: {name}")).terminal();
    }
    match int(live, "/spec/completions") {
        Some(completions) if succeeded < completions => {
            Readiness::in_progress(format!("Job is not completed. succeeded: {succeeded}/{completions}"))
        }
        _ => Readiness::current("Job is completed"),
    }
}

fn claim(live: &Value) -> Readiness {
    match text(live, "/status/phase") {
        "Bound" => Readiness::current("PersistentVolumeClaim is bound"),
        _ => Readiness::in_progress("PersistentVolumeClaim is not bound"),
    }
}

fn service(live: &Value) -> Readiness {
    let kind = text(live, "/spec/type");
    if kind == "ExternalName" {
        return Readiness::current("Service is ready");
    }
    if text(live, "/spec/clusterIP").is_empty() {
        return Readiness::in_progress("Service does not have cluster IP address");
    }
    let has = |pointer: &str| live.pointer(pointer).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if kind == "LoadBalancer" && !has("/spec/externalIPs") && !has("/status/loadBalancer/ingress") {
        return Readiness::in_progress("Service does not have load balancer ingress IP address");
    }
    Readiness::current("Service is ready")
}

/// The ReplicaSet that a deployment rolls out to: its own, with its template.
async fn new_replica_set(cluster: &Cluster, live: &Value) -> Result<Option<Value>, Error> {
    if live.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Ok(None);
    }
    let like = ObjectRef {
        gvk: Gvk::new("apps/v1", "ReplicaSet"),
        namespace: text(live, "/metadata/namespace").to_owned(),
        name: String::new(),
    };
    let mut sets = cluster.list(&like, &pod_selector(live).unwrap_or_default(), "").await?;
    sets.sort_by_key(|set| {
        (text(set, "/metadata/creationTimestamp").to_owned(), text(set, "/metadata/name").to_owned())
    });
    let uid = text(live, "/metadata/uid");
    let owned = |set: &Value| {
        let mut owners = set.pointer("/metadata/ownerReferences").and_then(Value::as_array).into_iter().flatten();
        owners.any(|owner| text(owner, "/uid") == uid && owner.get("controller").and_then(Value::as_bool) == Some(true))
    };
    let wanted = template(live);
    Ok(sets.into_iter().find(|set| owned(set) && template(set) == wanted))
}

/// The pod template without the label that tells revisions apart.
fn template(live: &Value) -> Option<Value> {
    let mut template = live.pointer("/spec/template")?.clone();
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove("pod-template-hash");
    }
    Some(template)
}

fn deployment(live: &Value, replica_set: Option<&Value>) -> Readiness {
    if live.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
        return Readiness::current("Deployment is paused");
    }
    let Some(replica_set) = replica_set else { return Readiness::in_progress("ReplicaSet is not there yet") };
    if let Some(waiting) = observed(replica_set).or_else(|| observed(live)) {
        return waiting;
    }
    let replicas = int(live, "/spec/replicas").unwrap_or(1);
    let want = replicas - max_unavailable(live, replicas);
    let ready = int(replica_set, "/status/readyReplicas").unwrap_or(0);
    if ready < want {
        return Readiness::in_progress(format!("Deployment does not have enough pods ready: {ready}/{want}"));
    }
    Readiness::current("Deployment is ready")
}

/// How many pods a rolling update may lack.
fn max_unavailable(live: &Value, replicas: i64) -> i64 {
    if text(live, "/spec/strategy/type") != "RollingUpdate" || replicas == 0 {
        return 0;
    }
    let part = |name: &str, up: bool| {
        live.pointer(&format!("/spec/strategy/rollingUpdate/{name}")).and_then(|value| scaled(value, replicas, up))
    };
    let unavailable = part("maxUnavailable", false).unwrap_or(0);
    let both_zero = unavailable == 0 && part("maxSurge", true).unwrap_or(0) == 0;
    if both_zero { 1 } else { unavailable.min(replicas) }
}

/// A number, or a percentage of `total`; `None` when it is neither.
fn scaled(value: &Value, total: i64, up: bool) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    let product = percent * total;
    Some(if up { (product + 99).div_euclid(100) } else { product.div_euclid(100) })
}

fn daemon_set(live: &Value) -> Readiness {
    if let Some(waiting) = observed(live) {
        return waiting;
    }
    if text(live, "/spec/updateStrategy/type") != "RollingUpdate" {
        return Readiness::current("DaemonSet is ready");
    }
    let count = |name: &str| int(live, &format!("/status/{name}")).unwrap_or(0);
    let desired = count("desiredNumberScheduled");
    let updated = count("updatedNumberScheduled");
    if updated != desired {
        return Readiness::in_progress(format!("DaemonSet does not have enough pods scheduled: {updated}/{desired}"));
    }
    let unavailable = live
        .pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable")
        .map_or(Some(0), |value| scaled(value, desired, true))
        .unwrap_or(desired);
    let (ready, want) = (count("numberReady"), desired - unavailable);
    if ready < want {
        return Readiness::in_progress(format!("DaemonSet does not have enough pods ready: {ready}/{want}"));
    }
    Readiness::current("DaemonSet is ready")
}

fn stateful_set(live: &Value) -> Readiness {
    if let Some(waiting) = observed(live) {
        return waiting;
    }
    if text(live, "/spec/updateStrategy/type") != "RollingUpdate" {
        return Readiness::current("StatefulSet is ready");
    }
    let count = |name: &str| int(live, &format!("/status/{name}")).unwrap_or(0);
    let replicas = int(live, "/spec/replicas").unwrap_or(1);
    let partition = int(live, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let (updated, want) = (count("updatedReplicas"), replicas - partition);
    if updated < want {
        return Readiness::in_progress(format!("StatefulSet does not have enough pods scheduled: {updated}/{want}"));
    }
    let ready = count("readyReplicas");
    if ready != replicas {
        return Readiness::in_progress(format!("StatefulSet does not have enough pods ready: {ready}/{replicas}"));
    }
    if partition == 0 && text(live, "/status/currentRevision") != text(live, "/status/updateRevision") {
        return Readiness::in_progress("StatefulSet is not ready: currentRevision does not match updateRevision");
    }
    Readiness::current("StatefulSet is ready")
}

/// A conflict of names also ends the wait: it is not for the wait to judge.
fn crd(live: &Value) -> Readiness {
    let done = conditions(live).any(|condition| {
        matches!(
            (condition.kind.as_str(), condition.status.as_str()),
            ("Established", "True") | ("NamesAccepted", "False")
        )
    });
    if done { Readiness::current("CRD is established") } else { Readiness::in_progress("CRD is not established") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // The rows follow Helm 4.3: `pkg/kube/ready_test.go` names the cases, `ready.go` the answers.
    #[test]
    fn deployments() {
        let deployment_of = |replicas: i64, surge: Value, unavailable: Value| {
            json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1}, "spec": {"replicas": replicas,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}}})
        };
        let set = |ready: i64| json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "readyReplicas": ready}});
        for (replicas, surge, unavailable, ready, want) in [
            (1, json!("25%"), json!("25%"), 0, false),
            (1, json!("25%"), json!("25%"), 1, true),
            (4, json!("25%"), json!("25%"), 2, false),
            (4, json!("25%"), json!("25%"), 3, true),
            (4, json!(0), json!(0), 3, true),
            (2, json!(1), json!(5), 0, true),
            (0, json!(1), json!(1), 0, true),
        ] {
            let live = deployment_of(replicas, surge.clone(), unavailable.clone());
            let is_ready = deployment(&live, Some(&set(ready))).status == Status::Current;
            assert_eq!(is_ready, want, "{replicas} {surge} {unavailable} {ready}");
        }
        let live = deployment_of(1, json!(1), json!(0));
        assert_eq!(deployment(&live, None).status, Status::InProgress);
        let mut late = live.clone();
        late["metadata"]["generation"] = 2.into();
        assert_eq!(deployment(&late, Some(&set(1))).status, Status::InProgress);
        let mut paused = live;
        paused["spec"]["paused"] = true.into();
        assert_eq!(deployment(&paused, None).status, Status::Current);
    }

    #[test]
    fn sets() {
        let of = |strategy: Value, replicas: i64, status: Value| json!({"spec": {"replicas": replicas, "updateStrategy": strategy}, "status": status});
        let rolling = |partition: i64| json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
        for (strategy, replicas, status, want) in [
            (rolling(0), 1, json!({"updatedReplicas": 1, "readyReplicas": 1}), true),
            (rolling(0), 2, json!({"updatedReplicas": 2, "readyReplicas": 1}), false),
            (rolling(0), 2, json!({"updatedReplicas": 1, "readyReplicas": 2}), false),
            (rolling(1), 2, json!({"updatedReplicas": 1, "readyReplicas": 2}), true),
            (
                rolling(0),
                1,
                json!({"updatedReplicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
                false,
            ),
            (
                rolling(1),
                2,
                json!({"updatedReplicas": 1, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "b"}),
                true,
            ),
            (json!({"type": "OnDelete"}), 1, json!({}), true),
            (rolling(0), 1, json!({"updatedReplicas": 1, "readyReplicas": 1, "observedGeneration": 3}), false),
        ] {
            let live = of(strategy, replicas, status);
            assert_eq!(stateful_set(&live).status == Status::Current, want, "{live}");
        }
        let rolling =
            |unavailable: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable}});
        let counts = |desired: i64, updated: i64, ready: i64| json!({"desiredNumberScheduled": desired, "updatedNumberScheduled": updated, "numberReady": ready});
        for (strategy, status, want) in [
            (rolling(json!(0)), counts(1, 1, 1), true),
            (rolling(json!(1)), counts(1, 1, 0), true),
            (rolling(json!("25%")), counts(5, 5, 3), true),
            (rolling(json!("25%")), counts(5, 5, 2), false),
            (rolling(json!(0)), counts(1, 0, 1), false),
            (json!({"type": "OnDelete"}), counts(1, 0, 0), true),
        ] {
            let live = of(strategy, 0, status);
            assert_eq!(daemon_set(&live).status == Status::Current, want, "{live}");
        }
    }

    #[test]
    fn other_kinds() {
        let service_of =
            |spec: Value, status: Value| service(&json!({"spec": spec, "status": status})).status == Status::Current;
        assert!(service_of(json!({"type": "ExternalName"}), json!({})));
        assert!(service_of(json!({"type": "ClusterIP", "clusterIP": "None"}), json!({})));
        assert!(!service_of(json!({"type": "ClusterIP"}), json!({})));
        assert!(!service_of(json!({"type": "LoadBalancer", "clusterIP": "1"}), json!({})));
        assert!(service_of(json!({"type": "LoadBalancer", "clusterIP": "1", "externalIPs": ["2"]}), json!({})));
        assert!(service_of(
            json!({"type": "LoadBalancer", "clusterIP": "1"}),
            json!({"loadBalancer": {"ingress": [{"ip": "3"}]}})
        ));
        let job_of = |spec: Value, status: Value| {
            job(&json!({"metadata": {"name": "j", "namespace": "web"}, "spec": spec, "status": status})).status
        };
        assert_eq!(job_of(json!({"backoffLimit": 1, "completions": 1}), json!({"succeeded": 1})), Status::Current);
        assert_eq!(job_of(json!({"backoffLimit": 1, "completions": 1}), json!({"failed": 1})), Status::InProgress);
        assert_eq!(job_of(json!({"backoffLimit": 1}), json!({"failed": 2})), Status::Failed);
        assert_eq!(job_of(json!({"backoffLimit": 1}), json!({})), Status::Current);
        let crd_of = |kind: &str, status: &str| {
            crd(&json!({"status": {"conditions": [{"type": kind, "status": status}]}})).status
        };
        assert_eq!(crd_of("Established", "True"), Status::Current);
        assert_eq!(crd_of("NamesAccepted", "False"), Status::Current);
        assert_eq!(crd_of("Established", "False"), Status::InProgress);
    }
}
