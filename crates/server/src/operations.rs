//! Operations, in memory: what runs, what has run, and the events of each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Event, Kind, Operation, OperationResult, Phase, Problem, Reason, ReleaseRef, State};
use engine::Cancel;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::{Clock, Config};

/// How many events of one operation are kept; the last ones beyond are left out, `done` is always there.
const MAX_EVENTS: usize = 20_000;

/// All operations.
pub(crate) struct Operations {
    inner: Mutex<Inner>,
    retention: Duration,
    keep: usize,
    now: Clock,
}

#[derive(Default)]
struct Inner {
    /// By id, which is in order of time.
    all: BTreeMap<String, Arc<Entry>>,
    running: HashMap<ReleaseRef, Arc<Entry>>,
    keys: HashMap<String, (String, String)>,
    closed: bool,
}

/// One operation.
pub(crate) struct Entry {
    record: Mutex<Record>,
    /// Counts changes, for whoever waits.
    changed: watch::Sender<u64>,
    /// The `Idempotency-Key` it was asked for with.
    key: Option<String>,
    /// What the engine is asked to stop with, once it runs.
    cancel: Cancel,
}

struct Record {
    operation: Operation,
    events: Vec<Event>,
    /// Whether planning is over, so that the change will at least be begun.
    planned: bool,
    expires: Option<Timestamp>,
}

/// An `Idempotency-Key`, and what tells requests apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
}

/// What [`Operations::begin`] found.
pub(crate) enum Begun {
    /// A new operation, to be run.
    New(Arc<Entry>),
    /// The operation of an earlier request with the same key.
    Known(Arc<Entry>),
}

impl Operations {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            inner: Mutex::default(),
            retention: config.retention,
            keep: config.limits.operations,
            now: config.now.clone(),
        }
    }

    /// Makes an operation, unless another one of the release runs or the key is known.
    pub(crate) fn begin(
        &self,
        kind: Kind,
        release: ReleaseRef,
        idempotency: Option<Idempotency>,
    ) -> Result<Begun, Box<Problem>> {
        let now = (self.now)();
        let mut inner = self.lock();
        inner.forget(now, self.keep);
        if let Some(wanted) = &idempotency
            && let Some((fingerprint, id)) = inner.keys.get(&wanted.key)
        {
            if *fingerprint != wanted.fingerprint {
                let text = "another request was made with this `Idempotency-Key`; take a new key for a new request";
                return Err(Box::new(Problem::new(Reason::IdempotencyKeyReused, text)));
            }
            if let Some(entry) = inner.all.get(id) {
                return Ok(Begun::Known(entry.clone()));
            }
        }
        if inner.closed {
            let text = "the server is ending and takes no more changes; ask again";
            return Err(Box::new(Problem::new(Reason::ShuttingDown, text)));
        }
        if let Some(entry) = inner.running.get(&release) {
            let operation = entry.operation();
            let text = format!(
                "operation `{}` changes release `{}` of namespace `{}`; wait until it is done",
                operation.id, release.name, release.namespace
            );
            let problem = Problem::new(Reason::OperationInProgress, text);
            return Err(Box::new(Problem { operation: Some(Box::new(operation)), ..problem }));
        }
        let id = uuid::Uuid::now_v7().to_string();
        let operation = Operation {
            id: id.clone(),
            kind,
            release: release.clone(),
            state: State::Running,
            done: false,
            phase: Phase::Plan,
            progress: None,
            initiator: None,
            created_at: now.to_string(),
            started_at: Some(now.to_string()),
            finished_at: None,
            expires_at: None,
            result: None,
            error: None,
        };
        let record =
            Record { operation, events: vec![Event::Phase { phase: Phase::Plan }], planned: false, expires: None };
        let entry = Arc::new(Entry {
            record: Mutex::new(record),
            changed: watch::Sender::new(0),
            key: idempotency.as_ref().map(|i| i.key.clone()),
            cancel: Cancel::default(),
        });
        if let Some(Idempotency { key, fingerprint }) = idempotency {
            inner.keys.insert(key, (fingerprint, id.clone()));
        }
        inner.all.insert(id, entry.clone());
        inner.running.insert(release, entry.clone());
        Ok(Begun::New(entry))
    }

    /// Ends an operation.
    pub(crate) fn finish(&self, entry: &Entry, end: Result<OperationResult, Box<Problem>>) {
        let now = (self.now)();
        let mut inner = self.lock();
        let (release, forget_key) = {
            let mut record = entry.lock();
            let expires = now + self.retention;
            record.expires = Some(expires);
            // Nothing was done, and the same request may well succeed: its key is free again.
            let forget_key = !record.planned && end.as_ref().is_err_and(|p| p.retryable);
            let operation = &mut record.operation;
            operation.done = true;
            operation.finished_at = Some(now.to_string());
            operation.expires_at = Some(expires.to_string());
            match end {
                Ok(result) => {
                    operation.state = State::Succeeded;
                    operation.phase = Phase::Finish;
                    operation.result = Some(result);
                }
                Err(problem) => {
                    let cancelled = problem.reason == Reason::OperationCancelled;
                    operation.state = if cancelled { State::Cancelled } else { State::Failed };
                    operation.error = Some(*problem);
                }
            }
            let operation = operation.clone();
            let release = operation.release.clone();
            record.events.push(Event::Done { operation: Box::new(operation) });
            (release, forget_key)
        };
        if forget_key && let Some(key) = &entry.key {
            inner.keys.remove(key);
        }
        inner.running.remove(&release);
        drop(inner);
        entry.tell();
    }

    /// Returns an operation.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Entry>> {
        let mut inner = self.lock();
        inner.forget((self.now)(), self.keep);
        inner.all.get(id).cloned()
    }

    /// Returns all operations.
    pub(crate) fn all(&self) -> Vec<Operation> {
        let mut inner = self.lock();
        inner.forget((self.now)(), self.keep);
        inner.all.values().map(|e| e.operation()).collect()
    }

    /// Takes no more operations, and returns those that still run.
    pub(crate) fn close(&self) -> Vec<Arc<Entry>> {
        let mut inner = self.lock();
        inner.closed = true;
        inner.running.values().cloned().collect()
    }

    /// Tells whether it takes no more operations.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets finished operations that are too old or too many.
    fn forget(&mut self, now: Timestamp, keep: usize) {
        let finished = |e: &Entry| e.lock().expires;
        let mut gone: Vec<String> =
            self.all.iter().filter(|(_, e)| finished(e).is_some_and(|t| t <= now)).map(|(id, _)| id.clone()).collect();
        let left = self.all.len() - gone.len();
        if left > keep {
            let oldest = self.all.iter().filter(|(_, e)| finished(e).is_some_and(|t| t > now));
            gone.extend(oldest.take(left - keep).map(|(id, _)| id.clone()));
        }
        for id in &gone {
            if let Some(key) = self.all.remove(id).and_then(|e| e.key.clone()) {
                self.keys.remove(&key);
            }
        }
    }
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Returns the operation as it is.
    pub(crate) fn operation(&self) -> Operation {
        self.lock().operation.clone()
    }

    /// Returns whoever waits for changes; the number is the version.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Returns how often the operation has changed.
    pub(crate) fn version(&self) -> u64 {
        *self.changed.borrow()
    }

    /// Returns the events after a number; the first one is 1.
    pub(crate) fn events_after(&self, seen: usize) -> Vec<(usize, Event)> {
        let record = self.lock();
        // The end is told also to those who have seen it, so that nobody waits for it in vain.
        let done = record.operation.done;
        let from = if done { seen.min(record.events.len().saturating_sub(1)) } else { seen };
        record.events.iter().enumerate().skip(from).map(|(i, e)| (i + 1, e.clone())).collect()
    }

    /// Adds an event.
    pub(crate) fn event(&self, event: Event) {
        {
            let mut record = self.lock();
            if record.operation.done {
                return;
            }
            if let Event::Phase { phase } = &event {
                if record.operation.phase == *phase {
                    return;
                }
                record.operation.phase = *phase;
            }
            if record.events.len() < MAX_EVENTS {
                record.events.push(event);
            }
        }
        self.tell();
    }

    /// Sets how far it has come.
    pub(crate) fn progress(&self, ready: u32, total: u32) {
        let mut record = self.lock();
        if !record.operation.done {
            record.operation.progress = Some(api::Progress { ready, total });
        }
    }

    /// Notes that planning is over; an error when it was cancelled before.
    pub(crate) fn planned(&self, kind: Kind) -> Result<(), Box<Problem>> {
        {
            let mut record = self.lock();
            if record.operation.state == State::Cancelling {
                return Err(cancelled());
            }
            record.operation.kind = kind;
            record.planned = true;
        }
        self.tell();
        Ok(())
    }

    /// Asks to cancel: planning ends at once; a change that has begun begins nothing more, and is recorded as failed.
    pub(crate) fn cancel(&self) -> Result<Operation, Box<Problem>> {
        let operation = {
            let mut record = self.lock();
            if record.operation.done {
                let problem = Problem::new(Reason::OperationNotCancellable, "the operation is done");
                let operation = Some(Box::new(record.operation.clone()));
                return Err(Box::new(Problem { operation, ..problem }));
            }
            record.operation.state = State::Cancelling;
            record.operation.clone()
        };
        self.cancel.cancel();
        self.tell();
        Ok(operation)
    }

    /// What the engine is asked to stop with.
    pub(crate) fn cancel_handle(&self) -> &Cancel {
        &self.cancel
    }

    /// Waits until the operation is done.
    pub(crate) async fn done(&self) {
        self.until(|record| record.operation.done).await;
    }

    /// Waits until planning is over, well or not.
    pub(crate) async fn planning_over(&self) {
        self.until(|record| record.planned || record.operation.done).await;
    }

    async fn until(&self, mut reached: impl FnMut(&Record) -> bool) {
        let mut changes = self.watch();
        loop {
            changes.mark_unchanged();
            if reached(&self.lock()) {
                return;
            }
            // The sender is ours and lives as long as we do.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

/// The problem of a cancelled operation.
pub(crate) fn cancelled() -> Box<Problem> {
    Box::new(Problem::new(Reason::OperationCancelled, "the operation was cancelled before it changed anything"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(name: &str) -> ReleaseRef {
        ReleaseRef { cluster: "default".into(), namespace: "web".into(), name: name.into() }
    }

    fn new(operations: &Operations, name: &str, key: Option<(&str, &str)>) -> Result<Arc<Entry>, Reason> {
        let idempotency = key.map(|(k, f)| Idempotency { key: k.into(), fingerprint: f.into() });
        match operations.begin(Kind::Install, release(name), idempotency) {
            Ok(Begun::New(entry) | Begun::Known(entry)) => Ok(entry),
            Err(problem) => Err(problem.reason),
        }
    }

    #[test]
    fn one_change_of_a_release_at_a_time() {
        let operations = Operations::new(&Config::default());
        let first = new(&operations, "a", None).unwrap();
        assert_eq!(new(&operations, "a", None).err(), Some(Reason::OperationInProgress));
        assert!(new(&operations, "b", None).is_ok());
        operations.finish(&first, Ok(OperationResult::default()));
        assert!(new(&operations, "a", None).is_ok());
        assert_eq!(operations.close().len(), 2);
        assert_eq!(new(&operations, "c", None).err(), Some(Reason::ShuttingDown));
    }

    #[test]
    fn a_key_is_one_request() {
        let operations = Operations::new(&Config::default());
        let first = new(&operations, "a", Some(("k", "f"))).unwrap();
        let again = new(&operations, "a", Some(("k", "f"))).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!(new(&operations, "a", Some(("k", "g"))).err(), Some(Reason::IdempotencyKeyReused));
        // What was not begun and may be retried is run again.
        operations.finish(&first, Err(Box::new(Problem::new(Reason::ClusterUnreachable, ""))));
        let next = new(&operations, "a", Some(("k", "f"))).unwrap();
        assert!(!Arc::ptr_eq(&first, &next));
        // What was begun is not.
        next.planned(Kind::Upgrade).unwrap();
        operations.finish(&next, Err(Box::new(Problem::new(Reason::ClusterUnreachable, ""))));
        assert!(Arc::ptr_eq(&next, &new(&operations, "a", Some(("k", "f"))).unwrap()));
    }

    #[test]
    fn finished_operations_are_forgotten_in_time() {
        let time = Arc::new(Mutex::new(Timestamp::UNIX_EPOCH));
        let clock = time.clone();
        let config = Config { now: Arc::new(move || *clock.lock().unwrap()), ..Config::default() };
        let operations = Operations::new(&config);
        let done = new(&operations, "a", Some(("k", "f"))).unwrap();
        let running = new(&operations, "b", None).unwrap();
        operations.finish(&done, Ok(OperationResult::default()));
        assert_eq!(operations.all().len(), 2);
        *time.lock().unwrap() += Duration::from_secs(25 * 60 * 60);
        assert_eq!(operations.all().len(), 1);
        assert!(operations.get(&done.operation().id).is_none());
        assert!(operations.get(&running.operation().id).is_some());
        assert!(new(&operations, "a", Some(("k", "other"))).is_ok());
    }

    #[test]
    fn the_end_is_told_again_and_nothing_after_it() {
        let operations = Operations::new(&Config::default());
        let entry = new(&operations, "a", None).unwrap();
        entry.event(Event::Phase { phase: Phase::Apply });
        entry.event(Event::Phase { phase: Phase::Apply });
        assert_eq!(entry.events_after(0).len(), 2);
        assert!(entry.events_after(2).is_empty());
        operations.finish(&entry, Ok(OperationResult::default()));
        entry.event(Event::warning("late"));
        for seen in [3, 4, 1_000] {
            let events = entry.events_after(seen);
            assert_eq!(events.len(), 1, "{seen}");
            assert_eq!((events[0].0, events[0].1.name()), (3, "done"));
        }
    }

    #[test]
    fn what_is_not_done_can_be_cancelled() {
        let operations = Operations::new(&Config::default());
        let entry = new(&operations, "a", None).unwrap();
        assert_eq!(entry.cancel().unwrap().state, State::Cancelling);
        assert_eq!(entry.planned(Kind::Install).unwrap_err().reason, Reason::OperationCancelled);
        operations.finish(&entry, Err(cancelled()));
        assert_eq!(entry.operation().state, State::Cancelled);
        assert_eq!(entry.cancel().unwrap_err().reason, Reason::OperationNotCancellable);
        let entry = new(&operations, "a", None).unwrap();
        entry.planned(Kind::Install).unwrap();
        assert!(!entry.cancel_handle().is_cancelled());
        assert_eq!(entry.cancel().unwrap().state, State::Cancelling);
        assert!(entry.cancel_handle().is_cancelled());
        // It was too late.
        operations.finish(&entry, Ok(OperationResult::default()));
        assert_eq!(entry.operation().state, State::Succeeded);
    }
}
