//! `cargo xtask layers`: which crate may depend on which.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The arrows that DESIGN.md and ARCHITECTURE.md allow, the crates from the bottom to the top.
///
/// A door (`server`, `cli`) drives the `engine` and may name the types of what the engine is made of; nothing knows a door
/// but the binary. The `sandbox` is a Kubernetes API of its own and knows nobody, as a real one would not. The end-to-end
/// suites see what users see, so they know nobody either.
const ALLOWED: &[(&str, &[&str])] = &[
    ("gotext", &[]),
    ("goyaml", &[]),
    ("cluster", &[]),
    ("api", &[]),
    ("sandbox", &[]),
    ("chart", &["gotext", "goyaml"]),
    ("render", &["gotext", "goyaml", "chart"]),
    ("lint", &["goyaml", "chart", "render"]),
    ("depot", &["goyaml", "chart"]),
    ("release", &["goyaml", "chart"]),
    ("engine", &["gotext", "goyaml", "cluster", "chart", "render", "depot", "release"]),
    ("tiller", &["goyaml", "cluster", "chart", "render", "release", "engine"]),
    ("tillerd", &["gotext", "goyaml", "cluster", "chart", "render", "engine", "tiller"]),
    ("server", &["goyaml", "cluster", "api", "chart", "render", "lint", "depot", "release", "engine", "tiller"]),
    (
        "cli",
        &[
            "gotext", "goyaml", "cluster", "api", "sandbox", "chart", "render", "lint", "depot", "release", "engine",
            "server", "tiller", "tillerd",
        ],
    ),
    ("differential", &["gotext", "goyaml", "chart", "render"]),
    ("e2e", &[]),
    ("xtask", &["e2e"]),
];

/// A dependency between crates of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    /// Only its tests need it; such arrows may point anywhere.
    for_tests: bool,
}

/// Prints the arrows, or fails on those that may not be.
pub(crate) fn run() -> Result<()> {
    let started = Instant::now();
    let arrows = arrows(&metadata()?)?;
    for arrow in arrows.iter().filter(|arrow| arrow.for_tests) {
        println!("{} -> {} (tests only)", arrow.from, arrow.to);
    }
    let wrong = wrong(&arrows);
    if !wrong.is_empty() {
        bail!(
            "arrows that the architecture does not allow (xtask/src/layers.rs has the table):\n  {}",
            wrong.join("\n  ")
        );
    }
    let count = arrows.iter().filter(|arrow| !arrow.for_tests).count();
    println!("{count} arrows, all allowed ({} ms)", started.elapsed().as_millis());
    Ok(())
}

fn metadata() -> Result<Value> {
    let output = crate::cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Reads the arrows from what `cargo metadata` says. Crates are named by their folder.
fn arrows(metadata: &Value) -> Result<BTreeSet<Arrow>> {
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let names: BTreeMap<&str, String> = packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().context("a package has a name")?;
            Ok((name, short(name).to_owned()))
        })
        .collect::<Result<_>>()?;
    let mut found = BTreeSet::new();
    for package in packages {
        let Some(from) = names.get(package["name"].as_str().unwrap_or_default()) else { continue };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let in_workspace = dependency["path"].is_string();
            let Some(to) = names.get(dependency["name"].as_str().unwrap_or_default()).filter(|_| in_workspace) else {
                continue;
            };
            found.insert(Arrow { from: from.clone(), to: to.clone(), for_tests: dependency["kind"] == "dev" });
        }
    }
    Ok(found)
}

/// Returns what a package is called here.
fn short(package: &str) -> &str {
    match package {
        "whipstaff" => "cli",
        _ => package.strip_prefix("whipstaff-").unwrap_or(package),
    }
}

/// Describes each arrow that is not in the table.
fn wrong(arrows: &BTreeSet<Arrow>) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    arrows
        .iter()
        .filter(|arrow| !arrow.for_tests)
        .filter_map(|Arrow { from, to, .. }| match table.get(from.as_str()) {
            None => Some(format!("{from} -> {to}: the table has no crate `{from}`")),
            Some(allowed) if !allowed.contains(&to.as_str()) => {
                Some(format!("{from} -> {to}: `{from}` may depend on {}", list(allowed)))
            }
            Some(_) => None,
        })
        .collect()
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "no crate of the workspace".to_owned() } else { format!("`{}` only", names.join("`, `")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_workspace_keeps_to_the_table() {
        let arrows = arrows(&metadata().unwrap()).unwrap();
        assert!(arrows.len() > 10, "{arrows:?}");
        assert_eq!(wrong(&arrows), Vec::<String>::new());
    }

    #[test]
    fn the_table_has_no_circle() {
        let mut below = BTreeSet::new();
        for (name, allowed) in ALLOWED {
            for to in *allowed {
                assert!(below.contains(to), "{name} -> {to}: `{to}` is not below it");
            }
            assert!(below.insert(*name), "{name} is there twice");
        }
    }

    #[test]
    fn an_arrow_upwards_is_wrong_but_for_tests() {
        let metadata = |kind: Value| {
            json!({"packages": [
                {"name": "whipstaff-chart", "dependencies": [
                    {"name": "whipstaff-engine", "path": "/x", "kind": kind},
                    {"name": "whipstaff-goyaml", "path": "/x", "kind": null},
                    {"name": "serde", "kind": null},
                ]},
                {"name": "whipstaff-engine", "dependencies": []},
                {"name": "whipstaff-goyaml", "dependencies": []},
            ]})
        };
        let found = wrong(&arrows(&metadata(Value::Null)).unwrap());
        assert_eq!(found, ["chart -> engine: `chart` may depend on `gotext`, `goyaml` only"]);
        assert!(wrong(&arrows(&metadata(json!("dev"))).unwrap()).is_empty());
    }
}
