//! Why something could not be done in a cluster.

use std::collections::BTreeSet;
use std::fmt;

use kube::core::Status;
use kube::core::response::StatusCause;
use serde::{Deserialize, Serialize};

use crate::object::ObjectRef;

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum Action {
    Apply,
    Create,
    Get,
    List,
    Watch,
    Patch,
    Merge,
    Update,
    Replace,
    Delete,
    Discover,
    Logs,
}

impl Action {
    /// Kubernetes' verb for it, as RBAC knows it.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Apply | Self::Patch | Self::Merge => "patch",
            Self::Create => "create",
            Self::Get | Self::Discover | Self::Logs => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Update | Self::Replace => "update",
            Self::Delete => "delete",
        }
    }
}

/// What Kubernetes said when it refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// What was tried.
    pub action: Action,
    /// With which object, when it was about one.
    pub object: Option<ObjectRef>,
    /// The resource (`deployments`) and its group, as far as Kubernetes or discovery told.
    pub resource: String,
    /// The resource's API group.
    pub group: String,
    /// The HTTP status.
    pub code: u16,
    /// Kubernetes' word (`Invalid`, `Conflict` …).
    pub reason: String,
    /// What it said.
    pub message: String,
    /// What is wrong in detail.
    pub causes: Vec<Cause>,
    /// How many seconds to wait before trying again, when Kubernetes said so.
    pub retry_after: Option<u32>,
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// Kubernetes' word (`FieldValueInvalid`, `FieldManagerConflict` …).
    pub reason: String,
    /// What it said.
    pub message: String,
    /// Where in the object (`spec.ports[0].port`, `.spec.replicas`); may be empty.
    pub field: String,
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldConflict {
    /// The field (`.spec.replicas`).
    pub field: String,
    /// Who owns it.
    pub manager: String,
    /// What Kubernetes said.
    pub message: String,
}

/// A kind that the cluster does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoMatch(pub ObjectRef);

/// In the words of `kubectl`, which Helm repeats.
impl fmt::Display for NoMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ObjectRef { gvk, namespace, name } = &self.0;
        write!(
            f,
            "resource mapping not found for name: {name:?} namespace: {namespace:?} from \"\": no matches for kind {:?} in version {:?}\nensure CRDs are installed first",
            gvk.kind,
            gvk.api_version()
        )
    }
}

/// A failed call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there.
    #[error("{0}")]
    NotFound(Box<Refusal>),
    /// It is there already.
    #[error("{0}")]
    AlreadyExists(Box<Refusal>),
    /// Others own fields of it, or it was changed meanwhile.
    #[error("{refusal}")]
    Conflict {
        /// What Kubernetes said.
        refusal: Box<Refusal>,
        /// The fields that others own; empty when the object was changed meanwhile.
        conflicts: Vec<FieldConflict>,
    },
    /// Kubernetes does not accept the object (422, or 400 for unknown fields).
    #[error("{0}")]
    Invalid(Box<Refusal>),
    /// The caller may not, or admission refused.
    #[error("{0}")]
    Forbidden(Box<Refusal>),
    /// The caller is not known.
    #[error("{0}")]
    Unauthorized(Box<Refusal>),
    /// Kubernetes refused for another reason.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// The cluster does not know kinds.
    #[error("{}", joined(.0))]
    NoMatch(Vec<NoMatch>),
    /// A document that is no object.
    #[error("error validating \"\": error validating data: {}", bracketed(.missing))]
    Malformed {
        /// What it lacks.
        missing: Vec<String>,
    },
    /// Objects with both a name and a prefix for one.
    #[error("metadata.name and metadata.generateName cannot both be set")]
    NameAndGenerateName(ObjectRef),
    /// An object without a name.
    #[error("resource name may not be empty")]
    NoName(ObjectRef),
    /// An object whose name cannot stand in a URL.
    #[error("invalid resource name {:?}: [{fault}]", .object.name)]
    BadName {
        /// Which.
        object: Box<ObjectRef>,
        /// What is wrong with it.
        fault: String,
    },
    /// An object of which no patch can be made.
    #[error("failed to create patch: {fault}")]
    Unmergeable {
        /// Which.
        object: Box<ObjectRef>,
        /// What is wrong with it.
        fault: String,
    },
    /// The cluster cannot be reached.
    #[error("kubernetes cluster unreachable")]
    Unreachable(#[source] Box<kube::Error>),
    /// The cluster answered something else than its API.
    #[error("the kubernetes server answered {what} with something unreadable")]
    Unreadable {
        /// The path.
        what: String,
        /// Why.
        source: serde_json::Error,
    },
}

impl Error {
    /// What Kubernetes said, when it was asked and refused.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::NotFound(refusal)
            | Self::AlreadyExists(refusal)
            | Self::Conflict { refusal, .. }
            | Self::Invalid(refusal)
            | Self::Forbidden(refusal)
            | Self::Unauthorized(refusal)
            | Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Tells whether the object is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Tells whether the same call may work a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused(refusal) => refusal.code == 429 || refusal.code >= 500,
            _ => false,
        }
    }

    /// Adds what the head of an answer says of when to try again; what the answer itself says is better.
    pub(crate) fn asked_to_wait(mut self, seconds: Option<u32>) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.retry_after = refusal.retry_after.or(seconds);
        }
        self
    }

    /// Tells whether a ResourceQuota was changed by someone else while it was counted; Helm tries again then.
    pub(crate) fn is_quota_conflict(&self) -> bool {
        matches!(self, Self::Conflict { refusal, .. }
            if refusal.message.contains("Operation cannot be fulfilled on resourcequotas")
                && refusal.message.contains("the object has been modified"))
    }

    /// Sorts out what a refusal means.
    pub(crate) fn refused(action: Action, object: Option<ObjectRef>, status: Status) -> Self {
        let mut causes = Vec::new();
        let (mut resource, mut group, mut retry_after) = (String::new(), String::new(), None);
        if let Some(details) = status.details {
            let cause = |cause: StatusCause| Cause { reason: cause.reason, message: cause.message, field: cause.field };
            causes.extend(details.causes.into_iter().map(cause));
            (resource, group) = (details.kind, details.group);
            retry_after = Some(details.retry_after_seconds).filter(|seconds| *seconds > 0);
        }
        let refusal = Box::new(Refusal {
            action,
            object,
            resource,
            group,
            code: status.code,
            reason: status.reason,
            message: status.message,
            causes,
            retry_after,
        });
        if refusal.message.starts_with(UNTYPED) {
            return Self::Invalid(Box::new(Refusal { causes: untyped_causes(&refusal.message), ..*refusal }));
        }
        match (refusal.reason.as_str(), refusal.code) {
            ("NotFound", _) | ("", 404) => Self::NotFound(refusal),
            ("AlreadyExists", _) => Self::AlreadyExists(refusal),
            ("Conflict", _) | ("", 409) => Self::Conflict { conflicts: conflicts(&refusal.causes), refusal },
            ("Invalid", _) | (_, 422) | ("BadRequest", _) | ("", 400) => Self::Invalid(refusal),
            ("Forbidden", _) | ("", 403) => Self::Forbidden(refusal),
            ("Unauthorized", _) | ("", 401) => Self::Unauthorized(refusal),
            _ => Self::Refused(refusal),
        }
    }
}

/// How the API server begins when an object does not fit its schema; the status is then 500, as if it were its fault.
const UNTYPED: &str = "failed to create typed patch object";

/// Finds the fields in `… (web/shop; apps/v1, Kind=Deployment): .spec.x: field not declared in schema`, or a list of
/// such lines.
fn untyped_causes(message: &str) -> Vec<Cause> {
    let faults = message.split_once("): ").map_or(message, |(_, faults)| faults);
    let lines = faults.strip_prefix("errors:").unwrap_or(faults).lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (field, fault) =
                line.split_once(": ").filter(|(field, _)| field.starts_with('.')).unwrap_or(("", line));
            Cause { reason: "FieldValueInvalid".to_owned(), message: fault.to_owned(), field: field.to_owned() }
        })
        .collect()
}

/// Finds the owners in the causes of a conflict.
fn conflicts(causes: &[Cause]) -> Vec<FieldConflict> {
    causes
        .iter()
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| FieldConflict {
            field: cause.field.clone(),
            manager: cause.message.split('"').nth(1).unwrap_or_default().to_owned(),
            message: cause.message.clone(),
        })
        .collect()
}

/// Prints what Helm 4.3 prints (`pkg/kube/client.go`).
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.action, &self.object) {
            (Action::Apply, Some(_)) if self.code == 415 => {
                f.write_str("server-side apply not available on the server: ")?;
            }
            (Action::Apply, Some(object)) if self.reason == "Conflict" => {
                write!(f, "conflict occurred while applying object {object}: ")?;
            }
            (Action::Apply, Some(object)) => write!(f, "server-side apply failed for object {object}: ")?,
            (Action::Merge, Some(object)) => {
                write!(f, "cannot patch {:?} with kind {}: ", object.name, object.gvk.kind)?;
            }
            (Action::Replace, Some(_)) => f.write_str("failed to replace object: ")?,
            _ => {}
        }
        f.write_str(&self.message)
    }
}

fn joined(missing: &[NoMatch]) -> String {
    bracketed(&missing.iter().map(NoMatch::to_string).collect::<Vec<_>>())
}

/// One text as it is, several as Go's aggregate errors print: each once, in brackets.
fn bracketed(texts: &[String]) -> String {
    let mut seen = BTreeSet::new();
    let once: Vec<&str> = texts.iter().map(String::as_str).filter(|text| seen.insert(*text)).collect();
    match once.as_slice() {
        [one] => (*one).to_owned(),
        many => format!("[{}]", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Gvk;

    fn object() -> ObjectRef {
        ObjectRef { gvk: Gvk::new("apps/v1", "Deployment"), namespace: "web".into(), name: "shop".into() }
    }

    fn refused(action: Action, status: serde_json::Value) -> Error {
        Error::refused(action, Some(object()), serde_json::from_value(status).unwrap())
    }

    #[test]
    fn a_conflict_names_field_and_manager() {
        let error = refused(
            Action::Apply,
            json!({"code": 409, "reason": "Conflict", "message": "Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas",
                "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"}]}}),
        );
        assert_eq!(
            error.to_string(),
            "conflict occurred while applying object web/shop apps/v1, Kind=Deployment: Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas"
        );
        let Error::Conflict { conflicts, .. } = error else { panic!("a conflict was expected") };
        assert_eq!((conflicts[0].field.as_str(), conflicts[0].manager.as_str()), (".spec.replicas", "kubectl"));
    }

    #[test]
    fn what_does_not_fit_the_schema_is_invalid() {
        for (faults, want) in [
            (".dataa: field not declared in schema", vec![(".dataa", "field not declared in schema")]),
            ("errors:\n  .a: x\n  .b.c: y: z", vec![(".a", "x"), (".b.c", "y: z")]),
        ] {
            let message = format!("failed to create typed patch object (web/shop; apps/v1, Kind=Deployment): {faults}");
            let Error::Invalid(refusal) = refused(Action::Apply, json!({"code": 500, "message": message})) else {
                panic!("invalid was expected")
            };
            let causes: Vec<_> = refusal.causes.iter().map(|c| (c.field.as_str(), c.message.as_str())).collect();
            assert_eq!(causes, want);
        }
    }

    #[test]
    fn refusals_are_sorted_out() {
        let kind = |status| match refused(Action::Get, status) {
            Error::NotFound(_) => "not found",
            Error::AlreadyExists(_) => "exists",
            Error::Conflict { .. } => "conflict",
            Error::Invalid(_) => "invalid",
            Error::Forbidden(_) => "forbidden",
            Error::Unauthorized(_) => "unauthorized",
            _ => "refused",
        };
        for (status, want) in [
            (json!({"code": 404, "reason": "NotFound"}), "not found"),
            (json!({"code": 409, "reason": "AlreadyExists"}), "exists"),
            (json!({"code": 409, "reason": "Conflict"}), "conflict"),
            (json!({"code": 422, "reason": "Invalid"}), "invalid"),
            (json!({"code": 400, "reason": "BadRequest"}), "invalid"),
            (json!({"code": 403, "reason": "Forbidden"}), "forbidden"),
            (json!({"code": 401, "reason": "Unauthorized"}), "unauthorized"),
            (json!({"code": 503, "reason": "ServiceUnavailable"}), "refused"),
        ] {
            assert_eq!(kind(status.clone()), want, "{status}");
        }
    }
}
