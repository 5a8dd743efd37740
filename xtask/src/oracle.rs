//! `cargo xtask oracle`: charts and where they come from, by the real Helm and by us, against the same repositories and registries.
//!
//! A scene is played by Helm and then by us, each in a home of its own. After each line exit code, stdout, stderr and what has
//! changed among the files have to be the same.

mod files;
mod mask;
mod site;
mod stage;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::runner::in_parallel;
use e2e::script::{self, Script};
use stage::{Seen, Stage};

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Helm 4.3.1; else that and the registry are the fixtures of the end-to-end suites
    #[arg(long, value_name = "PATH", requires = "registry")]
    helm: Option<PathBuf>,
    /// The registry of the distribution project
    #[arg(long, value_name = "PATH", requires = "helm")]
    registry: Option<PathBuf>,
    /// The binary; else the workspace's own is built
    #[arg(long, value_name = "PATH")]
    whipstaff: Option<PathBuf>,
    /// Only the scenes whose name contains this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    filter: String,
    /// How many scenes are played at once
    #[arg(long, value_name = "N", default_value_t = 2)]
    jobs: usize,
    /// Print every difference, and whole
    #[arg(short, long)]
    verbose: bool,
}

impl Arguments {
    /// All scenes.
    pub(crate) fn all(whipstaff: PathBuf) -> Self {
        Self { helm: None, registry: None, whipstaff: Some(whipstaff), filter: String::new(), jobs: 2, verbose: false }
    }
}

/// How many differences are printed without `-v`, and how many lines of each.
const SHOWN: usize = 12;
const LINES: usize = 24;

/// What came of the scenes.
#[derive(Default)]
struct Tally {
    scenes: usize,
    same: usize,
    all: usize,
    on_purpose: usize,
    differences: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let began = Instant::now();
    let (helm, registry) = match (&arguments.helm, &arguments.registry) {
        (Some(helm), Some(registry)) => (std::path::absolute(helm)?, std::path::absolute(registry)?),
        _ => {
            let fixtures = e2e::fixture::build(&crate::root(), &crate::e2e::default_cache()?)?;
            let Some(registry) = fixtures.registry else { bail!("the registry was not built") };
            (fixtures.helm, registry)
        }
    };
    let whipstaff = crate::runner::whipstaff(arguments.whipstaff.as_deref())?;
    let scenes: Vec<Script> = script::read(&crate::root().join("e2e/oracle/scripts"))?
        .into_iter()
        .filter(|scene| scene.name.contains(&arguments.filter))
        .collect();
    if scenes.is_empty() {
        bail!("no scene is called so");
    }
    let stage = Stage::set([helm, whipstaff], &registry)?;
    let tally = Mutex::new(Tally::default());
    in_parallel(arguments.jobs, scenes.len(), |at| {
        let Some(scene) = scenes.get(at) else { return Ok(()) };
        let (theirs, ours) = (stage.play(scene, 0)?, stage.play(scene, 1)?);
        let Ok(mut tally) = tally.lock() else { bail!("another thread died") };
        tally.add(scene, &theirs, &ours);
        Ok(())
    })?;
    let tally = tally.into_inner().map_err(|_| anyhow::anyhow!("a thread died"))?;
    let code = tally.tell(arguments.verbose);
    println!("oracle: {} s", began.elapsed().as_secs());
    Ok(code)
}

impl Tally {
    fn add(&mut self, scene: &Script, theirs: &[Seen], ours: &[Seen]) {
        self.scenes += 1;
        for ((line, theirs), ours) in scene.lines.iter().zip(theirs).zip(ours) {
            if stage::is_chore(line) {
                if !(theirs.is_well() && ours.is_well()) {
                    self.differences.push(format!("== {}\n$ {}\n  cannot be done\n", scene.name, line.text));
                }
                continue;
            }
            self.all += 1;
            match stage::difference(theirs, ours) {
                None if line.on_purpose => self.differences.push(format!(
                    "== {}\n$ {}\n  does not differ any more: take the dash away\n",
                    scene.name, line.text
                )),
                None => self.same += 1,
                Some(_) if line.on_purpose => self.on_purpose += 1,
                Some(text) => self.differences.push(format!("== {}\n$ {}\n{text}", scene.name, line.text)),
            }
        }
    }

    fn tell(&self, verbose: bool) -> ExitCode {
        let (shown, lines) = if verbose { (usize::MAX, usize::MAX) } else { (SHOWN, LINES) };
        for text in self.differences.iter().take(shown) {
            let cut = |line: &str| if verbose { line.to_owned() } else { line.chars().take(300).collect() };
            println!("{}", text.lines().take(lines).map(cut).collect::<Vec<_>>().join("\n"));
        }
        println!(
            "oracle: {} of {} commands as Helm in {} scenes, {} differ on purpose",
            self.same, self.all, self.scenes, self.on_purpose
        );
        if self.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
