//! The chart: metadata, files, values, schema, `--set`, constraints, archive.

mod chart;
mod metadata;

pub use chart::{Chart, File};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
