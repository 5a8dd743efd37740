//! An index put together from pieces, one for each version, each of them as the writer of the whole index writes it.

use std::collections::BTreeMap;

use super::{Document, Entry, Line, yaml};
use crate::error::Error;

/// What an index begins with.
const HEAD: &str = "apiVersion: v1\nentries:\n";
/// The time that stands in an index of which only a piece is wanted.
const NEVER: &str = "0001-01-01T00:00:00Z";
/// The longest piece; what does not fit is not in an index.
const LONGEST: usize = 1 << 20;
/// The longest name of a chart, far from where YAML begins to write keys in another way.
const LONGEST_NAME: usize = 100;

/// The text of a version in an index.
#[derive(Debug)]
pub(super) struct Piece {
    /// The line with the chart's name.
    pub(super) key: String,
    /// What follows it.
    pub(super) text: String,
}

/// Writes the piece of a version.
pub(super) fn write(entry: Entry) -> Result<Piece, Error> {
    let name = entry.metadata.name.clone();
    if name.len() > LONGEST_NAME {
        return Err(Error::text(format!("its name has more than {LONGEST_NAME} bytes")));
    }
    let entries = BTreeMap::from([(name, vec![Line(entry)])]);
    let text = yaml(&Document { api_version: "v1", generated: NEVER, entries })?;
    let tail = format!("generated: \"{NEVER}\"\n");
    let middle = text.strip_prefix(HEAD).and_then(|text| text.strip_suffix(&tail));
    let (key, text) = middle
        .and_then(|middle| middle.split_at_checked(middle.find("\n  - ")? + 1))
        .ok_or_else(|| Error::text("it cannot be written into an index"))?;
    if text.len() > LONGEST {
        return Err(Error::text(format!("what it says of itself has more than {LONGEST} bytes")));
    }
    Ok(Piece { key: key.to_owned(), text: text.to_owned() })
}

/// Begins an index.
pub(super) fn begin(is_empty: bool) -> String {
    if is_empty { "apiVersion: v1\nentries: {}\n".to_owned() } else { HEAD.to_owned() }
}

/// Ends an index; `context` is where the repository is below its server, for clients that upload.
pub(super) fn end(text: &mut String, generated: &str, context: &str) {
    text.push_str(&format!("generated: \"{generated}\"\nserverInfo:\n  contextPath: {context}\n"));
}
