//! Charts that are begun and packed: `/v1/create` and `/v1/package`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::parameter::{Location, Param, ParamType};
use crate::problem::Reason;
use crate::route::{Body, CHANGE_MEDIA, Media, Method, Response, Route, Shape};

/// What to pack, as `helm package` would: the files of a chart's folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({
    "files": {
        "Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
        "templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n"
    },
    "version": "1.2.3"
}))]
pub struct PackageBody {
    /// The text of each file, by its path below the chart's folder; what `.helmignore` names is left out.
    pub files: BTreeMap<String, String>,
    /// The content of files that are no text, in base64: icons, packed subcharts (`charts/db-1.0.0.tgz`).
    pub binary_files: BTreeMap<String, String>,
    /// As `--version`: a version that the chart is given instead of its own.
    pub version: Option<String>,
    /// As `--app-version`: a version of what the chart installs, instead of its own.
    pub app_version: Option<String>,
}

/// What to begin, as `helm create` would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(example = json!({"name": "shop"}))]
pub struct CreateBody {
    /// The chart's name: letters, digits, `-`, `_` and `.`, at most 250.
    pub name: Option<String>,
}

/// The files of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChartFolder {
    /// The text of each file, by its path below the chart's folder.
    pub files: BTreeMap<String, String>,
}

const ARCHIVE: Media = Media { name: "application/gzip", text: true };
const OR_ARCHIVE: &[Media] =
    &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: false }, ARCHIVE];
const FOLDER: &[&str] =
    &["application/json", "application/yaml", "application/gzip", "application/x-gzip", "application/octet-stream"];

const VERSION: Param = Param {
    name: "version",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "For a folder that is sent as an archive, a version instead of the chart's own.",
    example: "1.2.3",
};

const APP_VERSION: Param = Param {
    name: "appVersion",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "For a folder that is sent as an archive, a version of what the chart installs instead of the chart's own.",
    example: "4.5",
};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        id: "chart_package",
        method: Method::Post,
        path: "/v1/package",
        tag: "charts",
        summary: "Packs a chart",
        description: "The body has the files of the chart's folder, or is the folder as an archive (`tar cz shop | curl --data-binary @- …`). Subcharts that `Chart.yaml` names have to be in `charts/`; nothing is fetched. The archive is that of `helm package`, and the same for the same files: those of which no time is known are of 1970. It is uploaded, as by `POST /v1/charts`; with `Accept: application/gzip` it is sent instead, and not kept.",
        parameters: &[VERSION, APP_VERSION],
        body: Some(Body { required: true, media: FOLDER, shape: Shape::Of("PackageBody"), doc: "What to pack." }),
        responses: &[
            Response {
                status: 200,
                doc: "The chart, which was there already; or the archive.",
                media: OR_ARCHIVE,
                shape: Shape::Of("Chart"),
                headers: &["ETag"],
            },
            Response {
                status: 201,
                doc: "The chart; `Location` is its address.",
                media: crate::route::JSON_OR_YAML,
                shape: Shape::Of("Chart"),
                headers: &["Location", "ETag"],
            },
        ],
        problems: &[
            Reason::InvalidBody,
            Reason::InvalidInput,
            Reason::InvalidChart,
            Reason::UnsupportedMediaType,
            Reason::BodyTooLarge,
            Reason::BodyTimeout,
        ],
    },
    Route {
        id: "chart_create",
        method: Method::Post,
        path: "/v1/create",
        tag: "stateless",
        summary: "Begins a chart",
        description: "The files of a chart that can be installed as it is, to be changed and packed (`POST /v1/package`). With `Accept: application/gzip` they come as an archive of the chart's folder.",
        parameters: &[],
        body: Some(Body { required: true, media: CHANGE_MEDIA, shape: Shape::Of("CreateBody"), doc: "What to begin." }),
        responses: &[Response {
            status: 200,
            doc: "The files.",
            media: OR_ARCHIVE,
            shape: Shape::Of("ChartFolder"),
            headers: &[],
        }],
        problems: &[
            Reason::InvalidBody,
            Reason::InvalidInput,
            Reason::UnsupportedMediaType,
            Reason::BodyTooLarge,
            Reason::BodyTimeout,
        ],
    },
];
