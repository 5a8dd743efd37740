//! Certificates and keys, in files or as text.

use std::fmt;

use chart::text::{io_error, quote};

/// Certificates or a key in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Pem {
    /// Nothing is said.
    #[default]
    None,
    /// What a file has.
    File(String),
    /// The text itself.
    Text(String),
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::File(_) => "File",
            Self::Text(_) => "Text",
        })
    }
}

impl Pem {
    /// Makes one of the path of a file; an empty path says nothing.
    #[must_use]
    pub fn file(path: &str) -> Self {
        if path.is_empty() { Self::None } else { Self::File(path.to_owned()) }
    }

    /// Tells whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::None
    }

    /// The text, empty when nothing is said; `failed` begins the error of a file that cannot be read.
    pub(super) fn read(&self, failed: &str) -> Result<Vec<u8>, String> {
        match self {
            Self::None => Ok(Vec::new()),
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::File(path) => std::fs::read(path)
                .map_err(|error| format!("{failed}: {}: open {path}: {}", quote(path), io_error(&error))),
        }
    }
}
