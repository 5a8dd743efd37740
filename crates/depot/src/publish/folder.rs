//! A folder of packed charts as a repository: its index, kept up to date by what has changed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chart::semver::Version;
use chart::{Limits, load_archive};
use sha2::{Digest, Sha256};

use super::piece::{self, Piece};
use super::{Newest, described, file};
use crate::error::Error;
use crate::side::Stamp;
use crate::{Turn, each, url};

/// The most archives.
const MOST: usize = 100_000;
/// The longest index.
const LONGEST: usize = 256 << 20;
/// The longest provenance file.
pub(super) const LONGEST_PROOF: u64 = 4 << 20;
/// How many archives are read at a time.
const AT_ONCE: usize = 4;
/// How long the folder is not looked at again.
const FRESH: Duration = Duration::from_secs(1);
/// How old a file is that nobody is writing any more.
const LEFT: Duration = Duration::from_secs(3600);

/// A folder of packed charts. Only what lies in it itself counts: neither folders in it, nor links, nor hidden files.
pub struct Folder {
    pub(super) path: PathBuf,
    /// Where archives are, seen from the index.
    below: String,
    /// Where the repository is, seen from its server.
    context: String,
    shown: RwLock<(Arc<Shown>, Option<Instant>)>,
    /// What was found to be in no index, and was not told of yet.
    lost: Mutex<Vec<Lost>>,
    looking: Mutex<()>,
    pub(super) changing: Mutex<()>,
}

/// A folder as it was found.
#[derive(Debug, Default)]
pub struct Shown {
    /// The index.
    pub index: Bytes,
    /// A hash of the index.
    pub tag: String,
    files: BTreeMap<String, (Stamp, Option<Arc<Archive>>)>,
    charts: BTreeMap<String, Vec<(Arc<Archive>, Range<usize>)>>,
}

/// A packed chart.
#[derive(Debug)]
pub struct Archive {
    /// The name of its file.
    pub file: String,
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The SHA-256 of the archive.
    pub digest: String,
    created: String,
    key: String,
}

/// An archive that is in no index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The name of its file.
    pub file: String,
    /// Why not.
    pub reason: String,
}

/// A file of a repository.
#[derive(Debug)]
pub struct Opened {
    /// The file.
    pub file: std::fs::File,
    /// Its length.
    pub length: u64,
    /// A hash of what is in it.
    pub tag: String,
}

impl std::fmt::Debug for Folder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Folder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Folder {
    /// Opens a folder, which has to be there; nothing is read yet. Archives are at `below`, seen from the index, and the repository
    /// is at `context`, seen from its server.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(path: &Path, below: &str, context: &str) -> Result<Self, Error> {
        let path = path.canonicalize().map_err(Error::file("open", path))?;
        // Says what is wrong with it, be it a file.
        std::fs::read_dir(&path).map_err(Error::file("open", &path))?;
        file::tidy(&path, LEFT);
        Ok(Self {
            path,
            below: below.to_owned(),
            context: context.to_owned(),
            shown: RwLock::default(),
            lost: Mutex::default(),
            looking: Mutex::default(),
            changing: Mutex::default(),
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was found when it was looked at less than a second ago; `None`: look again.
    #[must_use]
    pub fn fresh(&self) -> Option<Arc<Shown>> {
        let (shown, at) = self.shown.read().unwrap_or_else(PoisonError::into_inner).clone();
        at.filter(|at| at.elapsed() < FRESH).map(|_| shown)
    }

    /// Looks at the folder unless that was done just now. Only archives that are new or changed are read.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn refresh(&self) -> Result<Arc<Shown>, Error> {
        let _one = lock(&self.looking);
        self.fresh().map_or_else(|| self.look(), Ok)
    }

    /// Takes the archives that were newly found to be in no index, each once.
    #[must_use]
    pub fn lost(&self) -> Vec<Lost> {
        std::mem::take(&mut self.lost.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Has the next look be a real one.
    pub(super) fn forget(&self) {
        self.shown.write().unwrap_or_else(PoisonError::into_inner).1 = None;
    }

    fn look(&self) -> Result<Arc<Shown>, Error> {
        let begun = Instant::now();
        let old = self.shown.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        let found = self.found()?;
        let is_same = found.len() == old.files.len()
            && found.iter().all(|(name, stamp)| old.files.get(name).is_some_and(|(known, _)| known == stamp));
        let shown = match is_same && !old.tag.is_empty() {
            true => old,
            false => {
                let (shown, lost) = self.read(&old, found);
                self.lost.lock().unwrap_or_else(PoisonError::into_inner).extend(lost);
                Arc::new(shown)
            }
        };
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = (shown.clone(), Some(begun));
        Ok(shown)
    }

    /// The archives that are there, each with its state.
    fn found(&self) -> Result<BTreeMap<String, Stamp>, Error> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path).map_err(Error::file("open", &self.path))? {
            let entry = entry.map_err(Error::file("readdirent", &self.path))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.ends_with(".tgz") || !file::is_name(&name) {
                continue;
            }
            // Of a link this is the link itself, and what has just gone is gone.
            if let Ok(metadata) = entry.metadata()
                && metadata.is_file()
            {
                found.insert(name, Stamp::of(&metadata));
            }
        }
        Ok(found)
    }

    /// Reads what is new, and puts the index together.
    fn read(&self, old: &Shown, found: BTreeMap<String, Stamp>) -> (Shown, Vec<Lost>) {
        let (mut lost, mut pieces, mut files) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let mut new = Vec::new();
        for (number, (name, stamp)) in found.into_iter().enumerate() {
            match old.files.get(&name).filter(|(known, _)| *known == stamp) {
                Some(known) => drop(files.insert(name, known.clone())),
                None if number < MOST => new.push((name, stamp)),
                None => {
                    lost.push(Lost { file: name.clone(), reason: format!("the folder has more than {MOST} archives") });
                    files.insert(name, (stamp, None));
                }
            }
        }
        let tell = |(name, stamp): &(String, Stamp), turn| {
            match turn {
                Turn::Begins | Turn::Done(Ok(None)) => {}
                Turn::Done(Ok(Some((stamp, archive, piece)))) => {
                    let piece: Piece = piece;
                    pieces.insert(name.clone(), piece.text);
                    files.insert(name.clone(), (stamp, Some(Arc::new(archive))));
                }
                Turn::Done(Err(reason)) => {
                    lost.push(Lost { file: name.clone(), reason });
                    files.insert(name.clone(), (*stamp, None));
                }
            }
            Ok::<(), Error>(())
        };
        // Telling does not fail.
        let _ = each(&new, AT_ONCE, |(name, _)| self.archive(name), tell);
        let shown = self.index(old, files, &pieces, &mut lost);
        (shown, lost)
    }

    /// Reads one archive; `None` when it has gone.
    fn archive(&self, name: &str) -> Result<Option<(Stamp, Archive, Piece)>, String> {
        let unread = |error: std::io::Error| chart::text::io_error(&error);
        let Some((opened, metadata)) = file::open(&self.path.join(name)).map_err(unread)? else { return Ok(None) };
        let limits = Limits::default();
        let bytes = file::read(opened, limits.max_bytes).map_err(|error| error.to_string())?;
        let loaded = load_archive(&bytes, &limits).map_err(|error| error.to_string())?;
        let (created, digest) = (file::written(&metadata), hex::encode(Sha256::digest(&bytes)));
        let (archive, piece) = self.describe(name, loaded.metadata, created, digest)?;
        Ok(Some((Stamp::of(&metadata), archive, piece)))
    }

    /// Makes what an index says of an archive.
    pub(super) fn describe(
        &self,
        file: &str,
        metadata: chart::Metadata,
        created: String,
        digest: String,
    ) -> Result<(Archive, Piece), String> {
        let url = url::join(&self.below, file);
        let entry = described(metadata, url, created.clone(), digest.clone()).map_err(|error| error.to_string())?;
        let (name, version) = (entry.metadata.name.clone(), entry.metadata.version.clone());
        let piece = piece::write(entry).map_err(|error| error.to_string())?;
        let archive = Archive { file: file.to_owned(), name, version, digest, created, key: piece.key.clone() };
        Ok((archive, piece))
    }

    fn index(
        &self,
        old: &Shown,
        files: BTreeMap<String, (Stamp, Option<Arc<Archive>>)>,
        pieces: &BTreeMap<String, String>,
        lost: &mut Vec<Lost>,
    ) -> Shown {
        let known: BTreeMap<&str, &str> = old
            .charts
            .values()
            .flatten()
            .filter_map(|(archive, at)| Some((archive.file.as_str(), old.text(at)?)))
            .collect();
        let mut by_name: BTreeMap<&str, Vec<&Arc<Archive>>> = BTreeMap::new();
        for archive in files.values().filter_map(|(_, archive)| archive.as_ref()) {
            by_name.entry(&archive.name).or_default().push(archive);
        }
        let (mut text, mut charts) = (piece::begin(by_name.is_empty()), BTreeMap::new());
        for (name, mut archives) in by_name {
            archives.sort_by_cached_key(|archive| std::cmp::Reverse(Newest(Version::parse(&archive.version).ok())));
            let mut versions: Vec<(Arc<Archive>, Range<usize>)> = Vec::new();
            for archive in archives {
                let piece = pieces.get(&archive.file).map(String::as_str);
                let Some(piece) = piece.or_else(|| known.get(archive.file.as_str()).copied()) else { continue };
                if text.len() + piece.len() > LONGEST {
                    let reason = format!("the index would have more than {LONGEST} bytes");
                    lost.push(Lost { file: archive.file.clone(), reason });
                    continue;
                }
                if versions.is_empty() {
                    text.push_str(&archive.key);
                }
                let start = text.len();
                text.push_str(piece);
                versions.push((archive.clone(), start..text.len()));
            }
            charts.insert(name.to_owned(), versions);
        }
        // The same files have the same index, whichever server makes it.
        let newest = files.values().filter_map(|(_, archive)| Some(archive.as_ref()?.created.as_str())).max();
        piece::end(&mut text, newest.unwrap_or(chart::time::ZERO), &self.context);
        let tag = hex::encode(Sha256::digest(&text));
        Shown { index: Bytes::from(text), tag, files, charts }
    }

    /// Opens an archive or a provenance file; `None` when there is none of this name, or it is not the one that was shown.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn file(&self, shown: &Shown, name: &str) -> Result<Option<Opened>, Error> {
        let path = self.path.join(name);
        if let Some(of) = name.strip_suffix(".prov") {
            if shown.archive(of).is_none() {
                return Ok(None);
            }
            return self.proof(name);
        }
        let Some((stamp, archive)) = shown.archive(name) else { return Ok(None) };
        let opened = file::open(&path).map_err(Error::file("open", &path))?;
        Ok(opened.filter(|(_, metadata)| Stamp::of(metadata) == stamp).map(|(file, metadata)| Opened {
            file,
            length: metadata.len(),
            tag: archive.digest.clone(),
        }))
    }

    fn proof(&self, name: &str) -> Result<Option<Opened>, Error> {
        use std::io::{Read, Seek};
        let path = self.path.join(name);
        let failed = |error| Error::file("read", &path)(error);
        let Some((mut file, _)) = file::open(&path).map_err(failed)? else { return Ok(None) };
        let mut bytes = Vec::new();
        (&mut file).take(LONGEST_PROOF + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > LONGEST_PROOF {
            return Ok(None);
        }
        file.rewind().map_err(failed)?;
        Ok(Some(Opened { file, length: bytes.len() as u64, tag: hex::encode(Sha256::digest(&bytes)) }))
    }
}

impl Shown {
    fn text(&self, at: &Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.index.get(at.clone())?).ok()
    }

    fn archive(&self, file: &str) -> Option<(Stamp, &Arc<Archive>)> {
        self.files.get(file).and_then(|(stamp, archive)| Some((*stamp, archive.as_ref()?)))
    }

    /// Tells whether there are as many archives as there can be.
    pub(super) fn is_full(&self) -> bool {
        self.files.len() >= MOST
    }

    /// The names of the charts, sorted.
    pub fn charts(&self) -> impl Iterator<Item = &str> {
        self.charts.iter().filter(|(_, versions)| !versions.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The versions of a chart, the newest first.
    pub fn versions(&self, chart: &str) -> impl Iterator<Item = &Archive> {
        self.charts.get(chart).into_iter().flatten().map(|(archive, _)| &**archive)
    }

    /// What the index says of the versions of a chart for which `wanted` holds, the newest first.
    pub fn entries(&self, chart: &str, mut wanted: impl FnMut(&Archive) -> bool) -> Vec<goyaml::Value> {
        let versions = self.charts.get(chart).into_iter().flatten();
        let texts = versions.filter(|(archive, _)| wanted(archive)).filter_map(|(_, at)| self.text(at));
        let read = |text| match goyaml::from_yaml_keep_ints(text) {
            Ok(goyaml::Value::Seq(items)) => items,
            // We have written it ourselves.
            _ => Vec::new(),
        };
        texts.flat_map(read).collect()
    }
}

/// Waits for one's turn.
pub(super) fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
