//! `cargo xtask race`: the command line.

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
    /// How many times each two race
    #[arg(long, value_name = "N", default_value_t = 200)]
    rounds: usize,
    /// How many releases are raced for at once
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,
    /// The first port to try
    #[arg(long, default_value_t = 27500)]
    port: u16,
}

/// Races and prints the table.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let good = judge::race(&judge::Race {
        root: crate::root(),
        cache: crate::e2e::default_cache()?,
        whipstaff: crate::runner::whipstaff(arguments.whipstaff.as_deref())?,
        rounds: arguments.rounds,
        jobs: arguments.jobs,
        port: arguments.port,
    })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
