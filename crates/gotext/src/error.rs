//! What goes wrong in a template: structured frames that print as Go's text.

use std::fmt;

/// An error of parsing or executing a template, or of a function called by it.
///
/// Errors form a chain: the error of an `include` holds that of the template it ran. `Display` prints the whole chain,
/// as Go's `%w` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What happened, in the words of the function or of Go; where there is a cause, what stands before its text.
    pub message: String,
    /// What sort of error it is.
    pub kind: ErrorKind,
    /// Where it happened; absent for the plain error of a function.
    pub place: Option<Box<Place>>,
    cause: Cause,
}

/// What sort of error it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The error of a function, or text put around another error.
    Function,
    /// The text of a template is not one.
    Parse,
    /// The template cannot be executed with these values (Go's `ExecError`).
    Exec,
    /// A template asked for by name is not there.
    NoTemplate,
    /// A budget is used up; nothing was wrong with the template up to there.
    Limit(Limit),
}

/// Which budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Nesting of templates, `include` and `tpl`, or of the native stack below them.
    Depth,
    /// Steps of execution.
    Steps,
    /// Bytes written.
    Output,
    /// Bytes of the arena.
    Memory,
    /// The host's wish to stop.
    Interrupted,
}

/// Where an error happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the text of a template.
    Parsing {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// At a node of a template.
    Executing {
        /// The file the node stands in.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The bytes before it on its line.
        column: usize,
        /// The template being executed: the file, or a `define` in it.
        template: String,
        /// The node, written as Go writes it.
        context: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Parsing { file, line } => write!(f, "template: {file}:{line}: "),
            Place::Executing { file, line, column, template, context } => {
                let template = crate::strconv::quote(template);
                write!(f, "template: {file}:{line}:{column}: executing {template} at <{context}>: ")
            }
        }
    }
}

impl Error {
    /// An error of a function's: Go wraps it as `error calling NAME: …`.
    pub fn new(message: impl Into<String>) -> Self {
        Self::of(ErrorKind::Function, message)
    }

    /// An error of a given kind without a place.
    pub fn of(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { message: message.into(), kind, place: None, cause: Cause(None) }
    }

    /// An error whose text ends in that of its cause, as `fmt.Errorf("… %w", …)`. A used-up budget stays as it is.
    pub fn wrap(message: impl Into<String>, cause: Error) -> Self {
        if let ErrorKind::Limit(_) = cause.kind {
            return cause;
        }
        Self { cause: Cause(Some(Box::new(cause))), ..Self::new(message) }
    }

    /// An error at a place.
    pub(crate) fn at(kind: ErrorKind, place: Place, message: String, cause: Option<Error>) -> Self {
        Self { message, kind, place: Some(Box::new(place)), cause: Cause(cause.map(Box::new)) }
    }

    /// The error within this one, as Go's `errors.Unwrap`.
    pub fn cause(&self) -> Option<&Error> {
        self.cause.0.as_deref()
    }

    /// This error and all that are within it, outermost first.
    pub fn chain(&self) -> impl Iterator<Item = &Error> {
        std::iter::successors(Some(self), |e| e.cause())
    }

    /// The innermost error.
    pub fn root(&self) -> &Error {
        self.chain().last().unwrap_or(self)
    }

    /// The used-up budget, if that is what ended the render.
    pub fn limit(&self) -> Option<Limit> {
        self.chain().find_map(|e| if let ErrorKind::Limit(limit) = e.kind { Some(limit) } else { None })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in self.chain() {
            if let Some(place) = &error.place {
                place.fmt(f)?;
            }
            f.write_str(&error.message)?;
        }
        Ok(())
    }
}

/// `source` is left out: `Display` prints the causes already.
impl std::error::Error for Error {}

/// The error within an error. A render can nest thousands of them, so that they are dropped in a loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cause(Option<Box<Error>>);

impl Drop for Cause {
    fn drop(&mut self) {
        let mut next = self.0.take();
        while let Some(mut error) = next {
            next = error.cause.0.take();
        }
    }
}
