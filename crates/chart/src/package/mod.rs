//! Packing a chart into the archive that `helm package` makes of it (as Helm 4.3: `pkg/action/package.go`,
//! `pkg/chart/v2/util/save.go`).
//!
//! [`pack`](crate::pack()) makes an archive of files as they are; here `Chart.yaml` and `Chart.lock` are written anew, archives
//! in `charts/` are unpacked, and every file keeps its time.

mod tarball;

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use crate::chart::{Chart, File};
use crate::metadata::Metadata;
use crate::semver::{self, Version};
use crate::text::quote;
use crate::time;
use crate::validate::ValidationError;
use tarball::Tarball;

/// A chart could not be packed; the texts are Helm's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// The version is none.
    #[error(transparent)]
    Version(#[from] semver::Error),
    /// `Chart.yaml` names subcharts that are not there.
    #[error("found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// The metadata is not valid.
    #[error("chart validation: {0}")]
    Validation(#[from] ValidationError),
    /// The chart's name cannot be the name of a folder.
    #[error("{} is not a valid chart name", quote(.0))]
    Name(String),
    /// The schema is no JSON.
    #[error("invalid JSON in values.schema.json")]
    Schema,
    /// The time is in no year that can be written.
    #[error(
        "error marshaling into JSON: json: error calling MarshalJSON for type time.Time: Time.MarshalJSON: year outside \
         of range [0,9999]"
    )]
    Year,
    /// The archive could not be made.
    #[error("cannot pack the chart: {0}")]
    Archive(String),
}

/// What is changed in a chart before it is packed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another version; empty for the chart's own.
    pub version: String,
    /// Another version of what the chart installs; empty for the chart's own.
    pub app_version: String,
    /// The time of all files in seconds since 1970, so that the same files give the same bytes.
    pub time: Option<i64>,
}

impl Changes {
    /// Makes the changes, and checks that the chart is whole.
    ///
    /// # Errors
    /// When the version is none, or a dependency is not in `charts/`.
    pub fn make(&self, chart: &mut Chart) -> Result<(), PackageError> {
        if !self.version.is_empty() {
            chart.metadata.version.clone_from(&self.version);
        }
        Version::parse(&chart.metadata.version)?;
        if !self.app_version.is_empty() {
            chart.metadata.app_version.clone_from(&self.app_version);
        }
        if let Some(seconds) = self.time {
            stamp(chart, seconds);
        }
        let there = |name: &String| chart.dependencies.iter().any(|subchart| subchart.name() == name);
        let wanted = chart.metadata.dependencies.iter().map(|dependency| dependency.name.clone());
        let missing: Vec<String> = wanted.filter(|name| !there(name)).collect();
        if missing.is_empty() { Ok(()) } else { Err(PackageError::Missing(missing)) }
    }
}

/// Gives all files of a chart the same time, in seconds since 1970.
pub fn stamp(chart: &mut Chart, seconds: i64) {
    // A year that cannot be written is told of when it is to be.
    let moment = Some(time::format_unix(seconds, 0).unwrap_or_else(|| seconds.to_string()));
    chart.mod_time.clone_from(&moment);
    if chart.schema.as_ref().is_some_and(|schema| !schema.is_empty()) {
        chart.schema_mod_time.clone_from(&moment);
    }
    if let (Some(lock), Some(moment)) = (&mut chart.lock, &moment) {
        lock.generated.clone_from(moment);
    }
    for file in chart.raw.iter_mut().chain(&mut chart.templates).chain(&mut chart.files) {
        file.mod_time.clone_from(&moment);
    }
    chart.dependencies.iter_mut().for_each(|subchart| stamp(subchart, seconds));
}

/// Gives the name of a chart's archive: `NAME-VERSION.tgz`.
///
/// # Errors
/// When the metadata is not valid.
pub fn file_name(chart: &mut Chart) -> Result<String, PackageError> {
    chart.metadata.validate()?;
    Ok(format!("{}-{}.tgz", chart.name(), chart.metadata.version))
}

/// Makes the archive of a chart. Files of which no time is known get that of `now`, in seconds since 1970.
///
/// # Errors
/// When a name leads out of the chart's folder, or the schema is no JSON.
pub fn archive(chart: &Chart, now: i64) -> Result<Vec<u8>, PackageError> {
    let failed = |error: std::io::Error| PackageError::Archive(error.to_string());
    let zip = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::new(6));
    let mut tarball = Tarball::new(zip, now);
    add(&mut tarball, chart, "")?;
    let mut zip = tarball.finish().map_err(failed)?;
    zip.flush().map_err(failed)?;
    zip.finish().map_err(failed)
}

fn add<W: std::io::Write>(tarball: &mut Tarball<W>, chart: &Chart, prefix: &str) -> Result<(), PackageError> {
    // Go's `filepath.Base` of a lone slash is that slash.
    let name = chart.name();
    if name.contains('/') && name != "/" {
        return Err(PackageError::Name(name.to_owned()));
    }
    let base = format!("{prefix}{name}");
    let mut put = |name: &str, data: &[u8], time: Option<&str>| tarball.add(&format!("{base}/{name}"), data, time);
    put("Chart.yaml", &definition(&chart.metadata)?, chart.mod_time.as_deref())?;
    if let Some(lock) = chart.lock.as_ref().filter(|_| chart.metadata.api_version == "v2") {
        // A year that no calendar has was kept as a number.
        if lock.generated.parse::<i64>().is_ok() {
            return Err(PackageError::Year);
        }
        put("Chart.lock", &yaml(lock)?, Some(&lock.generated))?;
    }
    for file in chart.raw.iter().filter(|file| file.name == "values.yaml") {
        put(&file.name, &file.data, file.mod_time.as_deref())?;
    }
    if let Some(schema) = &chart.schema {
        serde_json::from_slice::<serde::de::IgnoredAny>(schema).map_err(|_| PackageError::Schema)?;
        put("values.schema.json", schema, chart.schema_mod_time.as_deref())?;
    }
    for File { name, data, mod_time } in chart.templates.iter().chain(&chart.files) {
        put(name, data, mod_time.as_deref())?;
    }
    chart.dependencies.iter().try_for_each(|subchart| add(tarball, subchart, &format!("{base}/charts/")))
}

/// Writes `Chart.yaml`. A chart of v1 has its dependencies in `requirements.yaml`.
fn definition(metadata: &Metadata) -> Result<Vec<u8>, PackageError> {
    if metadata.api_version == "v1" && !metadata.dependencies.is_empty() {
        return yaml(&Metadata { dependencies: Vec::new(), ..metadata.clone() });
    }
    yaml(metadata)
}

/// Writes YAML as Helm does: through JSON, keys sorted.
pub(crate) fn yaml(value: &impl serde::Serialize) -> Result<Vec<u8>, PackageError> {
    let failed = |text: String| PackageError::Archive(text);
    let json = serde_json::to_string(value).map_err(|error| failed(error.to_string()))?;
    let tree = goyaml::from_json_keep_ints(json).map_err(|error| failed(error.to_string()))?;
    Ok(goyaml::to_yaml(&tree).map_err(|error| failed(error.to_string()))?.into_bytes())
}

#[cfg(test)]
mod tests;
