//! What a folder was found to hold, and its index.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chart::semver::Version;
use sha2::{Digest, Sha256};

use super::folder::Lost;
use super::{Newest, piece};
use crate::side::Stamp;

/// The most archives.
pub(super) const MOST: usize = 100_000;
/// The longest index.
const LONGEST: usize = 256 << 20;

/// Archives by their files, each with the state in which it was read.
pub(super) type Files = BTreeMap<String, (Stamp, Option<Arc<Archive>>)>;

/// A folder as it was found.
#[derive(Debug, Default)]
pub struct Shown {
    /// The index.
    pub index: Bytes,
    /// A hash of the index.
    pub tag: String,
    /// The archives by their files; none is one that is in no index.
    pub(super) files: Files,
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
    /// When it was written.
    pub(super) created: String,
    /// The line of an index that has the chart's name.
    pub(super) key: String,
}

impl Shown {
    /// Puts an index together: of what is new there are pieces, of all else the old index has them.
    pub(super) fn of(
        old: &Self,
        files: Files,
        pieces: &BTreeMap<String, String>,
        context: &str,
        lost: &mut Vec<Lost>,
    ) -> Self {
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
        piece::end(&mut text, newest.unwrap_or(chart::time::ZERO), context);
        let tag = hex::encode(Sha256::digest(&text));
        Self { index: Bytes::from(text), tag, files, charts }
    }

    fn text(&self, at: &Range<usize>) -> Option<&str> {
        std::str::from_utf8(self.index.get(at.clone())?).ok()
    }

    /// The archive of a file, and the state in which it was read.
    pub(super) fn archive(&self, file: &str) -> Option<(Stamp, &Arc<Archive>)> {
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
