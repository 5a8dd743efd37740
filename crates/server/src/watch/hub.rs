//! What there is of one list, and what happens to it, for any number of readers.

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use api::Problem;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use super::feed::Feed;
use super::past::Known;

/// One thing of a list.
pub(crate) trait Subject: Sized + Send + Sync + 'static {
    /// What tells it from the others, and their order.
    type Place<'a>: Ord;

    /// Its place.
    fn place(&self) -> Self::Place<'_>;

    /// Tells whether another one of its place says nothing new, without a look at what it says.
    fn is(&self, other: &Self) -> bool;

    /// The version at which the cluster has it; 0 where that is not known.
    fn version(&self) -> u64;

    /// What events say of it, as JSON, made once for all streams. `of` is the name of the hub.
    fn data(&self, of: &str) -> &Bytes;
}

/// Where the past is asked for.
#[async_trait]
pub(crate) trait Origin<T>: Send + Sync {
    /// Finds out what was touched after a version, up to another; `None` where nobody knows that (any more).
    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched<T>>, Box<Problem>>;
}

/// What was touched in a span of time.
pub(crate) struct Touched<T> {
    /// Each as it was last heard of, with the version of that; those that are gone are among them.
    pub(crate) all: Vec<T>,
    /// The version up to which the cluster has said that this is all.
    pub(crate) reached: u64,
}

/// What has happened to one of them.
pub(crate) struct Turn<T> {
    pub(crate) before: Option<Arc<T>>,
    pub(crate) after: Option<Arc<T>>,
}

/// All of them after a number of events.
pub(crate) struct Snapshot<T> {
    /// In the order of their places.
    pub(crate) items: Arc<[Arc<T>]>,
    pub(crate) number: u64,
    /// The version up to which everything is in it.
    pub(crate) version: u64,
}

impl<T> Clone for Snapshot<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), number: self.number, version: self.version }
    }
}

impl<T: Subject> Snapshot<T> {
    /// Finds the one that has the place of another.
    pub(crate) fn find(&self, other: &T) -> Option<&Arc<T>> {
        let at = self.items.binary_search_by(|item| item.place().cmp(&other.place())).ok()?;
        self.items.get(at)
    }
}

/// How far something goes that a hub is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News {
    /// The version up to which the cluster has told.
    pub(crate) version: u64,
    /// Whether something was removed here of which the cluster has not told yet.
    pub(crate) is_ahead: bool,
}

/// The events of one list.
pub(crate) struct Hub<T> {
    /// What ids call it.
    pub(crate) name: String,
    /// What tells the history of its versions from others.
    pub(super) history: String,
    pub(super) feed: Feed<Turn<T>>,
    pub(super) origin: Box<dyn Origin<T>>,
    pub(super) known: Known<T>,
    /// The version that it began with.
    pub(super) first: OnceLock<u64>,
    snapshot: Mutex<Snapshot<T>>,
    ready: watch::Sender<bool>,
}

impl<T: Subject> Hub<T> {
    /// Makes one that keeps as many events; whoever makes it tells it what there is.
    pub(crate) fn new(name: &str, history: &str, room: usize, origin: Box<dyn Origin<T>>) -> Self {
        Self {
            name: name.to_owned(),
            history: history.to_owned(),
            feed: Feed::new(room),
            origin,
            known: Known::default(),
            first: OnceLock::new(),
            snapshot: Mutex::new(Snapshot { items: Arc::from([]), number: 0, version: 0 }),
            ready: watch::Sender::new(false),
        }
    }

    /// Waits until it is known what there is.
    pub(crate) async fn ready(&self) {
        let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
    }

    /// All there is, and how many events were before.
    pub(crate) fn snapshot(&self) -> Snapshot<T> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes in what there is now, in the order of places, and tells what is different. Only one task may do so.
    pub(crate) fn take(&self, now: impl IntoIterator<Item = T>, news: News) {
        let before = self.snapshot().items;
        let (items, turns) = self.compare(&before, now);
        // To begin with nothing has changed.
        let turns = if self.first.set(news.version).is_ok() { Vec::new() } else { turns };
        let at = |turn: &Turn<T>| match news.is_ahead {
            true => u64::MAX,
            false => turn.after.as_ref().map_or(0, |item| item.version()).max(news.version),
        };
        let turns = turns.into_iter().map(|turn| {
            let at = at(&turn);
            (turn, at)
        });
        self.note(Some(items.into()), turns, news.version);
        self.ready.send_replace(true);
    }

    /// Notes that nothing has changed up to a version.
    pub(crate) fn came_to(&self, version: u64) {
        self.note(None, [], version);
    }

    fn note(&self, items: Option<Arc<[Arc<T>]>>, turns: impl IntoIterator<Item = (Turn<T>, u64)>, version: u64) {
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        self.feed.push(turns, version);
        let items = items.unwrap_or_else(|| snapshot.items.clone());
        *snapshot = Snapshot { items, number: self.feed.last().0, version };
    }

    /// Compares what was known with what there is, both in the order of places.
    fn compare(&self, before: &[Arc<T>], now: impl IntoIterator<Item = T>) -> (Vec<Arc<T>>, Vec<Turn<T>>) {
        let (mut items, mut turns) = (Vec::with_capacity(before.len()), Vec::new());
        let mut before = before.iter().peekable();
        for new in now {
            while let Some(gone) = before.next_if(|item| item.place() < new.place()) {
                turns.push(Turn { before: Some(gone.clone()), after: None });
            }
            let there = before.next_if(|item| item.place().cmp(&new.place()) == Ordering::Equal);
            let item = match there {
                Some(there) if there.is(&new) => there.clone(),
                there => {
                    let item = Arc::new(new);
                    // It may be written anew with nothing changed that is shown.
                    if there.is_none_or(|there| there.data(&self.name) != item.data(&self.name)) {
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
}
