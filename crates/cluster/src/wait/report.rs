//! What to say about objects that did not get ready.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::json::{Condition, conditions, text};
use super::{Readiness, Status, Watched};
use crate::cluster::Cluster;
use crate::error::Error;
use crate::logs::ContainerLog;
use crate::object::{Gvk, ObjectRef};

/// An event that warns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WarningEvent {
    /// What it is about: the object, or one of its pods.
    pub about: String,
    /// One word (`FailedScheduling`).
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When it was last seen.
    pub seen: String,
}

/// An object that did not get ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// Which.
    pub object: ObjectRef,
    /// How it stands.
    pub readiness: Readiness,
    /// The condition that changed last.
    pub condition: Option<Condition>,
    /// The newest warning about it or its pods.
    pub warning: Option<WarningEvent>,
    /// The last that a container of it has printed, one that is not as it should be.
    pub log: Option<ContainerLog>,
}

/// Why a wait failed.
#[derive(Debug, thiserror::Error)]
pub enum WaitError {
    /// Objects are not as they should be.
    #[error("{}", report(.objects, *.is_deletion, *.timed_out))]
    NotReady {
        /// Which, and why; in the order they were waited for.
        objects: Vec<NotReady>,
        /// Whether they should be gone.
        is_deletion: bool,
        /// Whether time ran out; else nothing more was to be waited for.
        timed_out: bool,
    },
    /// The cluster refused to say.
    #[error(transparent)]
    Cluster(#[from] Error),
}

/// In Helm's words (`pkg/kube/statuswait.go`).
fn report(objects: &[NotReady], is_deletion: bool, timed_out: bool) -> String {
    let state = if is_deletion { "still exists" } else { "not ready" };
    let mut lines: Vec<String> = objects.iter().map(|object| object.line(state)).collect();
    if timed_out {
        lines.push("context deadline exceeded".to_owned());
    }
    lines.join("\n")
}

impl NotReady {
    fn line(&self, state: &str) -> String {
        let ObjectRef { gvk, namespace, name } = &self.object;
        let Readiness { status, message, .. } = &self.readiness;
        format!("resource {}/{namespace}/{name} {state}. status: {status}, message: {message}", gvk.kind)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind, self.status)?;
        for text in [&self.reason, &self.message] {
            if !text.is_empty() {
                write!(f, ": {text}")?;
            }
        }
        Ok(())
    }
}

/// Of how many objects logs are read.
const LOGS: usize = 10;

/// Gathers conditions, warnings and logs.
pub(super) async fn not_ready(cluster: &Cluster, unmet: &[&Watched], is_deletion: bool, timed_out: bool) -> WaitError {
    let namespaces: BTreeSet<&str> = unmet.iter().map(|watched| watched.object.namespace.as_str()).collect();
    let mut events = BTreeMap::new();
    for namespace in namespaces {
        events.insert(namespace, warnings(cluster, namespace).await);
    }
    let mut objects = Vec::with_capacity(unmet.len());
    for watched in unmet {
        let live = watched.live.as_ref().filter(|_| watched.readiness.status != Status::NotFound);
        let events = events.get(watched.object.namespace.as_str());
        let log = match live {
            // Of very many, the logs of the first ones tell enough.
            Some(live) if !is_deletion && objects.len() < LOGS => super::tail::of(cluster, live).await,
            _ => None,
        };
        objects.push(NotReady {
            object: watched.object.clone(),
            readiness: watched.readiness.clone(),
            condition: live.and_then(newest),
            warning: events.and_then(|events| newest_warning(events, &watched.object)),
            log,
        });
    }
    WaitError::NotReady { objects, is_deletion, timed_out }
}

/// The condition that changed last; of those that changed at the same time one that is not fulfilled.
fn newest(live: &Value) -> Option<Condition> {
    conditions(live).max_by_key(|condition| (condition.since.clone(), condition.status != "True"))
}

/// The warnings of a namespace; none when they cannot be read, for they only explain.
async fn warnings(cluster: &Cluster, namespace: &str) -> Vec<Value> {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    let like = ObjectRef { gvk: Gvk::new("v1", "Event"), namespace: namespace.to_owned(), name: String::new() };
    cluster.list(&like, "", "type=Warning").await.unwrap_or_default()
}

fn newest_warning(events: &[Value], object: &ObjectRef) -> Option<WarningEvent> {
    let is_about = |event: &&Value| {
        let (kind, name) = (text(event, "/involvedObject/kind"), text(event, "/involvedObject/name"));
        let is_itself = kind == object.gvk.kind && name == object.name;
        let is_child = matches!(kind, "Pod" | "ReplicaSet" | "Job" | "PersistentVolumeClaim")
            && name.strip_prefix(&object.name).is_some_and(|rest| rest.starts_with('-'));
        text(event, "/type") == "Warning" && (is_itself || is_child)
    };
    let event = events.iter().filter(is_about).max_by_key(|event| last_seen(event))?;
    Some(WarningEvent {
        about: format!("{}/{}", text(event, "/involvedObject/kind"), text(event, "/involvedObject/name")),
        reason: text(event, "/reason").to_owned(),
        message: text(event, "/message").to_owned(),
        seen: last_seen(event).to_owned(),
    })
}

/// When an event was last seen, RFC 3339; there are several places for that.
pub fn last_seen(event: &Value) -> &str {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
        .into_iter()
        .map(|pointer| text(event, pointer))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> ObjectRef {
        ObjectRef { gvk: Gvk::new("apps/v1", "Deployment"), namespace: "web".into(), name: "shop".into() }
    }

    #[test]
    fn speaks_as_helm() {
        let readiness = Readiness { status: Status::InProgress, message: "Replicas: 0/1".into(), is_terminal: false };
        let object = NotReady { object: deployment(), readiness, condition: None, warning: None, log: None };
        let error = WaitError::NotReady { objects: vec![object], is_deletion: false, timed_out: true };
        assert_eq!(
            error.to_string(),
            "resource Deployment/web/shop not ready. status: InProgress, message: Replicas: 0/1\ncontext deadline exceeded"
        );
    }

    #[test]
    fn finds_the_newest_warning() {
        let event = |kind: &str, name: &str, kind_of: &str, at: &str| json!({"type": kind_of, "involvedObject": {"kind": kind, "name": name}, "reason": at, "lastTimestamp": at});
        let events = [
            event("Pod", "shop-1", "Warning", "2026-01-01T00:00:02Z"),
            event("Deployment", "shop", "Warning", "2026-01-01T00:00:01Z"),
            event("Pod", "shop-1", "Normal", "2026-01-01T00:00:09Z"),
            event("Pod", "shopping-1", "Warning", "2026-01-01T00:00:09Z"),
            event("Service", "shop", "Warning", "2026-01-01T00:00:09Z"),
        ];
        let warning = newest_warning(&events, &deployment()).unwrap();
        assert_eq!((warning.about.as_str(), warning.reason.as_str()), ("Pod/shop-1", "2026-01-01T00:00:02Z"));
    }

    #[test]
    fn finds_the_last_condition() {
        let live = json!({"status": {"conditions": [
            {"type": "Available", "status": "False", "lastTransitionTime": "2026-01-01T00:00:01Z", "reason": "MinimumReplicasUnavailable"},
            {"type": "Progressing", "status": "True", "lastTransitionTime": "2026-01-01T00:00:01Z"},
        ]}});
        assert_eq!(newest(&live).unwrap().to_string(), "Available=False: MinimumReplicasUnavailable");
    }
}
