//! Taking files apart into documents while other templates are still being executed.

use std::sync::Arc;

use goyaml::Error;

use super::head::Head;
use super::split::split;
use crate::render::base_name;
use crate::threads::Crowd;

/// A document of a file.
pub(super) struct Document {
    pub(super) content: String,
    pub(super) head: Result<Head, Error>,
}

/// A file that was taken apart: its path and its documents.
pub(super) type Taken = (String, Vec<Document>);

/// A file to be taken apart.
type Text = (String, Arc<str>);

/// Takes files apart, on other threads once that is worth it.
pub(super) struct Apart(Crowd<Text, Taken>);

impl Default for Apart {
    fn default() -> Self {
        Self(Crowd::new(taken))
    }
}

impl Apart {
    /// Takes a file; partials have no documents.
    pub(super) fn take(&mut self, path: &str, text: &Arc<str>) {
        if !base_name(path).starts_with('_') {
            self.0.push((path.to_owned(), Arc::clone(text)), text.len());
        }
    }

    /// Gives all files by path.
    pub(super) fn finish(self) -> Vec<Taken> {
        let mut all = self.0.finish();
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

fn taken((path, text): Text) -> Taken {
    let document = |text: &str| Document { content: text.to_owned(), head: Head::read(text) };
    let documents = split(&text).into_iter().map(document).collect();
    (path, documents)
}
