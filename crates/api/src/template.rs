//! Rendering with no cluster: `/v1/template`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::change::{ChartRef, HookOptions, ValuesInput};
use crate::problem::Reason;
use crate::release::Hook;
use crate::route::{Body, CHANGE_MEDIA, Media, Method, Response, Route, Shape};

/// What to render, as `helm template` would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({
    "chart": {"upload": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
    "name": "shop", "namespace": "web", "values": {"replicas": 2}
}))]
pub struct TemplateBody {
    /// The chart.
    pub chart: Option<ChartRef>,
    /// The release's name; `release-name` when left out.
    pub name: Option<String>,
    /// As `--name-template`: a template that gives the name instead (`shop-{{ randAlpha 5 | lower }}`).
    pub name_template: Option<String>,
    /// The release's namespace; `default` when left out.
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
    /// The version of Kubernetes that the chart sees; that of Helm's client library when left out.
    #[schema(example = "v1.36.0")]
    pub kube_version: Option<String>,
    /// API versions that the chart sees beyond the built-in ones (`monitoring.coreos.com/v1`, `apps/v1/Deployment`).
    pub api_versions: Vec<String>,
    /// Whether the chart sees an upgrade instead of an install.
    pub is_upgrade: bool,
    /// Whether the objects of `crds/` come first in the manifest.
    pub include_crds: bool,
    /// Whether to leave out test hooks.
    pub skip_tests: bool,
    /// Which hooks are shown.
    pub hooks: HookOptions,
    /// As `--show-only`: only what comes from these templates is shown, in this order (`templates/service.yaml`, patterns
    /// such as `templates/*.yaml`); at most 1000.
    pub show_only: Vec<String>,
    /// As `--hide-secret`: the content of Secrets is left out, here that of hooks too.
    pub hide_secret: bool,
    /// Whether to show each template's part by itself too, as `--output-dir` writes files.
    pub per_file: bool,
    /// Whether to leave the values unchecked.
    pub skip_schema_validation: bool,
    /// Whether to render the notes of subcharts too.
    pub subchart_notes: bool,
}

impl TemplateBody {
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

/// What was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TemplateResult {
    /// The objects, without hooks, in Helm's order.
    pub manifest: String,
    /// The hooks.
    pub hooks: Vec<Hook>,
    /// The notes.
    pub notes: String,
    /// With `perFile`, what `--output-dir` writes: the path below that folder, and the file's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
    /// What a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

pub(crate) const ROUTES: &[Route] = &[Route {
    id: "template",
    method: Method::Post,
    path: "/v1/template",
    tag: "stateless",
    summary: "Renders a chart",
    description: "With no cluster. As YAML the answer is what `helm template` prints, hooks included.",
    parameters: &[],
    body: Some(Body { required: true, media: CHANGE_MEDIA, shape: Shape::Of("TemplateBody"), doc: "What to render." }),
    responses: &[Response {
        status: 200,
        doc: "What was rendered.",
        media: &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: true }],
        shape: Shape::Of("TemplateResult"),
        headers: &[],
    }],
    problems: &[
        Reason::InvalidBody,
        Reason::InvalidInput,
        Reason::InvalidReleaseName,
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
        Reason::ChartNotInstallable,
        Reason::InvalidValues,
        Reason::TemplateFailed,
        Reason::RenderLimit,
        Reason::InvalidManifest,
        Reason::ClusterUnreachable,
        Reason::ClusterForbidden,
        Reason::ClusterError,
    ],
}];
