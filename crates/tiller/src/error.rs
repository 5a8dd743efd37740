//! What can go wrong on the way from Helm 2 to Helm 4.

use crate::convert::ConvertError;
use crate::record::DecodeError;

/// Why a migration cannot be planned, run or cleaned up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kubernetes does not do what it is asked.
    #[error("{doing}: {source}")]
    Kubernetes {
        /// What was tried.
        doing: String,
        /// Why not.
        source: release::Error,
    },
    /// A record of Tiller's cannot be read.
    #[error("record `{object}` of Tiller cannot be read: {source}")]
    Decode {
        /// The ConfigMap or Secret.
        object: String,
        /// Why not.
        source: DecodeError,
    },
    /// A record cannot be made a release of Helm 4.
    #[error("record `{object}` of Tiller cannot be made a release of Helm 4: {source}")]
    Convert {
        /// The ConfigMap or Secret.
        object: String,
        /// Why not.
        source: ConvertError,
    },
    /// A record of Tiller's is not what its labels say.
    #[error(
        "record `{object}` of Tiller holds revision {revision} of release `{name}` in namespace `{namespace}`, which is not what its labels and the other revisions say"
    )]
    Mislabelled {
        /// The ConfigMap or Secret.
        object: String,
        /// The release that it holds.
        name: String,
        /// The namespace of that.
        namespace: String,
        /// The revision of that.
        revision: u32,
    },
    /// Helm 4's records cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] release::Error),
    /// The cluster's objects cannot be read or marked.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// There is no such release among Tiller's records.
    #[error("Tiller has no release `{0}`, `whipstaff migrate --dry-run` lists those that it has")]
    NoRelease(String),
    /// Two are doing the same.
    #[error("release `{0}` is being migrated by somebody else, migrate again to see that all of it is there")]
    Together(String),
    /// A manifest cannot be read.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// Tiller was used in the meantime.
    #[error(
        "release `{0}` was changed by Tiller while it was migrated: stop Tiller (scale `tiller-deploy` to 0) and migrate again"
    )]
    Changed(String),
}

impl Error {
    /// Makes the error of a call of Kubernetes.
    pub(crate) fn kubernetes(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Kubernetes { doing, source: source.into() }
    }
}
