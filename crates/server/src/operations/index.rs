//! All listings, kept current by a watch: what this replica knows of the work of all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use api::{Problem, ReleaseRef};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use tokio::sync::watch;

use super::listing::{Indexed, OPERATION, id_of};
use crate::home::{Heard, Home, Keeper};
use crate::watch::News;

/// All listings by id, which is in order of time.
#[derive(Default)]
pub(crate) struct Index {
    state: RwLock<State>,
    synced: AtomicBool,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    all: BTreeMap<String, Indexed>,
    /// The version up to which the watch has told; what was only written here does not count.
    version: u64,
    /// What was forgotten here and is still to be heard of.
    removed: BTreeSet<String>,
}

impl Index {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether everything is known that there is.
    pub(crate) fn is_synced(&self) -> bool {
        self.synced.load(Ordering::Acquire)
    }

    /// Tells of changes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Takes in a listing, unless a newer one is known: our own writes come twice, the second time through the watch.
    pub(crate) fn put(&self, indexed: Indexed) {
        if self.write().put(indexed) {
            self.tell();
        }
    }

    /// Forgets a listing that was deleted here.
    pub(crate) fn remove(&self, id: &str) {
        {
            let mut state = self.write();
            if state.all.remove(id).is_some() {
                state.removed.insert(id.to_owned());
            }
        }
        self.tell();
    }

    /// Returns a listing.
    pub(crate) fn get(&self, id: &str) -> Option<Indexed> {
        self.read().all.get(id).cloned()
    }

    /// Returns those listings that are wanted, the oldest first.
    pub(crate) fn select(&self, wanted: impl Fn(&Indexed) -> bool) -> Vec<Indexed> {
        self.read().all.values().filter(|indexed| wanted(indexed)).cloned().collect()
    }

    /// Returns all listings in the order of their ids, and how far that goes.
    pub(crate) fn moment(&self) -> (Vec<Indexed>, News) {
        let state = self.read();
        let news = News { version: state.version, is_ahead: !state.removed.is_empty() };
        (state.all.values().cloned().collect(), news)
    }

    /// Returns what changes a release and is not done, the oldest first.
    pub(crate) fn of_release(&self, release: &ReleaseRef) -> Vec<Indexed> {
        self.select(|indexed| indexed.listing.release == *release && !indexed.listing.is_done())
    }

    /// Takes in all that there is.
    pub(crate) fn replace(&self, all: Vec<Indexed>) {
        self.write().replace(all);
        self.tell();
    }
}

impl State {
    fn put(&mut self, indexed: Indexed) -> bool {
        let known = self.all.get(&indexed.listing.id);
        let older = known.and_then(|known| Some(number(&indexed.version)? < number(&known.version)?));
        if older == Some(true) {
            return false;
        }
        self.all.insert(indexed.listing.id.clone(), indexed);
        true
    }

    fn replace(&mut self, all: Vec<Indexed>) {
        self.all = all.into_iter().map(|indexed| (indexed.listing.id.clone(), indexed)).collect();
        self.removed.clear();
    }

    fn came_to(&mut self, version: Option<&str>) {
        self.version = version.and_then(number).unwrap_or(self.version);
    }
}

impl Keeper for Index {
    type Kind = Lease;

    const LABEL: &'static str = OPERATION;
    const NAME: &'static str = "operations";

    fn objects(home: &Home) -> Result<Api<Lease>, Box<Problem>> {
        home.leases()
    }

    fn take(&self, heard: Heard<Lease>) {
        let is_lost = matches!(heard, Heard::Lost);
        {
            let mut state = self.write();
            match heard {
                Heard::All(leases, version) => {
                    state.replace(leases.iter().filter_map(Indexed::read).collect());
                    state.came_to(Some(&version));
                }
                Heard::There(lease) => {
                    if let Some(indexed) = Indexed::read(&lease) {
                        state.put(indexed);
                    }
                    state.came_to(lease.metadata.resource_version.as_deref());
                }
                Heard::Gone(lease) => {
                    if let Some(id) = lease.metadata.name.as_deref().and_then(id_of) {
                        state.all.remove(id);
                        state.removed.remove(id);
                    }
                    state.came_to(lease.metadata.resource_version.as_deref());
                }
                Heard::UpTo(version) => state.came_to(Some(&version)),
                Heard::Lost => {}
            }
        }
        self.synced.store(!is_lost, Ordering::Release);
        self.tell();
    }
}

fn number(version: &str) -> Option<u64> {
    version.parse().ok()
}
