//! How large a record is, and what makes it so.

use std::fmt;

use crate::codec::{self, EncodeError, MAX_ENCODED};
use crate::json;
use crate::record::Release;

/// One part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `manifest`, `notes`, or a file of the chart.
    pub name: String,
    /// Its size in bytes before compression.
    pub bytes: usize,
}

/// A record that no Secret can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// The size as it would be stored.
    pub encoded: usize,
    /// The most that may be stored.
    pub limit: usize,
    /// The largest parts, largest first; their sizes are before compression.
    pub parts: Vec<Part>,
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the release record takes {} bytes, {} are allowed; the largest parts are ",
            self.encoded, self.limit
        )?;
        for (at, part) in self.parts.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}`{}` ({} bytes)", part.name, part.bytes)?;
        }
        Ok(())
    }
}

impl std::error::Error for TooLarge {}

/// The number of parts that [`TooLarge`] names.
const NAMED: usize = 5;

/// Checks that a record has at most as many bytes as its ledger takes ([`crate::Ledger::limit`]), before anything is
/// changed in the cluster. The size, if it does.
///
/// # Errors
/// The outer error when it cannot be encoded at all, the inner when it is too large.
pub fn check(release: &Release, limit: Option<usize>) -> Result<Result<usize, TooLarge>, EncodeError> {
    let encoded = codec::encode(release)?.len();
    Ok(if limit.is_none_or(|limit| encoded <= limit) { Ok(encoded) } else { Err(too_large(release, encoded)) })
}

pub(crate) fn too_large(release: &Release, encoded: usize) -> TooLarge {
    let mut parts = parts(release);
    parts.truncate(NAMED);
    TooLarge { encoded, limit: MAX_ENCODED, parts }
}

/// The parts of a record, largest first.
pub fn parts(release: &Release) -> Vec<Part> {
    let chart = &release.chart;
    let json = |value: &goyaml::Map| json::to_vec(value).map_or(0, |text| text.len());
    let mut parts: Vec<(String, usize)> = vec![
        ("manifest".into(), release.manifest.len()),
        ("hooks".into(), release.hooks.iter().map(|hook| hook.manifest.len()).sum()),
        ("notes".into(), release.info.notes.len()),
        ("values".into(), json(&release.config)),
        ("chart/values.yaml".into(), json(&chart.values)),
        ("chart/values.schema.json".into(), chart.schema.as_ref().map_or(0, |schema| schema.len())),
    ];
    let files = chart.templates.iter().chain(&chart.files);
    parts.extend(files.map(|file| (format!("chart/{}", file.name), file.data.len())));
    parts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    parts.into_iter().filter(|(_, bytes)| *bytes > 0).map(|(name, bytes)| Part { name, bytes }).collect()
}
