//! `uninstall`, as Helm 4.3: `pkg/cmd/uninstall.go`, `pkg/action/uninstall.go`.

use crate::change;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Outcome, fail};
use crate::flags::{Flag, Group, WAIT};
use crate::log::{Level, log};
use crate::output::print;
use crate::progress::Skipped;
use crate::releases::{self, Releases};

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
    takes: &[Takes::Releases],
    flags: &[&FLAGS, &WAIT],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    // A wrong word is told before anything is asked.
    change::uninstall(call, engine::Target { namespace: String::new(), name: String::new() })?;
    let releases = releases::open(call)?;
    for name in &call.args {
        let told = match call.flags.on("dry-run") {
            true => tried(call, releases.as_ref(), name)?,
            false => gone(call, releases.as_ref(), name)?,
        };
        if !told.is_empty() {
            print(&format!("{told}\n"))?;
        }
        print(&format!("release \"{name}\" uninstalled\n"))?;
    }
    Ok(())
}

/// What a release would leave behind.
fn tried(call: &Call, releases: &dyn Releases, name: &str) -> Outcome<String> {
    if ::release::validate_name(name).is_err() {
        fail!("releaseContent: Release name is invalid: {name}");
    }
    let mut wish = change::uninstall(call, releases.target(name))?;
    wish.keep_history = false;
    Ok(kept(&releases.would_keep(wish)?))
}

/// Uninstalls a release; gives back what it has left behind.
fn gone(call: &Call, releases: &dyn Releases, name: &str) -> Outcome<String> {
    if ::release::validate_name(name).is_err() {
        fail!("uninstall: Release name is invalid: {name}");
    }
    let left = releases.uninstall(call, change::uninstall(call, releases.target(name))?)?;
    let mut told = kept(&left.kept);
    let (unowned, unverifiable): (Vec<Skipped>, Vec<Skipped>) =
        left.skipped.into_iter().partition(|object| object.unverifiable.is_none());
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
    left.result.map(|()| told)
}

/// What stays because it asks to, in Helm's words.
fn kept(kept: &[String]) -> String {
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
