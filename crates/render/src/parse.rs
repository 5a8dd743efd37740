//! Parsing the templates of a chart, several at a time.

use std::sync::Arc;

use bytes::Bytes;
use gotext::{Error, Functions, Set, Source};

use crate::ahead::Ahead;
use crate::error::{RenderError, parse_error};
use crate::render::function_table;
use crate::threads::{Next, worth};

/// Parses templates, given by path and text, as far as that was not done ahead, and adds them to a set in their order.
///
/// # Errors
/// That of the first template in order that is wrong.
pub(crate) fn parse(templates: &[(String, Bytes)], ahead: Ahead) -> Result<Set, RenderError> {
    parse_with(&function_table(), templates, ahead)?.map_err(|(path, error)| parse_error(&path, &error))
}

/// Does the same with functions of the caller's; gives the path of the template that is wrong, and Go's error.
///
/// # Errors
/// Those of starting a thread.
pub(crate) fn parse_with(
    functions: &Arc<Functions>,
    templates: &[(String, Bytes)],
    ahead: Ahead,
) -> Result<Result<Set, (String, Error)>, RenderError> {
    let mut ahead = ahead.finish()?;
    let same = |a: &Bytes, b: &Bytes| a.as_ptr() == b.as_ptr() && a.len() == b.len();
    let mut done: Vec<Option<Result<Source, Error>>> = Vec::with_capacity(templates.len());
    let mut left = Vec::new();
    for (path, text) in templates {
        let found = ahead.remove(path).filter(|(known, _)| same(known, text)).map(|(_, source)| source);
        if found.is_none() {
            left.push((path.clone(), text.clone()));
        }
        done.push(found);
    }
    let mut left = if left.is_empty() { Vec::new() } else { sources(functions, &left)? }.into_iter();
    let mut set = Set::new("gotpl", Arc::clone(functions));
    for ((path, _), source) in templates.iter().zip(done) {
        // After one that is wrong there may be no more.
        let Some(source) = source.or_else(|| left.next()) else { break };
        match source {
            Ok(source) => set.add(source),
            Err(error) => return Ok(Err((path.clone(), error))),
        }
    }
    Ok(Ok(set))
}

/// Parses texts and gives the results in their order; no more are begun once one is wrong.
fn sources(functions: &Functions, texts: &[(String, Bytes)]) -> Result<Vec<Result<Source, Error>>, RenderError> {
    let next = Next::default();
    let work = || {
        let mut done = Vec::new();
        // Whatever comes before a template that is wrong has been taken by then, here or on another thread.
        while let Some((at, (path, text))) = next.take(texts) {
            let result = Source::parse_shared(functions, path, text.clone());
            let wrong = result.is_err();
            done.push((at, result));
            if wrong {
                break;
            }
        }
        done
    };
    let threads = worth(texts.iter().map(|(_, text)| text.len()).sum());
    let results = gotext::with_big_stacks(threads, work).map_err(|e| RenderError::Thread(e.to_string()))?;
    let mut results: Vec<_> = results.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(at, _)| *at);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
