//! The charts of a repository: `/v1/repositories/{repository}/charts`.

use crate::chart;
use crate::parameter::{CONTINUE, LIMIT, Location, Param, ParamType};
use crate::problem::Reason;
use crate::repository_routes::REPOSITORY;
use crate::route::{JSON_OR_YAML, Media, Method, Response, Route, Shape};

/// The path of a version of a chart, and of a part of it.
macro_rules! of_version {
    ($part:literal) => {
        concat!("/v1/repositories/{repository}/charts/{chart}/versions/{version}", $part)
    };
}

const CHART: Param = Param {
    name: "chart",
    location: Location::Path,
    kind: ParamType::Text,
    doc: "The chart's name; in a registry the path below the repository's, with `%2F` for `/`.",
    example: "shop",
};
const VERSION: Param = Param {
    name: "version",
    location: Location::Path,
    kind: ParamType::Text,
    doc: "A version, a constraint such as `^1.2` (`%5E1.2`) of which the newest that fits is taken, or `latest`.",
    example: "1.2.3",
};

const fn query(name: &'static str, kind: ParamType, doc: &'static str, example: &'static str) -> Param {
    Param { name, location: Location::Query, kind, doc, example }
}

const FILTER: Param =
    query("filter", ParamType::Text, "Only those whose name matches this regular expression (RE2).", "^shop");
const WORDS: Param = query(
    "q",
    ParamType::Text,
    "Only those that have this text in name, keywords or description, the best first, as `helm search repo` finds them: \
        pre-releases do not count.",
    "shop",
);
const CONSTRAINT: Param = query("constraint", ParamType::Text, "Only versions that fit, such as `^1.2`.", "^1.2");
const DEVEL: Param =
    query("devel", ParamType::Flag, "Pre-releases too, where `constraint` does not say which.", "true");

const OF_VERSION: &[Param] = &[REPOSITORY, CHART, VERSION];
const OF_FILE: &[Param] = &[REPOSITORY, CHART, VERSION, chart::FILE];

/// Problems of looking into a repository.
macro_rules! looking {
    ($($more:ident),*) => {
        &[
            Reason::RepositoryNotFound,
            Reason::RepositoryUnreachable,
            Reason::RepositoryUnauthorized,
            Reason::RepositoryForbidden,
            Reason::RepositoryInvalid,
            Reason::InvalidParameter,
            $(Reason::$more),*
        ]
    };
}

const FETCHING: &[Reason] =
    looking![ChartNotFound, ChartVersionNotFound, ChartMismatch, InvalidChart, ChartPartNotFound];

/// The parts that an uploaded chart has as well: its operation there, here, and the path.
const PARTS: &[(&str, &str, &str)] = &[
    ("chart_archive", "repository_chart_archive", of_version!("/archive")),
    ("chart_metadata", "repository_chart_metadata", of_version!("/metadata")),
    ("chart_dependencies", "repository_chart_dependencies", of_version!("/dependencies")),
    ("chart_values", "repository_chart_values", of_version!("/values")),
    ("chart_readme", "repository_chart_readme", of_version!("/readme")),
    ("chart_schema", "repository_chart_schema", of_version!("/schema")),
    ("chart_crds", "repository_chart_crds", of_version!("/crds")),
    ("chart_files", "repository_chart_files", of_version!("/files")),
    ("chart_file", "repository_chart_file", of_version!("/files/{path}")),
];

const fn list(doc: &'static str) -> Response {
    Response { status: 200, doc, media: JSON_OR_YAML, shape: Shape::Of("RepositoryChartList"), headers: &[] }
}

const fn one(doc: &'static str) -> Response {
    Response { status: 200, doc, media: JSON_OR_YAML, shape: Shape::Of("RepositoryChart"), headers: &["ETag"] }
}

const OWN: &[Route] = &[
    Route {
        id: "repository_charts",
        method: Method::Get,
        path: "/v1/repositories/{repository}/charts",
        tag: "repositories",
        summary: "Lists the charts of a repository",
        description: "Each with its newest version, which is a pre-release only where there is nothing else. A registry tells what it holds \
            if it has a catalogue; otherwise the repository has to name its charts.",
        parameters: &[REPOSITORY, FILTER, WORDS, LIMIT, CONTINUE],
        body: None,
        responses: &[list("The charts.")],
        problems: looking![RepositoryNotListable],
    },
    Route {
        id: "repository_chart",
        method: Method::Get,
        path: "/v1/repositories/{repository}/charts/{chart}",
        tag: "repositories",
        summary: "Shows a chart of a repository",
        description: "In its newest version, which is a pre-release only where there is nothing else.",
        parameters: &[REPOSITORY, CHART],
        body: None,
        responses: &[one("The chart.")],
        problems: looking![ChartNotFound],
    },
    Route {
        id: "repository_chart_versions",
        method: Method::Get,
        path: "/v1/repositories/{repository}/charts/{chart}/versions",
        tag: "repositories",
        summary: "Lists the versions of a chart",
        description: "The newest first; of pre-releases those that `constraint` or `devel` asks for.",
        parameters: &[REPOSITORY, CHART, CONSTRAINT, DEVEL, LIMIT, CONTINUE],
        body: None,
        responses: &[list("The versions.")],
        problems: looking![ChartNotFound],
    },
    Route {
        id: "repository_chart_version",
        method: Method::Get,
        path: of_version!(""),
        tag: "repositories",
        summary: "Shows a version of a chart",
        description: "A constraint or `latest` is resolved, and the answer says to which version.",
        parameters: OF_VERSION,
        body: None,
        responses: &[one("The version.")],
        problems: looking![ChartNotFound, ChartVersionNotFound],
    },
    Route {
        id: "repository_chart_provenance",
        method: Method::Get,
        path: of_version!("/provenance"),
        tag: "repositories",
        summary: "Returns the provenance file of a chart",
        description: "To the byte as the repository has it; it is not verified.",
        parameters: OF_VERSION,
        body: None,
        responses: &[Response {
            status: 200,
            doc: "The provenance file.",
            media: &[Media { name: "text/plain", text: true }],
            shape: Shape::Text,
            headers: &["ETag"],
        }],
        problems: FETCHING,
    },
];

/// The operations on charts of repositories.
pub(crate) fn routes() -> Vec<Route> {
    let part = |(there, id, path): &(&str, &'static str, &'static str)| {
        let route = chart::ROUTES.iter().find(|route| route.id == *there)?;
        let parameters = if path.ends_with("{path}") { OF_FILE } else { OF_VERSION };
        Some(Route { id, path, tag: "repositories", parameters, problems: FETCHING, ..*route })
    };
    OWN.iter().copied().chain(PARTS.iter().filter_map(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_an_uploaded_chart_is_one_here_too() {
        let parts = chart::ROUTES.iter().filter(|route| route.path.starts_with("/v1/charts/{digest}/"));
        let parts: Vec<&str> = parts.map(|route| route.id).collect();
        assert_eq!(parts, PARTS.iter().map(|(there, ..)| *there).collect::<Vec<_>>());
        assert_eq!(routes().len(), OWN.len() + PARTS.len());
    }
}
