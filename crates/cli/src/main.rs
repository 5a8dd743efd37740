//! The `whipstaff` binary: Helm as an HTTP API, and Helm's own commands.

mod commands;
mod sample;
mod values;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Helm as an HTTP API, and Helm's own commands.
#[derive(Debug, Parser)]
#[command(name = "whipstaff", version, about, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Args),
    Template(Box<commands::template::Args>),
}

fn main() -> ExitCode {
    // One crypto provider for the whole process; every TLS library of ours is built without one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Cli::parse().command {
        Command::Serve(args) => commands::serve::run(args),
        Command::Template(args) => commands::template::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // As Helm writes it; the causes are part of the text of our errors where they matter.
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
