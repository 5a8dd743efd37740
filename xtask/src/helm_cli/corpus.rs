//! The corpus of real charts, through the binary: what `template` prints or says, the notes of an install, `lint`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value as Json;

use super::{Report, Scratch, Verdict, different, first_difference, gather, strings};
use crate::runner::Done;

pub(super) fn run(folder: &Path, binary: &Path, cases: &[Json], filter: &str) -> Result<Report> {
    let folder = folder.canonicalize()?;
    let scratch = Scratch::running_in(folder.clone())?;
    gather(cases.len(), |at| {
        let Some(case) = cases.get(at) else { return Ok(None) };
        let chart = case["chart"].as_str().unwrap_or_default();
        let line = format!("{chart} {}", case["case"].as_str().unwrap_or_default());
        if !case["rc"].is_number() || !line.contains(filter) {
            return Ok(None);
        }
        let mut verdicts = vec![template(&folder, &scratch, binary, case, &line)?];
        if let Some(path) = case["notes"].as_str() {
            verdicts.push(notes(&folder.join(path), &scratch, binary, chart, &line)?);
        }
        if let Some(path) = case["lint"].as_str() {
            let args = ["lint", chart].map(str::to_owned);
            let done = scratch.run(binary, &args, false)?;
            let want = read(&folder.join(path))?;
            let code = case["lint_rc"].as_i64().unwrap_or(0).try_into().unwrap_or(-1);
            verdicts.push(Verdict { verb: "lint".into(), line: line.clone(), difference: lint(&want, code, &done) });
        }
        Ok(Some(verdicts))
    })
}

fn read(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn template(folder: &Path, scratch: &Scratch, binary: &Path, case: &Json, line: &str) -> Result<Verdict> {
    let chart = case["chart"].as_str().unwrap_or_default();
    let mut args: Vec<String> = ["template", "rel", chart, "--namespace", "ns"].map(str::to_owned).into();
    args.extend(strings(case, "flags"));
    for file in strings(case, "values") {
        args.extend(["-f".to_owned(), file]);
    }
    let done = scratch.run(binary, &args, false)?;
    let (verb, difference) = match case["golden"].as_str() {
        Some(golden) => {
            let mask = case["mask"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mask: Vec<usize> = mask.iter().filter_map(Json::as_u64).filter_map(|n| n.try_into().ok()).collect();
            let difference = match done.code {
                0 => first_difference(&read(&folder.join(golden))?, &done.stdout, &mask),
                code => Some(format!("exit code {code}:\n{}", done.stderr)),
            };
            ("template", difference)
        }
        None => {
            let want = Done {
                code: case["rc"].as_i64().unwrap_or(-1).try_into().unwrap_or(-1),
                stdout: String::new(),
                stderr: case["error"].as_str().unwrap_or_default().to_owned(),
            };
            ("template, errors", different(&want, &done))
        }
    };
    Ok(Verdict { verb: verb.into(), line: line.to_owned(), difference })
}

/// The notes are what follows `NOTES:` at the end of a dry run.
fn notes(want: &Path, scratch: &Scratch, binary: &Path, chart: &str, line: &str) -> Result<Verdict> {
    let args = ["install", "rel", chart, "-n", "ns", "--dry-run=client"].map(str::to_owned);
    let done = scratch.run(binary, &args, false)?;
    let want = format!("NOTES:\n{}\n", read(want)?.trim());
    let difference = match done.stdout.ends_with(&want) {
        true => None,
        false => {
            let got = done.stdout.rfind("\nNOTES:\n").and_then(|at| done.stdout.get(at + 1..));
            first_difference(&want, got.unwrap_or(&done.stderr), &[])
        }
    };
    Ok(Verdict { verb: "install, notes".into(), line: line.to_owned(), difference })
}

/// What is stored of `lint` is its stdout.
fn lint(want: &str, code: i32, done: &Done) -> Option<String> {
    let only = |code, stdout: &str| Done { code, stdout: stdout.to_owned(), stderr: String::new() };
    different(&only(code, want), &only(done.code, &done.stdout))
}
