//! Releases of charts that the server fetches: from a repository, by a constraint, and the same one whichever server goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::mortal::{Death, mortal};
use common::time::Virtual;
use common::web::Web;
use common::{Server, archive};
use sandbox::{Loss, Sandbox};
use serde_json::{Value, json};
use server::{Config, Hosts};
use sha2::{Digest, Sha256};

const RELEASES: &str = "/v1/clusters/default/namespaces/web/releases";
const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

/// A chart that says its version.
fn chart(version: &str) -> Vec<u8> {
    archive(&[
        ("shop/Chart.yaml", &format!("apiVersion: v2\nname: shop\nversion: {version}\n")),
        (
            "shop/templates/all.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {version: {{ .Chart.Version | quote }}}\n",
        ),
    ])
}

/// Puts versions of it into a repository, and nothing else.
fn publish(web: &Web, versions: &[&str]) {
    let mut index = "apiVersion: v1\nentries:\n  shop:\n".to_owned();
    for version in versions {
        let (bytes, path) = (chart(version), format!("shop-{version}.tgz"));
        let digest = hex::encode(Sha256::digest(&bytes));
        index.push_str(&format!(
            "  - {{apiVersion: v2, name: shop, version: {version}, digest: {digest}, urls: [{path}]}}\n"
        ));
        web.put(&format!("/{path}"), bytes);
    }
    web.put("/index.yaml", index);
}

fn config(time: Virtual) -> Config {
    Config { repository_hosts: Hosts::read(&["127.0.0.1"]).unwrap(), ..time.config() }
}

fn server(time: Virtual, client: kube::Client) -> Server {
    Server::of(server::App::new(config(time), time.engine(client)))
}

async fn world() -> (Virtual, Sandbox, Server, Web) {
    let (time, web) = (Virtual::new(), Web::new());
    let sandbox = time.sandbox();
    let server = server(time, sandbox.client());
    publish(&web, &["1.2.0", "1.3.0", "2.0.0"]);
    let made = server.json("PUT", "/v1/repositories/stable", &json!({"url": web.url})).await;
    assert_eq!(made.status, 201, "{}", made.text());
    (time, sandbox, server, web)
}

fn body(version: &str) -> Value {
    json!({"chart": {"repository": "stable", "name": "shop", "version": version}, "createNamespace": true})
}

#[tokio::test(start_paused = true)]
async fn a_constraint_finds_the_version_and_nothing_is_fetched_twice() {
    let (_, _, server, web) = world().await;
    let plan = server.json("POST", &format!("{ONE}/plan"), &body("^1")).await;
    assert_eq!(plan.status, 200, "{}", plan.text());
    let made = server.change("PUT", ONE, &body("^1")).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let release = server.get(ONE).await.json();
    assert_eq!((&release["chart"]["name"], &release["chart"]["version"]), (&json!("shop"), &json!("1.3.0")));
    let other = server.change("PUT", &format!("{RELEASES}/other"), &body("1.3.0")).await;
    assert_eq!(other.status, 200, "{}", other.text());
    for path in ["/v1/template", "/v1/lint"] {
        let chart = &body("1.3.0")["chart"];
        let answer = server.json("POST", path, &json!({"chart": chart})).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert_eq!(web.asked(), ["/index.yaml -", "/shop-1.3.0.tgz -"]);
    // It is nobody's upload, and is there all the same for whoever goes on with the change.
    assert_eq!(server.get("/v1/charts").await.json()["items"], json!([]));
    // Without a version it is the newest; a patch can exchange the chart as well.
    let patched = server.change("PATCH", ONE, &json!({"chart": {"repository": "stable", "name": "shop"}})).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(server.get(ONE).await.json()["chart"]["version"], "2.0.0");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_had_is_told_with_its_place() {
    let (_, _, server, web) = world().await;
    let inner = json!({"url": "http://10.0.0.1/charts"});
    let refused = server.json("PUT", "/v1/repositories/inner", &inner).await;
    assert_eq!(refused.status, 422, "{}", refused.text());
    web.put("/shop-1.2.0.tgz", chart("6.6.6"));
    let chart = |chart: Value| json!({"chart": chart});
    for (body, status, reason, pointer) in [
        (chart(json!({"repository": "none", "name": "shop"})), 422, "CHART_UNAVAILABLE", Some("/chart/repository")),
        (chart(json!({"repository": "stable", "name": "none"})), 422, "CHART_UNAVAILABLE", Some("/chart/repository")),
        (body("^9"), 422, "CHART_UNAVAILABLE", Some("/chart/repository")),
        (body("what"), 422, "INVALID_INPUT", Some("/chart/version")),
        (chart(json!({"repository": "stable"})), 422, "INVALID_INPUT", Some("/chart/name")),
        (chart(json!({"oci": "oci://h/a", "name": "shop"})), 422, "INVALID_INPUT", Some("/chart/name")),
        (chart(json!({"oci": "https://h/a"})), 422, "INVALID_INPUT", Some("/chart/oci")),
        (chart(json!({"oci": "oci://h.example.com/a/b"})), 422, "REPOSITORY_FORBIDDEN", None),
        // What was promised is another.
        (body("1.2.0"), 502, "CHART_MISMATCH", None),
    ] {
        for (method, path) in
            [("PUT", ONE.to_owned()), ("POST", format!("{ONE}/plan")), ("POST", "/v1/template".into())]
        {
            let mut body = body.clone();
            if path == "/v1/template" {
                body.as_object_mut().unwrap().remove("createNamespace");
            }
            let answer = server.json(method, &path, &body).await;
            assert_eq!(answer.reason(), (status, reason.to_owned()), "{path} {body}: {}", answer.text());
            assert_eq!(answer.pointers(), Vec::from_iter(pointer), "{path} {body}");
        }
    }
    assert_eq!(server.get("/v1/operations").await.json()["items"], json!([]));
}

/// Whoever goes on with a change installs what the one that died has fetched, whatever the repository has by then.
#[tokio::test(start_paused = true)]
async fn another_server_goes_on_with_the_same_chart() {
    let (time, sandbox, _, web) = world().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let whole = sandbox.fork();
    let undisturbed = server(time, mortal(&whole, None, calls.clone()));
    let made = undisturbed.change("PUT", ONE, &body("^1")).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let all = calls.load(Ordering::Relaxed);
    let mut taken_over = 0;
    for call in (1..=all).step_by(2) {
        let world = sandbox.fork();
        publish(&web, &["1.2.0", "1.3.0", "2.0.0"]);
        let death = Some(Death { call, loss: Loss::Request });
        let dying = server(time, mortal(&world, death, Arc::default()));
        let (asked, wanted) = (dying.clone(), body("^1"));
        let request = tokio::spawn(async move { asked.json("PUT", ONE, &wanted).await });
        tokio::time::sleep(Duration::from_secs(3)).await;
        request.abort();
        // By now `^1` is another chart, and the one that was meant is gone.
        publish(&web, &["1.9.0"]);
        web.gone("/shop-1.3.0.tgz");
        let other = server(time, world.client());
        let watcher = other.clone();
        let work = tokio::spawn(async move { watcher.watch_over().await });
        tokio::time::sleep(Duration::from_secs(120)).await;
        let operations = other.get("/v1/operations").await.json();
        // What died before it was written down is nobody's.
        if let Some(operation) = operations["items"].as_array().unwrap().first() {
            assert_eq!(operation["state"], "succeeded", "{call} of {all}: {operation:#}");
            assert_eq!(other.get(ONE).await.json()["chart"]["version"], "1.3.0", "{call} of {all}");
            taken_over += 1;
        }
        work.abort();
    }
    assert!(taken_over > 5, "{taken_over} of {all}");
}
