//! CustomResourceDefinitions: what they define is served.

use std::sync::Arc;

use serde_json::{Value, json};

use super::set_condition;
use crate::json::{at, list, set, text};
use crate::resources::GroupResource;
use crate::schema::crd;
use crate::state::State;
use crate::status::Result;
use crate::store::Key;

impl State {
    pub(super) fn definition(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let (group, plural) = (text(object, &["spec", "group"]), text(object, &["spec", "names", "plural"]));
        if at(object, &["metadata", "deletionTimestamp"]).is_some() {
            return Ok(());
        }
        let now = self.time();
        let mut conditions = list(object, &["status", "conditions"]).to_vec();
        let taken = self
            .registry
            .all()
            .find(|r| r.group == group && r.plural != plural && r.kind == text(object, &["spec", "names", "kind"]));
        if let Some(taken) = taken {
            let message = format!("{:?} is already in use", taken.kind);
            let condition =
                json!({"type": "NamesAccepted", "status": "False", "reason": "KindConflict", "message": message});
            set_condition(&mut conditions, condition, &now);
            let condition = json!({"type": "Established", "status": "False", "reason": "NotAccepted", "message": "not all names are accepted"});
            set_condition(&mut conditions, condition, &now);
            let mut status = object.get("status").cloned().unwrap_or_else(|| json!({}));
            set(&mut status, &["conditions"], conditions);
            return self.write_status(key, status, "kube-apiserver");
        }
        let resources = crd::resources(object);
        self.registry.install(group, plural, resources);
        for (kind, reason, message) in [
            ("NamesAccepted", "NoConflicts", "no conflicts found"),
            ("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ] {
            let condition = json!({"type": kind, "status": "True", "reason": reason, "message": message});
            set_condition(&mut conditions, condition, &now);
        }
        let mut stored: Vec<Value> = list(object, &["status", "storedVersions"]).to_vec();
        for version in list(object, &["spec", "versions"]) {
            let name = &version["name"];
            if version.get("storage") == Some(&Value::Bool(true)) && !stored.contains(name) {
                stored.push(name.clone());
            }
        }
        let status = json!({"conditions": conditions, "acceptedNames": at(object, &["spec", "names"]), "storedVersions": stored});
        self.write_status(key, status, "kube-apiserver")
    }

    /// Stops serving what a definition defined, and drops its objects.
    pub(super) fn forget_definition(&mut self, name: &str) {
        let Some((plural, group)) = name.split_once('.') else { return };
        let place = GroupResource::new(group, plural);
        let keys: Vec<Key> = self.store.list(&place, "").map(|((ns, n), _)| Key::new(&place, ns, n)).collect();
        for key in keys {
            self.drop_object(&key);
        }
        self.registry.install(group, plural, Vec::new());
    }
}
