//! What a cluster can do, as `.Capabilities` shows it.

/// What a cluster can do (as Helm 4.3: `pkg/chart/common/capabilities.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The version of the cluster.
    pub kube_version: KubeVersion,
    /// Every `group/version`, and `group/version/Kind` where a cluster was asked.
    pub api_versions: Vec<String>,
    /// The Helm that renders.
    pub helm_version: BuildInfo,
}

/// The version of a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeVersion {
    /// All of it: `v1.33.4-gke.1245000`.
    pub version: String,
    /// Without suffixes, for constraints: `v1.33.4`; empty is as `version`.
    pub normalized: String,
    /// `1`
    pub major: String,
    /// `33`, on some clusters `33+`.
    pub minor: String,
}

impl KubeVersion {
    /// The version that constraints are checked against.
    pub fn constraint_text(&self) -> &str {
        if self.normalized.is_empty() { &self.version } else { &self.normalized }
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
            version: "v4.3.1".to_owned(),
            git_commit: "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff".to_owned(),
            git_tree_state: "clean".to_owned(),
            go_version: "go1.27.2".to_owned(),
            kube_client_version: "v1.37".to_owned(),
        }
    }
}
