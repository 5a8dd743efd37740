//! What is wrong with a chart, by the rules of `helm lint` (as Helm 4.3: `pkg/chart/v2/lint`, `pkg/action/lint.go`).
//!
//! * [`Source`] is where the chart is: a [`Folder`] of the disk, or [`Files`] in memory;
//! * [`run`] holds it against all rules and gives [`Finding`]s in Helm's order and words.

mod chartfile;
mod crds;
mod dependencies;
mod deprecations;
mod documents;
mod linter;
mod names;
mod source;
mod templates;
mod urls;
mod values;

pub use linter::{Finding, Notice, Notices, Options, Severity, run};
pub use source::{Files, Folder, Kind, Source};
pub use values::values_after;
