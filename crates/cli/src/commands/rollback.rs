//! `rollback`, as Helm 4.3: `pkg/cmd/rollback.go`.

use engine::Rollback;
use gotext::strconv::{parse_int, quote};

use super::dry_run::{Strategy, strategy};
use crate::change;
use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Fail, Outcome, fail};
use crate::flags::{FURTHER, Flag, Group, SENDING, WAIT};
use crate::output::print;
use crate::releases;

static FLAGS: Group = Group {
    title: "Going back",
    flags: &[
        Flag::text("description", "TEXT", "a description of this revision, of 256 characters at most"),
        Flag::text("dry-run", "HOW", "only look whether it can be done: client or server").or("none").alone("unset"),
    ],
};

pub(crate) static COMMAND: Command = Command {
    name: "rollback",
    usage: "rollback <RELEASE> [REVISION]",
    about: "go back to an earlier revision",
    long: "Makes a new revision that repeats an earlier one: the one before the last when REVISION is left out or 0.\n\
           A revision whose change was broken off does not stand in the way.",
    examples: &["whipstaff rollback shop", "whipstaff rollback shop 3 --wait"],
    arity: Arity::AtLeast(1),
    takes: &[Takes::Release, Takes::Revision],
    flags: &[&FLAGS, &FURTHER, &SENDING, &WAIT],
    exclusive: &[&["force-replace", "force-conflicts"], &["force", "force-conflicts"]],
    run: Some(run),
    remote: true,
    ..PLAIN
};

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 256;

fn run(call: &Call) -> Outcome {
    let name = call.args.first().map_or("", String::as_str);
    let revision = match call.args.get(1) {
        Some(text) => parse_int(text.as_bytes(), 10, 64).map_err(|why| {
            let text = quote(text.as_bytes());
            Fail::new(format!("could not convert revision to a number: strconv.Atoi: parsing {text}: {why}"))
        })?,
        None => 0,
    };
    let description = change::description(call);
    let length = description.as_ref().map_or(0, |text| text.chars().count());
    if length > MAX_DESCRIPTION {
        fail!("description must be {MAX_DESCRIPTION} characters or less, got {length}");
    }
    let how = strategy(&call.flags, false)?;
    let releases = releases::open(call)?;
    if ::release::validate_name(name).is_err() {
        fail!("prepareRollback: Release name is invalid: {name}");
    }
    let Ok(revision) = u32::try_from(revision) else { fail!("invalid release revision") };
    let wish = Rollback {
        target: releases.target(name),
        revision: Some(revision).filter(|revision| *revision > 0),
        description,
        apply: change::apply(call)?,
        wait: change::wait(call),
        cleanup_on_fail: call.flags.on("cleanup-on-fail"),
        no_hooks: call.flags.on("no-hooks"),
        history_max: change::history_max(call),
        expected_revision: None,
    };
    releases.rollback(call, wish, how != Strategy::None)?;
    print("Rollback was a success! Happy Helming!\n")
}
