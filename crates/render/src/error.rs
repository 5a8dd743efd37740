//! What goes wrong in a render, with Helm's text and the place it happened at.

use chart::capabilities::IncompatibleKubeVersion;
use gotext::{Error, ErrorKind, Limit, Place};

use crate::functions::helm::{WARN_END, WARN_START};

/// Where in a chart something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The template's path: `chart/templates/x.yaml`.
    pub template: String,
    /// The line, from 1.
    pub line: usize,
    /// The bytes before it on its line, where they are known.
    pub column: Option<usize>,
}

/// A render that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template cannot be parsed or executed.
    #[error("{message}")]
    Template {
        /// Helm's text.
        message: String,
        /// Where it happened: in the template that was being rendered.
        position: Option<Position>,
        /// The message of `fail` or `required`, when one of them ended the render.
        said: Option<String>,
    },
    /// A budget is used up.
    #[error("rendering `{template}` takes more than it may: {reason}")]
    Limit {
        /// The template that was being rendered.
        template: String,
        /// Which budget.
        limit: Limit,
        /// The budget in words.
        reason: String,
    },
    /// The manifests cannot be taken apart.
    #[error("{message}")]
    Manifest {
        /// Helm's text: `YAML parse error on PATH: …`.
        message: String,
        /// The path of the template that made it.
        path: String,
        /// The files as they were rendered, for a person to look at.
        files: crate::render::Files,
    },
    /// The chart does not want this cluster.
    #[error(transparent)]
    KubeVersion(#[from] IncompatibleKubeVersion),
    /// There was no thread to render on.
    #[error("cannot start a thread to render on: {0}")]
    Thread(String),
}

/// Helm's `cleanupParseError` (as Helm 4.3: `pkg/engine/engine.go`).
pub(crate) fn parse_error(filename: &str, error: &Error) -> RenderError {
    let text = error.to_string();
    let tokens: Vec<&str> = text.split(": ").collect();
    let message = match (tokens.get(1), tokens.last()) {
        (Some(location), Some(last)) => format!("parse error at ({location}): {last}"),
        _ => format!("parse error in ({filename}): {text}"),
    };
    RenderError::Template { message, position: position(error), said: None }
}

/// Helm's `reformatExecErrorMsg` (as Helm 4.3: `pkg/engine/engine.go`), over the frames instead of their text.
pub(crate) fn exec_error(filename: &str, error: &Error) -> RenderError {
    if let Some(limit) = error.limit() {
        return RenderError::Limit { template: filename.to_owned(), limit, reason: error.root().to_string() };
    }
    let said = said(&error.root().message);
    let message = match (&error.place, &said) {
        (Some(place), Some(said)) => format!("execution error at ({}): {said}", location(place)),
        _ => traced(error).unwrap_or_else(|| error.to_string()),
    };
    RenderError::Template { message, position: position(error), said }
}

/// The message between the marks of `fail` and `required`.
fn said(message: &str) -> Option<String> {
    let (_, after) = message.split_once(WARN_START)?;
    let (said, _) = after.rsplit_once(WARN_END)?;
    Some(said.to_owned())
}

fn location(place: &Place) -> String {
    match place {
        Place::Parsing { file, line } => format!("{file}:{line}"),
        Place::Executing { file, line, column, .. } => format!("{file}:{line}:{column}"),
    }
}

pub(crate) fn position(error: &Error) -> Option<Position> {
    Some(match error.place.as_deref()? {
        Place::Parsing { file, line } => Position { template: file.clone(), line: *line, column: None },
        Place::Executing { file, line, column, .. } => {
            Position { template: file.clone(), line: *line, column: Some(*column) }
        }
    })
}

/// The frames, each on its lines; `None` when one of them is no frame of a template, and Helm keeps Go's text.
fn traced(error: &Error) -> Option<String> {
    if error.kind == ErrorKind::NoTemplate {
        return None;
    }
    let mut frames: Vec<String> = Vec::new();
    for frame in error.chain() {
        // Go's texts go on with that of the cause, where Helm cuts.
        let message = match frame.message.split_once(" template:") {
            Some((before, _)) => before,
            None => frame.message.as_str(),
        };
        let message = if frame.cause().is_some() { message.trim_end() } else { message };
        let text = match frame.place.as_deref() {
            Some(place @ Place::Executing { template, context, .. }) => {
                let name = template.split('"').next().unwrap_or(template);
                format!("{}\n  executing \"{name}\" at <{context}>:\n    {message}\n", location(place))
            }
            Some(place @ Place::Parsing { .. }) => format!("{}\n  {message}\n", location(place)),
            None if frame.kind == ErrorKind::NoTemplate => format!("{}\n", frame.message),
            None => return None,
        };
        if frames.last() != Some(&text) {
            frames.push(text);
        }
    }
    Some(frames.concat().trim().to_owned())
}
