//! The table of who can go on with what another has left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result};

use super::api::Api;
use super::cell::{Cell, Step, Tool, Tools, play};
use super::normal::differences;
use super::with_fixtures;
use crate::cluster::{ControlPlane, Kubectl};
use crate::fixture::Fixtures;
use crate::helm::Helm;
use crate::runner::{self, Job};

/// What to run.
#[derive(Clone, Debug)]
pub struct Interop {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where the fixtures are.
    pub cache: PathBuf,
    /// Our binary.
    pub whipstaff: PathBuf,
    /// Only cells whose name contains this (`whipstaff`, `client`, `hooked`).
    pub filter: String,
    /// How many releases are played with at once.
    pub jobs: usize,
    /// Print everything that differs.
    pub verbose: bool,
    /// The first port to try.
    pub port: u16,
}

/// The charts that the releases are of.
pub(crate) const CHARTS: [&str; 3] = ["shop", "hooked", "crds-owner"];
const TOOLS: [Tool; 3] = [Tool::Whipstaff, Tool::Helm4, Tool::Helm3];
/// How many differences of a cell are printed.
const SHOWN: usize = 6;

/// Plays all cells, prints the table, and tells whether every cell holds.
///
/// # Errors
///
/// When a fixture or the cluster does not start.
pub fn interop(options: &Interop) -> Result<bool> {
    with_fixtures(&options.root, &options.cache, "interop", |fixtures, work| run(options, fixtures, work))
}

fn run(options: &Interop, fixtures: &Fixtures, work: &Path) -> Result<bool> {
    let (mut plane, kubectl) = ControlPlane::start(fixtures, &work.join("cluster"), options.port)?;
    let wanted: Vec<Cell> = cells().into_iter().filter(|cell| name(*cell).contains(&options.filter)).collect();
    let charts = options.root.join("e2e/charts");
    let judge = Judge { fixtures, whipstaff: &options.whipstaff, kubectl: &kubectl, charts: &charts, work };
    let found = judge.play(&wanted, options.jobs, options.port)?;
    plane.check()?;
    for (cell, faults) in &found {
        if faults.is_empty() {
            continue;
        }
        println!("{}", name(*cell));
        for fault in faults.iter().take(if options.verbose { usize::MAX } else { SHOWN }) {
            println!("    {fault}");
        }
        if !options.verbose && faults.len() > SHOWN {
            println!("    and {} more", faults.len() - SHOWN);
        }
    }
    table(&found);
    Ok(found.values().all(Vec::is_empty))
}

/// All cells; Helm 3 knows one method only.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for chart in CHARTS {
        for first in TOOLS {
            for server_side in [true, false] {
                for second in TOOLS.into_iter().filter(|_| first != Tool::Helm3 || !server_side) {
                    cells.push(Cell { first, server_side, second, chart });
                }
            }
        }
    }
    cells
}

/// The name of a cell.
pub(crate) fn name(cell: Cell) -> String {
    let method = if cell.server_side { "server" } else { "client" };
    format!("{}: {} ({method}-side), then {}", cell.chart, cell.first.name(), cell.second.name())
}

/// What cells are played with.
pub(crate) struct Judge<'a> {
    pub(crate) fixtures: &'a Fixtures,
    pub(crate) whipstaff: &'a Path,
    pub(crate) kubectl: &'a Kubectl,
    pub(crate) charts: &'a Path,
    pub(crate) work: &'a Path,
}

impl Judge<'_> {
    /// Plays cells and those with Helm in our place, and returns what is wrong with each.
    pub(crate) fn play(&self, cells: &[Cell], jobs: usize, port: u16) -> Result<BTreeMap<Cell, Vec<String>>> {
        let api = Api::start(self.kubectl, self.work.join("interop-proxy.log"), port)?;
        let tool = |program: &Path, name: &str| {
            Helm::new(program, &self.work.join(format!("home-{name}")), Some(self.kubectl.kubeconfig()))
        };
        let tools = Tools {
            whipstaff: tool(self.whipstaff, "whipstaff"),
            helm4: tool(&self.fixtures.helm, "helm4"),
            helm3: tool(&self.fixtures.helm3, "helm3"),
            api: &api,
        };
        let mut all: Vec<Cell> = cells.iter().flat_map(|cell| [*cell, cell.twin()]).collect();
        all.sort_unstable();
        all.dedup();
        let played: Mutex<BTreeMap<Cell, Vec<Step>>> = Mutex::new(BTreeMap::new());
        let (tools, played_by) = (&tools, &played);
        let one = |cell: Cell| {
            move || -> Result<()> {
                let steps = play(tools, cell, self.charts, self.work).with_context(|| name(cell))?;
                played_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(cell, steps);
                Ok(())
            }
        };
        let list = all.iter().map(|cell| Job { name: name(*cell), run: Box::new(one(*cell)) }).collect();
        let summary = runner::run(list, jobs, true);
        let played = played.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut found = BTreeMap::new();
        for cell in cells {
            let faults = match (played.get(cell), played.get(&cell.twin())) {
                (Some(steps), Some(twin)) => faults(steps, twin),
                _ => vec![format!("it could not be played: {}", summary.failed.join(", "))],
            };
            found.insert(*cell, faults);
        }
        Ok(found)
    }
}

/// Says what is wrong: a step that fails, that leaves something else than Helm in our place, or that is read otherwise.
fn faults(steps: &[Step], twin: &[Step]) -> Vec<String> {
    let mut faults = Vec::new();
    for (step, wanted) in steps.iter().zip(twin) {
        if step.code != 0 || wanted.code != 0 {
            let last = step.error.lines().last().unwrap_or_default();
            faults.push(format!("{}: exit code {}, {} with Helm: {last}", step.name, step.code, wanted.code));
        }
        faults.extend(step.reads.iter().map(|text| format!("after {}: {text}", step.name)));
        let ids: std::collections::BTreeSet<&String> = step.objects.keys().chain(wanted.objects.keys()).collect();
        for id in ids {
            match (wanted.objects.get(id), step.objects.get(id)) {
                (Some(helm), Some(ours)) => {
                    let mut differing = Vec::new();
                    differences("", helm, ours, &mut differing);
                    faults.extend(differing.iter().map(|difference| format!("after {}: {id} {difference}", step.name)));
                }
                (Some(_), None) => faults.push(format!("after {}: {id} is only there with Helm", step.name)),
                _ => faults.push(format!("after {}: {id} is only there with us", step.name)),
            }
        }
    }
    faults
}

/// Prints who installed down the side and who went on across the top.
fn table(found: &BTreeMap<Cell, Vec<String>>) {
    println!(
        "\n{:<28}{}",
        "installed by",
        TOOLS.map(|tool| format!("{:<18}", format!("then {}", tool.name()))).join("")
    );
    let mut good = 0;
    for first in TOOLS {
        for server_side in [true, false] {
            let of = |second: Tool| {
                let cells = found.iter().filter(move |(cell, _)| {
                    cell.first == first && cell.server_side == server_side && cell.second == second
                });
                let (all, whole) =
                    cells.fold((0, 0), |(all, whole), (_, faults)| (all + 1, whole + usize::from(faults.is_empty())));
                (all, whole)
            };
            if TOOLS.iter().all(|tool| of(*tool).0 == 0) {
                continue;
            }
            let method = if server_side { "server-side" } else { "client-side" };
            let row = TOOLS.map(|second| {
                let (all, whole) = of(second);
                format!("{:<18}", format!("{whole} of {all}"))
            });
            println!("{:<28}{}", format!("{} {method}", first.name()), row.join(""));
            good += TOOLS.iter().map(|tool| of(*tool).1).sum::<usize>();
        }
    }
    println!(
        "interop: {good} of {} cells: install, upgrade twice, roll back twice, test, uninstall, in turns; objects, managed \
         fields and records as with Helm in our place; `get all`, `history` and `status` read the same",
        found.len()
    );
}
