//! Writing to standard output.

use std::io::{ErrorKind, Write};

use crate::fail::Outcome;

/// Writes a text; a reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Outcome {
    write(text.as_bytes())
}

/// Writes a text that is in pieces.
pub(crate) fn pieces(texts: &[&str]) -> Outcome {
    texts.iter().try_for_each(|text| print(text))
}

/// Writes bytes as they are.
pub(crate) fn write(bytes: &[u8]) -> Outcome {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
