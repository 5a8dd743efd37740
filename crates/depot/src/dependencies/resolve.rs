//! Which version of each dependency is taken (as Helm 4.3: `internal/resolver/resolver.go`).

use std::collections::BTreeMap;
use std::path::Path;

use chart::Dependency;
use chart::semver::{Constraints, Version};
use chart::text::{io_error, quote};

use super::{Event, Subcharts, load_folder, registry};
use crate::error::Error;
use crate::index::Index;
use crate::names;
use crate::pull::tell_skipped;
use crate::refresh::open_index;

/// Indexes of the cache, each opened once.
#[derive(Default)]
pub(super) struct Indexes(BTreeMap<String, Index>);

impl Indexes {
    /// Opens the index of a repository by its name.
    pub(super) fn get(
        &mut self,
        task: &Subcharts<'_>,
        name: &str,
        tell: &mut dyn FnMut(Event),
    ) -> Result<&Index, Error> {
        if !self.0.contains_key(name) {
            let index = open_index(&task.home.cache, name)?;
            let source = names::cache_files(&task.home.cache, name)?.index;
            tell_skipped(&index, &source.to_string_lossy(), &mut |notice| tell(Event::Index(notice)));
            self.0.insert(name.to_owned(), index);
        }
        self.0.get(name).ok_or_else(|| Error::text(format!("no index of {name}")))
    }
}

/// Chooses a version for each dependency: what the lock file says.
pub(super) fn locked(
    task: &Subcharts<'_>,
    wanted: &[Dependency],
    names: &BTreeMap<String, String>,
    indexes: &mut Indexes,
    tell: &mut dyn FnMut(Event),
) -> Result<Vec<Dependency>, Error> {
    let mut locked = Vec::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for dependency in wanted {
        let constraint = constraint(&quote(&dependency.name), &dependency.version)?;
        match version(task, dependency, &constraint, names, indexes, tell)? {
            Some(version) => locked.push(Dependency {
                name: dependency.name.clone(),
                repository: dependency.repository.clone(),
                version,
                ..Dependency::default()
            }),
            None => missing.push(format!(
                "{} (repository {}, version {})",
                quote(&dependency.name),
                quote(&crate::url::redacted(&dependency.repository)),
                quote(&dependency.version)
            )),
        }
    }
    if missing.is_empty() {
        return Ok(locked);
    }
    Err(Error::text(format!(
        "can't get a valid version for {} subchart(s): {}. Make sure a matching chart version exists in the repo, or change the \
         version constraint in Chart.yaml",
        missing.len(),
        missing.join(", ")
    )))
}

/// Reads the versions that a dependency may have; `name` is what the error calls it.
pub(super) fn constraint(name: &str, version: &str) -> Result<Constraints, Error> {
    Constraints::parse(version)
        .map_err(|error| Error::text(format!("dependency {name} has an invalid version/constraint format: {error}")))
}

/// Chooses the version of one dependency; `None` when there is none that fits.
fn version(
    task: &Subcharts<'_>,
    dependency: &Dependency,
    constraint: &Constraints,
    names: &BTreeMap<String, String>,
    indexes: &mut Indexes,
    tell: &mut dyn FnMut(Event),
) -> Result<Option<String>, Error> {
    let Dependency { name, repository, .. } = dependency;
    if repository.is_empty() {
        super::check_name(name)?;
        local_path(&format!("charts/{name}"), task.chart)?;
        return Ok(Some(dependency.version.clone()));
    }
    if repository.starts_with("file://") {
        let folder = local_path(repository, task.chart)?;
        let version = load_folder(&folder, tell)?.metadata.version;
        let parsed = Version::parse(&version)
            .map_err(|error| Error::text(format!("invalid version {version} for dependency {name}: {error}")))?;
        return Ok(constraint.check(&parsed).then_some(version));
    }
    if registry::is_registry(repository) {
        return registry::version(task, dependency, constraint).map(Some);
    }
    let kept = names.get(name).map_or("", String::as_str);
    let index = indexes.get(task, kept, tell).map_err(|error| {
        Error::text(format!("no cached repository for {kept} found. (try 'helm repo update'): {error}"))
    })?;
    let shown = crate::url::redacted(repository);
    let versions =
        index.versions(name).ok_or_else(|| Error::text(format!("{name} chart not found in repo {shown}")))?;
    let fits = |version: &&crate::index::Version<'_>| {
        version.urls().next().is_some()
            && Version::parse(version.version()).is_ok_and(|version| constraint.check(&version))
    };
    Ok(versions.iter().find(fits).map(|version| version.version().to_owned()))
}

/// Gives the folder that a `file://` repository means, seen from the chart's folder.
pub(super) fn local_path(repository: &str, chart: &str) -> Result<String, Error> {
    let path = repository.strip_prefix("file://").unwrap_or(repository);
    let path = if path.starts_with('/') { chart::clean_path(path) } else { names::join(&[chart, path]) };
    match Path::new(&path).metadata() {
        Ok(_) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::text(format!("directory {path} not found")))
        }
        Err(error) => Err(Error::text(format!("stat {path}: {}", io_error(&error)))),
    }
}
