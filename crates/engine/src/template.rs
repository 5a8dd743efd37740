//! From a chart and values to rendered manifests, with no cluster needed: what `helm template` does, and the part of an
//! install and an upgrade that is the same.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use chart::Chart;
use goyaml::Map;
use jiff::Timestamp;
use render::manifests::{Rendered, Shape};
use render::{Ahead, Capabilities, Inputs, Limits, Lookup, Parsed, Resolve};

use crate::error::Error;

/// A chart that is to be rendered.
pub struct Template {
    /// The chart as it was loaded.
    pub chart: Chart,
    /// Its templates, as far as they were parsed while it was loaded.
    pub ahead: Ahead,
    /// The user's values.
    pub values: Map,
    /// What `.Release` shows.
    pub release: render::Release,
    /// What `.Capabilities` shows.
    pub capabilities: Capabilities,
    /// What shapes the manifest.
    pub shape: Shape,
    /// Do not check values against the schema.
    pub skip_schema_validation: bool,
    /// The cluster, for `lookup`; without one every lookup is empty.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// The name service, for `getHostByName`; without one every name has no address.
    pub resolve: Option<Arc<dyn Resolve>>,
    /// What the render may use up.
    pub limits: Limits,
    /// Ends the render when it turns true.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// The time it is.
    pub now: Timestamp,
}

/// A rendered chart.
pub struct Templated {
    /// The chart with its dependencies processed, as a record keeps it.
    pub chart: Arc<Chart>,
    /// What it has become.
    pub rendered: Rendered,
    /// What it was made from, which takes time to free: who ends right after need not.
    pub source: Source,
}

/// What a chart is rendered from.
pub struct Source {
    /// The chart with its templates parsed.
    pub parsed: Parsed,
    /// The values as the templates saw them.
    pub values: Map,
}

/// What a person should know about a chart, told while it is rendered, also when that fails in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The chart is deprecated.
    Deprecated,
    /// Values that do not go together, in Helm's words.
    Values(String),
    /// A document that is left out, since it is a hook of a kind that there is none of.
    UnknownHook(String),
    /// A chart's values were checked against its schema, if it has one; only of use to who looks for an error.
    Schema {
        /// The chart.
        chart: String,
        /// The schema as it is written.
        schema: Option<Bytes>,
        /// How many subcharts it has.
        dependencies: usize,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Deprecated => f.write_str("this chart is deprecated"),
            Self::Values(text) => f.write_str(text),
            Self::UnknownHook(word) => write!(f, "skipping unknown hooks {word}"),
            Self::Schema { chart, dependencies, .. } => {
                write!(f, "number of dependencies in the chart {chart}: {dependencies}")
            }
        }
    }
}

impl Template {
    /// Makes a template with no cluster, no budgets and Helm's default capabilities.
    pub fn new(chart: Chart, values: Map, release: render::Release, now: Timestamp) -> Self {
        Self {
            chart,
            ahead: Ahead::default(),
            values,
            release,
            capabilities: Capabilities::default(),
            shape: Shape::default(),
            skip_schema_validation: false,
            lookup: None,
            resolve: None,
            limits: Limits::default(),
            interrupt: None,
            now,
        }
    }

    /// Processes dependencies, merges and checks values, and executes the templates. Takes as long as that takes.
    ///
    /// # Errors
    /// What is wrong with the chart, the values or the templates.
    pub fn render(self, notice: &mut dyn FnMut(Notice)) -> Result<Templated, Error> {
        self.check(notice)?;
        self.render_checked(notice)
    }

    /// Refuses a chart that cannot be a release, before anything else is looked at.
    ///
    /// # Errors
    /// When the chart is of a type that is not installed, or lacks subcharts that it names.
    pub fn check(&self, notice: &mut dyn FnMut(Notice)) -> Result<(), Error> {
        check_chart(&self.chart, notice)
    }

    /// Does what [`Template::render`] does after [`Template::check`].
    ///
    /// # Errors
    /// What is wrong with the values or the templates.
    pub fn render_checked(self, notice: &mut dyn FnMut(Notice)) -> Result<Templated, Error> {
        let Self { mut chart, mut ahead, values, release, capabilities, shape, .. } = self;
        // Templates are parsed while the values are brought together: both take about as long.
        ahead.add(&chart);
        let values = prepare(&mut chart, &values, !self.skip_schema_validation, notice)?;
        let chart = Arc::new(chart);
        chart::capabilities::check_kube_version(&chart.metadata.kube_version, &capabilities.kube_version)
            .map_err(render::RenderError::from)?;
        let parsed = Parsed::with(Arc::clone(&chart), ahead)?;
        let inputs = Inputs {
            lookup: self.lookup,
            resolve: self.resolve,
            limits: self.limits,
            interrupt: self.interrupt,
            ..Inputs::new(&values, &release, &capabilities, self.now)
        };
        let rendered = render::manifests::render(&parsed, &inputs, &shape)?;
        Ok(Templated { chart, rendered, source: Source { parsed, values } })
    }
}

/// Processes the dependencies of a chart, and brings the values together and checks them.
fn prepare(chart: &mut Chart, values: &Map, check: bool, notice: &mut dyn FnMut(Notice)) -> Result<Map, Error> {
    let mut tell = |warnings: Vec<String>| warnings.into_iter().for_each(|text| notice(Notice::Values(text)));
    match chart::values::process_dependencies(chart, values) {
        Ok(warnings) => tell(warnings),
        Err(mut error) => {
            tell(std::mem::take(&mut error.warnings));
            return Err(Error::Dependencies(error));
        }
    }
    let coalesced = match chart::values::coalesce_values(chart, values) {
        Ok(coalesced) => coalesced,
        Err(mut error) => {
            tell(std::mem::take(&mut error.warnings));
            return Err(chart::Error::from(error).into());
        }
    };
    tell(coalesced.warnings);
    if check {
        tell_checked(chart, &coalesced.values, notice);
        chart::schema::validate(chart, &coalesced.values)?;
    }
    Ok(coalesced.values)
}

/// Tells which charts have values that are checked.
fn tell_checked(chart: &Chart, values: &Map, notice: &mut dyn FnMut(Notice)) {
    notice(Notice::Schema {
        chart: chart.name().to_owned(),
        schema: chart.schema.clone(),
        dependencies: chart.dependencies.len(),
    });
    for subchart in &chart.dependencies {
        if let Some(goyaml::Value::Map(values)) = values.get(subchart.name()) {
            tell_checked(subchart, values, notice);
        }
    }
}

/// Refuses what cannot be a release, as Helm 4.3: `pkg/cmd/install.go checkIfInstallable`.
fn check_installable(chart: &Chart) -> Result<(), Error> {
    match chart.metadata.kind.as_str() {
        "" | "application" => Ok(()),
        kind => Err(Error::NotInstallable(kind.to_owned())),
    }
}

/// Refuses a chart that cannot be a release, before anything else is looked at.
///
/// # Errors
/// When the chart is of a type that is not installed, or lacks subcharts that it names.
pub fn check_chart(chart: &Chart, notice: &mut dyn FnMut(Notice)) -> Result<(), Error> {
    check_installable(chart)?;
    if chart.metadata.deprecated {
        notice(Notice::Deprecated);
    }
    check_complete(chart)
}

/// Refuses a chart without the subcharts it names, as Helm 4.3: `pkg/action/install.go CheckDependencies`.
///
/// # Errors
/// When it lacks one.
pub fn check_complete(chart: &Chart) -> Result<(), Error> {
    let there = |name: &str| chart.dependencies.iter().any(|subchart| subchart.metadata.name == name);
    let missing: Vec<String> =
        chart.metadata.dependencies.iter().map(|wanted| wanted.name.clone()).filter(|name| !there(name)).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::SubchartsMissing(missing)) }
}
