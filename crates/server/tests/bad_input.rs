//! Input that cannot be: each is a problem with its place, and nothing reaches the cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use common::{Server, shop};
use serde_json::{Value, json};

const RELEASE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

#[tokio::test]
async fn bodies_that_cannot_be() {
    let server = Server::without_cluster();
    let digest = server.upload(shop()).await;
    let chart = json!({"upload": digest});
    let cases: Vec<(Value, &str, &str)> = vec![
        (json!([]), "INVALID_INPUT", ""),
        (json!({}), "INVALID_INPUT", "/chart"),
        (json!({"chart": chart, "vlues": {}}), "INVALID_INPUT", "/vlues"),
        (json!({"chart": {}}), "INVALID_INPUT", "/chart"),
        (json!({"chart": {"upload": digest, "oci": "oci://x/y"}}), "INVALID_INPUT", "/chart"),
        (json!({"chart": {"upload": digest, "version": "1"}}), "INVALID_INPUT", "/chart/version"),
        (json!({"chart": {"upload": "sha256:00"}}), "CHART_UNAVAILABLE", "/chart/upload"),
        (json!({"chart": {"archive": "%"}}), "INVALID_INPUT", "/chart/archive"),
        (json!({"chart": {"archive": "AAAA"}}), "INVALID_CHART", ""),
        (json!({"chart": chart, "values": []}), "INVALID_INPUT", "/values"),
        (json!({"chart": chart, "set": ["a[9999999999]=1"]}), "INVALID_INPUT", "/set/0"),
        (json!({"chart": chart, "setJson": ["a={"]}), "INVALID_INPUT", "/setJson/0"),
        (json!({"chart": chart, "setFile": {"a": "%"}}), "INVALID_INPUT", "/setFile/a"),
        (json!({"chart": chart, "wait": {"timeout": "soon"}}), "INVALID_INPUT", "/wait/timeout"),
        (json!({"chart": chart, "wait": {"strategy": "hopefully"}}), "INVALID_INPUT", "/wait/strategy"),
        (json!({"chart": chart, "labels": {"name": "x"}}), "INVALID_INPUT", "/labels"),
        (json!({"chart": chart, "name": "other"}), "INVALID_INPUT", "/name"),
        (json!({"chart": chart, "historyMax": 1.5}), "INVALID_INPUT", "/historyMax"),
    ];
    for (body, reason, pointer) in cases {
        let answer = server.json("PUT", RELEASE, &body).await;
        let status = if reason == "INVALID_BODY" { 400 } else { 422 };
        assert_eq!(answer.reason(), (status, reason.into()), "{body}: {}", answer.text());
        if reason != "INVALID_CHART" {
            assert_eq!(answer.pointers(), [pointer], "{body}");
        }
    }
    for body in [
        json!({"chart": {"repository": "bitnami", "name": "nginx"}}),
        json!({"chart": {"oci": "oci://example.com/nginx"}}),
        json!({"chart": chart, "apply": {"serverSide": false}}),
    ] {
        let answer = server.json("PUT", RELEASE, &body).await;
        assert_eq!(answer.reason(), (501, "NOT_IMPLEMENTED".into()), "{body}");
    }
    assert_eq!(server.get("/v1/operations").await.json()["items"], json!([]));
}

#[tokio::test]
async fn texts_that_are_no_bodies() {
    let server = Server::without_cluster();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let json = "application/json";
    let yaml = "application/yaml";
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        (json, b"".to_vec(), 400, "INVALID_BODY"),
        (json, b"{".to_vec(), 400, "INVALID_BODY"),
        (json, b"{} {}".to_vec(), 400, "INVALID_BODY"),
        (json, b"\xff\xfe".to_vec(), 400, "INVALID_BODY"),
        (json, deep.clone().into_bytes(), 400, "INVALID_BODY"),
        (yaml, deep.into_bytes(), 400, "INVALID_BODY"),
        (yaml, b"a: [".to_vec(), 400, "INVALID_BODY"),
        (yaml, b"a: &x [*x, *y]".to_vec(), 400, "INVALID_BODY"),
        (yaml, b"\xff".to_vec(), 400, "INVALID_BODY"),
        (yaml, b"- a\n".to_vec(), 422, "INVALID_INPUT"),
        (yaml, b"just text".to_vec(), 422, "INVALID_INPUT"),
        ("text/html", b"{}".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("application/x-www-form-urlencoded", b"{}".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ];
    for (media, body, status, reason) in cases {
        let shown = String::from_utf8_lossy(&body).chars().take(40).collect::<String>();
        for (method, path) in [("PUT", RELEASE), ("POST", "/v1/template")] {
            let answer = server.ask(method, path, &[("content-type", media)], body.clone()).await;
            assert_eq!(answer.reason(), (status, reason.into()), "{media} {shown}: {}", answer.text());
        }
    }
    let laughs: String = (0..12)
        .map(|i| match i {
            0 => "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned(),
            i => format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(",")),
        })
        .collect();
    let answer = server.ask("PUT", RELEASE, &[("content-type", yaml)], laughs).await;
    assert_eq!(answer.reason(), (400, "INVALID_BODY".into()));
    let limits = server::Limits { body_bytes: 100, ..server::Limits::default() };
    let small = Server::without_cluster_but(server::Config { limits, ..server::Config::default() });
    let answer = small.json("PUT", RELEASE, &json!({"description": "x".repeat(200)})).await;
    assert_eq!(answer.reason(), (413, "BODY_TOO_LARGE".into()));
}

#[tokio::test]
async fn names_parameters_and_headers_that_cannot_be() {
    let server = Server::without_cluster();
    let digest = server.upload(shop()).await;
    let body = json!({"chart": {"upload": digest}}).to_string();
    let at = |namespace: &str, name: &str| format!("/v1/clusters/default/namespaces/{namespace}/releases/{name}");
    let long = "x".repeat(54);
    for name in ["Shop", "-shop", "shop_1", "a..b", "%2e%2e", "a%2Fb", "%00", "%E2%80%AE", &long] {
        let answer = server.ask("PUT", &at("web", name), &[("content-type", "application/json")], body.clone()).await;
        assert_eq!(answer.reason(), (422, "INVALID_RELEASE_NAME".into()), "{name}");
        assert_eq!(server.get(&at("web", name)).await.reason(), (422, "INVALID_RELEASE_NAME".into()), "{name}");
    }
    for namespace in ["Web", "a.b", "kube_system", "%2e%2e"] {
        assert_eq!(server.get(&at(namespace, "shop")).await.reason(), (422, "INVALID_NAMESPACE".into()), "{namespace}");
    }
    let other = "/v1/clusters/prod/namespaces/web/releases/shop";
    assert_eq!(server.get(other).await.reason(), (404, "CLUSTER_NOT_FOUND".into()));
    let list = "/v1/clusters/default/namespaces/web/releases";
    for query in [
        "limit=0",
        "limit=x",
        "sort=size",
        "status=lost",
        "filter=(",
        "selector==",
        "continue=x",
        "watch=true",
        "limit=1&limit=2",
    ] {
        let answer = server.get(&format!("{list}?{query}")).await;
        // A filter is read before the cluster is asked; a token only fits what is read.
        let unread = query == "continue=x";
        assert_eq!(answer.status, if unread { 503 } else { 400 }, "{query}: {}", answer.text());
    }
    assert_eq!(server.get(&format!("{}/revisions/x", at("web", "shop"))).await.reason().0, 400);
    for (name, value) in [("if-none-match", "\"1\""), ("idempotency-key", "")] {
        let headers = [("content-type", "application/json"), (name, value)];
        let answer = server.ask("PUT", &at("web", "shop"), &headers, body.clone()).await;
        assert_eq!(answer.reason(), (400, "INVALID_PARAMETER".into()), "{name}");
    }
    let answer = server.ask("DELETE", &format!("{}?timeout=x&cascade=maybe", at("web", "shop")), &[], "").await;
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_post_needs_its_name_in_the_body() {
    let server = Server::without_cluster();
    let chart = json!({"upload": server.upload(shop()).await});
    let list = "/v1/clusters/default/namespaces/web/releases";
    let answer = server.json("POST", list, &json!({"chart": chart})).await;
    assert_eq!(answer.pointers(), ["/name"]);
    let answer = server.json("POST", list, &json!({"chart": chart, "name": "No"})).await;
    assert_eq!(answer.reason(), (422, "INVALID_RELEASE_NAME".into()));
    let answer = server.json("PATCH", &format!("{list}/shop"), &json!({"valueStrategy": "reuse"})).await;
    assert_eq!(answer.pointers(), ["/valueStrategy"]);
}
