//! Uninstalling in this process.

use cluster::{Deletable, Owner};
use engine::{Error, Intent, Plan, Step, Uninstall};

use super::run;
use crate::command::Call;
use crate::connect::Session;
use crate::fail::Outcome;
use crate::log::{Level, log};
use crate::releases::Left;

/// Uninstalls a release; gives back what it has left behind.
pub(super) fn run(session: &Session, call: &Call, wish: Uninstall) -> Outcome<Left> {
    let name = wish.target.name.clone();
    let plan = run::plan(session, Intent::Uninstall(wish)).map_err(|error| match error {
        Error::NotFound(_) | Error::Ledger(_) => {
            let fail = session.not_found(error);
            fail.after(&format!("uninstall: Release not loaded: {name}: "))
        }
        error => session.not_found(error),
    })?;
    let kept = kept(&plan);
    let (result, skipped) = run::run_telling(call, session, plan);
    Ok(Left { kept, skipped, result: result.map(|_| ()) })
}

/// Says what would be kept, and warns of what would be left since it is not the release's.
pub(super) fn would_keep(session: &Session, wish: Uninstall) -> Outcome<Vec<String>> {
    match run::plan(session, Intent::Uninstall(wish)) {
        Ok(plan) => {
            warn_foreign(session, &plan);
            Ok(kept(&plan))
        }
        Err(error) => Err(session.not_found(error)),
    }
}

/// What stays because it asks to.
fn kept(plan: &Plan) -> Vec<String> {
    let kept = plan.steps.iter().filter_map(|step| match step {
        Step::Delete(deletion) => Some(&deletion.kept),
        _ => None,
    });
    kept.flatten().cloned().collect()
}

/// Tells which objects would be left where they are, since they are not the release's.
fn warn_foreign(session: &Session, plan: &Plan) {
    let (release, namespace) = (plan.target.name.as_str(), plan.target.namespace.as_str());
    let owner = Owner::new(release, namespace);
    let objects = plan.steps.iter().filter_map(|step| match step {
        Step::Delete(deletion) => Some(&deletion.objects),
        _ => None,
    });
    let (mut foreign, mut unverifiable) = (Vec::new(), Vec::new());
    for object in objects.flatten() {
        match session.wait(session.engine.cluster().deletable(object.id(), &owner)) {
            Deletable::Foreign(_) => foreign.push((object, None)),
            Deletable::Unverifiable(error) => unverifiable.push((object, Some(error.to_string()))),
            Deletable::Owned | Deletable::Gone => {}
        }
    }
    for (objects, all, each) in [
        (foreign, "they are not owned by this release", ""),
        (unverifiable, "their ownership could not be verified", " (ownership could not be verified)"),
    ] {
        if objects.is_empty() {
            continue;
        }
        let count = objects.len().to_string();
        let text = format!("dry-run: resources would be skipped because {all}");
        log(Level::Warn, &text, &[("release", release), ("count", &count)]);
        for (object, error) in &objects {
            let mut attributes =
                vec![("kind", object.kind()), ("name", object.name()), ("namespace", object.namespace())];
            attributes.extend(error.as_ref().map(|error| ("error", error.as_str())));
            log(Level::Warn, &format!("dry-run: would skip resource{each}"), &attributes);
        }
    }
}
