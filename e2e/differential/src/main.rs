//! Inputs that nobody wrote, answered by whipstaff and by Helm's own packages, and compared.
//!
//! Every case is made from the seed, its subject and its number, and can be had again alone. `cargo xtask fuzz` builds the
//! oracle and runs this.

mod answer;
mod explain;
mod oracle;
mod rng;
mod run;
mod shrink;
mod subjects;
/// The generator that the tests of `goyaml` use too.
#[path = "../../../crates/goyaml/tests/made/gen.rs"]
#[allow(dead_code, clippy::expect_used, reason = "tests use another part of it")]
mod yaml_gen;
/// Texts that show one thing each.
#[path = "../../../crates/goyaml/tests/made/texts.rs"]
mod yaml_texts;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Parser;

use crate::oracle::Oracle;
use crate::run::{Counts, Plan};
use crate::subjects::{HELM2, SUBJECTS, Subject};

/// Compares whipstaff with Helm's own packages on generated inputs.
#[derive(Parser)]
struct Arguments {
    /// The oracle (`e2e/fixtures/oracle`)
    #[arg(long, value_name = "FILE")]
    oracle: PathBuf,
    /// Where the random numbers start
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many cases, of all subjects together
    #[arg(long)]
    cases: Option<u64>,
    /// How long to run; 60 when nothing is said
    #[arg(long)]
    seconds: Option<u64>,
    /// Only these subjects
    #[arg(long, value_delimiter = ',')]
    subject: Vec<String>,
    /// The subjects of Helm 2; the oracle is `e2e/fixtures/helm2/engine`
    #[arg(long)]
    helm2: bool,
    /// Only this case of the one subject, with both answers
    #[arg(long)]
    case: Option<u64>,
    /// How many differences of a subject are made small and shown
    #[arg(long, default_value_t = 8)]
    show: usize,
    /// How many at once; as many as there are cores when left out
    #[arg(long)]
    jobs: Option<usize>,
    /// Where workers note their case; set by the process that watches over this one
    #[arg(long, hide = true)]
    notes: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments.notes {
        Some(notes) => work(&arguments, notes.clone()),
        None if arguments.case.is_some() => one(&arguments),
        None => watch(),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs everything in a process of its own, and tells what it was at if it dies.
fn watch() -> Result<bool> {
    let notes = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    let status = command.args(std::env::args_os().skip(1)).arg("--notes").arg(notes.path()).status()?;
    match status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => {
            println!("died ({status}); one of these cases did it:");
            for note in std::fs::read_dir(notes.path())? {
                println!("  {}", std::fs::read_to_string(note?.path())?);
            }
            Ok(false)
        }
    }
}

fn subjects(names: &[String], helm2: bool) -> Result<Vec<&'static Subject>> {
    let all = if helm2 { HELM2 } else { SUBJECTS };
    for name in names {
        if !all.iter().any(|subject| subject.name == name) {
            let all: Vec<_> = all.iter().map(|subject| subject.name).collect();
            bail!("no subject `{name}`; there are {}", all.join(", "));
        }
    }
    let wanted = |subject: &&Subject| names.is_empty() || names.iter().any(|name| name == subject.name);
    Ok(all.iter().copied().filter(wanted).collect())
}

fn one(arguments: &Arguments) -> Result<bool> {
    let subjects = subjects(&arguments.subject, arguments.helm2)?;
    let (Some(case), [subject]) = (arguments.case, subjects.as_slice()) else {
        bail!("`--case` wants one `--subject`");
    };
    let question = run::question(subject, arguments.seed, case);
    println!("{}\n{question}", (subject.show)(&question));
    let theirs = Oracle::start(&arguments.oracle)?.one(&question)?;
    println!("  helm {theirs}");
    let ours = gotext::with_big_stack(|| run::ours(subject, &question)).context("a thread")?;
    println!("  ours {ours}");
    Ok(ours == theirs)
}

fn work(arguments: &Arguments, notes: PathBuf) -> Result<bool> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        subjects: subjects(&arguments.subject, arguments.helm2)?,
        seed: arguments.seed,
        cases: arguments.cases,
        seconds: arguments.seconds.or(arguments.cases.is_none().then_some(60)),
        jobs: arguments.jobs.unwrap_or(cores),
        show: arguments.show,
        notes,
    };
    let started = Instant::now();
    std::panic::set_hook(Box::new(|_| {}));
    let counts = run::run(&plan, &arguments.oracle)?;
    print_table(&counts, arguments.seed, started);
    Ok(counts.values().all(|count| count.differ == 0))
}

/// Prints the counts of each subject and of all.
fn print_table(counts: &Counts, seed: u64, started: Instant) {
    println!("{:<14} {:>9} {:>9} {:>9} {:>9}", "subject", "cases", "errors", "explained", "differ");
    let mut reasons = std::collections::BTreeMap::<&str, u64>::new();
    let mut sum = [0; 4];
    for (subject, count) in counts {
        let explained: u64 = count.explained.values().sum();
        let row = [count.cases, count.errors, explained, count.differ];
        println!("{subject:<14} {:>9} {:>9} {:>9} {:>9}", row[0], row[1], row[2], row[3]);
        for (all, one) in sum.iter_mut().zip(row) {
            *all += one;
        }
        for (reason, n) in &count.explained {
            *reasons.entry(reason).or_default() += n;
        }
    }
    println!("{:<14} {:>9} {:>9} {:>9} {:>9}", "all", sum[0], sum[1], sum[2], sum[3]);
    for (reason, n) in reasons {
        println!("explained, {n}: {reason}");
    }
    println!("seed {seed}, {} s", started.elapsed().as_secs());
}
