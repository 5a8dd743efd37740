//! From rendered files to a release: manifests in install order, hooks, CRDs, notes (as Helm 4.3: `pkg/action/action.go`
//! `renderResources`, `pkg/release/v1/util`).

mod apart;
mod head;
mod kinds;
mod sort;
mod split;
mod template;

use chart::Content;
use chart::capabilities::check_kube_version;

pub use head::Head;
pub use kinds::{INSTALL_ORDER, UNINSTALL_ORDER, compare as compare_kinds};
pub use sort::{Hook, HookEvent, Manifest, Unsorted, sort_by_kind, sort_files};
pub use split::split;
pub use template::{ShowOnlyError, TemplateOptions, template_output, template_pieces};

use apart::Apart;
use sort::sort_noting;

use crate::error::RenderError;
use crate::golang::path;
use crate::render::{Files, Inputs, Parsed};

/// A file of a `crds/` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crd {
    /// The path inside its chart: `crds/x.yaml`.
    pub name: String,
    /// The path from the root chart: `chart/charts/sub/crds/x.yaml`.
    pub path: String,
    /// The content.
    pub data: Content,
}

/// What shapes the text of a release besides the inputs of the render.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Puts the CRDs in front of the manifest (`helm template --include-crds`).
    pub include_crds: bool,
    /// Leaves the content of Secrets out (`--hide-secret`).
    pub hide_secret: bool,
    /// Adds the notes of subcharts (`--render-subchart-notes`).
    pub subchart_notes: bool,
}

impl Shape {
    /// Gives the content of a document, or what stands for it.
    #[must_use]
    pub fn content<'m>(&self, object: &'m Manifest) -> &'m str {
        let hidden = self.hide_secret && object.head.kind == "Secret" && object.head.api_version == "v1";
        if hidden { HIDDEN } else { &object.content }
    }
}

/// A rendered release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// `release.manifest` as Helm stores it.
    pub manifest: String,
    /// The documents of the manifest, in install order, without the CRDs of `crds/`.
    pub objects: Vec<Manifest>,
    /// The hooks, sorted by kind as Helm stores them.
    pub hooks: Vec<Hook>,
    /// The notes.
    pub notes: String,
    /// The CRDs of the chart and its subcharts, parents first.
    pub crds: Vec<Crd>,
    /// The `helm.sh/hook` annotations of documents that were left out because nobody knows the event.
    pub skipped_hooks: Vec<String>,
}

/// The end of the path of notes.
const NOTES: &str = "NOTES.txt";

/// What stands for the content of a hidden Secret.
pub const HIDDEN: &str = "# HIDDEN: The Secret output has been suppressed";

/// Renders a chart into a release.
///
/// # Errors
/// The chart does not want this cluster, a template fails, a budget is used up, or a document is no YAML.
pub fn render(parsed: &Parsed, inputs: &Inputs<'_>, shape: &Shape) -> Result<Rendered, RenderError> {
    let chart = parsed.chart();
    check_kube_version(&chart.metadata.kube_version, &inputs.capabilities.kube_version)?;
    let mut apart = Apart::default();
    let mut files = parsed.render_telling(inputs, |path, text| {
        if !path.ends_with(NOTES) {
            apart.take(path, text);
        }
    })?;
    let notes = take_notes(chart.name(), &mut files, shape.subchart_notes);
    let mut skipped_hooks = Vec::new();
    let (hooks, objects) = sort_noting(apart.finish(), INSTALL_ORDER, &mut skipped_hooks).map_err(|failed| {
        RenderError::Manifest { message: failed.message, path: failed.path, files: std::mem::take(&mut files) }
    })?;
    let crds: Vec<Crd> = chart
        .crd_objects()
        .into_iter()
        .map(|crd| Crd { name: crd.file.name.clone(), path: crd.path, data: crd.file.data.clone() })
        .collect();
    let mut manifest = String::with_capacity(objects.iter().map(|o| o.path.len() + o.content.len() + 18).sum());
    if shape.include_crds {
        for crd in &crds {
            append(&mut manifest, &crd.path, &String::from_utf8_lossy(&crd.data));
        }
    }
    for object in &objects {
        append(&mut manifest, &object.path, shape.content(object));
    }
    Ok(Rendered { manifest, objects, hooks, notes, crds, skipped_hooks })
}

/// A document with its source, in pieces.
fn document<'d>(path: &'d str, content: &'d str) -> [&'d str; 5] {
    ["---\n# Source: ", path, "\n", content, "\n"]
}

/// Adds a document with its source to a manifest.
pub(crate) fn append(manifest: &mut String, path: &str, content: &str) {
    manifest.extend(document(path, content));
}

/// Takes the notes out of the files: those of the chart, or of all charts by path.
pub(crate) fn take_notes(chart: &str, files: &mut Files, of_subcharts: bool) -> String {
    let own = path::join(&[chart, "templates", NOTES]);
    let mut notes = String::new();
    files.retain(|path, text| {
        if !path.ends_with(NOTES) {
            return true;
        }
        if of_subcharts || *path == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(text);
        }
        false
    });
    notes
}
