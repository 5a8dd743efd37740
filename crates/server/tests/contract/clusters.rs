//! Clusters that are added, changed and forgotten.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{Case, World, cases};

pub(crate) const CASES: &[(&str, Case)] =
    cases![cluster_list, cluster_get, cluster_create, cluster_apply, cluster_delete];

fn body(server: &str) -> Value {
    json!({"kubeconfig": {
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "top-secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }})
}

async fn cluster_list(w: World) {
    let list = w.get("/v1/clusters").await;
    assert_eq!(
        (list["items"][0]["reachable"].clone(), list["items"][0]["source"].clone()),
        (json!(true), json!("default"))
    );
}

async fn cluster_get(w: World) {
    let cluster = w.get("/v1/clusters/default").await;
    assert!(cluster["kubernetesVersion"].as_str().unwrap().starts_with("v1."));
    assert_eq!(w.server.get("/v1/clusters/prod").await.reason(), (404, "CLUSTER_NOT_FOUND".into()));
}

async fn cluster_create(w: World) {
    let mut body = body("https://[100::1]");
    body["name"] = json!("prod");
    let made = w.server.json("POST", "/v1/clusters", &body).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, "/v1/clusters/prod"), "{}", made.text());
    let shown = made.json();
    let about = ["name", "source", "server", "context", "credentials", "reachable"].map(|key| shown[key].clone());
    assert_eq!(
        about,
        [json!("prod"), json!("secret"), json!("https://[100::1]/"), json!("x"), json!("token"), json!(false)]
    );
    assert!(!made.text().contains("top-secret"), "{}", made.text());
    assert_eq!(w.server.json("POST", "/v1/clusters", &body).await.reason(), (409, "CLUSTER_EXISTS".into()));
    let names: Vec<Value> =
        w.get("/v1/clusters").await["items"].as_array().unwrap().iter().map(|c| c["name"].clone()).collect();
    assert_eq!(names, ["default", "prod"]);
}

async fn cluster_apply(w: World) {
    let at = "/v1/clusters/prod";
    let json = ("content-type", "application/json");
    let text = body("https://[100::1]").to_string();
    let put = |name: &'static str, value: String, body: String| {
        let server = w.server.clone();
        async move { server.ask("PUT", at, &[json, (name, &value)], body).await }
    };
    let early = put("if-match", "\"x\"".into(), text.clone()).await;
    assert_eq!(early.reason(), (412, "PRECONDITION_FAILED".into()));
    let made = put("if-none-match", "*".into(), text.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(put("if-none-match", "*".into(), text).await.reason(), (412, "PRECONDITION_FAILED".into()));
    // The kubeconfig as text in YAML, and another context.
    let yaml = "contexts:\n- {name: a, context: {cluster: c}}\n- {name: b, context: {cluster: c}}\nclusters:\n- {name: c, cluster: {server: 'https://[100::2]'}}\n";
    let other = json!({"kubeconfig": yaml, "context": "b", "name": "prod"}).to_string();
    let tag = made.header("etag").to_owned();
    let changed = put("if-match", tag.clone(), other.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let about = ["server", "context", "credentials"].map(|key| changed.json()[key].clone());
    assert_eq!(about, [json!("https://[100::2]/"), json!("b"), json!("none")]);
    assert_eq!(put("if-match", tag, other).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let fixed = w.server.json("PUT", "/v1/clusters/default", &body("https://[100::1]")).await;
    assert_eq!(fixed.reason(), (409, "CLUSTER_READ_ONLY".into()));
}

async fn cluster_delete(w: World) {
    let at = "/v1/clusters/prod";
    let delete = |path: &'static str, headers: &'static [(&'static str, &'static str)]| {
        let server = w.server.clone();
        async move { server.ask("DELETE", path, headers, Body::empty()).await }
    };
    assert_eq!(delete(at, &[]).await.reason(), (404, "CLUSTER_NOT_FOUND".into()));
    assert_eq!(w.server.json("PUT", at, &body("https://[100::1]")).await.status, 201);
    assert_eq!(delete(at, &[("if-match", "\"x\"")]).await.reason(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(delete(at, &[]).await.status, 204);
    assert_eq!(w.server.get(at).await.reason(), (404, "CLUSTER_NOT_FOUND".into()));
    assert_eq!(delete("/v1/clusters/default", &[]).await.reason(), (409, "CLUSTER_READ_ONLY".into()));
}
