//! Jobs: pods that are to end well, so many of them.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MANAGER, is_true, pod_of, pods, set_condition};
use crate::json::{at, int, list, set, text};
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

/// How long the controller waits before it replaces the first pod that failed; each further failure doubles it.
const BACKOFF: u64 = 10;

struct Counts {
    active: usize,
    ready: usize,
    succeeded: i64,
    failed: i64,
    last_failure: Option<Timestamp>,
}

impl State {
    pub(super) fn job(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        if is_true(object, "Complete") || is_true(object, "Failed") {
            self.clean_job(key, object);
            return Ok(());
        }
        let suspended = at(object, &["spec", "suspend"]) == Some(&Value::Bool(true));
        let mut counts = self.job_counts(object);
        let completions = int(object, &["spec", "completions"]);
        let parallel = int(object, &["spec", "parallelism"]).unwrap_or(1);
        let limit = int(object, &["spec", "backoffLimit"]).unwrap_or(6);
        let now = self.time();
        let done = match completions {
            Some(want) => counts.succeeded >= want,
            None => counts.succeeded > 0 && counts.active == 0,
        };
        let mut failure = None;
        if counts.failed > limit {
            failure = Some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
        } else if let Some(seconds) = int(object, &["spec", "activeDeadlineSeconds"])
            && let Ok(started) = text(object, &["status", "startTime"]).parse::<Timestamp>()
            && let Ok(due) = started.checked_add(Duration::from_secs(seconds.unsigned_abs()))
        {
            if due <= self.now() && !done {
                failure = Some(("DeadlineExceeded", "Job was active longer than specified deadline"));
            } else {
                self.enqueue_at(due, key);
            }
        }
        if !done && failure.is_none() && !suspended {
            let missing = completions.map_or(parallel, |want| parallel.min(want - counts.succeeded));
            let open = if completions.is_none() && counts.succeeded > 0 { 0 } else { missing };
            let create = usize::try_from(open).unwrap_or(0).saturating_sub(counts.active);
            if create > 0 && self.may_retry(key, &counts) {
                self.job_pods(key, object, create);
                counts = self.job_counts(object);
            }
        }
        if failure.is_some() || suspended {
            for (pod, found) in self.controlled(object, &pods()) {
                if !matches!(text(&found, &["status", "phase"]), "Succeeded" | "Failed") {
                    self.unmake(&pod);
                }
            }
            counts = self.job_counts(object);
        }
        let mut status = json!({"ready": counts.ready, "terminating": 0, "uncountedTerminatedPods": {}});
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        let started = text(object, &["status", "startTime"]);
        if !suspended {
            set(&mut status, &["startTime"], if started.is_empty() { now.clone() } else { started.to_owned() });
        }
        for (name, value) in [
            ("active", i64::try_from(counts.active).unwrap_or(0)),
            ("succeeded", counts.succeeded),
            ("failed", counts.failed),
        ] {
            if value > 0 {
                set(&mut status, &[name], value);
            }
        }
        let mut conclude = |kinds: [&str; 2], reason: &str, message: &str| {
            for kind in kinds {
                let condition =
                    json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastProbeTime": now});
                set_condition(&mut conditions, condition, &now);
            }
        };
        if done {
            conclude(
                ["SuccessCriteriaMet", "Complete"],
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            );
            set(&mut status, &["completionTime"], now.clone());
        } else if let Some((reason, message)) = failure {
            conclude(["FailureTarget", "Failed"], reason, message);
        } else if suspended {
            let condition = json!({"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended", "lastProbeTime": now});
            if !is_true(object, "Suspended") {
                set_condition(&mut conditions, condition, &now);
            }
        } else if is_true(object, "Suspended") {
            let condition = json!({"type": "Suspended", "status": "False", "reason": "JobResumed", "message": "Job resumed", "lastProbeTime": now});
            set_condition(&mut conditions, condition, &now);
        }
        if !conditions.is_empty() {
            set(&mut status, &["conditions"], conditions);
        }
        self.write_status(key, status, MANAGER)
    }

    fn job_counts(&self, object: &Value) -> Counts {
        let mut out = Counts { active: 0, ready: 0, succeeded: 0, failed: 0, last_failure: None };
        for (_, pod) in self.controlled(object, &pods()) {
            match text(&pod, &["status", "phase"]) {
                "Succeeded" => out.succeeded += 1,
                "Failed" => {
                    out.failed += 1;
                    let ended = list(&pod, &["status", "containerStatuses"])
                        .iter()
                        .filter_map(|s| text(s, &["state", "terminated", "finishedAt"]).parse::<Timestamp>().ok())
                        .max();
                    out.last_failure = out.last_failure.max(ended);
                }
                _ if at(&pod, &["metadata", "deletionTimestamp"]).is_some() => {}
                _ => {
                    out.active += 1;
                    out.ready += usize::from(is_true(&pod, "Ready"));
                }
            }
        }
        out
    }

    /// Whether enough time has gone by since the last failure.
    fn may_retry(&mut self, key: &Key, counts: &Counts) -> bool {
        let Some(last) = counts.last_failure else { return true };
        let doubled = u32::try_from(counts.failed - 1).unwrap_or(0).min(6);
        let Ok(due) = last.checked_add(Duration::from_secs((BACKOFF << doubled).min(600))) else { return true };
        if due > self.now() {
            self.enqueue_at(due, key);
        }
        due <= self.now()
    }

    fn job_pods(&mut self, key: &Key, object: &Value, count: usize) {
        let template = at(object, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        const INDEX: &str = "batch.kubernetes.io/job-completion-index";
        let indexed = text(object, &["spec", "completionMode"]) == "Indexed";
        for _ in 0..count {
            let mut pod = pod_of(object, &template);
            let mut prefix = format!("{}-", key.name);
            if indexed {
                let taken: Vec<String> = self
                    .controlled(object, &pods())
                    .iter()
                    .filter(|(_, p)| text(p, &["status", "phase"]) != "Failed")
                    .map(|(_, p)| text(p, &["metadata", "annotations", INDEX]).to_owned())
                    .collect();
                let index = (0..).map(|i: u64| i.to_string()).find(|i| !taken.contains(i)).unwrap_or_default();
                prefix = format!("{}-{index}-", key.name);
                set(&mut pod, &["metadata", "annotations", INDEX], index.clone());
                set(&mut pod, &["metadata", "labels", INDEX], index);
            }
            set(&mut pod, &["metadata", "generateName"], prefix);
            if self.make(&pods(), &key.namespace, pod, MANAGER).is_err() {
                break;
            }
        }
    }

    /// Deletes a job that has been over for as long as it says.
    fn clean_job(&mut self, key: &Key, object: &Value) {
        let Some(seconds) = int(object, &["spec", "ttlSecondsAfterFinished"]) else { return };
        let ended = list(object, &["status", "conditions"])
            .iter()
            .filter(|c| matches!(text(c, &["type"]), "Complete" | "Failed"))
            .filter_map(|c| text(c, &["lastTransitionTime"]).parse::<Timestamp>().ok())
            .max();
        let Some(due) = ended.and_then(|t| t.checked_add(Duration::from_secs(seconds.unsigned_abs())).ok()) else {
            return;
        };
        if due > self.now() {
            self.enqueue_at(due, key);
        } else if let Some(resource) = self.resource_of(&key.place) {
            let options = crate::rest::DeleteOptions {
                propagation: Some(crate::rest::Propagation::Foreground),
                ..Default::default()
            };
            let _ = self.delete(&resource, key, &options, &crate::state::Writer::controller(MANAGER));
        }
    }
}
