//! A folder of packed charts as a repository: its index, kept up to date by what has changed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chart::{Limits, load_archive};
use sha2::{Digest, Sha256};

use super::piece::{self, Piece};
use super::shown::{Archive, MOST, Shown};
use super::{described, file};
use crate::error::Error;
use crate::side::Stamp;
use crate::{Turn, each, url};

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
        // Where it leads is found out each time: whoever deploys may exchange a link to it.
        let path = std::path::absolute(path).map_err(Error::file("open", path))?;
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
        let shown = Shown::of(old, files, &pieces, &self.context, &mut lost);
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

/// Waits for one's turn.
pub(super) fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
