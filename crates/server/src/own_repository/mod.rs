//! A folder of packed charts as a chart repository, with the API to upload to it that ChartMuseum's clients speak.
//!
//! The protocol is that of others, so these routes are not part of our own contract (crate `api`); but they go through the same
//! guard, limits, rules, measures and audit as all, as routes of the same kind.

mod changes;
mod form;
mod reads;
mod routes;

use std::path::Path;
use std::sync::Arc;

use api::{Problem, Reason};
use axum::body::Body;
use depot::publish::{Folder, Shown};
use http::Response;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::ctx::Ctx;
use crate::handlers::Handler;
use crate::reply;

pub(crate) use routes::{ROUTES, need};

/// Where the repository is.
pub(crate) const PLACE: &str = "/repository";

/// The handlers by their operationId.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("own_repository_index", |ctx| Box::pin(reads::index(ctx))),
    ("own_repository_file", |ctx| Box::pin(reads::file(ctx))),
    ("own_repository_charts", |ctx| Box::pin(reads::charts(ctx))),
    ("own_repository_chart", |ctx| Box::pin(reads::chart(ctx))),
    ("own_repository_version", |ctx| Box::pin(reads::version(ctx))),
    ("own_repository_upload", |ctx| Box::pin(changes::upload(ctx))),
    ("own_repository_prove", |ctx| Box::pin(changes::prove(ctx))),
    ("own_repository_delete", |ctx| Box::pin(changes::delete(ctx))),
];

/// A folder that is served as a chart repository; clones share it.
#[derive(Clone, Debug)]
pub struct OwnRepository {
    folder: Arc<Folder>,
    /// Held while somebody looks at the folder, so that those who wait hold no thread.
    looking: Arc<Mutex<()>>,
}

impl OwnRepository {
    /// Opens a folder of packed charts.
    ///
    /// # Errors
    ///
    /// When it is not there, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, depot::Error> {
        let folder = Arc::new(Folder::open(path, "charts", PLACE)?);
        Ok(Self { folder, looking: Arc::default() })
    }

    /// Gives the folder as it was within the last second. Whoever stops waiting does not stop the look.
    pub(crate) async fn shown(&self) -> Result<Arc<Shown>, Box<Problem>> {
        if let Some(shown) = self.folder.fresh() {
            return Ok(shown);
        }
        let one = Arc::clone(&self.looking).lock_owned().await;
        let looked = self.blocking(move |folder| {
            let _one = one;
            let looked = folder.refresh();
            tell(folder);
            looked
        });
        looked.await?.map_err(reply::internal)
    }

    /// Does what waits for the disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Folder) -> T + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        let folder = Arc::clone(&self.folder);
        tokio::task::spawn_blocking(move || work(&folder)).await.map_err(reply::internal)
    }
}

/// Logs what is in no index.
fn tell(folder: &Folder) {
    for lost in folder.lost() {
        tracing::warn!(file = lost.file, reason = lost.reason, "an archive is not in the index of the repository");
    }
}

/// The repository of this server; there are no such routes where there is none.
fn own(ctx: &Ctx) -> Result<OwnRepository, Box<Problem>> {
    ctx.app.config.repository.clone().ok_or_else(|| reply::internal("a route of a repository that is not there"))
}

/// The problem of a chart that is not there.
fn missing(what: &str) -> Box<Problem> {
    Box::new(Problem::new(Reason::NotFound, format!("the repository has no {what}; its index says what it has")))
}

/// Tells whether a path is one of the repository's.
pub(crate) fn is_in(path: &str) -> bool {
    path.strip_prefix(PLACE).is_some_and(|rest| rest.starts_with('/'))
}

/// Makes the answer that carries a problem. Clients of ChartMuseum show what they find as `error`.
pub(crate) fn problem(path: &str, problem: &Problem) -> Response<Body> {
    let made = reply::problem(problem);
    if !is_in(path) {
        return made;
    }
    let mut value = serde_json::to_value(problem).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("error".to_owned(), Value::String(problem.detail.clone()));
    }
    made.map(|_| Body::from(format!("{value}\n")))
}
