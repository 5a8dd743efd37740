//! Seeing an operation through: it is run, and what it does is stored, and its listing says that we live.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use api::{Operation, OperationResult, Problem, State};
use futures::FutureExt;
use tokio::time::Instant;

use super::Operations;
use super::entry::{Entry, cancelled};
use super::listing::{Indexed, Listing, TERM};
use super::record::Stored;
use crate::app::App;

/// How often a listing says that we live.
const RENEWAL: Duration = Duration::from_secs(5);
/// The shortest time between two writes of a record.
const PACE: Duration = Duration::from_millis(250);
/// How long the end of an operation is tried to be stored before it is shown all the same.
const LAST_TRIES: Duration = Duration::from_secs(30);
/// The pause between tries to store the end while the cluster is away.
const AWAY: Duration = Duration::from_millis(500);
/// How often an operation in the queue looks whether it is its turn, where nothing tells it.
const LOOK: Duration = Duration::from_secs(1);

/// Why the work ended without an end.
enum Left {
    /// Another replica has taken the operation over.
    Lost,
    /// We are to let go of it.
    HandedOver,
}

/// Runs the work of an operation and stores what becomes of it.
pub(crate) async fn see_through(
    app: App,
    entry: Arc<Entry>,
    indexed: Indexed,
    work: impl Future<Output = Result<OperationResult, Box<Problem>>> + Send,
) {
    let operations = &app.operations;
    let begun = std::time::Instant::now();
    operations.measure(&app);
    let listed = indexed.listing.clone();
    let mut keeper = Keeper { operations, entry: &entry, indexed };
    let work = async {
        operations.turn(&entry, &listed).await?;
        entry.begin(&operations.holder, operations.now());
        let end = work.await;
        super::resume::to_the_end(&app, &entry, &listed, end).await
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    let ended = tokio::select! {
        end = work => Ok(end.unwrap_or_else(|_| Err(crate::reply::internal("an operation has panicked")))),
        () = keeper.keep() => Err(Left::Lost),
        () = operations.hand_over.cancelled() => Err(Left::HandedOver),
    };
    match ended {
        Ok(end) => {
            match &end {
                Ok(result) => tracing::info!(revision = result.revision, "the operation has succeeded"),
                Err(problem) => {
                    let (reason, detail) = (problem.reason.as_str(), &problem.detail);
                    tracing::info!(reason, detail, "the operation has failed");
                }
            }
            let is_ours = keeper.finish(end).await;
            operations.running().remove(entry.id());
            if !is_ours {
                let listing = keeper.indexed.listing.clone();
                return leave(&app, entry, listing).await;
            }
            let operation = entry.operation();
            tracing::Span::current().record("state", super::state_name(operation.state));
            app.metrics.operation_finished(operation.kind, operation.state, begun.elapsed().as_secs_f64());
        }
        Err(left) => {
            let indexed = keeper.leave(&left).await;
            operations.running().remove(entry.id());
            leave(&app, entry, indexed.listing).await;
        }
    }
    operations.measure(&app);
}

/// Has whoever listens here go on hearing what happens elsewhere.
async fn leave(app: &App, entry: Arc<Entry>, listing: Listing) {
    app.operations.measure(app);
    if entry.is_watched() {
        app.operations.mirrors().insert(entry.id().to_owned(), entry.clone());
        super::mirror::follow(app, entry, listing).await;
    }
}

impl Operations {
    /// Tells how much there is to do here.
    fn measure(&self, app: &App) {
        let states: Vec<State> = self.running().values().map(|entry| entry.operation().state).collect();
        let queued = states.iter().filter(|state| **state == State::Queued).count();
        app.metrics.operations_queued(queued);
        app.metrics.operations_running(states.len() - queued);
    }

    /// Waits until everything that was asked of the release before is done.
    async fn turn(&self, entry: &Entry, listing: &Listing) -> Result<(), Box<Problem>> {
        if !listing.queue {
            return Ok(());
        }
        loop {
            let mut changes = self.index.changes();
            changes.mark_unchanged();
            let before = self.of_release(&listing.release).await?;
            if !before.iter().any(|other| other.listing.id < listing.id) {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = changes.changed() => {}
                () = entry.cancel_handle().cancelled() => return Err(cancelled()),
            }
        }
    }
}

/// Ends the listing of an operation whose record says that it is done.
pub(super) async fn settle(operations: &Operations, entry: &Arc<Entry>, indexed: Indexed) {
    let mut keeper = Keeper { operations, entry, indexed };
    keeper.end_listing(&entry.operation(), Instant::now() + LAST_TRIES).await;
    operations.home.drop_request(entry.id()).await;
}

/// What stores an operation while it runs.
struct Keeper<'o> {
    operations: &'o Operations,
    entry: &'o Arc<Entry>,
    indexed: Indexed,
}

impl Keeper<'_> {
    /// Stores what happens and renews the listing, until the operation is another one's.
    async fn keep(&mut self) {
        let mut renewal = Instant::now() + RENEWAL;
        // As long as no renewal was acknowledged, others may take us for dead from here on.
        let mut dead = Instant::now() + TERM;
        let mut stored = Instant::now();
        loop {
            let mut cancel = self.operations.index.changes();
            cancel.mark_unchanged();
            tokio::select! {
                () = tokio::time::sleep_until(renewal) => {
                    renewal = Instant::now() + RENEWAL;
                    let begun = Instant::now();
                    // An answer that does not come must not keep us from seeing that our time is over.
                    match tokio::time::timeout_at(dead.min(begun + RENEWAL), self.renew()).await {
                        Ok(Ok(true)) => dead = begun + TERM,
                        Ok(Ok(false)) => return,
                        Ok(Err(_)) | Err(_) if Instant::now() < dead => renewal = Instant::now() + PACE,
                        // Somebody else may be at work on it.
                        Ok(Err(_)) | Err(_) => return,
                    }
                }
                () = async { self.entry.to_store().await; tokio::time::sleep_until(stored + PACE).await } => {
                    // Nor must a write keep us from saying that we live.
                    if tokio::time::timeout_at(renewal, self.store()).await.is_err() {
                        self.entry.not_stored();
                    }
                    stored = Instant::now();
                }
                _ = cancel.changed() => self.hear(),
            }
        }
    }

    /// Does what others have asked for in the listing.
    fn hear(&self) {
        let asked = self.operations.index.get(self.entry.id()).is_some_and(|indexed| indexed.listing.cancel);
        if (asked || self.indexed.listing.cancel) && !self.entry.cancel_handle().is_cancelled() {
            let _ = self.entry.cancel();
        }
    }

    /// Says in the listing that we live; `false` when it is another one's.
    async fn renew(&mut self) -> Result<bool, Box<Problem>> {
        self.relist(Some(self.operations.holder.clone())).await
    }

    /// Writes the listing anew, over whatever others have asked for meanwhile; `false` when it is another one's.
    async fn relist(&mut self, holder: Option<String>) -> Result<bool, Box<Problem>> {
        for _ in 0..4 {
            let renewed = Some(self.operations.now());
            let mut next = Indexed { renewed, holder: holder.clone(), ..self.indexed.clone() };
            if !next.listing.is_done() {
                next.listing.state = self.entry.operation().state;
            }
            if let Some(indexed) = self.operations.home.relist(next).await? {
                self.take(indexed);
                return Ok(true);
            }
            // Somebody has written it: to cancel, or to take it over.
            match self.operations.home.listing(self.entry.id()).await? {
                Some(found) if found.holder.as_deref() == Some(&self.operations.holder) => {
                    self.indexed.listing.cancel |= found.listing.cancel;
                    self.indexed.version = found.version;
                    self.hear();
                }
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn take(&mut self, indexed: Indexed) {
        self.operations.index.put(indexed.clone());
        self.indexed = indexed;
        self.hear();
    }

    /// Writes the record, if there is anything to write, and shows it.
    async fn store(&mut self) -> Result<(), Box<Problem>> {
        if let Some(stored) = self.write().await? {
            self.entry.stored(stored);
        }
        Ok(())
    }

    /// Writes the record, if there is anything to write, and returns what is to be shown.
    async fn write(&mut self) -> Result<Option<Stored>, Box<Problem>> {
        let Some(stored) = self.entry.unstored() else { return Ok(None) };
        let home = &self.operations.home;
        let done = match home.write(&self.indexed.listing, &stored, self.entry.version()).await {
            // Its namespace was taken away: with a chart that brings it, or by somebody else.
            Err(refused) if refused.code == Some(404) && !self.indexed.listing.at_home => {
                self.indexed.listing.at_home = true;
                self.renew().await?;
                home.write(&self.indexed.listing, &stored, None).await
            }
            done => done,
        };
        match done {
            Ok(version) => {
                self.entry.set_version(version);
                Ok(Some(stored))
            }
            Err(refused) => {
                self.entry.not_stored();
                tracing::warn!(
                    id = self.entry.id(),
                    detail = refused.problem.detail,
                    "an operation could not be stored"
                );
                // An answer was lost, or somebody has touched it: the next write begins from what is there.
                if refused.code.is_none_or(|code| code == 409)
                    && let Ok(Some((_, version))) = home.read(&self.indexed.listing).await
                {
                    self.entry.set_version(version);
                }
                Err(refused.problem)
            }
        }
    }

    /// Ends the operation: the record first, then its listing; `false` when it has become another one's.
    async fn finish(&mut self, end: Result<OperationResult, Box<Problem>>) -> bool {
        let operations = self.operations;
        let now = operations.now();
        let expires = now + operations.retention;
        // Nothing was done, and the same request may well succeed: its key is free again.
        let frees_key = !self.entry.is_planned() && end.as_ref().is_err_and(|problem| problem.retryable);
        if frees_key && let Some(key) = self.indexed.listing.key.take() {
            operations.free_key(&key).await;
        }
        self.entry.finish(end, now, expires);
        let deadline = Instant::now() + LAST_TRIES;
        loop {
            let problem = match self.write().await {
                Ok(Some(stored)) => {
                    // Whoever sees the end may ask for the next change, which the listing must not be in the way of.
                    self.end_listing(&stored.operation, deadline).await;
                    self.entry.stored(stored);
                    break;
                }
                Ok(None) => break,
                Err(problem) => problem,
            };
            // As long as the cluster is away nobody else can take it over either, and an end that was shown but not stored
            // would come a second time, and another one perhaps.
            let is_away = problem.retryable && !operations.hand_over.is_cancelled();
            if !is_away && Instant::now() >= deadline {
                // It is shown all the same; whoever takes it over finds out what was done.
                if let Some(stored) = self.entry.unstored() {
                    self.entry.stored(stored);
                }
                return true;
            }
            // What was away for long may be another one's now.
            loop {
                tokio::time::sleep(AWAY).await;
                match self.renew().await {
                    Ok(true) => break,
                    Ok(false) => return false,
                    Err(_) if operations.hand_over.is_cancelled() => break,
                    Err(problem) if problem.retryable || Instant::now() < deadline => {}
                    Err(_) => break,
                }
            }
        }
        operations.home.drop_request(self.entry.id()).await;
        true
    }

    /// Says in the listing what the record says.
    async fn end_listing(&mut self, operation: &Operation, deadline: Instant) {
        let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        let listing = &mut self.indexed.listing;
        (listing.finished_at, listing.expires_at) = (time(&operation.finished_at), time(&operation.expires_at));
        (listing.kind, listing.state) = (operation.kind, operation.state);
        while self.relist(None).await.is_err() && Instant::now() < deadline {
            tokio::time::sleep(PACE).await;
        }
    }

    /// Lets go of an operation that is another one's, or shall be.
    async fn leave(&mut self, left: &Left) -> Indexed {
        match left {
            Left::Lost => {
                tracing::warn!(id = self.entry.id(), "another replica has taken the operation over");
            }
            Left::HandedOver => {
                let _ = self.store().await;
                if let Err(problem) = self.relist(None).await {
                    let detail = problem.detail;
                    tracing::warn!(id = self.entry.id(), detail, "an operation was left without being handed over");
                }
            }
        }
        self.indexed.clone()
    }
}
