//! Replica sets and replication controllers: so many pods of a template.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MANAGER, is_active, is_true, pod_of, pods, set_condition};
use crate::json::{at, int, list, set, text};
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

impl State {
    pub(super) fn replica_set(&mut self, key: &Key, set_object: &Arc<Value>) -> Result<()> {
        self.adopt(set_object, &pods())?;
        let owned = self.controlled(set_object, &pods());
        let (active, ended): (Vec<_>, Vec<_>) = owned.into_iter().partition(|(_, p)| is_active(p));
        let failed = ended.iter().filter(|(_, p)| text(p, &["status", "phase"]) == "Failed").count();
        let want = usize::try_from(int(set_object, &["spec", "replicas"]).unwrap_or(0)).unwrap_or(0);
        let mut trouble = None;
        if active.len() < want {
            // Pods that keep failing are replaced slower and slower, so that they do not fill the sandbox.
            let wait = if failed < 5 { Duration::ZERO } else { Duration::from_secs(1 << (failed - 5).min(8)) };
            let newest = ended.iter().map(|(_, p)| text(p, &["metadata", "creationTimestamp"]).to_owned()).max();
            let due = newest.and_then(|t| t.parse::<Timestamp>().ok()).and_then(|t| t.checked_add(wait).ok());
            match due.filter(|d| *d > self.now() && !wait.is_zero()) {
                Some(due) => self.enqueue_at(due, key),
                None => trouble = self.add_pods(key, set_object, want - active.len()),
            }
        } else if active.len() > want {
            let mut surplus = active.clone();
            // The ones that are not ready go first, then the youngest.
            surplus.sort_by_key(|(_, p)| {
                (is_true(p, "Ready"), std::cmp::Reverse(text(p, &["metadata", "creationTimestamp"]).to_owned()))
            });
            for (pod, _) in surplus.into_iter().take(active.len() - want) {
                self.unmake(&pod);
            }
        }
        let status = self.replica_status(key, set_object, trouble);
        self.write_status(key, status, MANAGER)
    }

    fn add_pods(&mut self, key: &Key, owner: &Value, count: usize) -> Option<String> {
        let template = at(owner, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        for _ in 0..count {
            let mut pod = pod_of(owner, &template);
            set(&mut pod, &["metadata", "generateName"], format!("{}-", key.name));
            if let Err(error) = self.make(&pods(), &key.namespace, pod, MANAGER) {
                return Some(error.message);
            }
        }
        None
    }

    fn replica_status(&mut self, key: &Key, object: &Value, trouble: Option<String>) -> Value {
        let least = int(object, &["spec", "minReadySeconds"]).unwrap_or(0);
        let (mut replicas, mut ready, mut available, mut terminating) = (0, 0, 0, 0);
        for (_, pod) in self.controlled(object, &pods()) {
            if at(&pod, &["metadata", "deletionTimestamp"]).is_some() {
                terminating += 1;
            }
            if !is_active(&pod) {
                continue;
            }
            replicas += 1;
            if is_true(&pod, "Ready") {
                ready += 1;
                available += i64::from(self.is_available(key, &pod, least));
            }
        }
        let mut status = json!({"replicas": replicas, "observedGeneration": int(object, &["metadata", "generation"])});
        let sum: [(&str, i64); 3] =
            [("fullyLabeledReplicas", replicas), ("readyReplicas", ready), ("availableReplicas", available)];
        for (name, value) in sum {
            if value > 0 {
                set(&mut status, &[name], value);
            }
        }
        if key.place.group == "apps" {
            set(&mut status, &["terminatingReplicas"], terminating);
        }
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        conditions.retain(|c| text(c, &["type"]) != "ReplicaFailure");
        if let Some(message) = trouble {
            let now = self.time();
            let condition =
                json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message});
            set_condition(&mut conditions, condition, &now);
        }
        if !conditions.is_empty() {
            set(&mut status, &["conditions"], conditions);
        }
        status
    }

    /// Whether a ready pod has been so for long enough.
    pub(super) fn is_available(&mut self, key: &Key, pod: &Value, least: i64) -> bool {
        if least <= 0 {
            return true;
        }
        let ready = list(pod, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == "Ready");
        let since = ready.and_then(|c| text(c, &["lastTransitionTime"]).parse::<Timestamp>().ok());
        let Some(due) = since.and_then(|t| t.checked_add(Duration::from_secs(least.unsigned_abs())).ok()) else {
            return false;
        };
        if due > self.now() {
            self.enqueue_at(due, key);
        }
        due <= self.now()
    }
}
