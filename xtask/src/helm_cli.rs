//! `cargo xtask helm-cli`: runs the binary as Helm was run, and compares exit code, stdout and stderr byte for byte.
//!
//! The cases are what Helm 4.3.1 printed over its own test charts: JSON lines with `args`, `rc`, `stdout` and `stderr`,
//! beside a folder `testdata`. `CWD` stands for the folder that the commands ran in, `TMP` for the home, `TIME` for the
//! time of a release.

mod corpus;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

use crate::runner::{Done, in_parallel};

/// What to run and where the cases are.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// The folder with `cases.jsonl`; `../shared/helm-cli`, or with `--corpus` `../shared/corpus`
    #[arg(long, value_name = "DIR")]
    cases: Option<PathBuf>,
    /// Run the corpus of real charts instead: `template`, the notes of `install --dry-run=client`, and `lint`
    #[arg(long)]
    corpus: bool,
    /// Only the cases whose command line contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// Print every difference, and whole
    #[arg(short, long)]
    verbose: bool,
}

/// Command lines whose output differs on purpose: `docs/helm-differences.md` says why.
const ON_PURPOSE: [&str; 2] = ["show", "dependency"];

/// How many differences are printed without `-v`.
const SHOWN: usize = 12;

/// How what does not count is marked.
const DIFFERS: &str = " (differs on purpose)";

fn counts(verb: &str) -> bool {
    !verb.ends_with(DIFFERS)
}

/// What came of a verb's cases.
#[derive(Default)]
struct Tally {
    same: usize,
    all: usize,
}

/// What came of all.
#[derive(Default)]
struct Report {
    verbs: BTreeMap<String, Tally>,
    differences: BTreeMap<usize, String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let folder = arguments
        .cases
        .clone()
        .unwrap_or_else(|| crate::root().join("../shared").join(if arguments.corpus { "corpus" } else { "helm-cli" }));
    let cases = read_cases(&folder)?;
    let binary = crate::runner::whipstaff(arguments.whipstaff.as_deref())?;
    let report = if arguments.corpus {
        corpus::run(&folder, &binary, &cases, &arguments.filter)?
    } else {
        commands(&folder, &binary, &cases, &arguments.filter)?
    };
    Ok(tell(&report, arguments.verbose))
}

fn read_cases(folder: &Path) -> Result<Vec<Json>> {
    let path = folder.join("cases.jsonl");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Runs the cases of commands in a copy of their folder.
fn commands(folder: &Path, binary: &Path, cases: &[Json], filter: &str) -> Result<Report> {
    let scratch = Scratch::new()?;
    copy(&folder.join("testdata"), &scratch.cwd.join("testdata"))?;
    gather(cases.len(), |at| {
        let Some(case) = cases.get(at) else { return Ok(None) };
        let args = strings(case, "args");
        let line = args.join(" ");
        if !line.contains(filter) {
            return Ok(None);
        }
        let done = scratch.run(binary, &args, true)?;
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        let want = Done {
            code: case["rc"].as_i64().unwrap_or(-1).try_into().unwrap_or(-1),
            stdout: text("stdout"),
            stderr: text("stderr"),
        };
        let verb = args.first().cloned().unwrap_or_default();
        let verb = if ON_PURPOSE.contains(&line.as_str()) { format!("help{DIFFERS}") } else { verb };
        Ok(Some(vec![Verdict { verb, line, difference: different(&want, &done) }]))
    })
}

/// One comparison.
struct Verdict {
    verb: String,
    line: String,
    difference: Option<String>,
}

/// Calls a function for all cases on two threads and gathers what it says.
fn gather(count: usize, one: impl Fn(usize) -> Result<Option<Vec<Verdict>>> + Sync) -> Result<Report> {
    let report = Mutex::new(Report::default());
    in_parallel(2, count, |at| {
        let verdicts = one(at)?.unwrap_or_default();
        let Ok(mut report) = report.lock() else { bail!("another thread died") };
        verdicts.into_iter().for_each(|verdict| report.add(at, verdict));
        Ok(())
    })?;
    report.into_inner().map_err(|_| anyhow::anyhow!("a thread of the runner died"))
}

impl Report {
    fn add(&mut self, at: usize, verdict: Verdict) {
        let tally = self.verbs.entry(verdict.verb.clone()).or_default();
        tally.all += 1;
        match verdict.difference {
            None => tally.same += 1,
            Some(text) if counts(&verdict.verb) => {
                let told = format!("== {at}: {}\n{text}", verdict.line);
                self.differences.entry(at).and_modify(|all| all.push_str(&told)).or_insert(told);
            }
            Some(_) => {}
        }
    }
}

/// Prints the counts and the first differences.
fn tell(report: &Report, verbose: bool) -> ExitCode {
    let shown = if verbose { usize::MAX } else { SHOWN };
    for text in report.differences.values().take(shown) {
        match verbose {
            true => println!("{text}"),
            false => println!(
                "{}",
                text.lines().take(24).map(|l| l.chars().take(400).collect::<String>() + "\n").collect::<String>()
            ),
        }
    }
    let (mut same, mut all) = (0, 0);
    for (verb, tally) in &report.verbs {
        println!("helm-cli: {verb:<28} {} of {}", tally.same, tally.all);
        if counts(verb) {
            same += tally.same;
            all += tally.all;
        }
    }
    println!("helm-cli: {same} of {all} identical");
    if same == all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says what differs.
fn different(want: &Done, got: &Done) -> Option<String> {
    let mut text = String::new();
    if want.code != got.code {
        text.push_str(&format!("exit code: helm {}, ours {}\n", want.code, got.code));
    }
    for (name, want, got) in [("stdout", &want.stdout, &got.stdout), ("stderr", &want.stderr, &got.stderr)] {
        if let Some(line) = first_difference(want, got, &[]) {
            text.push_str(&format!("{name} {line}\n"));
        }
    }
    (!text.is_empty()).then_some(text)
}

/// Shows the first lines that differ; lines whose numbers are in `mask` may.
fn first_difference(want: &str, got: &str, mask: &[usize]) -> Option<String> {
    if want == got {
        return None;
    }
    let (want, got): (Vec<&str>, Vec<&str>) = (want.split('\n').collect(), got.split('\n').collect());
    let at = (0..want.len().max(got.len())).find(|at| want.get(*at) != got.get(*at) && !mask.contains(&(at + 1)))?;
    let side = |lines: &[&str]| lines.iter().skip(at).take(6).map(|line| format!("\n    {line:?}")).collect::<String>();
    Some(format!("line {}:\n  helm{}\n  ours{}", at + 1, side(&want), side(&got)))
}

fn strings(case: &Json, key: &str) -> Vec<String> {
    let list = case[key].as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// A folder to run in and an empty home; both go with the value.
struct Scratch {
    root: PathBuf,
    cwd: PathBuf,
    home: PathBuf,
}

impl Scratch {
    fn new() -> Result<Self> {
        let root = std::env::temp_dir().join(format!("whipstaff-helm-cli-{}", std::process::id()));
        let (cwd, home) = (root.join("cwd"), root.join("home"));
        std::fs::create_dir_all(&cwd)?;
        std::fs::create_dir_all(&home)?;
        Ok(Self { root, cwd, home })
    }

    fn running_in(cwd: PathBuf) -> Result<Self> {
        let mut scratch = Self::new()?;
        scratch.cwd = cwd;
        Ok(scratch)
    }

    /// Runs the binary; the paths of the folder and of the home come out as `CWD` and `TMP`.
    fn run(&self, binary: &Path, args: &[String], mask_time: bool) -> Result<Done> {
        let mut command = Command::new(binary);
        command.args(args).current_dir(&self.cwd).stdin(Stdio::null()).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("HOME", &self.home).env("KUBECONFIG", "/nonexistent").env("TZ", "UTC");
        for name in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{name}_HOME"), self.home.join(name.to_lowercase()));
        }
        let output = command.output().with_context(|| format!("cannot run `{}`", binary.display()))?;
        Ok(Done::masked(&output, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let text = text.replace(&*self.cwd.to_string_lossy(), "CWD").replace(&*self.home.to_string_lossy(), "TMP");
            if mask_time { hide_time(&text) } else { text }
        }))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Puts `TIME` for the time of a release, in the table and in JSON and YAML.
fn hide_time(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.starts_with("LAST DEPLOYED: ") {
            out.push_str("LAST DEPLOYED: TIME\n");
        } else {
            out.push_str(line);
        }
    }
    out
}

/// Copies a folder; links stay links.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            #[cfg(unix)]
            std::os::unix::fs::symlink(std::fs::read_link(entry.path())?, &target)?;
            #[cfg(not(unix))]
            bail!("links need a Unix");
        } else {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    if !to.is_dir() {
        bail!("cannot make `{}`", to.display());
    }
    Ok(())
}
