//! The calls of a server to a cluster: it tells of each what it was, how it ended and how long it took; it does not wait for
//! ever; and when the cluster says when to try again, everybody hears it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Response, Uri, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// How long the cluster has until an answer begins. It gives up itself after a minute (`--request-timeout`), so that later
/// ones do not come. What is followed says nothing until there is something to say.
const PATIENCE: Duration = Duration::from_secs(65);

/// A call to the API server that was answered, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KubernetesCall {
    /// Kubernetes' word for it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: &'static str,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// How long it took until the answer began.
    pub time: Duration,
}

/// Who hears of calls.
pub type CallObserver = Arc<dyn Fn(KubernetesCall) + Send + Sync>;

/// Makes a client that tells of its calls over the connections of another one.
#[must_use]
pub fn observed(client: &Client, observer: CallObserver) -> Client {
    let inner = client.clone();
    let call = tower::service_fn(move |request: http::Request<Body>| {
        let (inner, observer) = (inner.clone(), Arc::clone(&observer));
        let verb = verb(request.method(), request.uri());
        let is_followed = verb == "watch" || has(request.uri(), &["follow=true"]);
        async move {
            let begun = Instant::now();
            let call = inner.send(request);
            let answer = match is_followed {
                true => call.await,
                false => tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| Err(silent())),
            };
            let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
            observer(KubernetesCall { verb, status, time: begun.elapsed() });
            advised(answer?).await
        }
    });
    Client::new(call, client.default_namespace())
}

fn silent() -> kube::Error {
    kube::Error::Service(format!("there was no answer within {} s", PATIENCE.as_secs()).into())
}

/// Has a refusal say in its body what its head says of when to try again. A crowded API server refuses with a head and a
/// line of text, and the client passes on the body only.
async fn advised(answer: Response<Body>) -> kube::Result<Response<Body>> {
    let code = answer.status().as_u16();
    let seconds = answer.headers().get(header::RETRY_AFTER).and_then(|text| text.to_str().ok()?.trim().parse().ok());
    let Some(seconds) = seconds.filter(|_: &u32| code == 429 || code >= 500) else { return Ok(answer) };
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    let read = serde_json::from_slice(&body)
        .ok()
        .filter(|status: &Value| status.get("kind").is_some_and(|kind| kind == "Status"));
    let mut status = read.unwrap_or_else(|| {
        let text = String::from_utf8_lossy(&body);
        let reason = if code == 429 { "TooManyRequests" } else { "ServiceUnavailable" };
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
               "reason": reason, "message": text.trim()})
    });
    let known = status.pointer("/details/retryAfterSeconds").and_then(Value::as_u64);
    if known.is_none_or(|known| known == 0)
        && let Some(fields) = status.as_object_mut()
    {
        let details = fields.entry("details").or_insert_with(|| json!({}));
        if let Some(details) = details.as_object_mut() {
            details.insert("retryAfterSeconds".to_owned(), seconds.into());
        }
    }
    head.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(head, Body::from(status.to_string().into_bytes())))
}

/// Tells whether a query has one of some parts.
fn has(uri: &Uri, parts: &[&str]) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| parts.contains(&part)))
}

/// Kubernetes' word for a request.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    let many = names_many(uri.path());
    match method.as_str() {
        "GET" if has(uri, &["watch=true", "watch=1"]) => "watch",
        "GET" if many => "list",
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" if many => "deletecollection",
        "DELETE" => "delete",
        _ => "get",
    }
}

/// Tells whether a path is that of a resource, not of one object of it.
fn names_many(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let root = match parts.first() {
        Some(&"api") => 2,
        Some(&"apis") => 3,
        _ => return false,
    };
    if parts.len() <= root {
        return false;
    }
    parts.drain(..root);
    matches!(parts.as_slice(), ["namespaces", _, _] | [_])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_are_those_of_kubernetes() {
        for (method, uri, want) in [
            ("GET", "/version", "get"),
            ("GET", "/api/v1", "get"),
            ("GET", "/apis/apps/v1", "get"),
            ("GET", "/api/v1/secrets?limit=5", "list"),
            ("GET", "/api/v1/secrets?labelSelector=a&watch=true", "watch"),
            ("GET", "/api/v1/namespaces", "list"),
            ("GET", "/api/v1/namespaces/web", "get"),
            ("GET", "/api/v1/namespaces/web/secrets", "list"),
            ("GET", "/apis/apps/v1/namespaces/web/deployments/shop", "get"),
            ("GET", "/api/v1/namespaces/web/pods/a/log", "get"),
            ("POST", "/api/v1/namespaces/web/secrets", "create"),
            ("PUT", "/api/v1/namespaces/web/secrets/a", "update"),
            ("PATCH", "/api/v1/namespaces/web/secrets/a", "patch"),
            ("DELETE", "/api/v1/namespaces/web/secrets/a", "delete"),
            ("DELETE", "/api/v1/namespaces/web/secrets", "deletecollection"),
        ] {
            assert_eq!(verb(&method.parse().unwrap(), &uri.parse().unwrap()), want, "{method} {uri}");
        }
    }
}
