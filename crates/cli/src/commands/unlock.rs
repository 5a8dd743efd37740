//! `unlock`, which Helm has nothing like.

use engine::{Intent, Unlock};

use crate::change;
use crate::command::{Arity, Call, Command, PLAIN};
use crate::connect;
use crate::fail::{Outcome, fail};
use crate::output::print;

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
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let session = connect::open(call)?;
    let name = call.args.first().map_or("", String::as_str);
    if ::release::validate_name(name).is_err() {
        fail!("release name is invalid: {name}");
    }
    let wish = Unlock { target: session.target(name), expected_revision: None };
    let plan = change::plan(&session, Intent::Unlock(wish)).map_err(|error| session.not_found(error))?;
    let release = change::run(call, &session, plan)?;
    print(&format!("release \"{name}\" unlocked: revision {} is {}\n", release.version, release.info.status))
}
