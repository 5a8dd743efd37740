//! What happens to the releases of a cluster, told to the hub that streams read.

use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use api::{Problem, ReleaseSummary};
use async_trait::async_trait;
use bytes::Bytes;
use release::{Row, View, Watched};

use super::{Wanted, know, summary};
use crate::problems;
use crate::watch::{Hub, News, Origin, Subject, Touched, Wanted as Wants, data};

/// How many events are kept for those who come back.
const ROOM: usize = 4_096;
/// What happens within this time is told together, so that many changes do not mean as many comparisons of everything.
const PAUSE: Duration = Duration::from_millis(25);
/// The pause after a record could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// A release as events show it.
pub(crate) struct Item {
    row: Arc<Row>,
    data: OnceLock<Bytes>,
}

impl Item {
    fn new(row: Arc<Row>) -> Self {
        Self { row, data: OnceLock::new() }
    }
}

impl Subject for Item {
    type Place<'a> = (&'a str, &'a str);

    fn place(&self) -> (&str, &str) {
        (self.row.name(), self.row.namespace())
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.row, &other.row)
    }

    fn version(&self) -> u64 {
        self.row.version()
    }

    fn data(&self, of: &str) -> &Bytes {
        // Of one that was gone before its record could be read there is what its labels have said.
        self.data.get_or_init(|| data(&summary(of, &self.row).unwrap_or_else(|| of_labels(of, &self.row))))
    }
}

fn of_labels(cluster: &str, row: &Row) -> ReleaseSummary {
    ReleaseSummary {
        cluster: cluster.to_owned(),
        namespace: row.namespace().to_owned(),
        name: row.name().to_owned(),
        revision: row.revision(),
        status: row.status().to_string(),
        labels: row.labels().clone(),
        ..ReleaseSummary::default()
    }
}

impl Wants<Item> for Wanted {
    fn wants(&self, item: &Item) -> bool {
        Wanted::wants(self, &item.row)
    }

    fn could_want(&self, item: &Item) -> bool {
        self.is_of(&item.row)
    }
}

struct Records(Watched);

#[async_trait]
impl Origin<Item> for Records {
    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched<Item>>, Box<Problem>> {
        let found = self.0.touched(since, until).await.map_err(|error| problems::of(error.into()))?;
        Ok(found.map(|found| {
            let all = found.rows.into_iter().map(|row| Item::new(Arc::new(row))).collect();
            Touched { all, reached: found.reached }
        }))
    }
}

/// Begins to tell of changes; it ends with the last one that holds the hub.
pub(super) fn start(cluster: &str, history: &str, watched: Watched) -> Arc<Hub<Item>> {
    let hub = Arc::new(Hub::new(cluster, history, ROOM, Box::new(Records(watched.clone()))));
    tokio::spawn(run(Arc::downgrade(&hub), watched));
    hub
}

async fn run(hub: Weak<Hub<Item>>, watched: Watched) {
    let mut changes = watched.subscribe();
    let mut taken: Option<Arc<View>> = None;
    // From here on only the cache itself keeps it going.
    loop {
        changes.mark_unchanged();
        let moment = watched.moment();
        let known = know(&watched, &moment.view).await;
        let Some(hub) = hub.upgrade() else { return };
        match known {
            Ok(()) if taken.as_ref().is_some_and(|taken| Arc::ptr_eq(taken, &moment.view)) => hub.came_to(moment.as_of),
            Ok(()) => {
                let news = News { version: moment.as_of, is_ahead: moment.is_ahead };
                // A record that is gone is about to be told of as gone.
                let there = moment.view.rows().iter().filter(|row| row.glance().is_some());
                hub.take(there.cloned().map(Item::new), news);
                taken = Some(moment.view);
            }
            Err(error) => {
                tracing::warn!(%error, cluster = hub.name, "records cannot be read for event streams");
                drop(hub);
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        drop(hub);
        tokio::time::sleep(PAUSE).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}
