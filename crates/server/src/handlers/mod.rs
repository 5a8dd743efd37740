//! One function for each operation of the contract, by the same name.

mod changes;
mod charts;
mod clusters;
mod lint;
mod lists;
mod names;
mod operations;
mod package;
mod releases;
mod server;
mod template;

pub(crate) use changes::job;
use futures::future::BoxFuture;

use crate::ctx::{Ctx, Outcome};

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
    clusters: cluster_list, cluster_create, cluster_get, cluster_apply, cluster_delete;
    lists: release_list_all, release_list_cluster, release_list, revision_list;
    releases: release_get, release_values, release_manifest, release_notes, release_hooks, release_chart, revision_get,
        revision_values, revision_manifest, revision_notes, revision_hooks, revision_chart, release_record, revision_record,
        release_objects, revision_objects, release_diff, release_resources, release_drift;
    changes: release_install, release_apply, release_patch, release_plan, release_uninstall, release_rollback, release_test,
        release_unlock;
    operations: operation_list, operation_get, operation_events, operation_logs, operation_cancel;
}
