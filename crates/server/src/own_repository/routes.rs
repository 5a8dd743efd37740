//! The routes of the repository, and who may use them.

use api::{Location, Media, Method, Param, ParamType, Reason, Response, Route, Shape};

use crate::access::{Kept, Need};

const JSON: &[Media] = &[Media { name: "application/json", text: false }];

const fn path(name: &'static str, max: u32) -> Param {
    Param { name, location: Location::Path, kind: ParamType::Form { pattern: "^[^/]+$", max }, doc: "", example: "" }
}

const fn query(name: &'static str, kind: ParamType) -> Param {
    Param { name, location: Location::Query, kind, doc: "", example: "" }
}

const FORCE: Param = query("force", ParamType::Flag);

/// What is taken as an archive: clients say anything of it, `curl --data-binary` that it is a form.
const ARCHIVE: &[&str] = &[
    "application/gzip",
    "application/x-gzip",
    "application/octet-stream",
    "application/x-tar",
    "application/x-compressed",
    "application/x-compressed-tar",
    "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];
const PROOF: &[&str] = &[
    "application/pgp-signature",
    "application/octet-stream",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
];

const fn body(media: &'static [&'static str]) -> Option<api::Body> {
    Some(api::Body { required: true, media, shape: Shape::Binary, doc: "" })
}

const fn answer(status: u16, media: &'static [Media], shape: Shape) -> Response {
    Response { status, doc: "", media, shape, headers: &[] }
}

const OBJECT: &[Response] = &[answer(200, JSON, Shape::Object)];
const STORED: &[Response] = &[answer(201, JSON, Shape::Object)];

const fn route(
    (id, method, path): (&'static str, Method, &'static str),
    parameters: &'static [Param],
    body: Option<api::Body>,
    responses: &'static [Response],
) -> Route {
    const PROBLEMS: &[Reason] = &[];
    let (tag, summary, description, problems) = ("repository", "", "", PROBLEMS);
    Route { id, method, path, tag, summary, description, parameters, body, responses, problems }
}

const NAME: Param = path("name", 250);
const VERSION: Param = path("version", 250);

/// Every route.
pub(crate) static ROUTES: &[Route] = &[
    route(
        ("own_repository_index", Method::Get, "/repository/index.yaml"),
        &[],
        None,
        &[answer(200, &[Media { name: "application/yaml", text: true }], Shape::Text)],
    ),
    route(
        ("own_repository_file", Method::Get, "/repository/charts/{file}"),
        &[path("file", 255)],
        None,
        &[answer(200, &[Media { name: "application/gzip", text: true }], Shape::Binary)],
    ),
    route(
        ("own_repository_charts", Method::Get, "/repository/api/charts"),
        &[
            query("offset", ParamType::Integer { min: 0, max: u32::MAX }),
            query("limit", ParamType::Integer { min: 1, max: u32::MAX }),
        ],
        None,
        OBJECT,
    ),
    route(("own_repository_chart", Method::Get, "/repository/api/charts/{name}"), &[NAME], None, OBJECT),
    route(
        ("own_repository_version", Method::Get, "/repository/api/charts/{name}/{version}"),
        &[NAME, VERSION],
        None,
        OBJECT,
    ),
    route(("own_repository_upload", Method::Post, "/repository/api/charts"), &[FORCE], body(ARCHIVE), STORED),
    route(("own_repository_prove", Method::Post, "/repository/api/prov"), &[FORCE], body(PROOF), STORED),
    route(
        ("own_repository_delete", Method::Delete, "/repository/api/charts/{name}/{version}"),
        &[NAME, VERSION],
        None,
        OBJECT,
    ),
];

/// What uploads and deletions are about.
const CHARTS: Kept = Kept { resource: "repository-charts", parameter: None };

/// What each operation needs.
pub(crate) fn need(id: &str) -> Option<Need> {
    Some(match id {
        "own_repository_index"
        | "own_repository_file"
        | "own_repository_charts"
        | "own_repository_chart"
        | "own_repository_version" => Need::Anybody,
        // And `update`, with `force`.
        "own_repository_upload" | "own_repository_prove" => Need::Home(CHARTS, "create"),
        "own_repository_delete" => Need::Home(CHARTS, "delete"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_a_handler_and_a_rule_and_is_in_its_place() {
        for route in ROUTES {
            // What an operation needs is looked up by its name.
            assert!(api::route(route.id).is_none(), "{}", route.id);
            assert!(super::super::is_in(route.path), "{}", route.id);
            assert_eq!(super::super::HANDLERS.iter().filter(|(id, _)| *id == route.id).count(), 1, "{}", route.id);
            assert_eq!(
                need(route.id).is_some_and(|need| need == Need::Anybody),
                route.method.is_safe(),
                "{}",
                route.id
            );
            assert!(api::route(route.id).is_none() && !route.is_open(), "{}", route.id);
            let of_ours = api::routes().iter().any(|ours| ours.path.starts_with(super::super::PLACE));
            assert!(!of_ours, "{}", route.path);
        }
        assert_eq!(super::super::HANDLERS.len(), ROUTES.len());
    }
}
