//! The scheduler and the kubelet: pods get the node, run, and end when they are meant to.
//!
//! Two annotations steer a pod, as in the test control plane: `test.whipstaff.dev/outcome: fail` makes it fail, `hang` keeps
//! it pending.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::set_condition;
use crate::json::{at, list, set, text};
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

/// The annotation that steers a pod.
const OUTCOME: &str = "test.whipstaff.dev/outcome";
/// Pods that are to fail run at least this long when something would replace them at once.
const LEAST_RUN: Duration = Duration::from_millis(300);
/// The one node there is.
pub(super) const NODE: &str = "node-1";

impl State {
    pub(super) fn pod(&mut self, key: &Key, pod: &Arc<Value>) -> Result<()> {
        if at(pod, &["metadata", "deletionTimestamp"]).is_some() {
            if list(pod, &["metadata", "finalizers"]).is_empty() {
                self.drop_object(key);
            }
            return Ok(());
        }
        match text(pod, &["status", "phase"]) {
            "Pending" if text(pod, &["spec", "nodeName"]).is_empty() => self.schedule(key, pod),
            "Pending" => self.start(key, pod),
            "Running" => self.finish(key, pod),
            _ => Ok(()),
        }
    }

    fn schedule(&mut self, key: &Key, pod: &Value) -> Result<()> {
        let now = self.time();
        let mut next = pod.clone();
        let mut conditions = list(pod, &["status", "conditions"]).to_vec();
        match self.unschedulable(key, &pod["spec"]) {
            Some(why) => {
                let condition =
                    json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why});
                set_condition(&mut conditions, condition, &now);
                set(&mut next, &["status", "conditions"], conditions);
                self.write(key, "status", next, "kube-scheduler")
            }
            None => {
                set_condition(
                    &mut conditions,
                    json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null}),
                    &now,
                );
                set(&mut next, &["spec", "nodeName"], NODE);
                set(&mut next, &["status", "conditions"], conditions);
                // A binding writes node and condition in one go, and owns nothing.
                let stored = self.store.put(key, next)?;
                self.changed(key, &stored);
                Ok(())
            }
        }
    }

    /// Why a pod cannot run on the node.
    fn unschedulable(&self, key: &Key, spec: &Value) -> Option<String> {
        for volume in list(spec, &["volumes"]) {
            let name = text(volume, &["persistentVolumeClaim", "claimName"]);
            if name.is_empty() {
                continue;
            }
            match self.get("", "persistentvolumeclaims", &key.namespace, name) {
                None => return Some(format!("0/1 nodes are available: persistentvolumeclaim {name:?} not found.")),
                Some(claim) if text(&claim, &["status", "phase"]) != "Bound" => {
                    return Some("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.".into());
                }
                Some(_) => {}
            }
        }
        (!self.fits_node(spec))
            .then(|| "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.".into())
    }

    /// Whether the selector and the required affinity of a pod spec fit the node.
    pub(super) fn fits_node(&self, spec: &Value) -> bool {
        let Some(node) = self.get("", "nodes", "", NODE) else { return false };
        let labels = at(&node, &["metadata", "labels"]);
        let wanted = at(spec, &["nodeSelector"]).and_then(Value::as_object);
        if !wanted.into_iter().flatten().all(|(k, v)| labels.and_then(|l| l.get(k)) == Some(v)) {
            return false;
        }
        let terms = list(
            spec,
            &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"],
        );
        terms.is_empty()
            || terms.iter().any(|term| {
                let fields = list(term, &["matchFields"]).iter().all(|f| {
                    let named = list(f, &["values"]).iter().any(|v| v == NODE);
                    if text(f, &["operator"]) == "NotIn" { !named } else { named }
                });
                fields && crate::selector::label_selector_matches(term, labels)
            })
    }

    /// When something is due that takes a time from a moment on; none: it is due now.
    fn not_before(&mut self, key: &Key, since: &str, takes: Duration) -> bool {
        if takes.is_zero() {
            return true;
        }
        let now = self.now();
        let Ok(due) = since.parse::<Timestamp>().unwrap_or(now).checked_add(takes) else { return true };
        if due > now {
            self.enqueue_at(due, key);
        }
        due <= now
    }

    fn start(&mut self, key: &Key, pod: &Value) -> Result<()> {
        let created = text(pod, &["metadata", "creationTimestamp"]).to_owned();
        if text(pod, &["metadata", "annotations", OUTCOME]) == "hang"
            || !self.not_before(key, &created, self.config.pod_start)
        {
            return Ok(());
        }
        let now = self.time();
        let mut conditions = list(pod, &["status", "conditions"]).to_vec();
        for kind in ["Initialized", "ContainersReady", "Ready"] {
            set_condition(&mut conditions, json!({"type": kind, "status": "True"}), &now);
        }
        self.addresses += 1;
        let address = format!("10.1.{}.{}", (self.addresses >> 8) & 0xff, self.addresses & 0xff);
        let statuses: Vec<Value> = list(pod, &["spec", "containers"])
            .iter()
            .map(|c| {
                json!({"name": text(c, &["name"]), "image": text(c, &["image"]), "imageID": "", "ready": true, "started": true,
                    "restartCount": 0, "lastState": {}, "state": {"running": {"startedAt": now}}})
            })
            .collect();
        let mut next = pod.clone();
        for (path, value) in [
            ("phase", json!("Running")),
            ("startTime", json!(now)),
            ("podIP", json!(address)),
            ("podIPs", json!([{"ip": address}])),
            ("conditions", conditions.into()),
            ("containerStatuses", statuses.into()),
        ] {
            set(&mut next, &["status", path], value);
        }
        self.write(key, "status", next, "kwok")
    }

    fn finish(&mut self, key: &Key, pod: &Value) -> Result<()> {
        let fails = text(pod, &["metadata", "annotations", OUTCOME]) == "fail";
        let policy = text(pod, &["spec", "restartPolicy"]);
        if policy == "Always" && !fails {
            return Ok(());
        }
        let started = text(pod, &["status", "startTime"]).to_owned();
        let takes = if fails && policy == "Always" { self.config.pod_run.max(LEAST_RUN) } else { self.config.pod_run };
        if !self.not_before(key, &started, takes) {
            return Ok(());
        }
        let now = self.time();
        let (phase, reason, code, why) =
            if fails { ("Failed", "Error", 1, "PodFailed") } else { ("Succeeded", "Completed", 0, "PodCompleted") };
        let mut conditions = list(pod, &["status", "conditions"]).to_vec();
        set_condition(&mut conditions, json!({"type": "Ready", "status": "False", "reason": why}), &now);
        let statuses: Vec<Value> = list(pod, &["spec", "containers"])
            .iter()
            .map(|c| {
                json!({"name": text(c, &["name"]), "image": text(c, &["image"]), "imageID": "", "ready": false, "started": false,
                    "restartCount": 0, "lastState": {},
                    "state": {"terminated": {"exitCode": code, "reason": reason, "startedAt": started, "finishedAt": now}}})
            })
            .collect();
        let mut next = pod.clone();
        set(&mut next, &["status", "phase"], phase);
        set(&mut next, &["status", "conditions"], conditions);
        set(&mut next, &["status", "containerStatuses"], statuses);
        self.write(key, "status", next, "kwok")
    }
}

/// The claims that a pod spec names.
pub(super) fn uses_claim(pod: &Value, claim: &str) -> bool {
    list(pod, &["spec", "volumes"]).iter().any(|v| text(v, &["persistentVolumeClaim", "claimName"]) == claim)
}

/// Pods and claims know each other by name.
pub(super) fn claims() -> GroupResource {
    GroupResource::new("", "persistentvolumeclaims")
}
