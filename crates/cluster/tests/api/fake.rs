//! An API server that says what a test wants.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use cluster::Cluster;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

/// What was asked.
pub(crate) struct Asked {
    /// `PATCH /api/v1/…?query`.
    pub(crate) line: String,
    /// The path alone.
    pub(crate) path: String,
    /// The content type.
    pub(crate) content_type: String,
    /// The body.
    pub(crate) body: Value,
}

/// The lines of all calls but discovery.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// Makes a cluster whose answers are made by `answer`; discovery is answered with a few kinds.
pub(crate) fn cluster(answer: impl FnMut(&Asked) -> (u16, Value) + Send + 'static) -> (Cluster, Log) {
    let mut answer = answer;
    raw(move |asked| match asked.path.as_str() {
        "/api" => (200, core_kinds()),
        "/apis" => (200, group_kinds(false)),
        _ => answer(asked),
    })
}

/// Makes a cluster whose answers, discovery's too, are made by `answer`.
pub(crate) fn raw(answer: impl FnMut(&Asked) -> (u16, Value) + Send + 'static) -> (Cluster, Log) {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let answer = Arc::new(Mutex::new(answer));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let content_type = head.headers.get("content-type").map(|value| value.to_str().unwrap().to_owned());
            let asked = Asked {
                line: format!("{} {}", head.method, head.uri),
                path: head.uri.path().to_owned(),
                content_type: content_type.unwrap_or_default(),
                body: serde_json::from_slice(&body).unwrap_or_default(),
            };
            if !matches!(asked.path.as_str(), "/api" | "/apis") {
                seen.lock().unwrap().push(asked.line.clone());
            }
            let (status, body) = answer.lock().unwrap()(&asked);
            let response = Response::builder().status(status).header("content-type", "application/json");
            Ok::<_, Infallible>(response.body(Body::from(body.to_string().into_bytes())).unwrap())
        }
    });
    (Cluster::new(Client::new(service, "default")), log)
}

/// A refusal.
pub(crate) fn refusal(code: u16, reason: &str, message: &str) -> (u16, Value) {
    (
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}),
    )
}

fn kind(plural: &str, kind: &str, scope: &str) -> Value {
    json!({"resource": plural, "scope": scope, "responseKind": {"kind": kind}})
}

fn core_kinds() -> Value {
    json!({"kind": "APIGroupDiscoveryList", "items": [{"versions": [{"version": "v1", "resources": [
        kind("configmaps", "ConfigMap", "Namespaced"), kind("pods", "Pod", "Namespaced"),
        kind("events", "Event", "Namespaced"), kind("namespaces", "Namespace", "Cluster"),
    ]}]}]})
}

/// The kinds of groups; with or without one that comes later.
pub(crate) fn group_kinds(with_shop: bool) -> Value {
    let mut groups = vec![
        json!({"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [
            kind("deployments", "Deployment", "Namespaced"), kind("statefulsets", "StatefulSet", "Namespaced"),
        ]}]}),
        json!({"metadata": {"name": "batch"}, "versions": [{"version": "v1", "resources": [kind("jobs", "Job", "Namespaced")]}]}),
    ];
    if with_shop {
        groups.push(json!({"metadata": {"name": "x.io"}, "versions": [{"version": "v1", "resources": [kind("shops", "Shop", "Namespaced")]}]}));
    }
    json!({"kind": "APIGroupDiscoveryList", "items": groups})
}
