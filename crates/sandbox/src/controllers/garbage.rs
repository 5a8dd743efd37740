//! The garbage collector: dependents go with their owners.

use std::sync::Arc;

use serde_json::Value;

use super::MANAGER;
use crate::json::{at, list, list_mut, remove, text};
use crate::rest::{DeleteOptions, Propagation};
use crate::state::{State, Writer};
use crate::store::Key;

impl State {
    /// Does for an object what its owners and its own deletion ask for; says whether that was the end of it.
    pub(super) fn collect_garbage(&mut self, key: &Key, object: &Arc<Value>) -> bool {
        let owners = list(object, &["metadata", "ownerReferences"]);
        if at(object, &["metadata", "deletionTimestamp"]).is_none() {
            let orphaned = !owners.is_empty() && owners.iter().all(|o| !self.store.has_uid(text(o, &["uid"])));
            if orphaned {
                self.unmake(key);
            }
            return orphaned;
        }
        let has = |finalizer: &str| list(object, &["metadata", "finalizers"]).iter().any(|f| f == finalizer);
        let uid = text(object, &["metadata", "uid"]);
        let dependents = self.store.dependents(uid);
        if has("orphan") {
            for dependent in dependents {
                self.disown(&dependent, uid);
            }
            self.drop_finalizer(key, "orphan");
            return true;
        }
        if has("foregroundDeletion") {
            let mut blocked = false;
            for dependent in dependents {
                let Some(found) = self.store.get(&dependent) else { continue };
                if at(&found, &["metadata", "deletionTimestamp"]).is_none()
                    && let Some(resource) = self.resource_of(&dependent.place)
                {
                    let options =
                        DeleteOptions { propagation: Some(Propagation::Foreground), ..DeleteOptions::default() };
                    let _ = self.delete(&resource, &dependent, &options, &Writer::controller(MANAGER));
                }
                blocked |= self.store.get(&dependent).is_some_and(|left| {
                    list(&left, &["metadata", "ownerReferences"])
                        .iter()
                        .any(|o| text(o, &["uid"]) == uid && o.get("blockOwnerDeletion") == Some(&Value::Bool(true)))
                });
            }
            if !blocked {
                self.drop_finalizer(key, "foregroundDeletion");
                return true;
            }
        }
        false
    }

    /// Takes an owner off an object.
    fn disown(&mut self, key: &Key, uid: &str) {
        let Some(object) = self.store.get(key) else { return };
        let mut next = (*object).clone();
        if let Some(owners) = list_mut(&mut next, &["metadata", "ownerReferences"]) {
            owners.retain(|o| text(o, &["uid"]) != uid);
            if owners.is_empty() {
                remove(&mut next, &["metadata", "ownerReferences"]);
            }
        }
        let _ = self.write(key, "", next, MANAGER);
    }

    /// Takes a finalizer off an object, which may be the last thing that kept it.
    pub(super) fn drop_finalizer(&mut self, key: &Key, finalizer: &str) {
        let Some(object) = self.store.get(key) else { return };
        let mut next = (*object).clone();
        if let Some(finalizers) = list_mut(&mut next, &["metadata", "finalizers"]) {
            finalizers.retain(|f| f != finalizer);
            if finalizers.is_empty() {
                remove(&mut next, &["metadata", "finalizers"]);
            }
        }
        let _ = self.write(key, "", next, MANAGER);
    }
}
