//! The contract: types, routes, problem catalogue, OpenAPI document; no implementation.
//!
//! One resource is one file: its types and its routes. [`routes`] is the whole table; the document of [`document()`] and
//! the router of the server are both made from it, so that neither can say what the other does not.

mod change;
mod chart;
mod check;
mod cluster;
mod cluster_routes;
mod document;
mod duration;
mod lint;
mod live;
mod meta;
mod migration;
mod operation;
mod package;
mod parameter;
mod plan;
mod problem;
mod release;
mod release_routes;
mod repository;
mod repository_charts;
mod repository_routes;
mod route;
mod template;

pub use change::{
    Apply, ChangeBody, ChartRef, Crds, HookOptions, OnFailure, RollbackBody, ServerSide, TestBody, ValueStrategy,
    ValuesInput, Wait, WaitStrategy,
};
pub use chart::{
    Chart, ChartFile, ChartFileContent, ChartList, Dependency, DependencyList, ListedDependency, Maintainer, Metadata,
    Readme,
};
pub use check::check;
pub use cluster::{
    Cluster, ClusterBody, ClusterCredentials, ClusterList, ClusterSource, EngineKind, Kubeconfig, UnreachableCluster,
};
pub use document::{document, document_text, schemas};
pub use duration::{format_duration, parse_duration};
pub use lint::{LintBody, LintFinding, LintResult, LintSeverity};
pub use live::{Drift, DriftState, DriftedObject, Resource, ResourceEvent, ResourceList};
pub use meta::{Health, Index};
pub use migration::{
    MigratedRelease, MigratedRevision, Migration, MigrationBody, MigrationCleanup, MigrationCleanupBody,
    MigrationState, MigrationStep, RemovedRecords, TillerRecords, TillerStorage,
};
pub use operation::{
    ContainerLog, Event, Kind, LogList, Operation, OperationList, OperationResult, Phase, Progress, ReleaseRef, State,
    WarningSource,
};
pub use package::{ChartFolder, CreateBody, PackageBody};
pub use parameter::{Location, Param, ParamType, Parameters};
pub use plan::{
    ChangedObject, DiffBody, DryRun, FieldChange, ObjectChange, Plan, PlannedAction, PlannedHook, PlannedObject,
    RevisionDiff,
};
pub use problem::{FailedResource, HelmError, InputError, MissingRight, Problem, Reason, TemplatePosition};
pub use release::{
    ChartSummary, Hook, HookList, Manifest, Notes, Record, Release, ReleaseList, ReleaseSummary, Revision, RevisionList,
};
pub use repository::{
    Repository, RepositoryBody, RepositoryChart, RepositoryChartList, RepositoryKind, RepositoryList, RepositoryState,
    RepositoryStatus, RepositoryTls, SkippedVersion,
};
pub use route::{Body, Media, Method, Response, Route, Shape, route, routes};
pub use template::{TemplateBody, TemplateResult};
