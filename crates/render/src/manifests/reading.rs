//! Reading the documents of a file as soon as its template was executed, while the next ones are.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::mpsc;

use goyaml::Error;

use super::NOTES;
use super::head::Head;
use super::split::split;
use crate::error::RenderError;
use crate::render::{Files, Inputs, Parsed};
use crate::threads::{side_by_side, worth};

/// A document: where in its file it is, and its head.
pub(super) struct Document {
    pub(super) range: Range<usize>,
    pub(super) head: Result<Head, Error>,
}

/// The documents of files, as far as they were read.
#[derive(Default)]
pub(super) struct Documents(HashMap<String, Vec<Document>>);

impl Documents {
    /// The documents of a file, which are read now if they were not.
    pub(super) fn of(&mut self, path: &str, text: &str) -> Vec<Document> {
        self.0.remove(path).unwrap_or_else(|| {
            let parts = ranges(text);
            let heads = side_by_side(&parts, Range::len, |range| head(text, range));
            parts.into_iter().zip(heads).map(|(range, head)| Document { range, head }).collect()
        })
    }
}

/// Where the documents of a text are.
fn ranges(text: &str) -> Vec<Range<usize>> {
    let start = |part: &str| part.as_ptr().addr() - text.as_ptr().addr();
    split(text).into_iter().map(|part| start(part)..start(part) + part.len()).collect()
}

fn head(text: &str, range: &Range<usize>) -> Result<Head, Error> {
    Head::read(text.get(range.clone()).unwrap_or_default())
}

/// Executes the templates of a chart; of a large one another thread reads what they print meanwhile.
pub(super) fn execute(parsed: &Parsed, inputs: &Inputs<'_>) -> Result<(Files, Documents), RenderError> {
    if worth(parsed.bytes()) == 1 {
        return Ok((parsed.render(inputs)?, Documents::default()));
    }
    let texts: Vec<OnceLock<String>> = parsed.places();
    let (done, printed) = mpsc::channel::<usize>();
    let read = || {
        let one = |at: usize| {
            let path = parsed.path(at)?;
            let text = texts.get(at)?.get()?;
            let documents =
                ranges(text).into_iter().map(|range| Document { head: head(text, &range), range }).collect();
            (!path.ends_with(NOTES)).then(|| (path.to_owned(), documents))
        };
        printed.into_iter().filter_map(one).collect::<HashMap<_, _>>()
    };
    let read = std::thread::scope(|scope| {
        // Without a thread the documents are read later.
        let reader = std::thread::Builder::new().spawn_scoped(scope, read);
        let executed = parsed.execute(inputs, &texts, &mut |at| _ = done.send(at));
        drop(done);
        let read = reader.map_or_else(
            |_| HashMap::new(),
            |reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        );
        executed.map(|()| read)
    })?;
    Ok((parsed.files(texts), Documents(read)))
}
