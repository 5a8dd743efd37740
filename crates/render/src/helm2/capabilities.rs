//! What a cluster can do, as `.Capabilities` of Helm 2 shows it.

/// What a cluster can do, and which Tiller asks (as Helm 2.17: `pkg/chartutil/capabilities.go`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Every `group/version` and `group/version/Kind`, in any order.
    pub api_versions: Vec<String>,
    /// What the cluster says of itself.
    pub kube_version: KubeVersion,
    /// The Tiller.
    pub tiller_version: TillerVersion,
}

/// What a cluster says of itself (`version.Info` of Kubernetes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KubeVersion {
    pub major: String,
    pub minor: String,
    pub git_version: String,
    pub git_commit: String,
    pub git_tree_state: String,
    pub build_date: String,
    pub go_version: String,
    pub compiler: String,
    pub platform: String,
}

/// The version of a Tiller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TillerVersion {
    pub sem_ver: String,
    pub git_commit: String,
    pub git_tree_state: String,
}

/// The version of Tiller that this behaves as.
pub const TILLER_VERSION: &str = "v2.17.0";

impl Default for TillerVersion {
    /// The Tiller whose behaviour this is, built nobody knows where.
    fn default() -> Self {
        Self { sem_ver: TILLER_VERSION.to_owned(), git_commit: String::new(), git_tree_state: String::new() }
    }
}
