//! The table of operations: what the document describes and the server serves.

use std::sync::LazyLock;

use crate::parameter::Param;
use crate::problem::Reason;

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The operationId, which is also the handler's name.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The group it is shown in.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// More.
    pub description: &'static str,
    /// The parameters.
    pub parameters: &'static [Param],
    /// The body.
    pub body: Option<Body>,
    /// The good answers.
    pub responses: &'static [Response],
    /// The problems of its own; those any request can have are added in the document.
    pub problems: &'static [Reason],
}

impl Route {
    /// Tells whether it is answered without a token, whatever authentication there is.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.id, "index" | "openapi" | "docs" | "healthz" | "readyz")
    }

    /// Returns all problems that it can have: its own, those any request can have, and those of finding out who asks.
    pub fn all_problems(&self) -> impl Iterator<Item = Reason> {
        let of_callers = if self.is_open() { &[] } else { OF_CALLERS };
        let late = Some(&Reason::RequestTimeout).filter(|_| self.method.is_safe());
        self.problems.iter().chain(ANY).chain(of_callers).chain(late).copied()
    }

    /// Tells whether a read knows `If-None-Match`, because its answer has an `ETag`: every one that is not always another.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.method.is_safe() && self.responses.iter().any(Response::has_tag)
    }
}

/// Problems that any request can have.
const ANY: &[Reason] = &[
    Reason::HostNotAllowed,
    Reason::OriginNotAllowed,
    Reason::InvalidParameter,
    Reason::RateLimited,
    Reason::Overloaded,
    Reason::Internal,
];

/// Problems of finding out who asks, and whether they may: the cluster is asked both.
const OF_CALLERS: &[Reason] = &[
    Reason::Unauthenticated,
    Reason::IssuerUnreachable,
    Reason::ClusterForbidden,
    Reason::ClusterUnreachable,
    Reason::ClusterError,
];

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// Returns the name in lower case, as OpenAPI has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// Tells whether it changes anything.
    #[must_use]
    pub const fn is_safe(self) -> bool {
        matches!(self, Self::Get)
    }
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// Whether it must be there.
    pub required: bool,
    /// The media types it can have.
    pub media: &'static [&'static str],
    /// What it is.
    pub shape: Shape,
    /// What it means.
    pub doc: &'static str,
}

/// A good answer.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// What it means.
    pub doc: &'static str,
    /// The media types it can have, the one without an `Accept` first.
    pub media: &'static [Media],
    /// What it is.
    pub shape: Shape,
    /// The headers it has.
    pub headers: &'static [&'static str],
}

impl Response {
    /// Tells whether the answer to a read has an `ETag`.
    #[must_use]
    pub fn has_tag(&self) -> bool {
        self.status == 200 && self.media.iter().any(|media| !ALWAYS_NEW.contains(&media.name))
    }
}

impl Body {
    /// Returns what a body of one of its media types is: an archive where the others are objects.
    #[must_use]
    pub fn shape_of(&self, media: &str) -> Shape {
        if is_archive(media) { Shape::Binary } else { self.shape }
    }
}

/// Tells whether a media type is one of archives.
pub(crate) fn is_archive(media: &str) -> bool {
    media.ends_with("gzip") || media == "application/octet-stream"
}

/// Streams, and what was measured just now.
const ALWAYS_NEW: [&str; 2] = ["text/event-stream", "application/openmetrics-text"];

/// A media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// Its name.
    pub name: &'static str,
    /// Whether the answer is then plain text (or bytes) instead of the shape.
    pub text: bool,
}

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No body.
    Nothing,
    /// A type of the document.
    Of(&'static str),
    /// One of two types.
    Either(&'static str, &'static str),
    /// `{items: […]}` of a type.
    List(&'static str),
    /// Any object.
    Object,
    /// Text.
    Text,
    /// Bytes.
    Binary,
}

pub(crate) const JSON: &[Media] = &[Media { name: "application/json", text: false }];
pub(crate) const JSON_OR_YAML: &[Media] =
    &[Media { name: "application/json", text: false }, Media { name: "application/yaml", text: false }];
pub(crate) const CHANGE_MEDIA: &[&str] = &["application/json", "application/yaml"];
pub(crate) const PATCH_MEDIA: &[&str] = &["application/merge-patch+json", "application/json", "application/yaml"];

static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut all = Vec::new();
    all.extend_from_slice(crate::meta::ROUTES);
    all.extend_from_slice(crate::chart::ROUTES);
    all.extend_from_slice(crate::package::ROUTES);
    all.extend_from_slice(crate::template::ROUTES);
    all.extend_from_slice(crate::lint::ROUTES);
    all.extend_from_slice(crate::repository_routes::ROUTES);
    all.extend(crate::repository_charts::routes());
    all.extend_from_slice(crate::cluster_routes::ROUTES);
    all.extend(crate::release_routes::routes());
    all.extend_from_slice(crate::plan::ROUTES);
    all.extend_from_slice(crate::live::ROUTES);
    all.extend_from_slice(crate::operation::ROUTES);
    all.extend_from_slice(crate::migration::ROUTES);
    all
});

/// Returns every operation.
#[must_use]
pub fn routes() -> &'static [Route] {
    &ROUTES
}

/// Returns the operation of an id.
#[must_use]
pub fn route(id: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|r| r.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameter::Location;

    #[test]
    fn ids_and_addresses_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for route in routes() {
            assert!(seen.insert(route.id.to_owned()), "{}", route.id);
            assert!(seen.insert(format!("{:?} {}", route.method, route.path)), "{}", route.path);
        }
    }

    #[test]
    fn the_braces_of_a_path_are_its_parameters() {
        for route in routes() {
            let braces: Vec<&str> = route.path.split('{').skip(1).map(|part| part.split('}').next().unwrap()).collect();
            let named: Vec<&str> =
                route.parameters.iter().filter(|p| p.location == Location::Path).map(|p| p.name).collect();
            assert_eq!(braces, named, "{}", route.id);
        }
    }
}
