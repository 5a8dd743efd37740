//! The server itself: who is answered, what is not there, and documents.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use axum::body::Body;
use common::Server;
use http::Request;
use serde_json::json;

#[tokio::test]
async fn it_says_where_to_go_and_that_it_lives() {
    let server = Server::without_cluster();
    let index = server.get("/").await.json();
    for link in index["links"].as_object().unwrap().values() {
        let answer = server.get(link.as_str().unwrap()).await;
        assert_ne!(answer.status, 404, "{link}");
    }
    assert_eq!(server.get("/healthz").await.json(), json!({"status": "ok"}));
    let yaml = server.get_as("/healthz", "application/yaml").await;
    assert_eq!((yaml.header("content-type"), yaml.text().as_str()), ("application/yaml", "status: ok\n"));
    assert_eq!(server.get("/openapi.json").await.json()["openapi"], "3.1.0");
    let docs = server.get("/docs").await;
    assert_eq!(docs.header("content-type"), "text/html; charset=utf-8");
    assert!(docs.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn a_cluster_that_is_not_there_is_named() {
    let server = Server::without_cluster();
    let ready = server.get("/readyz").await;
    assert_eq!(ready.reason(), (503, "CLUSTER_UNREACHABLE".into()));
    assert_eq!((ready.json()["retryable"].clone(), ready.header("retry-after")), (json!(true), "5"));
    let clusters = server.get("/v1/clusters").await.json();
    assert_eq!(clusters["items"][0]["reachable"], false);
    assert_eq!(clusters["items"][0]["error"]["reason"], "CLUSTER_UNREACHABLE");
    let all = server.get("/v1/releases").await.json();
    assert_eq!((all["items"].clone(), all["unreachable"][0]["cluster"].clone()), (json!([]), json!("default")));
    for path in ["/v1/clusters/default/releases", "/v1/clusters/default/namespaces/web/releases/shop/values"] {
        assert_eq!(server.get(path).await.reason(), (503, "CLUSTER_UNREACHABLE".into()), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::without_cluster();
    for path in ["/nothing", "/v1", "/v1/charts/", "/v1/charts/sha256:0/nothing", "//"] {
        assert_eq!(server.get(path).await.reason(), (404, "NOT_FOUND".into()), "{path}");
    }
    assert_eq!(server.get("/v1/charts/%ff").await.reason(), (400, "INVALID_PARAMETER".into()));
    let answer = server.ask("DELETE", "/v1/charts", &[], Body::empty()).await;
    assert_eq!(answer.reason(), (405, "METHOD_NOT_ALLOWED".into()));
    let allowed = answer.header("allow");
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    let head = server.ask("HEAD", "/healthz", &[], Body::empty()).await;
    assert!(head.status == 200 && head.body.is_empty());
}

#[tokio::test]
async fn only_this_machine_is_answered() {
    let server = Server::without_cluster();
    let ask = |host: &'static str, origin: Option<&'static str>| {
        let mut request = Request::builder().uri("/healthz").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        let request = request.body(Body::empty()).unwrap();
        let server = server.clone();
        async move { server.send(request).await }
    };
    assert_eq!(ask("127.0.0.1:8080", None).await.status, 200);
    assert_eq!(ask("localhost", Some("http://localhost:3000")).await.status, 200);
    assert_eq!(ask("attacker.example", None).await.reason(), (421, "HOST_NOT_ALLOWED".into()));
    assert_eq!(ask("localhost", Some("https://attacker.example")).await.reason(), (403, "ORIGIN_NOT_ALLOWED".into()));
}

#[tokio::test]
async fn it_does_not_listen_to_other_machines() {
    let config = server::Config { listen: "0.0.0.0:0".parse().unwrap(), ..server::Config::default() };
    let error = server::bind(&config).await.unwrap_err();
    assert!(error.to_string().contains("no authentication"), "{error}");
}
