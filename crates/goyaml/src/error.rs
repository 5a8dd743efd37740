//! What goes wrong while reading or writing, in Go's words.

use std::fmt;

/// Where an error arose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not YAML (go-yaml's own errors).
    Yaml,
    /// The text is not JSON, or the value has no JSON form.
    Json,
    /// The document is well-formed and not what was asked for.
    Type,
    /// A line that begins with `---` separates no documents.
    Separator,
}

/// An error with Go's text; wrappers that Helm's libraries put around it are kept apart from the problem itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// The wrappers, the innermost first.
    prefixes: Vec<&'static str>,
    problem: String,
    line: Option<usize>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, problem: impl Into<String>) -> Self {
        Self { kind, prefixes: Vec::new(), problem: problem.into(), line: None }
    }

    /// An error of go-yaml, with the line that it names.
    pub(crate) fn yaml(line: Option<usize>, problem: impl fmt::Display) -> Self {
        let problem = match line {
            Some(line) => format!("yaml: line {line}: {problem}"),
            None => format!("yaml: {problem}"),
        };
        Self { kind: ErrorKind::Yaml, prefixes: Vec::new(), problem, line }
    }

    /// An error of `encoding/json`.
    pub(crate) fn json(problem: impl Into<String>) -> Self {
        Self::new(ErrorKind::Json, problem)
    }

    /// The error of `encoding/json` for `value` where a Go value of type `go_type` is wanted, for example
    /// `json: cannot unmarshal string into Go value of type map[string]interface {}`.
    pub fn unmarshal_type(value: &str, go_type: &str) -> Self {
        Self::new(ErrorKind::Type, format!("json: cannot unmarshal {value} into Go value of type {go_type}"))
    }

    /// The error of `encoding/json` for `value` where the field `field` (as `Metadata.keywords`) has the Go type
    /// `go_type`.
    pub fn unmarshal_field(value: &str, field: &str, go_type: &str) -> Self {
        Self::new(
            ErrorKind::Type,
            format!("json: cannot unmarshal {value} into Go struct field {field} of type {go_type}"),
        )
    }

    /// Puts the words of `sigs.k8s.io/yaml` around an error of reading: the conversion, or what follows it.
    #[must_use]
    pub fn in_unmarshal(self) -> Self {
        let prefix = match self.kind {
            ErrorKind::Type => "error unmarshaling JSON: while decoding JSON: ",
            _ => "error converting YAML to JSON: ",
        };
        self.wrapped(prefix)
    }

    /// Puts words in front of the text, as `fmt.Errorf("words: %w", err)`.
    #[must_use]
    pub fn wrapped(mut self, prefix: &'static str) -> Self {
        self.prefixes.push(prefix);
        self
    }

    /// Returns where the error arose.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the line that the text names, counted as go-yaml counts (which is not always from 1).
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// Returns the text without the wrappers, for example `yaml: line 3: did not find expected key`.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for prefix in self.prefixes.iter().rev() {
            f.write_str(prefix)?;
        }
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Error {}
