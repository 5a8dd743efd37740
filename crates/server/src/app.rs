//! What all requests share.

use std::sync::Arc;

use bytes::Bytes;
use engine::Engine;

use crate::access::Access;
use crate::auth::Authenticator;
use crate::clusters::Clusters;
use crate::config::Config;
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
    /// Finds out who asks; nothing where everybody is answered.
    pub(crate) authenticator: Option<Authenticator>,
    pub(crate) access: Access,
}

impl App {
    /// Makes the state of a server over an engine.
    #[must_use]
    pub fn new(config: Config, engine: Engine) -> Self {
        let uploads = Uploads::new(&config);
        let operations = Operations::new(&config);
        let authenticator = Authenticator::new(&config);
        let (clusters, access) = (Clusters::new(engine), Access::default());
        Self(Arc::new(Inner { config, clusters, uploads, operations, authenticator, access }))
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
