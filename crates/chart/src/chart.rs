//! What a chart is once it has been loaded.

use goyaml::Map;

use crate::metadata::{Lock, Metadata};

/// A file of a chart: its path inside the chart and its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// The path below the chart's folder, with forward slashes (`templates/service.yaml`).
    pub name: String,
    /// The content.
    pub data: Vec<u8>,
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
    /// `values.schema.json`.
    pub schema: Option<Vec<u8>>,
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
