//! Compares this crate with Helm's own packages on real charts; generated input is `e2e/differential`'s.
//!
//! The oracle is a program that answers JSON lines (see `e2e/`); its path is `HELM_ORACLE`, or `/opt/oracle/bin/helm-oracle`.
//! Without it these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::panic)]

mod corpus;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// Asks all questions and gives the answers in order; `None` without an oracle.
fn ask(questions: &[Value]) -> Option<Vec<Result<Value, String>>> {
    let path = std::env::var("HELM_ORACLE").unwrap_or_else(|_| "/opt/oracle/bin/helm-oracle".to_owned());
    if !std::path::Path::new(&path).exists() {
        println!("skipped: there is no oracle at {path}; set HELM_ORACLE to compare with Helm");
        return None;
    }
    let mut child = Command::new(path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text: String = questions.iter().map(|q| format!("{q}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let answers = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
            match answer.get("err") {
                Some(error) => Err(error.as_str().unwrap().to_owned()),
                None => Ok(answer.get("out").cloned().unwrap_or_default()),
            }
        })
        .collect();
    writer.join().unwrap();
    child.wait().unwrap();
    Some(answers)
}

/// Compares answers and says at most a few differences.
fn compare(questions: &[Value], ours: impl Fn(&Value) -> Result<Value, String>) {
    let Some(answers) = ask(questions) else { return };
    assert_eq!(answers.len(), questions.len());
    let mut wrong = Vec::new();
    let mut errors = 0;
    for (question, theirs) in questions.iter().zip(&answers) {
        errors += usize::from(theirs.is_err());
        let ours = ours(question);
        // Numbers are floats on both sides, however they are printed.
        let floats = |answer: &Result<Value, String>| answer.clone().map(goyaml::Value::from);
        if floats(&ours) != floats(theirs) {
            wrong.push(format!("{question}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    println!("{} questions, {errors} of them errors, {} differences", questions.len(), wrong.len());
    wrong.truncate(10);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_oracle_answers() {
    if let Some(answers) = ask(&[json!({"op": "semver", "constraint": "^1.2", "version": "1.3.0"})]) {
        assert_eq!(answers, [Ok(json!(true))]);
    }
}
