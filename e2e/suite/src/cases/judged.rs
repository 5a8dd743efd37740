//! A part of what `cargo xtask interop`, `race` and `charts` try whole.

use anyhow::{Context, Result, bail};

use super::{Case, Ctx, alone, case};
use crate::check::equal;
use crate::corpus::NAMED;
use crate::judge::{Cell, Charts, Course, Judge, PAIRS, Tool, cells, name, sample};

pub(super) const CASES: &[Case] = &[
    case("judged/interop", interop),
    case("judged/race-of-us", |ctx| race(ctx, 0)),
    case("judged/race-with-helm", |ctx| race(ctx, 1)),
    alone("judged/charts", charts),
];

/// How many times two processes upgrade one release at once.
const ROUNDS: usize = 10;

/// One chart with hooks, between us and each Helm, both ways.
fn interop(ctx: &Ctx<'_>) -> Result<()> {
    let (_, kubectl, _) = ctx.real()?;
    let fixtures = ctx.fixtures.context("this case needs both Helms")?;
    let is_wanted = |cell: &Cell| {
        let ours = [cell.first, cell.second].iter().filter(|tool| **tool == Tool::Whipstaff).count();
        cell.chart == "hooked" && ours == 1
    };
    let wanted: Vec<Cell> = cells().into_iter().filter(is_wanted).collect();
    let judge = Judge { fixtures, whipstaff: ctx.whipstaff, kubectl, charts: ctx.charts, work: ctx.work };
    let found = judge.play(&wanted, 3, ctx.port + 25)?;
    let faults = found.iter().filter(|(_, faults)| !faults.is_empty());
    let first = |faults: &[String]| faults.iter().take(4).cloned().collect::<Vec<_>>().join("\n");
    let faults: Vec<String> = faults.map(|(cell, faults)| format!("{}: {}", name(*cell), first(faults))).collect();
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} of {} cells: {}", faults.len(), wanted.len(), faults.join("\n"))
}

fn race(ctx: &Ctx<'_>, at: usize) -> Result<()> {
    let (_, kubectl, _) = ctx.real()?;
    let fixtures = ctx.fixtures.context("this case needs Helm")?;
    let pair = PAIRS.get(at).copied().context("a pair")?;
    let chart = ctx.charts.join("hooked");
    let course = Course { kubectl, whipstaff: ctx.whipstaff, helm: &fixtures.helm, chart: &chart, work: ctx.work };
    let tally = course.race(pair, ROUNDS, 2)?;
    equal("faults", &tally.faults, &Vec::<String>::new())?;
    equal("every round is as it must be", tally.is_good(), true)?;
    equal("rounds with a winner", tally.won.iter().sum::<usize>(), ROUNDS)
}

/// The named charts, each by both on clusters of their own.
fn charts(ctx: &Ctx<'_>) -> Result<()> {
    let fixtures = ctx.fixtures.context("this case needs Helm")?;
    let mut names = Vec::new();
    for (_, path) in NAMED {
        ctx.corpus.chart(path)?;
        names.push(path.trim_start_matches("charts/").trim_end_matches(".tgz"));
    }
    let options = Charts {
        root: ctx.root.to_owned(),
        cache: ctx.work.to_owned(),
        charts: ctx.corpus.folder().join("charts"),
        whipstaff: ctx.whipstaff.to_owned(),
        helm: None,
        filter: String::new(),
        jobs: 1,
        kept: None,
        verbose: true,
        port: ctx.port,
    };
    let work = ctx.work.join("judged-charts");
    equal("charts that differ", sample(&options, fixtures, &work, &names)?, Vec::<String>::new())
}
