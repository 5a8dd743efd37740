//! What a chart is once it has been loaded.

use bytes::Bytes;
use goyaml::Map;

use crate::content::Content;
use crate::metadata::{Lock, Metadata};

/// A file of a chart: its path inside the chart and its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The path below the chart's folder, with forward slashes (`templates/service.yaml`).
    pub name: String,
    /// The content.
    pub data: Content,
    /// When it was last changed, as RFC 3339 text; Helm 4 stores it in the release record.
    pub mod_time: Option<String>,
}

/// A chart with its subcharts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// `Chart.yaml` (and `requirements.yaml` of a v1 chart).
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<Lock>,
    /// Everything below `templates/`.
    pub templates: Vec<File>,
    /// The chart's own values, with every number a float as Helm reads it.
    pub values: Map,
    /// Whether there is a `values.yaml` at all, be it empty: a release record then holds `{}` and not `null`.
    pub has_values: bool,
    /// `values.schema.json`.
    pub schema: Option<Bytes>,
    /// When the schema was last changed.
    pub schema_mod_time: Option<String>,
    /// All other files, `crds/` and `README.md` among them, `charts/` not.
    pub files: Vec<File>,
    /// When `Chart.yaml` was last changed.
    pub mod_time: Option<String>,
    /// Every file as it was loaded, in load order (`show values` prints the raw text).
    pub raw: Vec<File>,
    /// The subcharts.
    pub dependencies: Vec<Chart>,
}

impl Chart {
    /// The name of the chart; of a subchart with an alias, once dependencies are processed, the alias.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Tells whether the chart only lends templates to others.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// Gives a file as it was loaded (`values.yaml`, `README.md`).
    #[must_use]
    pub fn raw_file(&self, name: &str) -> Option<&File> {
        self.raw.iter().find(|f| f.name == name)
    }

    /// Says what Helm warns of when it loads the chart: files of v1 in a chart of v2, in subcharts too.
    #[must_use]
    pub fn load_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.metadata.api_version != "v1" {
            for (file, warning) in [
                (
                    "requirements.yaml",
                    "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
                     We recommend migrating dependencies to Chart.yaml.",
                ),
                (
                    "requirements.lock",
                    "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
                     We recommend migrating to Chart.lock.",
                ),
            ] {
                if self.raw_file(file).is_some() {
                    warnings.push(warning.to_owned());
                }
            }
        }
        warnings.extend(self.dependencies.iter().flat_map(Self::load_warnings));
        warnings
    }
}
