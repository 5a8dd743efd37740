//! Loading a chart from an archive, a folder or files in memory (as Helm 4.3: `pkg/chart/v2/loader`,
//! `pkg/chart/loader`).

mod archive;
mod decode;
mod dir;
mod error;
mod files;
mod glob;
mod gzip;
pub(crate) mod helm2;
mod ignore;
mod memory;
mod path;
mod sniff;

use std::path::Path;

use archive::Keep;
use bytes::Bytes;

pub use archive::read_archive;
pub use dir::read_dir;
pub use error::LoadError;
pub(crate) use files::extension;
pub(crate) use glob::Glob;
pub use ignore::Rules as IgnoreRules;
pub use memory::load_folder;
pub use path::clean;

use crate::chart::{Chart, File};
use crate::metadata::Metadata;
use crate::validate::Nulls;

/// The byte order mark that Helm takes off the front of every file.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How much of a chart is taken in before it is refused. The budget is for the whole chart, with all archives in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of all files together, unpacked; Helm has 100 MiB for each archive.
    pub max_bytes: u64,
    /// The most files.
    pub max_entries: usize,
    /// How deep archives may lie in archives.
    pub max_archive_depth: usize,
    /// How deep subcharts may lie in subcharts, in whatever form.
    pub max_chart_depth: usize,
    /// Whether an archive with links and devices is refused. Helm takes each of them as an empty file.
    pub refuse_special_entries: bool,
}

impl Default for Limits {
    /// The limits for charts of anyone.
    fn default() -> Self {
        Self {
            max_bytes: 100 * 1024 * 1024,
            max_entries: 20_000,
            max_archive_depth: 8,
            max_chart_depth: 64,
            refuse_special_entries: true,
        }
    }
}

impl Limits {
    /// The limits for charts that the user himself named: links in archives pass as in Helm.
    #[must_use]
    pub fn trusting() -> Self {
        Self { refuse_special_entries: false, ..Self::default() }
    }
}

/// What is left of the limits while a chart is loaded.
struct Budget {
    limits: Limits,
    bytes: u64,
    entries: usize,
    archive_depth: usize,
    chart_depth: usize,
    /// The symbolic links that were followed, each with where it leads.
    links: Vec<(String, String)>,
}

impl Budget {
    fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            bytes: limits.max_bytes,
            entries: limits.max_entries,
            archive_depth: 0,
            chart_depth: 0,
            links: Vec::new(),
        }
    }

    fn take_entry(&mut self) -> Result<(), LoadError> {
        match self.entries.checked_sub(1) {
            Some(left) => {
                self.entries = left;
                Ok(())
            }
            None => Err(LoadError::TooManyEntries(self.limits.max_entries)),
        }
    }
}

/// Loads a chart from the bytes of a packed chart (`.tgz`).
///
/// # Errors
/// As Helm's `loader.LoadArchive`, and where a limit is exceeded.
pub fn load_archive(bytes: &[u8], limits: &Limits) -> Result<Chart, LoadError> {
    let mut budget = Budget::new(limits);
    let bytes = Bytes::copy_from_slice(bytes);
    let files = archive::read(&bytes, Keep::Packed, &mut budget, &mut |_| {}).map_err(|e| match e {
        LoadError::GzipHeader => LoadError::NotAnArchive(format!(
            "stream does not appear to be a valid chart file (details: {})",
            LoadError::GzipHeader
        )),
        other => LoadError::Archive(Box::new(other)),
    })?;
    files::check_version(&files)?;
    files::assemble(files, &mut budget)
}

/// Loads a chart from files in memory, whose names are below the chart's folder.
///
/// # Errors
/// As Helm's `loader.LoadFiles`, and where an archive in `charts/` exceeds the default [`Limits`].
pub fn load_files(files: Vec<File>) -> Result<Chart, LoadError> {
    files::assemble(files, &mut Budget::new(&Limits::default()))
}

/// Loads a chart from a folder. Nothing is written; symbolic links are followed as Helm follows them.
///
/// # Errors
/// As Helm's `loader.LoadDir`, and where the default [`Limits`] are exceeded.
pub fn load_dir(path: &Path) -> Result<Chart, LoadError> {
    load_dir_within(path, &Limits::trusting())
}

/// Loads a chart from a folder within limits.
///
/// # Errors
/// As [`load_dir`].
pub fn load_dir_within(path: &Path, limits: &Limits) -> Result<Chart, LoadError> {
    dir::check_version(path)?;
    let mut budget = Budget::new(limits);
    let files = dir::read(path, &mut budget)?;
    files::assemble(files, &mut budget)
}

/// Loads a chart from a folder or a packed chart.
///
/// # Errors
/// As Helm's `loader.Load`.
pub fn load_path(path: &Path) -> Result<Chart, LoadError> {
    load_path_within(path, &Limits::trusting())
}

/// Loads a chart from a folder or a packed chart within limits.
///
/// # Errors
/// As [`load_path`].
pub fn load_path_within(path: &Path, limits: &Limits) -> Result<Chart, LoadError> {
    load_checking(path, &mut Budget::new(limits), true, &mut |_| {})
}

/// Loads a chart from a folder or a packed chart, whatever `apiVersion` it has: what only looks at charts takes them all.
///
/// # Errors
/// As Helm's `pkg/chart/v2/loader.Load`.
pub fn load_path_of_any_version(path: &Path) -> Result<Chart, LoadError> {
    load_checking(path, &mut Budget::new(&Limits::trusting()), false, &mut |_| {})
}

/// What Helm writes to its log while it loads a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadNotice {
    /// A symbolic link was followed.
    Link {
        /// Where the link is.
        path: String,
        /// Where it leads.
        resolved: String,
    },
    /// A file of v1 lies in a chart of v2, in Helm's words.
    OldFile(String),
}

/// Loads a chart as [`load_path`], or as [`load_path_of_any_version`], and tells what Helm logs meanwhile.
///
/// # Errors
/// As theirs.
pub fn load_path_telling(path: &Path, any_version: bool, tell: &mut dyn FnMut(LoadNotice)) -> Result<Chart, LoadError> {
    told(path, any_version, &mut |_| {}, tell)
}

/// Loads a chart as [`load_path`], tells what Helm logs meanwhile, and shows each file as soon as it is read, so that something
/// can be begun with it. Files of archives within the chart are not shown.
///
/// # Errors
/// As [`load_path`].
pub fn load_path_showing(
    path: &Path,
    seen: &mut dyn FnMut(&File),
    tell: &mut dyn FnMut(LoadNotice),
) -> Result<Chart, LoadError> {
    told(path, false, seen, tell)
}

/// Loads a chart from a folder as [`load_dir`], and tells what Helm logs meanwhile.
///
/// # Errors
/// As [`load_dir`].
pub fn load_dir_telling(path: &Path, tell: &mut dyn FnMut(LoadNotice)) -> Result<Chart, LoadError> {
    dir::check_version(path)?;
    let mut budget = Budget::new(&Limits::trusting());
    let chart = dir::read(path, &mut budget).and_then(|files| files::assemble(files, &mut budget));
    tell_of(budget, &chart, tell);
    chart
}

/// Tells of links that were followed, and of old files in a chart that was loaded.
fn tell_of(budget: Budget, chart: &Result<Chart, LoadError>, tell: &mut dyn FnMut(LoadNotice)) {
    budget.links.into_iter().for_each(|(path, resolved)| tell(LoadNotice::Link { path, resolved }));
    if let Ok(chart) = chart {
        chart.load_warnings().into_iter().for_each(|text| tell(LoadNotice::OldFile(text)));
    }
}

fn told(
    path: &Path,
    any_version: bool,
    seen: &mut dyn FnMut(&File),
    tell: &mut dyn FnMut(LoadNotice),
) -> Result<Chart, LoadError> {
    let mut budget = Budget::new(&Limits::trusting());
    let chart = load_checking(path, &mut budget, !any_version, seen);
    tell_of(budget, &chart, tell);
    chart
}

fn load_checking(
    path: &Path,
    budget: &mut Budget,
    check_version: bool,
    seen: &mut dyn FnMut(&File),
) -> Result<Chart, LoadError> {
    let name = path.to_string_lossy();
    let metadata = std::fs::metadata(path).map_err(|e| LoadError::io("stat", &name, &e))?;
    if metadata.is_dir() {
        if check_version {
            dir::check_version(path)?;
        }
        let files = dir::read(path, budget)?;
        files.iter().for_each(seen);
        return files::assemble(files, budget);
    }
    if !metadata.is_file() {
        return Err(LoadError::Irregular(name.into_owned()));
    }
    let bytes = Bytes::from(dir::read_whole(path, budget.limits.max_bytes)?);
    sniff::ensure_archive(&name, &bytes)?;
    let files = archive::read(&bytes, Keep::Packed, budget, seen).map_err(|e| match e {
        LoadError::GzipHeader => LoadError::NotAnArchive(format!(
            "file '{name}' does not appear to be a valid chart file (details: {})",
            LoadError::GzipHeader
        )),
        other => LoadError::ArchiveFile(Box::new(other)),
    })?;
    if check_version {
        files::check_version(&files)?;
    }
    files::assemble(files, budget)
}

/// What `Chart.yaml` says, be it valid or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadMetadata {
    /// The fields.
    pub metadata: Metadata,
    /// Where the list of maintainers holds `null`, which the fields cannot say.
    pub null_maintainer: Option<usize>,
}

impl Metadata {
    /// Reads a `Chart.yaml` and checks nothing.
    ///
    /// # Errors
    /// When it is no YAML, or a field is of another type, in the words of Helm's YAML library.
    pub fn read(data: &[u8]) -> Result<ReadMetadata, String> {
        let (mut metadata, mut nulls) = (Self::default(), Nulls::default());
        decode::metadata(data, &mut metadata, &mut nulls)?;
        Ok(ReadMetadata { metadata, null_maintainer: nulls.maintainer })
    }
}

#[cfg(test)]
mod tests;
