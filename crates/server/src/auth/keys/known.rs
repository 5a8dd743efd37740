//! The keys as the server knows them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Problem, Reason};
use cluster::Identity;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{Key, Store, id_of};
use crate::auth::unknown;
use crate::clusters::Member;
use crate::config::Clock;
use crate::problems;

/// How old what is known may be: for so long a key that was revoked is still taken.
const FRESH: Duration = Duration::from_secs(5);
/// How old it may be where the cluster does not answer.
const STALE: Duration = Duration::from_secs(30);
/// How long to wait before looking again for a key that was not there; it may have been made just now.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the cluster may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The keys, read again when they are asked for and old.
pub(crate) struct Known {
    namespace: String,
    now: Clock,
    read: Mutex<Option<Read>>,
}

struct Read {
    keys: HashMap<String, Key>,
    at: Instant,
}

impl Known {
    pub(crate) fn new(namespace: &str, now: Clock) -> Self {
        Self { namespace: namespace.to_owned(), now, read: Mutex::default() }
    }

    /// Finds out whom a key stands for.
    pub(crate) async fn find(&self, text: &str, member: &Arc<Member>) -> Result<Identity, Box<Problem>> {
        let id = id_of(text).ok_or_else(unknown)?;
        // Whoever asks meanwhile waits for the same answer.
        let mut read = self.read.lock().await;
        let enough = |read: &Read| read.at.elapsed() < if read.keys.contains_key(id) { FRESH } else { PAUSE };
        if !read.as_ref().is_some_and(enough) {
            match self.read(member).await {
                Ok(keys) => *read = Some(Read { keys, at: Instant::now() }),
                Err(problem) if read.as_ref().is_some_and(|read| read.at.elapsed() < STALE) => {
                    tracing::warn!(
                        reason = problem.reason.as_str(),
                        detail = problem.detail,
                        "the keys cannot be read"
                    );
                }
                Err(problem) => return Err(problem),
            }
        }
        let key = read.as_ref().and_then(|read| read.keys.get(id));
        let key = key.filter(|key| key.is(text) && !key.is_over((self.now)())).ok_or_else(unknown)?;
        Ok(key.identity())
    }

    async fn read(&self, member: &Arc<Member>) -> Result<HashMap<String, Key>, Box<Problem>> {
        let store = Store::new(member.own().cluster().client().clone(), &self.namespace);
        let problem = |text: String| Box::new(Problem::new(Reason::ClusterUnreachable, text));
        match tokio::time::timeout(PATIENCE, store.list()).await {
            Ok(Ok(keys)) => Ok(keys.into_iter().map(|key| (key.id.clone(), key)).collect()),
            Ok(Err(error)) => {
                Err(problem(format!("the keys of namespace `{}` cannot be read: {error}", self.namespace)))
            }
            Err(_) => Err(problems::slow_cluster(PATIENCE)),
        }
    }
}
