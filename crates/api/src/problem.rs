//! What went wrong, as RFC 9457 says it, with a reason that never changes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::operation::Operation;

/// An error as `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where the reason is described, relative to the server.
    #[serde(rename = "type")]
    #[schema(example = "/docs#INVALID_INPUT")]
    pub type_uri: String,
    /// The reason in a few words; the same for each problem of that reason.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time and what to do about it.
    pub detail: String,
    /// The stable reason, for programs.
    pub reason: Reason,
    /// Whether the same request can succeed later without being changed.
    pub retryable: bool,
    /// What is wrong with the input, place by place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<InputError>,
    /// Where a template failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<TemplatePosition>,
    /// The objects that were not applied, or did not become ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_resources: Vec<FailedResource>,
    /// The right that the caller lacks, when that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Box<MissingRight>>,
    /// The operation that failed, or that is in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub operation: Option<Box<Operation>>,
    /// What Helm's command line says of it, where there is such a command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<Box<HelmError>>,
    /// After how many seconds to ask again, where somebody has said so; it goes into `Retry-After`.
    #[serde(skip)]
    #[schema(ignore)]
    pub retry_after: Option<u16>,
}

/// An error in the words of Helm's command line, for programs that stand in for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HelmError {
    /// What stands after `Error: `.
    pub error: String,
    /// Why a change failed that was begun; left out when nothing was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What a person can do about it or should know besides, where these words alone do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// One thing that is wrong with a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InputError {
    /// The place in the body, as an RFC 6901 JSON pointer; empty for the whole body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "/wait/timeout")]
    pub pointer: Option<String>,
    /// The name of the query parameter, header or part of the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong there.
    pub detail: String,
    /// What may have been meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl InputError {
    /// Names a place in the body.
    pub fn body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), detail: detail.into(), ..Self::default() }
    }

    /// Names a parameter.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: Some(name.into()), detail: detail.into(), ..Self::default() }
    }

    /// Adds what may have been meant.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// A place in a chart's template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplatePosition {
    /// The template's path, the chart's name first.
    #[schema(example = "shop/templates/deployment.yaml")]
    pub file: String,
    /// The line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column as Go counts it, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// A right as a role of Kubernetes grants it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MissingRight {
    /// The verb.
    #[schema(example = "list")]
    pub verb: String,
    /// The API group; empty for Kubernetes' own first group.
    pub group: String,
    /// The resource, with its part: `secrets`, `releases/values`.
    #[schema(example = "secrets")]
    pub resource: String,
    /// The namespace; left out when the right is missing in the whole cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The one object it is about; left out when it is about all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// An object that stands in the way of success.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedResource {
    /// `apps/v1`, `v1` …
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; left out when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The reason Kubernetes gave, or the object's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// More, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The condition of the object that changed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The newest warnings about the object and its pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_events: Vec<String>,
    /// The last lines that a container has printed which keeps the object from getting ready, and whose they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_log: Option<String>,
}

impl Problem {
    /// Makes a problem of a reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("/docs#{}", reason.as_str()),
            title: reason.title().to_owned(),
            status: reason.status(),
            detail: detail.into(),
            reason,
            retryable: reason.retryable(),
            errors: Vec::new(),
            template: None,
            failed_resources: Vec::new(),
            missing: None,
            operation: None,
            helm: None,
            retry_after: None,
        }
    }

    /// Makes a problem of bad input from all that is wrong with it.
    pub fn input(errors: Vec<InputError>) -> Self {
        Self::of_errors(Reason::InvalidInput, errors)
    }

    /// Makes a problem of a reason whose text is that of its errors.
    pub fn of_errors(reason: Reason, errors: Vec<InputError>) -> Self {
        let detail = errors.iter().map(describe).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(reason, detail) }
    }
}

fn describe(error: &InputError) -> String {
    let place = match (&error.pointer, &error.parameter) {
        (Some(p), _) if p.is_empty() => "the body: ".to_owned(),
        (Some(p), _) => format!("`{p}`: "),
        (None, Some(p)) => format!("`{p}`: "),
        (None, None) => String::new(),
    };
    match &error.hint {
        Some(hint) => format!("{place}{} ({hint})", error.detail),
        None => format!("{place}{}", error.detail),
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $text:literal $status:literal $retry:literal $title:literal;)*) => {
        /// Why a request was not done; never renamed, never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)*
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Returns the text that programs match on.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// Returns the HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// Tells whether the same request can succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$name => $retry),* }
            }

            /// Returns the reason in a few words.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Returns what the reason means and what to do.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_start()),* }
            }
        }
    };
}

/// Made from the catalogue, since utoipa does not see a name that a macro gives.
impl utoipa::PartialSchema for Reason {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Why a request was not done; never renamed, never reused."))
            .enum_values(Some(Self::ALL.iter().map(|reason| reason.as_str())))
            .into()
    }
}

impl ToSchema for Reason {}

reasons! {
    /// The body is not JSON or YAML, or nests too deep.
    InvalidBody "INVALID_BODY" 400 false "The body cannot be read";
    /// Fields of the body are unknown, missing or wrong; `errors[]` has a JSON pointer for each.
    InvalidInput "INVALID_INPUT" 422 false "The input is not valid";
    /// A query parameter or header is unknown or wrong; `errors[]` names it.
    InvalidParameter "INVALID_PARAMETER" 400 false "A parameter is not valid";
    /// The release name breaks Helm's rule: lower-case letters, digits, `-` and `.`, at most 53 characters.
    InvalidReleaseName "INVALID_RELEASE_NAME" 422 false "The release name is not valid";
    /// The namespace is no DNS label: lower-case letters, digits and `-`, at most 63 characters.
    InvalidNamespace "INVALID_NAMESPACE" 422 false "The namespace is not valid";
    /// The `Content-Type` is none that this request takes.
    UnsupportedMediaType "UNSUPPORTED_MEDIA_TYPE" 415 false "The media type is not supported";
    /// The body is larger than the server takes.
    BodyTooLarge "BODY_TOO_LARGE" 413 false "The body is too large";
    /// The body did not arrive in time.
    BodyTimeout "BODY_TIMEOUT" 408 true "The body did not arrive in time";
    /// There is no such path.
    NotFound "NOT_FOUND" 404 false "There is no such path";
    /// The path exists, but not with this method; `Allow` names those it has.
    MethodNotAllowed "METHOD_NOT_ALLOWED" 405 false "The method is not allowed here";
    /// Without authentication, only loopback names are answered (`Host`).
    HostNotAllowed "HOST_NOT_ALLOWED" 421 false "This host name is not answered";
    /// Without authentication, web pages of other sites are not answered (`Origin`).
    OriginNotAllowed "ORIGIN_NOT_ALLOWED" 403 false "This origin is not answered";
    /// The request has no bearer token, or one that is not known or whose time is over.
    Unauthenticated "UNAUTHENTICATED" 401 false "It is not known who asks";
    /// The issuer of OIDC tokens does not answer, so that the token cannot be checked.
    IssuerUnreachable "ISSUER_UNREACHABLE" 503 true "The issuer of tokens cannot be reached";
    /// Nothing with this digest was uploaded, or its day is over: upload it again. Or the repository has no chart of this name.
    ChartNotFound "CHART_NOT_FOUND" 404 false "There is no such chart";
    /// The repository has the chart, but no version that is this one or fits.
    ChartVersionNotFound "CHART_VERSION_NOT_FOUND" 404 false "There is no such version of the chart";
    /// What was fetched is not what the repository promises (its SHA-256 is another): refresh the repository, or ask who keeps it.
    ChartMismatch "CHART_MISMATCH" 502 false "The chart is not what was promised";
    /// The chart has no such part (readme, schema, file).
    ChartPartNotFound "CHART_PART_NOT_FOUND" 404 false "The chart has no such part";
    /// The body names a chart that is not here: upload it, then name its digest.
    ChartUnavailable "CHART_UNAVAILABLE" 422 false "The chart is not available";
    /// The server's own repository has this version of the chart; `?force` replaces it.
    ChartExists "CHART_EXISTS" 409 false "The chart exists";
    /// The server's own repository cannot be written to: its folder is read-only or full.
    RepositoryReadOnly "REPOSITORY_READ_ONLY" 409 false "The repository cannot be written to";
    /// The archive cannot be read as a chart.
    InvalidChart "INVALID_CHART" 422 false "The chart is not valid";
    /// The chart cannot be installed where it was asked for (its type, its `kubeVersion`, a missing dependency).
    ChartNotInstallable "CHART_NOT_INSTALLABLE" 422 false "The chart cannot be installed";
    /// The values break the chart's schema; `errors[]` points at each.
    InvalidValues "INVALID_VALUES" 422 false "The values are not valid";
    /// A template failed; `template` says where.
    TemplateFailed "TEMPLATE_FAILED" 422 false "A template failed";
    /// The templates take more time, memory or output than the server gives them.
    RenderLimit "RENDER_LIMIT" 422 false "Rendering takes too much";
    /// What was rendered is no Kubernetes manifest, or of a kind that the cluster does not know.
    InvalidManifest "INVALID_MANIFEST" 422 false "The manifest is not valid";
    /// The namespace does not exist; create it, or set `createNamespace`.
    NamespaceNotFound "NAMESPACE_NOT_FOUND" 422 false "The namespace does not exist";
    /// There is no release of this name.
    ReleaseNotFound "RELEASE_NOT_FOUND" 404 false "There is no such release";
    /// The release has no such revision.
    RevisionNotFound "REVISION_NOT_FOUND" 404 false "There is no such revision";
    /// The name is in use: upgrade it with PUT, or choose another.
    ReleaseExists "RELEASE_EXISTS" 409 false "The release exists";
    /// The release has never been deployed, so that there is nothing to start from.
    NoDeployedRelease "NO_DEPLOYED_RELEASE" 409 false "The release was never deployed";
    /// The release's last record is pending: another program is changing it, or died while it did.
    ReleasePending "RELEASE_PENDING" 409 true "Another change of the release is in progress";
    /// The release is not locked, so that there is nothing to end.
    ReleaseNotLocked "RELEASE_NOT_LOCKED" 409 false "The release is not locked";
    /// This server is changing the release; `operation` says what runs.
    OperationInProgress "OPERATION_IN_PROGRESS" 409 true "Another operation of the release is running";
    /// An object belongs to another release or to nobody (`apply.takeOwnership` takes it).
    OwnershipConflict "OWNERSHIP_CONFLICT" 409 false "An object belongs to somebody else";
    /// Another field manager holds a field (`apply.forceConflicts` takes it).
    FieldConflict "FIELD_CONFLICT" 409 false "A field belongs to another manager";
    /// The release is not in the state that `If-Match` or `If-None-Match` asks for.
    PreconditionFailed "PRECONDITION_FAILED" 412 false "A precondition failed";
    /// This server changes a release only for who says which one is meant: send `If-Match` with its `ETag`, or `If-None-Match: *`.
    PreconditionRequired "PRECONDITION_REQUIRED" 428 false "A precondition is required";
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused "IDEMPOTENCY_KEY_REUSED" 422 false "The idempotency key was used for another request";
    /// There is no operation of this id; finished ones are kept for a time only.
    OperationNotFound "OPERATION_NOT_FOUND" 404 false "There is no such operation";
    /// The operation has begun to change the cluster, or is done.
    OperationNotCancellable "OPERATION_NOT_CANCELLABLE" 409 false "The operation cannot be cancelled";
    /// The operation was cancelled; what it had begun is recorded as failed.
    OperationCancelled "OPERATION_CANCELLED" 409 false "The operation was cancelled";
    /// The server that ran the operation has died, and another one could not go on with it, but has put the release in order.
    OperationAbandoned "OPERATION_ABANDONED" 503 true "The operation was given up";
    /// There is no repository of this name.
    RepositoryNotFound "REPOSITORY_NOT_FOUND" 404 false "There is no such repository";
    /// There is a repository of this name: change it with PUT, or choose another name.
    RepositoryExists "REPOSITORY_EXISTS" 409 false "The repository exists";
    /// The repository does not answer, or has too much to do; `Retry-After` says when to ask again.
    RepositoryUnreachable "REPOSITORY_UNREACHABLE" 502 true "The repository cannot be reached";
    /// The repository wants to know who asks, or does not allow it: its credentials are missing or wrong.
    RepositoryUnauthorized "REPOSITORY_UNAUTHORIZED" 502 false "The repository does not let the server in";
    /// The server may not fetch from there; who runs it says from where (`--allow-repository-hosts`).
    RepositoryForbidden "REPOSITORY_FORBIDDEN" 422 false "The server may not fetch from there";
    /// What the repository answers is no index, or not a chart, or larger than the server takes.
    RepositoryInvalid "REPOSITORY_INVALID" 502 false "The repository cannot be read";
    /// The registry does not tell what it holds: name the charts in the repository's `charts`.
    RepositoryNotListable "REPOSITORY_NOT_LISTABLE" 422 false "The registry does not list its charts";
    /// There is no cluster of this name; `default` always exists.
    ClusterNotFound "CLUSTER_NOT_FOUND" 404 false "There is no such cluster";
    /// There is a cluster of this name: exchange its kubeconfig with PUT, or choose another name.
    ClusterExists "CLUSTER_EXISTS" 409 false "The cluster exists";
    /// The cluster is `default`, or was named by a flag of the server: it cannot be changed over the API.
    ClusterReadOnly "CLUSTER_READ_ONLY" 409 false "The cluster cannot be changed over the API";
    /// The cluster does not answer.
    ClusterUnreachable "CLUSTER_UNREACHABLE" 503 true "The cluster cannot be reached";
    /// The cluster does not allow it; `missing` names the right that the caller lacks, when that is why.
    ClusterForbidden "CLUSTER_FORBIDDEN" 403 false "The cluster does not allow it";
    /// The cluster refused an object; `failedResources[]` names it.
    ApplyFailed "APPLY_FAILED" 422 false "The cluster refused an object";
    /// The cluster answered with an error.
    ClusterError "CLUSTER_ERROR" 502 true "The cluster answered with an error";
    /// Objects did not become ready in time; `failedResources[]` names them.
    WaitTimeout "WAIT_TIMEOUT" 504 true "Objects did not become ready in time";
    /// An object has failed for good, so that waiting has no use; `failedResources[]` names it.
    ResourceFailed "RESOURCE_FAILED" 422 false "An object has failed";
    /// A hook failed.
    HookFailed "HOOK_FAILED" 422 false "A hook failed";
    /// A stored release record cannot be read.
    RecordUnreadable "RECORD_UNREADABLE" 502 false "A release record cannot be read";
    /// The record would be larger than a Secret can be.
    RecordTooLarge "RECORD_TOO_LARGE" 422 false "The release is too large to be stored";
    /// This server cannot do it yet; the text says what there is instead.
    NotImplemented "NOT_IMPLEMENTED" 501 false "This is not implemented";
    /// What does the work behind this cluster cannot do it.
    UnsupportedByEngine "UNSUPPORTED_BY_ENGINE" 501 false "The engine cannot do it";
    /// The server is ending and takes no more changes.
    ShuttingDown "SHUTTING_DOWN" 503 true "The server is shutting down";
    /// You ask more often, or for more at a time, than one caller may; `Retry-After` says when to ask again.
    RateLimited "RATE_LIMITED" 429 true "Too many requests";
    /// The server serves as many requests as it can; ask again, or another replica.
    Overloaded "OVERLOADED" 503 true "The server has too much to do";
    /// The answer to a read was not there in time; the cluster may be slow.
    RequestTimeout "REQUEST_TIMEOUT" 504 true "The request took too long";
    /// A fault of the server; its log says more.
    Internal "INTERNAL" 500 true "The server failed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_unique_and_in_the_range_of_errors() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            assert!(seen.insert(reason.as_str()), "{reason:?}");
            assert!((400..600).contains(&reason.status()));
            assert!(!reason.meaning().is_empty());
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
            assert_eq!(crate::check("Reason", &reason.as_str().into()), []);
        }
    }

    #[test]
    fn a_problem_says_where_and_what_was_meant() {
        let problem = Problem::input(vec![
            InputError::body("/wait/timout", "unknown field").hint("did you mean `timeout`?"),
            InputError::body("", "expected an object"),
        ]);
        assert_eq!(
            problem.detail,
            "`/wait/timout`: unknown field (did you mean `timeout`?); the body: expected an object"
        );
        assert_eq!(problem.status, 422);
    }
}
