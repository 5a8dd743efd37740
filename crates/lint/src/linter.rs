//! All rules, one after the other.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chart::capabilities::KubeVersion;
use chart::{Chart, LoadNotice};
use goyaml::Map;
use jiff::Timestamp;
use render::{Limits, RenderError};

use crate::source::Source;
use crate::{chartfile, crds, dependencies, templates, values};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// Not as is usual.
    Warning,
    /// It will not work.
    Error,
}

/// Something that a rule has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The file or folder.
    pub path: String,
    /// What it is.
    pub text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// What the rules are told.
#[derive(Clone, Debug)]
pub struct Options {
    /// The user's values.
    pub values: Map,
    /// The namespace of the release that is rendered.
    pub namespace: String,
    /// The Kubernetes version to check for; without one it is the built-in one.
    pub kube_version: Option<KubeVersion>,
    /// Do not check values against the schema.
    pub skip_schema_validation: bool,
    /// What the render may use up; by default as much as it wants, as with Helm.
    pub limits: Limits,
    /// Ends the render when it turns true.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// The time it is.
    pub now: Timestamp,
}

impl Options {
    /// Makes options with no values and no budgets.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            values: Map::new(),
            namespace: "default".to_owned(),
            kube_version: None,
            skip_schema_validation: false,
            limits: Limits::default(),
            interrupt: None,
            now,
        }
    }
}

/// What Helm writes to its log meanwhile, which is no finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What there was to say when the chart was loaded.
    Chart(LoadNotice),
    /// Values that do not go together, in Helm's words.
    Values(String),
    /// What `required` and `fail` say when they end nothing.
    Template(render::Notice),
}

/// Whoever wants to hear of notices.
pub type Notices = Arc<dyn Fn(Notice) + Send + Sync>;

/// The chart, and the findings so far.
pub(crate) struct Linter<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) options: &'a Options,
    pub(crate) notices: &'a Notices,
    /// The user's values, into which the rules merge those of the chart.
    pub(crate) values: Map,
    findings: Vec<Finding>,
    loaded: OnceCell<(Result<Chart, String>, Vec<LoadNotice>)>,
}

impl Linter<'_> {
    /// Notes down what a rule says.
    pub(crate) fn rule(&mut self, severity: Severity, path: &str, result: Result<(), String>) {
        if let Err(text) = result {
            self.findings.push(Finding { severity, path: path.to_owned(), text });
        }
    }

    /// Gives the chart; what is noticed meanwhile is told each time, as Helm loads it each time.
    pub(crate) fn load(&self) -> Result<Chart, String> {
        let (loaded, told) = self.loaded.get_or_init(|| {
            let mut told = Vec::new();
            (self.source.load(&mut |notice| told.push(notice)), told)
        });
        told.iter().for_each(|notice| (self.notices)(Notice::Chart(notice.clone())));
        loaded.clone()
    }
}

/// Holds a chart against all rules. It should be called on a big stack ([`render::on_big_stack`]).
///
/// # Errors
/// When the chart's templates use up a budget; all else is a finding.
pub fn run(source: &dyn Source, options: &Options, notices: &Notices) -> Result<Vec<Finding>, RenderError> {
    let values = options.values.clone();
    let mut linter = Linter { source, options, notices, values, findings: Vec::new(), loaded: OnceCell::new() };
    chartfile::check(&mut linter);
    values::check(&mut linter);
    templates::check(&mut linter)?;
    dependencies::check(&mut linter);
    crds::check(&mut linter);
    Ok(linter.findings)
}
