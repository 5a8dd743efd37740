//! Keeping clusters current: every replica watches the Secrets that name them.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::Problem;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};

use super::store::{CLUSTER, Stored, name_of};
use crate::home::{Home, KIND, problem_of};

/// The pause after a watch that failed, and the longest one.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(5);
/// How long one watch goes on before it is begun anew.
const WATCH_SECONDS: u32 = 280;

/// Keeps them current, for as long as it is polled.
pub(crate) async fn keep(home: &Home) {
    home.clusters.is_kept.store(true, Ordering::Release);
    let mut pause = PAUSE;
    loop {
        match follow(home).await {
            Ok(()) => pause = PAUSE,
            Err(problem) => {
                home.clusters.gave_up();
                tracing::warn!(
                    reason = problem.reason.as_str(),
                    detail = problem.detail,
                    "the Secrets that name clusters are not watched"
                );
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST);
            }
        }
    }
}

/// Lists once and watches until the watch ends.
async fn follow(home: &Home) -> Result<(), Box<Problem>> {
    let secrets: Api<Secret> = home.secrets()?;
    let labels = format!("{KIND}={CLUSTER}");
    let listed = secrets.list(&ListParams::default().labels(&labels)).await.map_err(|e| home.refused(e))?;
    let mut version = listed.metadata.resource_version.unwrap_or_default();
    let all: Vec<Stored> = listed.items.iter().filter_map(Stored::read).collect();
    home.clusters.replace(&all, &version);
    loop {
        let params = WatchParams::default().labels(&labels).timeout(WATCH_SECONDS);
        let mut events = pin!(secrets.watch(&params, &version).await.map_err(|e| home.refused(e))?);
        while let Some(event) = events.try_next().await.map_err(problem_of)? {
            match event {
                WatchEvent::Added(secret) | WatchEvent::Modified(secret) => {
                    version = secret.metadata.resource_version.clone().unwrap_or(version);
                    match (Stored::read(&secret), secret.metadata.name.as_deref().and_then(name_of)) {
                        (Some(stored), _) => home.clusters.put(&stored),
                        (None, Some(name)) => home.clusters.remove(name),
                        (None, None) => {}
                    }
                }
                WatchEvent::Deleted(secret) => {
                    version = secret.metadata.resource_version.clone().unwrap_or(version);
                    if let Some(name) = secret.metadata.name.as_deref().and_then(name_of) {
                        home.clusters.remove(name);
                    }
                }
                WatchEvent::Bookmark(bookmark) => version = bookmark.metadata.resource_version,
                // Too old to go on from: everything is listed again.
                WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                WatchEvent::Error(status) => return Err(problem_of(kube::Error::Api(status))),
            }
        }
    }
}
