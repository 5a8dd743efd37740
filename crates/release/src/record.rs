//! The release record, as Helm 4.3: `pkg/release/v1/{release,info}.go`. The fields are in Go's order, which is the
//! order they are written in.

use std::collections::BTreeMap;
use std::sync::Arc;

use chart::Chart;
use goyaml::Map;
use serde::{Deserialize, Deserializer, Serialize};

use crate::hook::Hook;
use crate::marks::Marks;
use crate::status::Status;
use crate::time::{self, Time};

/// One revision of a release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The release's name.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub name: String,
    /// Times, status, notes.
    #[serde(deserialize_with = "null_default")]
    pub info: Info,
    /// The chart; its subcharts are not stored.
    #[serde(deserialize_with = "null_default")]
    pub chart: Arc<Chart>,
    /// The values the user gave.
    #[serde(skip_serializing_if = "Map::is_empty", deserialize_with = "null_default")]
    pub config: Map,
    /// Everything that was rendered, hooks apart.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub manifest: String,
    /// The hooks.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub hooks: Vec<Hook>,
    /// The revision, from 1.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_default")]
    pub version: u32,
    /// The release's namespace.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub namespace: String,
    /// How objects were applied; `None` (Helm 3) counts as client-side.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "apply_method")]
    pub apply_method: Option<ApplyMethod>,
    /// The user's labels; kept as labels of the stored object, not in the JSON.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
    /// What we note beside the record; annotations of the stored object.
    #[serde(skip)]
    pub marks: Marks,
}

impl Release {
    /// Sets the status and the line that explains it.
    pub fn set_status(&mut self, status: Status, description: impl Into<String>) {
        self.info.status = status;
        self.info.description = description.into();
    }

    /// Tells whether the objects of this revision were applied server-side.
    pub fn is_server_side(&self) -> bool {
        self.apply_method == Some(ApplyMethod::ServerSide)
    }
}

/// How objects were applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum ApplyMethod {
    /// `csa`.
    #[serde(rename = "csa")]
    ClientSide,
    /// `ssa`.
    #[serde(rename = "ssa")]
    ServerSide,
}

impl ApplyMethod {
    /// The method, by who merges.
    pub fn of(server_side: bool) -> Self {
        if server_side { Self::ServerSide } else { Self::ClientSide }
    }

    /// Helm's own word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientSide => "csa",
            Self::ServerSide => "ssa",
        }
    }
}

/// What is known about a revision beside what it is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// When the release was installed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time::optional")]
    pub first_deployed: Option<Time>,
    /// When this revision was made.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time::optional")]
    pub last_deployed: Option<Time>,
    /// When it was uninstalled.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time::optional")]
    pub deleted: Option<Time>,
    /// One line for a person.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub description: String,
    /// Where it stands.
    #[serde(deserialize_with = "null_default")]
    pub status: Status,
    /// The revision that a rollback went back to; 0 for no rollback.
    #[serde(skip_serializing_if = "is_zero", deserialize_with = "null_default")]
    pub rollback_revision: u32,
    /// The rendered `NOTES.txt`.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "null_default")]
    pub notes: String,
}

/// Reads `null` as nothing, as Go does.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads `""`, `null` and any word of another Helm as "not known".
fn apply_method<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ApplyMethod>, D::Error> {
    Ok(match Option::<String>::deserialize(deserializer)?.as_deref() {
        Some("csa") => Some(ApplyMethod::ClientSide),
        Some("ssa") => Some(ApplyMethod::ServerSide),
        _ => None,
    })
}

pub(crate) fn is_zero<T: Default + PartialEq>(number: &T) -> bool {
    *number == T::default()
}
