//! Whether an object is as it should be, by the rules of kstatus (cli-utils `pkg/kstatus/status`), which Helm 4.3's
//! `watcher` follows.

use serde_json::Value;

use super::json::{condition, conditions, int, text};
use super::{Readiness, Status};

/// The reason of a pod that no node takes yet; it counts as failed when it stays so.
pub(super) const UNSCHEDULABLE: &str = "Pod has not been scheduled";

/// Says how an object stands.
pub fn status(object: &Value) -> Readiness {
    if let Some(readiness) = generic(object) {
        return readiness;
    }
    let group = text(object, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    match (group, text(object, "/kind")) {
        ("", "Service") => service(object),
        ("", "Pod") => pod(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "Secret" | "ConfigMap") | ("batch", "CronJob") => Readiness::current("Resource is always ready"),
        ("policy", "PodDisruptionBudget") => Readiness::current("AllowedDisruptions has been computed."),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps" | "extensions", "DaemonSet") => daemon_set(object),
        ("apps" | "extensions", "Deployment") => deployment(object),
        ("apps" | "extensions", "ReplicaSet") => replica_set(object),
        ("batch", "Job") => job(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd(object),
        _ => by_ready_condition(object),
    }
}

/// What holds for every kind.
fn generic(object: &Value) -> Option<Readiness> {
    if !text(object, "/metadata/deletionTimestamp").is_empty() {
        return Some(Readiness::new(Status::Terminating, "Resource scheduled for deletion"));
    }
    if let (Some(generation), Some(observed)) =
        (int(object, "/metadata/generation"), int(object, "/status/observedGeneration"))
        && generation != observed
    {
        return Some(Readiness::in_progress(format!(
            "{} generation is {generation}, but latest observed generation is {observed}",
            text(object, "/kind")
        )));
    }
    conditions(object).filter(|condition| condition.status == "True").find_map(|condition| {
        match condition.kind.as_str() {
            "Reconciling" => Some(Readiness::in_progress(condition.message)),
            "Stalled" => Some(Readiness::failed(condition.message)),
            _ => None,
        }
    })
}

fn by_ready_condition(object: &Value) -> Readiness {
    conditions(object)
        .filter(|condition| condition.kind == "Ready")
        .find_map(|condition| match condition.status.as_str() {
            "True" => Some(Readiness::current("Resource is Ready")),
            "False" | "Unknown" => Some(Readiness::in_progress(condition.message)),
            _ => None,
        })
        .unwrap_or_else(|| Readiness::current("Resource is current"))
}

/// A list of "at least as many" tests: the first that fails tells why.
struct Counts<'c>(&'c [(&'c str, i64, i64)]);

impl Counts<'_> {
    fn unmet(&self) -> Option<Readiness> {
        let unmet = self.0.iter().find(|(_, have, want)| have < want)?;
        Some(Readiness::in_progress(format!("{}: {}/{}", unmet.0, unmet.1, unmet.2)))
    }
}

fn too_many(have: i64, want: i64) -> Option<Readiness> {
    (have > want).then(|| Readiness::in_progress(format!("Pending termination: {}", have - want)))
}

fn stateful_set(object: &Value) -> Readiness {
    if text(object, "/spec/updateStrategy/type") == "OnDelete" {
        return Readiness::current("StatefulSet is using the ondelete update strategy");
    }
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    let want = int(object, "/spec/replicas").unwrap_or(1);
    let replicas = count("replicas");
    let short = Counts(&[("Replicas", replicas, want), ("Ready", count("readyReplicas"), want)]);
    if let Some(readiness) = short.unmet().or_else(|| too_many(replicas, want)) {
        return readiness;
    }
    let updated = count("updatedReplicas");
    match int(object, "/spec/updateStrategy/rollingUpdate/partition") {
        Some(partition) if partition != -1 => {
            return Counts(&[("updated", updated, want - partition)])
                .unmet()
                .unwrap_or_else(|| Readiness::current(format!("Partition rollout complete. updated: {updated}")));
        }
        _ => {}
    }
    if let Some(readiness) = Counts(&[("current", count("currentReplicas"), want)]).unmet() {
        return readiness;
    }
    if text(object, "/status/currentRevision") != text(object, "/status/updateRevision") {
        return Readiness::in_progress("Waiting for updated revision to match current");
    }
    Readiness::current(format!("All replicas scheduled as expected. Replicas: {replicas}"))
}

fn deployment(object: &Value) -> Readiness {
    let no_deadline = i64::from(i32::MAX);
    let mut progressing = int(object, "/spec/progressDeadlineSeconds").unwrap_or(no_deadline) == no_deadline;
    for condition in conditions(object).filter(|condition| condition.kind == "Progressing") {
        if condition.reason == "ProgressDeadlineExceeded" {
            return Readiness::failed("Progress deadline exceeded");
        }
        progressing |= condition.status == "True" && condition.reason == "NewReplicaSetAvailable";
    }
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    let want = int(object, "/spec/replicas").unwrap_or(1);
    let (replicas, updated) = (count("replicas"), count("updatedReplicas"));
    Counts(&[("Replicas", replicas, want), ("Updated", updated, want)])
        .unmet()
        .or_else(|| too_many(replicas, want))
        .or_else(|| Counts(&[("Available", count("availableReplicas"), updated)]).unmet())
        .or_else(|| Counts(&[("Ready", count("readyReplicas"), want)]).unmet())
        .or_else(|| (!progressing).then(|| Readiness::in_progress("ReplicaSet not Available")))
        .or_else(|| {
            condition(object, "Available", "True").is_none().then(|| Readiness::in_progress("Deployment not Available"))
        })
        .unwrap_or_else(|| Readiness::current(format!("Deployment is available. Replicas: {replicas}")))
}

fn replica_set(object: &Value) -> Readiness {
    if condition(object, "ReplicaFailure", "True").is_some() {
        return Readiness::in_progress("Replica Failure condition. Check Pods");
    }
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    let want = int(object, "/spec/replicas").unwrap_or(1);
    let replicas = count("replicas");
    Counts(&[
        ("Labelled", count("fullyLabeledReplicas"), want),
        ("Available", count("availableReplicas"), want),
        ("Ready", count("readyReplicas"), want),
    ])
    .unmet()
    .or_else(|| too_many(replicas, want))
    .unwrap_or_else(|| Readiness::current(format!("ReplicaSet is available. Replicas: {replicas}")))
}

fn daemon_set(object: &Value) -> Readiness {
    for (pointer, field) in
        [("/metadata/generation", "metadata.generation"), ("/status/observedGeneration", "status.observedGeneration")]
    {
        if int(object, pointer).is_none() {
            return Readiness::in_progress(format!("{} {field} not found", text(object, "/kind")));
        }
    }
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    let Some(want) = int(object, "/status/desiredNumberScheduled") else {
        return Readiness::in_progress("Missing .status.desiredNumberScheduled");
    };
    Counts(&[
        ("Current", count("currentNumberScheduled"), want),
        ("Updated", count("updatedNumberScheduled"), want),
        ("Available", count("numberAvailable"), want),
        ("Ready", count("numberReady"), want),
    ])
    .unmet()
    .unwrap_or_else(|| Readiness::current(format!("All replicas scheduled as expected. Replicas: {want}")))
}

fn claim(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Bound" => Readiness::current("PVC is Bound"),
        "" => Readiness::in_progress("PVC is not Bound. phase: unknown"),
        phase => Readiness::in_progress(format!("PVC is not Bound. phase: {phase}")),
    }
}

fn pod(object: &Value) -> Readiness {
    match text(object, "/status/phase") {
        "Succeeded" => Readiness::current("Pod has completed successfully"),
        "Failed" => Readiness::current("Pod has completed, but not successfully"),
        "Running" => {
            if condition(object, "Ready", "True").is_some() {
                return Readiness::current("Pod is Ready");
            }
            let looping = crash_looping(object);
            if looping.is_empty() {
                Readiness::in_progress("Pod is running but is not Ready")
            } else {
                Readiness::failed(format!("Containers in CrashLoop state: {}", looping.join(",")))
            }
        }
        "Pending" if is_unschedulable(object) => Readiness::in_progress(UNSCHEDULABLE),
        "Pending" => Readiness::in_progress("Pod is in the Pending phase"),
        "" => Readiness::in_progress("Pod phase not available"),
        phase => Readiness::new(Status::Unknown, format!("unknown phase {phase}")),
    }
}

/// Tells whether no node takes a pod.
pub(super) fn is_unschedulable(pod: &Value) -> bool {
    condition(pod, "PodScheduled", "False").is_some_and(|condition| condition.reason == "Unschedulable")
}

fn crash_looping(pod: &Value) -> Vec<&str> {
    let containers = pod.pointer("/status/containerStatuses").and_then(Value::as_array).into_iter().flatten();
    containers
        .filter(|container| text(container, "/state/waiting/reason") == "CrashLoopBackOff")
        .map(|container| text(container, "/name"))
        .collect()
}

fn job(object: &Value) -> Readiness {
    if let Some(readiness) = job_end(object) {
        return readiness;
    }
    if text(object, "/status/startTime").is_empty() {
        return Readiness::in_progress("Job not started");
    }
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    Readiness::current(format!(
        "Job in progress. success:{}, active: {}, failed: {}",
        count("succeeded"),
        count("active"),
        count("failed")
    ))
}

/// How a job ended, if it has.
pub(super) fn job_end(object: &Value) -> Option<Readiness> {
    let completions = int(object, "/spec/completions").or_else(|| int(object, "/spec/parallelism")).unwrap_or(1);
    let count = |name: &str| int(object, &format!("/status/{name}")).unwrap_or(0);
    conditions(object).filter(|condition| condition.status == "True").find_map(|condition| {
        match condition.kind.as_str() {
            "Complete" => {
                Some(Readiness::current(format!("Job Completed. succeeded: {}/{completions}", count("succeeded"))))
            }
            "Failed" => {
                Some(Readiness::failed(format!("Job Failed. failed: {}/{completions}", count("failed"))).terminal())
            }
            _ => None,
        }
    })
}

fn service(object: &Value) -> Readiness {
    if text(object, "/spec/type") == "LoadBalancer" && text(object, "/spec/clusterIP").is_empty() {
        return Readiness::in_progress("ClusterIP not set. Service type: LoadBalancer");
    }
    Readiness::current("Service is ready")
}

fn crd(object: &Value) -> Readiness {
    for condition in conditions(object) {
        match (condition.kind.as_str(), condition.status.as_str()) {
            ("NamesAccepted", "False") => return Readiness::failed(condition.message),
            ("Established", "False") if condition.reason != "Installing" => {
                return Readiness::failed(condition.message);
            }
            ("Established", "True") => return Readiness::current("CRD is established"),
            _ => {}
        }
    }
    Readiness::in_progress("Install in progress")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(object: Value, want: Status, message: &str) {
        let readiness = status(&object);
        assert_eq!((readiness.status, readiness.message.as_str()), (want, message), "{object}");
    }

    // Each row was also put to cli-utils v1.2.2 `status.Compute`.
    #[test]
    fn what_holds_for_all_kinds() {
        use Status::*;
        let shop = |metadata: Value, status: Value| json!({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": metadata, "status": status});
        let condition =
            |kind: &str, status: &str| json!({"conditions": [{"type": kind, "status": status, "message": "why"}]});
        check(shop(json!({}), json!({})), Current, "Resource is current");
        check(shop(json!({"deletionTimestamp": "now"}), json!({})), Terminating, "Resource scheduled for deletion");
        check(
            shop(json!({"generation": 2}), json!({"observedGeneration": 1})),
            InProgress,
            "Shop generation is 2, but latest observed generation is 1",
        );
        check(shop(json!({"generation": 2}), json!({})), Current, "Resource is current");
        check(shop(json!({}), condition("Reconciling", "True")), InProgress, "why");
        check(shop(json!({}), condition("Reconciling", "False")), Current, "Resource is current");
        check(shop(json!({}), condition("Stalled", "True")), Failed, "why");
        check(shop(json!({}), condition("Ready", "True")), Current, "Resource is Ready");
        check(shop(json!({}), condition("Ready", "False")), InProgress, "why");
        check(shop(json!({}), condition("Ready", "Unknown")), InProgress, "why");
    }

    #[test]
    fn workloads() {
        use Status::*;
        let of = |kind: &str, spec: Value, status: Value| json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"generation": 1}, "spec": spec, "status": status});
        let available = json!([{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]);
        let full = |conditions: Value| json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "readyReplicas": 2, "conditions": conditions});
        let two = json!({"replicas": 2, "progressDeadlineSeconds": 600});
        for (spec, status, want, message) in [
            (json!({}), json!({}), InProgress, "Replicas: 0/1"),
            (two.clone(), json!({"replicas": 2, "updatedReplicas": 1}), InProgress, "Updated: 1/2"),
            (two.clone(), json!({"replicas": 3, "updatedReplicas": 2}), InProgress, "Pending termination: 1"),
            (
                two.clone(),
                json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}),
                InProgress,
                "Available: 1/2",
            ),
            (
                two.clone(),
                json!({"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}),
                InProgress,
                "Ready: 0/2",
            ),
            (two.clone(), full(json!([])), InProgress, "ReplicaSet not Available"),
            (json!({"replicas": 2}), full(json!([])), InProgress, "Deployment not Available"),
            (two.clone(), full(available), Current, "Deployment is available. Replicas: 2"),
            (
                two,
                json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}),
                Failed,
                "Progress deadline exceeded",
            ),
        ] {
            check(of("Deployment", spec, status), want, message);
        }
        for (spec, status, want, message) in [
            (
                json!({"updateStrategy": {"type": "OnDelete"}}),
                json!({}),
                Current,
                "StatefulSet is using the ondelete update strategy",
            ),
            (json!({"replicas": 1}), json!({"replicas": 1}), InProgress, "Ready: 0/1"),
            (
                json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}}),
                json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1}),
                InProgress,
                "updated: 1/2",
            ),
            (
                json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}}),
                json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 2}),
                Current,
                "Partition rollout complete. updated: 2",
            ),
            (json!({}), json!({"replicas": 1, "readyReplicas": 1}), InProgress, "current: 0/1"),
            (
                json!({}),
                json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1, "currentRevision": "a", "updateRevision": "b"}),
                InProgress,
                "Waiting for updated revision to match current",
            ),
            (
                json!({}),
                json!({"replicas": 1, "readyReplicas": 1, "currentReplicas": 1}),
                Current,
                "All replicas scheduled as expected. Replicas: 1",
            ),
        ] {
            check(of("StatefulSet", spec, status), want, message);
        }
        for (status, want, message) in [
            (json!({}), InProgress, "DaemonSet status.observedGeneration not found"),
            (json!({"observedGeneration": 1}), InProgress, "Missing .status.desiredNumberScheduled"),
            (json!({"observedGeneration": 1, "desiredNumberScheduled": 1}), InProgress, "Current: 0/1"),
            (
                json!({"observedGeneration": 1, "desiredNumberScheduled": 0}),
                Current,
                "All replicas scheduled as expected. Replicas: 0",
            ),
        ] {
            check(of("DaemonSet", json!({}), status), want, message);
        }
        check(of("ReplicaSet", json!({}), json!({"fullyLabeledReplicas": 1})), InProgress, "Available: 0/1");
        check(of("ReplicaSet", json!({"replicas": 0}), json!({})), Current, "ReplicaSet is available. Replicas: 0");
    }

    #[test]
    fn other_kinds() {
        use Status::*;
        let of = |api_version: &str, kind: &str, spec: Value, status: Value| json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec, "status": status});
        let condition = |kind: &str, status: &str, reason: &str| json!({"conditions": [{"type": kind, "status": status, "reason": reason, "message": "why"}]});
        let pod = |status: Value| of("v1", "Pod", json!({}), status);
        check(pod(json!({})), InProgress, "Pod phase not available");
        check(pod(json!({"phase": "Pending"})), InProgress, "Pod is in the Pending phase");
        check(pod(json!({"phase": "Running"})), InProgress, "Pod is running but is not Ready");
        check(pod(json!({"phase": "Failed"})), Current, "Pod has completed, but not successfully");
        check(
            pod(
                json!({"phase": "Running", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
            ),
            Failed,
            "Containers in CrashLoop state: c",
        );
        let job = |spec: Value, status: Value| of("batch/v1", "Job", spec, status);
        check(job(json!({}), json!({})), InProgress, "Job not started");
        check(
            job(json!({}), json!({"startTime": "now", "active": 1})),
            Current,
            "Job in progress. success:0, active: 1, failed: 0",
        );
        let mut failed = condition("Failed", "True", "");
        failed["failed"] = 2.into();
        check(job(json!({"parallelism": 3}), failed), Failed, "Job Failed. failed: 2/3");
        check(
            job(json!({"completions": 4}), condition("Complete", "True", "")),
            Current,
            "Job Completed. succeeded: 0/4",
        );
        let crd = |status: Value| of("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), status);
        check(crd(json!({})), InProgress, "Install in progress");
        check(crd(condition("NamesAccepted", "False", "")), Failed, "why");
        check(crd(condition("Established", "False", "Installing")), InProgress, "Install in progress");
        check(crd(condition("Established", "False", "Other")), Failed, "why");
        check(crd(condition("Established", "True", "")), Current, "CRD is established");
        check(of("v1", "PersistentVolumeClaim", json!({}), json!({})), InProgress, "PVC is not Bound. phase: unknown");
        check(of("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Bound"})), Current, "PVC is Bound");
        check(
            of("v1", "Service", json!({"type": "LoadBalancer"}), json!({})),
            InProgress,
            "ClusterIP not set. Service type: LoadBalancer",
        );
        check(of("v1", "Service", json!({}), json!({})), Current, "Service is ready");
        check(of("v1", "Secret", json!({}), json!({})), Current, "Resource is always ready");
        check(
            of("policy/v1", "PodDisruptionBudget", json!({}), json!({})),
            Current,
            "AllowedDisruptions has been computed.",
        );
    }
}
