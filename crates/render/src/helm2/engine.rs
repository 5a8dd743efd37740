//! Parsing and executing the templates of a chart (as Helm 2.17: `pkg/engine/engine.go`).

use std::cmp::Reverse;
use std::sync::Arc;

use bytes::Bytes;
use chart::Content;
use chart::helm2::Chart;
use gotext::{Arena, Map, MissingKey, Options, Runtime, Set, Value};

use super::functions::{VALUES, table as function_table};
use super::objects::{Caps, Files as FilesObject};
use super::{Error, Inputs, message};
use crate::ahead::Ahead;
use crate::error::{RenderError, position};
use crate::golang::path;
use crate::golang::time::{Time, local_zone};
use crate::host::Host;
use crate::objects::Files as Entries;
use crate::parse::parse_with;
use crate::render::{Files, base_name, intern, on_big_stack, table};
use crate::values::{into_text, tree_map};

/// A template file.
struct Template {
    path: String,
    base_path: Arc<str>,
    /// The number of its chart, counted as [`charts`] walks them.
    chart: usize,
    text: Bytes,
}

fn threadless(error: RenderError) -> Error {
    match error {
        RenderError::Thread(reason) => Error::Thread(reason),
        other => Error::Template { message: other.to_string(), position: None },
    }
}

/// Executes all templates that are no partials, NOTES too.
///
/// # Errors
/// Names the template and its place, in Tiller's words, or the budget that was used up.
pub fn files(chart: &Chart, inputs: &Inputs<'_>) -> Result<Files, Error> {
    let templates = templates(chart);
    let texts: Vec<(String, Bytes)> = templates.iter().map(|t| (t.path.clone(), t.text.clone())).collect();
    let set = parse_with(function_table(), &texts, Ahead::default()).map_err(threadless)?;
    let set = set.map_err(|(path, error)| Error::Template {
        message: format!("parse error in {}: {error}", gotext::strconv::quote(&path)),
        position: position(&error),
    })?;
    on_big_stack(|| execute(chart, &templates, &set, inputs)).map_err(threadless)?
}

/// Walks a chart and its subcharts, children before parents.
fn charts<'c>(chart: &'c Chart, full_path: &str, out: &mut Vec<(&'c Chart, String)>) {
    for child in &chart.dependencies {
        charts(child, &path::join(&[full_path, "charts", child.name()]), out);
    }
    out.push((chart, full_path.to_owned()));
}

/// Lists the templates in the order they are parsed and executed: the deepest first, then backwards by name.
fn templates(chart: &Chart) -> Vec<Template> {
    let mut all = Vec::new();
    charts(chart, chart.name(), &mut all);
    let mut templates: Vec<Template> = Vec::new();
    for (number, (owner, full_path)) in all.iter().enumerate() {
        let base_path: Arc<str> = path::join(&[full_path, "templates"]).into();
        for file in &owner.templates {
            let path = path::join(&[full_path, &file.name]);
            let text = file.data.bytes().clone();
            templates.push(Template { path, base_path: Arc::clone(&base_path), chart: number, text });
        }
    }
    // Of two with the same path the last counts.
    templates.sort_by(|a, b| a.path.cmp(&b.path));
    templates.reverse();
    templates.dedup_by(|later, kept| later.path == kept.path);
    templates.sort_by_cached_key(|template| Reverse(template.path.bytes().filter(|b| *b == b'/').count()));
    templates
}

fn execute(chart: &Chart, templates: &[Template], set: &Set, inputs: &Inputs<'_>) -> Result<Files, Error> {
    let arena = Arena::new();
    let local = intern(&inputs.zone);
    let now = Time {
        seconds: inputs.now.as_second(),
        nanos: inputs.now.subsec_nanosecond().unsigned_abs(),
        zone: local_zone(local),
        clock: true,
    };
    let mut host = Host::new(now, local, inputs.seed);
    host.resolve = inputs.resolve.clone();
    let scopes = scopes(&arena, chart, inputs);
    let options =
        Options { missing_key: MissingKey::Zero, limits: inputs.limits.clone(), interrupt: inputs.interrupt.clone() };
    let mut runtime = Runtime::new(&arena, set, &options);
    let mut files = Files::new();
    let mut out = Vec::new();
    for template in templates {
        if base_name(&template.path).starts_with('_') {
            continue;
        }
        let Some(scope) = scopes.get(template.chart) else { continue };
        scope.set(b"Template", about(&arena, template.base_path.as_bytes(), template.path.as_bytes()));
        out.clear();
        let dot = Value::Map(arena.view(scope, Some(VALUES)));
        runtime
            .execute_to(&mut host, template.path.as_bytes(), dot, &mut out)
            .map_err(|e| failed(&template.path, &e))?;
        files.insert(template.path.clone(), into_text(&out));
    }
    Ok(files)
}

/// `.Template`.
pub(super) fn about<'a>(arena: &'a Arena, base_path: &[u8], name: &[u8]) -> Value<'a> {
    let about = arena.map();
    about.set(b"BasePath", arena.str(base_path));
    about.set(b"Name", arena.str(name));
    Value::Map(about)
}

fn failed(path: &str, error: &gotext::Error) -> Error {
    if let Some(limit) = error.limit() {
        return Error::Limit { template: path.to_owned(), limit, reason: error.root().to_string() };
    }
    Error::Template {
        message: format!("render error in {}: {error}", gotext::strconv::quote(path)),
        position: position(error),
    }
}

/// The top-level values of each chart, in the order of [`charts`].
fn scopes<'a>(arena: &'a Arena, chart: &'a Chart, inputs: &'a Inputs<'_>) -> Vec<&'a Map<'a>> {
    let (of, release) = (inputs.release, arena.map());
    release.set(b"IsInstall", Value::Bool(of.is_install));
    release.set(b"IsUpgrade", Value::Bool(of.is_upgrade));
    release.set(b"Name", arena.str(&of.name));
    release.set(b"Namespace", arena.str(&of.namespace));
    release.set(b"Revision", Value::int(of.revision));
    release.set(b"Service", arena.str("Tiller"));
    release.set(b"Time", message::timestamp(arena, inputs.now));
    let capabilities = arena.object(Caps::new(arena, inputs.capabilities));
    let mut made = Vec::new();
    scope(arena, chart, tree_map(arena, inputs.values), (Value::Map(release), capabilities), &mut made);
    made
}

fn scope<'a>(
    arena: &'a Arena,
    chart: &'a Chart,
    values: &'a Map<'a>,
    (release, capabilities): (Value<'a>, Value<'a>),
    made: &mut Vec<&'a Map<'a>>,
) {
    for child in &chart.dependencies {
        if child.name().is_empty() {
            // No client loads one, but one can be sent: it sees nothing, and neither does what is in it.
            scope(arena, child, arena.map(), (Value::Nil, Value::Nil), made);
            if let Some(last) = made.last_mut() {
                *last = arena.map();
            }
            continue;
        }
        let below = table(values, child.name()).unwrap_or_else(|| arena.map());
        scope(arena, child, below, (release, capabilities), made);
    }
    let files: Vec<(&str, &Content)> = chart.files.iter().map(|file| (file.name.as_str(), &file.data)).collect();
    let scope = arena.map();
    scope.set(b"Capabilities", capabilities);
    scope.set(b"Chart", message::metadata(arena, &chart.metadata));
    scope.set(b"Files", arena.object(FilesObject(Entries::new(arena, &files))));
    scope.set(b"Release", release);
    scope.set(b"Values", Value::Map(arena.view(values, Some(VALUES))));
    made.push(scope);
}
