//! `cargo xtask fuzz`: generated inputs, answered by us and by Helm's own packages.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

/// What to compare; the rest goes to `e2e/differential` as it is.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Where fixtures are built and kept; `~/.cache/whipstaff-e2e` when left out
    #[arg(long, value_name = "FOLDER", env = "WHIPSTAFF_E2E_CACHE")]
    cache: Option<PathBuf>,
    /// `--seconds N`, `--cases N`, `--seed N`, `--subject A,B`, `--case N`, `--show N`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Builds the oracle and runs the comparison.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let cache = arguments.cache.clone().map_or_else(crate::e2e::default_cache, Ok)?;
    compare(&cache, &arguments.rest)
}

/// Runs the comparison with the oracle of a cache.
pub(crate) fn compare(cache: &Path, rest: &[String]) -> Result<ExitCode> {
    let oracle = e2e::fixture::oracle(&crate::root(), cache)?;
    let mut command = crate::cargo();
    command.args(["run", "--quiet", "--package", "whipstaff-differential", "--", "--oracle"]).arg(oracle).args(rest);
    let status = command.status().with_context(|| format!("{command:?}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
