//! What happens to the releases of a cluster, as events that any number of streams read.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use release::{Row, Watched};
use tokio::sync::watch;

use super::{know, summary};
use crate::watch::{Feed, data};

/// How many events are kept for those who come back.
const ROOM: usize = 4_096;
/// What happens within this time is told together, so that many changes do not mean as many comparisons of everything.
const PAUSE: Duration = Duration::from_millis(25);
/// The pause after a record could not be read.
const AGAIN: Duration = Duration::from_secs(1);

/// A release as events show it.
pub(super) struct Item {
    pub(super) row: Arc<Row>,
    /// The `ReleaseSummary` as JSON, made once for all streams.
    data: OnceLock<Bytes>,
}

impl Item {
    pub(super) fn data(&self, cluster: &str) -> &Bytes {
        self.data.get_or_init(|| data(&summary(cluster, &self.row).unwrap_or_default()))
    }

    fn place(&self) -> (&str, &str) {
        place(&self.row)
    }
}

fn place(row: &Row) -> (&str, &str) {
    (row.name(), row.namespace())
}

/// What has happened to one release.
pub(super) struct Turn {
    pub(super) before: Option<Arc<Item>>,
    pub(super) after: Option<Arc<Item>>,
}

/// All releases after a number of events.
#[derive(Clone)]
pub(super) struct Snapshot {
    pub(super) items: Arc<[Arc<Item>]>,
    pub(super) number: u64,
}

/// The events of one cluster.
pub(crate) struct Hub {
    pub(super) cluster: String,
    pub(super) feed: Feed<Turn>,
    snapshot: Mutex<Snapshot>,
    ready: watch::Sender<bool>,
}

impl Hub {
    /// Begins to tell of changes; it ends with the last one that holds it.
    pub(super) fn start(cluster: String, watched: Watched) -> Arc<Self> {
        let hub = Arc::new(Self {
            cluster,
            feed: Feed::new(ROOM),
            snapshot: Mutex::new(Snapshot { items: Arc::default(), number: 0 }),
            ready: watch::Sender::new(false),
        });
        tokio::spawn(run(Arc::downgrade(&hub), watched));
        hub
    }

    /// Waits until the releases are known.
    pub(super) async fn ready(&self) {
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// All releases, and the number of the last event before.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what there is now, and tells what is different.
    fn take(&self, rows: &[Arc<Row>]) {
        // Only this task writes it, so nothing comes in between.
        let before = self.snapshot().items;
        let (items, turns) = compare(&self.cluster, &before, rows);
        // To begin with nothing has changed.
        let turns = if *self.ready.borrow() { turns } else { Vec::new() };
        {
            let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
            self.feed.push(turns);
            *snapshot = Snapshot { items: items.into(), number: self.feed.last() };
        }
        self.ready.send_replace(true);
    }
}

async fn run(hub: Weak<Hub>, watched: Watched) {
    let mut changes = watched.subscribe();
    // From here on only the cache itself keeps it going.
    loop {
        changes.mark_unchanged();
        let view = watched.view();
        let known = know(&watched, &view).await;
        let Some(hub) = hub.upgrade() else { return };
        match known {
            Ok(()) => hub.take(view.rows()),
            Err(error) => {
                tracing::warn!(%error, cluster = hub.cluster, "records cannot be read for event streams");
                drop(hub);
                tokio::time::sleep(AGAIN).await;
                continue;
            }
        }
        drop((hub, view));
        tokio::time::sleep(PAUSE).await;
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Compares what was known with what there is, both by name and namespace.
fn compare(cluster: &str, before: &[Arc<Item>], rows: &[Arc<Row>]) -> (Vec<Arc<Item>>, Vec<Turn>) {
    let (mut items, mut turns) = (Vec::with_capacity(rows.len()), Vec::new());
    let mut before = before.iter().peekable();
    // A record that is gone is about to be told of as gone.
    for row in rows.iter().filter(|row| row.glance().is_some()) {
        while let Some(gone) = before.next_if(|item| item.place() < place(row)) {
            turns.push(Turn { before: Some(gone.clone()), after: None });
        }
        let there = before.next_if(|item| item.place().cmp(&place(row)) == Ordering::Equal);
        let item = match there {
            Some(there) if Arc::ptr_eq(&there.row, row) => there.clone(),
            there => {
                let item = Arc::new(Item { row: row.clone(), data: OnceLock::new() });
                // A record may be written anew with nothing changed that is shown.
                if there.is_none_or(|there| there.data(cluster) != item.data(cluster)) {
                    turns.push(Turn { before: there.cloned(), after: Some(item.clone()) });
                }
                item
            }
        };
        items.push(item);
    }
    turns.extend(before.map(|gone| Turn { before: Some(gone.clone()), after: None }));
    (items, turns)
}
