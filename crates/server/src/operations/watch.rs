//! `watch=true`: the operations there are, and then what becomes of them; of all replicas.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use api::{Operation, Problem, Reason, ReleaseRef, State};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::unfold;
use http::Response;
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use super::listing::Listing;
use crate::app::App;
use crate::ctx::Ctx;
use crate::limits::Place;
use crate::watch::{Feed, data, respond, write};

/// How many events are kept for those who come back.
const ROOM: usize = 1_024;
/// How many events are read for one piece of an answer.
const PIECE: usize = 128;
/// How long the first stream waits until everything is read that it begins with.
const READY: Duration = Duration::from_secs(30);

/// What has become of an operation.
struct Turn {
    before: Option<Arc<Operation>>,
    after: Option<Arc<Operation>>,
}

/// All operations after a number of events.
#[derive(Clone, Default)]
struct Snapshot {
    items: BTreeMap<String, Arc<Operation>>,
    number: u64,
}

/// What happens to operations, for any number of streams.
pub(crate) struct Hub {
    feed: Feed<Turn>,
    snapshot: Mutex<Snapshot>,
    ready: watch::Sender<bool>,
}

impl Hub {
    /// Begins to tell of changes; it ends with the last one that holds it.
    pub(super) fn start(app: App) -> Arc<Self> {
        let (feed, ready) = (Feed::new(ROOM), watch::Sender::new(false));
        let hub = Arc::new(Self { feed, snapshot: Mutex::default(), ready });
        tokio::spawn(run(Arc::downgrade(&hub), app));
        hub
    }

    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what has changed, and tells of it.
    fn take(&self, changed: Vec<(String, Option<Arc<Operation>>)>) {
        let mut snapshot = self.lock();
        let mut turns = Vec::new();
        for (id, after) in changed {
            let before = match &after {
                Some(after) => snapshot.items.insert(id, after.clone()),
                None => snapshot.items.remove(&id),
            };
            if before.is_some() || after.is_some() {
                turns.push(Turn { before, after });
            }
        }
        // To begin with nothing has changed.
        if *self.ready.borrow() {
            self.feed.push(turns);
        }
        snapshot.number = self.feed.last();
        drop(snapshot);
        self.ready.send_replace(true);
    }
}

async fn run(hub: Weak<Hub>, app: App) {
    let operations = &app.operations;
    let mut changes = operations.index.changes();
    let mut known: BTreeMap<String, (State, bool)> = BTreeMap::new();
    let mut ending = app.ending.subscribe();
    loop {
        changes.mark_unchanged();
        let now: BTreeMap<String, Listing> = operations
            .index
            .select(|_| true)
            .into_iter()
            .map(|indexed| (indexed.listing.id.clone(), indexed.listing))
            .collect();
        let is_new = |listing: &&Listing| known.get(&listing.id) != Some(&(listing.state, listing.cancel));
        let different: Vec<Listing> = now.values().filter(is_new).cloned().collect();
        let mut changed: Vec<(String, Option<Arc<Operation>>)> =
            known.keys().filter(|id| !now.contains_key(*id)).map(|id| (id.clone(), None)).collect();
        for listing in different {
            // One whose record cannot be read is shown as far as its listing tells.
            let read = operations.read_all(&app, vec![listing.clone()]).await;
            let operation = read.ok().and_then(|mut read| read.pop()).unwrap_or_else(|| listing.operation());
            changed.push((listing.id, Some(Arc::new(operation))));
        }
        known = now.into_iter().map(|(id, listing)| (id, (listing.state, listing.cancel))).collect();
        let Some(hub) = hub.upgrade() else { return };
        hub.take(changed);
        drop(hub);
        tokio::select! {
            moved = changes.changed() => if moved.is_err() { return },
            _ = ending.wait_for(|ending| *ending) => return,
        }
    }
}

/// Which operations are wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The clusters whose operations the caller may see; all, when that was not asked.
    pub(crate) seen: Option<Vec<String>>,
    pub(crate) cluster: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) release: Option<String>,
    /// Any, when there is none.
    pub(crate) states: Vec<String>,
}

impl Wanted {
    /// Tells whether an operation of a release in a state is wanted.
    pub(crate) fn wants(&self, of: &ReleaseRef, state: State) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
        self.seen.as_ref().is_none_or(|seen| seen.contains(&of.cluster))
            && is(&self.cluster, &of.cluster)
            && is(&self.namespace, &of.namespace)
            && is(&self.release, &of.name)
            && (self.states.is_empty() || self.states.iter().any(|name| name == super::state_name(state)))
    }
}

/// Streams the wanted operations, and what becomes of them.
pub(crate) async fn stream(ctx: &Ctx, wanted: Wanted, place: Place) -> Result<Response<Body>, Box<Problem>> {
    let operations = &ctx.app.operations;
    if !operations.index.is_synced() {
        let text = "operations cannot be watched at the moment; list them again instead";
        return Err(Box::new(Problem::new(Reason::ClusterUnreachable, text)));
    }
    let hub = operations.hub.get_or_init(|| Hub::start(ctx.app.clone())).clone();
    let mut ready = hub.ready.subscribe();
    if tokio::time::timeout(READY, ready.wait_for(|ready| *ready)).await.is_err() {
        return Err(crate::problems::slow_cluster(READY));
    }
    let reader = Reader::new(hub, wanted, ctx.header("last-event-id"));
    let end = Instant::now() + ctx.app.config.limits.stream_time;
    let events = unfold((reader, place), |(mut reader, place)| async move {
        let piece = reader.next().await?;
        Some((piece, (reader, place)))
    });
    // Rights are looked at when a stream begins; so it ends some time, and the client comes back.
    let events = events.take_until(Box::pin(tokio::time::sleep_until(end)));
    Ok(respond(events, ctx.app.ending.subscribe()))
}

/// One stream's place in what happens.
struct Reader {
    hub: Arc<Hub>,
    wanted: Wanted,
    seen: u64,
    moved: watch::Receiver<u64>,
    /// What there was to begin with.
    first: Option<Snapshot>,
    /// Whether it has to be said that what was seen before no longer counts.
    reset: bool,
    synced: bool,
}

impl Reader {
    fn new(hub: Arc<Hub>, wanted: Wanted, last: Option<&str>) -> Self {
        let moved = hub.feed.subscribe();
        let resumed = last.and_then(|last| hub.feed.number(last)).filter(|seen| hub.feed.after(*seen, 0).is_some());
        let first = resumed.is_none().then(|| hub.lock().clone());
        let seen = resumed.unwrap_or_else(|| first.as_ref().map_or(0, |first| first.number));
        Self { wanted, seen, moved, first, reset: last.is_some() && resumed.is_none(), synced: false, hub }
    }

    /// The next piece of the answer; `None` when this reader was too slow.
    async fn next(&mut self) -> Option<Bytes> {
        let mut piece = BytesMut::new();
        if std::mem::take(&mut self.reset) {
            write(&mut piece, None, "reset", b"{}");
        }
        for operation in self.first.take().unwrap_or_default().items.values() {
            if self.wants(operation) {
                write(&mut piece, None, "added", &data(operation));
            }
        }
        loop {
            self.moved.mark_unchanged();
            let turns = self.hub.feed.after(self.seen, PIECE)?;
            for turn in &turns {
                self.seen += 1;
                self.tell(&mut piece, turn);
            }
            if !self.synced && turns.is_empty() {
                self.synced = true;
                write(&mut piece, Some(&self.hub.feed.id(self.seen)), "synced", b"{}");
            }
            if !piece.is_empty() {
                return Some(piece.freeze());
            }
            if turns.is_empty() {
                self.moved.changed().await.ok()?;
            }
        }
    }

    fn wants(&self, operation: &Operation) -> bool {
        self.wanted.wants(&operation.release, operation.state)
    }

    fn tell(&self, piece: &mut BytesMut, turn: &Turn) {
        let wanted = |side: &Option<Arc<Operation>>| side.clone().filter(|operation| self.wants(operation));
        let (event, operation) = match (wanted(&turn.before), wanted(&turn.after)) {
            (None, None) => return,
            (None, Some(after)) => ("added", after),
            (Some(_), Some(after)) => ("modified", after),
            (Some(before), None) => ("deleted", turn.after.clone().unwrap_or(before)),
        };
        write(piece, Some(&self.hub.feed.id(self.seen)), event, &data(&operation));
    }
}
