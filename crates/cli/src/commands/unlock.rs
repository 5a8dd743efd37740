//! `unlock`, which Helm has nothing like.

use crate::command::{Arity, Call, Command, PLAIN, Takes};
use crate::fail::{Outcome, fail};
use crate::output::print;
use crate::releases;

pub(crate) static COMMAND: Command = Command {
    name: "unlock",
    usage: "unlock RELEASE_NAME",
    about: "end a change whose program has died",
    long: "Ends a revision that is pending because the program that was at work on it has died: it is recorded as failed,\n\
           and the next change is not refused. Changes of whipstaff that died are ended by the next one; Helm leaves no sign\n\
           of life, so whether its program has died is for you to say, here or with WHIPSTAFF_UNLOCK_AFTER=30m, after which\n\
           a pending revision of Helm is taken for dead.",
    examples: &["whipstaff unlock shop"],
    arity: Arity::Exactly(1),
    takes: &[Takes::Release],
    run: Some(run),
    remote: true,
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let releases = releases::open(call)?;
    let name = call.args.first().map_or("", String::as_str);
    if ::release::validate_name(name).is_err() {
        fail!("release name is invalid: {name}");
    }
    let release = releases.unlock(call, name)?;
    print(&format!("release \"{name}\" unlocked: revision {} is {}\n", release.version, release.info.status))
}
