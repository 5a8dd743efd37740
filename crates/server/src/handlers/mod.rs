//! One function for each operation of the contract, by the same name.

mod changes;
mod charts;
mod clusters;
mod lint;
mod lists;
mod migrations;
mod names;
mod operations;
mod package;
mod preconditions;
mod releases;
mod repositories;
mod repository_charts;
mod server;
mod template;

use api::Problem;
pub(crate) use changes::job;
use futures::future::BoxFuture;

use crate::ctx::{Ctx, Outcome};
use crate::repositories::wrong_parameter;

/// The most memory that a caller's expression may compile to.
const REGEX_SIZE: usize = 1 << 20;

/// Reads the expression that names are filtered by.
fn regex(text: &str) -> Result<regex::Regex, Box<Problem>> {
    let made = regex::RegexBuilder::new(text).size_limit(REGEX_SIZE).build();
    made.map_err(|e| wrong_parameter("filter", format!("not a regular expression: {e}")))
}

/// A handler.
pub(crate) type Handler = fn(Ctx) -> BoxFuture<'static, Outcome>;

macro_rules! handlers {
    ($($module:ident: $($name:ident),+;)+) => {
        /// Every handler by its operationId.
        pub(crate) const ALL: &[(&str, Handler)] =
            &[$($((stringify!($name), |ctx| Box::pin($module::$name(ctx)))),+),+];
    };
}

handlers! {
    server: index, openapi, docs, healthz, readyz, metrics;
    charts: chart_upload, chart_list, chart_get, chart_archive, chart_metadata, chart_dependencies, chart_values,
        chart_readme, chart_schema, chart_crds, chart_files, chart_file;
    package: chart_package, chart_create;
    template: template;
    lint: lint, chart_lint;
    repositories: repository_list, repository_create, repository_get, repository_apply, repository_delete, repository_refresh;
    repository_charts: repository_charts, repository_chart, repository_chart_versions, repository_chart_version,
        repository_chart_provenance, repository_chart_archive, repository_chart_metadata, repository_chart_dependencies,
        repository_chart_values, repository_chart_readme, repository_chart_schema, repository_chart_crds, repository_chart_files,
        repository_chart_file;
    clusters: cluster_list, cluster_create, cluster_get, cluster_apply, cluster_delete;
    lists: release_list_all, release_list_cluster, release_list, revision_list;
    releases: release_get, release_values, release_manifest, release_notes, release_hooks, release_chart, revision_get,
        revision_values, revision_manifest, revision_notes, revision_hooks, revision_chart, release_record, revision_record,
        release_objects, revision_objects, release_diff, release_resources, release_drift;
    changes: release_install, release_apply, release_patch, release_plan, release_uninstall, release_rollback, release_test,
        release_unlock;
    operations: operation_list, operation_get, operation_events, operation_logs, operation_cancel;
    migrations: migration_plan, migration_run, migration_cleanup;
}
