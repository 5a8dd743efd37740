//! Operations, and the events they tell: `/v1/operations`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::{CONTINUE, LIMIT, Location, Param, ParamType};
use crate::problem::{Problem, Reason};
use crate::release_routes::LIST_MEDIA;
use crate::release_routes::parameters::{LAST_EVENT as WATCHED_LAST, WATCH};
use crate::route::{JSON_OR_YAML, Media, Method, Response, Route, Shape};

/// A change that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Ordered by time; says nothing secret.
    #[schema(example = "0199d2c8-6f1e-7cc3-98c8-0242ac120002")]
    pub id: String,
    /// What is done.
    pub kind: Kind,
    /// To which release.
    pub release: ReleaseRef,
    /// How it stands.
    pub state: State,
    /// Whether nothing more will happen.
    pub done: bool,
    /// Where a running one is, or where it ended.
    pub phase: Phase,
    /// How many objects are done, of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Who asked for it; left out without authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub finished_at: Option<String>,
    /// When it will be forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// What came out of it, when it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<OperationResult>,
    /// Why it failed: the same problem as an HTTP error would carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    pub error: Option<Problem>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationKind)]
#[allow(missing_docs)]
pub enum Kind {
    Install,
    Upgrade,
    Rollback,
    Uninstall,
    Test,
    Unlock,
}

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationState)]
#[allow(missing_docs)]
pub enum State {
    Queued,
    Running,
    Cancelling,
    Succeeded,
    Failed,
    Cancelled,
    /// The server that ran it has died, and another one has put the release in order without doing what was asked for.
    Recovered,
}

/// Where an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OperationPhase)]
#[allow(missing_docs)]
pub enum Phase {
    Plan,
    Record,
    Crds,
    PreHooks,
    Apply,
    Wait,
    PostHooks,
    Finish,
}

/// Which release, and where.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRef {
    /// The cluster.
    pub cluster: String,
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// How many objects are done.
    pub ready: u32,
    /// How many there are.
    pub total: u32,
}

/// What came out of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationResult {
    /// The revision that is in place; left out when the release is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u32>,
    /// Whether anything was changed.
    pub changed: bool,
}

/// A page of operations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperationList {
    /// The operations, the newest first.
    pub items: Vec<Operation>,
    /// Where the next page begins; left out on the last one.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub cont: Option<String>,
}

/// What the containers of hooks and tests have printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogList {
    /// What was read of each container, in the order it was read in.
    pub items: Vec<ContainerLog>,
}

/// What a container has printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContainerLog {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The text.
    pub text: String,
}

/// One event of an operation's stream; the field `type` is also the event's name there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Event {
    /// A phase has begun.
    #[schema(title = "EventPhase")]
    Phase {
        /// Which.
        phase: Phase,
    },
    /// Something was done to an object, or its status changed.
    #[schema(title = "EventResource")]
    Resource {
        /// `apps/v1`, `v1` …
        #[serde(rename = "apiVersion")]
        api_version: String,
        /// The kind.
        kind: String,
        /// Its namespace; left out when it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// Its name.
        name: String,
        /// `created`, `configured`, `deleted`, `kept`, `ready`, `waiting` …
        action: String,
        /// More, for a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A hook has started or ended.
    #[schema(title = "EventHook")]
    Hook {
        /// The hook's name.
        name: String,
        /// The hook's kind.
        kind: String,
        /// `pre-install` …
        event: String,
        /// `running`, `succeeded` or `failed`.
        phase: String,
    },
    /// What a container of a hook has printed.
    #[schema(title = "EventLog")]
    Log {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// The text.
        text: String,
        /// Whether it is told because `logs` of a test has asked for it, and not because the hook's policy says so.
        #[serde(default, rename = "ofTest", skip_serializing_if = "std::ops::Not::not")]
        of_test: bool,
    },
    /// Something that a person should know and that does not stop the change.
    #[schema(title = "EventWarning")]
    Warning {
        /// What.
        message: String,
        /// Whose words these are; left out for the server's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<WarningSource>,
        /// The process that holds the release, of a warning about a lock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<String>,
    },
    /// The end; always the last event.
    #[schema(title = "EventDone")]
    Done {
        /// The finished operation.
        operation: Box<Operation>,
    },
}

/// Who warns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum WarningSource {
    /// The cluster, of an object that it was sent.
    Cluster,
    /// The lock: another process holds the release, or has died with it, and is waited for.
    Lock,
    /// A test whose output cannot be read.
    Test,
}

impl Event {
    /// Makes a warning in the server's own words.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::Warning { message: message.into(), source: None, holder: None }
    }

    /// Returns the event's name in the stream.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Phase { .. } => "phase",
            Self::Resource { .. } => "resource",
            Self::Hook { .. } => "hook",
            Self::Log { .. } => "log",
            Self::Warning { .. } => "warning",
            Self::Done { .. } => "done",
        }
    }
}

const ID: Param = Param {
    name: "id",
    location: Location::Path,
    kind: ParamType::Text,
    doc: "The operation's id.",
    example: "0199d2c8-6f1e-7cc3-98c8-0242ac120002",
};

const LAST_EVENT: Param = Param {
    name: "Last-Event-ID",
    location: Location::Header,
    kind: ParamType::Integer { min: 0, max: u32::MAX },
    doc: "The last event that was seen; the stream goes on after it.",
    example: "3",
};

const FOLLOW: Param = Param {
    name: "follow",
    location: Location::Query,
    kind: ParamType::Flag,
    doc: "Go on until the operation is done; of text only.",
    example: "true",
};

const CLUSTER_FILTER: Param = Param {
    name: "cluster",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "Only those of releases in this cluster.",
    example: "default",
};

const NAMESPACE_FILTER: Param = Param {
    name: "namespace",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "Only those of releases in this namespace.",
    example: "web",
};

const RELEASE_FILTER: Param = Param {
    name: "release",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "Only those of releases of this name.",
    example: "shop",
};

const STATE_FILTER: Param = Param {
    name: "state",
    location: Location::Query,
    kind: ParamType::Choices(&["queued", "running", "cancelling", "succeeded", "failed", "cancelled", "recovered"]),
    doc: "Only those in one of these states, separated by commas.",
    example: "running",
};

/// What can go wrong when one operation is read.
const ONE: &[Reason] = &[
    Reason::OperationNotFound,
    Reason::InvalidParameter,
    Reason::ClusterNotFound,
    Reason::ClusterUnreachable,
    Reason::ClusterForbidden,
    Reason::ClusterError,
];

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "operation_list",
        method: Method::Get,
        path: "/v1/operations",
        tag: "operations",
        summary: "Lists operations",
        description: "The newest first. With `watch=true` the answer is a stream of server-sent events, as of lists of releases, \
                      after a restart too; the data of each `added`, `modified` and `deleted` is an `Operation`, and one is told of when its state changes.",
        parameters: &[
            CLUSTER_FILTER,
            NAMESPACE_FILTER,
            RELEASE_FILTER,
            STATE_FILTER,
            LIMIT,
            CONTINUE,
            WATCH,
            WATCHED_LAST,
        ],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The operations.",
            media: LIST_MEDIA,
            shape: Shape::Of("OperationList"),
            headers: &[],
        }],
        problems: &[
            Reason::InvalidParameter,
            Reason::ClusterUnreachable,
            Reason::ClusterForbidden,
            Reason::ClusterError,
        ],
    },
    Route {
        id: "operation_get",
        method: Method::Get,
        path: "/v1/operations/{id}",
        tag: "operations",
        summary: "Shows an operation",
        description: "",
        parameters: &[ID],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The operation.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Operation"),
            headers: &["ETag"],
        }],
        problems: ONE,
    },
    Route {
        id: "operation_events",
        method: Method::Get,
        path: "/v1/operations/{id}/events",
        tag: "operations",
        summary: "Streams an operation's events",
        description: "Server-sent events, from the first or after `Last-Event-ID`. The last event is always `done` with the finished operation; then the stream ends.",
        parameters: &[ID, LAST_EVENT],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The events; the data of each is an `Event`.",
            media: &[Media { name: "text/event-stream", text: false }],
            shape: Shape::Of("Event"),
            headers: &[],
        }],
        problems: ONE,
    },
    Route {
        id: "operation_logs",
        method: Method::Get,
        path: "/v1/operations/{id}/logs",
        tag: "operations",
        summary: "Shows what hooks and tests have printed",
        description: "As far as their `helm.sh/hook-output-log-policy`, or `logs` of a test, asks for it.",
        parameters: &[ID, FOLLOW],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "What was printed; as text, each container below a line that names it.",
            media: &[
                Media { name: "application/json", text: false },
                Media { name: "application/yaml", text: false },
                Media { name: "text/plain", text: true },
            ],
            shape: Shape::Of("LogList"),
            headers: &[],
        }],
        problems: ONE,
    },
    Route {
        id: "operation_cancel",
        method: Method::Post,
        path: "/v1/operations/{id}/cancel",
        tag: "operations",
        summary: "Cancels an operation",
        description: "Nothing more is begun, the call under way is waited for, and the record says that the change has failed; what \
                      `onFailure` asks for is done all the same.",
        parameters: &[ID],
        body: None,
        responses: &[Response {
            status: 202,
            doc: "The operation.",
            media: JSON_OR_YAML,
            shape: Shape::Of("Operation"),
            headers: &["Location"],
        }],
        problems: &[
            Reason::OperationNotFound,
            Reason::OperationNotCancellable,
            Reason::InvalidParameter,
            Reason::ClusterNotFound,
            Reason::ClusterUnreachable,
            Reason::ClusterForbidden,
            Reason::ClusterError,
        ],
    },
];
