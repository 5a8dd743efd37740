//! All listings, kept current by a watch: what this replica knows of the work of all.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use api::{Problem, ReleaseRef};
use futures::TryStreamExt;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use tokio::sync::watch;

use super::listing::{Indexed, OPERATION, id_of};
use crate::home::{Home, KIND, problem_of};

/// The pause after a watch that failed, and the longest one.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);
/// How long one watch goes on before it is begun anew.
const WATCH_SECONDS: u32 = 280;
/// A watch that says nothing for so long is dead: the API server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(100);

/// All listings by id, which is in order of time.
#[derive(Default)]
pub(crate) struct Index {
    all: RwLock<BTreeMap<String, Indexed>>,
    synced: AtomicBool,
    changed: watch::Sender<u64>,
}

impl Index {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Indexed>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Indexed>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
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
        let number = |version: &str| version.parse::<u64>().ok();
        {
            let mut all = self.write();
            let known = all.get(&indexed.listing.id);
            let older = known.and_then(|known| Some(number(&indexed.version)? < number(&known.version)?));
            if older == Some(true) {
                return;
            }
            all.insert(indexed.listing.id.clone(), indexed);
        }
        self.tell();
    }

    /// Forgets a listing.
    pub(crate) fn remove(&self, id: &str) {
        self.write().remove(id);
        self.tell();
    }

    /// Returns a listing.
    pub(crate) fn get(&self, id: &str) -> Option<Indexed> {
        self.read().get(id).cloned()
    }

    /// Returns those listings that are wanted, the oldest first.
    pub(crate) fn select(&self, wanted: impl Fn(&Indexed) -> bool) -> Vec<Indexed> {
        self.read().values().filter(|indexed| wanted(indexed)).cloned().collect()
    }

    /// Returns what changes a release and is not done, the oldest first.
    pub(crate) fn of_release(&self, release: &ReleaseRef) -> Vec<Indexed> {
        self.select(|indexed| indexed.listing.release == *release && !indexed.listing.is_done())
    }

    /// Takes in all that there is.
    pub(crate) fn replace(&self, all: Vec<Indexed>) {
        *self.write() = all.into_iter().map(|indexed| (indexed.listing.id.clone(), indexed)).collect();
        self.tell();
    }

    /// Keeps it current, for as long as it is polled.
    pub(crate) async fn keep(&self, home: &Home) {
        let mut pause = PAUSE;
        loop {
            match self.follow(home).await {
                Ok(()) => pause = PAUSE,
                Err(problem) => {
                    self.synced.store(false, Ordering::Release);
                    tracing::warn!(
                        reason = problem.reason.as_str(),
                        detail = problem.detail,
                        "operations are not watched"
                    );
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    /// Lists once and watches until the watch ends.
    async fn follow(&self, home: &Home) -> Result<(), Box<Problem>> {
        let leases: Api<Lease> = home.leases()?;
        let labels = format!("{KIND}={OPERATION}");
        let listed = leases.list(&ListParams::default().labels(&labels)).await.map_err(|e| home.refused(e))?;
        let mut version = listed.metadata.resource_version.unwrap_or_default();
        self.replace(listed.items.iter().filter_map(Indexed::read).collect());
        self.synced.store(true, Ordering::Release);
        loop {
            let params = WatchParams::default().labels(&labels).timeout(WATCH_SECONDS);
            let mut events = pin!(leases.watch(&params, &version).await.map_err(|e| home.refused(e))?);
            while let Ok(event) = tokio::time::timeout(SILENCE, events.try_next()).await {
                let Some(event) = event.map_err(problem_of)? else { break };
                match event {
                    WatchEvent::Added(lease) | WatchEvent::Modified(lease) => {
                        version = lease.metadata.resource_version.clone().unwrap_or(version);
                        if let Some(indexed) = Indexed::read(&lease) {
                            self.put(indexed);
                        }
                    }
                    WatchEvent::Deleted(lease) => {
                        version = lease.metadata.resource_version.clone().unwrap_or(version);
                        if let Some(id) = lease.metadata.name.as_deref().and_then(id_of) {
                            self.remove(id);
                        }
                    }
                    WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                    // Too old to go on from: everything is listed again.
                    WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                    WatchEvent::Error(status) => return Err(problem_of(kube::Error::Api(status))),
                }
            }
            // One that ends at once is not to be opened a thousand times a second.
            tokio::time::sleep(PAUSE).await;
        }
    }
}
