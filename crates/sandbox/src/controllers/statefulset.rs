//! Stateful sets: pods with numbers and claims of their own, one after the other.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MANAGER, is_true, owner_reference, pod_of, pods};
use crate::apply::set::sorted;
use crate::json::{at, int, list, list_mut, set, set_default, text};
use crate::random::word;
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

pub(super) const REVISION_HASH: &str = "controller-revision-hash";

/// The number at the end of a pod's name.
fn ordinal(name: &str, set_name: &str) -> Option<i64> {
    name.strip_prefix(set_name)?.strip_prefix('-')?.parse().ok()
}

fn is_ready(pod: &Value) -> bool {
    is_true(pod, "Ready") && at(pod, &["metadata", "deletionTimestamp"]).is_none()
}

impl State {
    pub(super) fn stateful_set(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let template = at(object, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        let update = self.controller_revision(key, object, &template)?;
        let want = int(object, &["spec", "replicas"]).unwrap_or(1);
        let start = int(object, &["spec", "ordinals", "start"]).unwrap_or(0);
        let parallel = text(object, &["spec", "podManagementPolicy"]) == "Parallel";
        let mut blocked = false;
        for number in start..start + want {
            let name = format!("{}-{number}", key.name);
            let pod_key = Key::new(&pods(), &key.namespace, &name);
            match self.store.get(&pod_key) {
                None => {
                    self.number_pod(key, object, &template, number, &update)?;
                    blocked = true;
                }
                Some(pod) if matches!(text(&pod, &["status", "phase"]), "Failed" | "Succeeded") => {
                    self.unmake(&pod_key);
                    blocked = true;
                }
                Some(pod) => blocked |= !is_ready(&pod),
            }
            if blocked && !parallel {
                break;
            }
        }
        // Those that are too many go from the highest number down.
        let mut owned = self.controlled(object, &pods());
        owned.sort_by_key(|(k, _)| std::cmp::Reverse(ordinal(&k.name, &key.name)));
        for (pod_key, _) in &owned {
            if ordinal(&pod_key.name, &key.name).is_none_or(|n| n < start || n >= start + want) {
                self.unmake(pod_key);
            }
        }
        if !blocked && text(object, &["spec", "updateStrategy", "type"]) != "OnDelete" {
            let partition = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
            let stale = owned.iter().find(|(k, p)| {
                text(p, &["metadata", "labels", REVISION_HASH]) != update
                    && ordinal(&k.name, &key.name).is_some_and(|n| n >= start + partition && n < start + want)
            });
            if let Some((pod_key, _)) = stale {
                self.unmake(pod_key);
            }
        }
        self.stateful_status(key, object, &update)
    }

    /// Keeps the version of a template, as stateful sets and daemon sets do; returns its name.
    pub(super) fn controller_revision(&mut self, key: &Key, object: &Value, template: &Value) -> Result<String> {
        let name = format!("{}-{}", key.name, word(&sorted(template)));
        let place = GroupResource::new("apps", "controllerrevisions");
        if self.store.get(&Key::new(&place, &key.namespace, &name)).is_none() {
            let highest =
                self.controlled(object, &place).iter().filter_map(|(_, r)| int(r, &["revision"])).max().unwrap_or(0);
            let mut data = json!({"spec": {"template": template}});
            set(&mut data, &["spec", "template", "$patch"], "replace");
            let mut out = json!({"metadata": {"name": name, "ownerReferences": owner_reference(object)}, "data": data, "revision": highest + 1});
            if let Some(labels) = at(template, &["metadata", "labels"]).cloned() {
                set(&mut out, &["metadata", "labels"], labels);
            }
            self.make(&place, &key.namespace, out, MANAGER)?;
        }
        let keep = usize::try_from(int(object, &["spec", "revisionHistoryLimit"]).unwrap_or(10)).unwrap_or(10);
        let mut old = self.controlled(object, &place);
        old.retain(|(k, _)| k.name != name);
        old.sort_by_key(|(_, r)| int(r, &["revision"]));
        let surplus = old.len().saturating_sub(keep);
        for (old_key, _) in old.into_iter().take(surplus) {
            self.unmake(&old_key);
        }
        Ok(name)
    }

    fn number_pod(&mut self, key: &Key, object: &Value, template: &Value, number: i64, update: &str) -> Result<()> {
        let name = format!("{}-{number}", key.name);
        let mut pod = pod_of(object, template);
        set(&mut pod, &["metadata", "name"], name.clone());
        set(&mut pod, &["spec", "hostname"], name.clone());
        set(&mut pod, &["spec", "subdomain"], text(object, &["spec", "serviceName"]).to_owned());
        for (label, value) in [
            ("statefulset.kubernetes.io/pod-name", name.clone()),
            ("apps.kubernetes.io/pod-index", number.to_string()),
            (REVISION_HASH, update.to_owned()),
        ] {
            set(&mut pod, &["metadata", "labels", label], value);
        }
        for claim in list(object, &["spec", "volumeClaimTemplates"]) {
            let volume = text(claim, &["metadata", "name"]).to_owned();
            let claim_name = format!("{volume}-{name}");
            let place = super::pod::claims();
            if self.store.get(&Key::new(&place, &key.namespace, &claim_name)).is_none() {
                let mut made = json!({"metadata": claim.get("metadata"), "spec": claim.get("spec")});
                set(&mut made, &["metadata", "name"], claim_name.clone());
                let labels = at(object, &["spec", "selector", "matchLabels"]).and_then(Value::as_object);
                for (label, value) in labels.into_iter().flatten() {
                    set(&mut made, &["metadata", "labels", label], value.clone());
                }
                self.make(&place, &key.namespace, made, MANAGER)?;
            }
            set_default(&mut pod, &["spec", "volumes"], json!([]));
            if let Some(volumes) = list_mut(&mut pod, &["spec", "volumes"]) {
                volumes.retain(|v| text(v, &["name"]) != volume);
                volumes.push(json!({"name": volume, "persistentVolumeClaim": {"claimName": claim_name}}));
            }
        }
        self.make(&pods(), &key.namespace, pod, MANAGER)
    }

    fn stateful_status(&mut self, key: &Key, object: &Value, update: &str) -> Result<()> {
        let owned = self.controlled(object, &pods());
        let least = int(object, &["spec", "minReadySeconds"]).unwrap_or(0);
        let (mut ready, mut available, mut updated) = (0_i64, 0_i64, 0_i64);
        for (_, pod) in &owned {
            updated += i64::from(text(pod, &["metadata", "labels", REVISION_HASH]) == update);
            if is_ready(pod) {
                ready += 1;
                available += i64::from(self.is_available(key, pod, least));
            }
        }
        let total = i64::try_from(owned.len()).unwrap_or(0);
        let want = int(object, &["spec", "replicas"]).unwrap_or(1);
        let done = updated == total && total == want && ready == total;
        let before = text(object, &["status", "currentRevision"]).to_owned();
        let current = if done || before.is_empty() { update.to_owned() } else { before };
        let old = if current == update { updated } else { total - updated };
        let mut status = json!({
            "replicas": total, "observedGeneration": int(object, &["metadata", "generation"]), "currentRevision": current,
            "updateRevision": update, "collisionCount": 0, "availableReplicas": available,
        });
        for (name, value) in [("readyReplicas", ready), ("updatedReplicas", updated), ("currentReplicas", old)] {
            if value > 0 {
                set(&mut status, &[name], value);
            }
        }
        self.write_status(key, status, MANAGER)
    }
}
