//! What goes wrong in a template: structured frames that print as Go's text.

/// An error of parsing or executing a template, or of a function called by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What happened, in the words of the function or of Go.
    pub message: String,
}

impl Error {
    /// An error of a function's: Go wraps it as `error calling NAME: …`.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}
