//! `uninstall`, as Helm 4.3: `pkg/cmd/uninstall.go`, `pkg/action/uninstall.go`.

use cluster::{Deletable, Owner};
use engine::{Error, Intent, Plan, Step};

use crate::change;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::connect::{self, Session};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, WAIT};
use crate::log::{Level, log};
use crate::output::print;
use crate::progress::Skipped;

static FLAGS: Group = Group {
    title: "Uninstalling",
    flags: &[
        Flag::switch("keep-history", "keep the records, marked as uninstalled"),
        Flag::switch("ignore-not-found", "it is fine when there is no such release"),
        Flag::text("cascade", "HOW", "how what objects have made is deleted: background, foreground or orphan")
            .or("background"),
        Flag::switch("no-hooks", "leave hooks out"),
        Flag::text("description", "TEXT", "a description of the record that is kept"),
        Flag::switch("dry-run", "change nothing"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "uninstall",
    aliases: &["del", "delete", "un"],
    usage: "uninstall RELEASE_NAME [...]",
    about: "uninstall releases",
    long: "Deletes the objects of releases, as far as these own them, and then their records.",
    examples: &["whipstaff uninstall shop --wait", "whipstaff uninstall shop web --keep-history"],
    arity: Arity::AtLeast(1),
    flags: &[&FLAGS, &WAIT],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    // A wrong word is told before anything is asked.
    change::uninstall(call, engine::Target { namespace: String::new(), name: String::new() })?;
    let session = connect::open(call)?;
    for name in &call.args {
        let told = if call.flags.on("dry-run") { tried(call, &session, name)? } else { gone(call, &session, name)? };
        if !told.is_empty() {
            print(&format!("{told}\n"))?;
        }
        print(&format!("release \"{name}\" uninstalled\n"))?;
    }
    Ok(())
}

/// What a release would leave behind.
fn tried(call: &Call, session: &Session, name: &str) -> Outcome<String> {
    if ::release::validate_name(name).is_err() {
        fail!("releaseContent: Release name is invalid: {name}");
    }
    let mut wish = change::uninstall(call, session.target(name))?;
    wish.keep_history = false;
    match change::plan(session, Intent::Uninstall(wish)) {
        Ok(plan) => {
            warn_foreign(session, &plan);
            Ok(kept(&plan))
        }
        Err(error) => Err(session.not_found(error)),
    }
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

/// Uninstalls a release; gives back what it has left behind.
fn gone(call: &Call, session: &Session, name: &str) -> Outcome<String> {
    if ::release::validate_name(name).is_err() {
        fail!("uninstall: Release name is invalid: {name}");
    }
    let wish = change::uninstall(call, session.target(name))?;
    let plan = change::plan(session, Intent::Uninstall(wish)).map_err(|error| match error {
        Error::NotFound(_) | Error::Ledger(_) => {
            let fail = session.not_found(error);
            fail.after(&format!("uninstall: Release not loaded: {name}: "))
        }
        error => session.not_found(error),
    })?;
    let mut told = kept(&plan);
    let (result, skipped) = change::run_telling(call, session, plan);
    let (unowned, unverifiable): (Vec<Skipped>, Vec<Skipped>) =
        skipped.into_iter().partition(|object| object.unverifiable.is_none());
    told = and(
        told,
        name,
        &unowned,
        "skipping delete of resource not owned by this release",
        "they are not owned by this release",
    );
    told = and(
        told,
        name,
        &unverifiable,
        "skipping delete of resource because ownership could not be verified",
        "their ownership could not be verified",
    );
    result.map(|_| told)
}

/// What stays because it asks to, in Helm's words.
fn kept(plan: &Plan) -> String {
    let kept: Vec<&String> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Delete(deletion) => Some(&deletion.kept),
            _ => None,
        })
        .flatten()
        .collect();
    if kept.is_empty() {
        return String::new();
    }
    let lines = kept.iter().map(|object| format!("{object}\n"));
    format!("These resources were kept due to the resource policy:\n{}", lines.collect::<String>())
}

/// The same with what was skipped, each told on standard error too.
fn and(mut told: String, release: &str, skipped: &[Skipped], each: &str, why: &str) -> String {
    if skipped.is_empty() {
        return told;
    }
    if !told.is_empty() {
        told.push('\n');
    }
    told.push_str(&format!("{} resource(s) were not deleted because {why}:\n", skipped.len()));
    for Skipped { kind, namespace, name, unverifiable } in skipped {
        let mut attributes =
            vec![("kind", kind.as_str()), ("name", name), ("namespace", namespace), ("release", release)];
        attributes.extend(unverifiable.as_ref().map(|error| ("error", error.as_str())));
        log(Level::Warn, each, &attributes);
        let reason = unverifiable.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        told.push_str(&format!("[{kind}] {name}{reason}\n"));
    }
    told
}
