//! `cargo xtask e2e`: the command line of the suites.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use e2e::{Options, Target};

/// What to run, and where.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Run on one of the two clusters only
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// Run only cases whose name contains this (`real/interop`)
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Leave clusters and servers running after the cases, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Use this whipstaff instead of building one
    #[arg(long, value_name = "FILE", env = "WHIPSTAFF_E2E_BINARY")]
    whipstaff: Option<PathBuf>,
    /// Where fixtures are built and kept; `~/.cache/whipstaff-e2e` when left out
    #[arg(long, value_name = "FOLDER", env = "WHIPSTAFF_E2E_CACHE")]
    cache: Option<PathBuf>,
    /// How long generated inputs are compared with Helm after the suites; not at all with 0, `--only` or `--filter`
    #[arg(long, value_name = "SECONDS", default_value_t = 300, env = "WHIPSTAFF_E2E_FUZZ")]
    fuzz: u64,
    /// Of the lifecycle's scripts, every Nth is also run by Helm and us in turn; none at all with 0, `--only` or `--filter`
    #[arg(long, value_name = "N", default_value_t = 4, env = "WHIPSTAFF_E2E_LIFECYCLE")]
    lifecycle: usize,
    /// The first port to try
    #[arg(long, default_value_t = 27300, env = "WHIPSTAFF_E2E_PORT")]
    port: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Only {
    /// `whipstaff serve --sandbox`; needs no Go
    Sandbox,
    /// The real control plane
    Real,
}

/// Runs the suites and prints the closing line.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let root = crate::root();
    let is_part = arguments.only.is_some() || arguments.filter.is_some();
    let fuzz = if is_part { 0 } else { arguments.fuzz };
    let lifecycle = if is_part { 0 } else { arguments.lifecycle };
    let options = Options {
        cache: arguments.cache.map_or_else(default_cache, Ok)?,
        corpus: corpus(&root),
        root,
        cargo: crate::cargo_path(),
        whipstaff: arguments.whipstaff,
        only: arguments.only.map(|only| match only {
            Only::Sandbox => Target::Sandbox,
            Only::Real => Target::Real,
        }),
        filter: arguments.filter,
        keep: arguments.keep,
        strict: std::env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false" && ci != "0"),
        port: arguments.port,
    };
    let summary = e2e::run(&options)?;
    for name in &summary.failed {
        println!("failed: {name}");
    }
    println!("{summary}");
    if !summary.failed.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if let (Err(error), false) = (e2e::fixture::go(), options.strict) {
        println!("neither the lifecycle nor generated inputs are compared: {error}");
        return Ok(ExitCode::SUCCESS);
    }
    if !is_part {
        let code = crate::oracle::run(&crate::oracle::Arguments::all(e2e::whipstaff(&options)?))?;
        if code != ExitCode::SUCCESS {
            return Ok(code);
        }
    }
    if lifecycle > 0 {
        let whipstaff = e2e::whipstaff(&options)?;
        // All of it with Secrets; with records in Postgres what tells the stores apart, by both in turn.
        for (turns, filter, driver) in [(lifecycle, "", "secret"), (1, "rollback", "sql")] {
            let arguments = crate::lifecycle::Arguments::of_fixtures(whipstaff.clone(), turns, filter, driver);
            let code = crate::lifecycle::run(&arguments)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
        }
    }
    if fuzz == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    crate::fuzz::compare(&options.cache, &["--seconds".to_owned(), fuzz.to_string()])
}

/// Returns where the corpus of real charts is, or would be.
pub(crate) fn corpus(root: &Path) -> PathBuf {
    std::env::var_os("WHIPSTAFF_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from)
}

/// Returns where fixtures are kept when nobody says.
pub(crate) fn default_cache() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .map(|caches| caches.join("whipstaff-e2e"))
        .context("no HOME: WHIPSTAFF_E2E_CACHE must say where fixtures are kept")
}
