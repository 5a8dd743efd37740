//! Repositories, and the charts that they have.

use axum::body::Body;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::shop;
use crate::common::web::Web;
use crate::{Case, World, cases};

pub(crate) const CASES: &[(&str, Case)] = cases![
    repository_list,
    repository_create,
    repository_get,
    repository_apply,
    repository_delete,
    repository_refresh,
    repository_charts,
    repository_chart,
    repository_chart_versions,
    repository_chart_version,
    repository_chart_provenance,
    repository_chart_archive,
    repository_chart_metadata,
    repository_chart_dependencies,
    repository_chart_values,
    repository_chart_readme,
    repository_chart_schema,
    repository_chart_crds,
    repository_chart_files,
    repository_chart_file,
];

const ONE: &str = "/v1/repositories/stable";
const SHOP: &str = "/v1/repositories/stable/charts/shop/versions/%5E1";

/// A repository that has the shop.
async fn stable(w: &World) -> Web {
    let web = Web::new();
    let digest = hex::encode(Sha256::digest(shop()));
    let index = json!({"apiVersion": "v1", "entries": {"shop": [{
        "apiVersion": "v2", "name": "shop", "version": "1.2.3", "appVersion": "4.5", "description": "A shop.",
        "urls": ["shop-1.2.3.tgz"], "digest": digest,
    }]}});
    web.put("/index.yaml", index.to_string());
    web.put("/shop-1.2.3.tgz", shop());
    web.put("/shop-1.2.3.tgz.prov", "signed\n");
    let made = w.server.json("PUT", ONE, &json!({"url": web.url})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    web
}

async fn repository_list(w: World) {
    assert_eq!(w.get("/v1/repositories").await, json!({"items": []}));
    stable(&w).await;
    assert_eq!(w.get("/v1/repositories?limit=1").await["items"][0]["name"], "stable");
}

async fn repository_create(w: World) {
    let body = json!({"name": "stable", "url": "http://127.0.0.1:1/a", "username": "u", "password": "top-secret"});
    let made = w.server.json("POST", "/v1/repositories", &body).await;
    assert_eq!((made.status.as_u16(), made.header("location")), (201, ONE), "{}", made.text());
    let about = ["name", "kind", "url", "hasCredentials", "hasClientCertificate"].map(|key| made.json()[key].clone());
    assert_eq!(about, [json!("stable"), json!("http"), json!("http://127.0.0.1:1/a"), json!(true), json!(false)]);
    assert!(!made.text().contains("top-secret"), "{}", made.text());
    let again = w.server.json("POST", "/v1/repositories", &body).await;
    assert_eq!(again.reason(), (409, "REPOSITORY_EXISTS".into()));
    for (body, pointer) in [
        (json!({"url": "http://127.0.0.1/"}), "/name"),
        (json!({"name": "A", "url": "http://127.0.0.1/"}), "/name"),
        (json!({"name": "a"}), "/url"),
        (json!({"name": "a", "url": "http://127.0.0.1/", "pasword": "x"}), "/pasword"),
        (json!({"name": "a", "url": "http://127.0.0.1/", "tls": {"cert": "x"}}), "/tls/cert"),
    ] {
        let answer = w.server.json("POST", "/v1/repositories", &body).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer.to_owned()]), "{body}");
    }
}

async fn repository_get(w: World) {
    assert_eq!(w.server.get(ONE).await.reason(), (404, "REPOSITORY_NOT_FOUND".into()));
    assert_eq!(w.server.get("/v1/repositories/A%20b").await.reason(), (404, "REPOSITORY_NOT_FOUND".into()));
    stable(&w).await;
    assert_eq!(w.get(ONE).await["status"], json!({"state": "new"}));
}

async fn repository_apply(w: World) {
    let json = ("content-type", "application/json");
    let put = |name: &'static str, value: String, body: Value| {
        let server = w.server.clone();
        async move { server.ask("PUT", ONE, &[json, (name, &value)], body.to_string()).await }
    };
    let (one, two) = (json!({"url": "http://127.0.0.1:1/a"}), json!({"url": "oci://127.0.0.1/b", "charts": ["c"]}));
    assert_eq!(put("if-match", "\"x\"".into(), one.clone()).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let made = put("if-none-match", "*".into(), one.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(put("if-none-match", "*".into(), one.clone()).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let tag = made.header("etag").to_owned();
    let changed = put("if-match", tag.clone(), two).await;
    assert_eq!((changed.status.as_u16(), changed.json()["kind"].clone()), (200, json!("oci")), "{}", changed.text());
    assert_eq!(put("if-match", tag, one).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let wrong = w.server.json("PUT", "/v1/repositories/A", &json!({"url": "http://127.0.0.1/"})).await;
    assert_eq!(wrong.reason(), (422, "INVALID_INPUT".into()));
}

async fn repository_delete(w: World) {
    let delete = |headers: &'static [(&'static str, &'static str)]| {
        let server = w.server.clone();
        async move { server.ask("DELETE", ONE, headers, Body::empty()).await }
    };
    assert_eq!(delete(&[]).await.reason(), (404, "REPOSITORY_NOT_FOUND".into()));
    stable(&w).await;
    assert_eq!(delete(&[("if-match", "\"x\"")]).await.reason(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(delete(&[]).await.status, 204);
    assert_eq!(w.server.get(ONE).await.reason(), (404, "REPOSITORY_NOT_FOUND".into()));
}

async fn repository_refresh(w: World) {
    stable(&w).await;
    let shown = w.server.ask("POST", &format!("{ONE}/refresh"), &[], Body::empty()).await;
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert_eq!((&shown.json()["status"]["state"], &shown.json()["status"]["chartCount"]), (&json!("ready"), &json!(1)));
}

async fn repository_charts(w: World) {
    stable(&w).await;
    let list = w.get(&format!("{ONE}/charts?filter=sh&q=A%20SHOP&limit=1")).await;
    assert_eq!((&list["items"][0]["name"], &list["items"][0]["appVersion"]), (&json!("shop"), &json!("4.5")));
    let yaml = w.server.get_as(&format!("{ONE}/charts"), "application/yaml").await.text();
    assert!(yaml.contains("- appVersion: \"4.5\"\n"), "{yaml}");
}

async fn repository_chart(w: World) {
    let web = stable(&w).await;
    let chart = w.get(&format!("{ONE}/charts/shop")).await;
    assert_eq!(chart["url"], format!("{}/shop-1.2.3.tgz", web.url));
    assert_eq!(w.server.get(&format!("{ONE}/charts/none")).await.reason(), (404, "CHART_NOT_FOUND".into()));
}

async fn repository_chart_versions(w: World) {
    stable(&w).await;
    let list = w.get(&format!("{ONE}/charts/shop/versions?constraint=%5E1&devel&limit=1")).await;
    assert_eq!(list["items"][0]["version"], "1.2.3");
}

async fn repository_chart_version(w: World) {
    stable(&w).await;
    assert_eq!(w.get(SHOP).await["version"], "1.2.3");
    let none = w.server.get(&format!("{ONE}/charts/shop/versions/9")).await;
    assert_eq!(none.reason(), (404, "CHART_VERSION_NOT_FOUND".into()));
}

async fn repository_chart_provenance(w: World) {
    stable(&w).await;
    let answer = w.server.get(&format!("{SHOP}/provenance")).await;
    assert_eq!((answer.text().as_str(), answer.header("content-type")), ("signed\n", "text/plain; charset=utf-8"));
}

async fn repository_chart_archive(w: World) {
    stable(&w).await;
    assert_eq!(w.server.get(&format!("{SHOP}/archive")).await.body, shop());
}

async fn repository_chart_metadata(w: World) {
    stable(&w).await;
    assert_eq!(w.get(&format!("{SHOP}/metadata")).await["appVersion"], "4.5");
}

async fn repository_chart_dependencies(w: World) {
    stable(&w).await;
    assert_eq!(w.get(&format!("{SHOP}/dependencies")).await, json!({"items": []}));
}

async fn repository_chart_values(w: World) {
    stable(&w).await;
    let yaml = w.server.get_as(&format!("{SHOP}/values"), "application/yaml").await.text();
    assert!(yaml.starts_with("# how many\n"), "{yaml}");
}

async fn repository_chart_readme(w: World) {
    stable(&w).await;
    assert_eq!(w.get(&format!("{SHOP}/readme")).await["readme"], "# Shop\n");
}

async fn repository_chart_schema(w: World) {
    stable(&w).await;
    assert_eq!(w.get(&format!("{SHOP}/schema")).await["type"], "object");
}

async fn repository_chart_crds(w: World) {
    stable(&w).await;
    assert_eq!(w.get(&format!("{SHOP}/crds")).await["items"][0]["name"], "crds/till.yaml");
}

async fn repository_chart_files(w: World) {
    stable(&w).await;
    assert!(w.get(&format!("{SHOP}/files")).await["items"].as_array().unwrap().len() > 5);
}

async fn repository_chart_file(w: World) {
    stable(&w).await;
    assert_eq!(w.server.get(&format!("{SHOP}/files/README.md")).await.text(), "# Shop\n");
}
