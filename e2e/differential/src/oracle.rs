//! The process that answers with Helm's own packages.

use std::io::{BufRead, BufReader, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value as Json;

use crate::answer::Answer;

/// How many processes are asked what the first one says otherwise.
const PROCESSES: usize = 8;

/// A running oracle; it is started again when it dies of a question.
pub(crate) struct Oracle {
    path: PathBuf,
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start(path: &Path) -> Result<Self> {
        let (child, out) = spawn(path)?;
        Ok(Self { path: path.to_owned(), child, out })
    }

    /// Asks questions and gives as many answers.
    pub(crate) fn ask(&mut self, questions: &[&Json]) -> Result<Vec<Answer>> {
        let mut answers = Vec::with_capacity(questions.len());
        while answers.len() < questions.len() {
            let rest = questions.get(answers.len()..).unwrap_or_default();
            self.some(rest, &mut answers)?;
            if answers.len() < questions.len() {
                answers.push(Answer::Died(self.revive()?));
            }
        }
        Ok(answers)
    }

    pub(crate) fn one(&mut self, question: &Json) -> Result<Answer> {
        Ok(self.ask(&[question])?.pop().unwrap_or(Answer::Died("no answer".to_owned())))
    }

    /// Asks again and again: whether the oracle ever says the same, and whether it always says the same. Go walks its maps
    /// in another order each time, and its heap begins elsewhere in each process, so that addresses are not even as long.
    pub(crate) fn wavers(&mut self, question: &Json, ours: &Answer, times: usize) -> Result<(bool, bool)> {
        let answers = self.ask(&vec![question; times])?;
        let varies = answers.windows(2).any(|pair| matches!(pair, [a, b] if a != b));
        let is_said = answers.contains(ours);
        let mut elsewhere = is_said;
        for _ in 0..PROCESSES {
            elsewhere = elsewhere || Self::start(&self.path)?.one(question)? == *ours;
        }
        Ok((is_said, varies || elsewhere))
    }

    /// The answers up to where it dies.
    fn some(&mut self, questions: &[&Json], answers: &mut Vec<Answer>) -> Result<()> {
        let mut input = self.child.stdin.take().context("the oracle has no input")?;
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || {
                for question in questions {
                    if input.write_all(format!("{question}\n").as_bytes()).is_err() {
                        break;
                    }
                }
                input
            });
            for _ in questions {
                let mut line = String::new();
                if self.out.read_line(&mut line)? == 0 {
                    break;
                }
                answers.push(Answer::read(&line));
            }
            self.child.stdin = writer.join().ok();
            Ok(())
        })
    }

    fn revive(&mut self) -> Result<String> {
        drop(self.child.stdin.take());
        let mut said = Vec::new();
        if let Some(stderr) = &mut self.child.stderr {
            stderr.take(4000).read_to_end(&mut said)?;
        }
        let _ = self.child.kill();
        let status = self.child.wait()?;
        (self.child, self.out) = spawn(&self.path)?;
        let said = String::from_utf8_lossy(&said);
        Ok(format!("{}, {status}", said.lines().next().unwrap_or_default()))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn spawn(path: &Path) -> Result<(Child, BufReader<ChildStdout>)> {
    let mut child = Command::new(path)
        .env("TZ", "UTC")
        .env("GOTRACEBACK", "none")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", path.display()))?;
    let out = BufReader::new(child.stdout.take().context("the oracle has no output")?);
    Ok((child, out))
}
