//! One stream: what there is or was missed, and then what happens, in the terms of a filter.

use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use futures::future::{select_all, try_join_all};
use tokio::sync::watch;

use super::hub::{Hub, Snapshot, Subject, Turn};
use super::mark::Marks;
use super::past::Start;
use super::wire::{write, write_place};

/// How many are looked at, or events read, for one piece of the answer.
const PIECE: usize = 128;
/// After how long in which nothing was told a stream says how far it goes: an old place is one that the cluster forgets.
const QUIET: Duration = Duration::from_secs(10);

/// What a stream is of.
pub(crate) trait Wanted<T>: Send + 'static {
    /// Tells whether one is wanted as it is.
    fn wants(&self, item: &T) -> bool;

    /// Tells whether one may have been wanted, as far as that cannot change.
    fn could_want(&self, item: &T) -> bool;
}

/// One stream's place in the events of some hubs.
pub(crate) struct Reader<T, W> {
    sources: Vec<Source<T>>,
    wanted: W,
    /// What has to be said first.
    preface: BytesMut,
    synced: bool,
    /// The marks of those that are away, which come back with the next id.
    away: String,
    /// The last id that was told.
    told: String,
}

struct Source<T> {
    hub: Arc<Hub<T>>,
    /// The last event that was seen.
    seen: u64,
    /// The version up to which everything was told with it.
    version: u64,
    moved: watch::Receiver<u64>,
    /// What comes before events, and how much of it was told.
    first: Option<(First<T>, usize)>,
}

enum First<T> {
    All(Snapshot<T>),
    /// What was touched since a version.
    Touched(Snapshot<T>, Arc<[(Arc<T>, u64)]>, u64),
}

impl<T> First<T> {
    fn len(&self) -> usize {
        match self {
            Self::All(snapshot) => snapshot.items.len(),
            Self::Touched(_, touched, _) => touched.len(),
        }
    }
}

impl<T: Subject> Source<T> {
    fn new(hub: Arc<Hub<T>>, start: Option<Start<T>>) -> Self {
        // Who subscribes first misses nothing.
        let moved = hub.feed.subscribe();
        let (seen, first) = match start {
            Some(Start::After(seen)) => (seen, None),
            Some(Start::Touched(snapshot, touched, version)) => {
                (snapshot.number, Some(First::Touched(snapshot, touched, version)))
            }
            None => {
                let snapshot = hub.snapshot();
                (snapshot.number, Some(First::All(snapshot)))
            }
        };
        let version = hub.feed.told(seen);
        Self { hub, seen, version, moved, first: first.map(|first| (first, 0)) }
    }

    /// Tells a part of what comes before events; `false` when there is none.
    fn tell_first(&mut self, piece: &mut BytesMut, wanted: &impl Wanted<T>) -> bool {
        let Some((first, told)) = &mut self.first else { return false };
        match first {
            First::All(snapshot) => {
                for item in snapshot.items.iter().skip(*told).take(PIECE).filter(|item| wanted.wants(item)) {
                    write(piece, None, "added", item.data(&self.hub.name));
                }
            }
            First::Touched(snapshot, touched, version) => {
                let part = touched.iter().skip(*told).take(PIECE);
                for (item, _) in part.filter(|(item, at)| *at > *version && wanted.could_want(item)) {
                    let (event, item) = match snapshot.find(item) {
                        Some(there) if wanted.wants(there) => ("modified", there),
                        Some(there) => ("deleted", there),
                        None => ("deleted", item),
                    };
                    write(piece, None, event, item.data(&self.hub.name));
                }
            }
        }
        *told += PIECE;
        if *told >= first.len() {
            self.first = None;
        }
        true
    }
}

impl<T: Subject, W: Wanted<T>> Reader<T, W> {
    /// Begins to read, after the last event that was seen. Where it cannot go on there, it says `reset` and begins anew. `away` are those
    /// that are missing for the moment.
    ///
    /// # Errors
    /// When what was missed cannot be asked for.
    pub(crate) async fn open(
        hubs: Vec<Arc<Hub<T>>>,
        wanted: W,
        last: Option<&str>,
        away: &[&str],
    ) -> Result<Self, Box<Problem>> {
        let marks = last.and_then(Marks::read);
        let starts = match &marks {
            Some(marks) => resume(&hubs, marks, away).await?,
            None => None,
        };
        let mut preface = BytesMut::new();
        if last.is_some() && starts.is_none() {
            write(&mut preface, None, "reset", b"{}");
        }
        let mut kept = String::new();
        for name in away.iter().filter(|_| starts.is_some()) {
            if let Some(mark) = marks.as_ref().and_then(|marks| marks.get(name)) {
                kept.push_str(&format!(",{name}={mark}"));
            }
        }
        let mut starts = starts.unwrap_or_default().into_iter();
        let sources = hubs.into_iter().map(|hub| Source::new(hub, starts.next().flatten())).collect();
        Ok(Self { sources, wanted, preface, synced: false, away: kept, told: String::new() })
    }

    /// Says something before everything else that is not `reset`.
    pub(crate) fn say(&mut self, event: &str, data: &[u8]) {
        write(&mut self.preface, None, event, data);
    }

    /// The next piece of the answer; `None` when this reader was too slow.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let mut piece = std::mem::take(&mut self.preface);
        loop {
            let more = self.sources.iter_mut().any(|source| source.tell_first(&mut piece, &self.wanted));
            if !piece.is_empty() {
                return Some(piece.freeze());
            }
            if more {
                // Nothing of this part is wanted; others have their turn.
                tokio::task::yield_now().await;
                continue;
            }
            let any = self.tell_events(&mut piece)?;
            if !self.synced && !any {
                self.synced = true;
                self.told = self.current_id();
                write(&mut piece, Some(&self.told), "synced", b"{}");
            }
            if !piece.is_empty() {
                return Some(piece.freeze());
            }
            if !any && !self.wait().await? {
                let id = self.current_id();
                if id != self.told {
                    write_place(&mut piece, &id);
                    self.told = id;
                }
            }
        }
    }

    /// Waits for events; `false` when there were none for a while, and `None` when a hub is gone: it tells nothing more, and its stream
    /// is over.
    async fn wait(&mut self) -> Option<bool> {
        if self.sources.is_empty() {
            return std::future::pending().await;
        }
        let moved = select_all(self.sources.iter_mut().map(|source| source.moved.changed().boxed()));
        match tokio::time::timeout(QUIET, moved).await {
            Ok((moved, ..)) => moved.ok().map(|()| true),
            Err(_) => Some(false),
        }
    }

    /// Tells a part of what has happened; `false` when nothing has.
    fn tell_events(&mut self, piece: &mut BytesMut) -> Option<bool> {
        let mut any = false;
        for at in 0..self.sources.len() {
            let Some(source) = self.sources.get_mut(at) else { continue };
            source.moved.mark_unchanged();
            let hub = source.hub.clone();
            for entry in hub.feed.after(source.seen, PIECE)? {
                any = true;
                if let Some(source) = self.sources.get_mut(at) {
                    (source.seen, source.version) = (source.seen + 1, entry.told);
                }
                self.tell(piece, &hub, &entry.event);
            }
        }
        Some(any)
    }

    /// Tells what has happened to one in the terms of the filter: one that is wanted only now is new.
    fn tell(&mut self, piece: &mut BytesMut, hub: &Hub<T>, turn: &Turn<T>) {
        let is_wanted = |side: &Option<Arc<T>>| side.as_ref().is_some_and(|item| self.wanted.wants(item));
        let event = match (is_wanted(&turn.before), is_wanted(&turn.after)) {
            (false, false) => return,
            (false, true) => "added",
            (true, true) => "modified",
            (true, false) => "deleted",
        };
        if let Some(item) = turn.after.as_ref().or(turn.before.as_ref()) {
            self.told = self.id();
            write(piece, Some(&self.told), event, item.data(&hub.name));
        }
    }

    /// The same, after all that there is.
    fn current_id(&mut self) -> String {
        for source in &mut self.sources {
            source.version = source.hub.feed.told(source.seen);
        }
        self.id()
    }

    /// What a client names to go on from here.
    fn id(&self) -> String {
        let mut id = String::new();
        for source in &self.sources {
            if !id.is_empty() {
                id.push(',');
            }
            // Writing to a text does not fail.
            let _ =
                source.hub.feed.mark(source.seen, source.version).write(&mut id, &source.hub.name, &source.hub.history);
        }
        match id.is_empty() {
            true => self.away.trim_start_matches(',').to_owned(),
            false => id + &self.away,
        }
    }
}

/// Finds out where to go on in each hub, `None` in one that the client does not know; `None` at all when that is not possible with one
/// that it knows.
async fn resume<T: Subject>(
    hubs: &[Arc<Hub<T>>],
    marks: &Marks<'_>,
    away: &[&str],
) -> Result<Option<Vec<Option<Start<T>>>>, Box<Problem>> {
    // What it knows of one that is gone for good is not true any more.
    let is_there = |name: &str| hubs.iter().any(|hub| hub.name == name) || away.contains(&name);
    if !marks.names().all(is_there) {
        return Ok(None);
    }
    let starts = try_join_all(hubs.iter().map(|hub| async {
        match marks.get(&hub.name) {
            Some(mark) => Ok::<_, Box<Problem>>(hub.resume(mark).await?.map(Some)),
            None => Ok(Some(None)),
        }
    }));
    Ok(starts.await?.into_iter().collect())
}
