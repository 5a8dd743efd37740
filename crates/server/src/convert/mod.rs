//! Between the contract's types and those of the crates below.

mod change;
mod chart;
mod release;
mod values;

pub(crate) use change::{change, check_change, rollback, uninstall};
pub(crate) use chart::{ChartSource, chart_metadata, chart_source, chart_summary, resolve as resolve_chart};
pub(crate) use release::{dry_run, etag, hook, release, revision, summary};
pub(crate) use values::{merge_patch, to_json_map, to_yaml_map, user_values};

/// Writes a place in a body as a JSON pointer.
pub(crate) fn pointer(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}
