//! `watch=true`: what there is, and then what happens, with a place to come back to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use common::{Server, record};
use jiff::Timestamp;
use release::{Key, Ledger, SecretLedger, Status, Token};
use serde_json::json;
use streams::{Events, open};

const ALL: &str = "/v1/clusters/default/releases?watch=true";

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
        open(&self.server, path, last).await
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
    assert_eq!(failed.take(2).await, ["added a.2 failed", "deleted a.3 deployed"]);
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
    // What tells nothing of a place that there was.
    for wrong in ["5", "default=x.99", "other=x.1", "default=x.1.0.1"] {
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
