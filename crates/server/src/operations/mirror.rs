//! Finding operations, wherever they run, and following those that run elsewhere.

use std::sync::Arc;
use std::time::Duration;

use api::{Operation, Problem, Reason};
use futures::{StreamExt, stream};

use super::Operations;
use super::entry::{Entry, not_cancellable};
use super::listing::{Indexed, Listing};
use crate::app::App;
use crate::clusters::DEFAULT;
use crate::ctx::Ctx;

/// How soon a record that has just changed is read again, and how late one that does not.
const SOON: Duration = Duration::from_millis(200);
const LATE: Duration = Duration::from_secs(2);
/// How many looks are made for nobody.
const ALONE: u32 = 5;
/// How many records are read at a time for a list.
const PARALLEL: usize = 16;
/// How long a cluster may take to show a record in a list.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a wish is written over what others write at the same time.
const TRIES: u32 = 8;

impl Operations {
    /// Finds an operation; one that is to be followed changes as what runs elsewhere does.
    pub(crate) async fn find(&self, ctx: &Ctx, id: &str, follow: bool) -> Result<Option<Arc<Entry>>, Box<Problem>> {
        let Some(indexed) = self.listed(id).await? else { return Ok(None) };
        self.read(&ctx.app, &indexed.listing, follow).await
    }

    /// Returns what is known of an operation without its record.
    pub(crate) async fn listing(&self, id: &str) -> Result<Option<Listing>, Box<Problem>> {
        Ok(self.listed(id).await?.map(|indexed| indexed.listing))
    }

    async fn listed(&self, id: &str) -> Result<Option<Indexed>, Box<Problem>> {
        let found = match self.index.get(id) {
            Some(indexed) => Some(indexed),
            // Another replica may have made it just now.
            None => self.home.listing(id).await?,
        };
        Ok(found.filter(|indexed| self.has_cluster(&indexed.listing)))
    }

    /// Operations of a cluster that was taken away are not shown any more.
    fn has_cluster(&self, listing: &Listing) -> bool {
        self.home.clusters.find(&listing.release.cluster).is_some()
    }

    async fn read(&self, app: &App, listing: &Listing, follow: bool) -> Result<Option<Arc<Entry>>, Box<Problem>> {
        if let Some(entry) = self.here(&listing.id) {
            return Ok(Some(entry));
        }
        if let Some(entry) = self.mirrors().get(&listing.id) {
            return Ok(Some(entry.clone()));
        }
        // Who may see it was asked before; the record is read in the name of whoever it is done for, as it was written.
        let Some((stored, _)) = self.home.read(listing).await? else {
            if !listing.is_done() {
                // It is only being made; nobody was told of it.
                return Ok(None);
            }
            // The record went with its namespace: what the listing knows is left.
            return Ok(Some(of_listing(listing)));
        };
        let done = stored.operation.done;
        let entry = Entry::new(stored);
        if !follow || done {
            return Ok(Some(entry));
        }
        let mut mirrors = self.mirrors();
        if let Some(there) = mirrors.get(&listing.id) {
            return Ok(Some(there.clone()));
        }
        mirrors.insert(listing.id.clone(), entry.clone());
        drop(mirrors);
        let (app, listing, followed) = (app.clone(), listing.clone(), entry.clone());
        tokio::spawn(async move { self::follow(&app, followed, listing).await });
        Ok(Some(entry))
    }

    /// Returns the operations of listings, in their order, as far as their records can be read.
    pub(crate) async fn read_all(&self, app: &App, listings: Vec<Listing>) -> Result<Vec<Operation>, Box<Problem>> {
        let read = stream::iter(listings.into_iter().map(|listing| async move {
            let read = match app.clusters.get(&listing.release.cluster) {
                Some(member) => member.patiently(PATIENCE, self.read(app, &listing, false)).await,
                None => self.read(app, &listing, false).await,
            };
            let away =
                |problem: &Problem| problem.reason == Reason::ClusterUnreachable && listing.release.cluster != DEFAULT;
            match read {
                // What is known without its cluster.
                Err(problem) if away(&problem) => Ok(Some(of_listing(&listing))),
                read => read,
            }
        }));
        let read: Vec<Result<Option<Arc<Entry>>, Box<Problem>>> = read.buffered(PARALLEL).collect().await;
        let hidden = |problem: &Problem| matches!(problem.reason, Reason::ClusterForbidden | Reason::ClusterNotFound);
        let shown = |one: Result<Option<Arc<Entry>>, Box<Problem>>| match one {
            Ok(entry) => entry.map(|entry| Ok(entry.operation())),
            Err(problem) if hidden(&problem) => None,
            Err(problem) => Some(Err(problem)),
        };
        read.into_iter().filter_map(shown).collect()
    }

    /// Returns the listings that are wanted, the oldest first.
    pub(crate) async fn select(&self, wanted: impl Fn(&Listing) -> bool) -> Result<Vec<Listing>, Box<Problem>> {
        self.refresh().await?;
        Ok(self
            .index
            .select(|indexed| wanted(&indexed.listing) && self.has_cluster(&indexed.listing))
            .into_iter()
            .map(|indexed| indexed.listing)
            .collect())
    }

    /// Asks whoever runs an operation to cancel it.
    pub(crate) async fn cancel(&self, ctx: &Ctx, id: &str) -> Result<Option<Operation>, Box<Problem>> {
        let Some(entry) = self.find(ctx, id, false).await? else { return Ok(None) };
        if self.here(id).is_some() {
            return entry.cancel().map(Some);
        }
        for _ in 0..TRIES {
            let Some(mut indexed) = self.home.listing(id).await? else { return Ok(None) };
            if indexed.listing.is_done() {
                return Err(not_cancellable(entry.operation()));
            }
            indexed.listing.cancel = true;
            if let Some(indexed) = self.home.relist(indexed).await? {
                self.index.put(indexed);
                return Ok(Some(Operation { state: api::State::Cancelling, ..entry.operation() }));
            }
        }
        let text = "the operation is being written to all the time; ask again";
        Err(Box::new(Problem::new(Reason::ClusterError, text)))
    }
}

/// What the listing of an operation knows of it.
fn of_listing(listing: &Listing) -> Arc<Entry> {
    let operation = listing.operation();
    let done = operation.done.then(|| api::Event::Done { operation: Box::new(operation.clone()) });
    Entry::new(super::Stored { operation, events: done.into_iter().collect(), run: super::Run::default() })
}

/// Follows an operation that runs elsewhere, until it is done or nobody listens any more.
pub(super) async fn follow(app: &App, entry: Arc<Entry>, mut listing: Listing) {
    let operations = &app.operations;
    let (mut pause, mut seen, mut alone) = (SOON, String::new(), 0);
    while alone < ALONE {
        tokio::time::sleep(pause).await;
        alone = if entry.is_watched() { 0 } else { alone + 1 };
        pause = (pause * 2).min(LATE);
        if let Some(indexed) = operations.index.get(entry.id()) {
            listing = indexed.listing;
        }
        match operations.home.read(&listing).await {
            Ok(Some((stored, version))) if version != seen => {
                (seen, pause) = (version, SOON);
                let done = stored.operation.done;
                entry.mirror(stored);
                if done {
                    break;
                }
            }
            Ok(Some(_)) => {}
            // It went with its namespace, or has moved and the listing will say where to.
            Ok(None) => {
                if let Ok(Some(indexed)) = operations.home.listing(entry.id()).await {
                    listing = indexed.listing;
                    if listing.is_done() {
                        entry.end(listing.operation());
                        break;
                    }
                } else {
                    // It was forgotten while somebody listened.
                    let text = "the operation is not known any more";
                    let error = Some(Problem::new(Reason::OperationAbandoned, text));
                    let state = api::State::Recovered;
                    entry.end(Operation { state, done: true, error, ..entry.operation() });
                    break;
                }
            }
            Err(problem) => tracing::debug!(id = entry.id(), detail = problem.detail, "an operation is not followed"),
        }
    }
    operations.mirrors().remove(entry.id());
}
