//! Install, upgrade and tests, in this process.

use ::release::{Release, Status};
use engine::{Change, Error, Intent, Test};

use super::run;
use crate::command::Call;
use crate::connect::Session;
use crate::fail::{Fail, Outcome};
use crate::log::{Level, log};
use crate::progress::{Progress, of_engine};
use crate::releases::Tested;

/// Plans an install with what the cluster says, and runs the plan unless it is only tried out.
pub(super) fn install(session: &Session, call: &Call, change: Change) -> Outcome<Release> {
    let preview = change.preview;
    let plan = run::plan(session, Intent::Install(change)).map_err(|error| {
        // As without a cluster: what `template` could not make of a chart may still be looked at, and Helm says how.
        let may_be_shown = call.command == "template" && !call.settings.debug && matches!(error, Error::Render(_));
        let fail = cannot_install(session, error);
        let hint = if may_be_shown { "\n\nUse --debug flag to render out invalid YAML" } else { "" };
        Fail { text: format!("{}{hint}", fail.text), ..fail }
    })?;
    if preview {
        return Ok(plan.release);
    }
    run::run(call, session, plan)
}

/// Why a release cannot be installed, told as Helm tells it.
fn cannot_install(session: &Session, error: Error) -> Fail {
    match error {
        error @ Error::NameInUse { .. } => {
            let text = error.to_string();
            log(Level::Error, "release name check failed", &[("error", &text)]);
            Fail::new(format!("release name check failed: {text}"))
        }
        Error::Dependencies(error) => {
            const FAILED: &str = "chart dependencies processing failed";
            let text = error.to_string();
            log(Level::Error, FAILED, &[("error", &text)]);
            Fail::new(format!("{FAILED}: {text}"))
        }
        error => session.unable("install", error),
    }
}

/// Plans an upgrade, and runs the plan unless it is only tried out.
pub(super) fn upgrade(session: &Session, call: &Call, change: Change) -> Outcome<Release> {
    let (preview, description) = (change.preview, change.description.clone());
    let plan = run::plan(session, Intent::Upgrade(change)).map_err(|error| match error {
        Error::Manifest { message } => Fail::new(message),
        error => session.unable("update", error),
    })?;
    if preview {
        let mut release = plan.release;
        release.set_status(Status::PendingUpgrade, description.unwrap_or_else(|| "Dry run complete".to_owned()));
        return Ok(release);
    }
    run::run(call, session, plan)
}

/// Runs the tests of a release.
pub(super) fn test(session: &Session, wish: Test) -> Outcome<Tested> {
    let progress = Progress::default();
    let observer = |event| of_engine(event).into_iter().for_each(|event| progress.see(event));
    let tested = session.wait(session.engine.test(wish, &observer));
    progress.end();
    let engine::Tested { release, logs, failure } = tested.map_err(|error| session.not_found(error))?;
    Ok(Tested {
        release,
        logs: logs.into_iter().map(|log| log.map(|log| [log.pod, log.container, log.text])).collect(),
        failure: failure.map(|failure| session.failed(&failure)),
    })
}
