//! Deployments: a replica set for each version of the template, and the roll from one to the next.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{MANAGER, owner_reference, resolve, set_condition};
use crate::apply::set::sorted;
use crate::json::{at, int, list, remove, set, text};
use crate::random::word;
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

type Sets = Vec<(Key, Arc<Value>)>;

fn replica_sets() -> GroupResource {
    GroupResource::new("apps", "replicasets")
}

fn plain_template(object: &Value) -> Value {
    let mut template = at(object, &["spec", "template"]).cloned().unwrap_or(Value::Null);
    remove(&mut template, &["metadata", "labels", HASH]);
    template
}

fn revision(object: &Value) -> i64 {
    text(object, &["metadata", "annotations", REVISION]).parse().unwrap_or(0)
}

fn replicas(object: &Value) -> i64 {
    int(object, &["spec", "replicas"]).unwrap_or(0)
}

fn available(object: &Value) -> i64 {
    int(object, &["status", "availableReplicas"]).unwrap_or(0)
}

impl State {
    pub(super) fn deployment(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        self.adopt(object, &replica_sets())?;
        let sets = self.controlled(object, &replica_sets());
        let template = plain_template(object);
        let (mut new, old): (Sets, Sets) = sets.into_iter().partition(|(_, s)| plain_template(s) == template);
        let paused = at(object, &["spec", "paused"]) == Some(&Value::Bool(true));
        let highest = new.iter().chain(&old).map(|(_, s)| revision(s)).max().unwrap_or(0);
        if new.is_empty() && !paused {
            self.new_replica_set(key, object, &template, highest + 1, &old)?;
            new = self
                .controlled(object, &replica_sets())
                .into_iter()
                .filter(|(_, s)| plain_template(s) == template)
                .collect();
        } else if let Some((set_key, found)) = new.first().cloned()
            && revision(&found) < highest
        {
            // An old version is the newest again.
            let mut next = (*found).clone();
            set(&mut next, &["metadata", "annotations", REVISION], (highest + 1).to_string());
            self.write(&set_key, "", next, MANAGER)?;
        }
        if paused {
            if let Some((set_key, found)) = new.first().cloned().filter(|_| old.iter().all(|(_, s)| replicas(s) == 0)) {
                self.scale_set(&set_key, &found, replicas(object))?;
            }
        } else {
            self.roll(object, new.first(), &old)?;
        }
        self.trim_history(object, &old);
        self.deployment_status(key, object)
    }

    fn new_replica_set(&mut self, key: &Key, object: &Value, template: &Value, number: i64, old: &Sets) -> Result<()> {
        let hash = word(&sorted(template));
        let mut out = json!({"metadata": {"name": format!("{}-{hash}", key.name), "annotations": {}}, "spec": {"template": template}});
        for (name, value) in at(object, &["metadata", "annotations"]).and_then(Value::as_object).into_iter().flatten() {
            if name != "kubectl.kubernetes.io/last-applied-configuration" && name != REVISION {
                set(&mut out, &["metadata", "annotations", name], value.clone());
            }
        }
        let desired = replicas(object);
        let surge = resolve(at(object, &["spec", "strategy", "rollingUpdate", "maxSurge"]), desired, true);
        set(&mut out, &["metadata", "annotations", REVISION], number.to_string());
        set(&mut out, &["metadata", "annotations", "deployment.kubernetes.io/desired-replicas"], desired.to_string());
        set(
            &mut out,
            &["metadata", "annotations", "deployment.kubernetes.io/max-replicas"],
            (desired + surge).to_string(),
        );
        if let Some(labels) = at(template, &["metadata", "labels"]).cloned() {
            set(&mut out, &["metadata", "labels"], labels);
        }
        let selector = at(object, &["spec", "selector"]).cloned().unwrap_or(Value::Null);
        set(&mut out, &["spec", "selector"], selector);
        for path in [
            &["metadata", "labels", HASH][..],
            &["spec", "selector", "matchLabels", HASH],
            &["spec", "template", "metadata", "labels", HASH],
        ] {
            set(&mut out, path, hash.clone());
        }
        if let Some(least) = int(object, &["spec", "minReadySeconds"]) {
            set(&mut out, &["spec", "minReadySeconds"], least);
        }
        let first = old.iter().all(|(_, s)| replicas(s) == 0);
        let recreate = text(object, &["spec", "strategy", "type"]) == "Recreate";
        let total: i64 = old.iter().map(|(_, s)| replicas(s)).sum();
        let count = match (first, recreate) {
            (true, _) => desired,
            (false, true) => 0,
            (false, false) => (desired + surge - total).clamp(0, desired),
        };
        set(&mut out, &["spec", "replicas"], count);
        set(&mut out, &["metadata", "ownerReferences"], owner_reference(object));
        self.make(&replica_sets(), &key.namespace, out, MANAGER)
    }

    fn scale_set(&mut self, key: &Key, found: &Value, count: i64) -> Result<()> {
        if replicas(found) == count {
            return Ok(());
        }
        let mut next = found.clone();
        set(&mut next, &["spec", "replicas"], count);
        self.write(key, "", next, MANAGER)
    }

    /// Takes the next step of a roll: the new set up as far as the surge allows, the old ones down as far as enough stay
    /// available.
    fn roll(&mut self, object: &Value, new: Option<&(Key, Arc<Value>)>, old: &Sets) -> Result<()> {
        let Some((new_key, new_set)) = new else { return Ok(()) };
        let Some(new_set) = self.store.get(new_key).or_else(|| Some(Arc::clone(new_set))) else { return Ok(()) };
        let desired = replicas(object);
        let rest: i64 = old.iter().map(|(_, s)| replicas(s)).sum();
        if text(object, &["spec", "strategy", "type"]) == "Recreate" {
            for (key, found) in old {
                self.scale_set(key, found, 0)?;
            }
            let gone = old.iter().all(|(_, s)| int(s, &["status", "replicas"]).unwrap_or(0) == 0);
            return if rest == 0 && gone { self.scale_set(new_key, &new_set, desired) } else { Ok(()) };
        }
        let mut surge = resolve(at(object, &["spec", "strategy", "rollingUpdate", "maxSurge"]), desired, true);
        let missing = resolve(at(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"]), desired, false);
        if surge == 0 && missing == 0 {
            surge = 1;
        }
        let have = replicas(&new_set);
        let room = (desired + surge - rest - have).max(0);
        let next = if have > desired || rest == 0 { desired } else { (have + room).min(desired) };
        self.scale_set(new_key, &new_set, next)?;
        if rest == 0 {
            return Ok(());
        }
        let least = desired - missing;
        let waiting = replicas(&new_set) - available(&new_set);
        let mut spare = (rest + have - least - waiting).max(0);
        // What is not available anyway can go without harm.
        for (key, found) in old {
            let broken = replicas(found) - available(found);
            let cut = broken.min(spare).max(0);
            if cut > 0 {
                self.scale_set(key, found, replicas(found) - cut)?;
                spare -= cut;
            }
        }
        let mut spare = available(&new_set) + old.iter().map(|(_, s)| available(s)).sum::<i64>() - least;
        for (key, _) in old {
            let Some(found) = self.store.get(key) else { continue };
            let cut = replicas(&found).min(spare).max(0);
            if cut > 0 {
                self.scale_set(key, &found, replicas(&found) - cut)?;
                spare -= cut;
            }
        }
        Ok(())
    }

    fn trim_history(&mut self, object: &Value, old: &Sets) {
        let keep = usize::try_from(int(object, &["spec", "revisionHistoryLimit"]).unwrap_or(10)).unwrap_or(10);
        let mut empty: Vec<&(Key, Arc<Value>)> =
            old.iter().filter(|(_, s)| replicas(s) == 0 && int(s, &["status", "replicas"]).unwrap_or(0) == 0).collect();
        empty.sort_by_key(|(_, s)| revision(s));
        let surplus = empty.len().saturating_sub(keep);
        for (key, _) in empty.into_iter().take(surplus) {
            self.unmake(key);
        }
    }

    fn deployment_status(&mut self, key: &Key, object: &Value) -> Result<()> {
        let sets = self.controlled(object, &replica_sets());
        let template = plain_template(object);
        let sum = |path: &str| sets.iter().map(|(_, s)| int(s, &["status", path]).unwrap_or(0)).sum::<i64>();
        let new = sets.iter().find(|(_, s)| plain_template(s) == template).map(|(_, s)| Arc::clone(s));
        let updated = new.as_ref().map_or(0, |s| int(s, &["status", "replicas"]).unwrap_or(0));
        let (total, ready, now_available) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
        let desired = replicas(object);
        let now = self.time();
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        let missing = resolve(at(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"]), desired, false);
        let enough = now_available >= desired - missing;
        let (status, reason, message) = if enough {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
        };
        let kept = |conditions: &[Value], kind: &str, status: &str, reason: &str, key: &str| {
            conditions
                .iter()
                .find(|c| {
                    text(c, &["type"]) == kind && text(c, &["status"]) == status && text(c, &["reason"]) == reason
                })
                .map(|c| text(c, &[key]).to_owned())
        };
        let since = kept(&conditions, "Available", status, reason, "lastUpdateTime").unwrap_or_else(|| now.clone());
        set_condition(
            &mut conditions,
            json!({"type": "Available", "status": status, "reason": reason, "message": message, "lastUpdateTime": since}),
            &now,
        );
        let trouble = new.as_ref().and_then(|s| {
            list(s, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == "ReplicaFailure").cloned()
        });
        conditions.retain(|c| text(c, &["type"]) != "ReplicaFailure");
        if let Some(mut failure) = trouble {
            set(&mut failure, &["lastUpdateTime"], now.clone());
            let time = failure.get("lastTransitionTime").cloned().unwrap_or(Value::Null);
            set(&mut failure, &["lastTransitionTime"], time);
            conditions.push(failure);
        }
        let complete = updated == desired && total == desired && now_available == desired;
        if let Some(new) = &new {
            let name = text(new, &["metadata", "name"]);
            let progress =
                self.progress(key, object, complete, name, &conditions, (total, updated, ready, now_available));
            set_condition(&mut conditions, progress, &now);
        }
        let mut status =
            json!({"observedGeneration": int(object, &["metadata", "generation"]), "conditions": conditions});
        let numbers = [
            ("replicas", total),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", now_available),
            ("unavailableReplicas", (total.max(desired) - now_available).max(0)),
        ];
        for (name, value) in numbers {
            if value > 0 {
                set(&mut status, &[name], value);
            }
        }
        set(&mut status, &["terminatingReplicas"], sum("terminatingReplicas"));
        let mut next = object.clone();
        if let Some(new) = new.filter(|n| revision(n) > 0) {
            set(&mut next, &["metadata", "annotations", REVISION], revision(&new).to_string());
        }
        set(&mut next, &["status"], status);
        if next == *object { Ok(()) } else { self.write(key, "status", next, MANAGER) }
    }

    fn progress(
        &mut self,
        key: &Key,
        object: &Value,
        complete: bool,
        name: &str,
        conditions: &[Value],
        counts: (i64, i64, i64, i64),
    ) -> Value {
        let now = self.time();
        let before = conditions.iter().find(|c| text(c, &["type"]) == "Progressing");
        let since = before.map(|c| text(c, &["lastUpdateTime"]).to_owned());
        let condition = |status: &str, reason: &str, message: String, at: &str| json!({"type": "Progressing", "status": status, "reason": reason, "message": message, "lastUpdateTime": at});
        if complete {
            const DONE: &str = "NewReplicaSetAvailable";
            let at = since.filter(|_| before.is_some_and(|b| text(b, &["reason"]) == DONE)).unwrap_or(now);
            return condition("True", DONE, format!("ReplicaSet {name:?} has successfully progressed."), &at);
        }
        let status = |key: &str| int(object, &["status", key]).unwrap_or(0);
        let was = (status("replicas"), status("updatedReplicas"), status("readyReplicas"), status("availableReplicas"));
        let rolled_over = before.is_none_or(|b| text(b, &["reason"]) == "NewReplicaSetAvailable");
        let at = match since {
            Some(since) if was == counts && !rolled_over => since,
            _ => now,
        };
        let deadline = int(object, &["spec", "progressDeadlineSeconds"]).unwrap_or(600);
        let due =
            at.parse::<Timestamp>().ok().and_then(|t| t.checked_add(Duration::from_secs(deadline.unsigned_abs())).ok());
        match due {
            Some(due) if due <= self.now() => condition(
                "False",
                "ProgressDeadlineExceeded",
                format!("ReplicaSet {name:?} has timed out progressing."),
                &at,
            ),
            due => {
                if let Some(due) = due {
                    self.enqueue_at(due, key);
                }
                condition("True", "ReplicaSetUpdated", format!("ReplicaSet {name:?} is progressing."), &at)
            }
        }
    }
}
