//! Why something could not be done with a record.

use crate::codec::{DecodeError, EncodeError};
use crate::name::{InvalidName, Key};
use crate::size::TooLarge;

/// A failed call to a [`crate::Ledger`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such release, or no such revision of it.
    #[error("release: not found")]
    NotFound(Key),
    /// Someone else has written this revision: the lock between concurrent changes.
    #[error("release: already exists")]
    AlreadyExists(Key),
    /// Someone else has changed this record since it was read.
    #[error("release {0} was changed by someone else")]
    Conflict(Key),
    /// The namespace does not exist.
    #[error("namespaces \"{0}\" not found")]
    NamespaceMissing(String),
    /// The name is no release name.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A label that only Helm itself may set.
    #[error(
        "user supplied labels contains system reserved label name. System labels: [name owner status version createdAt modifiedAt]"
    )]
    SystemLabel(String),
    /// The record does not fit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The record cannot be written.
    #[error("release {key} cannot be encoded")]
    Encode {
        /// Which.
        key: Key,
        /// Why.
        source: EncodeError,
    },
    /// The record cannot be read.
    #[error("release {key} cannot be decoded")]
    Decode {
        /// Which.
        key: Key,
        /// Why.
        source: DecodeError,
    },
    /// A Secret or ConfigMap that says it keeps a record but is not called as one.
    #[error("`{object}` has the labels of a release record but not its name")]
    Misnamed {
        /// The object.
        object: String,
    },
    /// The caller may not.
    #[error("{message}")]
    Forbidden {
        /// What Kubernetes said.
        message: String,
    },
    /// The caller is not known.
    #[error("{message}")]
    Unauthorized {
        /// What Kubernetes said.
        message: String,
    },
    /// The cluster cannot be reached.
    #[error("kubernetes cluster unreachable")]
    Unreachable(#[source] Box<kube::Error>),
    /// The database refused, or cannot be reached.
    #[error("{message}")]
    Database {
        /// What it said, or why it is not there.
        message: String,
        /// Whether the same call may work a moment later.
        is_retryable: bool,
    },
    /// Kubernetes refused for another reason.
    #[error("{message}")]
    Api {
        /// The HTTP status.
        code: u16,
        /// Kubernetes' word for it (`Invalid`, `Timeout` …).
        reason: String,
        /// What Kubernetes said.
        message: String,
        /// How many seconds to wait before trying again, when Kubernetes said so.
        retry_after: Option<u32>,
    },
}

impl Error {
    /// Tells whether the same call may work a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Api { code, .. } => *code == 429 || *code >= 500,
            Self::Database { is_retryable, .. } => *is_retryable,
            _ => false,
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Self::Unauthorized { message: status.message },
                403 => Self::Forbidden { message: status.message },
                code => {
                    let asked = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
                    let retry_after = Some(asked).filter(|seconds| *seconds > 0);
                    Self::Api { code, reason: status.reason.clone(), message: status.message, retry_after }
                }
            },
            other => Self::Unreachable(Box::new(other)),
        }
    }
}
