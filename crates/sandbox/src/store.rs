//! The objects, their versions, and what happened to them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::json::{list, set, text};
use crate::resources::GroupResource;
use crate::status::ApiError;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) place: GroupResource,
    /// Empty for objects of the cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(place: &GroupResource, namespace: &str, name: &str) -> Self {
        Self { place: place.clone(), namespace: namespace.into(), name: name.into() }
    }
}

/// A change of one object.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) key: Key,
    pub(crate) before: Option<Arc<Value>>,
    /// None when it was deleted.
    pub(crate) after: Option<Arc<Value>>,
    /// The object as the event shows it: the new one, or the last one with the revision of its deletion.
    pub(crate) object: Arc<Value>,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) objects: usize,
    pub(crate) bytes: usize,
    pub(crate) history: usize,
}

/// All objects of a sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    objects: BTreeMap<GroupResource, BTreeMap<(String, String), Arc<Value>>>,
    /// The dependents of an object, by its uid.
    owned: BTreeMap<String, BTreeSet<Key>>,
    uids: BTreeSet<String>,
    revision: u64,
    history: VecDeque<Arc<Change>>,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
    count: usize,
    bytes: usize,
    limits: Limits,
}

/// About how much memory a value takes.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(s) => 24 + s.len(),
        Value::Array(items) => 24 + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => 24 + map.iter().map(|(k, v)| 24 + k.len() + weight(v)).sum::<usize>(),
        _ => 24,
    }
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            objects: BTreeMap::new(),
            owned: BTreeMap::new(),
            uids: BTreeSet::new(),
            revision: 1,
            history: VecDeque::new(),
            forgotten: 0,
            count: 0,
            bytes: 0,
            limits,
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(&key.place)?.get(&(key.namespace.clone(), key.name.clone())).cloned()
    }

    /// The objects of a resource in the order of namespace and name, in one namespace or (empty) in all.
    pub(crate) fn list<'a>(
        &'a self,
        place: &GroupResource,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a (String, String), &'a Arc<Value>)> + 'a {
        let start = (namespace.to_owned(), String::new());
        self.objects
            .get(place)
            .into_iter()
            .flat_map(move |map| map.range(start.clone()..))
            .take_while(move |((ns, _), _)| namespace.is_empty() || ns == namespace)
    }

    /// The places that hold anything.
    pub(crate) fn places(&self) -> Vec<GroupResource> {
        self.objects.iter().filter(|(_, m)| !m.is_empty()).map(|(p, _)| p.clone()).collect()
    }

    pub(crate) fn has_uid(&self, uid: &str) -> bool {
        self.uids.contains(uid)
    }

    /// The objects that name `uid` as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Key> {
        self.owned.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Writes an object under a new revision.
    ///
    /// # Errors
    /// The sandbox is full.
    pub(crate) fn put(&mut self, key: &Key, mut object: Value) -> Result<Arc<Value>, ApiError> {
        let before = self.get(key);
        let added = weight(&object);
        let taken = before.as_ref().map_or(0, |b| weight(b));
        let count = self.count + usize::from(before.is_none());
        if count > self.limits.objects || self.bytes - taken.min(self.bytes) + added > self.limits.bytes {
            return Err(ApiError::new(
                507,
                "InsufficientStorage",
                "the sandbox is full: delete objects, or raise its limits",
            ));
        }
        self.count = count;
        self.bytes = self.bytes.saturating_sub(taken) + added;
        self.revision += 1;
        set(&mut object, &["metadata", "resourceVersion"], self.revision.to_string());
        if let Some(before) = &before {
            self.forget_owners(key, before);
        }
        for uid in owners(&object) {
            self.owned.entry(uid).or_default().insert(key.clone());
        }
        self.uids.insert(text(&object, &["metadata", "uid"]).to_owned());
        let object = Arc::new(object);
        self.objects
            .entry(key.place.clone())
            .or_default()
            .insert((key.namespace.clone(), key.name.clone()), Arc::clone(&object));
        self.note(Change {
            revision: self.revision,
            key: key.clone(),
            before,
            after: Some(Arc::clone(&object)),
            object: Arc::clone(&object),
        });
        Ok(object)
    }

    /// Takes an object away and returns it as its last event shows it.
    pub(crate) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.get_mut(&key.place)?.remove(&(key.namespace.clone(), key.name.clone()))?;
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(weight(&before));
        self.forget_owners(key, &before);
        self.uids.remove(text(&before, &["metadata", "uid"]));
        self.revision += 1;
        let mut last = (*before).clone();
        set(&mut last, &["metadata", "resourceVersion"], self.revision.to_string());
        let object = Arc::new(last);
        self.note(Change {
            revision: self.revision,
            key: key.clone(),
            before: Some(before),
            after: None,
            object: Arc::clone(&object),
        });
        Some(object)
    }

    /// The changes after a revision.
    pub(crate) fn since(&self, revision: u64) -> impl Iterator<Item = &Arc<Change>> {
        let start = self.history.partition_point(|c| c.revision <= revision);
        self.history.range(start..)
    }

    fn forget_owners(&mut self, key: &Key, object: &Value) {
        for uid in owners(object) {
            if let Some(set) = self.owned.get_mut(&uid) {
                set.remove(key);
                if set.is_empty() {
                    self.owned.remove(&uid);
                }
            }
        }
    }

    fn note(&mut self, change: Change) {
        self.history.push_back(Arc::new(change));
        while self.history.len() > self.limits.history {
            if let Some(old) = self.history.pop_front() {
                self.forgotten = old.revision;
            }
        }
    }
}

fn owners(object: &Value) -> Vec<String> {
    list(object, &["metadata", "ownerReferences"]).iter().map(|o| text(o, &["uid"]).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn store(objects: usize) -> Store {
        Store::new(Limits { objects, bytes: 1 << 20, history: 3 })
    }

    fn key(name: &str) -> Key {
        Key::new(&GroupResource::new("", "configmaps"), "a", name)
    }

    #[test]
    fn every_change_has_its_revision() {
        let mut store = store(2);
        let first = store.put(&key("x"), json!({"metadata": {"uid": "1"}})).unwrap();
        let second = store.put(&key("x"), json!({"metadata": {"uid": "1"}, "data": {}})).unwrap();
        assert_eq!(first["metadata"]["resourceVersion"], "2");
        assert_eq!(second["metadata"]["resourceVersion"], "3");
        assert_eq!(store.since(2).count(), 1);
        store.put(&key("y"), json!({})).unwrap();
        assert_eq!(store.put(&key("z"), json!({})).unwrap_err().code, 507);
        assert!(store.remove(&key("x")).is_some());
        assert!(!store.has_uid("1"));
        assert_eq!(store.forgotten(), 2);
        assert_eq!(store.list(&GroupResource::new("", "configmaps"), "a").count(), 1);
    }
}
