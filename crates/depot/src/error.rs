//! What goes wrong with repositories, in Helm's words where Helm has some.

use std::path::{Path, PathBuf};

use chart::text::io_error;

use crate::fetch::FetchError;

/// Why something of a repository could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be worked with; the text is Go's.
    #[error("{what} {}: {}", path.display(), io_error(cause))]
    File {
        /// What was tried, as Go calls it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// The file `repositories.yaml` could not be read.
    #[error("couldn't load repositories file ({}): open {}: {}", .0.display(), .0.display(), io_error(.1))]
    Repositories(PathBuf, std::io::Error),
    /// An index is of no use, or a reference leads nowhere.
    #[error("{0}")]
    Text(String),
    /// What was done when something went wrong, and what went wrong.
    #[error("{0}: {1}")]
    Doing(String, Box<Error>),
    /// What a registry holds is not what it promises.
    #[error("{0}")]
    Mismatch(String),
    /// A repository is not on the web.
    #[error("{0}")]
    Scheme(String),
    /// Something could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The index in the cache is missing or of no use.
    #[error("no cached repo found. (try 'helm repo update'): {0}")]
    NoIndex(Box<Error>),
    /// What was downloaded is not what the index promises.
    #[error(
        "`{url}` has the SHA-256 {is}, but the index promises {promised}: try `helm repo update`, or ask who keeps the repository"
    )]
    Digest {
        /// Where it comes from.
        url: String,
        /// Its hash.
        is: String,
        /// The hash that the index has.
        promised: String,
    },
}

impl Error {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Says what was done.
    pub(crate) fn doing(self, what: impl Into<String>) -> Self {
        Self::Doing(what.into(), Box::new(self))
    }

    /// Makes an error of a file out of one of the system.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { what, path, cause }
    }

    /// Why something could not be fetched, if it is that.
    #[must_use]
    pub fn fetch(&self) -> Option<&FetchError> {
        match self {
            Self::Fetch(error) => Some(error),
            Self::NoIndex(error) | Self::Doing(_, error) => error.fetch(),
            _ => None,
        }
    }

    /// Tells whether something is not what was promised.
    #[must_use]
    pub fn is_mismatch(&self) -> bool {
        match self {
            Self::Digest { .. } | Self::Mismatch(_) => true,
            Self::Doing(_, error) => error.is_mismatch(),
            _ => false,
        }
    }

    /// Tells whether a file is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Self::File { cause, .. } | Self::Repositories(_, cause) => cause.kind() == std::io::ErrorKind::NotFound,
            _ => false,
        }
    }
}
