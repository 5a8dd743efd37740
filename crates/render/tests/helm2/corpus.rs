//! The charts of v1 in the corpus, which is not part of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value as Json;

use crate::{oracle, ours, releases};

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

/// The charts, and the values files there are for each.
fn charts() -> BTreeMap<PathBuf, BTreeSet<PathBuf>> {
    let mut all = Vec::new();
    archives(&folder().join("charts"), &mut all);
    let only = std::env::var("WHIPSTAFF_FILTER").unwrap_or_default();
    all.retain(|path| path.to_string_lossy().contains(&only));
    let mut charts: BTreeMap<PathBuf, BTreeSet<PathBuf>> =
        all.into_iter().map(|path| (path, BTreeSet::new())).collect();
    let cases = std::fs::read_to_string(folder().join("cases.jsonl")).unwrap_or_default();
    for case in cases.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok()) {
        let chart = folder().join(case["chart"].as_str().unwrap_or_default());
        if let (Some(files), Some([Json::String(file)])) =
            (charts.get_mut(&chart), case["values"].as_array().map(Vec::as_slice))
        {
            files.insert(folder().join(file));
        }
    }
    charts
}

/// The chart that `helm create` makes.
fn created(programs: &Path, home: &oracle::Folder) -> PathBuf {
    oracle::said(oracle::helm(programs, &home.0).args(["create", "web"])).unwrap();
    home.0.join("web")
}

/// What came of all cases.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, what: &'static str) {
        *self.0.entry(what).or_default() += 1;
    }

    fn compare(
        &mut self,
        shown: &str,
        run: &dyn Fn() -> Result<String, String>,
        want: &Result<String, String>,
        got: &Result<String, String>,
    ) {
        match (want, got) {
            _ if want == got => self.count(if want.is_ok() { "same" } else { "same error" }),
            (Ok(want), Ok(got)) => {
                // What is random by nature, or tells the time, differs between two runs of Helm as well.
                std::thread::sleep(Duration::from_millis(1100));
                let again = run().unwrap_or_default();
                let masked = |text: &str| -> Vec<String> {
                    let lines = want.lines().zip(again.lines()).zip(text.lines());
                    lines.map(|((a, b), line)| if a == b { line.to_owned() } else { String::new() }).collect()
                };
                let lines = |text: &str| text.lines().count();
                if lines(&again) == lines(want) && lines(want) == lines(got) && masked(want) == masked(got) {
                    return self.count("same but for what is random");
                }
                println!("== {shown}: {}", difference(want, got));
                self.count("different");
            }
            (want, got) => {
                let short = |r: &Result<String, String>| match r {
                    Ok(_) => "renders".to_owned(),
                    Err(e) => e.chars().take(600).collect(),
                };
                println!("== {shown}\n  helm {}\n  ours {}", short(want), short(got));
                self.count("different");
            }
        }
    }

    fn end(&self, what: &str) {
        println!("helm2: {what} {:?}", self.0);
        assert_eq!(self.0.get("different"), None);
    }
}

fn is_v1(said: &Result<String, String>) -> bool {
    !said.as_ref().is_err_and(|e| e.contains("The value must be \"v1\""))
}

/// The values of a file as the client sends them.
fn given(file: Option<&PathBuf>) -> String {
    let Some(file) = file else { return "{}\n".to_owned() };
    let values = chart::helm2::read_values(&std::fs::read_to_string(file).unwrap()).unwrap();
    goyaml::to_yaml(&values).unwrap()
}

#[test]
fn charts_are_what_helm_makes_of_them() {
    let Some(programs) = oracle::programs() else { return };
    let home = oracle::Folder::new("corpus");
    let mut tally = Tally::default();
    let mut all = charts();
    all.insert(created(&programs, &home), BTreeSet::new());
    for (path, files) in all {
        for file in std::iter::once(None).chain(files.iter().map(Some)) {
            let run = || {
                let mut command = oracle::helm(&programs, &home.0);
                command.arg("template").arg(&path).args([
                    "--name",
                    "rel",
                    "--namespace",
                    "ns",
                    "--kube-version",
                    "1.16",
                ]);
                file.iter().for_each(|file| {
                    command.arg("-f").arg(file);
                });
                for version in ours::API_VERSIONS {
                    command.args(["-a", version]);
                }
                oracle::said(&mut command)
            };
            let want = run();
            if !is_v1(&want) {
                tally.count("not v1");
                break;
            }
            let got = ours::load(&path).and_then(|chart| ours::template(chart, &given(file)));
            tally.compare(&format!("{} {file:?}", path.display()), &run, &want, &got);
        }
    }
    tally.end("corpus, helm template");
}

#[test]
fn charts_are_what_tiller_makes_of_them() {
    let Some(programs) = oracle::programs() else { return };
    let home = oracle::Folder::new("corpus-tiller");
    let tiller = oracle::Tiller::start(&programs);
    let helm = || {
        let mut command = oracle::helm(&programs, &home.0);
        command.env("HELM_HOST", &tiller.host);
        command
    };
    oracle::said(helm().args(["init", "--client-only", "--skip-refresh"])).unwrap();
    let mut tally = Tally::default();
    for path in std::iter::once(created(&programs, &home)).chain(charts().into_keys()) {
        let run = || {
            oracle::said(helm().arg("install").arg(&path).args(["--name", "rel", "--namespace", "ns"]))?;
            let recorded = releases::recorded(&tiller);
            oracle::said(helm().args(["delete", "--purge", "--no-hooks", "rel"]))?;
            Ok(releases::shown(&recorded))
        };
        let want = run();
        if !is_v1(&want) {
            tally.count("not v1");
            continue;
        }
        let made = ours::load(&path).and_then(|chart| ours::install(chart, "{}\n", false));
        let got = made.map(|made| releases::shown(&releases::released(&made)));
        let plain = |said: &Result<String, String>| {
            said.clone().map_err(|e| e.replace("rpc error: code = Unknown desc = ", "").replace("%!!(MISSING)", "%!"))
        };
        tally.compare(&path.display().to_string(), &run, &plain(&want), &got);
    }
    tally.end("corpus, helm install");
}
