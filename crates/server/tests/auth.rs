//! Who asks: tokens of the cluster and API keys; and that no secret is ever written down.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use common::{Server, shop};
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};
use server::keys::Store;
use server::{Auth, Config};

const LIST: &str = "/v1/clusters/default/namespaces/web/releases";

fn sandbox() -> sandbox::Sandbox {
    let mut config = sandbox::Config::default();
    config.tokens.insert("of-alice".to_owned(), sandbox::User::new("alice", &["web", "system:authenticated"]));
    sandbox::Sandbox::new(config)
}

fn config(token_review: bool, api_keys: bool) -> Config {
    let auth = Auth { token_review, api_keys, ..Auth::default() };
    Config { namespace: "default".to_owned(), auth, ..Config::default() }
}

/// A client that counts the calls to a path.
fn counted(sandbox: &sandbox::Sandbox, path: &'static str) -> (kube::Client, Arc<AtomicUsize>) {
    let (inner, count) = (sandbox.client(), Arc::new(AtomicUsize::new(0)));
    let counter = count.clone();
    let speak = tower::service_fn(move |request: Request<kube::client::Body>| {
        let inner = inner.clone();
        if request.uri().path().ends_with(path) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        async move { inner.send(request).await }
    });
    (kube::Client::new(speak, "default"), count)
}

#[tokio::test]
async fn without_a_token_there_is_little() {
    let server = Server::over(sandbox().client(), config(true, true));
    for open in ["/", "/openapi.json", "/docs", "/healthz", "/readyz"] {
        assert_eq!(server.get(open).await.status, 200, "{open}");
    }
    for closed in [LIST, "/v1/charts", "/v1/operations", "/v1/clusters", "/nothing", "/healthz/", "//", "/metrics"] {
        let answer = server.get(closed).await;
        assert_eq!(answer.reason(), (401, "UNAUTHENTICATED".into()), "{closed}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    // Browsers are not what is kept out here: they have no token to send.
    let from_elsewhere = [("host", "whipstaff.example.com"), ("origin", "https://example.com")];
    let answer = server.ask("GET", "/healthz", &from_elsewhere, Body::empty()).await;
    assert_eq!(answer.status, 200);
    for wrong in ["of-nobody", "whipstaff_1_2", "whipstaff_", "a.b.c", "of-alice,of-alice"] {
        assert_eq!(server.with_token(wrong).get(LIST).await.status, 401, "{wrong}");
    }
    let basic = server.ask("GET", LIST, &[("authorization", "Basic b2YtYWxpY2U6")], Body::empty()).await;
    assert_eq!(basic.status, 401);
}

#[tokio::test(start_paused = true)]
async fn the_cluster_is_asked_once_whose_a_token_is() {
    let (client, reviews) = counted(&sandbox(), "/tokenreviews");
    let server = Server::over(client, config(true, false));
    let alice = server.with_token("of-alice");
    for _ in 0..3 {
        assert_eq!(alice.get("/v1/charts").await.status, 200);
    }
    assert_eq!(reviews.load(Ordering::Relaxed), 1);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(alice.get("/v1/charts").await.status, 200);
    assert_eq!(reviews.load(Ordering::Relaxed), 2);
    for _ in 0..3 {
        assert_eq!(server.with_token("of-nobody").get("/v1/charts").await.status, 401);
    }
    assert_eq!(reviews.load(Ordering::Relaxed), 3);
    // What looks like a key is never shown to the cluster.
    assert_eq!(server.with_token("whipstaff_1_2").get("/v1/charts").await.status, 401);
    assert_eq!(reviews.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_lets_nobody_in() {
    let server = Server::without_cluster_but(config(true, true));
    assert_eq!(server.get("/healthz").await.status, 200);
    for token in ["of-alice", "whipstaff_1_2"] {
        let answer = server.with_token(token).get("/v1/charts").await;
        assert_eq!(answer.reason(), (503, "CLUSTER_UNREACHABLE".into()));
        assert!(!answer.text().contains(token));
    }
}

#[tokio::test]
async fn a_list_shows_the_charts_that_one_has_uploaded() {
    let mut of = sandbox::Config::default();
    for user in ["alice", "bob"] {
        of.tokens.insert(format!("of-{user}"), sandbox::User::new(user, &["system:authenticated"]));
    }
    let sandbox = sandbox::Sandbox::new(of);
    // One takes it in, the other reads what was noted of it.
    let (one, two) =
        (Server::over(sandbox.client(), config(true, false)), Server::over(sandbox.client(), config(true, false)));
    let listed = async |user: &str| {
        let mut seen = Vec::new();
        for server in [&one, &two] {
            let list = server.with_token(&format!("of-{user}")).get("/v1/charts").await.json();
            seen.push(list["items"].as_array().unwrap().len());
        }
        seen
    };
    let digest = one.with_token("of-alice").upload(shop()).await;
    assert_eq!((listed("alice").await, listed("bob").await), (vec![1, 1], vec![0, 0]));
    let known = two.with_token("of-bob").get(&format!("/v1/charts/{digest}")).await;
    assert_eq!(known.status, 200, "who knows the digest has the chart");
    assert_eq!(two.with_token("of-bob").upload(shop()).await, digest);
    assert_eq!((listed("alice").await, listed("bob").await), (vec![1, 1], vec![1, 1]));
}

#[tokio::test(start_paused = true)]
async fn a_key_stands_for_a_user_until_it_ends_or_is_revoked() {
    let sandbox = sandbox();
    let now = Arc::new(Mutex::new("2026-11-30T00:00:00Z".parse::<Timestamp>().unwrap()));
    let clock = now.clone();
    let config = Config { now: Arc::new(move || *clock.lock().unwrap()), ..config(false, true) };
    let server = Server::over(sandbox.client(), config);
    let store = Store::new(sandbox.client(), "default");
    let begin = *now.lock().unwrap();
    let end = begin + Duration::from_secs(3600);
    let (key, text) = store.create("alice", &["web".to_owned()], begin, Some(end)).await.unwrap();
    let (other, another) = store.create("bob", &[], begin, None).await.unwrap();
    let alice = server.with_token(&text);
    assert_eq!(alice.get("/v1/charts").await.status, 200);
    let refused = alice.get(LIST).await.json();
    assert!(refused["detail"].as_str().unwrap().starts_with("user `alice` may not `list` `releases`"), "{refused}");
    // Its group has the right.
    let role = json!({"metadata": {"name": "r"}, "rules": [{"apiGroups": ["whipstaff.dev"], "resources": ["releases"], "verbs": ["list"]}]});
    post(&sandbox, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", &role).await;
    let binding = json!({"metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "Group", "name": "web"}]});
    post(&sandbox, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", &binding).await;
    let here = LIST.replace("web", "default");
    assert_eq!(alice.get(&here).await.status, 200);
    assert_eq!(server.with_token(&another).get(&here).await.status, 403);
    // Nearly the key is not the key.
    let mut wrong = text.clone();
    wrong.pop();
    for wrong in [wrong.clone(), format!("{wrong}x"), text.replace(&key.id, &other.id), text.to_uppercase()] {
        assert_eq!(server.with_token(&wrong).get("/v1/charts").await.status, 401, "{wrong}");
    }
    *now.lock().unwrap() = end;
    assert_eq!(alice.get("/v1/charts").await.status, 401, "its time is over");
    assert_eq!(server.with_token(&another).get("/v1/charts").await.status, 200);
    store.revoke(&other.id).await.unwrap();
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(server.with_token(&another).get("/v1/charts").await.status, 401, "it was revoked");
    assert!(store.revoke(&other.id).await.is_err());
    assert_eq!(store.list().await.unwrap(), [key]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_made_just_now_is_known() {
    let sandbox = sandbox();
    let server = Server::over(sandbox.client(), config(false, true));
    let store = Store::new(sandbox.client(), "default");
    let (_, first) = store.create("alice", &[], Timestamp::now(), None).await.unwrap();
    assert_eq!(server.with_token(&first).get("/v1/charts").await.status, 200);
    let (_, second) = store.create("alice", &[], Timestamp::now(), None).await.unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(server.with_token(&second).get("/v1/charts").await.status, 200);
}

#[tokio::test]
async fn no_key_makes_anyone_a_part_of_kubernetes() {
    let sandbox = sandbox();
    let server = Server::over(sandbox.client(), config(false, true));
    let store = Store::new(sandbox.client(), "default");
    for (user, group) in [("system:admin", "web"), ("alice", "system:masters"), ("", "web")] {
        assert!(store.create(user, &[group.to_owned()], Timestamp::now(), None).await.is_err(), "{user} {group}");
    }
    let (key, text) = store.create("alice", &["web".to_owned()], Timestamp::now(), None).await.unwrap();
    // Whoever may write Secrets here tries it by hand.
    let path = format!("/api/v1/namespaces/default/secrets/whipstaff-key-{}", key.id);
    patch(&sandbox, &path, &json!({"stringData": {"groups": "[\"system:masters\"]"}})).await;
    let answer = server.with_token(&text).get(LIST).await;
    assert_eq!(answer.status, 403, "{}", answer.text());
    patch(&sandbox, &path, &json!({"stringData": {"user": "system:serviceaccount:kube-system:x"}})).await;
    let fresh = Server::over(sandbox.client(), config(false, true));
    assert_eq!(fresh.with_token(&text).get(LIST).await.status, 401);
    // A key in another namespace is no key of this server.
    let elsewhere = Config { namespace: "kube-system".to_owned(), ..config(false, true) };
    assert_eq!(Server::over(sandbox.client(), elsewhere).with_token(&text).get(LIST).await.status, 401);
}

async fn post(sandbox: &sandbox::Sandbox, path: &str, body: &Value) {
    send(sandbox, http::Method::POST, path, "application/json", body).await;
}

async fn patch(sandbox: &sandbox::Sandbox, path: &str, body: &Value) {
    send(sandbox, http::Method::PATCH, path, "application/merge-patch+json", body).await;
}

async fn send(sandbox: &sandbox::Sandbox, method: http::Method, path: &str, kind: &str, body: &Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", kind);
    let request = request.body(body.to_string().into_bytes()).unwrap();
    sandbox.client().request::<Value>(request).await.unwrap_or_else(|error| panic!("{path}: {error}"));
}

/// Where a test's log goes.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn changes_are_written_down_and_secrets_are_not() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut of = sandbox::Config::default();
    let masters = &["ops", "system:masters", "system:authenticated"];
    of.tokens.insert("of-root-4711".to_owned(), sandbox::User::new("root@example.com", masters));
    let sandbox = sandbox::Sandbox::new(of);
    let server = Server::over(sandbox.client(), config(true, true));
    let store = Store::new(sandbox.client(), "default");
    let (key, text) = store.create("alice", &["web".to_owned()], Timestamp::now(), None).await.unwrap();
    let root = server.with_token("of-root-4711");
    let digest = root.upload(shop()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true, "values": {"message": "swordfish-0815"}});
    let made = root.change("PUT", &format!("{LIST}/shop"), &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let operation = made.json()["id"].as_str().unwrap().to_owned();
    let refused = server.with_token(&text).change("DELETE", &format!("{LIST}/shop"), &Value::Null).await;
    assert_eq!(refused.status, 403);
    let bad = "of-nobody-1234";
    assert_eq!(server.with_token(bad).change("PUT", &format!("{LIST}/shop"), &body).await.status, 401);
    let wrong = json!({"chart": {"upload": digest}, "values": {"replicas": "swordfish-0815"}});
    assert_eq!(root.change("PUT", &format!("{LIST}/shop"), &wrong).await.status, 422);

    let lab = json!({"name": "lab", "kubeconfig": {
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443"}}],
        "users": [{"name": "u", "user": {"token": "swordfish-0815"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }});
    let added = root.json("POST", "/v1/clusters", &lab).await;
    assert_eq!(added.status, 201, "{}", added.text());

    let text_of = log.text();
    let lines: Vec<&str> = text_of.lines().filter(|line| line.contains(" audit: ")).collect();
    let has = |line: &str, parts: &[&str]| parts.iter().all(|part| line.contains(part));
    let all = lines.join("\n");
    assert_eq!(lines.len(), 6, "{all}");
    assert!(has(lines[0], &["what=\"chart_upload\"", "user=\"root@example.com\"", "status=201"]), "{all}");
    let apply = [
        "what=\"release_apply\"",
        "user=\"root@example.com\"",
        "groups=\"ops,system:masters,system:authenticated\"",
        "by=\"tokenreview\"",
        "cluster=\"default\"",
        "namespace=\"web\"",
        "name=\"shop\"",
        "status=200",
        &format!("operation=\"{operation}\""),
    ];
    assert!(has(lines[1], &apply), "{all}");
    let uninstall =
        ["what=\"release_uninstall\"", "user=\"alice\"", "by=\"apikey\"", "status=403", "reason=\"CLUSTER_FORBIDDEN\""];
    assert!(has(lines[2], &uninstall), "{all}");
    assert!(has(lines[3], &["what=\"release_apply\"", "status=401", "reason=\"UNAUTHENTICATED\""]), "{all}");
    assert!(!lines[3].contains("user="), "{all}");
    assert!(has(lines[4], &["status=422", "reason=\"INVALID_VALUES\""]), "{all}");
    assert!(has(lines[5], &["what=\"cluster_create\"", "status=201", "made=\"/v1/clusters/lab\""]), "{all}");
    let secret = text.rsplit('_').next().unwrap();
    for secret in ["of-root-4711", bad, secret, &text, "swordfish"] {
        assert!(
            !text_of.contains(secret),
            "`{secret}` is in the log: {:?}",
            text_of.lines().find(|l| l.contains(secret))
        );
    }
    assert!(text_of.contains(&key.id) || !text_of.contains("whipstaff_"), "only what is not secret of a key");
}
