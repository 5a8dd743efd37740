//! The routes of releases; their types are in `release.rs` and `change.rs`.

pub(crate) mod parameters;
pub(crate) mod problems;

use self::parameters::{
    ALL, CHART, DRY_RUN, FILTER, FORM, HIDE_SECRET, IDEMPOTENCY, IF_MATCH, IF_NONE_MATCH, LAST_EVENT, NAME, NAMESPACE,
    PLAN_DIGEST, PREFER, QUEUE, RECORD, REVISION, SELECTOR, SKIP_UNCHANGED, SORT, STATUS, WATCH, query,
};
use self::problems::{CHANGE, GO_BACK, LIST, READ, READ_REVISION, TAKE_AWAY, TEST, UNLOCK};
use crate::parameter::{CLUSTER, CONTINUE, LIMIT, Param, ParamType};
use crate::route::{Body, CHANGE_MEDIA, JSON_OR_YAML, Media, Method, PATCH_MEDIA, Response, Route, Shape};

const OPERATION: Response = Response {
    status: 202,
    doc: "The operation, which goes on; `Location` is its address.",
    media: JSON_OR_YAML,
    shape: Shape::Of("Operation"),
    headers: &["Location", "Retry-After"],
};
const FINISHED: Response = Response {
    status: 200,
    doc: "The operation, which has succeeded within the time of `Prefer: wait`. One that has failed is answered with its problem.",
    media: JSON_OR_YAML,
    shape: Shape::Of("Operation"),
    headers: &["Location", "Preference-Applied"],
};
const FINISHED_OR_TRIED: Response = Response {
    status: 200,
    doc: "The operation, which has succeeded within the time of `Prefer: wait` (one that has failed is answered with its problem); with `dryRun`, what would be stored.",
    media: JSON_OR_YAML,
    shape: Shape::Either("Operation", "DryRun"),
    headers: &["Location", "Preference-Applied"],
};

const fn ok(doc: &'static str, media: &'static [Media], shape: Shape) -> Response {
    Response { status: 200, doc, media, shape, headers: &["ETag"] }
}

const YAML_TEXT: &[Media] =
    &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: true }];
const PLAIN_TEXT: &[Media] =
    &[Media { name: "application/json", text: false }, Media { name: "text/plain", text: true }];

/// What can be read of a release, and of each of its revisions.
struct Part {
    paths: [&'static str; 2],
    ids: [&'static str; 2],
    summary: &'static str,
    description: &'static str,
    own: &'static [Param],
    responses: &'static [Response],
}

macro_rules! part_paths {
    ($part:literal) => {
        [
            concat!("/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}", $part),
            concat!("/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/revisions/{revision}", $part),
        ]
    };
}

const PARTS: &[Part] = &[
    Part {
        paths: part_paths!("/values"),
        ids: ["release_values", "revision_values"],
        summary: "Returns the values",
        description: "The user's; with `all=true` those that the chart was rendered with.",
        own: &[ALL],
        responses: &[ok("The values.", JSON_OR_YAML, Shape::Object)],
    },
    Part {
        paths: part_paths!("/manifest"),
        ids: ["release_manifest", "revision_manifest"],
        summary: "Returns the manifest",
        description: "As YAML, what `helm get manifest` prints.",
        own: &[],
        responses: &[ok("The manifest.", YAML_TEXT, Shape::Of("Manifest"))],
    },
    Part {
        paths: part_paths!("/notes"),
        ids: ["release_notes", "revision_notes"],
        summary: "Returns the notes",
        description: "",
        own: &[],
        responses: &[ok("The notes.", PLAIN_TEXT, Shape::Of("Notes"))],
    },
    Part {
        paths: part_paths!("/hooks"),
        ids: ["release_hooks", "revision_hooks"],
        summary: "Returns the hooks",
        description: "As YAML, what `helm get hooks` prints.",
        own: &[],
        responses: &[ok("The hooks.", YAML_TEXT, Shape::Of("HookList"))],
    },
    Part {
        paths: part_paths!("/chart"),
        ids: ["release_chart", "revision_chart"],
        summary: "Returns what the chart says of itself",
        description: "",
        own: &[],
        responses: &[ok("The chart's metadata.", JSON_OR_YAML, Shape::Of("Metadata"))],
    },
    Part {
        paths: part_paths!("/record"),
        ids: ["release_record", "revision_record"],
        summary: "Returns the record as Helm keeps it",
        description: "All of it: chart, values, manifest, hooks and notes, what Secrets hold included. What `helm get all` prints is made of it.",
        own: &[],
        responses: &[ok("The record.", JSON_OR_YAML, Shape::Of("ReleaseRecord"))],
    },
    Part {
        paths: part_paths!("/objects"),
        ids: ["release_objects", "revision_objects"],
        summary: "Returns the objects of the manifest that are there, and their pods",
        description: "By version and kind, as `helm status` shows them. What cannot be read is left out.",
        own: &[FORM],
        responses: &[Response {
            status: 200,
            doc: "Lists of objects, or of tables as `kubectl get` prints them, by version and kind.",
            media: JSON_OR_YAML,
            shape: Shape::Object,
            headers: &[],
        }],
    },
];

pub(crate) const LIST_MEDIA: &[Media] = &[
    Media { name: "application/json", text: false },
    Media { name: "application/yaml", text: false },
    Media { name: "text/event-stream", text: true },
];
const LIST_DESCRIPTION: &str = "The newest revision of each. Items are small: no manifest, no values.\n\n\
    With `watch=true` the answer is a stream of server-sent events. The data of each `added`, `modified` and `deleted` is a \
    `ReleaseSummary`. It begins with `added` for each release there is and the filters want, then `synced` once, and then what \
    happens: a release that the filters want no longer is `deleted`, one that they want only now `added`; filters look at the newest \
    revision. The data is the release as it is now, of one that is gone as it was last seen.\n\n\
    After `Last-Event-ID` it goes on where it was, also on another replica and after a restart, and says `synced` when nothing was missed \
    any more. Another server does not know what a client has been told: of each release that was touched since, it tells how it is now, \
    `modified` when the filters want it and else `deleted`. So take `added` and `modified` both as \"this is how it is\", and a `deleted` of \
    what you do not have as nothing; what was missed may be told twice. Where the cluster has forgotten that time (a busy one after \
    minutes), and only there, `reset` comes first and everything begins anew. An id without an event is a place to come back to \
    after a while in which nothing happened; `EventSource` keeps it by itself.\n\n\
    A client that does not keep up is cut off, and so is everyone after an hour, or when a cluster comes or goes: come back with `Last-Event-ID`. Across clusters, `unreachable` (with an \
    `UnreachableCluster`) says whose releases are missing; such a stream ends after a minute, so that they are looked for again.";

const COLLECTION: &str = "/v1/clusters/{cluster}/namespaces/{namespace}/releases";
const ONE: &str = "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}";

fn list(id: &'static str, path: &'static str, summary: &'static str, scope: &'static [Param]) -> Route {
    Route {
        id,
        method: Method::Get,
        path,
        tag: "releases",
        summary,
        description: LIST_DESCRIPTION,
        parameters: scope,
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The releases.",
            media: LIST_MEDIA,
            shape: Shape::Of("ReleaseList"),
            headers: &[],
        }],
        problems: LIST,
    }
}

const CHANGE_BODY: Option<Body> =
    Some(Body { required: true, media: CHANGE_MEDIA, shape: Shape::Of("ChangeBody"), doc: "What to put in place." });

const FIXED: &[Route] = &[
    Route {
        id: "release_install",
        method: Method::Post,
        path: COLLECTION,
        tag: "releases",
        summary: "Installs a release",
        description: "An error when the name, which is in the body or is made up as the body says, is in use.",
        parameters: &[CLUSTER, NAMESPACE, DRY_RUN, HIDE_SECRET, RECORD, PLAN_DIGEST, PREFER, QUEUE, IDEMPOTENCY],
        body: CHANGE_BODY,
        responses: &[OPERATION, FINISHED_OR_TRIED],
        problems: CHANGE,
    },
    Route {
        id: "release_get",
        method: Method::Get,
        path: ONE,
        tag: "releases",
        summary: "Shows a release",
        description: "",
        parameters: &[CLUSTER, NAMESPACE, NAME],
        body: None,
        responses: &[ok("The release.", JSON_OR_YAML, Shape::Of("Release"))],
        problems: READ,
    },
    Route {
        id: "release_apply",
        method: Method::Put,
        path: ONE,
        tag: "releases",
        summary: "Installs a release, or upgrades it when it exists",
        description: "As `helm upgrade --install`. The body is all there is: values of earlier revisions count only when `valueStrategy` says so.",
        parameters: &[
            CLUSTER,
            NAMESPACE,
            NAME,
            DRY_RUN,
            HIDE_SECRET,
            RECORD,
            PLAN_DIGEST,
            SKIP_UNCHANGED,
            PREFER,
            QUEUE,
            IDEMPOTENCY,
            IF_MATCH,
            IF_NONE_MATCH,
        ],
        body: CHANGE_BODY,
        responses: &[OPERATION, FINISHED_OR_TRIED],
        problems: CHANGE,
    },
    Route {
        id: "release_patch",
        method: Method::Patch,
        path: ONE,
        tag: "releases",
        summary: "Changes values of a release",
        description: "`values` is a merge patch (RFC 7386) of the release's values: `null` takes one away. The chart stays the one in place, unless the body names another.",
        parameters: &[
            CLUSTER,
            NAMESPACE,
            NAME,
            DRY_RUN,
            PLAN_DIGEST,
            SKIP_UNCHANGED,
            PREFER,
            QUEUE,
            IDEMPOTENCY,
            IF_MATCH,
        ],
        body: Some(Body { required: true, media: PATCH_MEDIA, shape: Shape::Of("ChangeBody"), doc: "What to change." }),
        responses: &[OPERATION, FINISHED_OR_TRIED],
        problems: CHANGE,
    },
    Route {
        id: "release_uninstall",
        method: Method::Delete,
        path: ONE,
        tag: "releases",
        summary: "Uninstalls a release",
        description: "",
        parameters: &[
            CLUSTER,
            NAMESPACE,
            NAME,
            query("keepHistory", ParamType::Flag, "Keep the records, marked as uninstalled.", "true"),
            query("disableHooks", ParamType::Flag, "Run no hooks.", "true"),
            query(
                "cascade",
                ParamType::Choice(&["background", "foreground", "orphan"]),
                "How dependents are deleted; in the background when left out.",
                "foreground",
            ),
            query("description", ParamType::Text, "A description to store instead of Helm's.", "retired"),
            query("ignoreNotFound", ParamType::Flag, "Succeed when there is no such release.", "true"),
            query(
                "wait",
                ParamType::Choice(&["watcher", "hookOnly", "legacy"]),
                "Wait until the objects are gone; `hookOnly` when left out.",
                "watcher",
            ),
            query("timeout", ParamType::Duration, "How long one wait may take; `5m` when left out.", "2m"),
            DRY_RUN,
            PLAN_DIGEST,
            PREFER,
            IDEMPOTENCY,
            QUEUE,
            IF_MATCH,
        ],
        body: None,
        responses: &[OPERATION, FINISHED_OR_TRIED],
        problems: TAKE_AWAY,
    },
    Route {
        id: "release_rollback",
        method: Method::Post,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/rollback",
        tag: "releases",
        summary: "Goes back to an earlier revision",
        description: "",
        parameters: &[CLUSTER, NAMESPACE, NAME, DRY_RUN, PLAN_DIGEST, PREFER, QUEUE, IDEMPOTENCY, IF_MATCH],
        body: Some(Body {
            required: false,
            media: CHANGE_MEDIA,
            shape: Shape::Of("RollbackBody"),
            doc: "Where to, and how; nothing goes to the revision before.",
        }),
        responses: &[OPERATION, FINISHED_OR_TRIED],
        problems: GO_BACK,
    },
    Route {
        id: "release_test",
        method: Method::Post,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/test",
        tag: "releases",
        summary: "Runs the tests of a release",
        description: "As `helm test`: one after the other, until one fails. How each went is in the events and stays with the \
            hooks; what they have printed is in the events, when `logs` asks for it.",
        parameters: &[CLUSTER, NAMESPACE, NAME, PREFER, QUEUE, IDEMPOTENCY, IF_MATCH],
        body: Some(Body {
            required: false,
            media: CHANGE_MEDIA,
            shape: Shape::Of("TestBody"),
            doc: "Which tests, and how long; without it all.",
        }),
        responses: &[OPERATION, FINISHED],
        problems: TEST,
    },
    Route {
        id: "release_unlock",
        method: Method::Post,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/unlock",
        tag: "releases",
        summary: "Ends a pending revision whose program has died",
        description: "The revision is recorded as failed, so that the release can be changed again. Nothing else is \
            changed. A revision that a living whipstaff is at work on is not ended; whether a Helm lives cannot be told.",
        parameters: &[CLUSTER, NAMESPACE, NAME, PREFER, QUEUE, IDEMPOTENCY, IF_MATCH],
        body: None,
        responses: &[OPERATION, FINISHED],
        problems: UNLOCK,
    },
    Route {
        id: "revision_list",
        method: Method::Get,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/revisions",
        tag: "revisions",
        summary: "Lists a release's history",
        description: "The oldest first.",
        parameters: &[CLUSTER, NAMESPACE, NAME, LIMIT, CONTINUE],
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The revisions.",
            media: JSON_OR_YAML,
            shape: Shape::Of("RevisionList"),
            headers: &[],
        }],
        problems: READ,
    },
    Route {
        id: "revision_get",
        method: Method::Get,
        path: "/v1/clusters/{cluster}/namespaces/{namespace}/releases/{name}/revisions/{revision}",
        tag: "revisions",
        summary: "Shows one revision",
        description: "",
        parameters: &[CLUSTER, NAMESPACE, NAME, REVISION],
        body: None,
        responses: &[ok("The release as of then.", JSON_OR_YAML, Shape::Of("Release"))],
        problems: READ_REVISION,
    },
];

/// Returns the routes of releases.
pub(crate) fn routes() -> Vec<Route> {
    let mut all = vec![
        list(
            "release_list_all",
            "/v1/releases",
            "Lists the releases of all clusters",
            &[STATUS, CHART, FILTER, SELECTOR, SORT, LIMIT, CONTINUE, WATCH, LAST_EVENT],
        ),
        list(
            "release_list_cluster",
            "/v1/clusters/{cluster}/releases",
            "Lists the releases of a cluster",
            &[CLUSTER, STATUS, CHART, FILTER, SELECTOR, SORT, LIMIT, CONTINUE, WATCH, LAST_EVENT],
        ),
        list(
            "release_list",
            COLLECTION,
            "Lists the releases of a namespace",
            &[CLUSTER, NAMESPACE, STATUS, CHART, FILTER, SELECTOR, SORT, LIMIT, CONTINUE, WATCH, LAST_EVENT],
        ),
    ];
    all.extend_from_slice(FIXED);
    for part in PARTS {
        let [of_release, of_revision] = part.ids;
        let (parameters, parameters_revision): (&'static [Param], &'static [Param]) = match part.own {
            [] => (&[CLUSTER, NAMESPACE, NAME], &[CLUSTER, NAMESPACE, NAME, REVISION]),
            [own] if *own == ALL => (&[CLUSTER, NAMESPACE, NAME, ALL], &[CLUSTER, NAMESPACE, NAME, REVISION, ALL]),
            _ => (&[CLUSTER, NAMESPACE, NAME, FORM], &[CLUSTER, NAMESPACE, NAME, REVISION, FORM]),
        };
        let [path, path_revision] = part.paths;
        let base = Route {
            id: of_release,
            method: Method::Get,
            path,
            tag: "releases",
            summary: part.summary,
            description: part.description,
            parameters,
            body: None,
            responses: part.responses,
            problems: READ,
        };
        all.push(base);
        all.push(Route {
            id: of_revision,
            path: path_revision,
            tag: "revisions",
            parameters: parameters_revision,
            problems: READ_REVISION,
            ..base
        });
    }
    all
}
