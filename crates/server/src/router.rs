//! From the table of routes to handlers.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use api::{InputError, Location, ParamType, Parameters, Problem, Reason, Route};
use axum::body::Body;
use axum::extract::{MatchedPath, Path, Request};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{RequestExt, Router};
use futures::future::BoxFuture;
use http::Response;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use crate::access::{self, Grant};
use crate::app::App;
use crate::auth::Subject;
use crate::caller::Caller;
use crate::ctx::{Ctx, Outcome};
use crate::handlers::{self, Handler};
use crate::limits::{self, Who};
use crate::{body, guard, own_repository, reply};

static HANDLERS: LazyLock<HashMap<&'static str, Handler>> =
    LazyLock::new(|| handlers::ALL.iter().chain(own_repository::HANDLERS).copied().collect());

/// Makes the service of the whole API.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    let of_repository = app.config.repository.as_ref().map(|_| own_repository::ROUTES);
    for route in api::routes().iter().chain(of_repository.into_iter().flatten()) {
        router = router.route(&pattern(route), method(&app, route));
    }
    router
        .fallback(|request: Request| async move { not_found(request.uri().path()) })
        .method_not_allowed_fallback(|request: Request| async move { not_allowed(&request) })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(CompressionLayer::new().gzip(true).compress_when(reply::Worth))
        .layer(axum::middleware::from_fn_with_state(app, guard::guard))
}

/// The path as axum has it: a parameter that takes the rest begins with `*`.
fn pattern(route: &Route) -> String {
    let mut path = route.path.to_owned();
    for param in route.parameters.iter().filter(|p| p.kind == ParamType::Rest) {
        path = path.replace(&format!("{{{}}}", param.name), &format!("{{*{}}}", param.name));
    }
    path
}

fn method(app: &App, route: &'static Route) -> MethodRouter {
    let filter = match route.method {
        api::Method::Get => MethodFilter::GET,
        api::Method::Post => MethodFilter::POST,
        api::Method::Put => MethodFilter::PUT,
        api::Method::Patch => MethodFilter::PATCH,
        api::Method::Delete => MethodFilter::DELETE,
    };
    let app = app.clone();
    on(filter, move |request: Request| async move {
        let measured = app.metrics.begin(route.id);
        let response = limited(app, route, request).await;
        measured.end(response.status().as_u16());
        response
    })
}

/// Serves a request if there is room for it.
async fn limited(app: App, route: &'static Route, request: Request) -> Response<Body> {
    let who = Who::of(request.extensions());
    let limits = app.config.limits;
    let path = request.uri().path().to_owned();
    let place = match app.limiter.admit(&who, route) {
        Ok(place) => place,
        Err(refusal) => return refusal.into_response(),
    };
    let audited = access::is_audited(route).then(|| Subject::new(route, &request));
    let answer = dispatch(app, route, who, request);
    let answer = if route.method.is_safe() {
        tokio::time::timeout(limits.read_time, answer).await.unwrap_or_else(|_| Err(limits::too_slow(limits.read_time)))
    } else {
        answer.await
    };
    if let Some(subject) = audited {
        subject.tell(&answer);
    }
    drop(place);
    answer.unwrap_or_else(|problem| own_repository::problem(&path, &problem))
}

/// The operation of a request that the router has found a path for.
pub(crate) fn route_of(request: &Request) -> Option<&'static Route> {
    let found = request.extensions().get::<MatchedPath>()?;
    let is_it = |route: &&Route| {
        route.method.as_str().eq_ignore_ascii_case(request.method().as_str()) && pattern(route) == found.as_str()
    };
    api::routes().iter().chain(own_repository::ROUTES).find(is_it)
}

/// Checks a request against its route, and hands it over.
async fn dispatch(app: App, route: &'static Route, who: Who, mut request: Request) -> Outcome {
    let path = request
        .extract_parts::<Path<BTreeMap<String, String>>>()
        .await
        .map_err(|_| {
            let errors = vec![InputError::parameter("path", "has escapes that are not UTF-8")];
            Problem::of_errors(Reason::InvalidParameter, errors)
        })?
        .0;
    let (parts, sent) = request.into_parts();
    let mut errors = Vec::new();
    for param in route.parameters {
        let value = match param.location {
            Location::Path => path.get(param.name).map(String::as_str),
            Location::Header => match parts.headers.get(param.name).map(http::HeaderValue::to_str) {
                Some(Err(_)) => {
                    errors.push(InputError::parameter(param.name, "not ASCII"));
                    None
                }
                Some(Ok(text)) => Some(text),
                None => None,
            },
            Location::Query => None,
        };
        if let Some(Err(text)) = value.map(|v| param.check(v)) {
            errors.push(InputError::parameter(param.name, text));
        }
    }
    let query = match Parameters::parse(route, parts.uri.query().unwrap_or_default()) {
        Ok(query) => query,
        Err(wrong) => {
            errors.extend(wrong);
            Parameters::default()
        }
    };
    if !errors.is_empty() {
        return Err(Box::new(Problem::of_errors(Reason::InvalidParameter, errors)));
    }
    let limits = &app.config.limits;
    let body = match &route.body {
        Some(wanted) => {
            body::check_media(&parts.headers, wanted)?;
            let limit = body::limit(&parts.headers, wanted, limits);
            body::read(&parts.headers, sent, limit, limits.body_time).await?
        }
        None => bytes::Bytes::new(),
    };
    let uri = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_default();
    let mut ctx = Ctx {
        app,
        caller,
        grant: Grant::Caller,
        who,
        route,
        path,
        query,
        uri,
        headers: parts.headers,
        body,
        pinned: OnceLock::new(),
        resumed: None,
    };
    let member = ctx.path.get("cluster").and_then(|name| ctx.app.clusters.get(name));
    let answer = async {
        ctx.grant = access::gate(&ctx).await?;
        let handler = HANDLERS.get(route.id).ok_or_else(|| reply::internal("a route without a handler"))?;
        let answer: BoxFuture<'static, Outcome> = handler(ctx);
        answer.await
    };
    let answer = answer.await;
    if let (Err(problem), Some(member)) = (&answer, member) {
        // The next one is told at once, until it answers again.
        member.heard(problem);
    }
    answer
}

fn not_found(path: &str) -> Response<Body> {
    let text = format!("there is nothing at `{path}`; `/openapi.json` and `/docs` say what there is");
    own_repository::problem(path, &Problem::new(Reason::NotFound, text))
}

fn not_allowed(request: &Request) -> Response<Body> {
    let text = format!(
        "`{}` is not a method of `{}`; the header `Allow` has those it has",
        request.method(),
        request.uri().path()
    );
    reply::problem(&Problem::new(Reason::MethodNotAllowed, text))
}

fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text =
        cause.downcast_ref::<&str>().map(ToString::to_string).or_else(|| cause.downcast_ref::<String>().cloned());
    reply::problem(&reply::internal(text.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_its_handler_and_every_handler_its_route() {
        for route in api::routes() {
            assert!(HANDLERS.contains_key(route.id), "{}", route.id);
        }
        for (id, _) in handlers::ALL {
            assert!(api::route(id).is_some(), "{id}");
        }
    }
}
