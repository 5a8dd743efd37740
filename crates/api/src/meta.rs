//! The server itself: what it can do, and how it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Reason;
use crate::route::{JSON, JSON_OR_YAML, Media, Method, Response, Route, Shape};

/// Where to go from here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ServerIndex)]
pub struct Index {
    /// What this is.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// Addresses of collections and of the documentation, by name.
    pub links: std::collections::BTreeMap<String, String>,
}

/// How the server is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "index",
        method: Method::Get,
        path: "/",
        tag: "server",
        summary: "Says where to go from here",
        description: "",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "Links.",
            media: JSON_OR_YAML,
            shape: Shape::Of("ServerIndex"),
            headers: &[],
        }],
        problems: &[],
    },
    Route {
        id: "openapi",
        method: Method::Get,
        path: "/openapi.json",
        tag: "server",
        summary: "Returns this document",
        description: "",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The OpenAPI 3.1 document.",
            media: JSON,
            shape: Shape::Object,
            headers: &[],
        }],
        problems: &[],
    },
    Route {
        id: "docs",
        method: Method::Get,
        path: "/docs",
        tag: "server",
        summary: "Shows this document as a page",
        description: "It needs no network and no script.",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The page.",
            media: &[Media { name: "text/html", text: true }],
            shape: Shape::Text,
            headers: &[],
        }],
        problems: &[],
    },
    Route {
        id: "healthz",
        method: Method::Get,
        path: "/healthz",
        tag: "server",
        summary: "Tells whether the server lives",
        description: "",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "It does.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Health"),
            headers: &[],
        }],
        problems: &[],
    },
    Route {
        id: "readyz",
        method: Method::Get,
        path: "/readyz",
        tag: "server",
        summary: "Tells whether the server can work",
        description: "It can when its cluster answers and it is not shutting down.",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "It can.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Health"),
            headers: &[],
        }],
        problems: &[Reason::ClusterUnreachable, Reason::ClusterForbidden, Reason::ClusterError, Reason::ShuttingDown],
    },
    Route {
        id: "metrics",
        method: Method::Get,
        path: "/metrics",
        tag: "server",
        summary: "Returns what the server has counted and measured",
        description: "For Prometheus: requests by operationId and status, operations by kind and result, calls to Kubernetes by verb \
                      and status, renders, uploads, event streams, and what lists know of each cluster. Nothing names a release.",
        parameters: &[],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The measures.",
            media: &[Media { name: "application/openmetrics-text", text: true }],
            shape: Shape::Text,
            headers: &[],
        }],
        problems: &[],
    },
];
