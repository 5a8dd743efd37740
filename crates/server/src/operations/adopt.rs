//! The work that a replica does unasked: it knows of the others, takes over what they have left, and forgets what is old.

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{Event, Problem, Reason};
use futures::{StreamExt, stream};
use tracing::Instrument;

use super::entry::Entry;
use super::listing::Indexed;
use super::{Operations, keep, resume};
use crate::app::App;
use crate::clusters::State;
use crate::home::follow;
use crate::problems;

/// How often it looks for what others have left.
const LOOK: Duration = Duration::from_secs(2);
/// How often it looks for what is old.
const SWEEP: Duration = Duration::from_secs(60);
/// How long a cluster may take to show the record of one that is taken over.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many operations are taken over or forgotten at a time.
const PARALLEL: usize = 8;

/// Does the work, for as long as it is polled.
pub(crate) async fn watch_over(app: &App) {
    let operations = &app.operations;
    operations.watches.store(true, Ordering::Release);
    let adopting = async {
        loop {
            operations.adopt_orphans(app).await;
            let mut changes = operations.index.changes();
            changes.mark_unchanged();
            let _ = tokio::time::timeout(LOOK, changes.changed()).await;
        }
    };
    let sweeping = async {
        loop {
            tokio::time::sleep(SWEEP).await;
            operations.sweep().await;
            app.uploads.sweep().await;
        }
    };
    futures::join!(follow(&operations.home, &operations.index), adopting, sweeping);
}

impl Operations {
    /// Takes over what nobody runs any more.
    async fn adopt_orphans(&self, app: &App) {
        if !self.index.is_synced() || self.is_closed() {
            return;
        }
        let now = self.now();
        // What cannot be read now would only count as taken over once more.
        let in_reach = |indexed: &Indexed| match app.clusters.find(&indexed.listing.release.cluster) {
            Some(State::Ready(member)) => member.down().is_none(),
            Some(State::Broken(_)) => false,
            None => app.clusters.are_known(),
        };
        let orphans = self.index.select(|indexed| indexed.is_orphan(now) && in_reach(indexed));
        stream::iter(orphans)
            .for_each_concurrent(PARALLEL, |orphan| async move {
                let id = orphan.listing.id.clone();
                if self.here(&id).is_some() {
                    return;
                }
                let member = app.clusters.get(&orphan.listing.release.cluster);
                if let Err(problem) = self.adopt(app, orphan).await {
                    tracing::warn!(id, detail = problem.detail, "an operation without a server is left for now");
                    if let Some(member) = member {
                        member.heard(&problem);
                    }
                }
            })
            .await;
    }

    /// Takes one over, unless another replica is faster.
    async fn adopt(&self, app: &App, orphan: Indexed) -> Result<(), Box<Problem>> {
        let from = orphan.holder.clone();
        let mine = Indexed {
            holder: Some(self.holder.clone()),
            renewed: Some(self.now()),
            takeovers: orphan.takeovers + 1,
            ..orphan
        };
        let Some(mine) = self.home.relist(mine).await? else { return Ok(()) };
        self.index.put(mine.clone());
        let read = match tokio::time::timeout(PATIENCE, self.home.read(&mine.listing)).await {
            Ok(Err(problem)) if problem.reason == Reason::ClusterNotFound => None,
            Ok(read) => read?,
            Err(_) => return Err(problems::slow_cluster(PATIENCE)),
        };
        let Some((stored, version)) = read else {
            // It was never answered for, or its namespace or cluster is gone with everything in it.
            self.home.forget(&mine).await?;
            self.index.remove(&mine.listing.id);
            return Ok(());
        };
        let id = mine.listing.id.clone();
        tracing::info!(id, from, "taking an operation over");
        let done = stored.operation.done;
        let entry = Entry::new(stored);
        entry.set_version(version);
        if done {
            // Only the listing did not come to say so.
            keep::settle(self, &entry, mine).await;
            return Ok(());
        }
        if mine.listing.cancel {
            let _ = entry.cancel();
        }
        let message = match &from {
            Some(from) => format!("the server `{from}` that ran this has died; `{}` goes on with it", self.holder),
            None => format!("`{}` goes on with this", self.holder),
        };
        entry.event(Event::warning(message));
        // Whoever follows it here goes on listening to the same entry.
        let entry = match self.mirrors().remove(&id) {
            Some(mirror) => {
                mirror.succeed(&entry);
                mirror
            }
            None => entry,
        };
        self.running().insert(id.clone(), entry.clone());
        let span = super::span(&entry.operation(), None);
        let work = resume::work(app.clone(), entry.clone(), mine.clone());
        tokio::spawn(keep::see_through(app.clone(), entry, mine, work).instrument(span));
        Ok(())
    }

    /// Forgets operations that are too old or too many.
    async fn sweep(&self) {
        if !self.index.is_synced() {
            return;
        }
        let now = self.now();
        let done = self.index.select(|indexed| indexed.listing.is_done());
        let many = done.len().saturating_sub(self.keep);
        let old = |indexed: &Indexed| indexed.listing.expires_at.is_some_and(|at| at <= now);
        let gone = done.into_iter().enumerate().filter(|(place, indexed)| *place < many || old(indexed));
        stream::iter(gone)
            .for_each_concurrent(PARALLEL, |(_, indexed)| async move {
                match self.home.forget(&indexed).await {
                    Ok(()) => self.index.remove(&indexed.listing.id),
                    Err(problem) => tracing::debug!(detail = problem.detail, "an old operation stays for now"),
                }
            })
            .await;
    }
}
