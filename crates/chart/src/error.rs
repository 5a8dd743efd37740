//! All errors of this crate that a caller may want to pass on as one.

use crate::capabilities::{IncompatibleKubeVersion, KubeVersionError};
use crate::load::LoadError;
use crate::options::OptionsError;
use crate::validate::{NameError, ValidationError};
use crate::values::CoalesceError;

/// Whatever can be wrong with a chart or its values, except what the schema says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum Error {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Validation(#[from] ValidationError),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Values(#[from] CoalesceError),
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    KubeVersion(#[from] KubeVersionError),
    #[error(transparent)]
    Incompatible(#[from] IncompatibleKubeVersion),
}
