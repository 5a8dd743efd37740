//! Clusters: `/v1/clusters`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::CLUSTER;
use crate::problem::{Problem, Reason};
use crate::route::{JSON_OR_YAML, Method, Response, Route, Shape};

/// A cluster that releases are installed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// The name in paths; `default` always exists.
    pub name: String,
    /// What does the work.
    pub engine: EngineKind,
    /// Whether it answers.
    pub reachable: bool,
    /// The version of its Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v1.36.0")]
    pub kubernetes_version: Option<String>,
    /// Why it cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// What does the work behind a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum EngineKind {
    /// Helm 4's way, in process.
    #[default]
    Native,
    /// A Helm 2 Tiller.
    Tiller,
}

/// All clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterList {
    /// The clusters by name.
    pub items: Vec<Cluster>,
}

/// A cluster whose releases are missing from a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UnreachableCluster {
    /// Its name.
    pub cluster: String,
    /// Why.
    pub error: Problem,
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "cluster_list",
        method: Method::Get,
        path: "/v1/clusters",
        tag: "clusters",
        summary: "Lists clusters",
        description: "With the version of Kubernetes, or why a cluster cannot be reached.",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The clusters.",
            media: JSON_OR_YAML,
            shape: Shape::Of("ClusterList"),
            headers: &[],
        }],
        problems: &[Reason::InvalidParameter],
    },
    Route {
        id: "cluster_get",
        method: Method::Get,
        path: "/v1/clusters/{cluster}",
        tag: "clusters",
        summary: "Shows a cluster",
        description: "",
        parameters: &[CLUSTER],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The cluster.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Cluster"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ClusterNotFound, Reason::InvalidParameter],
    },
];
