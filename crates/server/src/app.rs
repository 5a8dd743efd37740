//! What all requests share.

use std::sync::Arc;

use bytes::Bytes;
use engine::Engine;

use crate::clusters::Clusters;
use crate::config::Config;
use crate::limits::Limiter;
use crate::metrics::Metrics;
use crate::operations::Operations;
use crate::uploads::Uploads;

/// The server's state; clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

#[doc(hidden)]
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) clusters: Clusters,
    pub(crate) uploads: Uploads,
    pub(crate) operations: Operations,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) metrics: Metrics,
    /// Turns true when the server ends, so that streams do.
    pub(crate) ending: tokio::sync::watch::Sender<bool>,
}

impl App {
    /// Makes the state of a server over an engine.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        let uploads = Uploads::new(&config);
        let operations = Operations::new(&config);
        let limiter = Arc::new(Limiter::new(config.limits));
        let metrics = Metrics::default();
        let engine = engine.observed(metrics.calls(), metrics.renders());
        let ending = tokio::sync::watch::Sender::new(false);
        let clusters = Clusters::new(engine);
        Self(Arc::new(Inner { config, clusters, uploads, operations, limiter, metrics, ending }))
    }

    /// Takes in a chart as `POST /v1/charts` does.
    ///
    /// # Errors
    ///
    /// As a request would be answered.
    pub async fn upload(&self, archive: Bytes) -> Result<api::Chart, Box<api::Problem>> {
        Ok(self.uploads.add(archive).await?.chart)
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
