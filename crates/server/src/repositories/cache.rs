//! What was fetched, on disk: archives by their digest, and indexes. What was used longest ago goes first.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The folders in it.
const CHARTS: &str = "charts";
const INDEXES: &str = "indexes";

/// The cache.
pub(super) struct Cache {
    /// The folder that the operator has named.
    given: Option<PathBuf>,
    /// The one that is used while none is named; it goes with the server.
    own: Mutex<Option<TempDir>>,
    most: u64,
    turns: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Cache {
    pub(super) fn new(given: Option<PathBuf>, most: u64) -> Self {
        Self { given, own: Mutex::default(), most, turns: Mutex::default() }
    }

    /// Whoever fetches the same does so one after the other, so that the second one finds it here.
    pub(super) fn turn(&self, what: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(what).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(what.to_owned(), Arc::downgrade(&turn));
        turn
    }

    /// The folder of indexes.
    pub(super) fn indexes(&self) -> io::Result<PathBuf> {
        self.folder(INDEXES)
    }

    /// A folder in the cache, for the server alone.
    fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let base = match &self.given {
            Some(given) => given.clone(),
            None => {
                let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
                let made = match own.take() {
                    Some(made) => made,
                    None => tempfile::Builder::new().prefix("whipstaff-").tempdir()?,
                };
                own.insert(made).path().to_owned()
            }
        };
        let folder = base.join(name);
        if !folder.is_dir() {
            private(&folder)?;
        }
        Ok(folder)
    }

    /// Gives an archive, if it is there and is what its name says.
    pub(super) fn archive(&self, hash: &[u8; 32]) -> io::Result<Option<Vec<u8>>> {
        let path = self.folder(CHARTS)?.join(format!("{}.tgz", hex::encode(hash)));
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if Sha256::digest(&bytes).as_slice() != hash {
            tracing::warn!(path = %path.display(), "an archive in the cache is not what its name says, and is fetched again");
            let _ = fs::remove_file(&path);
            return Ok(None);
        }
        // It was used; where that cannot be noted it only goes earlier.
        let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Ok(Some(bytes))
    }

    /// Keeps an archive.
    pub(super) fn keep(&self, hash: &[u8; 32], bytes: &[u8]) -> io::Result<()> {
        let folder = self.folder(CHARTS)?;
        let mut file = tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(&folder)?;
        file.write_all(bytes)?;
        file.persist(folder.join(format!("{}.tgz", hex::encode(hash)))).map_err(|error| error.error)?;
        self.sweep()
    }

    /// Removes what was used longest ago, until the rest is as much as may be kept.
    pub(super) fn sweep(&self) -> io::Result<()> {
        let mut all = Vec::new();
        for name in [CHARTS, INDEXES] {
            for entry in fs::read_dir(self.folder(name)?)?.flatten() {
                if let Ok(file) = entry.metadata()
                    && file.is_file()
                {
                    all.push((file.modified().unwrap_or(SystemTime::UNIX_EPOCH), file.len(), entry.path()));
                }
            }
        }
        let mut total: u64 = all.iter().map(|(_, length, _)| length).sum();
        all.sort();
        for (_, length, path) in all {
            if total <= self.most {
                break;
            }
            // Another server may have been quicker.
            if fs::remove_file(&path).is_ok() {
                total -= length;
            }
        }
        Ok(())
    }

    /// Forgets the index of a repository.
    pub(super) fn forget(&self, name: &str) {
        let files = self.indexes().ok().and_then(|folder| depot::cache_files(&folder, name).ok());
        for path in files.iter().flat_map(|files| [&files.side, &files.charts, &files.index]) {
            let _ = fs::remove_file(path);
        }
    }
}

/// Makes a folder that others cannot look into.
fn private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(bytes: &[u8]) -> [u8; 32] {
        Sha256::digest(bytes).into()
    }

    #[test]
    fn what_is_kept_is_there_until_there_is_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(Some(folder.path().join("a/b")), 25);
        let archives: Vec<Vec<u8>> = (0..3).map(|number| vec![number; 10]).collect();
        for (number, archive) in archives.iter().enumerate() {
            cache.keep(&hash(archive), archive).unwrap();
            // Times of files are as fine as the file system makes them.
            let path = folder.path().join(format!("a/b/charts/{}.tgz", hex::encode(hash(archive))));
            if let Ok(file) = File::options().append(true).open(path) {
                let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
                file.set_modified(at).unwrap();
            }
            if number == 1 {
                // The first one is used again.
                assert!(cache.archive(&hash(&archives[0])).unwrap().is_some());
            }
        }
        let there: Vec<bool> = archives.iter().map(|it| cache.archive(&hash(it)).unwrap().is_some()).collect();
        assert_eq!(there, [true, false, true]);
    }

    #[test]
    fn what_was_changed_is_not_there() {
        let cache = Cache::new(None, 100);
        cache.keep(&hash(b"good"), b"good").unwrap();
        let path = cache.folder(CHARTS).unwrap().join(format!("{}.tgz", hex::encode(hash(b"good"))));
        fs::write(&path, b"evil").unwrap();
        assert_eq!(cache.archive(&hash(b"good")).unwrap(), None);
        assert!(!path.exists());
        let folder = path.ancestors().nth(2).unwrap().to_owned();
        drop(cache);
        assert!(!folder.exists(), "a folder of its own goes with it");
    }

    #[test]
    fn turns_are_of_what_is_fetched() {
        let cache = Cache::new(None, 100);
        let (a, b) = (cache.turn("a"), cache.turn("b"));
        assert!(Arc::ptr_eq(&a, &cache.turn("a")) && !Arc::ptr_eq(&a, &b));
        drop((a, b));
        let _ = cache.turn("c");
        assert_eq!(cache.turns.lock().unwrap().len(), 1);
    }
}
