//! Uploaded charts: `/v1/charts`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::{Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, JSON, JSON_OR_YAML, Media, Method, Response, Route, Shape};

/// A chart that was uploaded; it is kept for a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Chart {
    /// The SHA-256 of the archive, which is the chart's name here.
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: String,
    /// Where it is.
    pub url: String,
    /// The archive's size in bytes.
    pub size: u64,
    /// When it was uploaded first.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it goes.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// What `Chart.yaml` says.
    pub metadata: Metadata,
}

/// What `Chart.yaml` says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// The version of what the chart installs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// One sentence.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `application` or `library`; left out it is `application`.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The Kubernetes versions it is for, as a constraint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The project's page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// A picture.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// Whether nobody should use it any more.
    pub deprecated: bool,
    /// Words to find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Where its source is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// Its subcharts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// The values that turn the whole chart on, where it is a subchart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// The tags that turn the whole chart on, where it is a subchart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// Anything else.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// Who looks after a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Maintainer {
    /// The name.
    pub name: String,
    /// An address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// A page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A subchart as `Chart.yaml` names it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Dependency {
    /// The name.
    pub name: String,
    /// The version or a constraint.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it comes from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// The values that turn it on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// The tags that turn it on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Another name for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
    /// The values that are taken from it: names of its exports, or objects with `child` and `parent`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Value>)]
    pub import_values: Vec<serde_json::Value>,
}

/// How the dependencies that a chart names stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DependencyList {
    /// The dependencies, in the order of `Chart.yaml`.
    pub items: Vec<ListedDependency>,
    /// What `charts/` holds besides, in Helm's words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// How one dependency stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedDependency {
    /// The subchart's name.
    pub name: String,
    /// The version or a constraint.
    pub version: String,
    /// Where it comes from.
    pub repository: String,
    /// Helm's word for how it stands: `ok` (an archive that fits), `unpacked` (a folder that fits), `missing`,
    /// `wrong version` …
    #[schema(example = "ok")]
    pub status: String,
}

/// A page of charts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChartList {
    /// The charts, the newest first.
    pub items: Vec<Chart>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
}

/// A chart's readme.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readme {
    /// The text, usually Markdown.
    pub readme: String,
}

/// A file of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChartFile {
    /// The path below the chart's folder.
    pub name: String,
    /// The size in bytes.
    pub size: u64,
}

/// A file of a chart with its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChartFileContent {
    /// The path below the chart's folder.
    pub name: String,
    /// The text.
    pub data: String,
}

pub(crate) const DIGEST: Param = Param {
    name: "digest",
    location: Location::Path,
    kind: ParamType::Form { pattern: "^sha256:[0-9a-f]{64}$", max: 71 },
    doc: "The digest, `sha256:` and 64 hexadecimal digits.",
    example: "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
};

pub(crate) const FILE: Param = Param {
    name: "path",
    location: Location::Path,
    kind: ParamType::Rest,
    doc: "The path below the chart's folder.",
    example: "templates/deployment.yaml",
};

const LIMIT: Param = crate::parameter::LIMIT;
const CONTINUE: Param = crate::parameter::CONTINUE;

const PART: &[Reason] = &[Reason::ChartNotFound, Reason::ChartPartNotFound, Reason::InvalidParameter];

const ARCHIVE: &[&str] = &[
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
];

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "chart_upload",
        method: Method::Post,
        path: "/v1/charts",
        tag: "charts",
        summary: "Uploads a chart",
        description: "The body is a `.tgz` as `helm package` makes it. Charts are addressed by their content: the same archive again is the same resource, and its day begins anew.",
        parameters: &[],
        body: Some(Body { required: true, media: ARCHIVE, shape: Shape::Binary, doc: "The archive." }),
        responses: &[
            Response {
                status: 201,
                doc: "The chart; `Location` is its address.",
                media: JSON_OR_YAML,
                shape: Shape::Of("Chart"),
                headers: &["Location", "ETag"],
            },
            Response {
                status: 200,
                doc: "The chart, which was there already.",
                media: JSON_OR_YAML,
                shape: Shape::Of("Chart"),
                headers: &["Location", "ETag"],
            },
        ],
        problems: &[Reason::InvalidChart, Reason::UnsupportedMediaType, Reason::BodyTooLarge, Reason::BodyTimeout],
    },
    Route {
        id: "chart_list",
        method: Method::Get,
        path: "/v1/charts",
        tag: "charts",
        summary: "Lists the charts that one has uploaded",
        description: "The newest first. Who knows the digest of a chart that somebody else has uploaded can use it too, but does not see it here.",
        parameters: &[LIMIT, CONTINUE],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The charts.",
            media: JSON_OR_YAML,
            shape: Shape::Of("ChartList"),
            headers: &[],
        }],
        problems: &[Reason::InvalidParameter],
    },
    Route {
        id: "chart_get",
        method: Method::Get,
        path: "/v1/charts/{digest}",
        tag: "charts",
        summary: "Shows an uploaded chart",
        description: "",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The chart.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Chart"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_archive",
        method: Method::Get,
        path: "/v1/charts/{digest}/archive",
        tag: "charts",
        summary: "Returns the archive",
        description: "To the byte as it was uploaded.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The archive.",
            media: &[Media { name: "application/gzip", text: true }],
            shape: Shape::Binary,
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_metadata",
        method: Method::Get,
        path: "/v1/charts/{digest}/metadata",
        tag: "charts",
        summary: "Returns what `Chart.yaml` says",
        description: "As YAML, what `helm show chart` prints.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The metadata.",
            media: &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: true }],
            shape: Shape::Of("Metadata"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_dependencies",
        method: Method::Get,
        path: "/v1/charts/{digest}/dependencies",
        tag: "charts",
        summary: "Lists what the chart depends on",
        description: "With Helm's word for how each stands, as `helm dependency list` says it of the unpacked chart.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The dependencies.",
            media: JSON_OR_YAML,
            shape: Shape::Of("DependencyList"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_values",
        method: Method::Get,
        path: "/v1/charts/{digest}/values",
        tag: "charts",
        summary: "Returns the chart's values",
        description: "As YAML, what `helm show values` prints: the text of `values.yaml` with its comments.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The values.",
            media: JSON_OR_YAML,
            shape: Shape::Object,
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_readme",
        method: Method::Get,
        path: "/v1/charts/{digest}/readme",
        tag: "charts",
        summary: "Returns the chart's readme",
        description: "As Markdown, what `helm show readme` prints.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The readme.",
            media: &[Media { name: "application/json", text: false }, Media { name: "text/markdown", text: true }],
            shape: Shape::Of("Readme"),
            headers: &["ETag"],
        }],
        problems: PART,
    },
    Route {
        id: "chart_schema",
        method: Method::Get,
        path: "/v1/charts/{digest}/schema",
        tag: "charts",
        summary: "Returns the schema of the chart's values",
        description: "",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "`values.schema.json`.",
            media: JSON,
            shape: Shape::Object,
            headers: &["ETag"],
        }],
        problems: PART,
    },
    Route {
        id: "chart_crds",
        method: Method::Get,
        path: "/v1/charts/{digest}/crds",
        tag: "charts",
        summary: "Returns the chart's custom resource definitions",
        description: "The files of `crds/`, those of subcharts too; as YAML one stream of documents, as `helm show crds` prints it.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The files.",
            media: &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: true }],
            shape: Shape::List("ChartFileContent"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_files",
        method: Method::Get,
        path: "/v1/charts/{digest}/files",
        tag: "charts",
        summary: "Lists the chart's files",
        description: "All of them, templates and subcharts too.",
        parameters: &[DIGEST],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The files.",
            media: JSON_OR_YAML,
            shape: Shape::List("ChartFile"),
            headers: &["ETag"],
        }],
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "chart_file",
        method: Method::Get,
        path: "/v1/charts/{digest}/files/{path}",
        tag: "charts",
        summary: "Returns one file of the chart",
        description: "",
        parameters: &[DIGEST, FILE],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The file's bytes.",
            media: &[Media { name: "application/octet-stream", text: true }, Media { name: "text/plain", text: true }],
            shape: Shape::Binary,
            headers: &["ETag"],
        }],
        problems: PART,
    },
];
