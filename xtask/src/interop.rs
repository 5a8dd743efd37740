//! `cargo xtask interop`: the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use e2e::judge;

/// What to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// Only cells whose name contains this text (`hooked`, `client`, `then Helm 3`)
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How many releases are played with at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// Print everything that differs
    #[arg(short, long)]
    verbose: bool,
    /// The first port to try
    #[arg(long, default_value_t = 27500)]
    port: u16,
}

/// Plays the cells and prints the table.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let good = judge::interop(&judge::Interop {
        root: crate::root(),
        cache: crate::e2e::default_cache()?,
        whipstaff: crate::runner::whipstaff(arguments.whipstaff.as_deref())?,
        filter: arguments.filter,
        jobs: arguments.jobs,
        verbose: arguments.verbose,
        port: arguments.port,
    })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
