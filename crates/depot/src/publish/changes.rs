//! What is put into a repository's folder, and taken out of it: by renaming what is whole, so that nobody sees a half.

use std::io;

use chart::provenance::About;
use chart::{Limits, load_archive};
use sha2::{Digest, Sha256};

use super::file::{self, Ready};
use super::folder::{Folder, LONGEST_PROOF, lock};
use crate::error::Error;

/// What is to be put into a repository: an archive, a provenance file, or both.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upload<'a> {
    /// The archive.
    pub archive: Option<&'a [u8]>,
    /// The provenance file.
    pub proof: Option<&'a [u8]>,
    /// Replace what is there.
    pub force: bool,
}

/// What was put into a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The name of the archive's file.
    pub file: String,
}

/// Why a repository was not changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no archive and no provenance file.
    #[error("there is neither an archive nor a provenance file")]
    Nothing,
    /// The archive is no chart that could be listed.
    #[error("{0}")]
    Archive(String),
    /// The chart would lie somewhere else, or under a name that is none everywhere.
    #[error(
        "`{0}` cannot be the name of a file: letters, digits and `._+-` can be in it, and it does not begin with a dot"
    )]
    Name(String),
    /// The provenance file is none, or is about something else.
    #[error("{0}")]
    Proof(String),
    /// It is there already.
    #[error("`{0}` is there already; `?force` replaces it")]
    Exists(String),
    /// There are too many archives.
    #[error("the repository has as many archives as it can have; delete some")]
    Full,
    /// The folder cannot be written to.
    #[error("the folder of the repository cannot be written to: {}", chart::text::io_error(.0))]
    Unwritable(io::Error),
    /// The folder cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Error),
}

/// A change that was checked.
struct Checked {
    stored: Stored,
    digest: String,
}

impl Folder {
    /// Puts a chart, its provenance file, or both into the folder, after they were read. Of two that put the same chart, one wins.
    ///
    /// # Errors
    /// When what was sent is no chart, is there already, or cannot be written.
    pub fn put(&self, upload: &Upload<'_>) -> Result<Stored, Refused> {
        let archive = upload.archive.map(|bytes| self.check(bytes)).transpose()?;
        let proof = upload.proof.map(about).transpose()?;
        let _one = lock(&self.changing);
        let done = match (archive, proof) {
            (None, None) => Err(Refused::Nothing),
            (Some(checked), proof) => self.put_archive(upload, checked, proof.as_ref()),
            (None, Some(proof)) => self.put_proof(upload, &proof),
        };
        self.forget();
        done
    }

    /// Reads an archive that is to be put into the folder.
    fn check(&self, bytes: &[u8]) -> Result<Checked, Refused> {
        let loaded = load_archive(bytes, &Limits::default()).map_err(|error| Refused::Archive(error.to_string()))?;
        let (name, version) = (loaded.metadata.name.clone(), loaded.metadata.version.clone());
        let file = named(&name, &version)?;
        let digest = hex::encode(Sha256::digest(bytes));
        self.describe(&file, loaded.metadata, String::new(), digest.clone()).map_err(Refused::Archive)?;
        Ok(Checked { stored: Stored { name, version, file }, digest })
    }

    fn put_archive(&self, upload: &Upload<'_>, checked: Checked, proof: Option<&About>) -> Result<Stored, Refused> {
        let Checked { stored, digest } = checked;
        if let Some(about) = proof {
            fits(about, &stored, &digest)?;
        }
        // The same version may be there in a file of another name.
        let others = self.others(&stored)?;
        if let Some(other) = others.first().filter(|_| !upload.force) {
            return Err(Refused::Exists(other.clone()));
        }
        let ready = |bytes: &[u8]| Ready::write(&self.path, bytes).map_err(Refused::Unwritable);
        let archive = ready(upload.archive.unwrap_or_default())?;
        let proof = upload.proof.map(ready).transpose()?;
        archive.place(&self.path.join(&stored.file), upload.force).map_err(|error| taken(&stored.file, error))?;
        let proof_file = format!("{}.prov", stored.file);
        match proof {
            // One without its archive was nobody's.
            Some(proof) => proof.place(&self.path.join(proof_file), true).map_err(Refused::Unwritable)?,
            None => self.remove_stale(&stored, &digest)?,
        }
        for other in others {
            self.remove_both(&other)?;
        }
        Ok(stored)
    }

    /// Removes a provenance file that is of another archive.
    fn remove_stale(&self, stored: &Stored, digest: &str) -> Result<(), Refused> {
        let path = self.path.join(format!("{}.prov", stored.file));
        let Some((opened, _)) = file::open(&path).map_err(Error::file("open", &path))? else { return Ok(()) };
        let bytes = file::read(opened, LONGEST_PROOF).unwrap_or_default();
        if About::read(&bytes).is_ok_and(|about| fits(&about, stored, digest).is_ok()) {
            return Ok(());
        }
        gone(std::fs::remove_file(&path)).map(drop)
    }

    fn put_proof(&self, upload: &Upload<'_>, about: &About) -> Result<Stored, Refused> {
        let file = named(&about.name, &about.version)?;
        let stored = Stored { name: about.name.clone(), version: about.version.clone(), file };
        let path = self.path.join(&stored.file);
        let opened = file::open(&path).map_err(Error::file("open", &path))?;
        let Some((opened, _)) = opened else {
            return Err(Refused::Proof(format!(
                "there is no archive `{}` that it could be of; send that first",
                stored.file
            )));
        };
        let bytes = file::read(opened, Limits::default().max_bytes).map_err(Error::file("read", &path))?;
        fits(about, &stored, &hex::encode(Sha256::digest(bytes)))?;
        let file = format!("{}.prov", stored.file);
        let ready = Ready::write(&self.path, upload.proof.unwrap_or_default()).map_err(Refused::Unwritable)?;
        ready.place(&self.path.join(&file), upload.force).map_err(|error| taken(&file, error))?;
        Ok(stored)
    }

    /// Removes a version of a chart with its provenance file; tells whether it was there.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn remove(&self, name: &str, version: &str) -> Result<bool, Refused> {
        let _one = lock(&self.changing);
        self.forget();
        let shown = self.refresh()?;
        let files: Vec<String> =
            shown.versions(name).filter(|archive| archive.version == version).map(|it| it.file.clone()).collect();
        for file in &files {
            self.remove_both(file)?;
        }
        self.forget();
        Ok(!files.is_empty())
    }

    fn remove_both(&self, file: &str) -> Result<(), Refused> {
        // In this order, so that no provenance file is left for an archive that comes later.
        gone(std::fs::remove_file(self.path.join(format!("{file}.prov"))))?;
        gone(std::fs::remove_file(self.path.join(file)))
    }

    /// The files of another name that hold the same version of the same chart.
    fn others(&self, stored: &Stored) -> Result<Vec<String>, Refused> {
        self.forget();
        let shown = self.refresh()?;
        if shown.is_full() {
            return Err(Refused::Full);
        }
        let same = |version: &&super::Archive| version.version == stored.version && version.file != stored.file;
        Ok(shown.versions(&stored.name).filter(same).map(|archive| archive.file.clone()).collect())
    }
}

/// The name of the file of a version.
fn named(name: &str, version: &str) -> Result<String, Refused> {
    let file = format!("{name}-{version}.tgz");
    // Its provenance file has five bytes more.
    if file::is_new_name(&format!("{file}.prov")) { Ok(file) } else { Err(Refused::Name(file)) }
}

/// Reads what a provenance file is about.
fn about(bytes: &[u8]) -> Result<About, Refused> {
    if bytes.len() as u64 > LONGEST_PROOF {
        return Err(Refused::Proof(format!("a provenance file has at most {LONGEST_PROOF} bytes")));
    }
    About::read(bytes).map_err(|error| Refused::Proof(format!("this is no provenance file: {error}")))
}

/// Checks that a provenance file is of this very archive.
fn fits(about: &About, stored: &Stored, digest: &str) -> Result<(), Refused> {
    if (&about.name, &about.version) != (&stored.name, &stored.version) {
        let text = format!("the provenance file is of `{}` {}, not of `{}`", about.name, about.version, stored.file);
        return Err(Refused::Proof(text));
    }
    if about.hash != format!("sha256:{digest}") {
        let text = format!("the provenance file is of an archive `{}` with another hash: {}", stored.file, about.hash);
        return Err(Refused::Proof(text));
    }
    Ok(())
}

fn taken(file: &str, error: io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::AlreadyExists => Refused::Exists(file.to_owned()),
        _ => Refused::Unwritable(error),
    }
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> Result<(), Refused> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Refused::Unwritable(error)),
        _ => Ok(()),
    }
}
