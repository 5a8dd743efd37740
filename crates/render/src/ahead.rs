//! Parsing templates before it is known which of them take part: while their chart is still being loaded, and while its
//! values are brought together.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chart::{Chart, File, Metadata};
use gotext::{Error, Source};

use crate::error::RenderError;
use crate::golang::path;
use crate::render::{function_table, template_paths};
use crate::threads::{Helper, worth_at_once};

/// What became of a template, by its path, and the text that it was parsed from.
pub(crate) type Done = HashMap<String, (Bytes, Result<Source, Error>)>;

/// Templates that are parsed ahead.
///
/// Which subcharts take part, and under which names, is decided by the values; what turns out not to fit is left out
/// or parsed again. Without anything in it, templates are parsed when they are needed.
#[derive(Default)]
pub struct Ahead {
    queue: Arc<Queue>,
    workers: Vec<Helper<Vec<Parsed>>>,
    /// The paths of all texts so far, and their bytes.
    known: HashSet<String>,
    bytes: usize,
    /// Texts that are not in the queue yet, and their bytes: to wake a thread costs more than to parse a small text.
    batch: Vec<Text>,
    batched: usize,
    /// The name of the chart that is being loaded, once it is known.
    root: Option<String>,
}

/// How many bytes are handed over at once.
const BATCH: usize = 32 << 10;

/// A template to be parsed.
type Text = (String, Bytes);

/// A template that has been.
type Parsed = (Text, Result<Source, Error>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

#[derive(Default)]
struct State {
    texts: VecDeque<Text>,
    /// Nothing more comes.
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the next text, once there is one; nothing when there will be none.
    fn next(&self) -> Option<Text> {
        let waiting = |state: &mut State| state.texts.is_empty() && !state.closed;
        self.more.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner).texts.pop_front()
    }

    fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    /// Parses texts until there are no more.
    fn work(&self) -> Vec<Parsed> {
        let functions = function_table();
        let parse = |text: Text| {
            let source = Source::parse_shared(&functions, &text.0, text.1.clone());
            (text, source)
        };
        std::iter::from_fn(|| self.next()).map(parse).collect()
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
        self.hand_over();
    }

    fn push(&mut self, path: String, text: Bytes) {
        if !self.known.insert(path.clone()) {
            return;
        }
        self.bytes += text.len();
        self.batched += text.len();
        self.batch.push((path, text));
        if self.batched >= BATCH {
            self.hand_over();
        }
    }

    /// Puts the batch into the queue, and sees to it that somebody works on it.
    fn hand_over(&mut self) {
        self.batched = 0;
        self.queue.lock().texts.extend(self.batch.drain(..));
        self.queue.more.notify_one();
        if worth_at_once(self.bytes) > self.workers.len() + 1 {
            let queue = Arc::clone(&self.queue);
            // Without a thread there is one less.
            self.workers.extend(Helper::start(move || queue.work()));
        }
    }

    /// Waits for what is being parsed, and helps with it.
    pub(crate) fn finish(mut self) -> Result<Done, RenderError> {
        self.hand_over();
        self.queue.close();
        let own = gotext::with_big_stack(|| self.queue.work()).map_err(|e| RenderError::Thread(e.to_string()))?;
        let others = std::mem::take(&mut self.workers).into_iter().flat_map(Helper::wait);
        Ok(own.into_iter().chain(others).map(|((path, text), source)| (path, (text, source))).collect())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.queue.lock().texts.clear();
        self.queue.close();
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
