//! What was touched since a version: a watch from there that lasts until it has come to the present.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use kube::api::{Api, ObjectMeta, WatchEvent, WatchParams};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout, timeout_at};

/// How long the API server is asked to keep such a watch, in seconds. What it knows it tells at once; two seconds before the end it says
/// how far that goes, so that this must be more than two.
const SECONDS: u32 = 3;
/// How long the API server may take beyond that.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a watch may break off that had begun.
const TRIES: usize = 3;
/// How many objects may have been touched; whoever missed more had better begin anew.
const MOST: usize = 20_000;

/// What was touched of some objects.
#[derive(Debug)]
pub struct Past {
    /// The metadata of each as its last event had it, which is also the version of that event; in no order.
    pub touched: Vec<ObjectMeta>,
    /// The version up to which the cluster has said that this is all.
    pub reached: u64,
}

/// Finds out which objects were written or removed after a version, up to another; `None` when the cluster does not know that any more,
/// or it is too much. Where the cluster knows more than is asked for, that may be there too.
///
/// # Errors
/// When the cluster does not answer, or refuses.
pub async fn past<K>(api: &Api<K>, labels: &str, since: u64, until: u64) -> Result<Option<Past>, kube::Error>
where
    K: Clone + Debug + DeserializeOwned,
{
    let how = WatchParams::default().labels(labels).timeout(SECONDS);
    let (mut touched, mut reached) = (BTreeMap::new(), since);
    for _ in 0..TRIES {
        let begun = Instant::now();
        let opened = timeout(PATIENCE, api.watch_metadata(&how, &reached.to_string())).await;
        let mut events = match opened {
            Ok(Ok(events)) => events.boxed(),
            Ok(Err(kube::Error::Api(status))) if status.code == 410 => return Ok(None),
            Ok(Err(error)) => return Err(error),
            Err(_) => continue,
        };
        let end = begun + Duration::from_secs(SECONDS.into()) + PATIENCE;
        while let Ok(Some(event)) = timeout_at(end, events.next()).await {
            let version = match event? {
                WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                    let meta = ObjectMeta { managed_fields: None, ..object.metadata };
                    let version = number(meta.resource_version.as_deref());
                    touched.insert((meta.namespace.clone(), meta.name.clone()), meta);
                    version
                }
                WatchEvent::Bookmark(mark) => number(Some(&mark.metadata.resource_version)),
                WatchEvent::Error(status) if status.code == 410 => return Ok(None),
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
            };
            if touched.len() > MOST {
                return Ok(None);
            }
            reached = reached.max(version);
            if reached >= until {
                break;
            }
        }
        // One that has lasted as long as was asked for has told all that there was when it began.
        if reached >= until || begun.elapsed().as_secs() >= SECONDS.into() {
            return Ok(Some(Past { touched: touched.into_values().collect(), reached }));
        }
    }
    Err(kube::Error::Service("the watch of what has happened broke off".into()))
}

fn number(version: Option<&str>) -> u64 {
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}
