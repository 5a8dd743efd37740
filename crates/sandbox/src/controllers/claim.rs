//! Claims and volumes: a claim of a class that the sandbox provides gets a volume at once.

use std::sync::Arc;

use serde_json::{Value, json};

use super::pod::{claims, uses_claim};
use super::{MANAGER, pods};
use crate::json::{at, list, set, text};
use crate::quantity::milli;
use crate::resources::GroupResource;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

/// The provisioner that the sandbox stands in for.
pub(super) const PROVISIONER: &str = "test.whipstaff.dev/pretend";

fn volumes() -> GroupResource {
    GroupResource::new("", "persistentvolumes")
}

fn storage(object: &Value, path: &[&str]) -> i128 {
    milli(text(object, path)).unwrap_or(0)
}

impl State {
    pub(super) fn claim(&mut self, key: &Key, claim: &Arc<Value>) -> Result<()> {
        if at(claim, &["metadata", "deletionTimestamp"]).is_some() {
            let used = self.store.list(&pods(), &key.namespace).any(|(_, p)| uses_claim(p, &key.name));
            if !used {
                self.drop_finalizer(key, "kubernetes.io/pvc-protection");
                let volume = text(claim, &["spec", "volumeName"]);
                if !volume.is_empty() {
                    self.enqueue(&Key::new(&volumes(), "", volume));
                }
            }
            return Ok(());
        }
        if text(claim, &["status", "phase"]) == "Bound" {
            // A claim may grow.
            let (want, have) = (
                at(claim, &["spec", "resources", "requests", "storage"]),
                at(claim, &["status", "capacity", "storage"]),
            );
            if let Some(want) = want.filter(|w| Some(*w) != have).cloned() {
                let mut next = (**claim).clone();
                set(&mut next, &["status", "capacity", "storage"], want);
                return self.write(key, "status", next, MANAGER);
            }
            return Ok(());
        }
        let Some(volume) = self.volume_for(key, claim)? else { return Ok(()) };
        let Some(found) = self.get("", "persistentvolumes", "", &volume) else { return Ok(()) };
        let mut bound = (*found).clone();
        set(
            &mut bound,
            &["spec", "claimRef"],
            json!({
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": key.namespace, "name": key.name,
                "uid": text(claim, &["metadata", "uid"]), "resourceVersion": text(claim, &["metadata", "resourceVersion"]),
            }),
        );
        let volume_key = Key::new(&volumes(), "", &volume);
        self.write(&volume_key, "", bound, MANAGER)?;
        self.write_status(&volume_key, json!({"phase": "Bound"}), MANAGER)?;
        let mut next = (**claim).clone();
        set(&mut next, &["spec", "volumeName"], volume);
        for name in ["bind-completed", "bound-by-controller"] {
            set(&mut next, &["metadata", "annotations", &format!("pv.kubernetes.io/{name}")], "yes");
        }
        if !text(&found, &["metadata", "annotations", "pv.kubernetes.io/provisioned-by"]).is_empty() {
            for name in ["volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner"] {
                set(&mut next, &["metadata", "annotations", name], PROVISIONER);
            }
        }
        self.write(key, "", next, MANAGER)?;
        let status = json!({
            "phase": "Bound", "accessModes": at(&found, &["spec", "accessModes"]), "capacity": at(&found, &["spec", "capacity"]),
        });
        self.write_status(key, status, MANAGER)
    }

    /// The volume for a claim: the one it names, one that fits, or a new one.
    fn volume_for(&mut self, key: &Key, claim: &Value) -> Result<Option<String>> {
        let named = text(claim, &["spec", "volumeName"]);
        if !named.is_empty() {
            return Ok(self.get("", "persistentvolumes", "", named).map(|_| named.to_owned()));
        }
        let class = text(claim, &["spec", "storageClassName"]).to_owned();
        let want = storage(claim, &["spec", "resources", "requests", "storage"]);
        let modes = list(claim, &["spec", "accessModes"]);
        let fit = self.store.list(&volumes(), "").find(|(_, v)| {
            let reserved = text(v, &["spec", "claimRef", "name"]);
            let mine = reserved == key.name && text(v, &["spec", "claimRef", "namespace"]) == key.namespace;
            let free = reserved.is_empty() && text(v, &["status", "phase"]) == "Available";
            let labels = at(v, &["metadata", "labels"]);
            (mine || free)
                && text(v, &["spec", "storageClassName"]) == class
                && storage(v, &["spec", "capacity", "storage"]) >= want
                && modes.iter().all(|m| list(v, &["spec", "accessModes"]).contains(m))
                && at(claim, &["spec", "selector"]).is_none_or(|s| crate::selector::label_selector_matches(s, labels))
        });
        if let Some(((_, name), _)) = fit {
            return Ok(Some(name.clone()));
        }
        let Some(found) = self.get("storage.k8s.io", "storageclasses", "", &class) else { return Ok(None) };
        if text(&found, &["provisioner"]) != PROVISIONER {
            return Ok(None);
        }
        let name = format!("pv-{}", text(claim, &["metadata", "uid"]));
        let volume = json!({
            "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
            "spec": {"accessModes": modes, "capacity": at(claim, &["spec", "resources", "requests"]), "storageClassName": class,
                "persistentVolumeReclaimPolicy": "Delete", "hostPath": {"path": "/nowhere"}},
        });
        self.make(&volumes(), "", volume, MANAGER)?;
        Ok(Some(name))
    }

    pub(super) fn volume(&mut self, key: &Key, volume: &Arc<Value>) -> Result<()> {
        let (namespace, name) =
            (text(volume, &["spec", "claimRef", "namespace"]), text(volume, &["spec", "claimRef", "name"]));
        let uid = text(volume, &["spec", "claimRef", "uid"]);
        let claim = self.store.get(&Key::new(&claims(), namespace, name));
        let held = !uid.is_empty() && claim.is_some_and(|c| text(&c, &["metadata", "uid"]) == uid);
        if at(volume, &["metadata", "deletionTimestamp"]).is_some() {
            if !held {
                self.drop_finalizer(key, "kubernetes.io/pv-protection");
            }
            return Ok(());
        }
        if !uid.is_empty() && !held {
            if text(volume, &["spec", "persistentVolumeReclaimPolicy"]) == "Delete" {
                self.unmake(key);
            } else {
                self.write_status(key, json!({"phase": "Released"}), MANAGER)?;
            }
        }
        Ok(())
    }
}
