//! Numbered events that many read, each from where it is.
//!
//! A [`Feed`] keeps the last events in a ring. Readers keep a number and nothing else, so that a slow one costs no memory: when
//! the ring has gone on without it, [`Feed::after`] says so and its stream ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::mark::Mark;

/// Events by number, of which the last ones are kept.
pub(crate) struct Feed<T> {
    ring: Mutex<Ring<T>>,
    moved: watch::Sender<u64>,
    /// Tells the version up to which everything is told.
    reached: watch::Sender<u64>,
    /// Tells this feed from one of the same name before a restart, or on another replica.
    epoch: String,
}

struct Ring<T> {
    entries: VecDeque<Entry<T>>,
    /// The number of the last event; the first one is 1.
    last: u64,
    /// The version up to which everything is told with the last event, and before the first one here.
    version: u64,
    before: u64,
    room: usize,
}

/// One event.
pub(crate) struct Entry<T> {
    pub(crate) event: Arc<T>,
    /// The version up to which everything is told with this event.
    pub(crate) told: u64,
    /// Who was told up to this version knows of it.
    pub(crate) at: u64,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self { event: self.event.clone(), told: self.told, at: self.at }
    }
}

impl<T> Feed<T> {
    /// Makes a feed that keeps as many events.
    pub(crate) fn new(room: usize) -> Self {
        let ring = Ring { entries: VecDeque::new(), last: 0, version: 0, before: 0, room: room.max(1) };
        let epoch = uuid::Uuid::new_v4().simple().to_string();
        Self { ring: Mutex::new(ring), moved: watch::Sender::new(0), reached: watch::Sender::new(0), epoch }
    }

    /// Adds events, each with the version that it was at, which together bring the feed to a version; and tells whoever waits.
    pub(crate) fn push(&self, events: impl IntoIterator<Item = (T, u64)>, version: u64) {
        let last = {
            let mut ring = self.lock();
            // Only with the last one all is told that had happened by then.
            let told = ring.version;
            match ring.entries.back_mut() {
                Some(last) => last.told = told,
                None => ring.before = told,
            }
            for (event, at) in events {
                if ring.entries.len() == ring.room
                    && let Some(gone) = ring.entries.pop_front()
                {
                    ring.before = gone.told;
                }
                ring.entries.push_back(Entry { event: Arc::new(event), told, at });
                ring.last += 1;
            }
            ring.version = version;
            ring.last
        };
        self.reached.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        self.moved.send_if_modified(|seen| std::mem::replace(seen, last) != last);
    }

    /// The number of the last event, and the version up to which everything is told with it.
    pub(crate) fn last(&self) -> (u64, u64) {
        let ring = self.lock();
        (ring.last, ring.version)
    }

    /// At most `limit` events after a number, the first of which is the next number; `None` when some are no longer there.
    pub(crate) fn after(&self, seen: u64, limit: usize) -> Option<Vec<Entry<T>>> {
        let ring = self.lock();
        let missing = usize::try_from(ring.last.checked_sub(seen)?).ok()?;
        let skipped = ring.entries.len().checked_sub(missing)?;
        let mut entries: Vec<Entry<T>> = ring.entries.iter().skip(skipped).take(limit).cloned().collect();
        if entries.len() == missing
            && let Some(last) = entries.last_mut()
        {
            last.told = ring.version;
        }
        Some(entries)
    }

    /// The version up to which everything is told to whoever has seen an event; that moves on where nothing happens.
    pub(crate) fn told(&self, seen: u64) -> u64 {
        let ring = self.lock();
        if seen == ring.last {
            return ring.version;
        }
        let missing = ring.last.checked_sub(seen).and_then(|missing| usize::try_from(missing).ok());
        match missing.and_then(|missing| ring.entries.len().checked_sub(missing)) {
            Some(0) => ring.before,
            Some(at) => ring.entries.get(at - 1).map_or(0, |entry| entry.told),
            None => 0,
        }
    }

    /// Whoever waits for events.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Whoever waits for a version.
    pub(crate) fn reached(&self) -> watch::Receiver<u64> {
        self.reached.subscribe()
    }

    /// What a client names to go on after an event, with which everything up to a version was told.
    pub(crate) fn mark(&self, number: u64, version: u64) -> Mark<'_> {
        Mark { epoch: &self.epoch, number, version }
    }

    /// Tells whether a client can go on after what it has seen of this very feed.
    pub(crate) fn has(&self, mark: &Mark<'_>) -> bool {
        mark.epoch == self.epoch && self.after(mark.number, 0).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_go_on_where_they_were_or_hear_that_they_cannot() {
        let feed = Feed::new(3);
        let read = |seen, limit| feed.after(seen, limit).map(|all| all.iter().map(|e| *e.event).collect::<Vec<u32>>());
        assert_eq!((feed.last(), read(0, 9)), ((0, 0), Some(vec![])));
        feed.push([(10, 5), (11, 5)], 5);
        assert_eq!((read(0, 9), read(1, 9), read(2, 9)), (Some(vec![10, 11]), Some(vec![11]), Some(vec![])));
        assert_eq!(read(3, 9), None, "nobody has seen what has not happened");
        feed.push([(12, 7), (13, 7)], 7);
        assert_eq!((read(0, 9), read(1, 2)), (None, Some(vec![11, 12])));
        assert!(feed.has(&feed.mark(1, 0)) && !feed.has(&feed.mark(0, 0)));
        assert!(!Feed::<u32>::new(1).has(&feed.mark(4, 0)));
    }

    #[test]
    fn a_version_is_told_with_the_last_event_of_it() {
        let feed = Feed::new(9);
        feed.push([], 4);
        feed.push([(1, 6), (2, 6)], 6);
        assert_eq!([0, 1, 2, 3].map(|seen| feed.told(seen)), [4, 4, 6, 0]);
        feed.push([], 8);
        assert_eq!(feed.told(2), 8, "time goes on");
        feed.push([(3, 9)], 9);
        assert_eq!([1, 2, 3].map(|seen| feed.told(seen)), [4, 8, 9]);
    }
}
