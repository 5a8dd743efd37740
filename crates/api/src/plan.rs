//! What a change would do, and what revisions differ in: `…/plan` and `…/diff`.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::chart::Metadata;
use crate::operation::Kind;
use crate::parameter::CLUSTER;
use crate::problem::FailedResource;
use crate::release::{Hook, Release, Revision};
use crate::release_routes::parameters::{IF_MATCH, IF_NONE_MATCH, NAME, NAMESPACE};
use crate::release_routes::problems;
use crate::route::{Body, CHANGE_MEDIA, JSON_OR_YAML, Method, Response, Route, Shape};

/// What a change would do, object by object and field by field. What Secrets hold is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What would be done.
    pub kind: Kind,
    /// The release as it would be recorded at first.
    pub release: Release,
    /// Whether anything would be sent, deleted or run; the record of a new revision apart.
    pub changes: bool,
    /// What would become of each object, in the order it would be done in.
    pub objects: Vec<PlannedObject>,
    /// The hooks that would run, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<PlannedHook>,
    /// The objects that the cluster would refuse: fields that others own, and what cannot be changed. A change that has
    /// some fails before it has changed anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<FailedResource>,
    /// What an uninstall leaves where it is because its resource policy says so: `[Kind] name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<String>,
    /// What a person should know beforehand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Stands for all of this: with it as `planDigest` a change is what this plan says, or fails with 412.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub plan_digest: String,
}

/// What would become of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedObject {
    /// `apps/v1`, `v1` …
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// Its namespace; left out when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// What would be done to it.
    pub action: PlannedAction,
    /// The fields that would change, as far as that is known beforehand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// What would be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum PlannedAction {
    /// It is not there and is created.
    Create,
    /// It is created unless it is there: the namespace, and objects of `crds/`.
    Ensure,
    /// It is there, part of the release, and sent again.
    Patch,
    /// It is put in the place of what is there.
    Replace,
    /// It is there and becomes part of the release.
    Adopt,
    /// It is there as it should be.
    Unchanged,
    /// It is deleted.
    Delete,
    /// It stays, because its resource policy says so, and is no longer part of the release.
    Keep,
}

/// A field that has one value and would have another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    /// Where it is.
    #[schema(example = ".spec.replicas")]
    pub path: String,
    /// What it is; left out when it is not there.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it would be; left out when it would be gone.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Reads `null` as a value that is there.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A hook that would run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedHook {
    /// When: `pre-install`, `post-upgrade` …
    pub event: String,
    /// The object's kind.
    pub kind: String,
    /// The object's name.
    pub name: String,
}

/// What a change would store, when it was only tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    /// `client` or `server`.
    pub dry_run: String,
    /// The release.
    pub release: Release,
    /// What the chart says of itself.
    pub chart: Metadata,
    /// The user's values.
    #[schema(value_type = Object)]
    pub values: serde_json::Map<String, Value>,
    /// The manifest.
    pub manifest: String,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The notes.
    pub notes: String,
    /// What would be done to get there.
    pub plan: Plan,
    /// The record as Helm writes it, with `record=true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub record: Option<serde_json::Map<String, Value>>,
}

/// Which revisions are compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"from": 1, "to": 2}))]
pub struct DiffBody {
    /// The older one; the one before `to` when left out.
    #[schema(minimum = 1)]
    pub from: Option<u32>,
    /// The newer one; the last when left out.
    #[schema(minimum = 1)]
    pub to: Option<u32>,
}

/// What two revisions of a release differ in. What Secrets hold is not shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RevisionDiff {
    /// The older one.
    pub from: Revision,
    /// The newer one.
    pub to: Revision,
    /// The user's values that differ.
    pub values: Vec<FieldChange>,
    /// The objects of the manifests that differ.
    pub objects: Vec<ChangedObject>,
    /// The hooks that differ.
    pub hooks: Vec<ChangedObject>,
    /// Whether the notes differ.
    pub notes: bool,
}

/// An object that is not the same in two revisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangedObject {
    /// `apps/v1`, `v1` …
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace that its manifest names; left out when it names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// In what way it differs.
    pub change: ObjectChange,
    /// The fields that differ, of an object that both have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// In what way an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ObjectChange {
    /// Only the newer revision has it.
    Added,
    /// Only the older revision has it.
    Removed,
    /// Both have it.
    Changed,
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "release_plan",
        method: Method::Post,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/plan",
        tag: "releases",
        summary: "Shows what a change would do",
        description: "With a chart as PUT, without one as PATCH; nothing is changed. What differs is found by asking the \
            cluster to try, so that defaults and other owners count. What Secrets hold is hidden. A PUT or PATCH with the \
            answer's `planDigest` does exactly this, or answers 412.",
        parameters: &[CLUSTER, NAMESPACE, NAME, IF_MATCH, IF_NONE_MATCH],
        body: Some(Body {
            required: true,
            media: CHANGE_MEDIA,
            shape: Shape::Of("ChangeBody"),
            doc: "What to put in place.",
        }),
        responses: &[Response {
            status: 200,
            doc: "The plan.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Plan"),
            headers: &[],
        }],
        problems: problems::CHANGE,
    },
    Route {
        id: "release_diff",
        method: Method::Post,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/diff",
        tag: "revisions",
        summary: "Compares two revisions",
        description: "Their values, objects and hooks, as they were recorded. What Secrets hold is hidden.",
        parameters: &[CLUSTER, NAMESPACE, NAME],
        body: Some(Body {
            required: false,
            media: CHANGE_MEDIA,
            shape: Shape::Of("DiffBody"),
            doc: "Which revisions; without it the last and the one before.",
        }),
        responses: &[Response {
            status: 200,
            doc: "What differs.",
            media: JSON_OR_YAML,
            shape: Shape::Of("RevisionDiff"),
            headers: &[],
        }],
        problems: problems::COMPARE,
    },
];
