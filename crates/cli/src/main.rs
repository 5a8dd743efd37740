//! The `whipstaff` binary: Helm as an HTTP API, and Helm's own commands.

mod change;
mod color;
mod command;
mod commands;
mod connect;
mod fail;
mod flags;
mod help;
mod jsonpath;
mod kubeconfig;
mod kubetable;
mod locate;
mod log;
mod output;
mod output_dir;
mod progress;
mod provenance;
mod release;
mod sample;
mod settings;
mod show;
mod status;
mod table;
mod templates;
mod unreachable;
mod values;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    // Rendering needs a big stack, and every thread has a heap of its own: so all is done on one from the start.
    let outcome = render::on_big_stack(|| command::execute(&args)).map_err(|e| fail::Fail::new(e.to_string()));
    match outcome.flatten() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fail) => {
            if !fail.text.is_empty() {
                eprintln!("Error: {}", fail.text);
            }
            if let Some(hint) = fail.hint {
                eprintln!("{hint}");
            }
            ExitCode::from(fail.code)
        }
    }
}
