//! One cluster, and whether it answers.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use api::{ClusterCredentials, ClusterSource, EngineKind, Problem, Reason};
use engine::Engine;
use tiller::{Bridge, BridgeError};

use super::DEFAULT;
use crate::cache::Cache;
use crate::caller::Caller;
use crate::problems;

/// How long one that did not answer may take to show that it lives.
const PROBE: Duration = Duration::from_secs(3);
/// The pause between two looks at one that does not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// How a cluster is reached, as far as it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterInfo {
    /// The address of its API server.
    pub server: Option<String>,
    /// The context of the kubeconfig.
    pub context: Option<String>,
    /// How the server says who it is.
    pub credentials: Option<ClusterCredentials>,
}

/// One cluster.
pub(crate) struct Member {
    pub(crate) name: String,
    /// Tells it from another one that had the same name before.
    pub(crate) serial: u64,
    pub(crate) source: ClusterSource,
    pub(crate) info: ClusterInfo,
    /// What works in the server's own name. Of a Tiller it reads the releases, and what it asks Kubernetes it asks `default`.
    own: Arc<Engine>,
    /// The Tiller that does the work, where one does.
    tiller: Option<Bridge>,
    /// Its releases, for lists.
    pub(crate) cache: Cache,
    /// Why it counts as gone, as long as it does.
    down: RwLock<Option<Box<Problem>>>,
    is_probed: AtomicBool,
}

static SERIAL: AtomicU64 = AtomicU64::new(0);

impl Member {
    /// Makes a cluster of what works in the server's own name.
    pub(crate) fn new(name: &str, source: ClusterSource, info: ClusterInfo, engine: Engine) -> Self {
        let (engine, watched) = engine.followed();
        let address = info.server.as_deref().unwrap_or_default();
        let history = crate::watch::history(&[address, engine.ledger().driver()]);
        Self {
            name: name.to_owned(),
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            source,
            info,
            own: Arc::new(engine),
            tiller: None,
            cache: Cache::new(name, history, watched),
            down: RwLock::default(),
            is_probed: AtomicBool::new(false),
        }
    }

    /// Makes a cluster of a Tiller; the engine reads its releases, and asks `default` who may.
    pub(crate) fn of_tiller(name: &str, info: ClusterInfo, engine: Engine, bridge: Bridge) -> Self {
        Self { tiller: Some(bridge), ..Self::new(name, ClusterSource::Flag, info, engine) }
    }

    /// What does the work there.
    pub(crate) fn kind(&self) -> EngineKind {
        if self.tiller.is_some() { EngineKind::Tiller } else { EngineKind::Native }
    }

    /// Asks what version is there, Kubernetes' or Tiller's, which also tells whether it answers.
    pub(crate) async fn version(&self, time: Duration) -> Result<String, Box<Problem>> {
        let asked = async {
            match &self.tiller {
                None => {
                    let version = self.own.cluster().version().await;
                    version.map(|version| version.git_version).map_err(|error| problems::of(error.into()))
                }
                Some(bridge) => bridge.version().await.map_err(|error| of_bridge(&error)),
            }
        };
        tokio::time::timeout(time, asked).await.unwrap_or_else(|_| Err(problems::slow_cluster(time)))
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

    /// Why it is not worth asking, as long as it is not: it did not answer lately, and somebody looks whether it does again.
    pub(crate) fn down(&self) -> Option<Box<Problem>> {
        self.down.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_down(&self, problem: Option<Box<Problem>>) {
        *self.down.write().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Does something with the cluster, for a time; not at all while it counts as gone.
    pub(crate) async fn patiently<T>(
        self: &Arc<Self>,
        time: Duration,
        work: impl Future<Output = Result<T, Box<Problem>>>,
    ) -> Result<T, Box<Problem>> {
        if let Some(problem) = self.down() {
            return Err(problem);
        }
        let done = tokio::time::timeout(time, work).await.unwrap_or_else(|_| Err(problems::slow_cluster(time)));
        if let Err(problem) = &done {
            self.heard(problem);
        }
        done
    }

    /// Takes note of a problem: a cluster that cannot be reached is looked after, until it can.
    pub(crate) fn heard(self: &Arc<Self>, problem: &Problem) {
        // Without `default` nothing works anyway, and readiness tells.
        if problem.reason != Reason::ClusterUnreachable || self.name == DEFAULT {
            return;
        }
        if self.is_probed.swap(true, Ordering::AcqRel) {
            return;
        }
        let member = Arc::downgrade(self);
        tokio::spawn(async move {
            while let Some(member) = member.upgrade() {
                let problem = match member.version(PROBE).await {
                    Err(problem) if problem.reason == Reason::ClusterUnreachable => problem,
                    // What it says is not the point: it may have been slow only, or asked for too much.
                    _ => {
                        member.set_down(None);
                        member.is_probed.store(false, Ordering::Release);
                        return;
                    }
                };
                if member.down().is_none() {
                    tracing::warn!(cluster = member.name, detail = problem.detail, "a cluster does not answer");
                }
                member.set_down(Some(problem));
                drop(member);
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// What a Tiller that does not answer, or refuses, is to whoever asks.
fn of_bridge(error: &BridgeError) -> Box<Problem> {
    Box::new(Problem::new(Reason::ClusterUnreachable, error.to_string()))
}
