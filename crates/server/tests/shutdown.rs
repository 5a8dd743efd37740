//! A server that ends: what was asked is answered, streams end so that their clients go elsewhere, and operations are handed over.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use axum::body::Body;
use common::time::Virtual;
use common::{Answer, Server, archive};
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

/// A server that runs until it is told to end.
struct Running {
    server: Server,
    end: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

impl Running {
    async fn new(sandbox: &Sandbox, time: Virtual, limits: server::Limits) -> Self {
        let config = server::Config { limits, ..time.config() };
        let app = server::App::new(config, time.engine(sandbox.client()));
        let server = Server::of(app.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            let ended = async { drop(ended.await) };
            server::serve(listener, app, ended).await.unwrap();
        });
        // It has to have begun before it can end.
        tokio::time::sleep(Duration::from_secs(1)).await;
        Self { server, end, work }
    }

    /// Asks in the background.
    fn ask(
        &self,
        method: &'static str,
        path: String,
        headers: &'static [(&str, &str)],
        body: String,
    ) -> JoinHandle<Answer> {
        let server = self.server.clone();
        tokio::spawn(async move { server.ask(method, &path, headers, body).await })
    }
}

/// A chart whose hook does not end.
fn slow() -> Vec<u8> {
    archive(&[
        ("slow/Chart.yaml", "apiVersion: v2\nname: slow\nversion: 1.0.0\n"),
        (
            "slow/templates/hook.yaml",
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\nspec:\n  template:\n    metadata: {annotations: {test.whipstaff.dev/outcome: hang}}\n    spec: {restartPolicy: Never, containers: [{name: it, image: it}]}\n",
        ),
    ])
}

#[tokio::test(start_paused = true)]
async fn who_waits_hears_where_to_look_and_who_listens_goes_on_elsewhere() {
    let time = Virtual::new();
    let sandbox = time.sandbox();
    let one = Running::new(&sandbox, time, server::Limits::default()).await;
    let two = Running::new(&sandbox, time, server::Limits::default()).await;
    let digest = one.server.upload(slow()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true}).to_string();
    let headers = &[("content-type", "application/json"), ("prefer", "wait=600")];
    let asked = one.ask("PUT", ONE.to_owned(), headers, body.clone());
    tokio::time::sleep(Duration::from_secs(5)).await;
    let running = one.server.get("/v1/operations").await.json();
    let id = running["items"][0]["id"].as_str().unwrap().to_owned();
    let at = format!("/v1/operations/{id}");
    let events = one.ask("GET", format!("{at}/events"), &[], String::new());
    let releases = one.ask("GET", "/v1/clusters/default/releases?watch=true".to_owned(), &[], String::new());
    let logs = one.ask("GET", format!("{at}/logs?follow=true"), &[("accept", "text/plain")], String::new());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!events.is_finished() && !releases.is_finished() && !logs.is_finished() && !asked.is_finished());
    let begun = Instant::now();
    one.end.send(()).unwrap();
    // Streams end at once, and without an end of what they are about.
    let heard = events.await.unwrap();
    assert!(heard.status.is_success() && releases.await.unwrap().status.is_success());
    assert!(logs.await.unwrap().status.is_success());
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let heard = heard.text();
    assert!(heard.contains("event: hook") && !heard.contains("event: done"), "{heard}");
    let seen = heard.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    // Nothing new is begun, and the balancer is told.
    assert_eq!(one.server.get("/readyz").await.reason(), (503, "SHUTTING_DOWN".into()));
    let other = json!({"chart": {"upload": digest}, "name": "other"});
    let path = "/v1/clusters/default/namespaces/web/releases";
    assert_eq!(one.server.json("POST", path, &other).await.reason(), (503, "SHUTTING_DOWN".into()));
    // The client goes on where it was.
    let (server, path) = (two.server.clone(), format!("{at}/events"));
    let on = tokio::spawn(async move { server.ask("GET", &path, &[("last-event-id", &seen)], Body::empty()).await });
    // Who waits is answered before the connection is cut.
    let answer = asked.await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.header("location")), (202, at.as_str()), "{}", answer.text());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    one.work.await.unwrap();
    // It goes on at the other one, until it is cancelled there.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let moved: Value = two.server.get(&at).await.json();
    assert_eq!((&moved["done"], &moved["state"]), (&json!(false), &json!("running")), "{moved:#}");
    let cancelled = two.server.ask("POST", &format!("{at}/cancel"), &[], Body::empty()).await;
    assert_eq!(cancelled.status, 202, "{}", cancelled.text());
    let text = on.await.unwrap().text();
    assert!(!text.contains("id: 1\n") && text.contains("goes on with this"), "{text}");
    assert_eq!(text.matches("event: done").count(), 1, "{text}");
}

#[tokio::test(start_paused = true)]
async fn streams_of_operations_take_places() {
    let time = Virtual::new();
    let sandbox = time.sandbox();
    let limits = server::Limits { caller_streams: 1, ..server::Limits::default() };
    let one = Running::new(&sandbox, time, limits).await;
    let digest = one.server.upload(slow()).await;
    let answer = one.server.json("PUT", ONE, &json!({"chart": {"upload": digest}, "createNamespace": true})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let events = format!("/v1/operations/{}/events", answer.json()["id"].as_str().unwrap());
    let first = one.server.open(&events, &[]).await;
    assert_eq!(first.status(), 200);
    let logs = events.replace("/events", "/logs?follow=true");
    for path in [&events, &logs] {
        let second = one.server.ask("GET", path, &[("accept", "text/plain, text/event-stream")], Body::empty()).await;
        assert_eq!(second.reason(), (429, "RATE_LIMITED".into()), "{path}");
    }
    drop(first);
    assert_eq!(one.server.open(&events, &[]).await.status(), 200);
}
