//! Helm 2's dialect: charts as Tiller 2.17 renders them.
//!
//! It is a profile of the same renderer: another table of functions, another root value, another way to take the files
//! apart. Where Tiller's order is random it is by path here.
//!
//! [`render`] makes a [`Rendered`] of a chart and its values; [`files`] only executes the templates, for
//! [`template_output`].

mod capabilities;
mod engine;
mod functions;
mod hooks;
mod kinds;
mod message;
mod objects;
mod split;
mod template;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use chart::helm2::{Chart, semver};
use gotext::Limits;
use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use capabilities::{Capabilities, KubeVersion, TILLER_VERSION, TillerVersion};
pub use engine::files;
pub use hooks::{DeletePolicy, Event, Hook};
pub use kinds::{INSTALL_ORDER, UNINSTALL_ORDER};
pub use split::split;
pub use template::template_output;

use crate::error::Position;
use crate::host::Resolve;
use crate::manifests::{Manifest, take_notes};

/// Lists the functions of the dialect, in no order.
pub fn functions() -> impl Iterator<Item = &'static gotext::Function> {
    functions::table().iter()
}

/// `.Release` (as Helm 2.17: `chartutil.ReleaseOptions`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Release {
    pub name: String,
    pub namespace: String,
    /// 1 for every install; `helm template` has 0.
    pub revision: i64,
    pub is_install: bool,
    pub is_upgrade: bool,
}

/// What a render takes besides the chart.
#[derive(Clone)]
pub struct Inputs<'i> {
    /// The values as `.Values` shows them ([`chart::helm2::coalesce_values`]).
    pub values: &'i goyaml::Map,
    /// The release.
    pub release: &'i Release,
    /// The cluster and the Tiller.
    pub capabilities: &'i Capabilities,
    /// Adds the notes of subcharts.
    pub subchart_notes: bool,
    /// The name service, for `getHostByName`; without it every answer is empty.
    pub resolve: Option<Arc<dyn Resolve>>,
    /// Budgets; by default there are none but Go's own.
    pub limits: Limits,
    /// Ends the render when it turns true.
    pub interrupt: Option<Arc<AtomicBool>>,
    /// The time it is, `.Release.Time`.
    pub now: Timestamp,
    /// The local time zone.
    pub zone: TimeZone,
    /// Where randomness starts; from the operating system when there is none.
    pub seed: Option<[u8; 32]>,
}

impl<'i> Inputs<'i> {
    /// Inputs with no name service, no budgets, UTC and randomness of the operating system.
    pub fn new(values: &'i goyaml::Map, release: &'i Release, capabilities: &'i Capabilities, now: Timestamp) -> Self {
        Self {
            values,
            release,
            capabilities,
            subchart_notes: false,
            resolve: None,
            limits: Limits::default(),
            interrupt: None,
            now,
            zone: TimeZone::UTC,
            seed: None,
        }
    }
}

/// A rendered release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// `Release.manifest` as Tiller stores it: each document behind a line break and `---`, none at the end.
    pub manifest: String,
    /// The documents of the manifest, in install order.
    pub objects: Vec<Manifest>,
    /// The hooks, by path.
    pub hooks: Vec<Hook>,
    /// The notes.
    pub notes: String,
    /// The `helm.sh/hook` annotations of documents that vanish, since nobody knows the event.
    pub skipped_hooks: Vec<String>,
}

/// A render that failed; the text is Tiller's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A template cannot be parsed or executed.
    #[error("{message}")]
    Template {
        /// The text.
        message: String,
        /// Where it happened.
        position: Option<Position>,
    },
    /// A budget is used up.
    #[error("rendering `{template}` takes more than it may: {reason}")]
    Limit {
        /// The template that was being rendered.
        template: String,
        /// Which budget.
        limit: gotext::Limit,
        /// The budget in words.
        reason: String,
    },
    /// The manifests cannot be taken apart.
    #[error("{message}")]
    Manifest {
        /// The text: `YAML parse error on PATH: …`.
        message: String,
        /// The path of the template that made it.
        path: String,
        /// All files, as Tiller puts them into the manifest of the release that failed; a dry run adds it to the text.
        manifest: String,
    },
    /// The chart does not want this Tiller or this cluster.
    #[error("{0}")]
    Incompatible(String),
    /// There was no thread to render on.
    #[error("cannot start a thread to render on: {0}")]
    Thread(String),
}

/// Renders a chart into a release (as Helm 2.17: `pkg/tiller/release_server.go` `renderResources`).
///
/// # Errors
/// The chart does not want this Tiller or cluster, a template fails, a budget is used up, or a document is no YAML.
pub fn render(chart: &Chart, inputs: &Inputs<'_>) -> Result<Rendered, Error> {
    compatible(chart, inputs.capabilities)?;
    let mut files = files(chart, inputs)?;
    let notes = take_notes(chart.name(), &mut files, inputs.subchart_notes);
    let sorted = hooks::sort(&files).map_err(|(path, message)| {
        let mut manifest = String::new();
        for (name, text) in files.iter().filter(|(_, text)| !text.trim().is_empty()) {
            append(&mut manifest, name, text);
        }
        Error::Manifest { message, path, manifest }
    })?;
    let size = |object: &Manifest| object.path.len() + object.content.len() + 18;
    let mut manifest = String::with_capacity(sorted.manifests.iter().map(size).sum());
    for object in &sorted.manifests {
        append(&mut manifest, &object.path, &object.content);
    }
    Ok(Rendered { manifest, objects: sorted.manifests, hooks: sorted.hooks, notes, skipped_hooks: sorted.skipped })
}

fn append(manifest: &mut String, path: &str, content: &str) {
    manifest.extend(["\n---\n# Source: ", path, "\n", content]);
}

/// Checks `tillerVersion` and `kubeVersion` of the chart.
fn compatible(chart: &Chart, capabilities: &Capabilities) -> Result<(), Error> {
    let tiller = &capabilities.tiller_version.sem_ver;
    let wanted = &chart.metadata.tiller_version;
    if !wanted.is_empty() && !semver::is_compatible_range(wanted, tiller) {
        return Err(Error::Incompatible(format!("Chart incompatible with Tiller {tiller}")));
    }
    let wanted = &chart.metadata.kube_version;
    let cluster = capabilities.kube_version.git_version.split('+').next().unwrap_or("");
    if !wanted.is_empty() && !semver::is_compatible_range(wanted, cluster) {
        return Err(Error::Incompatible(format!(
            "Chart requires kubernetesVersion: {wanted} which is incompatible with Kubernetes {cluster}"
        )));
    }
    Ok(())
}

/// The text of an error about the head of a document: the type has another name in Helm 2, and the reader is an older one.
fn head_error(error: &goyaml::Error) -> String {
    let mut text = chart::helm2::yaml_error(error).replace("util.SimpleHead", "releaseutil.SimpleHead");
    for field in ["apiVersion", "kind", "metadata"] {
        text = text.replace(&format!("field .{field} of"), &format!("field SimpleHead.{field} of"));
    }
    const ANNOTATION: &str = "field .metadata.annotations.";
    if let Some((before, after)) = text.split_once(ANNOTATION)
        && let Some((_, wanted)) = after.rsplit_once(" of type ")
    {
        return format!("{before}field .metadata.annotations of type {wanted}");
    }
    text
}
