//! What is left to do of an operation whose server has died.
//!
//! The release's history says how far the run came: its revision is not recorded, pending, or settled. What is pending is
//! run again, which the engine does as if the dead revision had failed (`engine/src/plan/past.rs`).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use api::{Kind, OperationResult, Problem, Reason, ReleaseRef};
use engine::{Engine, Intent, Target, Unlock};
use futures::FutureExt;
use futures::future::BoxFuture;
use release::{History, Status};

use super::entry::Entry;
use super::listing::{Indexed, Listing};
use super::record::Run;
use crate::app::App;
use crate::caller::Caller;
use crate::ctx::Resumed;
use crate::{handlers, problems, run};

/// How often an operation may be taken over before it is taken for what kills servers.
const MAX_TAKEOVERS: u32 = 3;
/// The pause between looks at a release whose cluster is away.
const PAUSE: Duration = Duration::from_secs(1);

/// What is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Left {
    /// All of it; with the revision that stands for what the dead run has begun, if it has.
    All(Option<u32>),
    /// Nothing: it has succeeded, and this revision is in place.
    Nothing(Option<u32>),
    /// Nothing: this revision has failed.
    Failed(u32),
    /// Nothing can be done: the release was changed by somebody else since.
    Changed,
}

/// Decides what is left of a run.
fn left(kind: Kind, run: &Run, history: &History) -> Left {
    let Some(last) = history.last() else {
        return match (kind, run.revision) {
            (Kind::Uninstall, Some(_)) => Left::Nothing(None),
            (_, None) => Left::All(None),
            _ => Left::Changed,
        };
    };
    let unsettled = last.status.is_pending() || last.status == Status::Uninstalling;
    if unsettled && last.marks.holder.as_ref().is_some_and(|holder| run.holders.contains(holder)) {
        return Left::All(Some(last.key.revision));
    }
    let Some(revision) = run.revision else { return Left::All(None) };
    match history.get(revision).map(|head| head.status) {
        Some(Status::Deployed | Status::Superseded) => Left::Nothing(Some(revision)),
        Some(Status::Failed) => Left::Failed(revision),
        Some(Status::Uninstalled) if kind == Kind::Uninstall => Left::Nothing(None),
        _ => Left::Changed,
    }
}

/// Sees to it that a run which ends without success leaves nothing pending. When the cluster went away in the middle of it,
/// its revision could not be recorded as failed: then it is as if the run had died, and it is gone on with.
pub(super) async fn to_the_end(
    app: &App,
    entry: &Arc<Entry>,
    listing: &Listing,
    mut end: Result<OperationResult, Box<Problem>>,
) -> Result<OperationResult, Box<Problem>> {
    let mut takeovers = 0;
    while end.is_err() && entry.is_planned() {
        match pending(app, entry, listing).await {
            Ok(false) => break,
            Ok(true) => {
                takeovers += 1;
                tracing::warn!("the run was cut off; going on with it");
                end = resume(app.clone(), entry.clone(), listing.clone(), takeovers).await;
            }
            // Whoever keeps the listing sees when it takes too long.
            Err(problem) if problem.retryable => tokio::time::sleep(PAUSE).await,
            Err(_) => break,
        }
    }
    end
}

/// Tells whether a run of this operation has left a revision that is not settled.
async fn pending(app: &App, entry: &Entry, listing: &Listing) -> Result<bool, Box<Problem>> {
    let ReleaseRef { cluster, namespace, name } = &listing.release;
    let Some(member) = app.clusters.get(cluster) else { return Ok(false) };
    let caller = listing.caller.clone().map_or_else(Caller::default, Caller::known);
    let history = member.engine(&caller).ledger().history(namespace, name).await;
    let history = history.map_err(|error| problems::of(engine::Error::Ledger(error)))?;
    Ok(matches!(left(listing.kind, &entry.run(), &history), Left::All(Some(_))))
}

/// Goes on with an operation that has run elsewhere.
pub(super) fn work(
    app: App,
    entry: Arc<Entry>,
    indexed: Indexed,
) -> impl Future<Output = Result<OperationResult, Box<Problem>>> + Send {
    resume(app, entry, indexed.listing, indexed.takeovers)
}

fn resume(
    app: App,
    entry: Arc<Entry>,
    listing: Listing,
    takeovers: u32,
) -> BoxFuture<'static, Result<OperationResult, Box<Problem>>> {
    let before = entry.run();
    async move {
        let release = listing.release.clone();
        let member = app.clusters.get(&release.cluster).ok_or_else(|| {
            let text = format!("cluster `{}` is no longer there", release.cluster);
            Box::new(Problem::new(Reason::OperationAbandoned, text))
        })?;
        let caller = listing.caller.clone().map_or_else(Caller::default, Caller::known);
        let engine = member.engine(&caller);
        let target = Target { namespace: release.namespace, name: release.name };
        let history = engine.ledger().history(&target.namespace, &target.name).await;
        let history = history.map_err(|error| problems::of(engine::Error::Ledger(error)))?;
        let begun = match left(listing.kind, &before, &history) {
            Left::All(begun) => begun,
            Left::Nothing(revision) => return Ok(OperationResult { revision, changed: true }),
            Left::Failed(revision) => return Err(failed(&engine, &target, revision).await),
            Left::Changed => {
                let text =
                    "the server that ran the operation has died, and the release was changed by somebody else since";
                return Err(Box::new(Problem::new(Reason::OperationAbandoned, text)));
            }
        };
        if takeovers > MAX_TAKEOVERS {
            let text = format!("{takeovers} servers have died while they ran the operation");
            return Err(put_in_order(&engine, target, begun, &text).await);
        }
        if begun.is_some() && entry.cancel_handle().is_cancelled() {
            let done = put_in_order(&engine, target, begun, "the operation was cancelled").await;
            return Err(Box::new(Problem::new(Reason::OperationCancelled, done.detail)));
        }
        let resumed = Resumed { name: target.name.clone(), begun };
        let request = app.operations.home.request(entry.id()).await?;
        let Some(ctx) = request.and_then(|request| request.ctx(app.clone(), caller, resumed)) else {
            let text = "the server that ran the operation has died, and what was asked for is not known any more";
            return Err(put_in_order(&engine, target, begun, text).await);
        };
        match handlers::job(&ctx).await {
            Ok(job) => run::carry_out(&engine, &entry, job, &ctx).await,
            // The chart is gone, say.
            Err(problem) if begun.is_some() => {
                let text = format!(
                    "the server that ran the operation has died, and it cannot be gone on with: {}",
                    problem.detail
                );
                Err(put_in_order(&engine, target, begun, &text).await)
            }
            Err(problem) => Err(problem),
        }
    }
    .boxed()
}

/// The problem of a revision that the dead run has recorded as failed.
async fn failed(engine: &Engine, target: &Target, revision: u32) -> Box<Problem> {
    let found = engine.get(target, Some(revision)).await;
    let said = found.map_or_else(|error| error.to_string(), |record| record.release.info.description);
    Box::new(Problem::new(Reason::ApplyFailed, format!("revision {revision}: {said}")))
}

/// Ends the revision that a dead run has left pending, and says why nothing more is done.
async fn put_in_order(engine: &Engine, target: Target, begun: Option<u32>, why: &str) -> Box<Problem> {
    let mut text = why.to_owned();
    if let Some(revision) = begun {
        let unlock = Intent::Unlock(Unlock { target, expected_revision: Some(revision) });
        let done = match engine.plan(unlock).await {
            Ok(plan) => engine.run(plan, &|_| {}).await.map(|_| ()),
            Err(error) => Err(error),
        };
        text = match done {
            Ok(()) => format!("{text}; revision {revision} was recorded as failed"),
            Err(error) => format!("{text}; revision {revision} could not be recorded as failed: {error}"),
        };
    }
    Box::new(Problem::new(Reason::OperationAbandoned, text))
}

#[cfg(test)]
mod tests {
    use release::{Head, Key, Marks, Token};

    use super::*;

    fn history(revisions: &[(u32, Status, Option<&str>)]) -> History {
        let head = |(revision, status, holder): &(u32, Status, Option<&str>)| Head {
            key: Key::new("web", "shop", *revision),
            status: *status,
            token: Token::default(),
            labels: [].into(),
            marks: Marks { holder: holder.map(str::to_owned), ..Marks::default() },
            system: [].into(),
            misnamed: None,
        };
        History::new(revisions.iter().map(head).collect())
    }

    #[test]
    fn the_history_says_what_is_left() {
        use Status::{Deployed, Failed, PendingRollback, PendingUpgrade, Superseded, Uninstalled, Uninstalling};
        let (us, other) = (Some("us"), Some("other"));
        let deployed = (1, Deployed, None);
        let cases: &[(Kind, Option<u32>, &[(u32, Status, Option<&str>)], Left)] = &[
            (Kind::Upgrade, None, &[], Left::All(None)),
            (Kind::Upgrade, None, &[deployed], Left::All(None)),
            // The record was written, and nobody noted it.
            (Kind::Upgrade, None, &[deployed, (2, PendingUpgrade, us)], Left::All(Some(2))),
            (Kind::Upgrade, Some(2), &[deployed, (2, PendingUpgrade, us)], Left::All(Some(2))),
            (Kind::Upgrade, Some(2), &[deployed, (2, PendingUpgrade, other)], Left::Changed),
            (Kind::Upgrade, Some(2), &[(1, Superseded, None), (2, Deployed, None)], Left::Nothing(Some(2))),
            (Kind::Upgrade, Some(2), &[deployed, (2, Failed, None)], Left::Failed(2)),
            // It died while it rolled back.
            (Kind::Upgrade, Some(2), &[deployed, (2, Failed, None), (3, PendingRollback, us)], Left::All(Some(3))),
            (Kind::Upgrade, Some(2), &[deployed, (2, Failed, None), (3, PendingUpgrade, other)], Left::Failed(2)),
            (Kind::Upgrade, Some(2), &[], Left::Changed),
            (Kind::Uninstall, Some(1), &[], Left::Nothing(None)),
            (Kind::Uninstall, Some(1), &[(1, Uninstalling, us)], Left::All(Some(1))),
            (Kind::Uninstall, Some(1), &[(1, Uninstalled, None)], Left::Nothing(None)),
            (Kind::Uninstall, None, &[], Left::All(None)),
        ];
        for (kind, revision, revisions, wanted) in cases {
            let run = Run { holders: vec!["us".into()], revision: *revision };
            assert_eq!(left(*kind, &run, &history(revisions)), *wanted, "{kind:?} {revision:?} {revisions:?}");
        }
    }
}
