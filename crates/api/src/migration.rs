//! From Helm 2 to Helm 4: `/v1/migrations`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Reason;
use crate::route::{Body, CHANGE_MEDIA, JSON_OR_YAML, Method, Response, Route, Shape};

/// In what Tiller keeps its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TillerStorage {
    /// ConfigMaps, Tiller's default.
    #[default]
    ConfigMap,
    /// Secrets (`--storage secret`).
    Secret,
}

/// Where Tiller keeps its records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TillerRecords {
    /// The namespace of Tiller; `kube-system` if there is none.
    pub namespace: Option<String>,
    /// In what it keeps them.
    pub storage: TillerStorage,
}

/// Which releases of a Tiller are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"releases": ["shop"], "revisions": 10}))]
pub struct MigrationBody {
    /// The cluster; `default` if there is none.
    pub cluster: Option<String>,
    /// Where Tiller keeps its records.
    pub tiller: TillerRecords,
    /// Names of releases; none are all.
    pub releases: Vec<String>,
    /// How many revisions of each, the newest ones; none are all.
    #[schema(minimum = 1)]
    pub revisions: Option<u32>,
}

/// Which of a Tiller's records are to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"dryRun": true}))]
pub struct MigrationCleanupBody {
    /// The cluster; `default` if there is none.
    pub cluster: Option<String>,
    /// Where Tiller keeps its records.
    pub tiller: TillerRecords,
    /// Names of releases; none are all.
    pub releases: Vec<String>,
    /// Says what would be removed, and removes nothing.
    pub dry_run: bool,
}

/// Where a release stands on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MigrationState {
    /// There is something to do.
    Pending,
    /// It has been brought over, now or before.
    Done,
    /// It cannot be brought over as things are; `reason` says why.
    Blocked,
    /// It could not be brought over this time; `reason` says why.
    Failed,
}

/// What is done to a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MigrationStep {
    /// A record is written.
    Write,
    /// The record that an earlier try has left is brought up to date.
    Update,
    /// The record is there.
    There,
}

/// A revision that Helm 4 has or is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigratedRevision {
    /// Its number.
    pub revision: u32,
    /// Its status, in Helm 4's words.
    pub status: String,
    /// What is done to it.
    pub step: MigrationStep,
}

/// A release of a Tiller on its way to Helm 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigratedRelease {
    /// The release.
    pub name: String,
    /// Its namespace, where Helm 4 keeps its records; not known of one that was brought over before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Where it stands.
    pub state: MigrationState,
    /// Why it does not get on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its revisions, the oldest first; none of one that was brought over before.
    pub revisions: Vec<MigratedRevision>,
    /// How many live objects are marked as the release's own.
    pub objects: u32,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// Releases of a Tiller on their way to Helm 4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// The releases, by name.
    pub releases: Vec<MigratedRelease>,
    /// Whether all that were asked for are here; if not, time was up, and the same request goes on with the others.
    pub complete: bool,
}

/// What Tiller had kept of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovedRecords {
    /// The release.
    pub name: String,
    /// The names of the ConfigMaps or Secrets that are removed, the oldest first; none of one that was not brought over.
    pub removed: Vec<String>,
    /// Why not all could be removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What Tiller had kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MigrationCleanup {
    /// Each release, by name.
    pub releases: Vec<RemovedRecords>,
}

/// The problems of all three.
const PROBLEMS: &[Reason] = &[
    Reason::InvalidBody,
    Reason::InvalidInput,
    Reason::InvalidNamespace,
    Reason::UnsupportedMediaType,
    Reason::BodyTooLarge,
    Reason::BodyTimeout,
    Reason::ClusterNotFound,
    Reason::UnsupportedByEngine,
    Reason::ReleaseNotFound,
    Reason::RecordUnreadable,
];

const fn body(shape: &'static str, doc: &'static str) -> Option<Body> {
    Some(Body { required: true, media: CHANGE_MEDIA, shape: Shape::Of(shape), doc })
}

const fn answer(shape: &'static str, doc: &'static str) -> Response {
    Response { status: 200, doc, media: JSON_OR_YAML, shape: Shape::Of(shape), headers: &[] }
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "migration_plan",
        method: Method::Post,
        path: "/v1/migrations/plan",
        tag: "migrations",
        summary: "Shows what a migration from Helm 2 would do",
        description: "Which releases of a Tiller would be brought over, what stands in the way of others, and what a person should know of \
            them. Nothing is changed.",
        parameters: &[],
        body: body("MigrationBody", "Which releases."),
        responses: &[answer("Migration", "What would be done.")],
        problems: PROBLEMS,
    },
    Route {
        id: "migration_run",
        method: Method::Post,
        path: "/v1/migrations",
        tag: "migrations",
        summary: "Brings releases of Helm 2 over to Helm 4",
        description: "Helm 4's records of a Tiller's releases are written into their namespaces, and their live objects are marked as Helm 4 \
            marks its own, so that it can upgrade them at once; Tiller's records stay. It works for 20 seconds at most and answers \
            with where each release stands: as long as `complete` is false, the same request goes on with the others. It may stop \
            anywhere and be sent again, to any replica; what is done is not done twice.",
        parameters: &[],
        body: body("MigrationBody", "Which releases."),
        responses: &[answer("Migration", "What was done.")],
        problems: PROBLEMS,
    },
    Route {
        id: "migration_cleanup",
        method: Method::Post,
        path: "/v1/migrations/cleanup",
        tag: "migrations",
        summary: "Removes what Tiller has kept of releases that were brought over",
        description: "With all their revisions. Records of other releases, and of releases that Tiller has changed since, stay. After that there \
            is no way back to Helm 2.",
        parameters: &[],
        body: body("MigrationCleanupBody", "Which releases."),
        responses: &[answer("MigrationCleanup", "What was removed.")],
        problems: PROBLEMS,
    },
];
