//! What the paths, queries and headers of these routes can hold.

use crate::parameter::{Location, Param, ParamType};

pub(crate) const fn query(name: &'static str, kind: ParamType, doc: &'static str, example: &'static str) -> Param {
    Param { name, location: Location::Query, kind, doc, example }
}

pub(crate) const fn header(name: &'static str, doc: &'static str, example: &'static str) -> Param {
    Param { name, location: Location::Header, kind: ParamType::Text, doc, example }
}

pub(crate) const NAMESPACE: Param = Param {
    name: "namespace",
    location: Location::Path,
    kind: ParamType::Form { pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max: 63 },
    doc: "The namespace.",
    example: "web",
};
pub(crate) const NAME: Param = Param {
    name: "name",
    location: Location::Path,
    kind: ParamType::Form { pattern: r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", max: 53 },
    doc: "The release's name.",
    example: "shop",
};
pub(crate) const REVISION: Param = Param {
    name: "revision",
    location: Location::Path,
    kind: ParamType::Integer { min: 1, max: u32::MAX },
    doc: "The revision.",
    example: "1",
};

pub(crate) const STATUSES: &[&str] = &[
    "unknown",
    "deployed",
    "uninstalled",
    "superseded",
    "failed",
    "uninstalling",
    "pending-install",
    "pending-upgrade",
    "pending-rollback",
];
pub(crate) const SORTS: &[&str] = &[
    "name",
    "-name",
    "namespace",
    "-namespace",
    "updated",
    "-updated",
    "status",
    "-status",
    "chart",
    "-chart",
    "revision",
    "-revision",
];

pub(crate) const STATUS: Param = query(
    "status",
    ParamType::Choices(STATUSES),
    "Only those in one of these states, separated by commas.",
    "deployed",
);
pub(crate) const CHART: Param = query("chart", ParamType::Text, "Only those of the chart of this name.", "nginx");
pub(crate) const FILTER: Param =
    query("filter", ParamType::Text, "Only those whose name matches this regular expression (RE2).", "^shop");
pub(crate) const SELECTOR: Param = query(
    "selector",
    ParamType::Text,
    "Only those whose records' labels match, as `kubectl -l` selects.",
    "team=web,tier!=test",
);
pub(crate) const SORT: Param =
    query("sort", ParamType::Choice(SORTS), "The order; `-` turns it round. By name when left out.", "name");
pub(crate) const WATCH: Param = query(
    "watch",
    ParamType::Flag,
    "Answer with a stream of events: what there is, and then what happens. `limit`, `continue` and `sort` then mean nothing.",
    "true",
);
pub(crate) const LAST_EVENT: Param =
    header("Last-Event-ID", "With `watch`, the last event that was seen; the stream goes on after it.", "");
pub(crate) const ALL: Param = query("all", ParamType::Flag, "With the chart's own values below the user's.", "true");
pub(crate) const DRY_RUN: Param = query(
    "dryRun",
    ParamType::Choice(&["client", "server"]),
    "Change nothing, and answer 200 with what would be stored; with `client` templates look nothing up in the cluster.",
    "server",
);

pub(crate) const HIDE_SECRET: Param =
    query("hideSecret", ParamType::Flag, "With `dryRun`: leave what Secrets hold out of the manifest.", "true");
pub(crate) const RECORD: Param =
    query("record", ParamType::Flag, "With `dryRun`: answer the record as Helm would write it too.", "true");
pub(crate) const FORM: Param = query(
    "form",
    ParamType::Choice(&["object", "table"]),
    "Objects as they are, which is what there is when this is left out, or rows of tables.",
    "table",
);

pub(crate) const PLAN_DIGEST: Param = query(
    "planDigest",
    ParamType::Text,
    "Only when what is done is what this plan says.",
    "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
);

pub(crate) const QUEUE: Param = query(
    "queue",
    ParamType::Flag,
    "When another change of the release runs, be the next one instead of answering 409.",
    "true",
);

pub(crate) const SKIP_UNCHANGED: Param = query(
    "skipUnchanged",
    ParamType::Flag,
    "When the same chart, values and objects are in place already, make no revision and run no hooks; the operation's result then says `changed: false`.",
    "true",
);

pub(crate) const PREFER: Param =
    header("Prefer", "`wait=N` waits up to N seconds for the operation to end (RFC 7240); 600 at most.", "wait=60");
pub(crate) const IDEMPOTENCY: Param = Param {
    name: "Idempotency-Key",
    location: Location::Header,
    kind: ParamType::Form { pattern: "^[!-~]+$", max: 255 },
    doc: "The same key with the same request is the same operation; kept for a day.",
    example: "d9f1c1a0",
};
pub(crate) const IF_MATCH: Param = header("If-Match", "Only when the release's `ETag` is this.", "\"3-deployed\"");
pub(crate) const IF_NONE_MATCH: Param = Param {
    name: "If-None-Match",
    location: Location::Header,
    kind: ParamType::Choice(&["*"]),
    doc: "`*`: only when there is no such release.",
    example: "*",
};
