//! A Kubernetes API that answers with errors, slowly, or not at all: requests hear so, and no operation is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use axum::body::Body;
use common::time::Virtual;
use common::{Answer, Server, archive};
use futures::StreamExt;
use http::{Request, Response};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tower::ServiceExt;

const RELEASES: &str = "/v1/clusters/default/namespaces/web/releases";
const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

/// How the API is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Fine,
    /// It refuses everything with this status, in its own form.
    Refuses(u16),
    /// It refuses everything as one does that has too much to do: a head and a line of text.
    Crowded,
    /// It takes so long for each answer.
    Slow(Duration),
    /// Connections are refused, and those that were open break.
    Gone,
    /// Nothing comes back any more on whatever was sent, also when the API is well again.
    Silent,
}

/// A client of an API with moods.
fn moody(sandbox: &Sandbox, mood: &watch::Sender<Mood>) -> kube::Client {
    let (service, moods) = (sandbox.service(), mood.subscribe());
    let call = move |request: Request<kube::client::Body>| {
        let (service, mut moods) = (service.clone(), moods.clone());
        async move {
            let refuse = |code: u16, text: String, asked: Option<&str>| {
                let mut response = Response::builder().status(code).header("content-type", "application/json");
                if let Some(asked) = asked {
                    response = response.header("retry-after", asked);
                }
                Ok(response.body(http_body_util::Full::from(text).map_err(|e| match e {}).boxed_unsync()).unwrap())
            };
            let now = *moods.borrow_and_update();
            match now {
                Mood::Fine => {}
                Mood::Slow(time) => tokio::time::sleep(time).await,
                Mood::Refuses(code) => {
                    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                        "code": code, "reason": "InternalError", "message": "etcd is on fire"});
                    return refuse(code, status.to_string(), None);
                }
                Mood::Crowded => return refuse(429, "Too many requests, please try again later.\n".into(), Some("7")),
                Mood::Gone => return Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)),
                Mood::Silent => std::future::pending().await,
            }
            let (head, body) = service.oneshot(request).await.unwrap().into_parts();
            // What is followed breaks, or falls silent for good.
            let broken = async move {
                let found = moods.wait_for(|mood| !matches!(mood, Mood::Fine | Mood::Slow(_))).await.map(|mood| *mood);
                if !found.is_ok_and(|mood| mood != Mood::Silent) {
                    std::future::pending::<()>().await;
                }
            };
            let body = StreamBody::new(BodyStream::new(body).take_until(Box::pin(broken)));
            Ok(Response::from_parts(head, body.map_err(|e| panic!("{e}")).boxed_unsync()))
        }
    };
    kube::Client::new(tower::service_fn(call), "default")
}

struct World {
    sandbox: Sandbox,
    mood: watch::Sender<Mood>,
    time: Virtual,
    digest: String,
}

impl World {
    /// A cluster with a release at its first revision.
    async fn new() -> Self {
        let time = Virtual::new();
        let sandbox = time.sandbox();
        let mut world = Self { sandbox, mood: watch::Sender::new(Mood::Fine), time, digest: String::new() };
        let server = world.server();
        world.digest = server.upload(chart()).await;
        let answer = server.change("PUT", ONE, &world.body("first")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        world
    }

    fn server(&self) -> Server {
        self.time.server(moody(&self.sandbox, &self.mood))
    }

    /// A server that watches over the operations too.
    fn replica(&self) -> (Server, tokio::task::JoinHandle<()>) {
        self.time.replica(moody(&self.sandbox, &self.mood))
    }

    fn body(&self, message: &str) -> Value {
        json!({"chart": {"upload": self.digest}, "values": {"message": message}, "createNamespace": true,
               "wait": {"strategy": "watcher", "timeout": "5m"}})
    }

    fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
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

/// Asks for everything that needs the cluster.
async fn everything(world: &World, server: &Server) -> Vec<(String, Answer)> {
    let mut answers = Vec::new();
    for path in [
        RELEASES,
        "/v1/clusters/default/releases",
        "/v1/clusters/default/releases?sort=updated",
        ONE,
        &format!("{ONE}/values"),
        &format!("{ONE}/manifest"),
        &format!("{ONE}/revisions"),
        &format!("{ONE}/revisions/1"),
        &format!("{ONE}/resources"),
        &format!("{ONE}/drift"),
        "/v1/operations",
    ] {
        answers.push((format!("GET {path}"), server.get(path).await));
    }
    let body = world.body("again");
    let spec = json!({"chart": {"upload": world.digest}});
    for (method, path, body) in [
        ("POST", format!("{ONE}/plan"), &body),
        ("PUT", format!("{ONE}?dryRun=server"), &body),
        ("PUT", ONE.to_owned(), &body),
        ("POST", format!("{ONE}/rollback"), &json!({})),
        ("PATCH", ONE.to_owned(), &spec),
    ] {
        answers.push((format!("{method} {path}"), server.change(method, &path, body).await));
    }
    answers.push(("DELETE".to_owned(), server.ask("DELETE", ONE, &[("prefer", "wait=60")], Body::empty()).await));
    answers
}

#[tokio::test(start_paused = true)]
async fn requests_hear_what_is_wrong_with_the_cluster_and_when_to_come_back() {
    for (mood, status, reason, retry) in [
        (Mood::Refuses(500), 502, "CLUSTER_ERROR", "5"),
        (Mood::Refuses(503), 502, "CLUSTER_ERROR", "5"),
        (Mood::Crowded, 502, "CLUSTER_ERROR", "7"),
        (Mood::Gone, 503, "CLUSTER_UNREACHABLE", "5"),
    ] {
        let world = World::new().await;
        let server = world.server();
        assert_eq!(server.get(RELEASES).await.status, 200);
        assert_eq!(server.get("/readyz").await.status, 200);
        world.is(mood);
        // What was seen is shown for ten seconds.
        tokio::time::sleep(Duration::from_secs(30)).await;
        for (request, answer) in everything(&world, &server).await {
            assert_eq!(answer.reason(), (status, reason.to_owned()), "{mood:?}: {request}: {}", answer.text());
            assert_eq!(answer.header("retry-after"), retry, "{mood:?}: {request}");
            assert_eq!(answer.json()["retryable"], true, "{mood:?}: {request}");
        }
        let ready = server.get("/readyz").await;
        assert_eq!(ready.reason(), (503, "CLUSTER_UNREACHABLE".into()), "{mood:?}: {}", ready.text());
        assert_eq!(server.get("/healthz").await.status, 200);
        // The others do not suffer.
        let all = server.get("/v1/releases").await;
        if mood == Mood::Gone {
            assert_eq!(all.json()["unreachable"][0]["error"]["reason"], reason, "{}", all.text());
        }
        world.is(Mood::Fine);
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!(server.get("/readyz").await.status, 200);
        let answer = server.change("PUT", ONE, &world.body("again")).await;
        assert_eq!(answer.status, 200, "{mood:?}: {}", answer.text());
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_ever() {
    let world = World::new().await;
    let server = world.server();
    world.is(Mood::Slow(Duration::from_secs(2)));
    for (request, answer) in everything(&world, &server).await {
        assert!(answer.status.is_success() || answer.status == 404, "{request}: {}", answer.text());
    }
    let world = World::new().await;
    let server = world.server();
    for mood in [Mood::Silent, Mood::Slow(Duration::from_secs(600))] {
        world.is(mood);
        let begun = Instant::now();
        for (request, answer) in everything(&world, &server).await {
            assert!(begun.elapsed() < Duration::from_secs(3_600), "{request}");
            let (status, reason) = answer.reason();
            assert!(
                matches!((status, &*reason), (503, "CLUSTER_UNREACHABLE") | (504, "REQUEST_TIMEOUT")),
                "{mood:?}: {request}: {}",
                answer.text()
            );
            assert!(!answer.header("retry-after").is_empty(), "{mood:?}: {request}");
        }
        assert_eq!(server.get("/readyz").await.status, 503);
        assert_eq!(server.get("/healthz").await.status, 200);
    }
}

/// What is left when the API goes away in the middle of an operation, and comes back.
async fn outage(mood: Mood, after: Duration, time: Duration, replicas: usize) -> String {
    let place = format!("{mood:?} after {after:?} for {time:?}, replicas: {replicas}");
    let world = World::new().await;
    let servers: Vec<_> = (0..replicas).map(|_| world.replica()).collect();
    let (one, last) = (servers.first().unwrap().0.clone(), servers.last().unwrap().0.clone());
    one.upload(chart()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Slow enough to be in the middle of it.
    world.is(Mood::Slow(Duration::from_millis(400)));
    let body = world.body("again");
    let answer = one.json("PUT", ONE, &body).await;
    assert_eq!(answer.status, 202, "{place}: {}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    let stream = |server: &Server| {
        let (server, path) = (server.clone(), format!("/v1/operations/{id}/events"));
        tokio::spawn(async move {
            loop {
                let answer = server.get(&path).await;
                // As any client, it comes back when it is told to.
                match answer.header("retry-after").parse() {
                    Ok(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    Err(_) => return answer,
                }
            }
        })
    };
    let streams = [stream(&one), stream(&last)];
    tokio::time::sleep(after).await;
    world.is(mood);
    tokio::time::sleep(time).await;
    world.is(Mood::Fine);
    let mut text = String::new();
    for stream in streams {
        let heard = tokio::time::timeout(Duration::from_secs(400), stream).await;
        text = heard.unwrap_or_else(|_| panic!("{place}: a stream does not end")).unwrap().text();
        assert_eq!(text.matches("event: done").count(), 1, "{place}: {text}");
        assert!(text.trim_end().lines().rev().nth(1) == Some("event: done"), "{place}: {text}");
    }
    tokio::time::sleep(Duration::from_secs(30)).await;
    let ends: Vec<Value> = [&one, &last]
        .map(|server| {
            let (server, path) = (server.clone(), format!("/v1/operations/{id}"));
            async move { server.get(&path).await.json() }
        })
        .into_iter()
        .collect::<futures::stream::FuturesOrdered<_>>()
        .collect()
        .await;
    let end = ends.first().unwrap().clone();
    assert!(ends.iter().all(|other| *other == end), "{place}: {ends:#?}");
    assert_eq!(end["done"], true, "{place}: {end:#}");
    let told: Value =
        text.lines().rev().find_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).unwrap();
    assert_eq!(told["operation"]["state"], end["state"], "{place}: the end is told once");
    assert_eq!(told["operation"]["finishedAt"], end["finishedAt"], "{place}: the end is told once");
    // Nothing is left pending.
    let history = last.get(&format!("{ONE}/revisions")).await.json();
    for revision in history["items"].as_array().unwrap() {
        let status = revision["status"].as_str().unwrap();
        assert!(matches!(status, "deployed" | "superseded" | "failed"), "{place}: {history:#}");
    }
    let deployed = history["items"].as_array().unwrap().iter().filter(|one| one["status"] == "deployed").count();
    assert_eq!(deployed, 1, "{place}: {history:#}");
    // And the next change is not held up.
    let begun = Instant::now();
    let next = last.change("PUT", ONE, &world.body("next")).await;
    assert_eq!(next.status, 200, "{place}: {}", next.text());
    assert!(begun.elapsed() < Duration::from_secs(20), "{place}: {:?}", begun.elapsed());
    for (_, work) in servers {
        work.abort();
    }
    end["state"].as_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn an_operation_outlasts_an_api_that_goes_away() {
    for mood in [Mood::Gone, Mood::Silent, Mood::Refuses(500), Mood::Crowded] {
        for replicas in [1, 2] {
            for seconds in [5, 20, 60] {
                let mut states = std::collections::BTreeMap::<String, usize>::new();
                for after in [0, 500, 1_500, 3_000, 4_500, 6_000] {
                    let state =
                        outage(mood, Duration::from_millis(after), Duration::from_secs(seconds), replicas).await;
                    *states.entry(state).or_default() += 1;
                }
                println!("{mood:?} for {seconds} s, replicas: {replicas}: {states:?}");
            }
        }
    }
}
