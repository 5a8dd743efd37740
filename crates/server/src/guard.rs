//! Who may ask at all. With authentication: whoever says who they are. Without: programs on this machine, and no web page of others.
//!
//! A browser names the site in `Host` (a name that an attacker points at 127.0.0.1 shows there) and, on requests that could do
//! harm, the page in `Origin`. It sends no bearer token that a page has not got, so with authentication neither matters.

use std::net::IpAddr;
use std::time::Instant;

use api::{Problem, Reason};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::{HeaderMap, HeaderValue, Response, header};
use tracing::{Instrument, Span, field};

use crate::access::is_audited;
use crate::app::App;
use crate::auth::{Seen, Subject};
use crate::caller::Caller;
use crate::clusters::DEFAULT;
use crate::config::Config;
use crate::own_repository;
use crate::reply;
use crate::router::route_of;

/// What names a request, in its answer and within the server, whatever its client calls it.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// Has everything that is done for a request, and said of it, belong to one span.
pub(crate) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response<Body> {
    let id = uuid::Uuid::now_v7().to_string();
    let (method, route) = (request.method(), route_of(&request).map(|route| route.path));
    // Grave enough to be there whatever is logged, so that each line has the id.
    let span = tracing::error_span!("request", request = id, %method, route, status = field::Empty);
    if let Some(traced) = &app.config.traced {
        traced(&span, request.headers());
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    answer(app, request, next, &id).instrument(span).await
}

/// Finds out who asks, logs the request, and adds the headers that every answer has.
async fn answer(app: App, mut request: Request, next: Next, id: &str) -> Response<Body> {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let seen = Seen::of(&request, id, &app.config.trusted_proxies);
    request.extensions_mut().insert(seen);
    let asked = match app.authenticator {
        None => check(&request).map(|()| Caller::default()).map_err(Box::new),
        Some(_) => caller(&app, request.headers(), &path).await,
    };
    let mut response = match asked {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => {
            let audited = route_of(&request).filter(|route| is_audited(route));
            let refused = own_repository::problem(&path, &problem);
            if let Some(route) = audited {
                Subject::new(route, &request).tell(&Err(problem));
            }
            refused
        }
    };
    let is_unauthenticated = response.status() == http::StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if is_unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
    let (status, ms) = (response.status().as_u16(), begun.elapsed().as_millis());
    Span::current().record("status", i64::from(status));
    tracing::info!(request = %id, %method, path, status, ms, "request");
    response
}

/// Finds out who asks; nobody in particular where everybody is answered.
async fn caller(app: &App, headers: &HeaderMap, path: &str) -> Result<Caller, Box<Problem>> {
    let Some(authenticator) = app.authenticator.as_ref().filter(|_| !is_open(&app.config, path)) else {
        return Ok(Caller::default());
    };
    let member = app.clusters.get(DEFAULT).ok_or_else(|| reply::internal("the cluster `default` is gone"))?;
    // Clients of chart repositories have no tokens, but names and passwords.
    authenticator.caller(headers, own_repository::is_in(path), &member).await
}

/// Tells whether a path is answered without a token.
pub(crate) fn is_open(config: &Config, path: &str) -> bool {
    matches!(path, "/" | "/openapi.json" | "/docs" | "/healthz" | "/readyz")
        || config.open_metrics && path == "/metrics"
}

fn check(request: &Request) -> Result<(), Problem> {
    let hosts: Vec<&HeaderValue> = request.headers().get_all(header::HOST).iter().collect();
    let host = match (request.uri().authority(), hosts.as_slice()) {
        (Some(authority), []) => authority.as_str(),
        (authority, [one]) => {
            let text = one.to_str().unwrap_or_default();
            if authority.is_some_and(|a| !is_loopback(a.as_str())) { "" } else { text }
        }
        _ => "",
    };
    if !is_loopback(host) {
        let text = "without authentication this server answers to `localhost`, `127.0.0.1` and `[::1]` only; ask it by one of these names";
        return Err(Problem::new(Reason::HostNotAllowed, text));
    }
    for origin in request.headers().get_all(header::ORIGIN) {
        let text = origin.to_str().unwrap_or_default();
        let site = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        if !site.is_some_and(is_loopback) {
            let text = "without authentication this server answers no web page of another site";
            return Err(Problem::new(Reason::OriginNotAllowed, text));
        }
    }
    Ok(())
}

/// Tells whether `host[:port]` can only be this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((name, port)) if is_port(port) => name,
            _ => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            None => host,
            _ => return false,
        },
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine() {
        for good in ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.9.9.9", "[::1]", "[::1]:80", "localhost."] {
            assert!(is_loopback(good), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "10.0.0.1",
            "[::2]:80",
            "0.0.0.0",
            "[::1]evil",
            "localhost:80@evil.com",
            "evil.com:80",
            "[::ffff:127.0.0.1.evil]",
        ] {
            assert!(!is_loopback(bad), "{bad}");
        }
    }

    #[test]
    fn host_and_origin_are_both_checked() {
        let ask = |headers: &[(&str, &str)]| {
            let mut request = Request::new(Body::empty());
            for (name, value) in headers {
                request.headers_mut().append(http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
            }
            check(&request).map_err(|p| p.reason)
        };
        assert_eq!(ask(&[("host", "localhost:8080")]), Ok(()));
        assert_eq!(ask(&[("host", "localhost"), ("origin", "http://127.0.0.1:3000")]), Ok(()));
        assert_eq!(ask(&[]), Err(Reason::HostNotAllowed));
        assert_eq!(ask(&[("host", "rebind.evil.com")]), Err(Reason::HostNotAllowed));
        assert_eq!(ask(&[("host", "localhost"), ("host", "evil.com")]), Err(Reason::HostNotAllowed));
        for origin in ["https://evil.com", "null", "file://localhost", "http://localhost.evil.com"] {
            assert_eq!(ask(&[("host", "localhost"), ("origin", origin)]), Err(Reason::OriginNotAllowed), "{origin}");
        }
    }
}
