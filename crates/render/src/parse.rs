//! Parsing the templates of a chart, several at a time, and before it is known which of them take part.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chart::Chart;
use gotext::{Error, Functions, Set, Source};

use crate::error::{RenderError, parse_error};
use crate::render::{function_table, template_paths};
use crate::threads::{Next, worth};

/// Templates parsed while the values of their chart are still being brought together.
///
/// Which subcharts take part, and under which names, is decided by the values; what turns out not to fit is left out
/// or parsed again.
#[derive(Default)]
pub struct Ahead(HashMap<String, (Bytes, Result<Source, Error>)>);

/// The templates of a chart as it was loaded, by path.
pub struct Texts(Vec<(String, Bytes)>);

impl Texts {
    /// Takes the templates of a chart, which may change afterwards.
    pub fn of(chart: &Chart) -> Self {
        Self(template_paths(chart).into_iter().map(|(template, text)| (template.path, text.clone())).collect())
    }

    /// Parses them. Takes as long as that takes; see [`crate::Parsed::with`].
    ///
    /// # Errors
    /// Those of starting a thread; what is wrong with a template is told when it is needed.
    pub fn parse(self) -> Result<Ahead, RenderError> {
        let parsed = sources(&function_table(), &self.0, false)?;
        Ok(Ahead(parsed.into_iter().zip(self.0).map(|(source, (path, text))| (path, (text, source))).collect()))
    }
}

/// Parses templates, given by path and text, as far as that was not done ahead, and adds them to a set in their order.
///
/// # Errors
/// That of the first template in order that is wrong.
pub(crate) fn parse(templates: &[(String, Bytes)], mut ahead: Ahead) -> Result<Set, RenderError> {
    let functions = function_table();
    let same = |a: &Bytes, b: &Bytes| a.as_ptr() == b.as_ptr() && a.len() == b.len();
    let mut done: Vec<Option<Result<Source, Error>>> = Vec::with_capacity(templates.len());
    let mut left = Vec::new();
    for (path, text) in templates {
        let found = ahead.0.remove(path).filter(|(known, _)| same(known, text)).map(|(_, source)| source);
        if found.is_none() {
            left.push((path.clone(), text.clone()));
        }
        done.push(found);
    }
    let mut left = if left.is_empty() { Vec::new() } else { sources(&functions, &left, true)? }.into_iter();
    let mut set = Set::new("gotpl", Arc::clone(&functions));
    for ((path, _), source) in templates.iter().zip(done) {
        // After one that is wrong there may be no more.
        let Some(source) = source.or_else(|| left.next()) else { break };
        set.add(source.map_err(|e| parse_error(path, &e))?);
    }
    Ok(set)
}

/// Parses texts and gives the results in their order; no more are begun once one is wrong, if that is asked for.
fn sources(
    functions: &Functions,
    texts: &[(String, Bytes)],
    until_wrong: bool,
) -> Result<Vec<Result<Source, Error>>, RenderError> {
    let next = Next::default();
    let work = || {
        let mut done = Vec::new();
        // Whatever comes before a template that is wrong has been taken by then, here or on another thread.
        while let Some((at, (path, text))) = next.take(texts) {
            let result = Source::parse(functions, path, text);
            let wrong = result.is_err();
            done.push((at, result));
            if wrong && until_wrong {
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
