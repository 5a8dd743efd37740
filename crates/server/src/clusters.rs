//! The clusters that the server knows, and how each is spoken to in a caller's name.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use engine::{Engine, Settings};

use crate::cache::Cache;
use crate::caller::Caller;

/// The name of the cluster that always exists.
pub(crate) const DEFAULT: &str = "default";

/// All clusters by name.
pub(crate) struct Clusters {
    /// What is the same for every cluster, and for what needs none.
    settings: Settings,
    all: RwLock<BTreeMap<String, Arc<Member>>>,
}

/// One cluster.
pub(crate) struct Member {
    pub(crate) name: String,
    /// What works in the server's own name.
    own: Arc<Engine>,
    /// Its releases, for lists.
    pub(crate) cache: Cache,
}

impl Clusters {
    /// Begins with the cluster that always exists.
    pub(crate) fn new(engine: Engine) -> Self {
        let settings = engine.settings().clone();
        let member = Member::new(DEFAULT, engine);
        Self { settings, all: RwLock::new([(DEFAULT.to_owned(), Arc::new(member))].into()) }
    }

    /// What is the same for every cluster, and for what needs none.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns a cluster.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Member>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Returns all clusters, ordered by name.
    pub(crate) fn all(&self) -> Vec<Arc<Member>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Member {
    /// Makes a cluster of what works in the server's own name.
    pub(crate) fn new(name: &str, engine: Engine) -> Self {
        let (engine, watched) = engine.followed();
        Self { name: name.to_owned(), own: Arc::new(engine), cache: Cache::new(name, watched) }
    }

    /// What works in the caller's name; in the server's own where nobody is asked who they are.
    pub(crate) fn engine(&self, caller: &Caller) -> Arc<Engine> {
        match caller.identity() {
            Some(identity) => Arc::new(self.own.on_behalf(identity)),
            None => self.own.clone(),
        }
    }

    /// What works in the server's own name, whoever asks.
    pub(crate) fn own(&self) -> &Arc<Engine> {
        &self.own
    }
}
