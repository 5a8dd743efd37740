//! Plans, made and run in this process.

use ::release::Release;
use engine::{Cancel, Error, Event, Failure, Intent, Plan, Verb};

use crate::change;
use crate::command::Call;
use crate::connect::Session;
use crate::fail::{Outcome, fail};
use crate::progress::{PATIENCE, Progress, Skipped, of_engine};

/// Makes a plan.
pub(super) fn plan(session: &Session, intent: Intent) -> Result<Plan, Error> {
    session.wait(session.engine.plan(intent))
}

/// Runs a plan, shows how it goes, and ends it in order when the user has had enough.
pub(super) fn run(call: &Call, session: &Session, plan: Plan) -> Outcome<Release> {
    run_telling(call, session, plan).0
}

/// The same, with the objects that were left where they are.
pub(super) fn run_telling(call: &Call, session: &Session, plan: Plan) -> (Outcome<Release>, Vec<Skipped>) {
    let progress = Progress::default();
    let result = run_showing(call, session, plan, &progress);
    (result, progress.skipped())
}

fn run_showing(call: &Call, session: &Session, plan: Plan, progress: &Progress) -> Outcome<Release> {
    let (name, verb) = (plan.target.name.clone(), plan.verb);
    let observer = |event: Event| of_engine(event).into_iter().for_each(|event| progress.see(event));
    let cancel = Cancel::default();
    let done = session.wait(async {
        tokio::select! {
            done = session.engine.run_until(plan, &observer, &cancel) => Some(done),
            () = interrupted(call, verb, &cancel) => None,
            () = ticking(progress) => None,
        }
    });
    progress.end();
    match done {
        Some(Ok(release)) => Ok(release),
        Some(Err(error)) => {
            if let Error::Failed { cause, .. } = &error {
                let is_not_ready = matches!(**cause, Failure::NotReady(_));
                change::warn_failed(verb, &name, &cause.to_string(), is_not_ready);
            }
            Err(session.refused("create: failed to create", error))
        }
        None => fail!("context canceled"),
    }
}

/// Cancels when the user has had enough; the change then ends in order. Ends itself when that takes too long as well.
async fn interrupted(call: &Call, verb: Verb, cancel: &Cancel) {
    crate::commands::serve::shutdown().await;
    change::tell_cancelled(call, verb);
    cancel.cancel();
    crate::commands::serve::shutdown().await;
}

/// Tells from time to time what is waited for.
async fn ticking(progress: &Progress) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        progress.tick();
    }
}
