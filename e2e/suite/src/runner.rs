//! Runs cases, several at a time, and counts.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Result;

/// How many cases of each outcome there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Those that did what they should.
    pub passed: usize,
    /// The names of the others.
    pub failed: Vec<String>,
    /// What did not run, and why.
    pub skipped: Vec<String>,
}

impl Summary {
    /// Adds another summary.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed.extend(other.failed);
        self.skipped.extend(other.skipped);
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed.len())?;
        if !self.skipped.is_empty() {
            write!(f, ", {} skipped", self.skipped.len())?;
        }
        Ok(())
    }
}

/// A reason not to run a case, as an error.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// A program of another language that cannot be had on this machine, as an error: such a case is left out even where nothing else
/// may be, since what it needs is neither ours nor Go's.
#[derive(Debug)]
pub(crate) struct Foreign(pub(crate) String);

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Foreign {}

/// One thing to try.
pub(crate) struct Job<'a> {
    /// The whole name, `real/http/upgrade`.
    pub(crate) name: String,
    /// What is done.
    pub(crate) run: Box<dyn FnOnce() -> Result<()> + Send + 'a>,
}

/// Runs jobs, so many at a time; a job that is skipped counts as a failure when nothing may be missing.
pub(crate) fn run(jobs: Vec<Job<'_>>, threads: usize, strict: bool) -> Summary {
    let queue = Mutex::new(VecDeque::from(jobs));
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = next else { break };
                    let started = Instant::now();
                    let outcome = (job.run)();
                    record(&summary, job.name, started, outcome, strict);
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn record(summary: &Mutex<Summary>, name: String, started: Instant, outcome: Result<()>, strict: bool) {
    // Printing under the lock keeps the lines of one report together.
    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
    match outcome {
        Ok(()) => {
            println!("ok      {name} ({:.1} s)", started.elapsed().as_secs_f32());
            summary.passed += 1;
        }
        Err(error) if error.downcast_ref::<Foreign>().is_some() => {
            println!("skipped {name}: {error:#}");
            summary.skipped.push(name);
        }
        Err(error) => match error.downcast_ref::<Skip>() {
            Some(skip) if !strict => {
                println!("skipped {name}: {skip}");
                summary.skipped.push(name);
            }
            _ => {
                println!("FAILED  {name} ({:.1} s)", started.elapsed().as_secs_f32());
                for line in format!("{error:#}").lines() {
                    println!("        {line}");
                }
                summary.failed.push(name);
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, outcome: Result<()>) -> Job<'static> {
        Job { name: name.to_owned(), run: Box::new(move || outcome) }
    }

    #[test]
    fn outcomes_are_counted() {
        let jobs =
            || vec![job("a", Ok(())), job("b", Err(anyhow::anyhow!("no"))), job("c", Err(Skip("no Go".into()).into()))];
        let lax = run(jobs(), 2, false);
        assert_eq!(
            (lax.passed, lax.failed.as_slice(), lax.skipped.as_slice()),
            (1, &["b".to_owned()][..], &["c".to_owned()][..])
        );
        assert_eq!(lax.to_string(), "1 passed, 1 failed, 1 skipped");
        assert_eq!(run(jobs(), 1, true).failed, ["b", "c"]);
    }
}
