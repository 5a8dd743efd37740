//! `help`.

use crate::command::{Arity, Call, Command, PLAIN, Takes, find};
use crate::fail::Outcome;
use crate::{help, output};

pub(crate) static COMMAND: Command = Command {
    name: "help",
    usage: "help [command]",
    about: "say what a command does",
    long: "Says what a command does and how it is used, as `--help` after the command does.",
    examples: &["whipstaff help template", "whipstaff help show values"],
    arity: Arity::Any,
    takes: &[Takes::Command],
    run: Some(run),
    ..PLAIN
};

fn run(call: &Call) -> Outcome {
    let (found, _) = find(&call.args);
    if found.path.len() == 1 && !call.args.is_empty() {
        let words: Vec<String> = call.args.iter().map(|word| format!("`{word}`")).collect();
        eprint!("Unknown help topic [{}]\n{}", words.join(" "), help::of(&found));
        return Ok(());
    }
    output::print(&help::of(&found))
}
