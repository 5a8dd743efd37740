//! The `whipstaff` binary: Helm as an HTTP API, and Helm's own commands.

mod change;
mod color;
mod command;
mod commands;
mod complete;
mod connect;
mod depots;
mod expand;
mod fail;
mod files;
mod flags;
mod heap;
mod help;
mod jsonpath;
mod kubeconfig;
mod kubetable;
mod local;
mod locate;
mod log;
mod output;
mod output_dir;
mod progress;
mod provenance;
mod release;
mod releases;
mod remote;
mod sample;
mod serving;
mod settings;
mod show;
mod signing;
mod source;
mod status;
mod subcharts;
mod table;
mod templates;
mod tillers;
mod unreachable;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    // Rendering needs a big stack, and every thread has a heap of its own: so all is done on one from the start, and ends
    // there, since it takes the system a while to take such a stack back.
    let end = || std::process::exit(ended(command::execute(&args)).into());
    ended(render::on_big_stack(end).map_err(|error| fail::Fail::new(error.to_string()))).into()
}

/// Says why the command failed, if it did; gives what the process ends with.
fn ended(outcome: fail::Outcome) -> u8 {
    let Err(fail) = outcome else { return 0 };
    if !fail.text.is_empty() {
        eprintln!("Error: {}", fail.text);
    }
    if let Some(hint) = fail.hint {
        eprintln!("{hint}");
    }
    fail.code
}
