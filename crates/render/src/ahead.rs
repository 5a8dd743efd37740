//! Parsing templates before it is known which of them take part: while their chart is still being loaded, and while its
//! values are brought together.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use chart::{Chart, File, Metadata};
use gotext::{Error, Source};

use crate::error::RenderError;
use crate::golang::path;
use crate::render::{function_table, template_paths};
use crate::threads::Crowd;

/// What became of a template, by its path, and the text that it was parsed from.
pub(crate) type Done = HashMap<String, (Bytes, Result<Source, Error>)>;

/// Templates that are parsed ahead.
///
/// Which subcharts take part, and under which names, is decided by the values; what turns out not to fit is left out
/// or parsed again. Without anything in it, templates are parsed when they are needed.
pub struct Ahead {
    crowd: Crowd<Text, Parsed>,
    /// The paths of all texts so far.
    known: HashSet<String>,
    /// The name of the chart that is being loaded, once it is known.
    root: Option<String>,
}

/// A template to be parsed.
type Text = (String, Bytes);

/// A template that has been.
type Parsed = (Text, Result<Source, Error>);

fn parsed(text: Text) -> Parsed {
    let source = Source::parse_shared(&function_table(), &text.0, text.1.clone());
    (text, source)
}

impl Default for Ahead {
    fn default() -> Self {
        Self { crowd: Crowd::new(parsed), known: HashSet::new(), root: None }
    }
}

impl Ahead {
    /// Takes a file of a chart that is being loaded; it is parsed if it is a template.
    pub fn see(&mut self, file: &File) {
        if file.name == "Chart.yaml" {
            self.root = Metadata::read(&file.data).ok().map(|read| read.metadata.name);
        } else if let Some(root) = &self.root
            && is_template(&file.name)
        {
            // Subcharts nearly always lie in folders of their names.
            self.push(path::join(&[root, &file.name]), file.data.bytes().clone());
        }
    }

    /// Takes the templates of a chart that has been loaded, as far as they have not been seen.
    pub fn add(&mut self, chart: &Chart) {
        for (template, text) in template_paths(chart) {
            self.push(template.path, text.clone());
        }
        self.crowd.hand_over();
    }

    fn push(&mut self, path: String, text: Bytes) {
        if self.known.insert(path.clone()) {
            let bytes = text.len();
            self.crowd.push((path, text), bytes);
        }
    }

    /// Waits for what is being parsed, and helps with it.
    pub(crate) fn finish(self) -> Result<Done, RenderError> {
        let Self { crowd, .. } = self;
        let parsed = gotext::with_big_stack(|| crowd.finish()).map_err(|e| RenderError::Thread(e.to_string()))?;
        Ok(parsed.into_iter().map(|((path, text), source)| (path, (text, source))).collect())
    }
}

/// Tells whether a file of a chart is a template, its own or that of a subchart in a folder.
fn is_template(name: &str) -> bool {
    let mut rest = name;
    while let Some((folder, below)) = rest.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        if folder.starts_with(['_', '.']) {
            return false;
        }
        rest = below;
    }
    rest.starts_with("templates/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_by_name() {
        for (name, want) in [
            ("templates/a.yaml", true),
            ("charts/sub/templates/deep/a.yaml", true),
            ("charts/a/charts/b/templates/a", true),
            ("charts/_a/templates/a.yaml", false),
            ("charts/a/values.yaml", false),
            ("charts/a.tgz", false),
            ("files/templates/a", false),
            ("templates", false),
        ] {
            assert_eq!(is_template(name), want, "{name}");
        }
    }
}
