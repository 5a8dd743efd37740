//! What a sandbox is made of, behind one lock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::clock::rfc3339;
use crate::config::Config;
use crate::kinds::convert;
use crate::random::Random;
use crate::resources::{GroupResource, Registry, Resource, group_version, split_version};
use crate::schema::Type;
use crate::store::{Key, Limits, Store};

/// Everything that changes.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) random: Random,
    /// For uids alone, so that names are the same whatever objects there are beside.
    pub(crate) uids: Random,
    /// Objects that changed and that the controllers have not looked at.
    pub(crate) queue: VecDeque<Key>,
    queued: BTreeSet<Key>,
    /// Objects to look at again at a time.
    agenda: BTreeMap<(Timestamp, u64), Key>,
    agenda_next: u64,
    pub(crate) addresses: u32,
    /// What the pods wrote, as far as anybody wants to know.
    pub(crate) logs: BTreeMap<(String, String), String>,
}

/// Who writes, and how.
#[derive(Debug, Clone)]
pub(crate) struct Writer {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
}

impl Writer {
    /// A part of the sandbox itself.
    pub(crate) fn controller(manager: &str) -> Self {
        Self { manager: manager.into(), dry_run: false }
    }
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let limits = Limits { objects: config.max_objects, bytes: config.max_bytes, history: config.max_history };
        Self {
            store: Store::new(limits),
            registry: Registry::builtin(),
            random: Random::new(config.seed),
            uids: Random::new(config.seed.wrapping_add(1 << 32)),
            queue: VecDeque::new(),
            queued: BTreeSet::new(),
            agenda: BTreeMap::new(),
            agenda_next: 0,
            addresses: 0,
            logs: BTreeMap::new(),
            config,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    pub(crate) fn time(&self) -> String {
        rfc3339(self.now())
    }

    /// Has the controllers look at an object.
    pub(crate) fn enqueue(&mut self, key: &Key) {
        if self.queued.insert(key.clone()) {
            self.queue.push_back(key.clone());
        }
    }

    pub(crate) fn dequeue(&mut self) -> Option<Key> {
        let key = self.queue.pop_front()?;
        self.queued.remove(&key);
        Some(key)
    }

    /// Has the controllers look at an object at a time.
    pub(crate) fn enqueue_at(&mut self, at: Timestamp, key: &Key) {
        self.agenda_next += 1;
        self.agenda.insert((at, self.agenda_next), key.clone());
    }

    /// When the next thing is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.agenda.keys().next().map(|(at, _)| *at)
    }

    /// Moves what is due into the queue.
    pub(crate) fn take_due(&mut self) {
        let now = self.now();
        while let Some(entry) = self.agenda.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let key = entry.remove();
            self.enqueue(&key);
        }
    }

    pub(crate) fn get(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.store.get(&Key::new(&GroupResource::new(group, plural), namespace, name))
    }

    /// The object as a version shows it.
    pub(crate) fn in_version(&self, object: &Value, resource: &Resource) -> Value {
        convert::to_version(object, &resource.api_version()).unwrap_or_else(|| object.clone())
    }
}

/// The versions of one resource, for server-side apply.
pub(crate) struct ResourceVersions<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) place: GroupResource,
}

impl crate::apply::Versions for ResourceVersions<'_> {
    fn ty(&self, version: &str) -> Option<Type> {
        let (group, version) = split_version(version);
        if group != self.place.group {
            return None;
        }
        self.registry.find(group, version, &self.place.resource).map(|r| r.ty())
    }

    fn convert(&self, object: &Value, version: &str) -> Option<Value> {
        let (group, short) = split_version(version);
        self.registry.find(group, short, &self.place.resource)?;
        convert::to_version(object, &group_version(group, short))
    }
}
