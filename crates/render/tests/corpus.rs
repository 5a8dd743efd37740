//! Renders the corpus of real charts and compares with what Helm printed, byte for byte.
//!
//! The corpus is read from `WHIPSTAFF_CORPUS`, or from `../shared/corpus` beside the workspace; without one the test says
//! so and passes. `WHIPSTAFF_CASE=text` runs the cases whose chart or name contains the text. The first lines that
//! differ are written to `target/corpus.txt`.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value as Json;

/// How many cases must be identical: raised as the engine gets better.
const FLOOR: usize = 1105;

/// Cases that must be identical, by the end of the chart's path.
const MUST: &[&str] =
    &["bitnami_nginx.tgz", "ingress-nginx", "cert-manager.tgz", "charts_prometheus.tgz", "traefik.tgz"];

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.to_path_buf();
    let given = std::env::var_os("WHIPSTAFF_CORPUS").map(PathBuf::from);
    let path = given.unwrap_or_else(|| root.join("../shared/corpus"));
    path.join("cases.jsonl").is_file().then_some(path)
}

fn strings(case: &Json, key: &str) -> Vec<String> {
    let list = case[key].as_array().cloned().unwrap_or_default();
    list.iter().map(|v| v.as_str().unwrap().to_owned()).collect()
}

/// The first lines that differ, masked ones apart.
fn difference(got: &str, want: &str, mask: &[usize]) -> Option<String> {
    let (got, want): (Vec<&str>, Vec<&str>) = (got.split('\n').collect(), want.split('\n').collect());
    for at in 0..got.len().max(want.len()) {
        if !mask.contains(&(at + 1)) && got.get(at) != want.get(at) {
            let side = |lines: &[&str]| lines.iter().skip(at).take(4).copied().collect::<Vec<_>>().join("\n    ");
            return Some(format!("line {}:\n  helm\n    {}\n  ours\n    {}", at + 1, side(&want), side(&got)));
        }
    }
    None
}

#[derive(Default)]
struct Tally {
    identical: usize,
    rendered: usize,
    errors: usize,
    same_errors: usize,
    notes: usize,
    same_notes: usize,
    must: Vec<String>,
    report: Vec<(usize, String)>,
}

fn judge(root: &Path, at: usize, case: &Json, tally: &Mutex<Tally>) {
    let name = format!("{} {}", case["chart"].as_str().unwrap(), case["case"].as_str().unwrap());
    let (values, flags) = (strings(case, "values"), strings(case, "flags"));
    let got = common::helm_template(root, case["chart"].as_str().unwrap(), &values, &flags);
    let read = |key: &str| {
        case[key].as_str().map(|path| String::from_utf8_lossy(&std::fs::read(root.join(path)).unwrap()).into_owned())
    };
    let mut differences = Vec::new();
    let mut tally = tally.lock().unwrap();
    if case["rc"].as_i64() == Some(0) {
        tally.rendered += 1;
        let mask: Vec<usize> =
            case["mask"].as_array().into_iter().flatten().map(|n| n.as_u64().unwrap() as usize).collect();
        let same = match &got.stdout {
            Some(stdout) => difference(stdout, &read("golden").unwrap(), &mask),
            None => Some(format!("failed:\n{}", got.stderr)),
        };
        tally.identical += usize::from(same.is_none());
        if same.is_some() && MUST.iter().any(|end| case["chart"].as_str().unwrap().ends_with(end)) {
            tally.must.push(name.clone());
        }
        differences.extend(same);
        if let Some(want) = read("notes").filter(|_| got.stdout.is_some()) {
            tally.notes += 1;
            match difference(got.notes.trim(), want.trim(), &[]) {
                None => tally.same_notes += 1,
                Some(different) => differences.push(format!("notes {different}")),
            }
        }
    } else {
        tally.errors += 1;
        let want = case["error"].as_str().unwrap();
        match got.stdout {
            None if got.stderr == want => tally.same_errors += 1,
            None => differences.push(format!("stderr:\n  helm\n{want}\n  ours\n{}", got.stderr)),
            Some(_) => differences.push(format!("should fail:\n{want}")),
        }
    }
    for different in differences {
        tally.report.push((at, format!("== {name}\n{different}\n")));
    }
}

#[test]
fn corpus_is_rendered_as_helm_does() {
    let Some(root) = corpus() else {
        println!("corpus: not here (set WHIPSTAFF_CORPUS, or put it at ../shared/corpus)");
        return;
    };
    let filter = std::env::var("WHIPSTAFF_CASE").unwrap_or_default();
    let text = std::fs::read_to_string(root.join("cases.jsonl")).unwrap();
    let cases: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let cases: Vec<Json> = cases
        .into_iter()
        .filter(|c| c["rc"].is_number() && format!("{} {}", c["chart"], c["case"]).contains(&filter))
        .collect();
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(at) else { break };
                    judge(&root, at, case, &tally);
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap();
    tally.report.sort();
    let report: String = tally.report.iter().map(|(_, text)| text.as_str()).collect();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus.txt");
    std::fs::write(&target, report).unwrap();
    println!("corpus: {} of {} identical", tally.identical, tally.rendered);
    println!("corpus: {} of {} errors identical", tally.same_errors, tally.errors);
    println!("corpus: {} of {} notes identical", tally.same_notes, tally.notes);
    println!("corpus: differences in {}", target.display());
    if filter.is_empty() {
        assert!(tally.identical >= FLOOR, "only {} identical, {FLOOR} wanted", tally.identical);
        assert!(tally.must.is_empty(), "not identical: {:?}", tally.must);
        assert_eq!(tally.same_errors, tally.errors, "errors of Helm");
        assert_eq!(tally.same_notes, tally.notes, "notes");
    }
}
