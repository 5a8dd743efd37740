//! Two upgrades of one release at once, by two processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cell::Tool;
use super::with_fixtures;
use crate::check::list;
use crate::cluster::{ControlPlane, Kubectl};
use crate::fixture::Fixtures;
use crate::helm::Helm;
use crate::process::Output;
use crate::runner::{self, Job};

/// What to run.
#[derive(Clone, Debug)]
pub struct Race {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where the fixtures are.
    pub cache: PathBuf,
    /// Our binary.
    pub whipstaff: PathBuf,
    /// How many times each two of them race.
    pub rounds: usize,
    /// How many releases are raced for at once.
    pub jobs: usize,
    /// The first port to try.
    pub port: u16,
}

/// Who races: two of us, and one of us with the real Helm.
pub(crate) const PAIRS: [[Tool; 2]; 2] = [[Tool::Whipstaff, Tool::Whipstaff], [Tool::Whipstaff, Tool::Helm4]];
/// By how much we begin later than Helm, which needs that long to start, round by round.
const STAGGER: u64 = 80;

/// What the rounds of a pair came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) rounds: usize,
    /// How often the first and the second of the pair won.
    pub(crate) won: [usize; 2],
    /// Rounds in which not exactly one won.
    pub(crate) not_one: usize,
    /// Rounds after which there was not one deployed record, or one that was pending, or not one revision more.
    pub(crate) bad_records: usize,
    /// Rounds after which the cluster had not what the winner wanted.
    pub(crate) bad_objects: usize,
    /// Next commands that were refused.
    pub(crate) refused: usize,
    /// What the losers said.
    pub(crate) said: BTreeMap<String, usize>,
    /// What was wrong, a line each.
    pub(crate) faults: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.rounds += other.rounds;
        self.won.iter_mut().zip(other.won).for_each(|(sum, won)| *sum += won);
        self.not_one += other.not_one;
        self.bad_records += other.bad_records;
        self.bad_objects += other.bad_objects;
        self.refused += other.refused;
        other.said.into_iter().for_each(|(text, count)| *self.said.entry(text).or_default() += count);
        self.faults.extend(other.faults);
    }

    /// Tells whether every round was as it must be.
    pub(crate) fn is_good(&self) -> bool {
        self.not_one + self.bad_records + self.bad_objects + self.refused == 0
    }
}

/// Races, prints the table, and tells whether exactly one won each time.
///
/// # Errors
///
/// When a fixture or the cluster does not start.
pub fn race(options: &Race) -> Result<bool> {
    with_fixtures(&options.root, &options.cache, "race", |fixtures, work| run(options, fixtures, work))
}

fn run(options: &Race, fixtures: &Fixtures, work: &Path) -> Result<bool> {
    let (mut plane, kubectl) = ControlPlane::start(fixtures, &work.join("cluster"), options.port)?;
    let chart = options.root.join("e2e/charts/hooked");
    let course = Course { kubectl: &kubectl, whipstaff: &options.whipstaff, helm: &fixtures.helm, chart: &chart, work };
    let tallies = PAIRS.map(|pair| course.race(pair, options.rounds, options.jobs));
    plane.check()?;
    let mut good = true;
    for (pair, tally) in PAIRS.into_iter().zip(tallies) {
        let tally = tally?;
        good &= tally.is_good();
        println!("{}", table(pair, &tally));
    }
    Ok(good)
}

fn table([first, second]: [Tool; 2], tally: &Tally) -> String {
    let mut text = format!(
        "race: {} and {}: {} rounds; {} won by the first, {} by the second\n\
         race:   {:>3} rounds without exactly one winner\n\
         race:   {:>3} rounds that left more or less than one deployed record, or one pending\n\
         race:   {:>3} rounds that left other objects than the winner's\n\
         race:   {:>3} next commands refused",
        first.name(),
        second.name(),
        tally.rounds,
        tally.won[0],
        tally.won[1],
        tally.not_one,
        tally.bad_records,
        tally.bad_objects,
        tally.refused,
    );
    for (said, count) in &tally.said {
        let _ = write!(text, "\nrace:   {count:>3} losers said: {said}");
    }
    for fault in tally.faults.iter().take(10) {
        let _ = write!(text, "\n    {fault}");
    }
    text
}

/// Where the races are run.
pub(crate) struct Course<'a> {
    pub(crate) kubectl: &'a Kubectl,
    pub(crate) whipstaff: &'a Path,
    pub(crate) helm: &'a Path,
    /// A chart with hooks, so that an upgrade takes long enough for the other to meet it.
    pub(crate) chart: &'a Path,
    pub(crate) work: &'a Path,
}

impl Course<'_> {
    /// Has a pair race so many rounds, on so many releases at once.
    pub(crate) fn race(&self, pair: [Tool; 2], rounds: usize, jobs: usize) -> Result<Tally> {
        let jobs = jobs.clamp(1, rounds.max(1));
        let sum = Mutex::new(Tally::default());
        let total = &sum;
        let list = (0..jobs).map(|lane| {
            let share = rounds / jobs + usize::from(lane < rounds % jobs);
            let run = move || -> Result<()> {
                let tally = self.lane(pair, lane, share)?;
                total.lock().unwrap_or_else(PoisonError::into_inner).add(tally);
                Ok(())
            };
            Job { name: format!("race/{} and {}/{lane}", pair[0].name(), pair[1].name()), run: Box::new(run) }
        });
        let summary = runner::run(list.collect(), jobs, true);
        if !summary.failed.is_empty() {
            bail!("could not be run: {}", summary.failed.join(", "));
        }
        Ok(sum.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// The rounds on one release.
    fn lane(&self, pair: [Tool; 2], lane: usize, rounds: usize) -> Result<Tally> {
        let namespace = format!("race-{}-{lane}", if pair[1] == Tool::Helm4 { "helm" } else { "ours" });
        let homes = ["first", "second"].map(|name| self.work.join(format!("home-{namespace}-{name}")));
        let [first, second] = [0, 1].map(|at| {
            let program = if pair[at] == Tool::Helm4 { self.helm } else { self.whipstaff };
            Helm::new(program, &homes[at], Some(self.kubectl.kubeconfig()))
        });
        let chart = self.chart.to_string_lossy().into_owned();
        first.ok(&["install", "rel", &chart, "-n", &namespace, "--create-namespace"])?;
        let mut tally = Tally::default();
        let mut revision = self.records(&namespace)?.1;
        for round in 0..rounds {
            let upgrade = |tool: &Helm, who: usize, delay: u64| -> Result<Output> {
                std::thread::sleep(Duration::from_millis(delay));
                let note = format!("note=round-{round}-by-{who}");
                tool.run(&["upgrade", "rel", &chart, "-n", &namespace, "--set", &note, "--timeout", "60s"])
            };
            let delay = if pair[1] == Tool::Helm4 { u64::try_from(round % 20)? * STAGGER } else { 0 };
            let (one, two) = std::thread::scope(|scope| {
                let one = scope.spawn(|| upgrade(&first, 0, delay));
                let two = upgrade(&second, 1, 0);
                (one.join(), two)
            });
            let outputs = [one.map_err(|_| anyhow::anyhow!("a thread died"))??, two?];
            revision = self.judge(&mut tally, &namespace, round, revision, &outputs)?;
        }
        for tool in [&first, &second] {
            let next = tool.run(&["upgrade", "rel", &chart, "-n", &namespace, "--set", "note=last"])?;
            if next.code != 0 {
                tally.refused += 1;
                tally.faults.push(format!("{namespace}: the next command: {}", next.stderr.trim()));
            }
        }
        Ok(tally)
    }

    /// Looks at what a round has left; returns the newest revision.
    fn judge(
        &self,
        tally: &mut Tally,
        namespace: &str,
        round: usize,
        before: u64,
        outputs: &[Output; 2],
    ) -> Result<u64> {
        tally.rounds += 1;
        let winners: Vec<usize> = (0..2).filter(|at| outputs.get(*at).is_some_and(|output| output.code == 0)).collect();
        let says = |output: &Output| {
            let lines = || output.stderr.lines();
            lines().rfind(|line| line.starts_with("Error:")).or_else(|| lines().last()).unwrap_or_default().to_owned()
        };
        let mut fault = |text: String| tally.faults.push(format!("{namespace}, round {round}: {text}"));
        let (statuses, revision) = self.records(namespace)?;
        match winners.as_slice() {
            [winner] => {
                tally.won[*winner] += 1;
                let loser = outputs.get(1 - winner).map(says).unwrap_or_default();
                *tally.said.entry(loser).or_default() += 1;
                let note = self.kubectl.object(namespace, "configmap", "rel-hooked")?;
                let want = format!("round-{round}-by-{winner}");
                if note.pointer("/data/note").and_then(Value::as_str) != Some(&want) {
                    tally.bad_objects += 1;
                    fault(format!("the object is {}, the winner's {want}", note["data"]));
                }
            }
            winners => {
                tally.not_one += 1;
                fault(format!("{} won: {}", winners.len(), outputs.each_ref().map(says).join(" | ")));
            }
        }
        let count = |status: &str| statuses.iter().filter(|found| found.as_str() == status).count();
        let pending = statuses.iter().filter(|status| status.starts_with("pending")).count();
        if count("deployed") != 1 || pending != 0 || (winners.len() == 1 && revision != before + 1) {
            tally.bad_records += 1;
            fault(format!("revision {revision} after {before}, records {}", statuses.join(", ")));
        }
        Ok(revision)
    }

    /// Returns the statuses of a namespace's records, and the newest revision.
    fn records(&self, namespace: &str) -> Result<(Vec<String>, u64)> {
        let found = self.kubectl.get(namespace, &["secrets", "-l", "owner=helm"])?;
        let items = list(&found, "/items")?;
        let label = |item: &Value, name: &str| item["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned();
        let revisions = items.iter().map(|item| label(item, "version").parse::<u64>());
        let newest = revisions.collect::<Result<Vec<_>, _>>().context("a record's revision")?.into_iter().max();
        Ok((items.iter().map(|item| label(item, "status")).collect(), newest.unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_with_two_winners_is_told() {
        let mut sum = Tally { rounds: 3, won: [2, 1], ..Tally::default() };
        assert!(sum.is_good());
        let said = BTreeMap::from([("no".to_owned(), 1)]);
        sum.add(Tally { rounds: 1, not_one: 1, said, faults: vec!["2 won".to_owned()], ..Tally::default() });
        assert!(!sum.is_good());
        let text = table(PAIRS[1], &sum);
        assert!(text.contains("4 rounds; 2 won by the first, 1 by the second"), "{text}");
        assert!(text.contains("1 losers said: no\n    2 won"), "{text}");
    }
}
