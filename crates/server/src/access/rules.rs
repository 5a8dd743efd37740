//! The table of who may what; `docs/authorisation.md` says it to operators.

/// A part of a release that a caller can be allowed to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// That there is a release, its status and history, its objects and how they stand.
    Release,
    /// Its values.
    Values,
    /// What was rendered: manifest, hooks and notes, without what Secrets hold.
    Manifest,
    /// All that Helm keeps, what Secrets hold included.
    Record,
}

impl Part {
    /// The virtual resource that stands for it.
    pub(crate) fn resource(self) -> &'static str {
        match self {
            Self::Release => "releases",
            Self::Values => "releases/values",
            Self::Manifest => "releases/manifest",
            Self::Record => "releases/record",
        }
    }
}

/// What the server keeps, in Secrets of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The virtual resource that stands for it.
    pub(crate) resource: &'static str,
    /// The parameter of the path that names one; `None`, or a path without it, means all.
    pub(crate) parameter: Option<&'static str>,
}

const CLUSTERS: Kept = Kept { resource: "clusters", parameter: Some("cluster") };
const REPOSITORIES: Kept = Kept { resource: "repositories", parameter: Some("repository") };

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Not even a name.
    Open,
    /// A name.
    Anybody,
    /// To read parts of the release in the path.
    Read(&'static [Part]),
    /// To list the releases of the namespace in the path.
    List,
    /// To list the releases of all namespaces of the cluster in the path.
    ListCluster,
    /// The same of each cluster; the handler asks, since one that does not answer takes nothing from the others.
    EachCluster,
    /// To change releases in the namespace in the path.
    Change,
    /// To list the releases whose operations are asked for; the handler asks, for each cluster.
    Operations,
    /// To do this with something that the server keeps, in the cluster `default`.
    Home(Kept, &'static str),
    /// To read parts of the release of the operation in the path.
    Operation(&'static [Part]),
    /// To change the release of the operation in the path.
    ChangeOperation,
}

const RELEASE: Need = Need::Read(&[Part::Release]);
const VALUES: Need = Need::Read(&[Part::Values]);
const MANIFEST: Need = Need::Read(&[Part::Manifest]);

/// What each operation needs; one that is not here is answered to nobody.
const RULES: &[(Need, &[&str])] = &[
    (Need::Open, &["index", "openapi", "docs", "healthz", "readyz"]),
    (
        Need::Anybody,
        &[
            "metrics",
            "chart_upload",
            "chart_list",
            "chart_get",
            "chart_archive",
            "chart_metadata",
            "chart_dependencies",
            "chart_values",
            "chart_readme",
            "chart_schema",
            "chart_crds",
            "chart_files",
            "chart_file",
            "chart_lint",
            "chart_package",
            "chart_create",
            "template",
            "lint",
            "cluster_list",
            "cluster_get",
            // All that they do, they do in the caller's name; where the cluster does not see it, the handler asks.
            "migration_plan",
            "migration_run",
            "migration_cleanup",
        ],
    ),
    (Need::Home(CLUSTERS, "create"), &["cluster_create"]),
    // And `create`, for a new one.
    (Need::Home(CLUSTERS, "update"), &["cluster_apply"]),
    (Need::Home(CLUSTERS, "delete"), &["cluster_delete"]),
    (Need::Home(REPOSITORIES, "list"), &["repository_list"]),
    (Need::Home(REPOSITORIES, "create"), &["repository_create"]),
    // And `create`, for a new one.
    (Need::Home(REPOSITORIES, "update"), &["repository_apply", "repository_refresh"]),
    (Need::Home(REPOSITORIES, "delete"), &["repository_delete"]),
    (
        Need::Home(REPOSITORIES, "get"),
        &[
            "repository_get",
            "repository_charts",
            "repository_chart",
            "repository_chart_versions",
            "repository_chart_version",
            "repository_chart_provenance",
            "repository_chart_archive",
            "repository_chart_metadata",
            "repository_chart_dependencies",
            "repository_chart_values",
            "repository_chart_readme",
            "repository_chart_schema",
            "repository_chart_crds",
            "repository_chart_files",
            "repository_chart_file",
        ],
    ),
    (Need::EachCluster, &["release_list_all"]),
    (Need::ListCluster, &["release_list_cluster"]),
    (Need::List, &["release_list"]),
    (
        RELEASE,
        &["release_get", "release_chart", "release_resources", "revision_list", "revision_get", "revision_chart"],
    ),
    // The objects themselves are read in the caller's name.
    (RELEASE, &["release_objects", "revision_objects"]),
    (Need::Read(&[Part::Record]), &["release_record", "revision_record"]),
    (VALUES, &["release_values", "revision_values"]),
    (
        MANIFEST,
        &[
            "release_manifest",
            "release_notes",
            "release_hooks",
            "release_drift",
            "revision_manifest",
            "revision_notes",
            "revision_hooks",
        ],
    ),
    (Need::Read(&[Part::Manifest, Part::Values]), &["release_diff"]),
    (
        Need::Change,
        &[
            "release_install",
            "release_apply",
            "release_patch",
            "release_plan",
            "release_uninstall",
            "release_rollback",
            "release_test",
            "release_unlock",
        ],
    ),
    (Need::Operations, &["operation_list"]),
    (Need::Operation(&[Part::Release]), &["operation_get"]),
    // Both have what hooks and tests have printed.
    (Need::Operation(&[Part::Manifest]), &["operation_events", "operation_logs"]),
    (Need::ChangeOperation, &["operation_cancel"]),
];

/// What an operation needs.
pub(crate) fn need(id: &str) -> Option<Need> {
    RULES.iter().find(|(_, ids)| ids.contains(&id)).map(|(need, _)| *need)
}

/// Tells whether an operation can be done where a Tiller does the work.
pub(crate) fn is_for_tillers(id: &str) -> bool {
    const DONE: &[&str] = &[
        "cluster_list",
        "cluster_get",
        "release_list_all",
        "release_list_cluster",
        "release_list",
        "release_get",
        "release_chart",
        "release_record",
        "release_values",
        "release_manifest",
        "release_notes",
        "release_hooks",
        "revision_list",
        "revision_get",
        "revision_chart",
        "revision_record",
        "revision_values",
        "revision_manifest",
        "revision_notes",
        "revision_hooks",
    ];
    DONE.contains(&id)
}

/// Tells whether an operation changes what is kept, so that it is written down who asked for it.
pub(crate) fn is_audited(route: &api::Route) -> bool {
    let only_shows = ["release_plan", "release_diff", "template", "lint", "chart_create", "migration_plan"];
    !route.method.is_safe() && !only_shows.contains(&route.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_of_every_operation_once_who_may() {
        for route in api::routes() {
            let of: Vec<_> = RULES.iter().flat_map(|(_, ids)| *ids).filter(|id| **id == route.id).collect();
            assert_eq!(of.len(), 1, "`{}` needs one line in the table of who may what", route.id);
            assert_eq!(need(route.id) == Some(Need::Open), route.is_open(), "{}", route.id);
        }
        for id in RULES.iter().flat_map(|(_, ids)| *ids) {
            assert!(api::route(id).is_some(), "{id}");
        }
    }
}
