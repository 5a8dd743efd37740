//! Helm's rules for what is wrong with a chart: `/v1/lint`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::change::{ChartRef, ValuesInput};
use crate::chart::DIGEST;
use crate::parameter::{Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, CHANGE_MEDIA, Media, Method, Response, Route, Shape};

/// What to lint, as `helm lint` would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({
    "chart": {"upload": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
    "strict": true, "values": {"replicas": 2}
}))]
pub struct LintBody {
    /// The chart; one in `archive` may be wrong in any way, as long as it is an archive.
    pub chart: Option<ChartRef>,
    /// The namespace that templates see; `default` when left out.
    pub namespace: Option<String>,
    /// The values, as in a values file; integers stay integers.
    #[schema(value_type = Object)]
    pub values: Map<String, Value>,
    /// As `--set`.
    pub set: Vec<String>,
    /// As `--set-string`.
    pub set_string: Vec<String>,
    /// As `--set-json`.
    pub set_json: Vec<String>,
    /// As `--set-literal`.
    pub set_literal: Vec<String>,
    /// As `--set-file`: the path of the value, and the file's content in base64.
    pub set_file: BTreeMap<String, String>,
    /// The version of Kubernetes to check for; that of Helm's client library when left out.
    #[schema(example = "v1.36.0")]
    pub kube_version: Option<String>,
    /// Whether to leave the values unchecked.
    pub skip_schema_validation: bool,
    /// Whether warnings count as errors.
    pub strict: bool,
    /// Whether to lint the charts in `charts/` too.
    pub with_subcharts: bool,
}

impl LintBody {
    /// Returns the values and what is set on top of them.
    #[must_use]
    pub fn values_input(&self) -> ValuesInput<'_> {
        ValuesInput {
            values: &self.values,
            set: &self.set,
            set_string: &self.set_string,
            set_json: &self.set_json,
            set_literal: &self.set_literal,
            set_file: &self.set_file,
        }
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintResult {
    /// Whether no chart failed: there is no error and, with `strict`, no warning.
    pub passed: bool,
    /// How many charts were linted.
    pub linted: u32,
    /// How many of them failed.
    pub failed: u32,
    /// What was found, in Helm's order.
    pub findings: Vec<LintFinding>,
}

/// One thing that a rule has found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintFinding {
    /// How grave it is.
    pub severity: LintSeverity,
    /// The file or folder below the chart's folder; empty for the chart as a whole.
    pub path: String,
    /// What it is, in Helm's words.
    pub message: String,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LintSeverity {
    /// It could be better.
    Info,
    /// It is not as is usual.
    Warning,
    /// It will not work.
    Error,
}

const fn flag(name: &'static str, doc: &'static str) -> Param {
    Param { name, location: Location::Query, kind: ParamType::Flag, doc, example: "true" }
}

const STRICT: Param = flag("strict", "Whether warnings count as errors.");
const WITH_SUBCHARTS: Param = flag("withSubcharts", "Whether to lint the charts in `charts/` too.");
const SKIP_SCHEMA: Param = flag("skipSchemaValidation", "Whether to leave the values unchecked.");
const NAMESPACE: Param = Param {
    name: "namespace",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "The namespace that templates see; `default` when left out.",
    example: "web",
};
const KUBE_VERSION: Param = Param {
    name: "kubeVersion",
    location: Location::Query,
    kind: ParamType::Form {
        pattern: r"^v?(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){1,2}(-(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$",
        max: 100,
    },
    doc: "The version of Kubernetes to check for; that of Helm's client library when left out.",
    example: "v1.36.0",
};

const FOUND: &[Response] = &[Response {
    status: 200,
    doc: "What was found, be it nothing.",
    media: &[
        Media { name: "application/json", text: false },
        Media { name: "application/yaml", text: false },
        Media { name: "text/plain", text: true },
    ],
    shape: Shape::Of("LintResult"),
    headers: &[],
}];

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "lint",
        method: Method::Post,
        path: "/v1/lint",
        tag: "stateless",
        summary: "Looks for what is wrong with a chart",
        description: "By Helm's rules: what `Chart.yaml` says, values against the schema, what the templates make, subcharts and CRDs. As plain text the answer is what `helm lint` prints.",
        parameters: &[],
        body: Some(Body { required: true, media: CHANGE_MEDIA, shape: Shape::Of("LintBody"), doc: "What to lint." }),
        responses: FOUND,
        problems: &[
            Reason::InvalidBody,
            Reason::InvalidInput,
            Reason::InvalidNamespace,
            Reason::UnsupportedMediaType,
            Reason::BodyTooLarge,
            Reason::BodyTimeout,
            Reason::ChartUnavailable,
            Reason::ChartMismatch,
            Reason::RepositoryUnreachable,
            Reason::RepositoryUnauthorized,
            Reason::RepositoryForbidden,
            Reason::RepositoryInvalid,
            Reason::InvalidChart,
            Reason::RenderLimit,
            Reason::ClusterUnreachable,
            Reason::ClusterForbidden,
            Reason::ClusterError,
        ],
    },
    Route {
        id: "chart_lint",
        method: Method::Get,
        path: "/v1/charts/{digest}/lint",
        tag: "charts",
        summary: "Looks for what is wrong with the chart",
        description: "As `POST /v1/lint`, with the chart's own values.",
        parameters: &[DIGEST, STRICT, WITH_SUBCHARTS, SKIP_SCHEMA, NAMESPACE, KUBE_VERSION],
        body: None,
        responses: FOUND,
        problems: &[Reason::ChartNotFound, Reason::InvalidParameter, Reason::InvalidNamespace, Reason::RenderLimit],
    },
];
