//! Repositories that are registries, on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use axum::body::Body;
use common::registry::{busy, push, tags};
use common::web::{Page, Web};
use common::{Server, shop};
use sandbox::Sandbox;
use serde_json::{Value, json};
use server::{Config, Hosts};

const ONE: &str = "/v1/repositories/charts";
const SHOP: &str = "/v1/repositories/charts/charts/shop";
const BASIC: &str = "Basic dTpzZWNyZXQ=";

fn server() -> Server {
    let repository_hosts = Hosts::read(&["127.0.0.1"]).unwrap();
    Server::over(Sandbox::default().client(), Config { repository_hosts, ..Config::default() })
}

/// A registry with two versions of the shop.
fn registry() -> Web {
    let web = Web::new();
    tags(&web, "team/charts/shop", &["1.2.3", "1.3.0_build.1", "2.0.0-rc.1", "latest"]);
    push(&web, "team/charts/shop", "1.2.3", &shop(), Some("signed\n"));
    push(&web, "team/charts/shop", "1.3.0_build.1", &shop(), None);
    web
}

async fn put(server: &Server, web: &Web, more: Value) {
    let mut body = json!({"url": format!("oci://{}/team/charts", web.host()), "plainHttp": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.json("PUT", ONE, &body).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

async fn refresh(server: &Server) -> Value {
    let answer = server.ask("POST", &format!("{ONE}/refresh"), &[], Body::empty()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["status"].clone()
}

async fn ok(server: &Server, path: &str) -> Value {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn column(list: &Value, key: &str) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap_or_default().to_owned()).collect()
}

/// What was asked for, without digests and who asked.
fn seen(web: &Web) -> Vec<String> {
    let short = |line: &String| line.split(' ').next().unwrap().split("sha256:").next().unwrap().to_owned();
    web.asked().iter().map(short).collect()
}

#[tokio::test(start_paused = true)]
async fn charts_that_are_named_are_found_and_fetched_once() {
    let (web, server) = (registry(), server());
    put(&server, &web, json!({"charts": ["shop", "none"]})).await;
    let status = refresh(&server).await;
    assert_eq!(
        ["state", "chartCount", "versionCount"].map(|key| status[key].clone()),
        [json!("ready"), json!(2), json!(3)],
        "{status}"
    );
    let list = ok(&server, &format!("{ONE}/charts?q=SHO")).await;
    assert_eq!((column(&list, "name"), column(&list, "version")), (vec!["shop".into()], vec!["1.3.0+build.1".into()]));
    assert_eq!(column(&ok(&server, &format!("{SHOP}/versions")).await, "version"), ["1.3.0+build.1", "1.2.3"]);
    assert_eq!(server.get(&format!("{ONE}/charts/none")).await.reason(), (404, "CHART_NOT_FOUND".into()));
    let mut asked = seen(&web);
    asked.sort();
    assert_eq!(asked, ["/v2/team/charts/none/tags/list", "/v2/team/charts/shop/tags/list"]);
    let shown = ok(&server, &format!("{SHOP}/versions/%5E1")).await;
    assert_eq!((&shown["version"], &shown["appVersion"]), (&json!("1.3.0+build.1"), &json!("4.5")));
    assert_eq!(shown["url"], format!("oci://{}/team/charts/shop:1.3.0+build.1", web.host()));
    let digest = format!("\"{}\"", shown["digest"].as_str().unwrap());
    seen(&web);
    let at = format!("{SHOP}/versions/1.3.0+build.1");
    let paths = ["values", "readme", "archive"].map(|part| format!("{at}/{part}"));
    let answers = futures::future::join_all(paths.iter().map(|path| server.get(path))).await;
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, digest.as_str()), "{}", answer.text());
    }
    let asked = seen(&web);
    assert_eq!(asked.iter().filter(|path| path.ends_with("/blobs/")).count(), 1, "{asked:?}");
    // The same archive by another tag is here already, and its manifest is all that is asked for.
    ok(&server, &format!("{SHOP}/versions/1.2.3/values")).await;
    assert_eq!(seen(&web), ["/v2/team/charts/shop/manifests/1.2.3"]);
    ok(&server, &format!("{SHOP}/versions/1.2.3/files")).await;
    assert_eq!(seen(&web), [""; 0]);
    assert_eq!(server.get(&format!("{SHOP}/versions/1.2.3/provenance")).await.text(), "signed\n");
    let none = server.get(&format!("{at}/provenance")).await;
    assert_eq!(none.reason(), (404, "CHART_PART_NOT_FOUND".into()));
    assert_eq!(server.get(&format!("{SHOP}/versions/9")).await.reason(), (404, "CHART_VERSION_NOT_FOUND".into()));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_lists_nothing_says_what_to_do() {
    let (web, server) = (registry(), server());
    put(&server, &web, json!({})).await;
    assert_eq!(refresh(&server).await["state"], "ready");
    let answer = server.get(&format!("{ONE}/charts")).await;
    assert_eq!(answer.reason(), (422, "REPOSITORY_NOT_LISTABLE".into()));
    assert!(answer.text().contains("`charts`"), "{}", answer.text());
    // By its name it is found all the same.
    assert_eq!(ok(&server, SHOP).await["version"], "1.3.0+build.1");
    // One that has a catalogue is asked for it.
    web.put("/v2/_catalog", json!({"repositories": ["team/charts/shop", "team/other", "team/chartsx/y"]}).to_string());
    refresh(&server).await;
    assert_eq!(column(&ok(&server, &format!("{ONE}/charts")).await, "name"), ["shop"]);
}

#[tokio::test(start_paused = true)]
async fn logins_are_for_the_registry_alone() {
    let (web, other, server) = (registry(), Web::new(), server());
    web.lock(BASIC);
    put(&server, &web, json!({"charts": ["shop"], "username": "u", "password": "secret"})).await;
    assert_eq!(refresh(&server).await["state"], "ready");
    let digest = ok(&server, &format!("{SHOP}/versions/1.2.3")).await["digest"].as_str().unwrap().to_owned();
    let blob = format!("/v2/team/charts/shop/blobs/{digest}");
    other.put("/blob", shop());
    web.moved(&blob, &format!("{}/blob", other.url));
    ok(&server, &format!("{SHOP}/versions/1.2.3/values")).await;
    assert_eq!(other.asked(), ["/blob -"]);
    put(&server, &web, json!({"charts": ["shop"], "username": "u", "password": "wrong"})).await;
    assert_eq!(refresh(&server).await["error"]["reason"], "REPOSITORY_UNAUTHORIZED");
    // Neither blobs nor tokens may be where the server may not go.
    let web = registry();
    put(&server, &web, json!({"charts": ["shop"]})).await;
    web.moved("/v2/team/charts/shop/tags/list", "http://10.0.0.1/tags");
    assert_eq!(refresh(&server).await["error"]["reason"], "REPOSITORY_FORBIDDEN");
    for (realm, reason) in
        [("http://192.0.2.1/token", "REPOSITORY_FORBIDDEN"), ("http://169.254.169.254/token", "REPOSITORY_INVALID")]
    {
        let headers = vec![("WWW-Authenticate".to_owned(), format!("Bearer realm=\"{realm}\",service=\"s\""))];
        web.page("/v2/team/charts/shop/tags/list", Page { status: 401, headers, ..Page::default() });
        let error = refresh(&server).await["error"].clone();
        assert_eq!(error["reason"], reason, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_promised_or_busy_is_told() {
    let (web, server) = (registry(), server());
    put(&server, &web, json!({"charts": ["shop"]})).await;
    web.page("/v2/team/charts/shop/tags/list", busy(120));
    let answer = server.get(&format!("{SHOP}/versions")).await;
    assert_eq!((answer.reason(), answer.header("retry-after")), ((502, "REPOSITORY_UNREACHABLE".into()), "120"));
    tags(&web, "team/charts/shop", &["1.2.3"]);
    let digest = push(&web, "team/charts/shop", "1.2.3", &shop(), None);
    let evil = common::archive(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n")]);
    web.put(&format!("/v2/team/charts/shop/blobs/{digest}"), [evil.as_slice(), &[0; 9_000]].concat());
    let answer = server.get(&format!("{SHOP}/versions/1.2.3/values")).await;
    assert_eq!(answer.reason(), (502, "REPOSITORY_INVALID".into()), "{}", answer.text());
    let mut same_length = shop();
    *same_length.last_mut().unwrap() ^= 1;
    web.put(&format!("/v2/team/charts/shop/blobs/{digest}"), same_length);
    let answer = server.get(&format!("{SHOP}/versions/1.2.3/values")).await;
    assert_eq!(answer.reason(), (502, "CHART_MISMATCH".into()), "{}", answer.text());
}

#[tokio::test(start_paused = true)]
async fn an_index_may_lead_to_a_registry() {
    let (web, server) = (registry(), server());
    let digest = push(&web, "team/charts/shop", "1.2.3", &shop(), None);
    // Without TLS it cannot be spoken to, and nothing in an index says otherwise.
    let index = json!({"apiVersion": "v1", "entries": {"shop": [{
        "apiVersion": "v2", "name": "shop", "version": "1.2.3", "digest": digest.trim_start_matches("sha256:"),
        "urls": [format!("oci://{}/team/charts/shop:1.2.3", web.host())],
    }]}});
    web.put("/index.yaml", index.to_string());
    let made = server.json("PUT", ONE, &json!({"url": web.url, "username": "u", "password": "secret"})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let answer = server.get(&format!("{SHOP}/versions/1.2.3/values")).await;
    assert_eq!(answer.reason(), (502, "REPOSITORY_UNREACHABLE".into()), "{}", answer.text());
    assert_eq!(web.asked(), [format!("/index.yaml {BASIC}")], "but for the greeting of TLS");
}
