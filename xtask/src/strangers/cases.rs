//! The charts below a folder, and the command lines that are run on each.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::execute::Bench;

/// A command line for both.
pub(super) struct Case {
    /// Under which name it is counted.
    pub(super) command: &'static str,
    pub(super) args: Vec<String>,
    /// Whether it writes files, into the folder that `OUT` stands for.
    pub(super) writes: bool,
}

impl Case {
    pub(super) fn new(command: &'static str, args: &[&str]) -> Self {
        Self { command, args: args.iter().map(|arg| (*arg).to_owned()).collect(), writes: false }
    }

    /// Returns the command line, to be shown and searched.
    pub(super) fn line(&self) -> String {
        format!("{}: {}", self.command, self.args.join(" "))
    }
}

/// Finds the charts below a folder, by their paths in it: folders with a `Chart.yaml` that no other chart has in its
/// `charts/`, and archives.
pub(super) fn find(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    descend(root, Path::new(""), false, &mut found)?;
    found.sort();
    Ok(found)
}

fn descend(root: &Path, below: &Path, in_chart: bool, found: &mut Vec<PathBuf>) -> Result<()> {
    let folder = root.join(below);
    let is_chart = folder.join("Chart.yaml").is_file();
    if is_chart {
        found.push(below.to_owned());
    }
    for entry in std::fs::read_dir(&folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        let hidden = name.to_string_lossy().starts_with('.');
        let path = below.join(&name);
        if kind.is_dir() && !hidden && !(is_chart && name == "charts") {
            descend(root, &path, in_chart || is_chart, found)?;
        } else if kind.is_file() && !in_chart && !is_chart && path.extension().is_some_and(|ext| ext == "tgz") {
            found.push(path);
        }
    }
    Ok(())
}

/// Returns what is run on a chart.
pub(super) fn of(chart: &Path, bench: &Bench) -> Result<Vec<Case>> {
    let path = match chart.to_string_lossy() {
        path if path.is_empty() => ".".to_owned(),
        path => path.into_owned(),
    };
    let mut cases = Vec::new();
    for values in [None].into_iter().chain(variants(bench.root(), chart)?.into_iter().map(Some)) {
        with_values(&path, values.as_deref(), &mut cases);
    }
    for part in ["all", "chart", "values", "readme", "crds"] {
        cases.push(Case::new("show", &["show", part, &path]));
    }
    cases.push(Case::new("dependency list", &["dependency", "list", &path]));
    if let Some(packed) = bench.pack(chart)? {
        let packed = packed.to_string_lossy();
        cases.push(Case::new("template, packed", &["template", "rel", &packed, "-n", "ns", "--include-crds"]));
        cases.push(Case::new("lint, packed", &["lint", &packed]));
        cases.push(Case::new("show, packed", &["show", "all", &packed]));
        cases.push(Case::new("dependency list, packed", &["dependency", "list", &packed]));
    }
    Ok(cases)
}

/// With a values file of the chart's own only those that print what values change.
fn with_values(chart: &str, values: Option<&str>, cases: &mut Vec<Case>) {
    let start = ["template", "rel", chart, "-n", "ns"];
    let mut add = |command, args: &[&str]| {
        let mut case = Case::new(command, args);
        case.writes = args.contains(&"--output-dir");
        case.args.extend(values.into_iter().flat_map(|path| ["-f".to_owned(), path.to_owned()]));
        cases.push(case);
    };
    add("template", &start);
    if values.is_none() {
        add("template, crds, no tests", &[&start[..], &["--include-crds", "--skip-tests"]].concat());
        add("template, output folder", &[&start[..], &["--output-dir", "OUT"]].concat());
        add("lint, strict, subcharts", &["lint", "--strict", "--with-subcharts", chart]);
    }
    let capable = ["--is-upgrade", "--kube-version", "1.25.3", "--api-versions", "monitoring.coreos.com/v1"];
    let more = ["--api-versions", "cert-manager.io/v1/Certificate,networking.k8s.io/v1/Ingress"];
    add("template, upgrade, capabilities", &[&start[..], &capable, &more].concat());
    add("install, dry", &["install", "rel", chart, "-n", "ns", "--dry-run=client"]);
    add("lint", &["lint", chart]);
}

/// Finds the values files that came with a chart: `ci/*values*.yaml`, and `values-*.yaml` beside its own.
fn variants(root: &Path, chart: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (folder, fits) in [("ci", "values"), ("", "values-")] {
        let folder = chart.join(folder);
        let Ok(entries) = std::fs::read_dir(root.join(&folder)) else { continue };
        for entry in entries {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let fits = if fits == "values" { name.contains(fits) } else { name.starts_with(fits) };
            if fits && (name.ends_with(".yaml") || name.ends_with(".yml")) {
                found.push(folder.join(&name).to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
