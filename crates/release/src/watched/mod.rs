//! The newest revision of every release, kept current by a watch, so that a list is a look into memory.
//!
//! A [`Watched`] follows a [`Ledger`] in the name of whoever the ledger speaks for. It keeps a [`Row`] of each revision (what
//! its labels say) and beside the row a [`Glance`] (what its record says), which is read when it is first wanted and lasts as
//! long as the row, that is until the record changes. [`View`]s are what lists are made of: all newest rows at one moment, in any order.

mod noted;
mod row;
mod state;
mod view;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

pub use row::Row;
pub use view::{Sort, View};

use self::state::State;
use crate::error::Error;
use crate::glance::Glance;
use crate::ledger::{Change, Ledger, Touched};
use crate::name::Key;

/// From how many records on they are read together instead of one by one.
const MANY: usize = 64;
/// How many records are read at a time.
const PARALLEL: usize = 8;
/// How long what is known counts as current when the watch has broken off.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether what is known is what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has asked yet, or the first list is on its way.
    Starting,
    /// It is, but for the moment that news take.
    Current,
    /// The watch has broken off, and it is not known what has happened since.
    Behind,
    /// The account that reads may not, with what the cluster says.
    Refused(String),
    /// The records are where nobody tells of changes.
    Unwatchable,
}

/// All records of a ledger, followed; clones share it. It begins with [`Watched::start`] and ends with the last clone.
#[derive(Clone)]
pub struct Watched(Arc<Shared>);

struct Shared {
    ledger: Arc<dyn Ledger>,
    state: RwLock<State>,
    /// Counts what has changed, for whoever waits.
    told: watch::Sender<u64>,
    /// Reading records is done by one at a time: the others then find what they want.
    opening: tokio::sync::Mutex<()>,
    task: OnceLock<Option<AbortHandle>>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Releases.
    pub releases: usize,
    /// Revisions of them.
    pub revisions: usize,
}

/// What is known at one moment.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The newest revisions.
    pub view: Arc<View>,
    /// The version up to which the cluster has told; 0 where versions are no numbers. What was written here may be newer, as its rows say.
    pub as_of: u64,
    /// Whether something was deleted here of which the cluster has not told.
    pub is_ahead: bool,
}

/// Which releases were touched in a span of time.
#[derive(Debug, Default)]
pub struct TouchedRows {
    /// Of each release the revision that was touched last, as it was then, with the version of that; by name and namespace. Those that
    /// are gone are among them.
    pub rows: Vec<Row>,
    /// The version up to which the cluster has said that this is all.
    pub reached: u64,
}

impl Watched {
    /// Makes one that does nothing yet.
    pub fn new(ledger: Arc<dyn Ledger>) -> Self {
        Self(Arc::new(Shared {
            ledger,
            state: RwLock::default(),
            told: watch::Sender::new(0),
            opening: tokio::sync::Mutex::default(),
            task: OnceLock::new(),
        }))
    }

    /// Begins to follow, once; inside a runtime.
    pub fn start(&self) {
        self.0.task.get_or_init(|| {
            let Some(changes) = self.0.ledger.follow() else {
                self.0.write().standing = Standing::Unwatchable;
                return None;
            };
            Some(tokio::spawn(follow(Arc::downgrade(&self.0), changes)).abort_handle())
        });
    }

    /// Tells whether it was begun.
    pub fn is_started(&self) -> bool {
        self.0.task.get().is_some()
    }

    /// Tells whether what is known is what there is.
    pub fn standing(&self) -> Standing {
        let state = self.0.read();
        match state.broken {
            Some(since) if state.standing == Standing::Current && since.elapsed() > PATIENCE => Standing::Behind,
            _ => state.standing.clone(),
        }
    }

    /// Waits until it is known where this stands, for a time.
    pub async fn settled(&self, time: Duration) -> Standing {
        let mut told = self.0.told.subscribe();
        let wait = async {
            // Where the first list has failed, the next one is a while away.
            while self.standing() == Standing::Starting && self.0.read().broken.is_none() {
                if told.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = timeout(time, wait).await;
        self.standing()
    }

    /// Whoever waits for changes; the number means nothing but that it was another one before.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.told.subscribe()
    }

    /// How much there is.
    pub fn count(&self) -> Count {
        self.0.read().count()
    }

    /// The newest revisions as they are now.
    pub fn view(&self) -> Arc<View> {
        let made = self.0.read().view.clone();
        made.unwrap_or_else(|| self.0.write().view())
    }

    /// The newest revisions as they are now, and how far that goes.
    pub fn moment(&self) -> Moment {
        self.0.write().moment()
    }

    /// Finds out from the cluster which releases were touched after a version, up to another; `None` where nobody knows that (any more).
    ///
    /// # Errors
    /// When the cluster does not answer, or refuses.
    pub async fn touched(&self, since: u64, until: u64) -> Result<Option<TouchedRows>, Error> {
        let Some(Touched { heads, reached }) = self.0.ledger.touched(since, until).await? else { return Ok(None) };
        let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
        for head in heads {
            let (name, namespace) = (head.key.name.clone(), head.key.namespace.clone());
            let row = Row::new(head, namespace.as_str().into(), name.as_str().into());
            let place = (name, namespace);
            if rows.get(&place).is_none_or(|there| there.version < row.version) {
                rows.insert(place, row);
            }
        }
        Ok(Some(TouchedRows { rows: rows.into_values().collect(), reached }))
    }

    /// All revisions as they are now, each as if it were a release of its own.
    pub fn revisions(&self) -> View {
        View::new(self.0.read().rows().cloned().collect())
    }

    /// Reads what is not known yet of some rows. A record that is gone stays unknown, and one that cannot be read is known as
    /// such.
    ///
    /// # Errors
    /// When the cluster does not answer, or refuses.
    pub async fn open(&self, rows: &[Arc<Row>]) -> Result<(), Error> {
        if rows.iter().all(|row| row.glance().is_some()) {
            return Ok(());
        }
        let _one = self.0.opening.lock().await;
        let mut unknown: Vec<Arc<Row>> = rows.iter().filter(|row| row.glance().is_none()).cloned().collect();
        if unknown.len() >= MANY {
            self.open_together(&unknown).await?;
            unknown.retain(|row| row.glance().is_none());
        }
        let read = |row: Arc<Row>| {
            let ledger = Arc::clone(&self.0.ledger);
            async move {
                let peek = ledger.peek(&row.key()).await;
                (row, peek)
            }
        };
        let mut reading = stream::iter(unknown).map(read).buffer_unordered(PARALLEL);
        while let Some((row, peek)) = reading.next().await {
            match peek {
                Err(Error::NotFound(_)) => {}
                peek => row.see(peek.map(|peek| Glance::of(&peek)))?,
            }
        }
        Ok(())
    }
}

impl Watched {
    /// Reads records by listing them, in one namespace if they are all there. All others that the list passes by may as well be
    /// taken.
    async fn open_together(&self, rows: &[Arc<Row>]) -> Result<(), Error> {
        let first = rows.first().map(|row| row.namespace()).unwrap_or_default();
        let is_one = rows.iter().all(|row| row.namespace() == first);
        let view = self.view();
        let passed = view.rows().iter().filter(|row| !is_one || row.namespace() == first);
        let unknown = rows.iter().chain(passed).filter(|row| row.glance().is_none());
        let unknown: HashMap<Key, &Arc<Row>> = unknown.map(|row| (row.key(), row)).collect();
        let wanted: Vec<_> = unknown.iter().map(|(key, row)| (key.clone(), row.status())).collect();
        for (key, glance) in self.0.ledger.glances(&wanted).await? {
            if let Some(row) = unknown.get(&key) {
                row.see(glance)?;
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("standing", &self.standing()).field("count", &self.count()).finish()
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.told.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn take(&self, change: Result<Change, Error>) {
        let mut state = self.write();
        match change {
            Ok(change) => {
                state.broken = None;
                if !state.take(change) {
                    return;
                }
            }
            Err(error) => {
                state.broken.get_or_insert_with(Instant::now);
                if matches!(error, Error::Forbidden { .. } | Error::Unauthorized { .. }) {
                    state.standing = Standing::Refused(error.to_string());
                }
            }
        }
        drop(state);
        self.tell();
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
    }
}

async fn follow(shared: Weak<Shared>, mut changes: stream::BoxStream<'static, Result<Change, Error>>) {
    while let Some(change) = changes.next().await {
        match shared.upgrade() {
            Some(shared) => shared.take(change),
            None => return,
        }
    }
}
