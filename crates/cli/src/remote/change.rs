//! Changes, which a server carries out as operations; how they go is drawn from the operation's events.

use ::release::{Release, Status};
use api::{DryRun, Event, Operation, Problem, Reason, WarningSource};
use chart::ValueOptions;
use engine::{Change, Rollback, Test, Uninstall, Verb};

use super::client::{Ask, Refused, with_query};
use super::{Remote, body, follow, problem, read};
use crate::change::warn_failed;
use crate::command::Call;
use crate::fail::{Fail, Outcome};
use crate::log::{Level, log};
use crate::progress::Progress;
use crate::release;
use crate::releases::{Left, Tested};

/// What the manifest of an upgrade that cannot be read is introduced with; Helm says only what follows.
const UNREADABLE: &str = "unable to build kubernetes objects from release manifest: ";

/// How the warning ends that tells of an object that an uninstall leaves where it is.
const KEPT: &str = " is kept because of its resource policy";
/// What the warning says of an object that is not the release's.
const LEFT: &str = " is not deleted: ";

pub(super) fn install(remote: &Remote, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release> {
    let mut body = body::change(remote, call, &change, options)?;
    body.name = Some(change.target.name.clone());
    // What does not go together is refused by the API; of a first revision Helm takes it, and it means nothing.
    match body.apply.server_side {
        api::ServerSide::No => body.apply.force_conflicts = false,
        _ => body.apply.force_replace = false,
    }
    let collection = remote.collection();
    if change.preview {
        let ask = Ask::to("POST", with_query(collection, &tried(&change))).json(&body)?;
        return dry_run(remote, &ask).map_err(cannot_install);
    }
    let ask = Ask::to("POST", collection).json(&body)?;
    let done = carry_out(remote, call, Some(Verb::Install), &change.target.name, ask, &mut |_| {});
    deployed(remote, &change.target.name, done.map_err(cannot_install)?)
}

/// Why a release cannot be installed, told as Helm tells it.
fn cannot_install(refused: Refused) -> Fail {
    match &refused {
        Refused::Problem(found) if found.reason == Reason::ReleaseExists => {
            let text = problem::text(found);
            log(Level::Error, "release name check failed", &[("error", &text)]);
            Fail::new(format!("release name check failed: {text}"))
        }
        _ => refused.into(),
    }
}

pub(super) fn upgrade(remote: &Remote, call: &Call, change: Change, options: &ValueOptions) -> Outcome<Release> {
    let name = &change.target.name;
    // PUT would install it.
    if read::is_missing(remote, name)?.is_some() {
        return Err(Fail::new(engine::Error::NoDeployed(name.clone()).to_string()));
    }
    let body = body::change(remote, call, &change, options)?;
    let path = remote.release(name, "");
    let cannot = |refused: Refused| {
        let fail = Fail::from(refused);
        let text = fail.text.strip_prefix(UNREADABLE).map(str::to_owned);
        Fail { text: text.unwrap_or(fail.text), ..fail }
    };
    if change.preview {
        let ask = Ask::to("PUT", with_query(path, &tried(&change))).json(&body)?;
        let mut release = dry_run(remote, &ask).map_err(cannot)?;
        let description = change.description.clone().unwrap_or_else(|| "Dry run complete".to_owned());
        release.set_status(Status::PendingUpgrade, description);
        return Ok(release);
    }
    let ask = Ask::to("PUT", path).json(&body)?;
    let done = carry_out(remote, call, Some(Verb::Upgrade), name, ask, &mut |_| {}).map_err(cannot)?;
    deployed(remote, name, done)
}

/// What a change is told that is only tried out.
fn tried(change: &Change) -> [(&'static str, String); 3] {
    let how = if change.without_lookups { "client" } else { "server" };
    let hidden = if change.hide_secrets { "true" } else { "" };
    [("dryRun", how.to_owned()), ("record", "true".to_owned()), ("hideSecret", hidden.to_owned())]
}

fn dry_run(remote: &Remote, ask: &Ask) -> Result<Release, Refused> {
    let tried: DryRun = remote.client.json(ask)?;
    tried.plan.warnings.iter().for_each(|text| {
        release::tell_text(text);
    });
    read::record(tried.record.unwrap_or_default(), tried.release.labels).map_err(Refused::Fail)
}

pub(super) fn rollback(remote: &Remote, call: &Call, wish: &Rollback, preview: bool) -> Outcome {
    let name = &wish.target.name;
    let path = remote.release(name, "/rollback");
    let body = body::rollback(wish);
    if preview {
        let ask = Ask::to("POST", with_query(path, &[("dryRun", "server".to_owned())])).json(&body)?;
        remote.client.json::<serde_json::Value>(&ask)?;
        return Ok(());
    }
    carry_out(remote, call, Some(Verb::Rollback), name, Ask::to("POST", path).json(&body)?, &mut |_| {})?;
    Ok(())
}

pub(super) fn uninstall(remote: &Remote, call: &Call, wish: &Uninstall) -> Outcome<Left> {
    let name = &wish.target.name;
    let ask = Ask::to("DELETE", with_query(remote.release(name, ""), &body::uninstall(wish)));
    let (mut kept, progress) = (Vec::new(), Progress::default());
    let mut see = |event: &Event| {
        if let Event::Warning { message, .. } = event
            && let Some(object) = message.strip_suffix(KEPT)
        {
            kept.push(object.to_owned());
        }
    };
    let result = carry_out_showing(remote, call, Some(Verb::Uninstall), name, ask, &progress, &mut see);
    let result = match result {
        Ok(_) => Ok(()),
        Err(Refused::Problem(found)) if !was_begun(&found) => {
            let fail = problem::fail(&found);
            let is_missing = fail.text == "release: not found";
            return Err(if is_missing {
                fail.after(&format!("uninstall: Release not loaded: {name}: "))
            } else {
                fail
            });
        }
        Err(refused) => Err(refused.into()),
    };
    Ok(Left { kept, skipped: progress.skipped(), result })
}

pub(super) fn would_keep(remote: &Remote, wish: &Uninstall) -> Outcome<Vec<String>> {
    let mut parameters = body::uninstall(wish);
    parameters.push(("dryRun", "server".to_owned()));
    let ask = Ask::to("DELETE", with_query(remote.release(&wish.target.name, ""), &parameters));
    Ok(remote.client.json::<DryRun>(&ask)?.plan.kept)
}

pub(super) fn unlock(remote: &Remote, call: &Call, name: &str) -> Outcome<Release> {
    let ask = Ask::to("POST", remote.release(name, "/unlock"));
    let done = carry_out(remote, call, Some(Verb::Unlock), name, ask, &mut |_| {})?;
    deployed(remote, name, done)
}

pub(super) fn test(remote: &Remote, call: &Call, wish: Test) -> Outcome<Tested> {
    let name = &wish.target.name;
    let ask = Ask::to("POST", remote.release(name, "/test")).json(&body::test(&wish))?;
    let mut logs = Vec::new();
    let done = carry_out(remote, call, None, name, ask, &mut |event| match event {
        Event::Log { pod, container, text, of_test: true } => {
            logs.push(Ok([pod.clone(), container.clone(), text.clone()]));
        }
        Event::Warning { message, source: Some(WarningSource::Test), .. } => logs.push(Err(message.clone())),
        _ => {}
    });
    let failure = match done {
        Ok(_) => None,
        // Of what is in the way of all tests Helm has words of its own; what fails is the test's own business.
        Err(Refused::Problem(found)) if found.helm.is_none() && is_its_own(&found) => Some(problem::text(&found)),
        Err(refused) => return Err(refused.into()),
    };
    let (_, release) = read::content(remote, name, None)?;
    Ok(Tested { release, logs, failure })
}

/// The release as an operation has left it.
fn deployed(remote: &Remote, name: &str, done: Operation) -> Outcome<Release> {
    let revision = done.result.and_then(|result| result.revision);
    Ok(read::content(remote, name, revision)?.1)
}

/// Whether a change was begun, and so is in the record.
fn was_begun(problem: &Problem) -> bool {
    is_its_own(problem) && problem.operation.as_ref().is_some_and(|operation| operation.phase != api::Phase::Plan)
}

/// Whether a problem is that of the operation that was asked for, and not of another one in its way.
fn is_its_own(problem: &Problem) -> bool {
    problem.reason != Reason::OperationInProgress && problem.operation.is_some()
}

/// Asks for a change, and shows how it goes until it is done. `see` hears of what is not shown.
fn carry_out(
    remote: &Remote,
    call: &Call,
    verb: Option<Verb>,
    name: &str,
    ask: Ask,
    see: &mut dyn FnMut(&Event),
) -> Result<Operation, Refused> {
    carry_out_showing(remote, call, verb, name, ask, &Progress::default(), see)
}

fn carry_out_showing(
    remote: &Remote,
    call: &Call,
    verb: Option<Verb>,
    name: &str,
    ask: Ask,
    progress: &Progress,
    see: &mut dyn FnMut(&Event),
) -> Result<Operation, Refused> {
    // The same when it has to be sent again.
    let ask = ask.header("idempotency-key", uuid::Uuid::new_v4().to_string());
    let id = match remote.client.json::<Operation>(&ask) {
        Ok(operation) => operation.id,
        // It has failed already, and its events say what was done until then.
        Err(Refused::Problem(found)) if is_its_own(&found) => {
            found.operation.map(|operation| operation.id).unwrap_or_default()
        }
        Err(refused) => return Err(refused),
    };
    let done = super::watch::watched(&remote.client, call, verb, &id, progress, || {
        follow(&remote.client, &id, &mut |event| {
            see(&event);
            if !is_told(&event) {
                progress.see(event);
            }
        })
    });
    progress.end();
    let mut done = done.map_err(Refused::Fail)?;
    let Some(mut error) = done.error.take() else { return Ok(done) };
    if let (Some(verb), Some(cause)) = (verb, error.helm.as_ref().and_then(|helm| helm.cause.as_ref())) {
        let is_not_ready = matches!(error.reason, Reason::WaitTimeout | Reason::ResourceFailed);
        warn_failed(verb, name, cause, is_not_ready);
    }
    error.operation = Some(Box::new(done));
    Err(Refused::Problem(Box::new(error)))
}

/// Whether an event is told elsewhere, or was told now as it is without a server.
fn is_told(event: &Event) -> bool {
    match event {
        // What a test has printed is shown when all is over.
        Event::Log { of_test, .. } => *of_test,
        Event::Warning { source: Some(WarningSource::Test), .. } => true,
        // What an uninstall leaves is a part of what it prints.
        Event::Warning { source: None, message, .. } => {
            message.ends_with(KEPT) || message.contains(LEFT) || release::tell_text(message)
        }
        _ => false,
    }
}
