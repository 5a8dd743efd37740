//! Repositories that the server knows, and the charts that come from them.
//!
//! They come from Secrets in the server's own namespace (`store`), which every replica watches (`keep`), and are `live` in memory. What
//! callers have written leads the server to other machines, so it is read with suspicion (`settings`) and followed by one guarded client
//! (`fetch`). What a repository has is a `catalog`, which `refresh` keeps current; `archives` and `oci` bring charts, `cache` and `loaded`
//! keep them.

mod archives;
mod cache;
mod catalog;
mod fetch;
mod keep;
mod live;
mod loaded;
mod oci;
mod places;
mod problems;
mod refresh;
mod settings;
mod store;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use api::{Problem, Reason, RepositoryKind};
use bytes::Bytes;
use k8s_openapi::api::core::v1::Secret;

use self::cache::Cache;
use self::fetch::Client;
use self::loaded::LoadedCharts;
use self::places::Places;
use crate::config::{Clock, Config};
use crate::home::{Home, is_newer};
use crate::hosts::Hosts;

pub(crate) use catalog::{Catalog, Row, fitting, sort_key};
pub(crate) use keep::keep;
pub(crate) use live::Live;
pub(crate) use problems::{missing, wrong_parameter};
pub(crate) use settings::Settings;
pub(crate) use store::{Stored, tag};

/// How much memory loaded charts may take.
const LOADED: usize = 128 << 20;

/// The repositories; clones share them.
#[derive(Clone)]
pub(crate) struct Repositories(Arc<Inner>);

#[doc(hidden)]
pub(crate) struct Inner {
    home: Home,
    all: RwLock<BTreeMap<String, Arc<Live>>>,
    places: Places,
    /// Whether the watch has told which there are.
    looked: AtomicBool,
    client: Client,
    cache: Arc<Cache>,
    loaded: LoadedCharts,
    interval: Duration,
    /// The largest archive.
    largest: u64,
    largest_index: u64,
    hosts: Hosts,
    now: Clock,
}

impl Deref for Repositories {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A chart that was fetched.
#[derive(Clone)]
pub(crate) struct Fetched {
    /// The SHA-256 of the archive, as `sha256:…`.
    pub(crate) digest: String,
    pub(crate) archive: Bytes,
    pub(crate) loaded: Arc<chart::Chart>,
}

impl Repositories {
    pub(crate) fn new(config: &Config, home: Home) -> Self {
        Self(Arc::new(Inner {
            home,
            all: RwLock::default(),
            places: Places::new(&config.registries),
            looked: AtomicBool::new(false),
            client: Client::new(&config.repository_hosts),
            hosts: config.repository_hosts.clone(),
            cache: Arc::new(Cache::new(config.cache.clone(), config.cache_size)),
            loaded: LoadedCharts::new(LOADED),
            interval: config.refresh_interval,
            largest: config.limits.chart_bytes as u64,
            largest_index: config.limits.index_bytes as u64,
            now: config.now.clone(),
        }))
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Arc<Live>>> {
        self.all.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that are known, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    fn known(&self, name: &str) -> Option<Arc<Live>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Finds a repository; one that the watch has not told of yet may be there all the same.
    pub(crate) async fn find(&self, name: &str) -> Result<Arc<Live>, Box<Problem>> {
        if let Some(live) = self.known(name) {
            return Ok(live);
        }
        if !is_name(name) {
            return Err(missing(name));
        }
        let secret = self.home.repository(name).await?.ok_or_else(|| missing(name))?;
        self.take_in(&secret);
        self.known(name).ok_or_else(|| missing(name))
    }

    /// Makes sure that it is known which there are: where the watch has not told of any yet, they are listed.
    pub(crate) async fn first_look(&self) -> Result<(), Box<Problem>> {
        if !self.looked.load(Ordering::Acquire) {
            let (all, version) = self.home.repositories().await?;
            self.replace(all.iter().filter_map(Stored::read).collect(), &version);
        }
        Ok(())
    }

    /// Refuses to follow settings that the API would not have taken: Secrets may be written by other means.
    fn check(&self, live: &Live) -> Result<(), Box<Problem>> {
        let faults = live.settings.faults(&self.hosts);
        if faults.is_empty() {
            return Ok(());
        }
        let text = faults
            .into_iter()
            .map(|fault| format!("`{}`: {}", fault.pointer.unwrap_or_default().trim_start_matches('/'), fault.detail));
        let text =
            format!("the Secret of repository `{}` cannot be used: {}", live.name, text.collect::<Vec<_>>().join("; "));
        Err(Box::new(Problem::new(Reason::RepositoryForbidden, text)))
    }

    /// Takes in a Secret that was just read or written, before the watch tells of it.
    pub(crate) fn take_in(&self, secret: &Secret) {
        if let Some(stored) = Stored::read(secret) {
            self.put(stored);
        }
    }

    /// Takes in what a Secret says, unless a newer version of it is known.
    fn put(&self, stored: Stored) {
        let mut all = self.write();
        let gone = match all.get(&stored.name) {
            Some(live) if !is_newer(&stored.version, &live.version()) => return,
            // Somebody has touched the Secret, or noted something: what is known of the repository stays.
            Some(live) if live.tag == stored.tag => return live.note(stored.version, stored.status),
            other => other.cloned(),
        };
        all.insert(stored.name.clone(), Arc::new(Live::new(stored)));
        drop(all);
        self.forget(gone);
    }

    /// Forgets a repository whose Secret is gone.
    pub(crate) fn remove(&self, name: &str) {
        let gone = self.write().remove(name);
        self.forget(gone);
    }

    /// Takes in all Secrets as they were at a version.
    fn replace(&self, all: Vec<Stored>, version: &str) {
        for live in self.all() {
            // What this replica has written since is not in the list.
            if all.iter().all(|stored| stored.name != live.name) && !is_newer(&live.version(), version) {
                self.remove(&live.name);
            }
        }
        all.into_iter().for_each(|stored| self.put(stored));
    }

    /// Removes what the cache has of a repository as it was.
    fn forget(&self, gone: Option<Arc<Live>>) {
        if let (Some(live), Ok(runtime)) = (gone, tokio::runtime::Handle::try_current()) {
            let cache = Arc::clone(&self.cache);
            drop(runtime.spawn_blocking(move || cache.forget(&refresh::cache_name(&live))));
        }
    }

    /// The versions of a chart, the newest first.
    pub(crate) async fn rows(&self, live: &Arc<Live>, chart: &str) -> Result<Vec<Row>, Box<Problem>> {
        self.check(live)?;
        let rows = match live.settings.kind() {
            RepositoryKind::Http => self.catalog(live).await?.versions(&live.settings.url, chart),
            RepositoryKind::Oci => self.tagged(live, chart).await?,
        };
        rows.filter(|rows| !rows.is_empty()).ok_or_else(|| problems::no_chart(&live.name, chart))
    }

    /// The version that is wanted: that very one, or the newest that fits; `latest` is the newest stable one.
    pub(crate) async fn row(&self, live: &Arc<Live>, chart: &str, version: &str) -> Result<Row, Box<Problem>> {
        if live.settings.kind() == RepositoryKind::Oci && chart::semver::Version::parse_strict(version).is_ok() {
            // A registry need not list its tags for that.
            self.check(live)?;
            let place = live.settings.reference(chart).ok_or_else(|| problems::no_chart(&live.name, chart))?;
            let is_tag = place.with_version(version).is_ok();
            let row = Some(Row::tagged(&live.settings.url, chart, version)).filter(|_| is_tag);
            return row.ok_or_else(|| problems::no_version(&live.name, chart, version));
        }
        let rows = self.rows(live, chart).await?;
        match catalog::pick(&rows, version) {
            Ok(found) => found.ok_or_else(|| problems::no_version(&live.name, chart, version)),
            Err(text) => Err(wrong_parameter("version", text)),
        }
    }

    /// What is known of a version; a registry is asked for more than its list of tags tells.
    pub(crate) async fn details(&self, live: &Arc<Live>, row: Row) -> Result<Row, Box<Problem>> {
        match live.settings.kind() {
            RepositoryKind::Http => Ok(row),
            RepositoryKind::Oci => self.described(live, row).await,
        }
    }

    /// The provenance file of a version, if it has one.
    pub(crate) async fn provenance(
        &self,
        repository: &str,
        chart: &str,
        version: &str,
    ) -> Result<Option<Vec<u8>>, Box<Problem>> {
        let live = self.find(repository).await?;
        let row = self.row(&live, chart, version).await?;
        self.proof(&live, &row).await
    }

    /// A chart from a repository that is kept here.
    pub(crate) async fn chart(&self, repository: &str, name: &str, version: &str) -> Result<Fetched, Box<Problem>> {
        let live = self.find(repository).await?;
        let row = self.row(&live, name, version).await?;
        self.fetched(&live, &row).await
    }
}

/// Tells whether a name is one that a repository can have: a DNS label.
pub(crate) fn is_name(name: &str) -> bool {
    crate::ctx::check_namespace(name).is_ok()
}
