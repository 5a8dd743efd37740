//! Repositories on loopback: what is kept, who is told what, what is fetched and how often.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use axum::body::Body;
use common::web::{Page, Web};
use common::{Answer, Server, archive, shop};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use sandbox::Sandbox;
use serde_json::{Value, json};
use server::{Config, Hosts, Limits};
use sha2::{Digest, Sha256};

const ONE: &str = "/v1/repositories/stable";
const SHOP: &str = "/v1/repositories/stable/charts/shop/versions/1.2.3";
const BASIC: &str = "Basic dTpzZWNyZXQ=";

fn config() -> Config {
    Config { repository_hosts: Hosts::read(&["127.0.0.1"]).unwrap(), ..Config::default() }
}

fn server() -> Server {
    Server::over(Sandbox::default().client(), config())
}

fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// An index; each version as name, version, digest and URL.
fn index(versions: &[(&str, &str, &str, &str)]) -> String {
    let mut text = "apiVersion: v1\nentries:\n".to_owned();
    let mut last = "";
    for (name, version, digest, url) in versions {
        if *name != last {
            text.push_str(&format!("  {name}:\n"));
            last = name;
        }
        text.push_str(&format!(
            "  - apiVersion: v2\n    name: {name}\n    version: {version}\n    appVersion: \"{version}\"\n    description: The {name}.\n    created: \"2026-01-02T03:04:05Z\"\n    digest: \"{digest}\"\n    urls:\n    - {url}\n"
        ));
    }
    text
}

/// A repository with the shop.
fn stable() -> Web {
    let web = Web::new();
    web.put("/index.yaml", index(&[("shop", "1.2.3", &sha(&shop()), "charts/shop-1.2.3.tgz")]));
    web.put("/charts/shop-1.2.3.tgz", shop());
    web
}

async fn put(server: &Server, body: &Value) -> Answer {
    let answer = server.json("PUT", ONE, body).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer
}

async fn refresh(server: &Server) -> Value {
    let answer = server.ask("POST", &format!("{ONE}/refresh"), &[], Body::empty()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn ok(server: &Server, path: &str) -> Value {
    let answer = server.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn column(list: &Value, key: &str) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn charts_are_found_and_versions_resolved() {
    let web = Web::new();
    let all = [
        ("cart", "0.1.0", "", "cart-0.1.0.tgz"),
        ("door", "2.0.0-rc.1", "", "door.tgz"),
        ("shop", "1.10.0", "sha256:0000", "https://u:p@cdn.example.com/shop-1.10.0.tgz?sign=secret"),
        ("shop", "1.2.0", "", "shop-1.2.0.tgz"),
        ("shop", "2.0.0-rc.1", "", "shop-2.0.0-rc.1.tgz"),
        ("shop", "not.a.version", "", "x.tgz"),
    ];
    web.put("/index.yaml", index(&all));
    let server = server();
    put(&server, &json!({"url": web.url})).await;
    let shown = ok(&server, ONE).await;
    assert_eq!((&shown["status"]["state"], &shown["kind"]), (&json!("new"), &json!("http")));
    assert_eq!(web.asked(), [""; 0], "it is not looked at before it is used");
    let shown = refresh(&server).await;
    let status = &shown["status"];
    assert_eq!(
        ["state", "chartCount", "versionCount", "skipped"].map(|key| status[key].clone()),
        [json!("ready"), json!(3), json!(5), json!(1)]
    );
    // One broken entry takes nothing from the others, and is told.
    assert_eq!(status["notices"][0]["chart"], "shop");
    assert!(status["notices"][0]["reason"].as_str().unwrap().contains("not.a.version"), "{status}");
    assert_eq!(status["digest"], format!("sha256:{}", sha(index(&all).as_bytes())));

    let charts = format!("{ONE}/charts");
    let list = ok(&server, &charts).await;
    assert_eq!(column(&list, "name"), ["cart", "door", "shop"]);
    assert_eq!(column(&list, "version"), ["0.1.0", "2.0.0-rc.1", "1.10.0"]);
    let first = ok(&server, &format!("{charts}?limit=2")).await;
    assert_eq!(column(&first, "name"), ["cart", "door"]);
    let next = format!("{charts}?limit=2&continue={}", first["continue"].as_str().unwrap());
    assert_eq!(column(&ok(&server, &next).await, "name"), ["shop"]);
    assert_eq!(column(&ok(&server, &format!("{charts}?filter=^s")).await, "name"), ["shop"]);
    // As `helm search repo` finds them: in the description, and no pre-releases.
    assert_eq!(column(&ok(&server, &format!("{charts}?q=the%20d")).await, "name"), [""; 0]);
    assert_eq!(column(&ok(&server, &format!("{charts}?q=THE")).await, "name"), ["cart", "shop"]);
    assert_eq!(column(&ok(&server, &format!("{charts}?q=shop")).await, "version"), ["1.10.0"]);
    assert_eq!(server.get(&format!("{charts}?filter=(")).await.reason(), (400, "INVALID_PARAMETER".into()));

    let chart = ok(&server, &format!("{charts}/shop")).await;
    assert_eq!(chart["version"], "1.10.0");
    assert_eq!(chart["url"], "https://cdn.example.com/shop-1.10.0.tgz", "without what may be secret");
    assert_eq!((&chart["created"], &chart["deprecated"]), (&json!("2026-01-02T03:04:05Z"), &json!(false)));
    assert_eq!(server.get(&format!("{charts}/none")).await.reason(), (404, "CHART_NOT_FOUND".into()));

    let versions = format!("{charts}/shop/versions");
    assert_eq!(column(&ok(&server, &versions).await, "version"), ["1.10.0", "1.2.0"]);
    assert_eq!(column(&ok(&server, &format!("{versions}?devel")).await, "version"), ["2.0.0-rc.1", "1.10.0", "1.2.0"]);
    assert_eq!(column(&ok(&server, &format!("{versions}?constraint=%3C1.10")).await, "version"), ["1.2.0"]);
    let wrong = server.get(&format!("{versions}?constraint=what")).await;
    assert_eq!(wrong.reason(), (400, "INVALID_PARAMETER".into()));
    let page = ok(&server, &format!("{versions}?limit=1")).await;
    assert_eq!(column(&page, "version"), ["1.10.0"]);
    let next = format!("{versions}?limit=1&continue={}", page["continue"].as_str().unwrap());
    assert_eq!(column(&ok(&server, &next).await, "version"), ["1.2.0"]);
    for (wanted, found) in [("latest", "1.10.0"), ("1.2.0", "1.2.0"), ("%5E1", "1.10.0"), ("%3C1.5", "1.2.0")] {
        assert_eq!(ok(&server, &format!("{versions}/{wanted}")).await["version"], found, "{wanted}");
    }
    assert_eq!(server.get(&format!("{versions}/9.9.9")).await.reason(), (404, "CHART_VERSION_NOT_FOUND".into()));
    assert_eq!(server.get(&format!("{versions}/what")).await.reason(), (400, "INVALID_PARAMETER".into()));
    // A digest that is none is nothing to hold an archive against.
    let broken = server.get(&format!("{versions}/1.10.0/values")).await;
    assert_eq!(broken.reason(), (502, "REPOSITORY_INVALID".into()));
    assert_eq!(web.asked(), ["/index.yaml -"], "one look is enough for all that");
}

#[tokio::test(start_paused = true)]
async fn what_is_secret_stays_where_it_belongs() {
    let (web, other) = (stable(), Web::new());
    web.lock(BASIC);
    let server = server();
    let body = json!({"url": web.url, "username": "u", "password": "secret"});
    let made = put(&server, &body).await;
    assert_eq!(made.json()["hasCredentials"], true);
    assert_eq!(refresh(&server).await["status"]["state"], "ready");
    // Without the password, for the same user and place, it stays.
    put(&server, &json!({"url": format!("{}/", web.url), "username": "u"})).await;
    assert_eq!(refresh(&server).await["status"]["state"], "ready");
    let wrong = [
        (json!({"url": other.url, "username": "u"}), "/password"),
        (json!({"url": web.url, "username": "v"}), "/password"),
        (json!({"url": web.url, "username": "u", "passCredentials": true}), "/password"),
        (json!({"url": web.url.replace("http://", "http://u:secret@")}), "/url"),
        (json!({"url": "http://10.0.0.1/"}), "/url"),
        (json!({"url": web.url, "name": "other"}), "/name"),
    ];
    for (body, pointer) in wrong {
        let answer = server.json("PUT", ONE, &body).await;
        assert_eq!(
            (answer.reason(), answer.pointers()),
            ((422, "INVALID_INPUT".into()), vec![pointer.into()]),
            "{body}"
        );
        assert!(!answer.text().contains("secret"), "{}", answer.text());
    }
    // Archives and redirects elsewhere are fetched by nobody in particular.
    other.put("/shop.tgz", shop());
    web.put(
        "/index.yaml",
        index(&[
            ("shop", "1.2.3", &sha(&shop()), &format!("{}/shop.tgz", other.url)),
            ("shop", "1.2.4", "", "moved.tgz"),
        ]),
    );
    web.moved("/moved.tgz", &format!("{}/shop.tgz", other.url));
    assert_eq!(refresh(&server).await["status"]["versionCount"], 2);
    web.asked();
    ok(&server, &format!("{SHOP}/values")).await;
    ok(&server, &format!("{ONE}/charts/shop/versions/1.2.4/values")).await;
    assert_eq!(other.asked(), ["/shop.tgz -", "/shop.tgz -"]);
    assert_eq!(web.asked(), [format!("/moved.tgz {BASIC}")]);
    for path in ["/v1/repositories", ONE, &format!("{ONE}/charts"), &format!("{ONE}/charts/shop")] {
        let answer = server.get(path).await;
        let told = format!("{} {:?}", answer.text(), answer.headers);
        assert!(!told.contains("secret") && !told.contains("dTpz"), "{path}: {told}");
    }
    // With `passCredentials` they go along.
    put(&server, &json!({"url": web.url, "username": "u", "password": "secret", "passCredentials": true})).await;
    refresh(&server).await;
    other.put("/shop.tgz", archive(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.4\n")]));
    ok(&server, &format!("{ONE}/charts/shop/versions/1.2.4/metadata")).await;
    assert_eq!(other.asked(), [format!("/shop.tgz {BASIC}")]);
    // Wrong ones are said to be so.
    put(&server, &json!({"url": web.url, "username": "u", "password": "wrong"})).await;
    let shown = refresh(&server).await;
    assert_eq!(shown["status"]["error"]["reason"], "REPOSITORY_UNAUTHORIZED");
    assert_eq!(server.get(&format!("{ONE}/charts")).await.reason(), (502, "REPOSITORY_UNAUTHORIZED".into()));
}

#[tokio::test(start_paused = true)]
async fn nothing_leads_to_where_the_server_may_not_fetch() {
    let web = stable();
    let server = server();
    put(&server, &json!({"url": web.url})).await;
    web.put(
        "/index.yaml",
        index(&[
            ("shop", "1.0.0", "", "http://169.254.169.254/latest/meta-data"),
            ("shop", "1.0.1", "", "moved.tgz"),
            ("shop", "1.0.2", "", "file:///etc/passwd"),
        ]),
    );
    web.moved("/moved.tgz", "http://[::1]:1/inside");
    for version in ["1.0.0", "1.0.1"] {
        let answer = server.get(&format!("{ONE}/charts/shop/versions/{version}/values")).await;
        assert_eq!(answer.reason(), (422, "REPOSITORY_FORBIDDEN".into()), "{version}: {}", answer.text());
    }
    let file = server.get(&format!("{ONE}/charts/shop/versions/1.0.2/values")).await;
    assert_eq!(file.status, 502, "{}", file.text());
    web.moved("/index.yaml", "http://10.0.0.1/index.yaml?token=secret");
    let shown = refresh(&server).await;
    assert_eq!(shown["status"]["error"]["reason"], "REPOSITORY_FORBIDDEN");
    assert!(!shown.to_string().contains("secret"), "{shown}");
    // By default, that is every network of one's own.
    let plain = Server::over(Sandbox::default().client(), Config::default());
    let answer = plain.json("PUT", ONE, &json!({"url": web.url})).await;
    assert_eq!(answer.pointers(), ["/url"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_known_is_used_when_the_repository_fails() {
    let web = stable();
    let server = server();
    put(&server, &json!({"url": web.url})).await;
    let before = refresh(&server).await;
    for (page, reason) in [
        (Page { status: 500, ..Page::default() }, "REPOSITORY_UNREACHABLE"),
        (Page { status: 404, ..Page::default() }, "REPOSITORY_INVALID"),
        (Page { status: 200, body: b"<html>".to_vec(), ..Page::default() }, "REPOSITORY_INVALID"),
    ] {
        web.page("/index.yaml", page);
        let status = &refresh(&server).await["status"];
        assert_eq!((&status["state"], &status["error"]["reason"]), (&json!("failed"), &json!(reason)), "{status}");
        assert_eq!(status["digest"], before["status"]["digest"]);
        assert_eq!(ok(&server, SHOP).await["version"], "1.2.3");
    }
    let web = stable();
    put(&server, &json!({"url": web.url})).await;
    assert_eq!(refresh(&server).await["status"]["state"], "ready");
    assert_eq!(refresh(&server).await["status"]["error"], Value::Null);
    assert_eq!(web.asked(), ["/index.yaml -", "/index.yaml -"]);
    // One that was never seen.
    put(&server, &json!({"url": "http://127.0.0.1:1/"})).await;
    assert_eq!(server.get(&format!("{ONE}/charts")).await.reason(), (502, "REPOSITORY_UNREACHABLE".into()));
}

#[tokio::test(start_paused = true)]
async fn an_archive_is_fetched_once() {
    let web = stable();
    web.put(
        "/index.yaml",
        index(&[("shop", "1.2.3", &sha(&shop()), "charts/shop-1.2.3.tgz"), ("shop", "1.2.2", "", "charts/old.tgz")]),
    );
    web.put("/charts/old.tgz", shop());
    web.put("/charts/shop-1.2.3.tgz.prov", "-----BEGIN PGP SIGNED MESSAGE-----\n");
    let server = server();
    put(&server, &json!({"url": web.url})).await;
    let parts =
        ["values", "metadata", "readme", "schema", "crds", "files", "files/values.yaml", "dependencies", "archive"];
    let paths: Vec<String> = parts.iter().map(|part| format!("{SHOP}/{part}")).collect();
    // All at once, while nothing is there.
    let answers = futures::future::join_all(paths.iter().map(|path| server.get(path))).await;
    let digest = format!("\"sha256:{}\"", sha(&shop()));
    for (path, answer) in paths.iter().zip(answers) {
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag")),
            (200, digest.as_str()),
            "{path}: {}",
            answer.text()
        );
    }
    assert_eq!(web.asked(), ["/index.yaml -", "/charts/shop-1.2.3.tgz -"]);
    let upload = server.upload(shop()).await;
    for (part, accept) in [
        ("values", "application/yaml"),
        ("metadata", "application/yaml"),
        ("readme", "text/markdown"),
        ("crds", "application/yaml"),
        ("archive", "application/gzip"),
        ("dependencies", "application/json"),
        ("schema", "application/json"),
    ] {
        let here = server.get_as(&format!("{SHOP}/{part}"), accept).await;
        let there = server.get_as(&format!("/v1/charts/{upload}/{part}"), accept).await;
        assert_eq!(
            (here.body, here.headers.get("content-type")),
            (there.body, there.headers.get("content-type")),
            "{part}"
        );
    }
    let known = server.ask("GET", &paths[0], &[("if-none-match", &digest)], Body::empty()).await;
    assert_eq!(known.status, 304);
    assert_eq!(server.get(&format!("{SHOP}/files/none")).await.reason(), (404, "CHART_PART_NOT_FOUND".into()));
    assert_eq!(web.asked(), [""; 0]);
    // One without a digest is asked for again, and not sent again.
    let old = format!("{ONE}/charts/shop/versions/1.2.2");
    ok(&server, &format!("{old}/values")).await;
    ok(&server, &format!("{old}/values")).await;
    assert_eq!(web.asked(), ["/charts/old.tgz -"; 2]);
    let proof = server.get(&format!("{SHOP}/provenance")).await;
    assert_eq!((proof.status.as_u16(), proof.text().starts_with("-----BEGIN PGP")), (200, true));
    web.page("/charts/shop-1.2.3.tgz.prov", Page { status: 404, ..Page::default() });
    assert_eq!(server.get(&format!("{SHOP}/provenance")).await.reason(), (404, "CHART_PART_NOT_FOUND".into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_promised_is_refused() {
    let web = stable();
    let server = server();
    put(&server, &json!({"url": web.url})).await;
    let evil = archive(&[("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n")]);
    web.put("/charts/shop-1.2.3.tgz", evil);
    let answer = server.get(&format!("{SHOP}/archive")).await;
    assert_eq!(answer.reason(), (502, "CHART_MISMATCH".into()), "{}", answer.text());
    web.put("/charts/shop-1.2.3.tgz", shop());
    assert_eq!(server.get(&format!("{SHOP}/archive")).await.body, shop());
    web.put("/index.yaml", index(&[("shop", "1.2.3", &sha(b"no chart"), "x.tgz")]));
    web.put("/x.tgz", "no chart");
    refresh(&server).await;
    assert_eq!(server.get(&format!("{SHOP}/values")).await.reason(), (422, "INVALID_CHART".into()));
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_refused() {
    let web = stable();
    let limits = Limits { chart_bytes: shop().len() - 1, index_bytes: 10_000, ..Limits::default() };
    let server = Server::over(Sandbox::default().client(), Config { limits, ..config() });
    put(&server, &json!({"url": web.url})).await;
    let answer = server.get(&format!("{SHOP}/values")).await;
    assert_eq!(answer.reason(), (502, "REPOSITORY_INVALID".into()), "{}", answer.text());
    assert!(answer.text().contains("more than"), "{}", answer.text());
    web.put("/index.yaml", format!("{}# {}", index(&[("a", "1.0.0", "", "a.tgz")]), "x".repeat(10_000)));
    let status = &refresh(&server).await["status"];
    assert!(status["error"]["detail"].as_str().unwrap().contains("more than 10000 bytes"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn replicas_share_repositories_and_what_was_found() {
    let (sandbox, web) = (Sandbox::default(), stable());
    let (one, two) = (Server::over(sandbox.client(), config()), Server::over(sandbox.client(), config()));
    let (watching, names) = (two.clone(), two.clone());
    let watch = tokio::spawn(async move { watching.watch_over().await });
    put(&one, &json!({"url": web.url, "username": "u", "password": "secret"})).await;
    let tag = one.get(ONE).await.header("etag").to_owned();
    // It is found where the watch has not told of it yet; then the watch tells.
    assert_eq!(ok(&two, ONE).await["status"]["state"], "new");
    let status = refresh(&one).await["status"].clone();
    common::time::until(|| async { ok(&names, ONE).await["status"] == status }).await;
    assert_eq!(column(&ok(&two, "/v1/repositories").await, "name"), ["stable"]);
    // What is found is no change of the settings.
    let body = json!({"url": web.url, "username": "u"}).to_string();
    let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
    let changed = one.ask("PUT", ONE, &headers, body.clone()).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    put(&two, &json!({"url": web.url})).await;
    assert_eq!(one.ask("PUT", ONE, &headers, body).await.reason(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(one.ask("DELETE", ONE, &[], Body::empty()).await.status, 204);
    common::time::until(|| async { names.get(ONE).await.status == 404 }).await;
    watch.abort();
}

#[tokio::test(start_paused = true)]
async fn a_secret_by_hand_counts_and_harms_nobody() {
    let (sandbox, web) = (Sandbox::default(), stable());
    let server = Server::over(sandbox.client(), config());
    let secrets: Api<Secret> = Api::namespaced(sandbox.client(), "default");
    let secret = |url: &str| {
        serde_json::from_value::<Secret>(json!({
            "metadata": {"name": "whipstaff.repository.stable", "labels": {"whipstaff.dev/kind": "repository"}},
            "type": "whipstaff.dev/repository.v1",
            "stringData": {"url": url},
        }))
        .unwrap()
    };
    secrets.create(&PostParams::default(), &secret(&web.url)).await.unwrap();
    assert_eq!(ok(&server, SHOP).await["version"], "1.2.3");
    assert_eq!(column(&ok(&server, "/v1/repositories").await, "name"), ["stable"]);
    let there = secrets.list(&ListParams::default()).await.unwrap();
    assert!(there.items[0].metadata.annotations.as_ref().unwrap()["whipstaff.dev/status"].contains("ready"));
    secrets.delete("whipstaff.repository.stable", &DeleteParams::default()).await.unwrap();
    secrets.create(&PostParams::default(), &secret("http://u:p@10.0.0.1")).await.unwrap();
    let again = Server::over(sandbox.client(), config());
    let shown = again.ask("POST", &format!("{ONE}/refresh"), &[], Body::empty()).await;
    assert_eq!(shown.json()["status"]["error"]["reason"], "REPOSITORY_FORBIDDEN", "{}", shown.text());
    assert_eq!(again.get(SHOP).await.reason(), (422, "REPOSITORY_FORBIDDEN".into()));
    assert!(!shown.text().contains("u:p"), "{}", shown.text());
}

#[tokio::test(start_paused = true)]
async fn an_index_is_looked_at_again_when_it_is_old() {
    let web = stable();
    let interval = Duration::from_millis(1);
    let server = Server::over(Sandbox::default().client(), Config { refresh_interval: interval, ..config() });
    put(&server, &json!({"url": web.url})).await;
    assert_eq!(column(&ok(&server, &format!("{ONE}/charts")).await, "version"), ["1.2.3"]);
    web.put("/index.yaml", index(&[("shop", "1.2.4", "", "x.tgz")]));
    tokio::time::sleep(interval * 2).await;
    assert_eq!(column(&ok(&server, &format!("{ONE}/charts")).await, "version"), ["1.2.4"]);
}
