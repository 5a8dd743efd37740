//! From Tiller's records to Helm 4's.
//!
//! What happens to one release, in this order, so that it may stop anywhere and be done again: the older revisions are written,
//! the oldest first; live objects are marked as the release's own, which changes nothing that they do; the newest revision is
//! written, and from then on Helm 4 can upgrade; Tiller's newest record is marked as brought over. Until the newest is there Helm 4 has
//! nothing that it could act on, and once Tiller's record is marked nothing is done again. Tiller's records stay until
//! [`Migration::cleanup`].

mod cleanup;
mod objects;
mod run;
mod survey;

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::Cluster;
use futures::StreamExt;
use release::{Clock, Ledger, Status};
use serde::Serialize;

pub use cleanup::Cleaned;

use crate::error::Error;
use crate::store::{Head, Store};

/// How many releases are worked on at once; each has a record or two in memory.
const PARALLEL: usize = 4;

/// What is wanted of a migration.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Which releases; none are all.
    pub names: Vec<String>,
    /// How many revisions of each, the newest ones; `None` for all.
    pub revisions: Option<usize>,
}

/// Where a release stands on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// There is something to do.
    Pending,
    /// It was brought over before.
    Done,
    /// It cannot be brought over, and this is why.
    Blocked(String),
}

/// What is done to one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A record is written.
    Write,
    /// The record that an earlier try has left is brought up to date.
    Update,
    /// The record is there.
    There,
}

/// What would be done to one release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Planned {
    /// The release.
    pub name: String,
    /// Its namespace, where Helm 4 keeps its records; empty when no record of it can be read.
    pub namespace: String,
    /// Where it stands.
    pub standing: Standing,
    /// Each revision that would be there afterwards, with its status, the oldest first.
    pub revisions: BTreeMap<u32, (Status, Step)>,
    /// How many live objects would be marked as the release's own.
    pub adopted: usize,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What became of one release.
#[derive(Debug)]
pub struct Migrated {
    /// The release.
    pub name: String,
    /// What was done, or why it was not.
    pub outcome: Result<Planned, Error>,
}

/// Brings releases of a Tiller over to Helm 4, in one cluster, in the name of one caller.
#[derive(Clone)]
pub struct Migration {
    store: Store,
    ledger: Arc<dyn Ledger>,
    cluster: Cluster,
    clock: Clock,
}

impl Migration {
    /// From a Tiller's records to a ledger of the same cluster.
    pub fn new(store: Store, ledger: Arc<dyn Ledger>, cluster: Cluster, clock: Clock) -> Self {
        Self { store, ledger, cluster, clock }
    }

    /// Finds out what would be done, and changes nothing.
    ///
    /// # Errors
    /// When Tiller's records cannot be listed, or a release that is asked for is not among them.
    pub async fn plan(&self, wanted: &Wanted) -> Result<Vec<Migrated>, Error> {
        self.each(wanted, |name, heads| async move {
            let outcome = self.look(&name, &heads, wanted.revisions).await;
            Migrated { name, outcome }
        })
        .await
    }

    /// Brings releases over, and tells of each as soon as it is done; what stands in the way of one does not stop the others.
    ///
    /// # Errors
    /// As [`Self::plan`].
    pub async fn run(&self, wanted: &Wanted, tell: &(dyn Fn(&Migrated) + Sync)) -> Result<Vec<Migrated>, Error> {
        self.each(wanted, |name, heads| async move {
            let outcome = self.bring(&name, &heads, wanted.revisions).await;
            let migrated = Migrated { name, outcome };
            tell(&migrated);
            migrated
        })
        .await
    }

    /// Finds out what would be done to one release.
    async fn look(&self, name: &str, heads: &[Head], newest: Option<usize>) -> Result<Planned, Error> {
        let mut survey = self.survey(name, heads, newest).await?;
        self.adopt(&mut survey, true).await?;
        Ok(survey.planned)
    }

    /// Does something for each release that is wanted, some at once; the answers by name.
    async fn each<T, F>(&self, wanted: &Wanted, work: impl Fn(String, Vec<Head>) -> F) -> Result<Vec<T>, Error>
    where
        F: Future<Output = T>,
    {
        let mut releases: BTreeMap<String, Vec<Head>> = BTreeMap::new();
        for head in self.store.heads(None).await? {
            releases.entry(head.name.clone()).or_default().push(head);
        }
        if let Some(name) = wanted.names.iter().find(|name| !releases.contains_key(*name)) {
            return Err(Error::NoRelease(name.clone()));
        }
        releases.retain(|name, _| wanted.names.is_empty() || wanted.names.contains(name));
        Ok(futures::stream::iter(releases).map(|(name, heads)| work(name, heads)).buffered(PARALLEL).collect().await)
    }
}
