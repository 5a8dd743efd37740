//! `env`, as Helm 4.3: `pkg/cmd/env.go`.

use crate::command::{Arity, Call, Command, PLAIN};
use crate::fail::Outcome;
use crate::output::print;

pub(crate) static COMMAND: Command = Command {
    name: "env",
    usage: "env",
    about: "show the settings",
    long: "Prints the settings that flags, HELM_* variables and defaults come to, or the one that is named.",
    examples: &["whipstaff env", "whipstaff env HELM_REPOSITORY_CACHE"],
    arity: Arity::AtMost(1),
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let variables = call.settings.variables();
    match call.args.first() {
        Some(name) => print(&format!("{}\n", variables.get(name.as_str()).map_or("", String::as_str))),
        None => {
            let lines = variables.iter().map(|(name, value)| format!("{name}=\"{value}\"\n"));
            print(&lines.collect::<String>())
        }
    }
}
