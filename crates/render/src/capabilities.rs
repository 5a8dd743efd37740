//! What a cluster can do, as `.Capabilities` shows it.

use chart::capabilities::{DEFAULT_API_VERSIONS, HELM_VERSION, KubeVersion};

/// What a cluster can do (as Helm 4.3: `pkg/chart/common/capabilities.go`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of the cluster.
    pub kube_version: KubeVersion,
    /// Every `group/version`, and `group/version/Kind` where a cluster was asked.
    pub api_versions: Vec<String>,
    /// The Helm that renders.
    pub helm_version: BuildInfo,
}

impl Default for Capabilities {
    /// What Helm takes for granted where there is no cluster.
    fn default() -> Self {
        Self {
            kube_version: KubeVersion::default(),
            api_versions: DEFAULT_API_VERSIONS.iter().map(|v| (*v).to_owned()).collect(),
            helm_version: BuildInfo::default(),
        }
    }
}

/// How a Helm was built, as `.Capabilities.HelmVersion` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// `v4.3.1`
    pub version: String,
    /// The commit.
    pub git_commit: String,
    /// `clean`
    pub git_tree_state: String,
    /// `go1.27.2`
    pub go_version: String,
    /// `v1.37`
    pub kube_client_version: String,
}

impl Default for BuildInfo {
    /// The Helm whose behaviour this is.
    fn default() -> Self {
        Self {
            version: HELM_VERSION.to_owned(),
            git_commit: "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff".to_owned(),
            git_tree_state: "clean".to_owned(),
            go_version: "go1.27.2".to_owned(),
            kube_client_version: "v1.37".to_owned(),
        }
    }
}
