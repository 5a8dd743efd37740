//! The clusters that the server knows, and how each is spoken to in a caller's name.
//!
//! `default` always exists and is where the server keeps what is its own. Others come from flags (`App::with_cluster`) and from
//! Secrets in the server's own namespace (`store`), which every replica watches (`keep`). Their kubeconfigs are what callers have
//! written, so they are read with suspicion (`kubeconfig`, `crate::hosts`) and spoken to with little patience (`connect`, `member`).

mod connect;
mod keep;
mod kubeconfig;
mod member;
mod store;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use api::ClusterSource;
use engine::{Engine, Settings};
use release::{ConfigMapLedger, SecretLedger};
use tiller::{Bridge, BridgeLedger};
use tokio::sync::watch;

use crate::config::Clock;
use crate::home::is_newer;
use crate::hosts::Hosts;
use crate::metrics::Metrics;

pub use connect::patient;
pub(crate) use keep::keep;
pub(crate) use kubeconfig::{read as read_kubeconfig, tree_of};
pub use member::ClusterInfo;
pub(crate) use member::Member;
pub(crate) use store::{Stored, check as check_client};

/// The name of the cluster that always exists.
pub(crate) const DEFAULT: &str = "default";

/// All clusters by name.
pub(crate) struct Clusters {
    /// What is the same for every cluster, and for what needs none.
    settings: Settings,
    maker: Maker,
    all: RwLock<BTreeMap<String, Known>>,
    /// Counts what has changed, for whoever waits.
    changed: watch::Sender<u64>,
    /// Whether the Secrets were read, or could not be.
    looked: watch::Sender<bool>,
    /// Whether anybody reads them.
    is_kept: AtomicBool,
}

/// What engines of further clusters are made with.
pub(crate) struct Maker {
    pub(crate) hosts: Hosts,
    pub(crate) now: Clock,
    pub(crate) metrics: Metrics,
}

/// A cluster, and the version of the Secret that it is from.
#[derive(Clone)]
struct Known {
    state: State,
    version: Option<String>,
    /// What stands for all that the Secret says.
    digest: Option<[u8; 32]>,
}

/// How a cluster stands.
#[derive(Clone)]
pub(crate) enum State {
    /// It can be spoken to, or that can at least be tried.
    Ready(Arc<Member>),
    /// What its Secret says cannot be followed, and why.
    Broken(Arc<str>),
}

/// Why a name is none for a further cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterName {
    /// It is no DNS label.
    #[error(
        "`{0}` is no name of a cluster: lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit"
    )]
    Invalid(String),
    /// There is a cluster of this name.
    #[error("there is a cluster `{0}` already")]
    Taken(String),
}

impl Clusters {
    /// Begins with the cluster that always exists.
    pub(crate) fn new(engine: Engine, maker: Maker) -> Self {
        let settings = engine.settings().clone();
        let member = Member::new(DEFAULT, ClusterSource::Default, ClusterInfo::default(), engine);
        let known = Known { state: State::Ready(Arc::new(member)), version: None, digest: None };
        Self {
            settings,
            maker,
            all: RwLock::new([(DEFAULT.to_owned(), known)].into()),
            changed: watch::Sender::new(0),
            looked: watch::Sender::new(false),
            is_kept: AtomicBool::new(false),
        }
    }

    /// What is the same for every cluster, and for what needs none.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Where further clusters may be.
    pub(crate) fn hosts(&self) -> &Hosts {
        &self.maker.hosts
    }

    fn lock(&self) -> RwLockReadGuard<'_, BTreeMap<String, Known>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Known>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a cluster that can be spoken to.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Member>> {
        match self.find(name)? {
            State::Ready(member) => Some(member),
            State::Broken(_) => None,
        }
    }

    /// Returns a cluster, however it stands.
    pub(crate) fn find(&self, name: &str) -> Option<State> {
        self.lock().get(name).map(|known| known.state.clone())
    }

    /// Returns the version of the Secret that a cluster is from.
    pub(crate) fn version(&self, name: &str) -> Option<String> {
        self.lock().get(name).and_then(|known| known.version.clone())
    }

    /// Returns all clusters that can be spoken to, ordered by name.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        let ready = |known: &Known| match &known.state {
            State::Ready(member) => Some(member.clone()),
            State::Broken(_) => None,
        };
        self.lock().values().filter_map(ready).collect()
    }

    /// Returns the names of those that cannot be spoken to, and why not.
    pub(crate) fn broken(&self) -> Vec<(String, Arc<str>)> {
        let broken = |(name, known): (&String, &Known)| match &known.state {
            State::Ready(_) => None,
            State::Broken(text) => Some((name.clone(), text.clone())),
        };
        self.lock().iter().filter_map(broken).collect()
    }

    /// Whoever waits for clusters to come and go.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Tells whether the Secrets are about to be read for the first time.
    pub(crate) fn is_blind(&self) -> bool {
        self.is_kept.load(Ordering::Acquire) && !*self.looked.borrow()
    }

    /// Tells whether it is known which clusters there are.
    pub(crate) fn are_known(&self) -> bool {
        *self.looked.borrow()
    }

    /// Waits until the Secrets were read or could not be, for a time.
    pub(crate) async fn looked(&self, time: Duration) {
        let mut looked = self.looked.subscribe();
        let _ = tokio::time::timeout(time, looked.wait_for(|looked| *looked)).await;
    }

    /// Adds a cluster that a flag names.
    pub(crate) fn add(&self, name: &str, engine: Engine, info: ClusterInfo) -> Result<(), ClusterName> {
        if !is_name(name) {
            return Err(ClusterName::Invalid(name.to_owned()));
        }
        let member = Member::new(name, ClusterSource::Flag, info, self.maker.observe(engine));
        let mut all = self.write();
        if all.contains_key(name) {
            return Err(ClusterName::Taken(name.to_owned()));
        }
        all.insert(name.to_owned(), Known { state: State::Ready(Arc::new(member)), version: None, digest: None });
        Ok(())
    }

    /// Adds a Tiller that a flag names; who may read its releases is asked of `default`.
    pub(crate) fn add_tiller(&self, name: &str, bridge: Bridge) -> Result<(), ClusterName> {
        if !is_name(name) {
            return Err(ClusterName::Invalid(name.to_owned()));
        }
        let Some(home) = self.get(DEFAULT) else { return Err(ClusterName::Invalid(name.to_owned())) };
        let ledger = Arc::new(BridgeLedger::new(bridge.clone()));
        let cluster = home.own().cluster().clone();
        let engine = Engine::with_ledger(cluster, ledger, self.maker.now.clone(), self.settings.clone());
        let info = ClusterInfo { server: Some(bridge.address().to_owned()), ..ClusterInfo::default() };
        let member = Member::of_tiller(name, info, engine, bridge);
        let mut all = self.write();
        if all.contains_key(name) {
            return Err(ClusterName::Taken(name.to_owned()));
        }
        all.insert(name.to_owned(), Known { state: State::Ready(Arc::new(member)), version: None, digest: None });
        Ok(())
    }

    /// Takes in what a Secret says, unless a newer version of it is known.
    pub(crate) fn put(&self, stored: &Stored) {
        let name = &stored.name;
        {
            let all = self.lock();
            match all.get(name) {
                Some(Known { version: None, .. }) => {
                    tracing::warn!(name, "a Secret names a cluster that was named by a flag; the flag counts");
                    return;
                }
                Some(Known { version: Some(known), .. }) if !is_newer(&stored.version, known) => return,
                _ => {}
            }
        }
        let digest = Some(stored.digest());
        if let Some(known) = self.write().get_mut(name).filter(|known| known.digest == digest) {
            // Somebody has touched the Secret: what is known of the cluster stays, and so do its streams.
            known.version = Some(stored.version.clone());
            return;
        }
        // Certificates are parsed here, which nobody has to wait for.
        let state = match stored.engine(&self.maker, &self.settings, self.is_in_config_maps()) {
            Ok((engine, info)) => {
                State::Ready(Arc::new(Member::new(name, ClusterSource::Secret, info, self.maker.observe(engine))))
            }
            Err(text) => {
                tracing::warn!(name, text, "a Secret names a cluster that cannot be used");
                State::Broken(text.into())
            }
        };
        let known = Known { state, version: Some(stored.version.clone()), digest };
        {
            let mut all = self.write();
            let older = all.get(name).is_some_and(|there| match &there.version {
                Some(version) => !is_newer(&stored.version, version),
                None => true,
            });
            if older {
                return;
            }
            all.insert(name.clone(), known);
        }
        self.tell();
    }

    /// Forgets a cluster whose Secret is gone.
    pub(crate) fn remove(&self, name: &str) {
        let gone = {
            let mut all = self.write();
            let is_of_secret = all.get(name).is_some_and(|known| known.version.is_some());
            is_of_secret && all.remove(name).is_some()
        };
        if gone {
            self.maker.metrics.forget_cache(name);
            self.tell();
        }
    }

    /// Takes in all Secrets as they were at a version.
    pub(crate) fn replace(&self, all: &[Stored], version: &str) {
        let names: Vec<String> = self.lock().keys().cloned().collect();
        for name in names.iter().filter(|name| all.iter().all(|stored| stored.name != **name)) {
            // What this replica has written since is not in the list.
            if self.version(name).is_some_and(|known| !is_newer(&known, version)) {
                self.remove(name);
            }
        }
        all.iter().for_each(|stored| self.put(stored));
        self.looked.send_replace(true);
    }

    /// Notes that the Secrets could not be read, so that nobody waits for them.
    fn gave_up(&self) {
        self.looked.send_replace(true);
    }

    /// Whether records are kept in ConfigMaps. A further cluster keeps its own records as `default` does; a database would mix those of
    /// different clusters up, so that Secrets take its place.
    fn is_in_config_maps(&self) -> bool {
        self.get(DEFAULT).is_some_and(|member| member.own().ledger().driver() == "ConfigMap")
    }
}

impl Maker {
    fn observe(&self, engine: Engine) -> Engine {
        engine.observed(self.metrics.calls(), self.metrics.renders())
    }

    /// What works on a further cluster over a client.
    fn engine(&self, client: kube::Client, settings: &Settings, in_config_maps: bool) -> Engine {
        let ledger: Arc<dyn release::Ledger> = if in_config_maps {
            Arc::new(ConfigMapLedger::new(client.clone(), self.now.clone()))
        } else {
            Arc::new(SecretLedger::new(client.clone(), self.now.clone()))
        };
        Engine::with_ledger(cluster::Cluster::new(client), ledger, self.now.clone(), settings.clone())
    }
}

/// Tells whether a name is one that a cluster can have: a DNS label.
pub(crate) fn is_name(name: &str) -> bool {
    crate::ctx::check_namespace(name).is_ok()
}
