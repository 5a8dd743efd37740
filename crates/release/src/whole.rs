//! Writing a release with what its record keeps beside the JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::marks::Marks;
use crate::record::Release;

#[derive(Serialize)]
struct Written<'r> {
    record: &'r Release,
    labels: &'r BTreeMap<String, String>,
    marks: &'r Marks,
}

#[derive(Deserialize)]
struct Read {
    record: Release,
    labels: BTreeMap<String, String>,
    marks: Marks,
}

/// Writes one, for `#[serde(with = "release::whole")]`.
///
/// # Errors
/// Those of the format.
pub fn serialize<S: Serializer>(release: &Release, serializer: S) -> Result<S::Ok, S::Error> {
    Written { record: release, labels: &release.labels, marks: &release.marks }.serialize(serializer)
}

/// Reads one.
///
/// # Errors
/// Those of the format.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Release, D::Error> {
    let Read { record, labels, marks } = Read::deserialize(deserializer)?;
    Ok(Release { labels, marks, ..record })
}
