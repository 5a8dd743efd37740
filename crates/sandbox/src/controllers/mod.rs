//! What a cluster does on its own: small stand-ins for the controllers, the scheduler and the kubelet.
//!
//! They look at objects that changed, one after the other, under the lock of the request that changed them, until nothing
//! changes any more; what takes time stands on an agenda until the clock says that it is due.

mod claim;
mod cron;
mod daemonset;
mod definition;
mod deployment;
mod garbage;
mod job;
mod namespace;
mod pod;
mod replicaset;
mod seed;
mod small;

pub(crate) use cron::schedule_problem;
mod statefulset;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::json::{at, list, set, text};
use crate::resources::{GroupResource, Resource};
use crate::state::{State, Writer};
use crate::status::Result;
use crate::store::Key;

/// Who the controllers are.
const MANAGER: &str = "kube-controller-manager";

/// How many looks a settling may take: what does not settle is left for the next one.
const MOST_LOOKS: usize = 100_000;

impl State {
    /// Lets the controllers look at what changed, until nothing changes any more.
    pub(crate) fn settle(&mut self) {
        self.take_due();
        for _ in 0..MOST_LOOKS {
            let Some(key) = self.dequeue() else { break };
            self.look(&key);
        }
    }

    fn look(&mut self, key: &Key) {
        let Some(object) = self.store.get(key) else {
            if key.place == GroupResource::new("apiextensions.k8s.io", "customresourcedefinitions") {
                self.forget_definition(&key.name);
            }
            return;
        };
        if self.collect_garbage(key, &object) {
            return;
        }
        // A controller that is refused has nothing to do here: the next change brings it back.
        let _ = self.reconcile(key, &object);
    }

    /// Has the controllers look at an object that changed, at its controller, and at others that want to know of it.
    pub(crate) fn changed(&mut self, key: &Key, object: &Value) {
        self.enqueue(key);
        for owner in list(object, &["metadata", "ownerReferences"]) {
            if owner.get("controller") == Some(&Value::Bool(true)) {
                self.enqueue_owner(&key.namespace, owner);
            }
        }
        let more: &[(&str, &str)] = match (key.place.group.as_str(), key.place.resource.as_str()) {
            ("", "pods") => &[("policy", "poddisruptionbudgets"), ("", "persistentvolumeclaims")],
            ("", "persistentvolumeclaims") => &[("", "pods")],
            ("", "serviceaccounts") => &[
                ("apps", "replicasets"),
                ("apps", "statefulsets"),
                ("apps", "daemonsets"),
                ("batch", "jobs"),
                ("", "replicationcontrollers"),
            ],
            ("", "services") => &[("apiregistration.k8s.io", "apiservices")],
            ("", "persistentvolumes") | ("storage.k8s.io", "storageclasses") => &[("", "persistentvolumeclaims")],
            _ => &[],
        };
        for (group, resource) in more {
            let place = GroupResource::new(group, resource);
            let namespace = if *group == "apiregistration.k8s.io" { "" } else { key.namespace.as_str() };
            let keys: Vec<Key> =
                self.store.list(&place, namespace).map(|((ns, name), _)| Key::new(&place, ns, name)).collect();
            for key in keys {
                self.enqueue(&key);
            }
        }
        if !key.namespace.is_empty()
            && self
                .get("", "namespaces", "", &key.namespace)
                .is_some_and(|n| at(&n, &["metadata", "deletionTimestamp"]).is_some())
        {
            self.enqueue(&Key::new(&GroupResource::new("", "namespaces"), "", &key.namespace));
        }
    }

    fn reconcile(&mut self, key: &Key, object: &Arc<Value>) -> Result<()> {
        let going = at(object, &["metadata", "deletionTimestamp"]).is_some();
        match (key.place.group.as_str(), key.place.resource.as_str()) {
            ("", "namespaces") => self.namespace(key, object),
            ("", "pods") => self.pod(key, object),
            ("", "persistentvolumeclaims") => self.claim(key, object),
            ("", "persistentvolumes") => self.volume(key, object),
            ("apiextensions.k8s.io", "customresourcedefinitions") => self.definition(key, object),
            _ if going => Ok(()),
            ("apps", "deployments") => self.deployment(key, object),
            ("apps", "replicasets") | ("", "replicationcontrollers") => self.replica_set(key, object),
            ("apps", "statefulsets") => self.stateful_set(key, object),
            ("apps", "daemonsets") => self.daemon_set(key, object),
            ("batch", "jobs") => self.job(key, object),
            ("batch", "cronjobs") => self.cron_job(key, object),
            ("", "services") => self.service(key, object),
            ("policy", "poddisruptionbudgets") => self.budget(key, object),
            ("apiregistration.k8s.io", "apiservices") => self.api_service(key, object),
            _ => Ok(()),
        }
    }

    /// The resource under which controllers write.
    fn resource_of(&self, place: &GroupResource) -> Option<Arc<Resource>> {
        self.registry.any_version(place)
    }

    /// Writes the status of an object, when it is another than before.
    fn write_status(&mut self, key: &Key, status: Value, manager: &str) -> Result<()> {
        let Some(object) = self.store.get(key) else { return Ok(()) };
        if object.get("status") == Some(&status) {
            return Ok(());
        }
        let mut next = (*object).clone();
        set(&mut next, &["status"], status);
        self.write(key, "status", next, manager)
    }

    /// Writes an object anew.
    fn write(&mut self, key: &Key, subresource: &str, object: Value, manager: &str) -> Result<()> {
        let Some(resource) = self.resource_of(&key.place) else { return Ok(()) };
        let object = self.in_version(&object, &resource);
        let object = crate::rest::normalize(&resource, &object)?;
        self.replace(&resource, key, subresource, object, &Writer::controller(manager), false)?;
        Ok(())
    }

    /// Makes an object that belongs to another.
    fn make(&mut self, place: &GroupResource, namespace: &str, object: Value, manager: &str) -> Result<()> {
        let Some(resource) = self.resource_of(place) else { return Ok(()) };
        let mut object = object;
        set(&mut object, &["apiVersion"], resource.api_version());
        set(&mut object, &["kind"], resource.kind.clone());
        let object = crate::rest::normalize(&resource, &object)?;
        self.create(&resource, namespace, object, &Writer::controller(manager), false)?;
        Ok(())
    }

    /// Deletes an object; one that is gone already is no problem.
    fn unmake(&mut self, key: &Key) {
        if let Some(resource) = self.resource_of(&key.place) {
            let options = crate::rest::DeleteOptions::default();
            let _ = self.delete(&resource, key, &options, &Writer::controller(MANAGER));
        }
    }

    /// Takes over the objects of a resource that fit an object's selector and that nobody controls, such as those that an
    /// owner has left behind.
    fn adopt(&mut self, owner: &Value, place: &GroupResource) -> Result<()> {
        let Some(selector) = at(owner, &["spec", "selector"]).filter(|s| s.get("matchLabels").is_some()) else {
            return Ok(());
        };
        let is_orphan = |object: &Value| {
            let labels = at(object, &["metadata", "labels"]);
            at(object, &["metadata", "deletionTimestamp"]).is_none()
                && list(object, &["metadata", "ownerReferences"])
                    .iter()
                    .all(|o| o.get("controller") != Some(&true.into()))
                && crate::selector::label_selector_matches(selector, labels)
        };
        let found = self.store.list(place, text(owner, &["metadata", "namespace"])).filter(|(_, o)| is_orphan(o));
        let found: Vec<(Key, Value)> =
            found.map(|((namespace, name), object)| (Key::new(place, namespace, name), Value::clone(object))).collect();
        for (key, mut object) in found {
            let mut owners = list(&object, &["metadata", "ownerReferences"]).to_vec();
            owners.extend(owner_reference(owner).as_array().cloned().unwrap_or_default());
            set(&mut object, &["metadata", "ownerReferences"], owners);
            self.write(&key, "", object, MANAGER)?;
        }
        Ok(())
    }

    /// The objects of a resource that an object controls.
    fn controlled(&self, owner: &Value, place: &GroupResource) -> Vec<(Key, Arc<Value>)> {
        self.store
            .dependents(text(owner, &["metadata", "uid"]))
            .into_iter()
            .filter(|k| k.place == *place)
            .filter_map(|k| self.store.get(&k).map(|o| (k, o)))
            .collect()
    }
}

/// The pods' place.
fn pods() -> GroupResource {
    GroupResource::new("", "pods")
}

/// A reference to the controller of an object.
fn owner_reference(owner: &Value) -> Value {
    json!([{
        "apiVersion": text(owner, &["apiVersion"]), "kind": text(owner, &["kind"]), "name": text(owner, &["metadata", "name"]),
        "uid": text(owner, &["metadata", "uid"]), "controller": true, "blockOwnerDeletion": true,
    }])
}

/// A pod from a template.
fn pod_of(owner: &Value, template: &Value) -> Value {
    let mut pod = json!({"metadata": {}, "spec": template.get("spec")});
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = at(template, &["metadata", key]).cloned() {
            set(&mut pod, &["metadata", key], value);
        }
    }
    set(&mut pod, &["metadata", "ownerReferences"], owner_reference(owner));
    pod
}

/// Whether a condition is `True`.
fn is_true(object: &Value, condition: &str) -> bool {
    list(object, &["status", "conditions"])
        .iter()
        .any(|c| text(c, &["type"]) == condition && text(c, &["status"]) == "True")
}

/// Whether a pod still counts: it has not ended and is not being deleted.
fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
        && at(pod, &["metadata", "deletionTimestamp"]).is_none()
}

/// Puts a condition into a list; its transition time only moves with its status.
fn set_condition(conditions: &mut Vec<Value>, mut condition: Value, now: &str) {
    let kind = text(&condition, &["type"]).to_owned();
    let old = conditions.iter().position(|c| text(c, &["type"]) == kind);
    let before = old.and_then(|i| conditions.get(i));
    let same = before.is_some_and(|b| b.get("status") == condition.get("status"));
    let since = if same { before.map_or(now, |b| text(b, &["lastTransitionTime"])) } else { now }.to_owned();
    set(&mut condition, &["lastTransitionTime"], since);
    match old.and_then(|i| conditions.get_mut(i)) {
        Some(slot) => *slot = condition,
        None => conditions.push(condition),
    }
}

/// Resolves a number or a percentage of a total.
fn resolve(value: Option<&Value>, total: i64, round_up: bool) -> i64 {
    match value {
        Some(Value::Number(n)) => n.as_i64().unwrap_or(0),
        Some(Value::String(s)) => {
            let percent: i64 = s.trim_end_matches('%').parse().unwrap_or(0);
            let product = percent * total;
            if round_up { (product + 99) / 100 } else { product / 100 }
        }
        _ => 0,
    }
}
