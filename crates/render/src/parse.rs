//! Parsing the templates of a chart, several at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gotext::{Functions, Set, Source};

use crate::error::{RenderError, parse_error};

/// Texts of fewer bytes are not worth a second thread.
const WORTH_A_THREAD: usize = 64 << 10;

/// More threads than this are of no use to any chart seen.
const MAX_THREADS: usize = 4;

/// Parses templates, given by path and text, and adds them to a set in their order.
///
/// # Errors
/// That of the first template in order that is wrong.
pub(crate) fn parse(functions: Arc<Functions>, templates: &[(&str, &[u8])]) -> Result<Set, RenderError> {
    let bytes: usize = templates.iter().map(|(_, text)| text.len()).sum();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(MAX_THREADS).min(1 + bytes / WORTH_A_THREAD);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        // Whatever comes before a template that is wrong has been taken by then, here or on another thread.
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some((path, text)) = templates.get(at)
        {
            let result = Source::parse(&functions, path, text);
            let failed = result.is_err();
            done.push((at, result));
            if failed {
                break;
            }
        }
        done
    };
    let results = gotext::with_big_stacks(threads, work).map_err(|e| RenderError::Thread(e.to_string()))?;
    let mut results: Vec<_> = results.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(at, _)| *at);
    let mut set = Set::new("gotpl", Arc::clone(&functions));
    for (at, result) in results {
        let path = templates.get(at).map_or("", |(path, _)| path);
        set.add(result.map_err(|e| parse_error(path, &e))?);
    }
    Ok(set)
}
