//! Bringing a cached index up to date, and opening it (as Helm 4.3: `pkg/repo/v1/chartrepo.go DownloadIndexFile`).

use std::fs::{File, create_dir_all};
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::fetch::{Access, Ask, FetchError, Fetcher};
use crate::index::{Index, read_index};
use crate::names::{CacheFiles, cache_files};
use crate::repositories::Repository;
use crate::side::{self, Origin, Stamp};
use crate::{oci, url};

/// The longest index that is fetched.
const LONGEST: u64 = 1 << 30;
/// Indexes that are smaller are read as quickly as their short form would be.
const SMALL: u64 = 256 << 10;

/// What came of looking for a newer index.
#[derive(Debug)]
pub enum Refreshed {
    /// It is the one that was there.
    Same,
    /// It is a new one; what it says comes along.
    New(Box<Index>),
}

/// Fetches the index of a repository into a cache, if it is not the one that is there. What is in the cache stays as it is
/// until the new index was read whole.
///
/// # Errors
/// When it cannot be fetched, or is no index.
pub fn refresh(cache: &Path, repository: &Repository, fetcher: &Fetcher) -> Result<Refreshed, Error> {
    bring(cache, &repository.name, &repository.access(), LONGEST, fetcher)
}

/// As [`refresh`], of the repository of an access, whose index has so many bytes at most; `name` is what the cache calls it.
///
/// # Errors
/// As [`refresh`].
pub fn bring(cache: &Path, name: &str, access: &Access, most: u64, fetcher: &Fetcher) -> Result<Refreshed, Error> {
    let files = cache_files(cache, name)?;
    let index_url = index_url(&access.url)?;
    let known = known(&files, &index_url);
    let mut ask = Ask::default();
    if let Some(origin) = &known {
        ask.validators = origin.validators.clone();
    }
    let mut answer = fetcher.get(&index_url, access, &ask)?;
    if answer.is_unchanged {
        return Ok(Refreshed::Same);
    }
    create_dir_all(cache).map_err(Error::file("mkdir", cache))?;
    let (temporary, sha256) = save(&mut answer.body, cache, &index_url, most)?;
    let mut origin =
        Origin { stamp: Stamp::default(), sha256, url: redacted(&index_url), validators: answer.validators };
    // The server may not know what has changed, but we do.
    let same = known.filter(|known| known.sha256 == sha256).and_then(|_| side::read(&files.side));
    let index = match same {
        Some((_, index)) => index,
        None => read_index(temporary.path(), &access.url)?,
    };
    let names: String = index.names().map(|name| format!("{name}\n")).collect();
    replace(&files.charts, names.as_bytes())?;
    readable(temporary.as_file(), &files.index)?;
    let written = temporary.persist(&files.index).map_err(|error| Error::file("rename", &files.index)(error.error))?;
    // Of the file that we have written, since somebody may have put another one there by now.
    if let Ok(file) = written.metadata() {
        origin.stamp = Stamp::of(&file);
        // Without the short form all is the same, only slower.
        let _ = side::write(&files.side, &origin, &index);
    }
    Ok(Refreshed::New(Box::new(index)))
}

/// Where the index of a repository is. Helm asks a registry for one without saying in which version, which no registry is told.
fn index_url(repository: &str) -> Result<String, Error> {
    let at = url::resolve(repository, "index.yaml").map_err(Error::text)?;
    if at.starts_with(oci::SCHEME) {
        oci::Reference::parse(&at)?;
        return Err(Error::text("failed to perform \"FetchReference\" on source: invalid reference"));
    }
    Ok(at)
}

/// A URL to be kept in a file that others can read.
fn redacted(url: &str) -> String {
    url::redacted(url)
}

/// What is known of the index in the cache, if all that belongs to it is there.
fn known(files: &CacheFiles, index_url: &str) -> Option<Origin> {
    let origin = side::origin(&files.side)?;
    let is_this = Stamp::of(&files.index.metadata().ok()?) == origin.stamp;
    (is_this && files.charts.is_file() && origin.url == redacted(index_url)).then_some(origin)
}

/// Saves what is sent in a file without a name that means anything.
fn save(body: &mut dyn Read, cache: &Path, url: &str, most: u64) -> Result<(NamedTempFile, [u8; 32]), Error> {
    let mut file =
        tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(cache).map_err(Error::file("open", cache))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 << 10];
    let mut length = 0;
    loop {
        let read = body.read(&mut buffer).map_err(|error| FetchError::body(&error))?;
        if read == 0 {
            break;
        }
        length += read as u64;
        if length > most {
            return Err(Error::text(format!("{} has more than {most} bytes", url::redacted(url))));
        }
        let piece = buffer.get(..read).unwrap_or_default();
        hasher.update(piece);
        file.write_all(piece).map_err(Error::file("write", file.path()))?;
    }
    Ok((file, hasher.finalize().into()))
}

/// Replaces a file by one that all may read.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file =
        tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(folder).map_err(Error::file("open", path))?;
    file.write_all(bytes).map_err(Error::file("write", path))?;
    readable(file.as_file(), path)?;
    file.persist(path).map_err(|error| Error::file("rename", path)(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn readable(file: &File, path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(Error::file("chmod", path))
}

#[cfg(not(unix))]
fn readable(_: &File, _: &Path) -> Result<(), Error> {
    Ok(())
}

/// The SHA-256 of the index that a cache has of a repository, as far as it is known without reading it.
#[must_use]
pub fn index_digest(cache: &Path, name: &str) -> Option<[u8; 32]> {
    side::origin(&cache_files(cache, name).ok()?.side).map(|origin| origin.sha256)
}

/// Opens the index that a cache has of a repository.
///
/// # Errors
/// When there is none, or it is no index.
pub fn open_index(cache: &Path, name: &str) -> Result<Index, Error> {
    let files = cache_files(cache, name)?;
    let metadata = files.index.metadata().map_err(Error::file("open", &files.index))?;
    let stamp = Stamp::of(&metadata);
    if let Some(mut origin) = side::origin(&files.side) {
        let is_moved = origin.stamp != stamp;
        let is_same = !is_moved || side::hash(&files.index).is_ok_and(|sha256| sha256 == origin.sha256);
        if let Some((_, index)) = is_same.then(|| side::read(&files.side)).flatten() {
            if is_moved {
                origin.stamp = stamp;
                let _ = side::write(&files.side, &origin, &index);
            }
            return Ok(index);
        }
    }
    let source = files.index.to_string_lossy();
    let index =
        read_index(&files.index, &source).map_err(|error| Error::text(format!("error loading {source}: {error}")))?;
    if metadata.len() >= SMALL
        && let Ok(sha256) = side::hash(&files.index)
        && files.index.metadata().is_ok_and(|after| Stamp::of(&after) == stamp)
    {
        let _ = side::write(&files.side, &Origin { stamp, sha256, ..Origin::default() }, &index);
    }
    Ok(index)
}

/// Fetches the index at a URL, to be used once.
pub(crate) fn fetch_once(cache: &Path, url: &str, access: &Access, fetcher: &Fetcher) -> Result<Index, Error> {
    let index_url = index_url(url)?;
    let mut answer = fetcher.get(&index_url, access, &Ask::default())?;
    create_dir_all(cache).map_err(Error::file("mkdir", cache))?;
    let (temporary, _) = save(&mut answer.body, cache, &index_url, LONGEST)?;
    read_index(temporary.path(), url)
}

#[cfg(test)]
mod tests;
