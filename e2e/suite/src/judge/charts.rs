//! Real charts, installed and uninstalled by Helm and by us, each on clusters of its own.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::lane::{Lane, Outcome};
use super::verdict::{Judged, Verdict, judge};
use super::with_fixtures;
use crate::fixture::Fixtures;

/// What to run.
#[derive(Clone, Debug)]
pub struct Charts {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where the fixtures are.
    pub cache: PathBuf,
    /// The folder below which the charts are.
    pub charts: PathBuf,
    /// Our binary.
    pub whipstaff: PathBuf,
    /// A Helm instead of the fixture.
    pub helm: Option<PathBuf>,
    /// Only charts whose path contains this.
    pub filter: String,
    /// How many clusters each of the two has.
    pub jobs: usize,
    /// A folder that keeps what Helm did, for the next run.
    pub kept: Option<PathBuf>,
    /// Print everything that differs.
    pub verbose: bool,
    /// The first port to try.
    pub port: u16,
}

/// How many lines of a chart are printed.
const SHOWN: usize = 6;

/// A chart, and the namespace that it gets.
#[derive(Clone, Debug)]
struct Chart {
    name: String,
    file: PathBuf,
    namespace: String,
}

/// Runs all charts, prints the table, and tells whether nothing differs.
///
/// # Errors
///
/// When a fixture or a cluster does not start, or ends on the way.
pub fn charts(options: &Charts) -> Result<bool> {
    with_fixtures(&options.root, &options.cache, "charts", |fixtures, work| run(options, fixtures, work))
}

fn run(options: &Charts, fixtures: &Fixtures, work: &Path) -> Result<bool> {
    let started = Instant::now();
    let charts: Vec<Chart> = find(&options.charts)?.into_iter().filter(|c| c.name.contains(&options.filter)).collect();
    let compared = compare(options, fixtures, work, &charts)?;
    compared.tell(options.verbose);
    println!("charts: {} s", started.elapsed().as_secs());
    Ok(compared.is_same())
}

/// Compares a few charts for the end-to-end suite, and says what differs.
pub(crate) fn sample(options: &Charts, fixtures: &Fixtures, work: &Path, names: &[&str]) -> Result<Vec<String>> {
    let charts: Vec<Chart> = find(&options.charts)?.into_iter().filter(|c| names.contains(&c.name.as_str())).collect();
    if charts.len() != names.len() {
        bail!("{} of {} charts are not there", names.len() - charts.len(), names.len());
    }
    let compared = compare(options, fixtures, work, &charts)?;
    let refused = compared.judged.iter().filter(|(_, judged)| judged.verdict != Verdict::Same);
    Ok(refused
        .map(|(chart, judged)| format!("{}: {:?}\n{}", chart.name, judged.verdict, judged.details.join("\n")))
        .collect())
}

/// What both did, and the verdicts.
struct Compared {
    judged: Vec<(Chart, Judged)>,
    helm: BTreeMap<String, Outcome>,
    ours: BTreeMap<String, Outcome>,
}

/// Has both play, and Helm once more what differs, to see what is another each time.
fn compare(options: &Charts, fixtures: &Fixtures, work: &Path, charts: &[Chart]) -> Result<Compared> {
    let helm = options.helm.as_ref().unwrap_or(&fixtures.helm);
    let sides = Sides { options, fixtures, work };
    if let Some(folder) = &options.kept {
        std::fs::create_dir_all(folder)?;
    }
    let mut theirs = BTreeMap::new();
    let mut unknown = Vec::new();
    for chart in charts {
        match options.kept.as_deref().and_then(|folder| recall(folder, chart)) {
            Some(outcome) => drop(theirs.insert(chart.name.clone(), outcome)),
            None => unknown.push(chart.clone()),
        }
    }
    let (new, ours) = std::thread::scope(|scope| {
        let new = scope.spawn(|| sides.play("helm", helm, &unknown, options.kept.as_deref()));
        let ours = sides.play("whipstaff", &options.whipstaff, charts, None);
        (new.join(), ours)
    });
    let new = new.map_err(|_| anyhow::anyhow!("a thread died"))??;
    let ours = ours?;
    theirs.extend(new);
    let mut compared = Compared { judged: Vec::new(), helm: theirs, ours };
    compared.judge(charts, &BTreeMap::new());
    let doubtful = compared.judged.iter().filter(|(_, judged)| !judged.details.is_empty());
    let doubtful: Vec<Chart> = doubtful.map(|(chart, _)| chart.clone()).collect();
    let again = sides.play("helm once more", helm, &doubtful, None)?;
    compared.judge(charts, &again);
    if compared.judged.len() != charts.len() {
        bail!("{} of {} charts were not tried", charts.len() - compared.judged.len(), charts.len());
    }
    Ok(compared)
}

impl Compared {
    fn judge(&mut self, charts: &[Chart], again: &BTreeMap<String, Outcome>) {
        let one = |chart: &Chart| {
            let (helm, ours) = (self.helm.get(&chart.name)?, self.ours.get(&chart.name)?);
            Some((chart.clone(), judge(helm, again.get(&chart.name), ours)))
        };
        self.judged = charts.iter().filter_map(one).collect();
    }

    fn is_same(&self) -> bool {
        self.judged.iter().all(|(_, judged)| judged.verdict != Verdict::Different)
    }

    /// Prints what differs, and how many charts are of each verdict.
    fn tell(&self, verbose: bool) {
        for (chart, judged) in &self.judged {
            if judged.details.is_empty() {
                continue;
            }
            println!("{:?}: {} ({})", judged.verdict, chart.name, chart.namespace);
            for line in judged.details.iter().take(if verbose { usize::MAX } else { SHOWN }) {
                println!("    {line}");
            }
            if !verbose && judged.details.len() > SHOWN {
                println!("    and {} more", judged.details.len() - SHOWN);
            }
        }
        let count = |verdict: Verdict| self.judged.iter().filter(|(_, judged)| judged.verdict == verdict).count();
        let installed: Vec<&str> =
            self.helm.iter().filter(|(_, outcome)| outcome.code == 0).map(|(name, _)| name.as_str()).collect();
        let objects: usize = installed.iter().filter_map(|name| Some(self.ours.get(*name)?.objects.len())).sum();
        println!("charts: {} that Helm installs, {objects} objects", installed.len());
        println!("charts: {:>4} the same objects and managed fields, the same left behind", count(Verdict::Same));
        println!("charts: {:>4} refused by both in the same words", count(Verdict::Refused));
        println!(
            "charts: {:>4} refused by both in other words, or after other steps",
            count(Verdict::RefusedOtherwise)
        );
        println!("charts: {:>4} different", count(Verdict::Different));
        for (who, outcomes) in [("Helm", &self.helm), ("whipstaff", &self.ours)] {
            let of = || installed.iter().filter_map(|name| outcomes.get(*name));
            let left = |is: fn(&str) -> bool| of().flat_map(|outcome| outcome.left.keys()).filter(|id| is(id)).count();
            println!(
                "charts: left behind by {who}: {} definitions, {} namespaces, {} others; {} records",
                left(|id| id.starts_with("CustomResourceDefinition.")),
                left(|id| id.starts_with("Namespace. ")),
                left(|id| !id.starts_with("CustomResourceDefinition.") && !id.starts_with("Namespace. ")),
                of().map(|outcome| outcome.records_left).sum::<usize>(),
            );
        }
    }
}

/// One tool's clusters.
struct Sides<'a> {
    options: &'a Charts,
    fixtures: &'a Fixtures,
    work: &'a Path,
}

impl Sides<'_> {
    /// Has a tool play all charts, on as many clusters as may be.
    fn play(
        &self,
        who: &str,
        program: &Path,
        charts: &[Chart],
        kept: Option<&Path>,
    ) -> Result<BTreeMap<String, Outcome>> {
        let queue = Mutex::new(VecDeque::from(charts.to_vec()));
        let outcomes = Mutex::new(BTreeMap::new());
        // Ports are looked for by binding them, so that only one cluster may start at a time.
        static STARTING: Mutex<()> = Mutex::new(());
        let lane = |at: usize| -> Result<()> {
            let folder = self.work.join(format!("{who}-{at}"));
            std::fs::create_dir_all(&folder)?;
            let mut lane = {
                let _guard = lock(&STARTING);
                Lane::start(self.fixtures, program, &folder, self.options.port)?
            };
            loop {
                let Some(chart) = lock(&queue).pop_front() else { return Ok(()) };
                let outcome = lane.play(&chart.file, &chart.namespace);
                if outcome.is_err() {
                    lane.check()?;
                }
                let outcome = outcome.with_context(|| format!("{who}: {}", chart.name))?;
                println!("{who}: {} {} {:.1} s", chart.name, outcome.code, outcome.seconds);
                if let Some(folder) = kept {
                    keep(folder, &chart, &outcome)?;
                }
                lock(&outcomes).insert(chart.name, outcome);
            }
        };
        std::thread::scope(|scope| {
            let lane = &lane;
            let lanes = self.options.jobs.min(charts.len());
            let threads: Vec<_> = (0..lanes).map(|at| scope.spawn(move || lane(at))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| bail!("a thread died")))
        })?;
        Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Finds the archives below a folder; each has the same namespace in every run.
fn find(folder: &Path) -> Result<Vec<Chart>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "tgz") {
                files.push(path);
            }
        }
    }
    files.sort();
    let charts = files.into_iter().enumerate().map(|(at, file)| {
        let name = file.strip_prefix(folder).unwrap_or(&file).with_extension("").to_string_lossy().into_owned();
        Chart { name, file, namespace: format!("ns-{at}") }
    });
    Ok(charts.collect())
}

fn place(folder: &Path, chart: &Chart) -> PathBuf {
    folder.join(format!("{}.json", chart.name.replace('/', "+")))
}

fn recall(folder: &Path, chart: &Chart) -> Option<Outcome> {
    serde_json::from_slice(&std::fs::read(place(folder, chart)).ok()?).ok()
}

fn keep(folder: &Path, chart: &Chart, outcome: &Outcome) -> Result<()> {
    Ok(std::fs::write(place(folder, chart), serde_json::to_vec(outcome)?)?)
}
