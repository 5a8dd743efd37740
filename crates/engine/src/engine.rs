//! The engine: one caller's view of one cluster and its releases.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cluster::{Cluster, Identity};
use jiff::Timestamp;
use kube::Client;
use release::{Clock, History, Ledger, SecretLedger, Time, Watched};
use render::Resolve;
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::intent::{Intent, Target};
use crate::lock::Holder;
use crate::plan::{Plan, Stance};
use crate::template::Notice;

/// How many calls one change makes at the same time.
pub(crate) const PARALLEL: usize = 8;

/// How many renders a server at least does at a time: one that waits for the cluster takes a turn too.
const TURNS: usize = 8;

/// Helm's engine in the name of one caller; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(crate) cluster: Cluster,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
}

/// What is the same for every change.
#[derive(Clone, Default)]
pub struct Settings {
    /// What a render may use up; by default as much as it wants, as with Helm.
    pub limits: render::Limits,
    /// How long a render may take.
    pub time: Option<Duration>,
    /// How many renders there may be at a time; the others wait for their turn.
    pub turns: Option<Arc<Semaphore>>,
    /// Who this process is to others.
    pub holder: Holder,
    /// How old a pending revision of Helm must be to be taken for dead; never by default, since Helm leaves no sign of
    /// life and may be waiting for as long as it was told to.
    pub unlock_after: Option<Duration>,
    /// Who hears at once what a person should know about a chart; without anyone, plans hold it as warnings.
    pub notices: Option<Arc<dyn Fn(&Notice) + Send + Sync>>,
    /// Who hears how long each render took.
    pub rendered: Option<Arc<dyn Fn(Duration) + Send + Sync>>,
    /// The name service, for `getHostByName`.
    pub resolve: Option<Arc<dyn Resolve>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, time, turns, .. } = self;
        f.debug_struct("Settings").field("limits", limits).field("time", time).field("turns", turns).finish()
    }
}

impl Settings {
    /// For a server: templates are other people's programs, and none may take the others' share.
    #[must_use]
    pub fn guarded() -> Self {
        let limits = render::Limits {
            steps: Some(100_000_000),
            output: Some(64 << 20),
            memory: Some(512 << 20),
            ..render::Limits::default()
        };
        let turns =
            std::thread::available_parallelism().map_or(TURNS, |cores| cores.get().saturating_mul(2).max(TURNS));
        Self {
            limits,
            time: Some(Duration::from_secs(10)),
            turns: Some(Arc::new(Semaphore::new(turns))),
            ..Self::default()
        }
    }
}

impl Engine {
    /// Makes an engine that keeps releases in Secrets, as Helm does by default, and reads the system's clock.
    pub fn new(client: Client, settings: Settings) -> Self {
        let clock: Clock = Arc::new(Timestamp::now);
        let ledger = Arc::new(SecretLedger::new(client.clone(), Arc::clone(&clock)));
        Self::with_ledger(Cluster::new(client), ledger, clock, settings)
    }

    /// Makes an engine over any store of records and any clock.
    pub fn with_ledger(cluster: Cluster, ledger: Arc<dyn Ledger>, clock: Clock, settings: Settings) -> Self {
        Self { cluster, ledger, clock, settings }
    }

    /// The same engine in the name of somebody else, whom the cluster then allows or refuses what is done.
    #[must_use]
    pub fn on_behalf(&self, identity: &Identity) -> Self {
        let client = cluster::impersonate(self.cluster.client(), identity);
        let ledger = self.ledger.with_client(&client);
        Self { cluster: self.cluster.with_client(client), ledger, ..self.clone() }
    }

    /// The same engine, which reads records in its own name, and objects in that of another one.
    #[must_use]
    pub fn with_objects_of(&self, other: &Self) -> Self {
        Self { cluster: other.cluster.clone(), ..self.clone() }
    }

    /// The same engine, whose records can be followed: what it writes, for whomever, is known there at once.
    #[must_use]
    pub fn followed(self) -> (Self, Watched) {
        let watched = Watched::new(Arc::clone(&self.ledger));
        let ledger = watched.noting(Arc::clone(&self.ledger));
        (Self { ledger, ..self }, watched)
    }

    /// The same engine, whose calls to the cluster and renders are told to somebody.
    #[must_use]
    pub fn observed(self, calls: cluster::CallObserver, renders: Arc<dyn Fn(Duration) + Send + Sync>) -> Self {
        let client = cluster::observed(self.cluster.client(), calls);
        let ledger = self.ledger.with_client(&client);
        let settings = Settings { rendered: Some(renders), ..self.settings };
        Self { cluster: self.cluster.with_client(client), ledger, settings, ..self }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What is the same for every change.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The records.
    pub fn ledger(&self) -> &dyn Ledger {
        self.ledger.as_ref()
    }

    /// Reads what has to be known, and decides everything that an intent leads to. Changes nothing.
    ///
    /// # Errors
    /// Everything that can be known beforehand: see [`Error`].
    pub async fn plan(&self, intent: Intent) -> Result<Plan, Error> {
        match intent {
            Intent::Install(change) => self.plan_install(change).await,
            Intent::Upgrade(change) => self.plan_upgrade(change).await,
            Intent::Apply(change) => self.plan_apply(change).await,
            Intent::Rollback(rollback) => self.plan_rollback(rollback, Stance::Outside).await,
            Intent::Uninstall(uninstall) => self.plan_uninstall(uninstall, Stance::Outside).await,
            Intent::Unlock(unlock) => self.plan_unlock(unlock).await,
        }
    }

    /// The revisions of a release, after its name and the caller's expectation were checked.
    pub(crate) async fn checked_history(&self, target: &Target, expected: Option<u32>) -> Result<History, Error> {
        release::validate_name(&target.name).map_err(|source| Error::Name { name: target.name.clone(), source })?;
        let history = self.ledger.history(&target.namespace, &target.name).await?;
        let actual = history.last().map_or(0, |head| head.key.revision);
        match expected {
            Some(expected) if expected != actual => Err(Error::RevisionMismatch { expected, actual }),
            _ => Ok(history),
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::from((self.clock)())
    }
}
