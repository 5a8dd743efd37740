//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::Engine;

use crate::access::Access;
use crate::auth::Authenticator;
use crate::clusters::{ClusterInfo, ClusterName, Clusters, Maker};
use crate::config::Config;
use crate::home::Home;
use crate::limits::Limiter;
use crate::metrics::Metrics;
use crate::operations::Operations;
use crate::repositories::Repositories;
use crate::uploads::Uploads;

/// How long operations wait until it is known which clusters there are.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// The server's state; clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

#[doc(hidden)]
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) clusters: Arc<Clusters>,
    pub(crate) home: Home,
    pub(crate) uploads: Uploads,
    pub(crate) repositories: Repositories,
    pub(crate) operations: Operations,
    /// Finds out who asks; nothing where everybody is answered.
    pub(crate) authenticator: Option<Authenticator>,
    pub(crate) access: Access,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) metrics: Metrics,
    /// Turns true when the server ends, so that streams do.
    pub(crate) ending: tokio::sync::watch::Sender<bool>,
}

impl App {
    /// Makes the state of a server over an engine.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        let metrics = Metrics::default();
        let engine = engine.observed(metrics.calls(), metrics.renders());
        let maker = Maker { hosts: config.cluster_hosts.clone(), now: config.now.clone(), metrics: metrics.clone() };
        let clusters = Arc::new(Clusters::new(engine, maker));
        let home = Home::new(clusters.clone(), &config.namespace);
        Self(Arc::new(Inner {
            uploads: Uploads::new(&config, home.clone()),
            repositories: Repositories::new(&config, home.clone()),
            operations: Operations::new(&config, home.clone()),
            authenticator: Authenticator::new(&config),
            access: Access::default(),
            limiter: Arc::new(Limiter::new(config.limits)),
            ending: tokio::sync::watch::Sender::new(false),
            clusters,
            home,
            metrics,
            config,
        }))
    }

    /// Adds a cluster that cannot be changed over the API.
    ///
    /// # Errors
    ///
    /// When the name is no DNS label, or is taken; `default` always is.
    pub fn with_cluster(self, name: &str, engine: Engine, info: ClusterInfo) -> Result<Self, ClusterName> {
        self.clusters.add(name, engine, info)?;
        Ok(self)
    }

    /// Adds a Helm 2 Tiller as a cluster: its releases can be read.
    ///
    /// # Errors
    ///
    /// When the name is no DNS label, or is taken.
    pub fn with_tiller(self, name: &str, bridge: tiller::Bridge) -> Result<Self, ClusterName> {
        self.clusters.add_tiller(name, bridge)?;
        Ok(self)
    }

    /// Does what a replica does unasked, for as long as it is polled: it knows of the clusters and repositories that were added
    /// and of the work of the others, takes over what those have left that died, and forgets what is old.
    pub async fn watch_over(&self) {
        // What was left may be in any cluster.
        let operations = async {
            self.clusters.looked(FIRST_LOOK).await;
            crate::operations::watch_over(self).await;
        };
        // So that the first who asks need not wait for it.
        let own = async {
            if let Some(repository) = &self.config.repository {
                let _ = repository.shown().await;
            }
        };
        let repositories = crate::repositories::keep(&self.home, &self.repositories);
        futures::join!(crate::clusters::keep(&self.home), repositories, operations, own);
    }

    /// Takes in a chart as `POST /v1/charts` does.
    ///
    /// # Errors
    ///
    /// As a request would be answered.
    pub async fn upload(&self, archive: Bytes) -> Result<api::Chart, Box<api::Problem>> {
        Ok(self.uploads.add(archive, None).await?.chart)
    }
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}
