//! Streams of lists that go on with another server, or with one that was started anew: exactly what was missed is told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Server, archive, record};
use futures::future::join_all;
use http::Request;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use release::{Key, Ledger, SecretLedger, Status};
use sandbox::Sandbox;
use serde_json::json;
use streams::open;
use tower::ServiceExt;

const ALL: &str = "/v1/clusters/default/releases?watch=true";
const OPERATIONS: &str = "/v1/operations?watch=true";

/// A cluster with the releases `one/a` and `two/b`, and somebody else's hand in it.
struct World {
    sandbox: Sandbox,
    ledger: SecretLedger,
}

impl World {
    async fn new() -> Self {
        Self::with(sandbox::Config::default()).await
    }

    async fn with(config: sandbox::Config) -> Self {
        let sandbox = Sandbox::new(config);
        let api: Api<Namespace> = Api::all(sandbox.client());
        for name in ["one", "two"] {
            let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
            api.create(&PostParams::default(), &namespace).await.unwrap();
        }
        let ledger = SecretLedger::new(sandbox.client(), Arc::new(Timestamp::now));
        let world = Self { sandbox, ledger };
        world.put("one", "a", 1, Status::Deployed).await;
        world.put("two", "b", 1, Status::Deployed).await;
        world
    }

    /// A server that knows nothing but what the cluster tells it.
    fn server(&self) -> Server {
        Server::over(self.sandbox.client(), server::Config::default())
    }

    async fn put(&self, namespace: &str, name: &str, version: u32, status: Status) {
        self.ledger.create(&record(namespace, name, version, status)).await.unwrap();
    }

    async fn delete(&self, namespace: &str, name: &str, version: u32) {
        self.ledger.delete(&Key::new(namespace, name, version)).await.unwrap();
    }

    /// Changes what has nothing to do with releases.
    async fn touch(&self, name: &str) {
        let map = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        Api::<ConfigMap>::namespaced(self.sandbox.client(), "one").create(&PostParams::default(), &map).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_told_as_it_is_now() {
    let w = World::new().await;
    let (first, replica) = (w.server(), w.server());
    // The replica has been there all the time, the other one comes after the first one's death.
    assert_eq!(open(&replica, ALL, None).await.missed().await.len(), 2);
    let mut events = open(&first, ALL, None).await;
    assert_eq!(events.missed().await, ["added a.1 deployed", "added b.1 deployed"]);
    let id = events.id.clone();
    drop((events, first));
    w.put("one", "a", 2, Status::PendingUpgrade).await;
    w.delete("two", "b", 1).await;
    w.put("one", "c", 1, Status::Deployed).await;
    w.put("one", "d", 1, Status::Failed).await;
    w.delete("one", "d", 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    for server in [replica, w.server()] {
        let mut again = open(&server, ALL, Some(&id)).await;
        let mut missed = again.missed().await;
        // Those that came and went may have been told of, or not.
        missed.retain(|told| !told.starts_with("deleted d.") && !told.starts_with("deleted e."));
        assert_eq!(missed, ["modified a.2 pending-upgrade", "deleted b.1 deployed", "modified c.1 deployed"]);
        w.put("two", "e", 1, Status::Deployed).await;
        assert_eq!(again.take(1).await, ["added e.1 deployed"]);
        // Who comes from there has missed nothing, wherever it goes.
        assert!(open(&w.server(), ALL, Some(&again.id)).await.missed().await.is_empty());
        w.delete("two", "e", 1).await;
        assert_eq!(again.take(1).await, ["deleted e.1 deployed"]);
        assert!(open(&w.server(), ALL, Some(&again.id)).await.missed().await.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_hears_only_of_what_it_may_have_wanted() {
    let w = World::new().await;
    let paths = [
        &format!("{ALL}&status=deployed"),
        "/v1/clusters/default/namespaces/two/releases?watch=true",
        "/v1/releases?watch=true&filter=^a",
    ];
    let first = w.server();
    let ids = join_all(paths.map(async |path| {
        let mut events = open(&first, path, None).await;
        events.missed().await;
        events.id
    }))
    .await;
    w.put("one", "a", 2, Status::Failed).await;
    w.delete("two", "b", 1).await;
    w.put("two", "c", 1, Status::Deployed).await;
    let second = w.server();
    let missed =
        join_all(paths.iter().zip(&ids).map(async |(path, id)| open(&second, path, Some(id)).await.missed().await));
    assert_eq!(
        missed.await,
        [
            vec!["deleted a.2 failed", "deleted b.1 deployed", "modified c.1 deployed"],
            vec!["deleted b.1 deployed", "modified c.1 deployed"],
            vec!["modified a.2 failed"],
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn many_who_come_back_are_answered_from_one_look() {
    let w = World::new().await;
    let first = w.server();
    let mut events = open(&first, ALL, None).await;
    events.missed().await;
    let mut ids = vec![events.id.clone()];
    for at in 0..40 {
        w.put("one", &format!("x{at:02}"), 1, Status::Deployed).await;
        events.take(1).await;
        ids.push(events.id.clone());
    }
    let looks = Arc::new(AtomicUsize::new(0));
    let (service, counted) = (w.sandbox.service(), looks.clone());
    let client = kube::Client::new(
        tower::service_fn(move |request: Request<kube::client::Body>| {
            counted.fetch_add(usize::from(request.uri().to_string().contains("timeoutSeconds=3&")), Ordering::Relaxed);
            service.clone().oneshot(request)
        }),
        "default",
    );
    let second = Server::over(client, server::Config::default());
    // The worst order: each comes from further away than the one before.
    let missed =
        join_all(ids.iter().rev().map(async |id| open(&second, ALL, Some(id)).await.missed().await.len())).await;
    assert_eq!(missed, (0..=40).collect::<Vec<_>>());
    let looks = looks.load(Ordering::Relaxed);
    assert!((1..=2).contains(&looks), "{looks} looks");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_tells_how_far_it_goes_and_others_follow() {
    let w = World::new().await;
    let (first, behind) = (w.server(), w.server());
    let mut other = open(&behind, ALL, None).await;
    other.missed().await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    let mut events = open(&first, ALL, None).await;
    events.missed().await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    w.touch("unrelated").await;
    let id = events.place().await;
    // The other one has not heard of that yet.
    assert!(open(&behind, ALL, Some(&id)).await.missed().await.is_empty());
    w.put("one", "c", 1, Status::Deployed).await;
    assert_eq!(other.take(1).await, ["added c.1 deployed"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_does_not_know_any_more_is_told_anew() {
    let w = World::with(sandbox::Config { max_history: 20, ..sandbox::Config::default() }).await;
    let first = w.server();
    let mut events = open(&first, ALL, None).await;
    events.missed().await;
    for at in 0..30 {
        w.touch(&format!("x{at}")).await;
    }
    let all = ["reset", "added a.1 deployed", "added b.1 deployed"];
    let server = w.server();
    for _ in 0..2 {
        assert_eq!(open(&server, ALL, Some(&events.id)).await.missed().await, all);
    }
    // A version that there never was is of another cluster.
    let mut now = open(&server, ALL, None).await;
    now.missed().await;
    let (place, _) = now.id.rsplit_once('.').unwrap();
    let wrong = format!("{}.99999999", place.replace("default=", "default=0"));
    assert_eq!(open(&server, ALL, Some(&wrong)).await.missed().await, all);
}

#[tokio::test(start_paused = true)]
async fn operations_go_on_too() {
    let w = World::new().await;
    let replica = async || {
        let server = w.server();
        let watcher = server.clone();
        let work = tokio::spawn(async move { watcher.watch_over().await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        (server, work)
    };
    let install = async |server: &Server, name: &str| {
        let chart = [("x/Chart.yaml", "apiVersion: v2\nname: x\nversion: 1.0.0\n")];
        let body = json!({"chart": {"upload": server.upload(archive(&chart)).await}});
        let path = format!("/v1/clusters/default/namespaces/one/releases/{name}");
        assert_eq!(server.change("PUT", &path, &body).await.status, 200);
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let told = async |server: &Server, id: Option<&str>, path: &str| {
        let mut events = open(server, path, id).await;
        let mut told = Vec::new();
        loop {
            let (kind, data) = events.next().await.unwrap();
            if kind == "synced" {
                return (told, events.id);
            }
            told.push(format!("{kind} {} {}", data["release"]["name"], data["state"]).replace('"', ""));
        }
    };
    let (first, work) = replica().await;
    install(&first, "x").await;
    install(&first, "y").await;
    let (there, id) = told(&first, None, OPERATIONS).await;
    assert_eq!(there, ["added x succeeded", "added y succeeded"]);
    let (other, _work) = replica().await;
    assert!(told(&other, Some(&id), OPERATIONS).await.0.is_empty());
    work.abort();
    install(&other, "z").await;
    let leases: Api<Lease> = Api::namespaced(w.sandbox.client(), "default");
    let all = leases.list(&ListParams::default().labels("whipstaff.dev/release=x")).await.unwrap();
    leases.delete(all.items[0].metadata.name.as_deref().unwrap(), &DeleteParams::default()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (anew, _more) = replica().await;
    for server in [other, anew] {
        let (missed, _) = told(&server, Some(&id), OPERATIONS).await;
        assert_eq!(missed, ["deleted x succeeded", "modified z succeeded"]);
        let (missed, _) = told(&server, Some(&id), &format!("{OPERATIONS}&release=x&state=failed")).await;
        assert_eq!(missed, ["deleted x succeeded"]);
    }
    let (reset, _) = told(&first, Some("operations=x.1"), OPERATIONS).await;
    assert!(reset[0].starts_with("reset"), "{reset:?}");
}
