//! `watch=true`: what there is, and then what happens, with a place to come back to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use common::Server;
use futures::StreamExt;
use jiff::Timestamp;
use release::{Key, Ledger, Release, SecretLedger, Status, Token};
use serde_json::{Value, json};

const ALL: &str = "/v1/clusters/default/releases?watch=true";

fn record(namespace: &str, name: &str, version: u32, status: Status) -> Release {
    let mut chart = chart::Chart::default();
    chart.metadata.name = "shop".into();
    chart.metadata.version = format!("0.{version}.0");
    let mut release = Release {
        name: name.into(),
        namespace: namespace.into(),
        version,
        chart: Arc::new(chart),
        ..Release::default()
    };
    release.set_status(status, "");
    release
}

struct World {
    server: Server,
    ledger: SecretLedger,
}

impl World {
    async fn new(config: server::Config) -> Self {
        let sandbox = sandbox::Sandbox::default();
        let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(sandbox.client());
        for name in ["one", "two"] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
            api.create(&kube::api::PostParams::default(), &namespace).await.unwrap();
        }
        let ledger = SecretLedger::new(sandbox.client(), Arc::new(Timestamp::now));
        let world = Self { server: Server::over(sandbox.client(), config), ledger };
        world.put("one", "a", 1, Status::Deployed).await;
        world.put("two", "b", 1, Status::Deployed).await;
        world
    }

    async fn put(&self, namespace: &str, name: &str, version: u32, status: Status) -> Token {
        self.ledger.create(&record(namespace, name, version, status)).await.unwrap()
    }

    async fn open(&self, path: &str, last: Option<&str>) -> Events {
        let headers: Vec<(&str, &str)> = last.map(|last| ("last-event-id", last)).into_iter().collect();
        let response = self.server.open(path, &headers).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { body: response.into_body().into_data_stream(), text: String::new(), id: String::new() }
    }
}

/// A reader of events, as browsers have it.
struct Events {
    body: BodyDataStream,
    text: String,
    /// The id of the last event that had one.
    id: String,
}

impl Events {
    /// The next event: its type and data, of which `data` fits the contract; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                if let Some(id) = field("id") {
                    self.id = id.to_owned();
                }
                let Some(kind) = field("event") else { continue };
                let data: Value = serde_json::from_str(field("data").unwrap()).unwrap();
                if matches!(kind, "added" | "modified" | "deleted") {
                    assert_eq!(api::check("ReleaseSummary", &data), []);
                }
                return Some((kind.to_owned(), data));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await.expect("silence")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// The next events, as `TYPE NAME.REVISION STATUS`.
    async fn take(&mut self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..count {
            let (kind, data) = self.next().await.expect("the end");
            all.push(match data["name"].as_str() {
                Some(name) => format!("{kind} {name}.{} {}", data["revision"], data["status"].as_str().unwrap()),
                None => kind,
            });
        }
        all
    }
}

#[tokio::test]
async fn what_there_is_and_then_what_happens() {
    let w = World::new(server::Config::default()).await;
    let mut events = w.open(ALL, None).await;
    assert_eq!(events.take(3).await, ["added a.1 deployed", "added b.1 deployed", "synced"]);
    let token = w.put("one", "c", 1, Status::PendingInstall).await;
    assert_eq!(events.take(1).await, ["added c.1 pending-install"]);
    let token = w.ledger.update(&record("one", "c", 1, Status::Deployed), &token).await.unwrap();
    let (kind, data) = events.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &data["status"], &data["chart"]["version"]),
        ("modified", &json!("deployed"), &json!("0.1.0"))
    );
    // Written anew with nothing that is shown changed: nothing is told.
    w.ledger.update(&record("one", "c", 1, Status::Deployed), &token).await.unwrap();
    w.put("one", "c", 2, Status::Failed).await;
    assert_eq!(events.take(1).await, ["modified c.2 failed"]);
    for revision in [2, 1] {
        w.ledger.delete(&Key::new("one", "c", revision)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(events.take(2).await, ["modified c.1 deployed", "deleted c.1 deployed"]);
}

#[tokio::test]
async fn a_filter_decides_what_is_new_and_what_is_gone() {
    let w = World::new(server::Config::default()).await;
    let mut failed = w.open(&format!("{ALL}&status=failed"), None).await;
    let mut one = w.open("/v1/clusters/default/namespaces/one/releases?watch=true&filter=^a", None).await;
    let mut everywhere = w.open("/v1/releases?watch=true&chart=shop", None).await;
    assert_eq!(failed.take(1).await, ["synced"]);
    assert_eq!(one.take(2).await, ["added a.1 deployed", "synced"]);
    assert_eq!(everywhere.take(3).await, ["added a.1 deployed", "added b.1 deployed", "synced"]);
    for (revision, status) in [(2, Status::Failed), (3, Status::Deployed)] {
        w.put("one", "a", revision, status).await;
        w.put("two", "b", revision, Status::Deployed).await;
        everywhere.take(2).await;
    }
    assert_eq!(failed.take(2).await, ["added a.2 failed", "deleted a.2 failed"]);
    assert_eq!(one.take(2).await, ["modified a.2 failed", "modified a.3 deployed"]);
}

#[tokio::test]
async fn who_comes_back_goes_on_where_it_was() {
    let w = World::new(server::Config::default()).await;
    let mut events = w.open(ALL, None).await;
    events.take(3).await;
    let id = events.id.clone();
    drop(events);
    w.put("one", "c", 1, Status::Deployed).await;
    w.put("one", "d", 1, Status::Deployed).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = w.open(ALL, Some(&id)).await;
    let mut told = again.take(3).await;
    assert_eq!(told.pop().unwrap(), "synced");
    assert_eq!(told, ["added c.1 deployed", "added d.1 deployed"]);
    let mut current = w.open(ALL, Some(&again.id)).await;
    assert_eq!(current.take(1).await, ["synced"]);
    // Another server, or one that was started anew, has not seen what came before.
    let other = id.replace("default=", "default=0");
    for wrong in [other.as_str(), "5", "default=x.99", &format!("{}9", again.id)] {
        let mut reset = w.open(ALL, Some(wrong)).await;
        assert_eq!(reset.take(2).await, ["reset", "added a.1 deployed"], "{wrong}");
        assert_eq!(reset.take(4).await.last().unwrap(), "synced");
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_off() {
    let w = World::new(server::Config::default()).await;
    let mut slow = w.open(ALL, None).await;
    assert_eq!(slow.take(3).await.last().unwrap(), "synced");
    // More than the ring keeps; what happens to one release in one moment would be told as one.
    let mut tokens = Vec::new();
    for at in 0..600 {
        tokens.push(w.put("one", &format!("x{at}"), 1, Status::Deployed).await);
    }
    for round in 0..7 {
        let status = if round % 2 == 0 { Status::Failed } else { Status::Deployed };
        for (at, token) in tokens.iter_mut().enumerate() {
            *token = w.ledger.update(&record("one", &format!("x{at}"), 1, status), token).await.unwrap();
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut told = 0;
    while slow.next().await.is_some() {
        told += 1;
        if told > 6_000 {
            panic!("it was never cut off");
        }
    }
}

#[tokio::test]
async fn streams_are_counted_and_end_in_time() {
    let limits =
        server::Limits { caller_streams: 2, stream_time: Duration::from_millis(300), ..server::Limits::default() };
    let w = World::new(server::Config { limits, ..server::Config::default() }).await;
    let mut first = w.open(ALL, None).await;
    let second = w.open(ALL, None).await;
    let third = w.server.ask("GET", ALL, &[], Body::empty()).await;
    assert_eq!(third.reason(), (429, "RATE_LIMITED".into()));
    assert!(third.headers.contains_key("retry-after"));
    drop(second);
    drop(w.open(ALL, None).await);
    assert_eq!(first.take(3).await.last().unwrap(), "synced");
    assert!(first.next().await.is_none(), "the time of a stream is bounded");
    assert!(w.server.get("/metrics").await.text().contains("whipstaff_event_streams 0"));
}

#[tokio::test]
async fn too_many_requests_are_turned_away_with_the_time_to_wait() {
    let limits = server::Limits { caller_rate: 1, caller_burst: 3, ..server::Limits::default() };
    let w = World::new(server::Config { limits, ..server::Config::default() }).await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(w.server.get("/v1/releases").await);
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    assert_eq!(answers[4].reason().1, "RATE_LIMITED");
    assert_eq!(answers[4].header("retry-after"), "1");
    for _ in 0..5 {
        assert_eq!(w.server.get("/healthz").await.status, 200, "probes are always answered");
    }
}
