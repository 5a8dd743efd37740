//! Repositories: `/v1/repositories`.

use crate::parameter::{CONTINUE, LIMIT, Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, CHANGE_MEDIA, JSON_OR_YAML, Method, Response, Route, Shape};

const ALL: &str = "/v1/repositories";
const ONE: &str = "/v1/repositories/{repository}";

/// The repository of a path.
pub(crate) const REPOSITORY: Param = Param {
    name: "repository",
    location: Location::Path,
    kind: ParamType::Form { pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max: 63 },
    doc: "The repository.",
    example: "stable",
};
const IF_MATCH: Param = Param {
    name: "If-Match",
    location: Location::Header,
    kind: ParamType::Text,
    doc: "Only when the `ETag` of the repository is this, or one of the same settings; `*`: only when there is such a repository.",
    example: "",
};
const IF_NONE_MATCH: Param = Param {
    name: "If-None-Match",
    location: Location::Header,
    kind: ParamType::Choice(&["*"]),
    doc: "`*`: only when there is no such repository.",
    example: "*",
};

const BODY: Body = Body {
    required: true,
    media: CHANGE_MEDIA,
    shape: Shape::Of("RepositoryBody"),
    doc: "Where the repository is. Credentials are written and never returned.",
};

/// Problems of writing.
const WRITING: &[Reason] = &[
    Reason::InvalidBody,
    Reason::InvalidInput,
    Reason::UnsupportedMediaType,
    Reason::BodyTooLarge,
    Reason::BodyTimeout,
    Reason::RepositoryExists,
    Reason::PreconditionFailed,
    Reason::ClusterForbidden,
    Reason::ClusterUnreachable,
    Reason::ClusterError,
];

const fn shown(status: u16, doc: &'static str, headers: &'static [&'static str]) -> Response {
    Response { status, doc, media: JSON_OR_YAML, shape: Shape::Of("Repository"), headers }
}

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "repository_list",
        method: Method::Get,
        path: ALL,
        tag: "repositories",
        summary: "Lists repositories",
        description: "With what came of looking at each; none is looked at for it.",
        parameters: &[LIMIT, CONTINUE],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The repositories.",
            media: JSON_OR_YAML,
            shape: Shape::Of("RepositoryList"),
            headers: &[],
        }],
        problems: &[Reason::InvalidParameter],
    },
    Route {
        id: "repository_create",
        method: Method::Post,
        path: ALL,
        tag: "repositories",
        summary: "Adds a repository",
        description: "It is kept as a labelled Secret in the server's own namespace, and known to all replicas within seconds. It is not \
            looked at before it is used, or refreshed.",
        parameters: &[],
        body: Some(BODY),
        responses: &[shown(201, "The repository was added.", &["ETag", "Location"])],
        problems: WRITING,
    },
    Route {
        id: "repository_get",
        method: Method::Get,
        path: ONE,
        tag: "repositories",
        summary: "Shows a repository",
        description: "With what came of looking at it last; it is not looked at for it.",
        parameters: &[REPOSITORY],
        body: None,
        responses: &[shown(200, "The repository.", &["ETag"])],
        problems: &[Reason::RepositoryNotFound, Reason::InvalidParameter],
    },
    Route {
        id: "repository_apply",
        method: Method::Put,
        path: ONE,
        tag: "repositories",
        summary: "Adds a repository or exchanges its settings",
        description: "What is left out is as if it were never said, but for `password` and `tls.key`: these stay as long as they are for \
            the same user (certificate), scheme, host and port.",
        parameters: &[REPOSITORY, IF_MATCH, IF_NONE_MATCH],
        body: Some(BODY),
        responses: &[
            shown(200, "The settings were exchanged.", &["ETag"]),
            shown(201, "The repository was added.", &["ETag", "Location"]),
        ],
        problems: WRITING,
    },
    Route {
        id: "repository_delete",
        method: Method::Delete,
        path: ONE,
        tag: "repositories",
        summary: "Forgets a repository",
        description: "Releases of its charts stay as they are.",
        parameters: &[REPOSITORY, IF_MATCH],
        body: None,
        responses: &[Response {
            status: 204,
            doc: "The repository was forgotten.",
            media: &[],
            shape: Shape::Nothing,
            headers: &[],
        }],
        problems: &[
            Reason::RepositoryNotFound,
            Reason::PreconditionFailed,
            Reason::ClusterForbidden,
            Reason::ClusterUnreachable,
            Reason::ClusterError,
        ],
    },
    Route {
        id: "repository_refresh",
        method: Method::Post,
        path: "/v1/repositories/{repository}/refresh",
        tag: "repositories",
        summary: "Looks at a repository now",
        description: "Otherwise that happens when it is used and what is known of it is old. It may take a minute. What has not changed is \
            not sent again. Where that fails, the answer is 200 too, with the reason in `status.error`, and what was known before is used further.",
        parameters: &[REPOSITORY],
        body: None,
        responses: &[shown(200, "The repository, as it stands now.", &["ETag"])],
        problems: &[Reason::RepositoryNotFound, Reason::InvalidParameter],
    },
];
