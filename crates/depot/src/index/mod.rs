//! What an index says, kept small: of each version only what finding and fetching it needs
//! (as Helm 4.3: `pkg/repo/v1/index.go`).
//!
//! A YAML index is read in pieces, a version at a time (`pieces`), and a JSON one by `serde_json` (`json`). What these do
//! not surely understand is read whole, exactly as Helm reads it (`whole`), which also finds the words for what is wrong.

pub(crate) mod decode;
mod json;
mod pieces;
mod store;
mod whole;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use chart::semver::Constraints;

use crate::error::Error;

pub(crate) use store::{Builder, FIELDS, Place};
pub use store::{Index, Skipped, Version};
pub(crate) use whole::{file, has};

/// The longest index that is read; Helm has no limit.
const LONGEST: u64 = 1 << 30;
/// The longest index that is read whole, with a tree of it in memory.
const LONGEST_WHOLE: u64 = 64 << 20;
/// The longest line, and the longest part of an index that is read at once.
const LONGEST_PIECE: usize = 16 << 20;

/// Why the quick ways do not read an index: it has to be read whole.
#[derive(Debug)]
pub(crate) enum Odd {
    /// Something is unusual or wrong.
    Unusual,
    /// A version is wrong, so all of the index is.
    Wrong(String),
    /// There is more than may be kept.
    TooLarge(String),
    /// The file cannot be read.
    Io(std::io::Error),
}

impl From<std::io::Error> for Odd {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads the index in a file; `source` is what errors call it.
///
/// # Errors
/// In Helm's words: an index that is empty, has no API version, or is not what an index has to be.
pub fn read_index(path: &Path, source: &str) -> Result<Index, Error> {
    let mut file = File::open(path).map_err(Error::file("open", path))?;
    let length = file.metadata().map_err(Error::file("stat", path))?.len();
    if length == 0 {
        return Err(Error::text("empty index.yaml file"));
    }
    if length > LONGEST {
        return Err(Error::text(format!(
            "the index of {source} has {length} bytes, more than the {LONGEST} that are read"
        )));
    }
    let mut reader = BufReader::with_capacity(256 << 10, &mut file);
    match in_pieces(&mut reader) {
        Ok(index) => Ok(index),
        Err(Odd::TooLarge(what)) => Err(Error::text(format!("the index of {source} is too large: {what}"))),
        Err(Odd::Io(cause)) => Err(Error::file("read", path)(cause)),
        Err(Odd::Wrong(what)) if length > LONGEST_WHOLE => Err(Error::text(format!("{what} in the index of {source}"))),
        Err(Odd::Unusual) if length > LONGEST_WHOLE => Err(Error::text(format!(
            "the index of {source} cannot be read in pieces, and its {length} bytes are more than the {LONGEST_WHOLE} that are \
             read at once"
        ))),
        Err(Odd::Unusual | Odd::Wrong(_)) => {
            let mut bytes = Vec::new();
            file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(Error::file("read", path))?;
            whole::read(&bytes).map_err(Error::text)
        }
    }
}

/// Reads an index in the quick way.
fn in_pieces(reader: &mut impl BufRead) -> Result<Index, Odd> {
    if json::begins(reader)? { json::read(reader) } else { pieces::read(reader) }
}

/// Reads an index in the quick way, if that takes it, and as a whole, for who holds the two against each other (`fuzz/`).
#[doc(hidden)]
pub fn read_both_ways(mut bytes: &[u8]) -> (Option<Index>, Result<Index, String>) {
    let whole = whole::read(bytes);
    (in_pieces(&mut bytes).ok(), whole)
}

/// What a person should know of what was found in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A version is not taken.
    Skipped {
        /// The version.
        skipped: Skipped,
        /// Where the index comes from.
        source: String,
    },
    /// There is no such version, another one is near.
    Nearest {
        /// The chart.
        chart: String,
        /// The version that was asked for.
        requested: String,
        /// The version that was chosen.
        selected: String,
    },
}

impl Index {
    /// Finds a chart in a version, or in the newest one that fits; empty is the newest stable one.
    ///
    /// # Errors
    /// When there is no such chart or version, in Helm's words.
    pub fn get(&self, chart: &str, version: &str) -> Result<(Version<'_>, Option<Notice>), Error> {
        let Some(versions) = self.versions(chart) else { return Err(Error::text("no chart name found")) };
        let wanted = if version.is_empty() { "*" } else { version };
        let constraint = match versions.len() {
            0 => return Err(Error::text("no chart version found")),
            _ => Constraints::parse(wanted).map_err(|error| Error::text(error.to_string()))?,
        };
        if let Some(found) = versions.iter().find(|found| found.version() == version && !version.is_empty()) {
            return Ok((*found, None));
        }
        let fits = |found: &&Version<'_>| {
            chart::semver::Version::parse(found.version()).is_ok_and(|version| constraint.check(&version))
        };
        let Some(found) = versions.iter().find(fits) else {
            return Err(Error::text(format!("no chart version found for {chart}-{version}")));
        };
        let notice = (!version.is_empty() && !is_range(version)).then(|| Notice::Nearest {
            chart: chart.to_owned(),
            requested: version.to_owned(),
            selected: found.version().to_owned(),
        });
        Ok((*found, notice))
    }
}

/// Tells whether a text stands for several versions.
fn is_range(version: &str) -> bool {
    if version.contains(['^', '~', '<', '>', '=', '!', '*']) || version.contains("||") || version.contains(" - ") {
        return true;
    }
    version.split(['-', '+']).next().is_some_and(|core| core.contains(['x', 'X']))
}

#[cfg(test)]
mod tests;
