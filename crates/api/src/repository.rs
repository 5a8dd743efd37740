//! Repositories of charts: what is shown of them, and what they are made of.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A repository that charts come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// The name in paths.
    pub name: String,
    /// How it is spoken to.
    pub kind: RepositoryKind,
    /// Where it is.
    #[schema(example = "https://charts.example.com/stable")]
    pub url: String,
    /// Whether a user and a password are kept, which are never shown.
    pub has_credentials: bool,
    /// Whether a client certificate is kept, whose key is never shown.
    pub has_client_certificate: bool,
    /// Whether user and password go to every host that the repository leads to.
    pub pass_credentials: bool,
    /// Whether its certificate is not checked.
    pub insecure_skip_verify: bool,
    /// Whether a registry is spoken to without TLS.
    pub plain_http: bool,
    /// The charts that a registry was said to hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<String>,
    /// How it stood when it was looked at last.
    pub status: RepositoryStatus,
}

/// How a repository is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RepositoryKind {
    /// Over HTTP, with an `index.yaml`.
    Http,
    /// As an OCI registry.
    Oci,
}

/// How a repository stood when it was looked at last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RepositoryStatus {
    /// What came of it.
    pub state: RepositoryState,
    /// When that was, as far as the server that answers knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub refreshed_at: Option<String>,
    /// How many charts it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart_count: Option<u64>,
    /// How many versions these have together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_count: Option<u64>,
    /// How many versions the index has that are left out, because they are no charts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// The first 20 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<SkippedVersion>,
    /// The SHA-256 of the index.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: Option<String>,
    /// Why it failed; what was known of the repository before is used further.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Problem>,
}

/// What came of looking at a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum RepositoryState {
    /// It was not looked at yet.
    #[default]
    New,
    /// It is known what it has.
    Ready,
    /// It could not be read.
    Failed,
}

/// A version of an index that is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedVersion {
    /// The chart that it stands under.
    pub chart: String,
    /// Its version, when it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Why it is left out.
    pub reason: String,
}

/// Where a repository is, and who the server is there.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "stable", "url": "https://charts.example.com/stable"}))]
pub struct RepositoryBody {
    /// The repository's name, a DNS label: needed on POST; on PUT the same as in the path, or left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "stable")]
    pub name: Option<String>,
    /// `https://…` or `http://…` of a repository with an index, or `oci://host/path` of the place in a registry that the
    /// charts are below. Without a user and a password in it.
    #[schema(example = "https://charts.example.com/stable")]
    pub url: String,
    /// The user there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The user's password, or a token; it is written and never returned. A PUT that leaves it out keeps the one there is, as long as
    /// user, scheme, host and port stay the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether user and password go to every host that the repository leads to, and not only to its own (OCI: never).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_credentials: Option<bool>,
    /// Whom to trust, and who the server is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RepositoryTls>,
    /// Speaks to a registry without TLS (OCI only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plain_http: Option<bool>,
    /// The names of the charts below the URL (OCI only): most registries do not tell what they hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<String>,
}

/// Whom to trust at a repository, and who the server is there.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RepositoryTls {
    /// The authorities that the repository's certificate may be from, as PEM; else those of the server's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The server's certificate there, as PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The key of that certificate, as PEM; it is written and never returned. A PUT that leaves it out keeps the one there is, as
    /// long as certificate, scheme, host and port stay the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Does not check the repository's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub insecure_skip_verify: Option<bool>,
}

/// What it holds is nobody's business.
impl fmt::Debug for RepositoryBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepositoryBody").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What it holds is nobody's business.
impl fmt::Debug for RepositoryTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepositoryTls")
    }
}

/// A page of repositories.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryList {
    /// The repositories by name.
    pub items: Vec<Repository>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
}

/// A version of a chart in a repository; in a list of charts the newest one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryChart {
    /// The chart's name.
    pub name: String,
    /// The version.
    pub version: String,
    /// The version of what the chart installs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Whether nobody should use it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<bool>,
    /// When it was made, as the repository says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub created: Option<String>,
    /// The SHA-256 of the archive, as the repository promises it; left out where it does not, and for registries in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub digest: Option<String>,
    /// Where the archive is, without what may be a secret (user, password, query).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://charts.example.com/stable/shop-1.2.3.tgz")]
    pub url: Option<String>,
}

/// A page of charts, or of the versions of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryChartList {
    /// Charts by name, or as a search ranks them; versions with the newest first.
    pub items: Vec<RepositoryChart>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_is_not_printed() {
        let tls = RepositoryTls { key: Some("secret-key".into()), ..RepositoryTls::default() };
        let body = RepositoryBody { password: Some("secret".into()), tls: Some(tls), ..RepositoryBody::default() };
        let printed = format!("{body:?} {:?}", body.tls);
        assert!(!printed.contains("secret"), "{printed}");
    }
}
