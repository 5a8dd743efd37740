//! Which of a chart's dependencies are there (as Helm 4.3: `pkg/action/dependency.go`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::chart::{Chart, File};
use crate::load::{Glob, Limits, LoadNotice, clean, load_files, load_path_telling, read_archive};
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
    listed(chart, &Charts::Folder(charts(path)))
}

/// The dependencies of a chart in memory, as [`dependencies`] of the folder that its files make.
#[must_use]
pub fn dependencies_of_files(chart: &Chart) -> Vec<Listed> {
    listed(chart, &Charts::Files(&chart.raw))
}

/// What lies in `charts/` and is no dependency, in Helm's words, a warning each. Tells what Helm logs when it loads that.
#[must_use]
pub fn strays(chart: &Chart, path: &str, tell: &mut dyn FnMut(LoadNotice)) -> Vec<String> {
    others(chart, &Charts::Folder(charts(path)), tell)
}

/// What lies in `charts/` of a chart in memory, as [`strays`] of the folder that its files make.
#[must_use]
pub fn strays_of_files(chart: &Chart) -> Vec<String> {
    others(chart, &Charts::Files(&chart.raw), &mut |_| {})
}

/// The folder of subcharts.
fn charts(path: &str) -> String {
    clean(&format!("{path}/charts"))
}

/// What a chart has below `charts/`.
enum Charts<'a> {
    /// On the disk, in this folder.
    Folder(String),
    /// Among these files.
    Files(&'a [File]),
}

impl Charts<'_> {
    /// The names, sorted; none when there is no such folder.
    fn names(&self) -> Vec<String> {
        let names: BTreeSet<String> = match self {
            Self::Folder(folder) => {
                let entries = fs::read_dir(folder).into_iter().flatten().flatten();
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
            }
            Self::Files(files) => {
                let below = files.iter().filter_map(|file| file.name.strip_prefix("charts/"));
                below.filter_map(|name| name.split('/').next()).map(str::to_owned).collect()
            }
        };
        names.into_iter().collect()
    }

    fn path(&self, name: &str) -> String {
        match self {
            Self::Folder(folder) => format!("{folder}/{name}"),
            Self::Files(_) => format!("charts/{name}"),
        }
    }

    /// Tells whether there is a folder of a name; nothing when there is nothing.
    fn is_folder(&self, name: &str) -> Option<bool> {
        let path = self.path(name);
        match self {
            Self::Folder(_) => fs::metadata(path).ok().map(|kind| kind.is_dir()),
            Self::Files(files) if files.iter().any(|file| file.name == path) => Some(false),
            Self::Files(files) => files.iter().any(|file| below(file, &path).is_some()).then_some(true),
        }
    }

    /// Loads the chart of a name, whatever version it has; nothing when it is none.
    fn load(&self, name: &str, tell: &mut dyn FnMut(LoadNotice)) -> Option<Chart> {
        let path = self.path(name);
        match self {
            Self::Folder(_) => load_path_telling(Path::new(&path), true, tell).ok(),
            Self::Files(files) => {
                let own = match files.iter().find(|file| file.name == path) {
                    Some(archive) => read_archive(&archive.data, &Limits::default()).ok()?,
                    None => files.iter().filter_map(|file| below(file, &path)).collect(),
                };
                load_files(own).ok()
            }
        }
    }
}

/// Gives a file of a folder by its name below that.
fn below(file: &File, folder: &str) -> Option<File> {
    let name = file.name.strip_prefix(folder)?.strip_prefix('/')?.to_owned();
    Some(File { name, ..file.clone() })
}

fn listed(chart: &Chart, charts: &Charts<'_>) -> Vec<Listed> {
    let names = charts.names();
    let listed = |dependency: &Dependency| Listed {
        name: dependency.name.clone(),
        version: dependency.version.clone(),
        repository: dependency.repository.clone(),
        status: status(chart, charts, &names, dependency),
    };
    chart.metadata.dependencies.iter().map(listed).collect()
}

fn others(chart: &Chart, charts: &Charts<'_>, tell: &mut dyn FnMut(LoadNotice)) -> Vec<String> {
    let mut warnings = Vec::new();
    for name in charts.names() {
        let Some(is_folder) = charts.is_folder(&name) else { continue };
        if !is_folder && !name.ends_with(".tgz") {
            continue;
        }
        let file = charts.path(&name);
        let known = |found: &Chart| chart.metadata.dependencies.iter().any(|wanted| wanted.name == found.name());
        match charts.load(&name, tell) {
            None => warnings.push(format!("WARNING: {} is not a chart.", quote(&file))),
            Some(found) if !known(&found) => {
                warnings.push(format!("WARNING: {} is not in Chart.yaml.", quote(&file)));
            }
            Some(_) => {}
        }
    }
    warnings
}

fn status(chart: &Chart, charts: &Charts<'_>, names: &[String], wanted: &Dependency) -> &'static str {
    let Ok(pattern) = Glob::parse(&format!("{}-*.tgz", wanted.name)) else { return "bad pattern" };
    let mut archives: Vec<&String> = names.iter().filter(|name| pattern.matches(name)).collect();
    if archives.len() > 1 {
        // `redis-*.tgz` also is `redis-cluster-1.0.0.tgz`: what follows the name has to be a version.
        let version =
            |name: &str| name.strip_suffix(".tgz")?.strip_prefix(&format!("{}-", wanted.name)).map(str::to_owned);
        archives.retain(|name| version(name).is_some_and(|version| Version::parse_strict(&version).is_ok()));
        if archives.len() > 1 {
            return "too many matches";
        }
    }
    if let Some(status) = archives.first().and_then(|name| status_of_archive(charts, name, wanted)) {
        return status;
    }
    match chart.dependencies.iter().rev().find(|subchart| subchart.name() == wanted.name) {
        None => "missing",
        Some(subchart) => version_problem(&subchart.metadata.version, &wanted.version).unwrap_or("unpacked"),
    }
}

fn status_of_archive(charts: &Charts<'_>, name: &str, wanted: &Dependency) -> Option<&'static str> {
    charts.is_folder(name)?;
    Some(match charts.load(name, &mut |_| {}) {
        None => "corrupt",
        Some(chart) if chart.name() != wanted.name => "misnamed",
        Some(chart) => version_problem(&chart.metadata.version, &wanted.version).unwrap_or("ok"),
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
            assert_eq!(status(&parent, &Charts::Folder("/nowhere".into()), &[], &wanted), want, "{name} {version}");
        }
    }
}
