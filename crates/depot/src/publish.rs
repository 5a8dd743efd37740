//! An index of a folder of charts (as Helm 4.3: `pkg/repo/v1/index.go IndexDirectory`, `pkg/cmd/repo_index.go`).
//!
//! [`write()`] makes one of a folder as it is; a [`Folder`] keeps one of a folder that changes, and changes it.

mod changes;
mod file;
mod folder;
mod piece;
mod shown;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chart::semver::Version;
use chart::{Limits, Metadata, load_path_within, time};
use serde::{Serialize, Serializer};

use crate::error::Error;
use crate::index::decode::Entry;
use crate::index::{file, has};
use crate::{refresh, side, url};

pub use changes::{Refused, Stored, Upload};
pub use folder::{Folder, Lost, Opened};
pub use shown::{Archive, Shown};

/// What an index is made of, and how.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The folder of packed charts.
    pub folder: &'a Path,
    /// Where the charts can be had; empty is beside the index.
    pub url: &'a str,
    /// An index whose charts are taken over; one that is not there is made, empty.
    pub merge: Option<&'a Path>,
    /// Write JSON.
    pub json: bool,
    /// The time, as RFC 3339.
    pub now: &'a str,
}

/// An index to be written, its fields in Go's order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    generated: &'a str,
    entries: BTreeMap<String, Vec<Line>>,
}

/// A version to be written.
#[derive(Debug)]
struct Line(Entry);

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields<'a> {
            #[serde(flatten)]
            metadata: &'a Metadata,
            urls: Option<&'a [String]>,
            created: &'a str,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            removed: bool,
            #[serde(skip_serializing_if = "str::is_empty")]
            digest: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            checksum: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            engine: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            tiller_version: &'a str,
            #[serde(skip_serializing_if = "str::is_empty")]
            url: &'a str,
        }
        let entry = &self.0;
        Fields {
            metadata: &entry.metadata,
            // What was never there is `null` to Go.
            urls: (!entry.urls.is_empty()).then_some(&entry.urls),
            created: if entry.created.is_empty() { time::ZERO } else { &entry.created },
            removed: entry.removed,
            digest: &entry.digest,
            checksum: &entry.checksum,
            engine: &entry.engine,
            tiller_version: &entry.tiller_version,
            url: &entry.url,
        }
        .serialize(serializer)
    }
}

/// Makes the index of a folder and writes it there as `index.yaml`.
///
/// # Errors
/// When a chart cannot be read, the index to merge is none, or nothing can be written.
pub fn write(options: &Options<'_>) -> Result<(), Error> {
    let mut entries: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for archive in archives(options.folder)? {
        let Some(entry) = entry(options, &archive)? else { continue };
        entries.entry(entry.metadata.name.clone()).or_default().push(Line(entry));
    }
    if let Some(path) = options.merge {
        merge(options, path, &mut entries)?;
    }
    for lines in entries.values_mut() {
        // What cannot be read as a version has been left out.
        lines.sort_by_cached_key(|line| std::cmp::Reverse(Newest(Version::parse(&line.0.metadata.version).ok())));
    }
    save(options, &options.folder.join("index.yaml"), entries)
}

/// Orders versions as semver does.
#[derive(PartialEq, Eq)]
struct Newest(Option<Version>);

impl PartialOrd for Newest {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Newest {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) => a.compare(b),
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    }
}

/// The archives in a folder, then those in the folders in it.
fn archives(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let listed = |folder: &Path| {
        let mut paths: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
        paths.sort();
        paths
    };
    let is_archive = |path: &PathBuf| path.to_string_lossy().ends_with(".tgz");
    let top = listed(folder);
    let below: Vec<PathBuf> =
        top.iter().filter(|path| path.is_dir()).flat_map(|path| listed(path)).filter(is_archive).collect();
    Ok(top.into_iter().filter(is_archive).chain(below).collect())
}

/// Makes the entry of an archive; what is no chart is passed over.
fn entry(options: &Options<'_>, archive: &Path) -> Result<Option<Entry>, Error> {
    let Ok(chart) = load_path_within(archive, &Limits::trusting()) else { return Ok(None) };
    let name = archive.strip_prefix(options.folder).unwrap_or(archive).to_string_lossy().into_owned();
    let (parent, file) = name.rsplit_once('/').unwrap_or(("", &name));
    let digest = side::hash(archive).map_err(Error::file("read", archive))?;
    let base = url::join(options.url, parent);
    let url = if base.is_empty() { file.to_owned() } else { url::join(&base, file) };
    let created = options.now.to_owned();
    described(chart.metadata, url, created, hex::encode(digest))
        .map(Some)
        .map_err(|error| Error::text(format!("failed adding to {file} to index: validate failed for {file}: {error}")))
}

/// Makes the entry of a chart that was read.
fn described(
    mut metadata: Metadata,
    url: String,
    created: String,
    digest: String,
) -> Result<Entry, chart::ValidationError> {
    if metadata.api_version.is_empty() {
        "v1".clone_into(&mut metadata.api_version);
    }
    metadata.validate()?;
    Ok(Entry { metadata, urls: vec![url], created, digest, ..Entry::default() })
}

/// Takes over what an index has and the folder has not.
fn merge(options: &Options<'_>, path: &Path, entries: &mut BTreeMap<String, Vec<Line>>) -> Result<(), Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return save(options, path, BTreeMap::new()),
        Err(cause) => return Err(Error::text(format!("merge failed: {}", Error::file("open", path)(cause)))),
    };
    let failed = |text: String| Error::text(format!("merge failed: error loading {}: {text}", path.display()));
    if bytes.is_empty() {
        return Err(failed("empty index.yaml file".to_owned()));
    }
    let whole = file(&bytes).map_err(failed)?;
    if whole.api_version.is_empty() {
        return Err(failed("no API version specified".to_owned()));
    }
    for mut entry in whole.entries.into_values().flatten().flatten() {
        if entry.validate().is_err() {
            continue;
        }
        let known = entries.entry(entry.metadata.name.clone()).or_default();
        let theirs: Vec<Entry> = known.iter().map(|line| line.0.clone()).collect();
        if !has(&theirs, &entry.metadata.version) {
            known.push(Line(entry));
        }
    }
    entries.retain(|_, lines| !lines.is_empty());
    Ok(())
}

fn save(options: &Options<'_>, path: &Path, entries: BTreeMap<String, Vec<Line>>) -> Result<(), Error> {
    let document = Document { api_version: "v1", generated: options.now, entries };
    let text = if options.json {
        // Go writes what would mean something in HTML in another way.
        let text = serde_json::to_string_pretty(&document).map_err(|error| Error::text(error.to_string()))?;
        let escapes =
            [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
        escapes.iter().fold(text, |text, (from, to)| text.replace(from, to))
    } else {
        yaml(&document)?
    };
    refresh::replace(path, text.as_bytes())
}

/// Writes an index as YAML.
fn yaml(document: &Document<'_>) -> Result<String, Error> {
    let json = serde_json::to_string(document).map_err(|error| Error::text(error.to_string()))?;
    let value = goyaml::from_json_keep_ints(json).map_err(|error| Error::text(error.to_string()))?;
    goyaml::to_yaml(&value).map_err(|error| Error::text(error.to_string()))
}

#[cfg(test)]
mod tests;
