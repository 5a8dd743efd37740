//! Subcharts that a registry has, which a dependency names or an index leads to.

use std::fs;
use std::path::PathBuf;

use chart::Dependency;
use chart::semver::{Constraints, Version};

use super::Subcharts;
use super::gather::Fetched;
use crate::error::Error;
use crate::oci::{Reference, SCHEME};
use crate::pull::Found;
use crate::url;

/// Tells whether a repository is a registry.
pub(super) fn is_registry(repository: &str) -> bool {
    repository.starts_with(SCHEME)
}

/// A chart of a registry that is wanted.
pub(super) struct Wanted {
    /// Its place, as a URL without a version.
    pub(super) place: String,
    version: String,
    /// The digest that an index promises; or empty.
    promised: String,
}

impl Wanted {
    /// What a dependency names.
    pub(super) fn of(dependency: &Dependency) -> Self {
        Self { place: place(dependency), version: dependency.version.clone(), promised: String::new() }
    }

    /// What an index leads to; `None` when that is no registry.
    pub(super) fn led_to(found: &Found) -> Result<Option<Self>, Error> {
        if !is_registry(&found.url) {
            return Ok(None);
        }
        match found.url.rsplit_once(':') {
            // Helm's expression takes a port for a version where there is none, and that is no place.
            Some((place, version)) if place != "oci" => {
                Ok(Some(Self { place: place.to_owned(), version: version.to_owned(), promised: found.digest.clone() }))
            }
            _ => {
                let shown = url::redacted(&found.url);
                Err(Error::text(format!(
                    "could not parse OCI reference: improperly formatted oci chart reference: {shown}"
                )))
            }
        }
    }

    /// Where its provenance file is, to be shown.
    pub(super) fn proof_url(&self) -> String {
        format!("{}:{}.prov", self.place, self.version)
    }

    /// Fetches the archive into a file, and the provenance file if that is wanted.
    pub(super) fn fetch(&self, task: &Subcharts<'_>, file: PathBuf) -> Result<Fetched, Error> {
        let located = task.registry.find(&self.place, &self.version)?;
        let mut opened = task.registry.open(&located)?;
        if !self.promised.is_empty() {
            opened.check(&self.promised)?;
        }
        let bytes = opened.chart(&task.home.content)?;
        fs::write(&file, bytes).map_err(Error::file("open", &file))?;
        let mut told = opened.warning().unwrap_or_default() + opened.told().lines();
        let proof = task.verify.is_some().then(|| opened.proof());
        if proof.as_ref().is_some_and(Result::is_ok) {
            told.push_str(opened.told().lines());
        }
        Ok(Fetched { name: located.file_name(), file, proof, told })
    }
}

/// The place of a chart, without its version.
fn place(dependency: &Dependency) -> String {
    format!("{}/{}", dependency.repository, dependency.name)
}

/// Chooses the version of a dependency. One that is exact is not asked for; one that nothing fits stays as it is written, and is then
/// not found.
pub(super) fn version(
    task: &Subcharts<'_>,
    dependency: &Dependency,
    constraint: &Constraints,
) -> Result<String, Error> {
    let wanted = &dependency.version;
    if Version::parse(wanted).is_ok() {
        return Ok(wanted.clone());
    }
    let versions = Reference::parse(&place(dependency)).and_then(|place| task.registry.versions(&place));
    let versions = versions.map_err(|error| {
        let shown = url::redacted(&dependency.repository);
        Error::text(format!("could not retrieve list of tags for repository {shown}: {error}"))
    })?;
    let fits = |version: &String| Version::parse(version).is_ok_and(|version| constraint.check(&version));
    Ok(versions.into_iter().find(fits).unwrap_or_else(|| wanted.clone()))
}
