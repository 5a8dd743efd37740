//! `cargo xtask charts`: the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use e2e::judge;

/// What to run.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The charts; those of the corpus when left out
    #[arg(long, value_name = "FOLDER")]
    charts: Option<PathBuf>,
    /// Helm 4.3.1; else it is built
    #[arg(long, value_name = "PATH")]
    helm: Option<PathBuf>,
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// Only charts whose path contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How many clusters each of the two has
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Keeps what Helm did in a folder, and does not do it again when it is there
    #[arg(long, value_name = "FOLDER")]
    kept: Option<PathBuf>,
    /// Print everything that differs
    #[arg(short, long)]
    verbose: bool,
    /// The first port to try
    #[arg(long, default_value_t = 27500)]
    port: u16,
}

/// Runs the charts and prints the table.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let root = crate::root();
    let same = judge::charts(&judge::Charts {
        charts: arguments.charts.unwrap_or_else(|| crate::e2e::corpus(&root).join("charts")),
        cache: crate::e2e::default_cache()?,
        whipstaff: crate::runner::whipstaff(arguments.whipstaff.as_deref())?,
        root,
        helm: arguments.helm,
        filter: arguments.filter,
        jobs: arguments.jobs,
        kept: arguments.kept,
        verbose: arguments.verbose,
        port: arguments.port,
    })?;
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
