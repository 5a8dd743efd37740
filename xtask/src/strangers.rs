//! `cargo xtask strangers`: the binary and the real Helm side by side, over charts of other people that are not part of
//! the project.
//!
//! Every chart below a folder is templated, installed dry, linted and shown by both, with each of its values files, as a
//! folder and packed, and exit code, stdout and stderr are compared. What is random by nature is found by running Helm
//! again. With `--vary` the charts are also rendered with values changed at random.

mod cases;
mod execute;
mod vary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, bail};

use crate::runner::in_parallel;
use cases::Case;
use execute::Bench;

/// What to run, on which charts.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with the charts, at any depth; packed ones count too
    #[arg(long, value_name = "DIR")]
    charts: PathBuf,
    /// Helm 4.3.1
    #[arg(long, value_name = "PATH")]
    helm: PathBuf,
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// A folder where what Helm says is kept for the next time
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Only the cases whose command line contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Only values changed at random: this many a chart
    #[arg(long, value_name = "N", default_value_t = 0)]
    vary: usize,
    /// Where the random changes begin
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// How many run at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Print every difference
    #[arg(short, long)]
    verbose: bool,
}

/// How many differences are printed without `-v`.
const SHOWN: usize = 12;

/// What came of all cases.
#[derive(Default)]
struct Report {
    /// How many of a command's cases are the same, and how many there are.
    commands: BTreeMap<&'static str, (usize, usize)>,
    /// How many cases Helm itself fails.
    errors: usize,
    /// The charts, and whether all that `template` prints of them is the same.
    charts: BTreeMap<String, bool>,
    /// The charts that Helm renders.
    rendered: BTreeSet<String>,
    differences: BTreeMap<usize, String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let charts = arguments.charts.canonicalize()?;
    let ours = crate::runner::whipstaff(arguments.whipstaff.as_deref())?;
    let bench = Bench::new(&charts, &std::path::absolute(&arguments.helm)?, &ours, arguments.cache.as_deref())?;
    let found = cases::find(&charts)?;
    if found.is_empty() {
        bail!("no charts below `{}`", charts.display());
    }
    let report = Mutex::new(Report::default());
    let counter = AtomicUsize::new(0);
    in_parallel(arguments.jobs, found.len(), |at| {
        let Some(chart) = found.get(at) else { return Ok(()) };
        let cases = match arguments.vary {
            0 => cases::of(chart, &bench)?,
            count => vary::of(chart, &bench, count, arguments.seed)?,
        };
        for case in cases.iter().filter(|case| case.line().contains(&arguments.filter)) {
            let (difference, code) = bench.compare(case)?;
            let Ok(mut report) = report.lock() else { bail!("another thread died") };
            report.add(counter.fetch_add(1, Ordering::Relaxed), chart, case, difference, code);
        }
        Ok(())
    })?;
    let report = report.into_inner().map_err(|_| anyhow::anyhow!("a thread died"))?;
    Ok(report.tell(arguments.verbose))
}

impl Report {
    fn add(&mut self, at: usize, chart: &Path, case: &Case, difference: Option<String>, code: i32) {
        let (same, all) = self.commands.entry(case.command).or_default();
        *all += 1;
        *same += usize::from(difference.is_none());
        self.errors += usize::from(code != 0);
        if case.command.starts_with("template") {
            let chart = chart.display().to_string();
            *self.charts.entry(chart.clone()).or_insert(true) &= difference.is_none();
            if code == 0 {
                self.rendered.insert(chart);
            }
        }
        if let Some(text) = difference {
            self.differences.insert(at, format!("== {}\n{text}", case.line()));
        }
    }

    /// Prints the counts and the first differences.
    fn tell(&self, verbose: bool) -> ExitCode {
        for text in self.differences.values().take(if verbose { usize::MAX } else { SHOWN }) {
            println!("{text}");
        }
        let (mut same, mut all) = (0, 0);
        for (command, tally) in &self.commands {
            println!("strangers: {command:<32} {} of {}", tally.0, tally.1);
            same += tally.0;
            all += tally.1;
        }
        let whole = self.charts.values().filter(|same| **same).count();
        let rendered = self.rendered.iter().filter(|chart| self.charts.get(*chart) == Some(&true)).count();
        println!("strangers: {whole} of {} charts are templated identically", self.charts.len());
        println!("strangers: {rendered} of the {} of them that Helm renders", self.rendered.len());
        println!("strangers: {same} of {all} cases identical, in {} of all Helm fails", self.errors);
        if same == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
