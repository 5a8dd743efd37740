//! Telling of every call that is made to a cluster: what it was, how it ended, and how long it took.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Uri};
use kube::Client;
use kube::client::Body;

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
        async move {
            let begun = Instant::now();
            let answer = inner.send(request).await;
            let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
            observer(KubernetesCall { verb, status, time: begun.elapsed() });
            answer
        }
    });
    Client::new(call, client.default_namespace())
}

/// Kubernetes' word for a request.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    let many = names_many(uri.path());
    match method.as_str() {
        "GET"
            if uri
                .query()
                .is_some_and(|query| query.split('&').any(|part| matches!(part, "watch=true" | "watch=1"))) =>
        {
            "watch"
        }
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
