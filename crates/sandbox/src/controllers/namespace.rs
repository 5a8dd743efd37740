//! Namespaces: what a new one gets, and what becomes of the content of one that goes.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MANAGER, pods};
use crate::json::{at, remove};
use crate::resources::GroupResource;
use crate::rest::DeleteOptions;
use crate::state::{State, Writer};
use crate::status::Result;
use crate::store::Key;

impl State {
    pub(super) fn namespace(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let name = key.name.as_str();
        if at(object, &["metadata", "deletionTimestamp"]).is_none() {
            if self.get("", "serviceaccounts", name, "default").is_none() {
                self.make(
                    &GroupResource::new("", "serviceaccounts"),
                    name,
                    json!({"metadata": {"name": "default"}}),
                    MANAGER,
                )?;
            }
            if self.get("", "configmaps", name, "kube-root-ca.crt").is_none() {
                let note = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
                let map = json!({"metadata": {"name": "kube-root-ca.crt", "annotations": {"kubernetes.io/description": note}}, "data": {"ca.crt": ""}});
                self.make(&GroupResource::new("", "configmaps"), name, map, MANAGER)?;
            }
            return Ok(());
        }
        let writer = Writer::controller(MANAGER);
        let mut left = false;
        // Pods last: what makes them goes first.
        let mut places = self.store.places();
        places.sort_by_key(|p| *p == pods());
        for place in places {
            let keys: Vec<Key> = self.store.list(&place, name).map(|((ns, n), _)| Key::new(&place, ns, n)).collect();
            let Some(resource) = self.registry.any_version(&place).filter(|r| r.namespaced) else { continue };
            for key in keys {
                let going = self.store.get(&key).is_some_and(|o| at(&o, &["metadata", "deletionTimestamp"]).is_some());
                if !going {
                    let options = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
                    let _ = self.delete(&resource, &key, &options, &writer);
                }
                left |= self.store.get(&key).is_some();
            }
        }
        if !left && self.store.get(key).is_some() {
            let mut next = (**object).clone();
            remove(&mut next, &["spec", "finalizers"]);
            return self.write(key, "finalize", next, MANAGER);
        }
        Ok(())
    }
}
