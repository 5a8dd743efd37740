//! The objects of a release as they are: `…/resources` and `…/drift`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::CLUSTER;
use crate::plan::FieldChange;
use crate::release_routes::parameters::{NAME, NAMESPACE};
use crate::release_routes::problems;
use crate::route::{JSON_OR_YAML, Method, Response, Route, Shape};

/// The objects of a release.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResourceList {
    /// The objects of the last revision's manifest, in its order.
    pub items: Vec<Resource>,
}

/// An object as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// `apps/v1`, `v1` …
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// Its namespace; left out when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How it stands by the rules of kstatus: `Current`, `InProgress`, `Failed`, `Terminating`, `NotFound`, or `Unknown` when
    /// it cannot be read.
    #[schema(example = "Current")]
    pub status: String,
    /// Why, for a person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The images of its containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<String>,
    /// What has happened to it, the newest first; ten at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ResourceEvent>,
    /// What it owns: the ReplicaSets of a Deployment, their Pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub owns: Vec<Resource>,
}

/// What has happened to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceEvent {
    /// Whether it is something to worry about.
    pub warning: bool,
    /// One word.
    pub reason: String,
    /// More.
    pub message: String,
    /// How often.
    pub count: u64,
    /// When it was last seen.
    #[schema(format = DateTime)]
    pub last_seen_at: String,
}

/// What is no longer as the last revision put it. What Secrets hold is not shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The last revision.
    pub revision: u32,
    /// Whether anything differs.
    pub drifted: bool,
    /// The objects of its manifest, in its order.
    pub objects: Vec<DriftedObject>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// An object of a release, and whether it is as it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftedObject {
    /// `apps/v1`, `v1` …
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// Its namespace; left out when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// How it compares.
    pub state: DriftState,
    /// The fields that differ: `before` is what they are, `after` what the revision puts there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

/// How an object compares to what the release put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DriftState {
    /// It is as it should be.
    Same,
    /// Somebody has changed it.
    Changed,
    /// It is gone.
    Missing,
    /// It cannot be found out: it may not be read, or the cluster refuses to try.
    Unknown,
}

const fn read(
    id: &'static str,
    path: &'static str,
    summary: &'static str,
    description: &'static str,
    responses: &'static [Response],
) -> Route {
    Route {
        id,
        method: Method::Get,
        path,
        tag: "releases",
        summary,
        description,
        parameters: &[CLUSTER, NAMESPACE, NAME],
        body: None,
        responses,
        problems: problems::LIVE,
    }
}

const fn found(doc: &'static str, shape: &'static str) -> Response {
    Response { status: 200, doc, media: JSON_OR_YAML, shape: Shape::Of(shape), headers: &[] }
}

pub(crate) const ROUTES: &[Route] = &[
    read(
        "release_resources",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/resources",
        "Shows the objects of a release as they are",
        "Each with its status, images and newest events, and what it owns.",
        &[found("The objects.", "ResourceList")],
    ),
    read(
        "release_drift",
        "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/drift",
        "Shows what is no longer as the release put it",
        "Found by asking the cluster to try to apply the last revision again; nothing is changed.",
        &[found("The objects, and the fields that differ.", "Drift")],
    ),
];
