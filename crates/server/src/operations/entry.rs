//! One operation in this process: one that runs here, or the likeness of one that runs elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Event, Kind, Operation, OperationResult, Phase, Problem, Reason, State};
use engine::Cancel;
use jiff::Timestamp;
use tokio::sync::watch;

use super::listing::is_done;
use super::record::{Run, Stored};

/// How many events of one operation are kept; the last ones beyond are left out, `done` is always there.
const MAX_EVENTS: usize = 20_000;

/// One operation.
pub(crate) struct Entry {
    id: String,
    record: Mutex<Record>,
    /// Counts changes, for whoever waits.
    changed: watch::Sender<u64>,
    /// What the engine is asked to stop with, once it runs.
    cancel: Cancel,
}

struct Record {
    /// As it is.
    now: Stored,
    /// As it was stored last. Nobody is shown an end that could be lost, and come out otherwise, when this process dies.
    shown: Operation,
    /// How many events were stored.
    told: usize,
    /// Whether planning is over, so that the change will at least be begun.
    planned: bool,
    /// Whether there is something to store.
    dirty: bool,
    /// The version of the stored record.
    version: Option<String>,
    /// Whether it runs here after it has run elsewhere: nothing is taken from there any more.
    succeeded: bool,
}

impl Entry {
    /// Begins with what is stored.
    pub(crate) fn new(stored: Stored) -> Arc<Self> {
        let record = Record {
            shown: stored.operation.clone(),
            told: stored.events.len(),
            planned: false,
            dirty: false,
            version: None,
            succeeded: false,
            now: stored,
        };
        let id = record.shown.id.clone();
        Arc::new(Self { id, record: Mutex::new(record), changed: watch::Sender::new(0), cancel: Cancel::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the operation: how far it has come, and its end once that is stored.
    pub(crate) fn operation(&self) -> Operation {
        let record = self.lock();
        let ends = record.now.operation.done && !record.shown.done;
        if ends { record.shown.clone() } else { record.now.operation.clone() }
    }

    /// Returns how it stands, stored or not.
    fn state(&self) -> State {
        self.lock().now.operation.state
    }

    /// Returns what the run has noted for whoever takes it over.
    pub(crate) fn run(&self) -> Run {
        self.lock().now.run.clone()
    }

    /// Returns the version of the stored record, when there is one.
    pub(crate) fn version(&self) -> Option<String> {
        self.lock().version.clone()
    }

    /// Notes the version of the stored record.
    pub(crate) fn set_version(&self, version: String) {
        self.lock().version = Some(version);
    }

    /// Returns whoever waits for changes; the number is the version.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Tells whether anybody waits for changes.
    pub(crate) fn is_watched(&self) -> bool {
        self.changed.receiver_count() > 0
    }

    /// Returns the stored events after a number; the first one is 1.
    pub(crate) fn events_after(&self, seen: usize) -> Vec<(usize, Event)> {
        let record = self.lock();
        let events = record.now.events.get(..record.told).unwrap_or_default();
        // The end is told also to those who have seen it, so that nobody waits for it in vain.
        let from = if record.shown.done { seen.min(events.len().saturating_sub(1)) } else { seen };
        events.iter().enumerate().skip(from).map(|(i, e)| (i + 1, e.clone())).collect()
    }

    /// Changes what is to be stored, as long as the operation is not done.
    fn change(&self, change: impl FnOnce(&mut Record) -> bool) {
        let changed = {
            let mut record = self.lock();
            let changed = !record.now.operation.done && change(&mut record);
            record.dirty |= changed;
            changed
        };
        if changed {
            self.tell();
        }
    }

    /// Adds an event.
    pub(crate) fn event(&self, event: Event) {
        self.change(|record| {
            if let Event::Phase { phase } = &event {
                if record.now.operation.phase == *phase {
                    return false;
                }
                record.now.operation.phase = *phase;
            }
            let room = record.now.events.len() < MAX_EVENTS;
            if room {
                record.now.events.push(event);
            }
            room
        });
    }

    /// Sets how far it has come.
    pub(crate) fn progress(&self, ready: u32, total: u32) {
        self.change(|record| {
            record.now.operation.progress = Some(api::Progress { ready, total });
            true
        });
    }

    /// Notes the revision that the run has recorded.
    pub(crate) fn recorded(&self, revision: u32) {
        self.change(|record| {
            record.now.run.revision = Some(revision);
            true
        });
    }

    /// Begins the run, of whom is in the queue too.
    pub(crate) fn begin(&self, holder: &str, now: Timestamp) {
        self.change(|record| {
            record.now.run.holders.push(holder.to_owned());
            let operation = &mut record.now.operation;
            if operation.state == State::Queued {
                operation.state = State::Running;
            }
            operation.started_at.get_or_insert_with(|| now.to_string());
            true
        });
    }

    /// Notes that planning is over; an error when it was cancelled before.
    pub(crate) fn planned(&self, kind: Kind) -> Result<(), Box<Problem>> {
        if self.state() == State::Cancelling {
            return Err(cancelled());
        }
        self.change(|record| {
            record.now.operation.kind = kind;
            record.planned = true;
            true
        });
        Ok(())
    }

    /// Tells whether the change was begun.
    pub(crate) fn is_planned(&self) -> bool {
        self.lock().planned
    }

    /// Asks to cancel: planning ends at once; a change that has begun begins nothing more, and is recorded as failed.
    pub(crate) fn cancel(&self) -> Result<Operation, Box<Problem>> {
        let operation = {
            let mut record = self.lock();
            if record.now.operation.done {
                return Err(not_cancellable(record.now.operation.clone()));
            }
            record.now.operation.state = State::Cancelling;
            record.dirty = true;
            record.now.operation.clone()
        };
        self.cancel.cancel();
        self.tell();
        Ok(operation)
    }

    /// What the engine is asked to stop with.
    pub(crate) fn cancel_handle(&self) -> &Cancel {
        &self.cancel
    }

    /// Ends the operation; it is shown as ended once that is stored.
    pub(crate) fn finish(&self, end: Result<OperationResult, Box<Problem>>, now: Timestamp, expires: Timestamp) {
        self.change(|record| {
            let operation = &mut record.now.operation;
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
                    operation.state = match problem.reason {
                        Reason::OperationCancelled => State::Cancelled,
                        Reason::OperationAbandoned => State::Recovered,
                        _ => State::Failed,
                    };
                    operation.error = Some(*problem);
                }
            }
            debug_assert!(is_done(operation.state));
            let operation = Box::new(operation.clone());
            record.now.events.push(Event::Done { operation });
            true
        });
    }

    /// What is to be stored; `None` when it is stored already.
    pub(crate) fn unstored(&self) -> Option<Stored> {
        let mut record = self.lock();
        std::mem::take(&mut record.dirty).then(|| record.now.clone())
    }

    /// Notes that what [`Self::unstored`] gave could not be stored.
    pub(crate) fn not_stored(&self) {
        self.lock().dirty = true;
    }

    /// Shows what was stored.
    pub(crate) fn stored(&self, stored: Stored) {
        {
            let mut record = self.lock();
            record.told = stored.events.len();
            record.shown = stored.operation;
        }
        self.tell();
    }

    /// Shows what another process has stored; its events are ours and more.
    pub(crate) fn mirror(&self, stored: Stored) {
        {
            let mut record = self.lock();
            if record.succeeded {
                return;
            }
            record.told = stored.events.len();
            record.shown = stored.operation.clone();
            record.planned |= stored.operation.phase != Phase::Plan;
            record.now = stored;
        }
        self.tell();
    }

    /// Goes on as another entry, which was made of what is stored; whoever listens to this one goes on listening.
    pub(crate) fn succeed(&self, other: &Self) {
        {
            let (mut record, other) = (self.lock(), other.lock());
            record.now = other.now.clone();
            record.shown = other.shown.clone();
            record.told = other.told;
            record.version.clone_from(&other.version);
            record.dirty = true;
            record.succeeded = true;
        }
        if other.cancel.is_cancelled() {
            self.cancel.cancel();
        }
        self.tell();
    }

    /// Shows the end of an operation whose record is gone.
    pub(crate) fn end(&self, operation: Operation) {
        {
            let mut record = self.lock();
            let told = record.told;
            record.now.events.truncate(told);
            record.now.events.push(Event::Done { operation: Box::new(operation.clone()) });
            record.told = record.now.events.len();
            record.now.operation = operation.clone();
            record.shown = operation;
        }
        self.tell();
    }

    /// Waits until there is something to store.
    pub(crate) async fn to_store(&self) {
        self.until(|record| record.dirty).await;
    }

    /// Waits until the operation is done.
    pub(crate) async fn done(&self) {
        self.until(|record| record.shown.done).await;
    }

    /// Waits until planning is over, well or not.
    pub(crate) async fn planning_over(&self) {
        self.until(|record| record.planned || record.shown.done).await;
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

/// The problem of one that is done.
pub(crate) fn not_cancellable(operation: Operation) -> Box<Problem> {
    let problem = Problem::new(Reason::OperationNotCancellable, "the operation is done");
    Box::new(Problem { operation: Some(Box::new(operation)), ..problem })
}

#[cfg(test)]
mod tests;
