//! The one place where an error of a lower crate becomes a problem.

use std::time::Duration;

use api::{FailedResource, InputError, Problem, Reason, TemplatePosition};
use cluster::{NotReady, ObjectRef, Refusal, WaitError};
use engine::{Error, Failure};
use render::{Position, RenderError};

use crate::access::missing_in;
use crate::convert::pointer;

/// Makes the problem of an error of the engine.
pub(crate) fn of(error: Error) -> Box<Problem> {
    of_chart(error, None)
}

/// As [`of`], of a change that puts the chart of this name in place.
pub(crate) fn of_chart(error: Error, chart: Option<&str>) -> Box<Problem> {
    let text = error.to_string();
    let helm = api::HelmError {
        error: text.clone(),
        cause: match &error {
            Error::Failed { cause, .. } => Some(cause.to_string()),
            _ => None,
        },
        advice: error.advice(jiff::Timestamp::now()),
    };
    let made = match error {
        Error::Name { .. } => Problem::of_errors(Reason::InvalidReleaseName, vec![InputError::parameter("name", text)]),
        Error::NameInUse { revision, status } => Problem::new(
            Reason::ReleaseExists,
            format!("{text}: revision {revision} is {status}; upgrade it with PUT, or choose another name"),
        ),
        Error::NotFound(target) => Problem::new(
            Reason::ReleaseNotFound,
            format!("there is no release `{}` in namespace `{}`", target.name, target.namespace),
        ),
        Error::NoRevision(revision) => {
            Problem::new(Reason::RevisionNotFound, format!("the release has no revision {revision}"))
        }
        Error::NoDeployed(_) => Problem::new(Reason::NoDeployedRelease, text),
        Error::Pending { .. } => {
            let advice = error.advice(jiff::Timestamp::now()).unwrap_or_default();
            Problem::new(Reason::ReleasePending, format!("{text}: {advice}"))
        }
        Error::NotLocked(_) => Problem::new(Reason::ReleaseNotLocked, text),
        Error::Cancelled => Problem::new(Reason::OperationCancelled, text),
        Error::Unrecorded(cause) => failure(&cause, &text),
        Error::AlreadyUninstalled(_) => Problem::new(Reason::ReleaseNotFound, text),
        Error::RevisionMismatch { .. } => Problem::new(Reason::PreconditionFailed, text),
        Error::Description { .. } => Problem::input(vec![InputError::body("/description", text)]),
        Error::Apply(_) => Problem::input(vec![InputError::body("/apply", text)]),
        Error::ChartMissing => Problem::input(vec![InputError::body("/chart", text)]),
        Error::Chart(chart::Error::Options(_)) => Problem::input(vec![InputError::body("", text)]),
        Error::Chart(_)
        | Error::Dependencies(_)
        | Error::NotInstallable(_)
        | Error::SubchartsMissing(_)
        | Error::ChartIncomplete => Problem::new(Reason::ChartNotInstallable, text),
        Error::Schema(invalid) => schema(&invalid, text, chart),
        Error::Render(error) => render(&error, text),
        Error::RenderTime(_) => Problem::new(Reason::RenderLimit, text),
        Error::RenderDied => return crate::reply::internal(text),
        Error::Manifest { .. } => Problem::new(Reason::InvalidManifest, text),
        Error::Ownership { source, .. } => Problem {
            failed_resources: vec![resource(&source.object, "NotOwned", &source.wrong.join("; "))],
            ..Problem::new(Reason::OwnershipConflict, format!("{text}; `apply.takeOwnership` takes it over"))
        },
        Error::Cluster(error) | Error::Definition { source: error, .. } => cluster(&error, text),
        Error::Ledger(error) => ledger(&error, text),
        Error::Failed { cause, release, .. } if matches!(*cause, Failure::Cancelled) => Problem::new(
            Reason::OperationCancelled,
            format!("the operation was cancelled; revision {} is recorded as {}", release.version, release.info.status),
        ),
        Error::Failed { cause, .. } => failure(&cause, &text),
    };
    Box::new(Problem { helm: Some(Box::new(helm)), ..made })
}

/// Makes the problem of a migration that cannot even begin.
pub(crate) fn of_migration(error: tiller::Error) -> Box<Problem> {
    let text = error.to_string();
    Box::new(match &error {
        tiller::Error::NoRelease(name) => {
            Problem::new(Reason::ReleaseNotFound, format!("Tiller has no release `{name}`"))
        }
        tiller::Error::Kubernetes { source, .. } => ledger(source, text),
        tiller::Error::Ledger(source) => ledger(source, text),
        tiller::Error::Cluster(source) => cluster(source, text),
        tiller::Error::Decode { .. }
        | tiller::Error::Convert { .. }
        | tiller::Error::Mislabelled { .. }
        | tiller::Error::Engine(_) => Problem::new(Reason::RecordUnreadable, text),
        tiller::Error::Together(_) | tiller::Error::Changed(_) => Problem::new(Reason::ReleasePending, text),
    })
}

/// Makes the problem of a test that has failed, or whose end could not be recorded.
pub(crate) fn of_test(cause: &Failure) -> Box<Problem> {
    Box::new(failure(cause, &cause.to_string()))
}

/// Names the object that the cluster would refuse, and why.
pub(crate) fn rejected(found: &engine::Rejection) -> Vec<FailedResource> {
    if found.conflicts.is_empty() {
        return refused(&found.refusal, &found.refusal.message);
    }
    let fields: Vec<String> = found.conflicts.iter().map(owned).collect();
    refused(&found.refusal, &fields.join("; "))
}

/// Points at each value that breaks the schema; those of a subchart are below its name.
fn schema(invalid: &chart::schema::Invalid, text: String, root: Option<&str>) -> Problem {
    let place = |violation: &chart::schema::Violation| match root {
        Some(root) if root != violation.chart => {
            format!("{}{}", pointer(&["values", &violation.chart]), violation.pointer)
        }
        _ => format!("/values{}", violation.pointer),
    };
    let errors = invalid.violations.iter().map(|v| InputError::body(place(v), v.message.clone())).collect();
    Problem { errors, ..Problem::new(Reason::InvalidValues, text) }
}

/// Says where a template failed.
pub(crate) fn render(error: &RenderError, text: String) -> Problem {
    let at = |position: &Position| TemplatePosition {
        file: position.template.clone(),
        line: u32::try_from(position.line).ok(),
        column: position.column.and_then(|c| u32::try_from(c).ok()),
    };
    match error {
        RenderError::Template { position, .. } => {
            Problem { template: position.as_ref().map(at), ..Problem::new(Reason::TemplateFailed, text) }
        }
        RenderError::Limit { template, .. } => Problem {
            template: Some(TemplatePosition { file: template.clone(), line: None, column: None }),
            ..Problem::new(Reason::RenderLimit, text)
        },
        RenderError::Manifest { path, .. } => Problem {
            template: Some(TemplatePosition { file: path.clone(), line: None, column: None }),
            ..Problem::new(Reason::InvalidManifest, text)
        },
        RenderError::KubeVersion(_) => Problem::new(Reason::ChartNotInstallable, text),
        RenderError::Thread(_) => *crate::reply::internal(text),
    }
}

/// Makes the problem of a cluster that does not answer in time.
pub(crate) fn slow_cluster(time: Duration) -> Box<Problem> {
    let text = format!("the cluster has not answered within {} s", time.as_secs());
    Box::new(Problem::new(Reason::ClusterUnreachable, text))
}

fn failure(cause: &Failure, text: &str) -> Problem {
    let text = text.to_owned();
    match cause {
        Failure::Hook { source, .. } => {
            let inner = failure(source, "");
            Problem { failed_resources: inner.failed_resources, ..Problem::new(Reason::HookFailed, text) }
        }
        Failure::Message(_) => Problem::new(Reason::HookFailed, text),
        Failure::Cluster(error) => cluster(error, text),
        Failure::Crd { source, .. } => cluster(source, text),
        Failure::NotReady(error) => not_ready(error, text),
        Failure::Ledger(error) => ledger(error, text),
        Failure::Refused(_) | Failure::TakenOver => Problem::new(Reason::ReleasePending, text),
        Failure::Cancelled => Problem::new(Reason::OperationCancelled, text),
        Failure::Several(all) | Failure::Each(all) => {
            let mut inner = all.iter().map(|f| failure(f, &text));
            let Some(mut first) = inner.next() else { return Problem::new(Reason::ApplyFailed, text) };
            inner.for_each(|next| first.failed_resources.extend(next.failed_resources));
            first
        }
    }
}

fn not_ready(error: &WaitError, text: String) -> Problem {
    match error {
        WaitError::NotReady { objects, timed_out, .. } => {
            let reason = if *timed_out { Reason::WaitTimeout } else { Reason::ResourceFailed };
            Problem { failed_resources: objects.iter().map(waited).collect(), ..Problem::new(reason, text) }
        }
        WaitError::Cluster(error) => cluster(error, text),
    }
}

fn waited(found: &NotReady) -> FailedResource {
    let warning = found.warning.as_ref().map(|w| format!("{}: {}", w.reason, w.message));
    FailedResource {
        condition: found.condition.as_ref().map(ToString::to_string),
        last_events: warning.into_iter().collect(),
        last_log: found.log.as_ref().map(|log| format!("{}/{}:\n{}", log.pod, log.container, log.text)),
        ..resource(&found.object, &found.readiness.status.to_string(), &found.readiness.message)
    }
}

fn cluster(error: &cluster::Error, text: String) -> Problem {
    use cluster::Error as E;
    match error {
        E::Unreachable(source) => unreachable(&text, source),
        E::NoMatch(kinds) => Problem {
            failed_resources: kinds
                .iter()
                .map(|k| resource(&k.0, "NoMatch", "the cluster does not know this kind"))
                .collect(),
            ..Problem::new(Reason::InvalidManifest, text)
        },
        E::NameAndGenerateName(object) | E::NoName(object) => Problem {
            failed_resources: vec![resource(object, "Invalid", &text)],
            ..Problem::new(Reason::InvalidManifest, text)
        },
        E::BadName { object, fault } => Problem {
            failed_resources: vec![resource(object, "Invalid", fault)],
            ..Problem::new(Reason::InvalidManifest, text)
        },
        E::Unmergeable { object, fault } => Problem {
            failed_resources: vec![resource(object, "Invalid", fault)],
            ..Problem::new(Reason::InvalidManifest, text)
        },
        E::Malformed { .. } => Problem::new(Reason::InvalidManifest, text),
        E::Conflict { refusal, conflicts } if !conflicts.is_empty() => {
            let fields: Vec<String> = conflicts.iter().map(owned).collect();
            Problem {
                failed_resources: refused(refusal, &fields.join("; ")),
                ..Problem::new(Reason::FieldConflict, format!("{text}; `apply.forceConflicts` takes the fields"))
            }
        }
        E::Forbidden(refusal) => Problem {
            missing: missing_in(&refusal.message).map(Box::new),
            failed_resources: refused(refusal, &refusal.message),
            ..Problem::new(Reason::ClusterForbidden, text)
        },
        E::Unauthorized(_) => Problem::new(
            Reason::ClusterForbidden,
            format!("the cluster does not know this server's credentials: {text}"),
        ),
        E::NotFound(refusal) if refusal.object.is_some() || refusal.resource == "namespaces" => {
            Problem { failed_resources: refused(refusal, &refusal.message), ..Problem::new(Reason::ApplyFailed, text) }
        }
        E::AlreadyExists(refusal) | E::Invalid(refusal) => {
            Problem { failed_resources: refused(refusal, &refusal.message), ..Problem::new(Reason::ApplyFailed, text) }
        }
        E::Conflict { refusal, .. } | E::Refused(refusal) | E::NotFound(refusal) => {
            let retry = error.is_retryable().then_some(refusal.retry_after);
            Problem { failed_resources: refused(refusal, &refusal.message), ..answered(retry, text) }
        }
        E::Unreadable { source, .. } => Problem::new(Reason::ClusterError, format!("{text}: {source}")),
    }
}

/// The problem of an error that the cluster has answered with; `retry`: the same call may work later, and when.
fn answered(retry: Option<Option<u32>>, text: String) -> Problem {
    let retry_after = retry.flatten().map(|seconds| seconds.try_into().unwrap_or(u16::MAX));
    Problem { retryable: retry.is_some(), retry_after, ..Problem::new(Reason::ClusterError, text) }
}

fn owned(conflict: &cluster::FieldConflict) -> String {
    format!("{} belongs to `{}`", conflict.field, conflict.manager)
}

fn refused(refusal: &Refusal, message: &str) -> Vec<FailedResource> {
    refusal.object.as_ref().map(|object| resource(object, &refusal.reason, message)).into_iter().collect()
}

fn unreachable(text: &str, source: &kube::Error) -> Problem {
    Problem::new(Reason::ClusterUnreachable, format!("{text}: {}", innermost(source)))
}

/// What lies at the bottom of a chain of errors says most: `Connection refused`.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

fn ledger(error: &release::Error, text: String) -> Problem {
    use release::Error as E;
    match error {
        E::NotFound(_) => Problem::new(Reason::ReleaseNotFound, text),
        E::AlreadyExists(_) | E::Conflict(_) => {
            Problem::new(Reason::ReleasePending, format!("{text}: somebody else is changing this release"))
        }
        E::NamespaceMissing(_) => {
            Problem::new(Reason::NamespaceNotFound, format!("{text}; create it, or set `createNamespace`"))
        }
        E::Name(_) => Problem::of_errors(Reason::InvalidReleaseName, vec![InputError::parameter("name", text)]),
        E::SystemLabel(_) => Problem::input(vec![InputError::body("/labels", text)]),
        E::TooLarge(_) => Problem::new(Reason::RecordTooLarge, text),
        E::Encode { source, .. } => Problem::new(Reason::RecordTooLarge, format!("{text}: {source}")),
        E::Decode { source, .. } => Problem::new(Reason::RecordUnreadable, format!("{text}: {source}")),
        E::Misnamed { .. } => Problem::new(Reason::RecordUnreadable, text),
        E::Forbidden { message } => {
            Problem { missing: missing_in(message).map(Box::new), ..Problem::new(Reason::ClusterForbidden, text) }
        }
        E::Unauthorized { .. } => Problem::new(Reason::ClusterForbidden, text),
        E::Unreachable(source) => unreachable(&text, source),
        E::Database { is_retryable: true, .. } => Problem::new(Reason::ClusterUnreachable, text),
        E::Api { retry_after, .. } => answered(error.is_retryable().then_some(*retry_after), text),
        E::Database { .. } => answered(None, text),
    }
}

fn resource(object: &ObjectRef, reason: &str, message: &str) -> FailedResource {
    let given = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    FailedResource {
        api_version: object.gvk.api_version(),
        kind: object.gvk.kind.clone(),
        namespace: given(&object.namespace),
        name: object.name.clone(),
        reason: given(reason),
        message: given(message),
        ..FailedResource::default()
    }
}
