//! Runs cases on all cores and counts.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::answer::Answer;
use crate::explain::{ORDER, VARIES, explain};
use crate::oracle::Oracle;
use crate::rng::Rng;
use crate::shrink::shrink;
use crate::subjects::Subject;

/// Cases that are asked together.
const BATCH: u64 = 200;

/// What to run.
pub(crate) struct Plan {
    pub(crate) subjects: Vec<&'static Subject>,
    pub(crate) seed: u64,
    pub(crate) cases: Option<u64>,
    pub(crate) seconds: Option<u64>,
    pub(crate) jobs: usize,
    /// The most differences that are made small and shown, for each subject.
    pub(crate) show: usize,
    /// Where each worker notes what it is at, for the case that it dies of it.
    pub(crate) notes: std::path::PathBuf,
}

/// What came out for a subject.
#[derive(Clone, Default)]
pub(crate) struct Count {
    pub(crate) cases: u64,
    pub(crate) errors: u64,
    pub(crate) differ: u64,
    pub(crate) explained: BTreeMap<&'static str, u64>,
}

/// Counts by subject.
pub(crate) type Counts = BTreeMap<&'static str, Count>;

/// Answers for ours; a panic is an answer too, and never a right one.
pub(crate) fn ours(subject: &Subject, question: &Json) -> Answer {
    catch_unwind(AssertUnwindSafe(|| (subject.answer)(question))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Answer::Died(format!("panic: {}", text.unwrap_or_default()))
    })
}

/// The question of one case.
pub(crate) fn question(subject: &Subject, seed: u64, case: u64) -> Json {
    (subject.question)(&mut Rng::new(seed, subject.name, case))
}

/// Runs the plan.
pub(crate) fn run(plan: &Plan, oracle: &Path) -> Result<Counts> {
    let started = Instant::now();
    let next = AtomicU64::new(0);
    let counts = Mutex::new(Counts::new());
    let shown = Mutex::new(BTreeMap::new());
    // Subjects take turns by weight, batch after batch.
    let turns: Vec<usize> =
        plan.subjects.iter().enumerate().flat_map(|(i, s)| std::iter::repeat_n(i, s.weight)).collect();
    let stride = stride(turns.len());
    let work = |worker: usize| -> Result<()> {
        let mut oracle = Oracle::start(oracle)?;
        let note = plan.notes.join(worker.to_string());
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            let over = plan.cases.is_some_and(|cases| batch * BATCH >= cases)
                || plan.seconds.is_some_and(|seconds| started.elapsed() >= Duration::from_secs(seconds));
            if over {
                return Ok(());
            }
            let turn = (batch as usize * stride) % turns.len();
            let Some(subject) = turns.get(turn).and_then(|i| plan.subjects.get(*i)).copied() else { return Ok(()) };
            let ids = batch * BATCH..(batch + 1) * BATCH;
            let questions: Vec<Json> = ids.clone().map(|id| question(subject, plan.seed, id)).collect();
            let asked: Vec<&Json> = questions.iter().collect();
            let answers = oracle.ask(&asked)?;
            let mut count = Count::default();
            for ((id, question), theirs) in ids.zip(&questions).zip(answers) {
                std::fs::write(&note, format!("--subject {} --seed {} --case {id}", subject.name, plan.seed))?;
                let mine = ours(subject, question);
                count.cases += 1;
                count.errors += u64::from(theirs.is_error());
                if mine == theirs {
                    continue;
                }
                if matches!(theirs, Answer::Died(_)) && std::env::var_os("WHIPSTAFF_FUZZ_DEATHS").is_some() {
                    println!("!!! {}\n  ours {mine}\n  helm {theirs}", (subject.show)(question));
                }
                if let Some(reason) = explain(question, &mine, &theirs) {
                    *count.explained.entry(reason).or_default() += 1;
                    continue;
                }
                match oracle.wavers(question, &mine, 40)? {
                    (true, _) => {
                        *count.explained.entry(ORDER).or_default() += 1;
                        continue;
                    }
                    (false, true) => {
                        *count.explained.entry(VARIES).or_default() += 1;
                        continue;
                    }
                    (false, false) => {}
                }
                count.differ += 1;
                let nth = shown.lock().map(|mut all: std::sync::MutexGuard<'_, BTreeMap<&str, usize>>| {
                    let n = all.entry(subject.name).or_default();
                    *n += 1;
                    *n
                });
                if nth.is_ok_and(|nth| nth <= plan.show) {
                    show(subject, plan.seed, id, question, &mut oracle)?;
                }
            }
            if let Ok(mut all) = counts.lock() {
                let sum = all.entry(subject.name).or_default();
                sum.cases += count.cases;
                sum.errors += count.errors;
                sum.differ += count.differ;
                for (reason, n) in count.explained {
                    *sum.explained.entry(reason).or_default() += n;
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..plan.jobs)
            .map(|worker| {
                let work = &work;
                scope.spawn(move || gotext::with_big_stack(|| work(worker)).context("a thread")?)
            })
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    counts.into_inner().ok().context("a worker failed")
}

/// A step that visits all turns before any again.
fn stride(turns: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    (7..).find(|step| gcd(*step, turns) == 1).unwrap_or(1)
}

/// Prints a difference, made small.
fn show(subject: &Subject, seed: u64, id: u64, question: &Json, oracle: &mut Oracle) -> Result<()> {
    let small = shrink(question, &|q| ours(subject, q), oracle)?;
    let (mine, theirs) = (ours(subject, &small), oracle.one(&small)?);
    let (mine, theirs) = (mine.to_string(), theirs.to_string());
    // Long answers are shown from a little before where they part.
    let same = mine.chars().zip(theirs.chars()).take_while(|(a, b)| a == b).count();
    let part = |text: &str| -> String { text.chars().skip(same.saturating_sub(300)).take(700).collect() };
    println!(
        "--- --subject {} --seed {seed} --case {id}\n{}\n  ours {}\n  helm {}",
        subject.name,
        (subject.show)(&small),
        part(&mine),
        part(&theirs)
    );
    Ok(())
}
