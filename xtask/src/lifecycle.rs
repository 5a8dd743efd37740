//! `cargo xtask lifecycle`: the release commands against a sandbox, by the real Helm, by us, and by both in turn.
//!
//! A script is run once by Helm alone; then in three more sandboxes by us, and by both in turn, so that each reads, upgrades,
//! rolls back and uninstalls what the other has left. What each command says has to be what Helm alone has said.

mod mask;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail};

use crate::runner::{Done, in_parallel};
use e2e::script::{self, Line, Script, Tool};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Helm 4.3.1; else that and kubectl are the fixtures of the end-to-end suites
    #[arg(long, value_name = "PATH")]
    helm: Option<PathBuf>,
    /// kubectl, for scripts that use it; else `kubectl` beside Helm
    #[arg(long, value_name = "PATH")]
    kubectl: Option<PathBuf>,
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// Only the scripts whose name contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How many scripts run at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Where records are kept: what Helm reads from `HELM_DRIVER`; `sql` is a Postgres of our own, a database for each run
    #[arg(long, value_name = "NAME", default_value = "secret")]
    driver: String,
    /// Have both in turn run every Nth script only
    #[arg(long, value_name = "N", default_value_t = 1)]
    turns: usize,
    /// Print every difference, and whole
    #[arg(short, long)]
    verbose: bool,
}

impl Arguments {
    /// The scripts of a name by Helm and by us, and every so many by both in turn, on the fixtures, with records in a store.
    pub(crate) fn of_fixtures(whipstaff: PathBuf, turns: usize, filter: &str, driver: &str) -> Self {
        let (filter, driver) = (filter.to_owned(), driver.to_owned());
        Self { helm: None, kubectl: None, whipstaff: Some(whipstaff), filter, jobs: 2, turns, driver, verbose: false }
    }
}

/// Who runs the commands of a script.
const CASTS: [(&str, [Tool; 2]); 4] = [
    ("helm", [Tool::Helm, Tool::Helm]),
    ("whipstaff", [Tool::Whipstaff, Tool::Whipstaff]),
    ("helm, then whipstaff in turn", [Tool::Helm, Tool::Whipstaff]),
    ("whipstaff, then helm in turn", [Tool::Whipstaff, Tool::Helm]),
];

/// How many differences are printed without `-v`, and how many lines of each.
const SHOWN: usize = 12;
const LINES: usize = 16;

/// The programs and the place they run in.
struct Stage {
    helm: PathBuf,
    kubectl: PathBuf,
    /// What comes before kubectl's own arguments, when it is part of another program.
    kubectl_role: Option<&'static str>,
    whipstaff: PathBuf,
    charts: PathBuf,
    own: PathBuf,
    scratch: PathBuf,
    driver: String,
    postgres: Option<e2e::Postgres>,
    databases: AtomicUsize,
}

/// How many commands of a cast are the same, how many there are, and what differs.
#[derive(Default)]
struct Tally {
    same: [usize; 3],
    all: [usize; 3],
    scripts: usize,
    on_purpose: usize,
    differences: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let (helm, kubectl, kubectl_role) = match &arguments.helm {
        Some(helm) => {
            let helm = std::path::absolute(helm)?;
            let kubectl = arguments.kubectl.as_ref().map(std::path::absolute).transpose()?;
            let kubectl = kubectl.unwrap_or_else(|| helm.with_file_name("kubectl"));
            (helm, kubectl, None)
        }
        None => {
            let fixtures = e2e::fixture::build(&crate::root(), &crate::e2e::default_cache()?)?;
            (fixtures.helm, fixtures.controlplane, Some("kubectl"))
        }
    };
    let whipstaff = crate::runner::whipstaff(arguments.whipstaff.as_deref())?;
    let own = crate::root().join("e2e/lifecycle");
    let scripts: Vec<Script> = script::read(&own.join("scripts"))?
        .into_iter()
        .filter(|script| script.name.contains(&arguments.filter))
        .collect();
    if scripts.is_empty() {
        bail!("no script is called so");
    }
    let scratch = std::env::temp_dir().join(format!("whipstaff-lifecycle-{}", std::process::id()));
    std::fs::create_dir_all(&scratch)?;
    let postgres = if arguments.driver == "sql" { e2e::Postgres::start()? } else { None };
    if arguments.driver == "sql" && postgres.is_none() {
        println!("lifecycle: skipped, Postgres is not installed");
        return Ok(ExitCode::SUCCESS);
    }
    let stage = Stage {
        helm,
        kubectl,
        kubectl_role,
        whipstaff,
        charts: crate::root().join("e2e/charts"),
        own,
        scratch,
        driver: arguments.driver.clone(),
        postgres,
        databases: AtomicUsize::new(0),
    };
    let tally = Mutex::new(Tally::default());
    let result = in_parallel(arguments.jobs, scripts.len(), |at| {
        let Some(script) = scripts.get(at) else { return Ok(()) };
        let in_turns = at % arguments.turns.max(1) == 0;
        let found = stage.compare(script, in_turns).with_context(|| script.name.clone())?;
        let Ok(mut tally) = tally.lock() else { bail!("another thread died") };
        tally.add(found);
        Ok(())
    });
    let _ = std::fs::remove_dir_all(&stage.scratch);
    result?;
    let tally = tally.into_inner().map_err(|_| anyhow::anyhow!("a thread died"))?;
    Ok(tally.tell(arguments.verbose))
}

impl Stage {
    /// Runs a script in all casts, or in those without turns.
    fn compare(&self, script: &Script, in_turns: bool) -> Result<Tally> {
        let mut tally = Tally { scripts: 1, ..Tally::default() };
        let mut runs = Vec::new();
        for (at, (_, cast)) in CASTS.iter().enumerate().filter(|(_, (_, [first, second]))| in_turns || first == second)
        {
            runs.push(self.play(script, *cast, at)?);
        }
        let Some((wanted, others)) = runs.split_first() else { return Ok(tally) };
        for (at, run) in others.iter().enumerate() {
            for ((line, want), got) in script.lines.iter().zip(wanted).zip(run) {
                if line.on_purpose {
                    tally.on_purpose += usize::from(at == 0);
                    continue;
                }
                let is_same = want == got;
                if let (Some(all), Some(same)) = (tally.all.get_mut(at), tally.same.get_mut(at)) {
                    *all += 1;
                    *same += usize::from(is_same);
                }
                if !is_same {
                    let who = CASTS.get(at + 1).map_or("", |(name, _)| name);
                    let text = difference(want, got);
                    tally.differences.push(format!("== {} [{who}]\n$ {}\n{text}", script.name, line.text));
                }
            }
        }
        Ok(tally)
    }

    /// Runs the commands of a script in a sandbox of its own.
    fn play(&self, script: &Script, cast: [Tool; 2], at: usize) -> Result<Vec<Done>> {
        let home = self.scratch.join(format!("{}-{at}", script.name.replace([' ', '/'], "-")));
        std::fs::create_dir_all(&home)?;
        let sandbox = Sandbox::start(&self.whipstaff, &home.join("kubeconfig"))?;
        let mut records = vec![("HELM_DRIVER", self.driver.clone())];
        if let Some(postgres) = &self.postgres {
            let name = format!("run{}", self.databases.fetch_add(1, Ordering::Relaxed));
            records.push(("HELM_DRIVER_SQL_CONNECTION_STRING", postgres.database(&name)?));
        }
        let mut turn = 0;
        let mut done = Vec::new();
        for line in &script.lines {
            let tool = match line.tool {
                Some(tool) => tool,
                None => {
                    turn += 1;
                    if turn % 2 == 1 { cast[0] } else { cast[1] }
                }
            };
            done.push(self.perform(line, tool, &home, &sandbox, &records)?);
        }
        Ok(done)
    }

    fn perform(
        &self,
        line: &Line,
        tool: Tool,
        home: &Path,
        sandbox: &Sandbox,
        records: &[(&str, String)],
    ) -> Result<Done> {
        let program = match tool {
            Tool::Helm => &self.helm,
            Tool::Kubectl => &self.kubectl,
            Tool::Whipstaff => &self.whipstaff,
        };
        let path = |text: &str| {
            let text = text
                .replace("$C", &self.charts.to_string_lossy())
                .replace("$L", &self.own.join("charts").to_string_lossy());
            text.replace("$SERVER", &sandbox.server).replace("$HOME", &home.to_string_lossy())
        };
        let mut command = Command::new(program);
        command.env_clear().env("HOME", home).env("KUBECONFIG", home.join("kubeconfig")).env("TZ", "UTC");
        command.envs(records.iter().map(|(name, value)| (name, value)));
        command.envs(line.variables.iter().map(|(name, value)| (name, path(value))));
        command.args(self.kubectl_role.filter(|_| tool == Tool::Kubectl));
        command.current_dir(home).args(line.args.iter().map(|text| path(text))).stdin(Stdio::null());
        let output = command.output().with_context(|| format!("{} does not start", program.display()))?;
        Ok(Done::masked(&output, |bytes| {
            let text = String::from_utf8_lossy(bytes).replace(&*home.to_string_lossy(), "HOME");
            mask::masked(&text.replace(&sandbox.server, "SERVER"))
        }))
    }
}

/// A sandbox that is served, until this value is dropped.
struct Sandbox {
    child: Child,
    server: String,
}

impl Sandbox {
    fn start(binary: &Path, kubeconfig: &Path) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["sandbox", "--listen", "127.0.0.1:0", "--write-kubeconfig"]).arg(kubeconfig);
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let sandbox = Self { child, server: line.trim().rsplit(' ').next().unwrap_or_default().to_owned() };
        if !sandbox.server.starts_with("http://") {
            bail!("the sandbox does not say where it is: {line:?}");
        }
        Ok(sandbox)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What differs, line by line.
fn difference(want: &Done, got: &Done) -> String {
    let mut text = String::new();
    if want.code != got.code {
        text.push_str(&format!("  exit code {} instead of {}\n", got.code, want.code));
    }
    for (name, want, got) in [("stdout", &want.stdout, &got.stdout), ("stderr", &want.stderr, &got.stderr)] {
        let missing = want.lines().filter(|line| !got.lines().any(|other| other == *line));
        missing.for_each(|line| text.push_str(&format!("  {name} - {line}\n")));
        let extra = got.lines().filter(|line| !want.lines().any(|other| other == *line));
        extra.for_each(|line| text.push_str(&format!("  {name} + {line}\n")));
        if want != got && !text.contains(name) {
            text.push_str(&format!("  {name}: the same lines, in another order or number\n"));
        }
    }
    text
}

impl Tally {
    fn add(&mut self, other: Self) {
        for (sum, count) in self.same.iter_mut().zip(other.same).chain(self.all.iter_mut().zip(other.all)) {
            *sum += count;
        }
        self.scripts += other.scripts;
        self.on_purpose += other.on_purpose;
        self.differences.extend(other.differences);
    }

    fn tell(&self, verbose: bool) -> ExitCode {
        for text in self.differences.iter().take(if verbose { usize::MAX } else { SHOWN }) {
            let lines: Vec<&str> = text.lines().take(if verbose { usize::MAX } else { LINES }).collect();
            let cut = |line: &&str| if verbose { (*line).to_owned() } else { line.chars().take(240).collect() };
            println!("{}", lines.iter().map(cut).collect::<Vec<_>>().join("\n"));
        }
        for (at, (name, _)) in CASTS.iter().skip(1).enumerate() {
            let count = |counts: &[usize; 3]| counts.get(at).copied().unwrap_or(0);
            println!("lifecycle: {:<30} {} of {} commands as Helm alone", name, count(&self.same), count(&self.all));
        }
        println!("lifecycle: {} scripts, {} commands differ on purpose", self.scripts, self.on_purpose);
        if self.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
