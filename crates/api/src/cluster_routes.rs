//! Clusters: `/v1/clusters`.

use crate::parameter::{CLUSTER, Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, CHANGE_MEDIA, JSON_OR_YAML, Method, Response, Route, Shape};

const ALL: &str = "/v1/clusters";
const ONE: &str = "/v1/clusters/{cluster}";

const IF_MATCH: Param = Param {
    name: "If-Match",
    location: Location::Header,
    kind: ParamType::Text,
    doc: "Only when the `ETag` of the cluster is this, or one of the same kubeconfig; `*`: only when there is such a cluster.",
    example: "",
};
const IF_NONE_MATCH: Param = Param {
    name: "If-None-Match",
    location: Location::Header,
    kind: ParamType::Text,
    doc: "`*`: only when there is no such cluster.",
    example: "*",
};

const BODY: Body = Body {
    required: true,
    media: CHANGE_MEDIA,
    shape: Shape::Of("ClusterBody"),
    doc: "How the cluster is reached. Credentials are written and never returned.",
};

/// Problems of writing.
const WRITING: &[Reason] = &[
    Reason::InvalidBody,
    Reason::InvalidInput,
    Reason::UnsupportedMediaType,
    Reason::BodyTooLarge,
    Reason::BodyTimeout,
    Reason::ClusterExists,
    Reason::ClusterReadOnly,
    Reason::PreconditionFailed,
    Reason::ClusterForbidden,
    Reason::ClusterUnreachable,
    Reason::ClusterError,
];

const fn shown(status: u16, doc: &'static str, headers: &'static [&'static str]) -> Response {
    Response { status, doc, media: JSON_OR_YAML, shape: Shape::Of("Cluster"), headers }
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "cluster_list",
        method: Method::Get,
        path: ALL,
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
        id: "cluster_create",
        method: Method::Post,
        path: ALL,
        tag: "clusters",
        summary: "Adds a cluster",
        description: "It is kept as a labelled Secret in the server's own namespace, and known to all replicas within seconds. It need not \
            be there yet: the answer says whether it can be reached.",
        parameters: &[],
        body: Some(BODY),
        responses: &[shown(201, "The cluster was added.", &["ETag", "Location"])],
        problems: WRITING,
    },
    Route {
        id: "cluster_get",
        method: Method::Get,
        path: ONE,
        tag: "clusters",
        summary: "Shows a cluster",
        description: "",
        parameters: &[CLUSTER],
        body: None,
        responses: &[shown(200, "The cluster.", &["ETag"])],
        problems: &[Reason::ClusterNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "cluster_apply",
        method: Method::Put,
        path: ONE,
        tag: "clusters",
        summary: "Adds a cluster or exchanges its kubeconfig",
        description: "Operations that run there go on with the kubeconfig that they began with. Clusters that were named by a flag, and \
            `default`, cannot be changed here.",
        parameters: &[CLUSTER, IF_MATCH, IF_NONE_MATCH],
        body: Some(BODY),
        responses: &[
            shown(200, "The kubeconfig was exchanged.", &["ETag"]),
            shown(201, "The cluster was added.", &["ETag", "Location"]),
        ],
        problems: WRITING,
    },
    Route {
        id: "cluster_delete",
        method: Method::Delete,
        path: ONE,
        tag: "clusters",
        summary: "Forgets a cluster",
        description: "Its releases stay where they are; what was known of operations there is forgotten.",
        parameters: &[CLUSTER, IF_MATCH],
        body: None,
        responses: &[Response {
            status: 204,
            doc: "The cluster was forgotten.",
            media: &[],
            shape: Shape::Nothing,
            headers: &[],
        }],
        problems: &[
            Reason::ClusterNotFound,
            Reason::ClusterReadOnly,
            Reason::PreconditionFailed,
            Reason::ClusterForbidden,
            Reason::ClusterUnreachable,
            Reason::ClusterError,
        ],
    },
];
