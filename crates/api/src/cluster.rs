//! Clusters: what is shown of them, and what they are made of.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A cluster that releases are installed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// The name in paths; `default` always exists.
    pub name: String,
    /// What does the work.
    pub engine: EngineKind,
    /// Where it was named.
    pub source: ClusterSource,
    /// Whether it answers.
    pub reachable: bool,
    /// The version of its Kubernetes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v1.36.0")]
    pub kubernetes_version: Option<String>,
    /// The version of its Tiller, where one does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v2.17.0")]
    pub tiller_version: Option<String>,
    /// The address of its API server; shown to who may `get` the virtual resource `clusters` of `whipstaff.dev`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://prod.example.com:6443")]
    pub server: Option<String>,
    /// The context of the kubeconfig; shown as `server` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// How this server says there who it is; shown as `server` is. The credentials themselves are never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<ClusterCredentials>,
    /// Why it cannot be reached; the text is shown as `server` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// Where a cluster was named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClusterSource {
    /// The cluster `default`, where the server keeps what is its own.
    #[default]
    Default,
    /// A flag of the server; it cannot be changed over the API.
    Flag,
    /// A Secret in the server's own namespace, which the API reads and writes.
    Secret,
}

/// How the server says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ClusterCredentials {
    /// A bearer token.
    Token,
    /// A client certificate.
    Certificate,
    /// A name and a password.
    Password,
    /// Something else, such as a program of the server's machine.
    Other,
    /// Not at all.
    None,
}

/// How a cluster is reached, and in whose name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({
    "name": "prod",
    "kubeconfig": {
        "clusters": [{"name": "prod", "cluster": {"server": "https://prod.example.com:6443", "certificate-authority-data": "LS0tLS1CRUdJTi…"}}],
        "users": [{"name": "whipstaff", "user": {"token": "eyJhbGciOi…"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "whipstaff"}}],
        "current-context": "prod"
    }
}))]
pub struct ClusterBody {
    /// The cluster's name, a DNS label: needed on POST; on PUT the same as in the path, or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "prod")]
    pub name: Option<String>,
    /// The kubeconfig: an object, or its text. Of it the one context is kept, which has to bring its certificates and keys along:
    /// programs (`exec`, `auth-provider`), files, proxies, `insecure-skip-tls-verify` and impersonation are refused.
    pub kubeconfig: Kubeconfig,
    /// The context; `current-context` when left out, or the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// A kubeconfig as an object or as text.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Kubeconfig {
    /// YAML or JSON text.
    Text(String),
    /// The object itself.
    Tree(Map<String, Value>),
}

/// What it holds is nobody's business.
impl std::fmt::Debug for Kubeconfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kubeconfig")
    }
}

impl utoipa::PartialSchema for Kubeconfig {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
        let text = ObjectBuilder::new().schema_type(Type::String);
        let tree = ObjectBuilder::new().schema_type(Type::Object);
        OneOfBuilder::new().item(text).item(tree).description(Some("A kubeconfig as an object or as text.")).into()
    }
}

impl ToSchema for Kubeconfig {}

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
