//! Writing to standard output.

use std::io::{BufWriter, ErrorKind, Write};

use crate::fail::Outcome;

/// Writes a text; a reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> Outcome {
    write(text.as_bytes())
}

/// Writes a text that is in pieces.
pub(crate) fn pieces(texts: &[&str]) -> Outcome {
    let mut out = BufWriter::with_capacity(32 << 10, std::io::stdout().lock());
    let written = texts.iter().try_for_each(|text| out.write_all(text.as_bytes())).and_then(|()| out.flush());
    unless_gone(written)
}

/// Writes bytes as they are.
pub(crate) fn write(bytes: &[u8]) -> Outcome {
    unless_gone(std::io::stdout().lock().write_all(bytes))
}

fn unless_gone(written: std::io::Result<()>) -> Outcome {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}
