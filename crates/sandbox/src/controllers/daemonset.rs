//! Daemon sets: one pod on the node, if the node is one of theirs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pod::NODE;
use super::statefulset::REVISION_HASH;
use super::{MANAGER, is_active, is_true, pod_of, pods};
use crate::json::{at, int, list_mut, set, set_default, text};
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

impl State {
    pub(super) fn daemon_set(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let template = at(object, &["spec", "template"]).cloned().unwrap_or(Value::Null);
        let update = self.controller_revision(key, object, &template)?;
        let hash = update.rsplit('-').next().unwrap_or_default().to_owned();
        let wanted = self.fits_node(template.get("spec").unwrap_or(&Value::Null));
        let owned = self.controlled(object, &pods());
        for (pod_key, pod) in &owned {
            let rolls = text(object, &["spec", "updateStrategy", "type"]) != "OnDelete";
            let stale = text(pod, &["metadata", "labels", REVISION_HASH]) != hash && rolls;
            if !wanted || stale || text(pod, &["status", "phase"]) == "Failed" {
                self.unmake(pod_key);
            }
        }
        let left = self.controlled(object, &pods());
        if wanted && left.is_empty() {
            let mut pod = pod_of(object, &template);
            set(&mut pod, &["metadata", "generateName"], format!("{}-", key.name));
            set(&mut pod, &["metadata", "labels", REVISION_HASH], hash.clone());
            let generation = int(object, &["metadata", "generation"]).unwrap_or(1).to_string();
            set(&mut pod, &["metadata", "labels", "pod-template-generation"], generation);
            let term = json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [NODE]}]});
            let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"];
            set(&mut pod, &path, json!({"nodeSelectorTerms": [term]}));
            set_default(&mut pod, &["spec", "tolerations"], json!([]));
            if let Some(tolerations) = list_mut(&mut pod, &["spec", "tolerations"]) {
                for (taint, effect) in [
                    ("not-ready", "NoExecute"),
                    ("unreachable", "NoExecute"),
                    ("disk-pressure", "NoSchedule"),
                    ("memory-pressure", "NoSchedule"),
                    ("pid-pressure", "NoSchedule"),
                    ("unschedulable", "NoSchedule"),
                ] {
                    let key = format!("node.kubernetes.io/{taint}");
                    tolerations.push(json!({"key": key, "operator": "Exists", "effect": effect}));
                }
            }
            self.make(&pods(), &key.namespace, pod, MANAGER)?;
        }
        let owned = self.controlled(object, &pods());
        let count = |test: &dyn Fn(&Value) -> bool| owned.iter().filter(|(_, p)| is_active(p) && test(p)).count();
        let current = count(&|_| true);
        let ready = count(&|p| is_true(p, "Ready"));
        let updated = count(&|p| text(p, &["metadata", "labels", REVISION_HASH]) == hash);
        let desired = usize::from(wanted);
        let mut status = json!({
            "currentNumberScheduled": current, "desiredNumberScheduled": desired, "numberMisscheduled": 0, "numberReady": ready,
            "observedGeneration": int(object, &["metadata", "generation"]),
        });
        for (name, value) in [
            ("updatedNumberScheduled", updated),
            ("numberAvailable", ready),
            ("numberUnavailable", desired.saturating_sub(ready)),
        ] {
            if value > 0 {
                set(&mut status, &[name], value);
            }
        }
        self.write_status(key, status, MANAGER)
    }
}
