//! Taking files apart into documents while other templates are still being executed.

use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use goyaml::Error;

use super::head::Head;
use super::split::split;
use crate::threads::{Helper, worth_at_once};

/// How many bytes are handed over at once: to wake a thread costs more than to take a small file apart.
const BATCH: usize = 32 << 10;

/// A document of a file.
pub(super) struct Document {
    pub(super) content: String,
    pub(super) head: Result<Head, Error>,
}

/// A file that was taken apart: its path and its documents.
pub(super) type Taken = (String, Vec<Document>);

/// A file to be taken apart.
type Text = (String, Arc<str>);

/// Takes files apart, on another thread once that is worth it.
#[derive(Default)]
pub(super) struct Apart {
    batch: Vec<Text>,
    batched: usize,
    bytes: usize,
    worker: Option<Worker>,
}

struct Worker {
    batches: Sender<Vec<Text>>,
    taken: Helper<Vec<Taken>>,
}

impl Apart {
    /// Takes a file; partials have no documents.
    pub(super) fn take(&mut self, path: &str, text: &Arc<str>) {
        if path.rsplit('/').next().is_some_and(|name| name.starts_with('_')) {
            return;
        }
        self.bytes += text.len();
        self.batched += text.len();
        self.batch.push((path.to_owned(), Arc::clone(text)));
        if self.batched >= BATCH {
            self.hand_over();
        }
    }

    /// Gives the batch to the worker, if there is one; what nobody takes stays.
    fn hand_over(&mut self) {
        self.batched = 0;
        if self.worker.is_none() && worth_at_once(self.bytes) > 1 {
            self.worker = Worker::start();
        }
        if let Some(worker) = &self.worker
            && let Err(unsent) = worker.batches.send(mem::take(&mut self.batch))
        {
            self.batch = unsent.0;
        }
    }

    /// Gives all files by path.
    pub(super) fn finish(self) -> Vec<Taken> {
        // No more is sent from here on, so that the worker ends.
        let worker = self.worker.map(|worker| worker.taken);
        let mut all = taken(self.batch);
        all.extend(worker.into_iter().flat_map(Helper::wait));
        all.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        all
    }
}

impl Worker {
    /// Starts a thread, if there is one to be had.
    fn start() -> Option<Self> {
        let (batches, all): (_, Receiver<Vec<Text>>) = channel();
        let taken = Helper::start(move || all.into_iter().flat_map(taken).collect())?;
        Some(Self { batches, taken })
    }
}

fn taken(texts: Vec<Text>) -> Vec<Taken> {
    let document = |text: &str| Document { content: text.to_owned(), head: Head::read(text) };
    texts.into_iter().map(|(path, text)| (path, split(&text).into_iter().map(document).collect())).collect()
}
