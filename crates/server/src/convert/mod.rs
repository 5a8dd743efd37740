//! Between the contract's types and those of the crates below.

mod change;
mod chart;
mod event;
mod live;
mod mask;
mod plan;
mod release;
mod values;

pub(crate) use change::{change, check_change, rollback, test, uninstall};
pub(crate) use chart::{chart_metadata, chart_source, chart_summary, resolve as resolve_chart, resolve_here};
pub(crate) use event::event;
pub(crate) use live::{drift, resource};
pub(crate) use mask::mask;
pub use plan::revision_diff;
pub(crate) use plan::{digest, dry_run, kind, plan};
pub(crate) use release::{etag, hook, record, release, revision, revision_of, summary};
pub(crate) use values::{merge_patch, to_json_map, to_yaml_map, user_values};

/// Writes a place in a body as a JSON pointer.
pub(crate) fn pointer(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1"))).collect()
}
