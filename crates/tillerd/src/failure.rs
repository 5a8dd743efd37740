//! What went wrong, in the words in which Tiller says it: old clients look for them.

use std::fmt;

use cluster::Error as ClusterError;
use tiller::RecordError;
use tonic::Status;

/// Why a call cannot be done. Tiller has one code for all failures, and clients tell them apart by their texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(pub(crate) String);

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Self::unknown(failure.0)
    }
}

impl From<RecordError> for Failure {
    fn from(error: RecordError) -> Self {
        Self(error.to_string())
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self(said(&error))
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self(error.to_string())
    }
}

/// What a Go client of Kubernetes prints.
fn said(error: &ClusterError) -> String {
    match error {
        ClusterError::NoMatch(kinds) => {
            let one = |kind: &cluster::NoMatch| {
                let gvk = &kind.0.gvk;
                format!(
                    "unable to recognize \"\": no matches for kind {:?} in version {:?}",
                    gvk.kind,
                    gvk.api_version()
                )
            };
            match kinds.as_slice() {
                [kind] => one(kind),
                many => format!("[{}]", many.iter().map(one).collect::<Vec<_>>().join(", ")),
            }
        }
        ClusterError::Unreachable(source) => format!("{error}: {source}"),
        other => other.refusal().map_or_else(|| other.to_string(), |refusal| refusal.message.clone()),
    }
}
