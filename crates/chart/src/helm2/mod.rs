//! Charts as Helm 2 has them: what its client loads and sends, what its values come to, and which versions it accepts.
//!
//! A [`Chart`] is what Tiller is sent: templates, the text of `values.yaml`, files and subcharts.
//! * [`load_path`], [`load_archive`], [`load_files`] make one as the client does;
//! * [`check_dependencies`] and [`process_requirements`] do what the client does with `requirements.yaml` before it
//!   sends a chart; Tiller does nothing with it;
//! * [`coalesce_values`] brings values together, as both do.

mod metadata;
mod requirements;
pub mod semver;
mod values;

use crate::chart::File;
use crate::metadata::Maintainer;

pub use crate::load::helm2::{load_archive, load_files, load_path};
pub use metadata::Metadata;
pub use requirements::{Requirement, check_dependencies, process_requirements, requirements};
pub use values::{Coalesced, coalesce_values, read_values};

/// A chart with its subcharts (as Helm 2.17: `hapi.chart.Chart`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// Everything below `templates/`.
    pub templates: Vec<File>,
    /// The text of `values.yaml`; empty when there is none, which Helm 2 does not tell from one that is empty.
    pub values: String,
    /// All other files, `requirements.yaml` among them.
    pub files: Vec<File>,
    /// The subcharts.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// The name of the chart; of a subchart with an alias, once requirements are processed, the alias.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }
}

/// What goes wrong with a chart or its values, in Helm 2's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

/// The text of an error of YAML as `ghodss/yaml` has it, which Helm 2 reads with.
#[must_use]
pub fn yaml_error(error: &goyaml::Error) -> String {
    error.to_string().replacen(": unsupported map key of type: ", ": Unsupported map key of type: ", 1)
}

/// What the library puts before an error of `encoding/json`.
const DECODING: &str = "error unmarshaling JSON: while decoding JSON: ";
