//! The project's own chores.

mod charts;
mod e2e;
mod fuzz;
mod helm2;
mod helm_cli;
mod interop;
mod layers;
mod lifecycle;
mod lists;
mod load;
mod oracle;
mod race;
mod runner;
mod strangers;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run the end-to-end suites on the sandbox and on a real control plane, with the real Helm beside
    E2e(e2e::Arguments),
    /// Fail on an arrow between crates that the architecture does not allow
    Layers,
    /// Write `openapi/whipstaff.json` from the code
    Openapi {
        /// Only fail when it is stale
        #[arg(long)]
        check: bool,
    },
    /// Write `docs/functions.md` from the table of template functions
    Functions {
        /// Only fail when it is stale
        #[arg(long)]
        check: bool,
    },
    /// Render the corpus of real charts and print how many cases are what Helm prints
    Corpus,
    /// Compare with Helm's own packages on inputs that nobody wrote
    Fuzz(fuzz::Arguments),
    /// Compare Helm 2's dialect of the renderer with the real Helm 2.17 and its Tiller
    Helm2(helm2::Arguments),
    /// Run Helm's own command lines through the binary and compare exit code, stdout and stderr
    HelmCli(helm_cli::Arguments),
    /// Run the binary and Helm side by side over charts that neither has seen, and compare all that they print
    Strangers(strangers::Arguments),
    /// Run the release commands by the real Helm, by the binary, and by both in turn, and compare what they say
    Lifecycle(lifecycle::Arguments),
    /// Run commands on charts, repositories and registries by the real Helm and by the binary, and compare what they say and write
    Oracle(oracle::Arguments),
    /// Install and uninstall real charts on real control planes, by the real Helm and by the binary, and compare what is there
    Charts(charts::Arguments),
    /// Have releases change hands between the binary, Helm 4 and Helm 3 on a real control plane
    Interop(interop::Arguments),
    /// Have two processes upgrade one release at once, many times, on a real control plane
    Race(race::Arguments),
    /// Have the binary and the real Helm list ten thousand releases on a real control plane, and compare time and memory
    Lists(lists::Arguments),
    /// Measure a server with ten thousand releases: lists, memory, and lists beside a thousand event streams
    Load(load::Arguments),
    /// Run everything that CI runs (`.ci/run`)
    Ci,
}

fn main() -> ExitCode {
    match run(Cli::parse().chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<ExitCode> {
    match chore {
        Chore::E2e(arguments) => return e2e::run(arguments),
        Chore::Fuzz(arguments) => return fuzz::run(&arguments),
        Chore::Helm2(arguments) => return helm2::run(&arguments),
        Chore::HelmCli(arguments) => return helm_cli::run(arguments),
        Chore::Strangers(arguments) => return strangers::run(&arguments),
        Chore::Lifecycle(arguments) => return lifecycle::run(&arguments),
        Chore::Oracle(arguments) => return oracle::run(&arguments),
        Chore::Charts(arguments) => return charts::run(arguments),
        Chore::Interop(arguments) => return interop::run(arguments),
        Chore::Race(arguments) => return race::run(arguments),
        Chore::Lists(arguments) => return lists::run(arguments),
        Chore::Load(arguments) => return load::run(&arguments),
        Chore::Layers => layers::run()?,
        Chore::Openapi { check } => made(&["--package", "whipstaff-api", "--lib", "document"], check)?,
        Chore::Functions { check } => made(&["--package", "whipstaff-render", "--test", "functions", "page"], check)?,
        Chore::Corpus => {
            let test = ["test", "--quiet", "--package", "whipstaff-render", "--test", "corpus", "--", "--nocapture"];
            succeed(cargo().args(test))?;
        }
        Chore::Ci => succeed(Command::new("bash").arg(root().join(".ci/run")))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the test that compares a file with what it is made from, or has it write the file.
fn made(test: &[&str], check: bool) -> Result<()> {
    let mut command = cargo();
    command.args(["test", "--quiet"]).args(test);
    if !check {
        command.env("WHIPSTAFF_BLESS", "1");
    }
    succeed(&mut command)
}

/// Returns the root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns the `cargo` that runs this.
fn cargo_path() -> PathBuf {
    std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from)
}

/// Returns that `cargo` as a command at the root of the repository.
fn cargo() -> Command {
    let mut command = Command::new(cargo_path());
    command.current_dir(root());
    command
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    if status.success() {
        return Ok(());
    }
    bail!("{command:?}: {status}")
}
