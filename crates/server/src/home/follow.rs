//! Keeping current what the server has in its own namespace: a list, then a watch, and all over again when the watch has lost its place.
//!
//! As `release`'s follower of records, which is another one since that reads metadata in pages and goes on where it was after a refusal:
//! what is here is small, and whole.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use api::Problem;
use futures::TryStreamExt;
use kube::Resource;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use serde::de::DeserializeOwned;

use super::{Home, KIND, problem_of};

/// The pause after a watch that failed, and the longest one.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// How long one watch goes on before it is begun anew.
const WATCH_SECONDS: u32 = 280;
/// A watch that says nothing for so long is dead: the API server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(100);

/// What is heard of objects.
pub(crate) enum Heard<K> {
    /// All there are, as of a version.
    All(Vec<K>, String),
    /// One is there, or has changed.
    There(K),
    /// One is gone; its version is that of the removal.
    Gone(K),
    /// Nothing more has happened up to a version.
    UpTo(String),
    /// Nothing is heard for the moment.
    Lost,
}

/// Whoever keeps what is heard.
pub(crate) trait Keeper: Sync {
    /// The objects.
    type Kind: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static;

    /// What their label says.
    const LABEL: &'static str;

    /// How the log calls them.
    const NAME: &'static str;

    /// Where they are.
    fn objects(home: &Home) -> Result<Api<Self::Kind>, Box<Problem>>;

    /// Takes in what is heard.
    fn take(&self, heard: Heard<Self::Kind>);
}

/// Keeps it current, for as long as it is polled.
pub(crate) async fn follow<K: Keeper>(home: &Home, keeper: &K) {
    let mut pause = PAUSE;
    loop {
        match once(home, keeper).await {
            Ok(()) => pause = PAUSE,
            Err(problem) => {
                keeper.take(Heard::Lost);
                let (reason, detail) = (problem.reason.as_str(), problem.detail);
                tracing::warn!(reason, detail, "{} are not watched", K::NAME);
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Lists once and watches until the watch has lost its place.
async fn once<K: Keeper>(home: &Home, keeper: &K) -> Result<(), Box<Problem>> {
    let objects = K::objects(home)?;
    let labels = format!("{KIND}={}", K::LABEL);
    let listed = objects.list(&ListParams::default().labels(&labels)).await.map_err(|e| home.refused(e))?;
    let mut version = listed.metadata.resource_version.unwrap_or_default();
    keeper.take(Heard::All(listed.items, version.clone()));
    loop {
        let params = WatchParams::default().labels(&labels).timeout(WATCH_SECONDS);
        let mut events = pin!(objects.watch(&params, &version).await.map_err(|e| home.refused(e))?);
        while let Ok(event) = tokio::time::timeout(SILENCE, events.try_next()).await {
            let Some(event) = event.map_err(problem_of)? else { break };
            let heard = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                    version = object.meta().resource_version.clone().unwrap_or(version);
                    Heard::There(object)
                }
                WatchEvent::Deleted(object) => {
                    version = object.meta().resource_version.clone().unwrap_or(version);
                    Heard::Gone(object)
                }
                WatchEvent::Bookmark(bookmark) => {
                    version.clone_from(&bookmark.metadata.resource_version);
                    Heard::UpTo(bookmark.metadata.resource_version)
                }
                // Too old to go on from: everything is listed again.
                WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                WatchEvent::Error(status) => return Err(problem_of(kube::Error::Api(status))),
            };
            keeper.take(heard);
        }
        // One that ends at once is not to be opened a thousand times a second.
        tokio::time::sleep(PAUSE).await;
    }
}
