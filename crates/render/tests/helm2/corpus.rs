//! The charts of v1 in the corpus, which is not part of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{oracle, ours};

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    std::env::var_os("WHIPSTAFF_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from)
}

fn archives(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            archives(&path, out);
        } else if path.extension().is_some_and(|e| e == "tgz") {
            out.push(path);
        }
    }
}

/// The first lines that differ.
fn difference(want: &str, got: &str) -> String {
    let at = want.lines().zip(got.lines()).take_while(|(a, b)| a == b).count();
    let some = |text: &str| text.lines().skip(at.saturating_sub(1)).take(4).collect::<Vec<_>>().join("\n    ");
    format!("line {}\n  helm\n    {}\n  ours\n    {}", at + 1, some(want), some(got))
}

#[test]
fn charts_are_what_helm_makes_of_them() {
    let Some(programs) = oracle::programs() else { return };
    let mut all = Vec::new();
    archives(&folder().join("charts"), &mut all);
    all.sort();
    let only = std::env::var("WHIPSTAFF_FILTER").unwrap_or_default();
    let home = oracle::Folder::new("corpus");
    let mut tally: BTreeMap<&str, usize> = BTreeMap::new();
    for path in all.iter().filter(|path| path.to_string_lossy().contains(&only)) {
        let run = || {
            let mut command = oracle::helm(&programs, &home.0);
            command.arg("template").arg(path).args(["--name", "rel", "--namespace", "ns", "--kube-version", "1.16"]);
            for version in ours::API_VERSIONS {
                command.args(["-a", version]);
            }
            oracle::said(&mut command)
        };
        let want = run();
        if want.as_ref().is_err_and(|e| e.contains("The value must be \"v1\"")) {
            *tally.entry("not v1").or_default() += 1;
            continue;
        }
        let got = ours::load(path).and_then(|chart| ours::template(chart, "{}\n"));
        let shown = path.strip_prefix(folder()).unwrap_or(path).display();
        match (&want, &got) {
            _ if want == got => *tally.entry(if want.is_ok() { "same" } else { "same error" }).or_default() += 1,
            (Ok(want), Ok(got)) => {
                // What is random by nature, or tells the time, differs between two runs of Helm as well.
                std::thread::sleep(std::time::Duration::from_millis(1100));
                let again = run().unwrap_or_default();
                let masked = |text: &str| -> Vec<String> {
                    let lines = want.lines().zip(again.lines()).zip(text.lines());
                    lines.map(|((a, b), line)| if a == b { line.to_owned() } else { String::new() }).collect()
                };
                if again.lines().count() == want.lines().count()
                    && want.lines().count() == got.lines().count()
                    && masked(want) == masked(got)
                {
                    *tally.entry("same but for what is random").or_default() += 1;
                } else {
                    println!("== {shown}: {}", difference(want, got));
                    *tally.entry("different").or_default() += 1;
                }
            }
            (want, got) => {
                let short = |r: &Result<String, String>| match r {
                    Ok(_) => "renders".to_owned(),
                    Err(e) => e.chars().take(600).collect(),
                };
                println!("== {shown}\n  helm {}\n  ours {}", short(want), short(got));
                *tally.entry("different").or_default() += 1;
            }
        }
    }
    println!("helm2: corpus {tally:?}");
    assert_eq!(tally.get("different"), None);
}
