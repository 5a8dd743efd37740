//! Where a chart is: the rules look at its files one by one before they load it.

use std::path::Path;

use bytes::Bytes;
use chart::text::io_error;
use chart::{Chart, File, IgnoreRules, Limits, LoadError, LoadNotice};

/// What there is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Missing,
    /// A file, or what can be read as one.
    File,
    /// A folder.
    Folder,
}

/// A chart that may be wrong in any way.
pub trait Source {
    /// Names the chart's folder, as findings about the whole chart show it.
    fn root(&self) -> &str;

    /// Tells what there is at a path below the chart's folder.
    fn kind(&self, name: &str) -> Kind;

    /// Reads a file below the chart's folder.
    ///
    /// # Errors
    /// In Go's words, with the path.
    fn read(&self, name: &str) -> Result<Bytes, String>;

    /// Loads the chart, whatever its `apiVersion`, and tells what Helm logs meanwhile.
    ///
    /// # Errors
    /// In Helm's words.
    fn load(&self, tell: &mut dyn FnMut(LoadNotice)) -> Result<Chart, String>;
}

/// A chart in a folder of the disk.
#[derive(Clone, Debug)]
pub struct Folder {
    path: String,
}

impl Folder {
    /// Names the folder, by its absolute path.
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into() }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.path)
    }
}

impl Source for Folder {
    fn root(&self) -> &str {
        &self.path
    }

    fn kind(&self, name: &str) -> Kind {
        match Path::new(&self.path(name)).metadata() {
            Err(_) => Kind::Missing,
            Ok(kind) if kind.is_dir() => Kind::Folder,
            Ok(_) => Kind::File,
        }
    }

    fn read(&self, name: &str) -> Result<Bytes, String> {
        let path = self.path(name);
        std::fs::read(&path).map(Bytes::from).map_err(|error| match error.kind() {
            std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
            _ => format!("open {path}: {}", io_error(&error)),
        })
    }

    fn load(&self, tell: &mut dyn FnMut(LoadNotice)) -> Result<Chart, String> {
        chart::load_path_telling(Path::new(&self.path), true, tell).map_err(|error| error.to_string())
    }
}

/// A chart in memory, as an archive holds it. Its files are seen as Helm sees them once they are unpacked: in the order
/// of their names, and without those that `.helmignore` leaves out.
#[derive(Clone, Debug)]
pub struct Files {
    /// Where the chart is below the one that was given; empty for that itself, else with a slash at its end.
    below: String,
    files: Vec<File>,
}

impl Files {
    /// Takes the files of a chart, named by their paths below the chart's folder.
    #[must_use]
    pub fn new(files: Vec<File>) -> Self {
        Self::at(String::new(), files)
    }

    /// Reads the files of a packed chart.
    ///
    /// # Errors
    /// When it is no archive, holds what no chart has use for, or exceeds a limit.
    pub fn of_archive(archive: &[u8], limits: &Limits) -> Result<Self, LoadError> {
        chart::read_archive(archive, limits).map(Self::new)
    }

    fn at(below: String, mut files: Vec<File>) -> Self {
        files.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
        Self { below, files }
    }

    /// Names the chart below the one that was given: `charts/db`, empty for that itself.
    #[must_use]
    pub fn place(&self) -> &str {
        self.below.trim_end_matches('/')
    }

    /// Finds the charts in `charts/` one after the other, however deep, with the path and the reason of those archives
    /// that are none. The archives share the budget of bytes.
    pub fn subcharts(&self, limits: &Limits) -> impl Iterator<Item = Result<Self, (String, LoadError)>> {
        let mut limits = *limits;
        let below = self.files.iter().filter(|file| file.name.starts_with("charts/"));
        below.filter_map(move |file| {
            if let Some(folder) = file.name.strip_suffix("Chart.yaml").filter(|folder| folder.ends_with('/')) {
                let files = self
                    .files
                    .iter()
                    .filter_map(|file| Some(File { name: file.name.strip_prefix(folder)?.to_owned(), ..file.clone() }));
                return Some(Ok(Self::at(format!("{}{folder}", self.below), files.collect())));
            }
            if !file.name.ends_with(".tgz") && !file.name.ends_with(".tar.gz") {
                return None;
            }
            let path = format!("{}{}", self.below, file.name);
            Some(match chart::read_archive(&file.data, &limits) {
                Err(error) => Err((path, error)),
                Ok(files) => {
                    let bytes: u64 = files.iter().map(|file| file.data.len() as u64).sum();
                    limits.max_bytes = limits.max_bytes.saturating_sub(bytes);
                    Ok(Self::at(format!("{path}/"), files))
                }
            })
        })
    }

    fn find(&self, name: &str) -> Option<&File> {
        // As on a disk, the last of one name counts.
        self.files.iter().rev().find(|file| file.name == name)
    }
}

impl Source for Files {
    fn root(&self) -> &str {
        ""
    }

    fn kind(&self, name: &str) -> Kind {
        let is_below = |file: &File| file.name.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        match self.find(name) {
            Some(_) => Kind::File,
            None if self.files.iter().any(is_below) => Kind::Folder,
            None => Kind::Missing,
        }
    }

    fn read(&self, name: &str) -> Result<Bytes, String> {
        match self.find(name) {
            Some(file) => Ok(file.data.bytes().clone()),
            None if self.kind(name) == Kind::Folder => Err(format!("read {name}: is a directory")),
            None => Err(format!("open {name}: no such file or directory")),
        }
    }

    fn load(&self, tell: &mut dyn FnMut(LoadNotice)) -> Result<Chart, String> {
        let rules = self.find(".helmignore").map(|file| file.data.bytes().clone()).unwrap_or_default();
        let rules = IgnoreRules::parse(&rules)?;
        let is_left_out = |name: &str| {
            let mut folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
            folders.any(|folder| rules.ignores(folder, true)) || rules.ignores(name, false)
        };
        let mut files: Vec<File> = self.files.iter().filter(|file| !is_left_out(&file.name)).cloned().collect();
        files.reverse();
        files.dedup_by(|a, b| a.name == b.name);
        files.reverse();
        let chart = chart::load_files(files).map_err(|error| error.to_string())?;
        chart.load_warnings().into_iter().for_each(|text| tell(LoadNotice::OldFile(text)));
        Ok(chart)
    }
}
