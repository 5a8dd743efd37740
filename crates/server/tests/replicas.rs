//! Two servers over one cluster: whatever call the one dies in, the other brings its operation to an end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use common::mortal::{Death, mortal};
use common::time::Virtual;
use common::{Answer, Server, archive};
use sandbox::{Loss, Sandbox};
use serde_json::{Value, json};

const RELEASES: &str = "/v1/clusters/default/namespaces/web/releases";
const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

struct World {
    sandbox: Sandbox,
    time: Virtual,
    digest: String,
}

impl World {
    /// A cluster with a release at its first revision.
    async fn new() -> Self {
        let time = Virtual::new();
        let mut world = Self { sandbox: time.sandbox(), time, digest: String::new() };
        let server = time.server(world.sandbox.client());
        world.digest = server.upload(chart()).await;
        let body = json!({"chart": {"upload": world.digest}, "createNamespace": true});
        let answer = server.change("PUT", ONE, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        world
    }

    fn fork(&self) -> Self {
        Self { sandbox: self.sandbox.fork(), time: self.time, digest: self.digest.clone() }
    }

    fn body(&self) -> Value {
        json!({"chart": {"upload": self.digest}, "values": {"message": "again"}, "wait": {"strategy": "watcher"}})
    }
}

fn chart() -> Vec<u8> {
    archive(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n"),
        ("shop/values.yaml", "message: hello\n"),
        (
            "shop/templates/all.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {message: {{ .Values.message }}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\nspec: {ports: [{port: 80}]}\n",
        ),
    ])
}

/// The operations, but for the one that made the world.
async fn all(server: &Server) -> Vec<Value> {
    let mut all = server.get("/v1/operations").await.json()["items"].as_array().cloned().unwrap_or_default();
    all.pop();
    all
}

/// Waits until nothing runs any more.
async fn settled(server: &Server) -> Vec<Value> {
    for _ in 0..120 {
        let operations = all(server).await;
        if operations.iter().all(|operation| operation["done"] == true) {
            return operations;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    panic!("not everything comes to an end: {:#?}", all(server).await);
}

/// Kills one server in each of its calls while it upgrades, and looks at what the other makes of it.
#[tokio::test(start_paused = true)]
async fn whatever_call_a_server_dies_in_the_operation_ends_on_another() {
    let start = World::new().await;
    let calls = Arc::new(AtomicUsize::new(0));
    let whole = start.fork();
    let undisturbed = whole.time.server(mortal(&whole.sandbox, None, calls.clone()));
    let again = undisturbed.upload(chart()).await;
    assert_eq!(again, start.digest);
    let before = calls.load(Ordering::Relaxed);
    assert_eq!(undisturbed.change("PUT", ONE, &start.body()).await.status, 200);
    let after = calls.load(Ordering::Relaxed);
    assert!(after - before > 15, "{before} {after}");
    let mut taken_over = 0;
    for call in before + 1..=after {
        for loss in [Loss::Request, Loss::Response] {
            let world = start.fork();
            let death = Some(Death { call, loss });
            let dying = world.time.server(mortal(&world.sandbox, death, Arc::new(AtomicUsize::new(0))));
            dying.upload(chart()).await;
            let (other, work) = world.time.replica(world.sandbox.client());
            let (asked, body) = (dying.clone(), world.body());
            let request = tokio::spawn(async move { asked.json("PUT", ONE, &body).await });
            // Somebody listens to the other one as soon as there is something to hear.
            tokio::time::sleep(Duration::from_secs(3)).await;
            let stream = match all(&other).await.first().and_then(|operation| operation["id"].as_str()) {
                Some(id) => {
                    let (server, path) = (other.clone(), format!("/v1/operations/{id}/events"));
                    Some(tokio::spawn(async move { server.get(&path).await }))
                }
                None => None,
            };
            let place = format!("{death:?}: {:?}", world.sandbox.faults().calls().last());
            let operations = settled(&other).await;
            request.abort();
            let answered: Option<Answer> = request.await.ok();
            if let Some(answer) = answered.filter(|answer| answer.status.is_success()) {
                assert_eq!(operations.len(), 1, "{place}: {}", answer.text());
            }
            if let Some(stream) = stream {
                let text = stream.await.unwrap().text();
                let never_begun = operations.is_empty() && text.contains("OPERATION_");
                assert!(
                    never_begun || text.trim_end().lines().rev().any(|line| line == "event: done"),
                    "{place}: {text}"
                );
                taken_over += usize::from(text.contains("goes on with it"));
            }
            let release = other.get(ONE).await.json();
            let history = other.get(&format!("{ONE}/revisions")).await.json();
            assert_eq!(release["status"], "deployed", "{place}: {history:#}");
            if let Some(operation) = operations.first() {
                assert_eq!(operation["state"], "succeeded", "{place}: {operation:#}");
                assert_eq!(operation["result"]["revision"], release["revision"], "{place}: {operation:#} {history:#}");
                let values = other.get(&format!("{ONE}/values")).await.json();
                assert_eq!(values, json!({"message": "again"}), "{place}");
            }
            // Nothing is left of it, and the next change is not held up.
            let mut next = other.change("PUT", ONE, &world.body()).await;
            for _ in 0..30 {
                if next.status == 200 {
                    break;
                }
                // A listing that nobody answered for has to run out.
                assert_eq!(next.reason(), (409, "OPERATION_IN_PROGRESS".into()), "{place}: {}", next.text());
                tokio::time::sleep(Duration::from_secs(1)).await;
                next = other.change("PUT", ONE, &world.body()).await;
            }
            assert_eq!(next.status, 200, "{place}: {}", next.text());
            work.abort();
            let left = world.sandbox.faults().calls().len();
            assert!(left < 2_000, "{place}: {left} calls");
        }
    }
    assert!(taken_over > 10, "{taken_over}");
}

#[tokio::test(start_paused = true)]
async fn another_server_shows_follows_and_cancels_what_runs_elsewhere() {
    let world = World::new().await;
    let (one, _work) = world.time.replica(world.sandbox.client());
    let (two, _other) = world.time.replica(world.sandbox.client());
    let slow = archive(&[
        ("slow/Chart.yaml", "apiVersion: v2\nname: slow\nversion: 1.0.0\n"),
        (
            "slow/templates/hook.yaml",
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-upgrade}}\nspec:\n  template:\n    metadata: {annotations: {test.whipstaff.dev/outcome: hang}}\n    spec: {restartPolicy: Never, containers: [{name: it, image: it}]}\n",
        ),
    ]);
    let digest = one.upload(slow).await;
    let answer = one.json("PUT", ONE, &json!({"chart": {"upload": digest}})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let at = format!("/v1/operations/{id}");
    let listening = {
        let (two, path) = (two.clone(), format!("{at}/events"));
        tokio::spawn(async move { two.get(&path).await })
    };
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(two.get(&at).await.json()["phase"], "preHooks");
    // The other one knows that the release is busy, and can queue behind it.
    let body = world.body();
    let busy = two.json("PUT", ONE, &body).await;
    assert_eq!(busy.reason(), (409, "OPERATION_IN_PROGRESS".into()), "{}", busy.text());
    assert_eq!(busy.json()["operation"]["id"], id.as_str());
    let queued = two.json("PUT", &format!("{ONE}?queue=true"), &body).await;
    assert_eq!((queued.status.as_u16(), queued.json()["state"].clone()), (202, json!("queued")), "{}", queued.text());
    let queued = queued.json()["id"].as_str().unwrap().to_owned();
    let cancelled = two.ask("POST", &format!("{at}/cancel"), &[], Body::empty()).await;
    assert_eq!((cancelled.status.as_u16(), cancelled.json()["state"].clone()), (202, json!("cancelling")));
    let text = listening.await.unwrap().text();
    assert!(text.contains("event: hook") && text.contains("\"state\":\"cancelled\""), "{text}");
    let operations = settled(&two).await;
    let states: Vec<&str> = operations.iter().map(|operation| operation["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["succeeded", "cancelled"]);
    assert_eq!(operations[0]["id"], queued.as_str());
    // What is over is shown by both, and its stream ends at once.
    for server in [&one, &two] {
        assert_eq!(server.get(&at).await.json()["state"], "cancelled");
        let replay = server.ask("GET", &format!("{at}/events"), &[("last-event-id", "1")], Body::empty()).await.text();
        assert!(!replay.contains("id: 1\n") && replay.contains("event: done"), "{replay}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_one_operation_wherever_it_is_sent() {
    let world = World::new().await;
    let (one, two) = (world.time.server(world.sandbox.client()), world.time.server(world.sandbox.client()));
    let headers = [("content-type", "application/json"), ("prefer", "wait=60"), ("idempotency-key", "k")];
    let body = world.body().to_string();
    let (first, second) =
        tokio::join!(one.ask("PUT", ONE, &headers, body.clone()), two.ask("PUT", ONE, &headers, body.clone()));
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200), "{} {}", first.text(), second.text());
    assert_eq!(first.json()["id"], second.json()["id"]);
    let other = two.ask("DELETE", ONE, &headers, Body::empty()).await;
    assert_eq!(other.reason(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_hands_over_what_it_does_not_finish() {
    let world = World::new().await;
    let (other, _work) = world.time.replica(world.sandbox.client());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = server::Config { grace: Duration::from_secs(1), ..world.time.config() };
    let app = server::App::new(config, world.time.engine(world.sandbox.client()));
    let ending = Server::of(app.clone());
    let digest = ending.upload(chart()).await;
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(listener, app, async {
        let _ = ended.await;
    }));
    // It never gets ready there, until somebody else tries.
    world.sandbox.faults().clear();
    let body = json!({"name": "late", "chart": {"upload": digest}, "wait": {"strategy": "watcher"}});
    let begun = world.sandbox.faults().calls().len();
    for call in begun + 12..begun + 60 {
        world.sandbox.faults().at(call, sandbox::Fault::Slow(Duration::from_millis(700)));
    }
    let answer = ending.json("POST", RELEASES, &body).await;
    assert!(answer.status.is_success() || answer.status == 202, "{}", answer.text());
    end.send(()).unwrap();
    serving.await.unwrap().unwrap();
    assert_eq!(ending.json("POST", RELEASES, &body).await.reason(), (503, "SHUTTING_DOWN".into()));
    let operations = settled(&other).await;
    let late = operations.iter().find(|operation| operation["release"]["name"] == "late").unwrap();
    assert_eq!(late["state"], "succeeded", "{late:#}");
}
