//! Releases and their revisions: `/v1/clusters/{cluster}/namespaces/{namespace}/releases`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use utoipa::ToSchema;

use crate::cluster::UnreachableCluster;

/// A release as its newest record has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The revision, from 1.
    pub revision: u32,
    /// `deployed`, `failed`, `superseded`, `uninstalled`, `pending-install` … as Helm writes it.
    #[schema(example = "deployed")]
    pub status: String,
    /// What happened last, for a person.
    pub description: String,
    /// The chart.
    pub chart: ChartSummary,
    /// When the first revision was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub first_deployed_at: Option<String>,
    /// When this revision was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_deployed_at: Option<String>,
    /// When it was uninstalled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub deleted_at: Option<String>,
    /// The revision that this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_revision: Option<u32>,
    /// `ssa` (server-side apply) or `csa` (three-way merge in the client).
    pub apply_method: String,
    /// The record's own labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// The little of a chart that a list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartSummary {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The version of what it installs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_version: String,
}

/// A release in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseSummary {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The revision.
    pub revision: u32,
    /// The status as Helm writes it.
    #[schema(example = "deployed")]
    pub status: String,
    /// The chart.
    pub chart: ChartSummary,
    /// When it was changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
    /// The record's own labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Why the record cannot be read; chart and time are then unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A page of releases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseList {
    /// The releases.
    pub items: Vec<ReleaseSummary>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
    /// The clusters whose releases are missing, of a list across clusters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreachable: Vec<UnreachableCluster>,
}

/// One revision of a release's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The revision.
    pub revision: u32,
    /// The status as Helm writes it.
    pub status: String,
    /// When it was deployed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub updated_at: Option<String>,
    /// The chart.
    pub chart: ChartSummary,
    /// What happened, for a person.
    pub description: String,
    /// The revision that this one went back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_revision: Option<u32>,
    /// Why the record cannot be read; all but revision and status are then unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A release's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RevisionList {
    /// The revisions, the oldest first as `helm history` prints them.
    pub items: Vec<Revision>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
}

/// A release's manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// The YAML text as `helm get manifest` prints it.
    pub manifest: String,
}

/// A release's notes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notes {
    /// The text of `NOTES.txt`, rendered.
    pub notes: String,
}

/// A revision as Helm keeps it, whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReleaseRecord)]
pub struct Record {
    /// The record as Helm writes it: `name`, `info`, `chart`, `config`, `manifest`, `hooks`, `version`, `namespace`.
    #[schema(value_type = Object)]
    pub release: serde_json::Map<String, serde_json::Value>,
    /// The record's own labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The labels that Helm keeps for itself; of the last revision only, and not where a database holds the records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub system_labels: BTreeMap<String, String>,
}

/// A hook of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hook {
    /// The object's name.
    pub name: String,
    /// The object's kind.
    pub kind: String,
    /// The template it came from.
    pub path: String,
    /// When it runs: `pre-install`, `post-upgrade`, `test` …
    pub events: Vec<String>,
    /// The order among hooks of an event.
    pub weight: i64,
    /// When the object is deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete_policies: Vec<String>,
    /// The YAML text.
    pub manifest: String,
    /// How the last run ended: `Unknown`, `Running`, `Succeeded` or `Failed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

/// The hooks of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HookList {
    /// The hooks.
    pub items: Vec<Hook>,
}
