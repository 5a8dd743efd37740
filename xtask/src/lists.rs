//! `cargo xtask lists`: the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use e2e::judge;

/// What to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The binary; else that of `cargo build --release`
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// The chart that all releases are of
    #[arg(long, value_name = "PATH")]
    chart: Option<PathBuf>,
    /// How many releases there are
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    releases: usize,
    /// How often each lists them
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// The first port to try
    #[arg(long, default_value_t = 27600)]
    port: u16,
}

/// Lists and prints the table.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let root = crate::root();
    let good = judge::lists(&judge::Lists {
        cache: crate::e2e::default_cache()?,
        whipstaff: std::path::absolute(arguments.whipstaff.unwrap_or_else(|| root.join("target/release/whipstaff")))?,
        chart: arguments.chart.unwrap_or_else(|| root.join("e2e/charts/shop")),
        releases: arguments.releases,
        rounds: arguments.rounds,
        port: arguments.port,
        root,
    })?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
