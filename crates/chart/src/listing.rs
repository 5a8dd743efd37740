//! Which of a chart's dependencies are there (as Helm 4.3: `pkg/action/dependency.go`).

use std::fs;
use std::path::Path;

use crate::chart::Chart;
use crate::load::{Glob, LoadNotice, clean, load_path_of_any_version, load_path_telling};
use crate::metadata::Dependency;
use crate::semver::{Constraints, Version};
use crate::text::quote;

/// What is known of one dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The subchart's name.
    pub name: String,
    /// The version, or a range of versions.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Helm's word for how it stands: `ok`, `unpacked`, `missing`, `wrong version` …
    pub status: &'static str,
}

/// The dependencies of a chart that lies at a path, in the order of `Chart.yaml`.
#[must_use]
pub fn dependencies(chart: &Chart, path: &str) -> Vec<Listed> {
    let listed = |dependency: &Dependency| Listed {
        name: dependency.name.clone(),
        version: dependency.version.clone(),
        repository: dependency.repository.clone(),
        status: status(chart, path, dependency),
    };
    chart.metadata.dependencies.iter().map(listed).collect()
}

/// What lies in `charts/` and is no dependency, in Helm's words, a warning each. Tells what Helm logs when it loads that.
#[must_use]
pub fn strays(chart: &Chart, path: &str, tell: &mut dyn FnMut(LoadNotice)) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in names(&charts(path)) {
        let file = format!("{}/{name}", charts(path));
        let Ok(kind) = fs::metadata(&file) else { continue };
        if !kind.is_dir() && !name.ends_with(".tgz") {
            continue;
        }
        let known = |found: &Chart| chart.metadata.dependencies.iter().any(|wanted| wanted.name == found.name());
        match load_path_telling(Path::new(&file), true, tell) {
            Err(_) => warnings.push(format!("WARNING: {} is not a chart.", quote(&file))),
            Ok(found) if !known(&found) => {
                warnings.push(format!("WARNING: {} is not in Chart.yaml.", quote(&file)));
            }
            Ok(_) => {}
        }
    }
    warnings
}

/// The folder of subcharts.
fn charts(path: &str) -> String {
    clean(&format!("{path}/charts"))
}

/// The names in a folder, sorted; none when there is no such folder.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

fn status(chart: &Chart, path: &str, wanted: &Dependency) -> &'static str {
    let Ok(pattern) = Glob::parse(&format!("{}-*.tgz", wanted.name)) else { return "bad pattern" };
    let mut archives = names(&charts(path));
    archives.retain(|name| pattern.matches(name));
    if archives.len() > 1 {
        // `redis-*.tgz` also is `redis-cluster-1.0.0.tgz`: what follows the name has to be a version.
        let version =
            |name: &str| name.strip_suffix(".tgz")?.strip_prefix(&format!("{}-", wanted.name)).map(str::to_owned);
        archives.retain(|name| version(name).is_some_and(|version| Version::parse_strict(&version).is_ok()));
        if archives.len() > 1 {
            return "too many matches";
        }
    }
    let of_archive = |name: &String| status_of_archive(Path::new(&format!("{}/{name}", charts(path))), wanted);
    if let Some(status) = archives.first().and_then(of_archive) {
        return status;
    }
    match chart.dependencies.iter().rev().find(|subchart| subchart.name() == wanted.name) {
        None => "missing",
        Some(subchart) => version_problem(&subchart.metadata.version, &wanted.version).unwrap_or("unpacked"),
    }
}

fn status_of_archive(archive: &Path, wanted: &Dependency) -> Option<&'static str> {
    fs::metadata(archive).ok()?;
    Some(match load_path_of_any_version(archive) {
        Err(_) => "corrupt",
        Ok(chart) if chart.name() != wanted.name => "misnamed",
        Ok(chart) => version_problem(&chart.metadata.version, &wanted.version).unwrap_or("ok"),
    })
}

fn version_problem(version: &str, wanted: &str) -> Option<&'static str> {
    if version == wanted {
        return None;
    }
    let (Ok(constraint), Ok(version)) = (Constraints::parse(wanted), Version::parse(version)) else {
        return Some("invalid version");
    };
    (!constraint.check(&version)).then_some("wrong version")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::Metadata;

    fn chart(name: &str, version: &str) -> Chart {
        let metadata = Metadata { name: name.into(), version: version.into(), ..Metadata::default() };
        Chart { metadata, ..Chart::default() }
    }

    #[test]
    fn says_how_it_stands() {
        let mut parent = chart("p", "1.0.0");
        parent.dependencies = vec![chart("a", "1.2.3"), chart("b", "2.0.0"), chart("c", "nonsense")];
        for (name, version, want) in [
            ("a", "^1.0.0", "unpacked"),
            ("a", "1.2.3", "unpacked"),
            ("b", "1.x", "wrong version"),
            ("b", "what", "invalid version"),
            ("c", "1", "invalid version"),
            ("d", "1", "missing"),
            ("[", "1", "bad pattern"),
        ] {
            let wanted = Dependency { name: name.into(), version: version.into(), ..Dependency::default() };
            assert_eq!(status(&parent, "/nowhere", &wanted), want, "{name} {version}");
        }
    }
}
