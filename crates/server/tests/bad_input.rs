//! Input that cannot be: each is a problem with its place, and nothing reaches the cluster.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use common::{Server, archive, shop};
use serde_json::{Value, json};

const RELEASE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

#[tokio::test]
async fn bodies_that_cannot_be() {
    let server = Server::over(sandbox::Sandbox::default().client(), server::Config::default());
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
        (json!({"chart": {"repository": "bitnami", "name": "nginx"}}), "CHART_UNAVAILABLE", "/chart/repository"),
        (json!({"chart": {"archive": "%"}}), "INVALID_INPUT", "/chart/archive"),
        (json!({"chart": {"archive": "AAAA"}}), "INVALID_CHART", ""),
        (json!({"chart": chart, "values": []}), "INVALID_INPUT", "/values"),
        (json!({"chart": chart, "set": ["a[9999999999]=1"]}), "INVALID_INPUT", "/set/0"),
        (json!({"chart": chart, "setJson": ["a={"]}), "INVALID_INPUT", "/setJson/0"),
        (json!({"chart": chart, "setFile": {"a": "%"}}), "INVALID_INPUT", "/setFile/a"),
        (json!({"chart": chart, "wait": {"timeout": "soon"}}), "INVALID_INPUT", "/wait/timeout"),
        (
            json!({"chart": chart, "apply": {"serverSide": false, "forceConflicts": true}}),
            "INVALID_INPUT",
            "/apply/forceConflicts",
        ),
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
        for (method, path) in [
            ("PUT", RELEASE),
            ("POST", "/v1/template"),
            ("POST", "/v1/lint"),
            ("POST", "/v1/package"),
            ("POST", "/v1/create"),
        ] {
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
        "watch=perhaps",
        "limit=1&limit=2",
    ] {
        let answer = server.get(&format!("{list}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
    }
    // Actions take what their bodies say and nothing else.
    for (action, body, reason) in [
        ("plan", json!({"chart": {"upload": digest}, "valuez": {}}), "INVALID_INPUT"),
        ("plan", json!({"chart": {"upload": digest}, "name": "other"}), "INVALID_INPUT"),
        ("plan", json!({"chart": {"upload": digest}, "wait": {"timeout": "soon"}}), "INVALID_INPUT"),
        ("diff", json!({"from": 0}), "INVALID_INPUT"),
        ("diff", json!({"from": "1"}), "INVALID_INPUT"),
        ("diff", json!([]), "INVALID_INPUT"),
        ("test", json!({"only": "one"}), "INVALID_INPUT"),
        ("test", json!({"timeout": "-1s"}), "INVALID_INPUT"),
    ] {
        let answer = server.json("POST", &format!("{}/{action}", at("web", "shop")), &body).await;
        assert_eq!(answer.reason(), (422, reason.into()), "{action} {body}: {}", answer.text());
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

#[tokio::test]
async fn renders_and_lints_that_cannot_be() {
    let server = Server::without_cluster();
    let chart = json!({"upload": server.upload(shop()).await});
    let many = vec!["templates/a.yaml"; 1001];
    let template: Vec<(Value, &str, &str)> = vec![
        (json!({}), "INVALID_INPUT", "/chart"),
        (
            json!({"chart": chart, "showOnly": ["templates/config.yaml", "templates/x.yaml"]}),
            "INVALID_INPUT",
            "/showOnly/1",
        ),
        (json!({"chart": chart, "showOnly": ["["]}), "INVALID_INPUT", "/showOnly/0"),
        (json!({"chart": chart, "showOnly": many}), "INVALID_INPUT", "/showOnly"),
        (json!({"chart": chart, "showOnly": "templates/config.yaml"}), "INVALID_INPUT", "/showOnly"),
        (json!({"chart": chart, "name": "a", "nameTemplate": "b"}), "INVALID_INPUT", "/nameTemplate"),
        (json!({"chart": chart, "nameTemplate": "{{ .x"}), "INVALID_INPUT", "/nameTemplate"),
        (json!({"chart": chart, "nameTemplate": "{{ fail `no` }}"}), "INVALID_INPUT", "/nameTemplate"),
        (json!({"chart": chart, "nameTemplate": "{{ `A` }}"}), "INVALID_RELEASE_NAME", "/nameTemplate"),
        (json!({"chart": chart, "name": "../a"}), "INVALID_RELEASE_NAME", "/name"),
        (json!({"chart": chart, "namespace": "A"}), "INVALID_NAMESPACE", "/namespace"),
        (json!({"chart": chart, "kubeVersion": "new"}), "INVALID_INPUT", "/kubeVersion"),
        (json!({"chart": chart, "apiVersions": [1]}), "INVALID_INPUT", "/apiVersions/0"),
        (json!({"chart": chart, "hideSecret": "yes"}), "INVALID_INPUT", "/hideSecret"),
        (json!({"chart": chart, "values": {"replicas": "x"}}), "INVALID_VALUES", "/values/replicas"),
        (json!({"chart": chart, "set": ["replicas=-1"]}), "INVALID_VALUES", "/values/replicas"),
    ];
    let lint: Vec<(Value, &str, &str)> = vec![
        (json!({"strict": true}), "INVALID_INPUT", "/chart"),
        (json!({"chart": chart, "name": "x"}), "INVALID_INPUT", "/name"),
        (json!({"chart": chart, "namespace": "a.b"}), "INVALID_NAMESPACE", "/namespace"),
        (json!({"chart": chart, "kubeVersion": "new"}), "INVALID_INPUT", "/kubeVersion"),
        (json!({"chart": chart, "set": ["a[9999999999]=1"]}), "INVALID_INPUT", "/set/0"),
        (json!({"chart": chart, "strict": "true"}), "INVALID_INPUT", "/strict"),
        (json!({"chart": {"upload": "sha256:00"}}), "CHART_UNAVAILABLE", "/chart/upload"),
        (json!({"chart": {"archive": "%"}}), "INVALID_INPUT", "/chart/archive"),
    ];
    for (path, cases) in [("/v1/template", template), ("/v1/lint", lint)] {
        for (body, reason, pointer) in cases {
            let answer = server.json("POST", path, &body).await;
            assert_eq!(answer.reason(), (422, reason.into()), "{body}: {}", answer.text());
            assert_eq!(answer.pointers(), [pointer], "{body}");
        }
        let answer = server.json("POST", path, &json!({"chart": {"archive": "AAAA"}})).await;
        assert_eq!(answer.reason(), (422, "INVALID_CHART".into()), "{path}");
        let answer = server.json("POST", path, &json!({"chart": {"oci": "oci://example.com/a"}})).await;
        assert_eq!(answer.reason(), (422, "REPOSITORY_FORBIDDEN".into()), "{path}");
    }
}

#[tokio::test]
async fn templates_that_fail_say_where() {
    let server = Server::without_cluster();
    let chart = |text: &str| {
        archive(&[
            ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
            ("a/templates/_x.tpl", "{{ define \"x\" }}\n{{ .a.b.c }}{{ end }}"),
            ("a/templates/a.yaml", text),
        ])
    };
    let (line, column) = (json!(2), json!(5));
    for (text, reason, line, column) in [
        ("\n  {{ fail \"no\" }}", "TEMPLATE_FAILED", line.clone(), column.clone()),
        ("\n  {{ include \"x\" . }}", "TEMPLATE_FAILED", line.clone(), column.clone()),
        ("\n{{ nope }}", "TEMPLATE_FAILED", line.clone(), Value::Null),
        ("\n{{ if }}", "TEMPLATE_FAILED", line.clone(), Value::Null),
        ("a: b: c", "INVALID_MANIFEST", Value::Null, Value::Null),
    ] {
        let digest = server.upload(chart(text)).await;
        let answer = server.json("POST", "/v1/template", &json!({"chart": {"upload": digest}})).await;
        assert_eq!(answer.reason(), (422, reason.into()), "{text}: {}", answer.text());
        let template = answer.json()["template"].clone();
        assert_eq!(
            (template["file"].clone(), template["line"].clone(), template["column"].clone()),
            (json!("a/templates/a.yaml"), line, column),
            "{text}: {}",
            answer.text()
        );
    }
}

/// The address of an operation, each parameter of the path being its example.
fn address(route: &api::Route) -> String {
    let of_path = route.parameters.iter().filter(|param| param.location == api::Location::Path);
    of_path.fold(route.path.to_owned(), |path, param| path.replace(&format!("{{{}}}", param.name), param.example))
}

#[tokio::test]
async fn every_operation_refuses_what_it_does_not_know() {
    let server = Server::over(sandbox::Sandbox::default().client(), server::Config::default());
    for route in api::routes() {
        let (method, path) = (route.method.as_str().to_uppercase(), address(route));
        let at = |what: &str| format!("`{}` with {what}", route.id);
        assert!(!path.contains('{'), "{path}");
        let json = [("content-type", "application/json")];
        let json = if route.body.is_some() { &json[..] } else { &[] };
        let answer = server.ask(&method, &format!("{path}?nonsense=1"), json, "{}").await;
        assert_eq!(answer.reason(), (400, "INVALID_PARAMETER".into()), "{}: {}", at("a parameter"), answer.text());
        assert_eq!(answer.json()["errors"][0]["parameter"], "nonsense", "{}", at("a parameter"));
        let Some(body) = &route.body else { continue };
        let answer = server.ask(&method, &path, &[("content-type", "text/html")], "<p>").await;
        assert_eq!(answer.reason(), (415, "UNSUPPORTED_MEDIA_TYPE".into()), "{}", at("another type"));
        if body.shape == api::Shape::Binary {
            continue;
        }
        let answer = server.ask(&method, &path, json, "{\"a\": ").await;
        assert_eq!(answer.reason(), (400, "INVALID_BODY".into()), "{}: {}", at("half a body"), answer.text());
        let answer = server.ask(&method, &path, json, "{\"nonsense\": 1}").await;
        assert_eq!(answer.status, 422, "{}: {}", at("a field"), answer.text());
        assert!(answer.pointers().contains(&"/nonsense".to_owned()), "{}: {}", at("a field"), answer.text());
    }
}
