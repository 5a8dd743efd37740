//! Several clusters behind one server: what is done in one, lists of all, one that never answers, and those that Secrets name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use common::time::Virtual;
use common::{Server, archive};
use http::Request;
use http_body_util::BodyExt;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use sandbox::{Sandbox, User};
use serde_json::{Value, json};
use server::{App, Auth, ClusterInfo, Config, Hosts};
use tokio::time::Instant;
use tower::ServiceExt;

const IN_LAB: &str = "/v1/clusters/lab/namespaces/web/releases";
const LAB: &str = "/v1/clusters/lab/namespaces/web/releases/shop";
const HOME: &str = "/v1/clusters/default/namespaces/web/releases/shop";

fn chart() -> Vec<u8> {
    archive(&[
        ("shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.2.3\n"),
        ("shop/values.yaml", "message: hello\n"),
        (
            "shop/templates/all.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\ndata: {message: {{ .Values.message }}}\n",
        ),
    ])
}

fn engine(client: kube::Client) -> engine::Engine {
    engine::Engine::new(client, engine::Settings::guarded())
}

fn app(home: &Sandbox, others: &[(&str, kube::Client)], config: Config) -> App {
    let app = App::new(config, engine(home.client()));
    others.iter().fold(app, |app, (name, client)| {
        app.with_cluster(name, engine(client.clone()), ClusterInfo::default()).unwrap()
    })
}

/// A client whose calls are lost as long as the flag is up: nothing comes back.
fn silenced(sandbox: &Sandbox, silent: Arc<AtomicBool>) -> kube::Client {
    let service = sandbox.service();
    let call = move |request: Request<kube::client::Body>| {
        let (service, silent) = (service.clone(), silent.clone());
        async move {
            if silent.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
            service.oneshot(request).await
        }
    };
    kube::Client::new(tower::service_fn(call), "default")
}

fn names(list: &Value) -> Vec<String> {
    let name = |item: &Value| format!("{}/{}", item["cluster"].as_str().unwrap(), item["name"].as_str().unwrap());
    list["items"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn a_name_is_a_label_of_its_own() {
    let app = || app(&Sandbox::default(), &[("lab", Sandbox::default().client())], Config::default());
    for bad in ["default", "lab", "Lab", "a.b", "", "-a", &"x".repeat(64)] {
        let again = app().with_cluster(bad, engine(Sandbox::default().client()), ClusterInfo::default());
        assert!(again.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn every_path_is_about_the_cluster_that_it_names() {
    let (home, lab) = (Sandbox::default(), Sandbox::default());
    let server = Server::of(app(&home, &[("lab", lab.client())], Config::default()));
    let digest = server.upload(chart()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    let planned = server.json("POST", &format!("{LAB}/plan"), &body).await.json();
    assert_eq!(planned["release"]["cluster"], "lab", "{planned:#}");
    let tried = server.json("PUT", &format!("{LAB}?dryRun=server"), &body).await.json();
    assert_eq!((&tried["release"]["cluster"], &tried["plan"]["release"]["cluster"]), (&json!("lab"), &json!("lab")));
    let made = server.change("PUT", LAB, &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    assert_eq!(made.json()["release"], json!({"cluster": "lab", "namespace": "web", "name": "shop"}));
    assert_eq!(server.get(LAB).await.json()["cluster"], "lab");
    assert_eq!(server.get(HOME).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
    let again = server.change("PATCH", LAB, &json!({"values": {"message": "again"}})).await;
    assert_eq!(again.json()["result"]["revision"], 2, "{}", again.text());
    let diff = server.json("POST", &format!("{LAB}/diff"), &json!({"from": 1})).await;
    assert_eq!(diff.status, 200, "{}", diff.text());
    for part in ["values", "manifest", "notes", "hooks", "chart", "record", "objects", "revisions", "revisions/1"] {
        assert_eq!(server.get(&format!("{LAB}/{part}")).await.status, 200, "{part}");
    }
    assert_eq!(server.get(&format!("{LAB}/resources")).await.json()["items"][0]["name"], "shop");
    assert_eq!(server.get(&format!("{LAB}/drift")).await.json()["drifted"], false);
    // Its records are beside the release (that of the first operation is older than the namespace), and what all replicas know of it is at home.
    let records = |sandbox: &Sandbox| {
        let secrets: Api<Secret> = Api::namespaced(sandbox.client(), "web");
        async move { secrets.list(&ListParams::default()).await.unwrap().items.len() }
    };
    assert_eq!((records(&home).await, records(&lab).await), (0, 3));
    let leases: Api<Lease> = Api::namespaced(home.client(), "default");
    assert_eq!(leases.list(&ListParams::default()).await.unwrap().items.len(), 2);
    let operations = server.get("/v1/operations?cluster=lab&namespace=web").await.json();
    assert_eq!(operations["items"].as_array().unwrap().len(), 2);
    assert_eq!(server.get("/v1/operations?cluster=default").await.json()["items"], json!([]));
    // Both have a release of the same name.
    assert_eq!(server.change("PUT", HOME, &body).await.status, 200);
    let all = server.get("/v1/releases").await.json();
    assert_eq!((names(&all), &all["unreachable"]), (vec!["default/shop".into(), "lab/shop".into()], &Value::Null));
    let page = server.get("/v1/releases?limit=1").await.json();
    let next = format!("/v1/releases?limit=1&continue={}", page["continue"].as_str().unwrap());
    assert_eq!(
        (names(&page), names(&server.get(&next).await.json())),
        (vec!["default/shop".into()], vec!["lab/shop".into()])
    );
    assert_eq!(names(&server.get("/v1/clusters/lab/releases").await.json()), ["lab/shop"]);
    assert_eq!(names(&server.get(IN_LAB).await.json()), ["lab/shop"]);
    // Rendering for a cluster, and taking the release away again.
    assert_eq!(server.change("DELETE", LAB, &json!({})).await.status, 200);
    assert_eq!(names(&server.get("/v1/releases").await.json()), ["default/shop"]);
    let shown = server.get("/v1/clusters/lab").await.json();
    assert_eq!((&shown["source"], &shown["reachable"]), (&json!("flag"), &json!(true)));
    for (method, body) in [("PUT", json!({"kubeconfig": {}})), ("DELETE", Value::Null)] {
        let answer = server.json(method, "/v1/clusters/lab", &body).await;
        assert_eq!(answer.reason(), (409, "CLUSTER_READ_ONLY".into()), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_never_answers_slows_nobody_down() {
    let time = Virtual::new();
    let silent = Arc::new(AtomicBool::new(true));
    let (home, lab) = (Sandbox::default(), Sandbox::default());
    let others = [("lab", silenced(&lab, silent.clone())), ("other", Sandbox::default().client())];
    let server = Server::of(app(&home, &others, time.config()));
    let digest = server.upload(chart()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    assert_eq!(server.change("PUT", HOME, &body).await.status, 200);
    let timed = async |path: &str| {
        let begun = Instant::now();
        let answer = server.get(path).await;
        (answer, begun.elapsed())
    };
    // The first one waits, for a time.
    let (all, took) = timed("/v1/releases").await;
    assert_eq!(
        (names(&all.json()), all.json()["unreachable"][0]["cluster"].clone()),
        (vec!["default/shop".into()], json!("lab"))
    );
    assert!(took <= Duration::from_secs(5), "{took:?}");
    assert_eq!(all.json()["unreachable"][0]["error"]["reason"], "CLUSTER_UNREACHABLE");
    tokio::time::sleep(Duration::from_secs(4)).await;
    // From then on nobody waits for it.
    for path in
        ["/v1/releases", "/v1/clusters", "/v1/operations", "/v1/clusters/default/releases", "/readyz", "/metrics"]
    {
        let (answer, took) = timed(path).await;
        assert!(answer.status == 200 && took < Duration::from_millis(100), "{path}: {took:?} {}", answer.text());
    }
    let (of_lab, took) = timed(LAB).await;
    assert_eq!(of_lab.reason(), (503, "CLUSTER_UNREACHABLE".into()));
    assert!(took < Duration::from_millis(100), "{took:?}");
    let begun = Instant::now();
    let change = server.change("PUT", LAB, &body).await;
    assert_eq!(change.reason(), (503, "CLUSTER_UNREACHABLE".into()));
    assert!(begun.elapsed() < Duration::from_millis(100));
    assert_eq!(server.get("/v1/operations").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/clusters/lab").await.json()["reachable"], false);
    // A stream says that it is missing, and ends soon, so that it is looked for again.
    let stream = server.open("/v1/releases?watch=true", &[]).await;
    let begun = Instant::now();
    let text = stream.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with("event: unreachable\ndata: {\"cluster\":\"lab\""), "{text}");
    assert!(text.contains("event: added") && text.contains("event: synced"), "{text}");
    assert!(begun.elapsed() <= Duration::from_secs(61), "{:?}", begun.elapsed());
    // When it answers again, that is seen.
    silent.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let all = server.get("/v1/releases").await.json();
    assert_eq!(all["unreachable"], Value::Null, "{all:#}");
    assert_eq!(server.change("PUT", LAB, &body).await.status, 200);
    assert_eq!(names(&server.get("/v1/releases").await.json()), ["default/shop", "lab/shop"]);
}

#[tokio::test(start_paused = true)]
async fn an_operation_in_another_cluster_is_taken_over() {
    for last in [1, 3, 6, 9, 12] {
        dies_after(last).await;
    }
}

/// A server dies as a whole after some calls to the other cluster.
async fn dies_after(last: usize) {
    let time = Virtual::new();
    let (home, lab) = (time.sandbox(), time.sandbox());
    let dead = Arc::new(AtomicBool::new(false));
    let calls = Arc::new(AtomicUsize::new(0));
    let dying = {
        let (service, dead, calls) = (lab.service(), dead.clone(), calls.clone());
        let call = move |request: Request<kube::client::Body>| {
            let (service, dead, number) = (service.clone(), dead.clone(), calls.fetch_add(1, Ordering::Relaxed));
            async move {
                if number >= last {
                    dead.store(true, Ordering::Relaxed);
                }
                if dead.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
                service.oneshot(request).await
            }
        };
        kube::Client::new(tower::service_fn(call), "default")
    };
    let of = |home: kube::Client, lab: kube::Client| {
        let app = App::new(time.config(), time.engine(home));
        Server::of(app.with_cluster("lab", time.engine(lab), ClusterInfo::default()).unwrap())
    };
    let one = of(silenced(&home, dead.clone()), dying);
    let two = of(home.client(), lab.client());
    let watcher = two.clone();
    let work = tokio::spawn(async move { watcher.watch_over().await });
    let digest = two.upload(chart()).await;
    one.upload(chart()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    let asked = one.clone();
    let request = tokio::spawn(async move { asked.change("PUT", LAB, &body).await });
    let mut end = Value::Null;
    for _ in 0..120 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        end = two.get("/v1/operations").await.json()["items"][0].clone();
        if end["done"] == true {
            break;
        }
    }
    assert!(dead.load(Ordering::Relaxed), "{} calls", calls.load(Ordering::Relaxed));
    assert_eq!((&end["state"], &end["release"]["cluster"]), (&json!("succeeded"), &json!("lab")), "{end:#}");
    assert_eq!(two.get(LAB).await.json()["status"], "deployed");
    request.abort();
    work.abort();
}

/// A kubeconfig of a sandbox that is served on loopback.
async fn kubeconfig(sandbox: &Sandbox, token: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = sandbox.clone();
    tokio::spawn(async move { served.serve(listener).await });
    json!({
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "u", "user": {"token": token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    })
    .to_string()
}

fn secret(name: &str, data: &Value) -> Secret {
    serde_json::from_value(json!({
        "metadata": {"name": format!("whipstaff.cluster.{name}"), "labels": {"whipstaff.dev/kind": "cluster"}},
        "type": "whipstaff.dev/cluster.v1",
        "stringData": data,
    }))
    .unwrap()
}

/// Waits until a cluster is there, or gone.
async fn until(server: &Server, name: &str, there: bool) {
    for _ in 0..100 {
        if (server.get(&format!("/v1/clusters/{name}")).await.status == 200) == there {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("`{name}` is not as it should be: {}", server.get("/v1/clusters").await.text());
}

#[tokio::test]
async fn secrets_name_clusters_for_all_replicas() {
    let (home, lab) = (Sandbox::default(), Sandbox::default());
    let config = || Config { cluster_hosts: Hosts::read(&["127.0.0.1"]).unwrap(), ..Config::default() };
    let (one, two) = (Server::of(app(&home, &[], config())), Server::of(app(&home, &[], config())));
    let watchers = [one.clone(), two.clone()].map(|server| tokio::spawn(async move { server.watch_over().await }));
    let secrets: Api<Secret> = Api::namespaced(home.client(), "default");
    let made = |secret: Secret| {
        let secrets = secrets.clone();
        async move { secrets.create(&PostParams::default(), &secret).await.unwrap() }
    };
    let kubeconfig = kubeconfig(&lab, "").await;
    made(secret("broken", &json!({"kubeconfig": "users: ["}))).await;
    made(secret(
        "reads-files",
        &json!({"kubeconfig": kubeconfig.replace("token\":\"\"", "tokenFile\":\"/etc/passwd\"")}),
    ))
    .await;
    made(secret("elsewhere", &json!({"kubeconfig": kubeconfig, "context": "y"}))).await;
    made(secret("empty", &json!({}))).await;
    made(secret("default", &json!({"kubeconfig": kubeconfig}))).await;
    made(secret("lab", &json!({"kubeconfig": kubeconfig}))).await;
    for server in [&one, &two] {
        until(server, "lab", true).await;
        for (name, why) in [
            ("broken", "`kubeconfig`: not YAML"),
            ("reads-files", "the server reads no files"),
            ("elsewhere", "there is no context `y`"),
            ("empty", "has no `kubeconfig`"),
        ] {
            until(server, name, true).await;
            let shown = server.get(&format!("/v1/clusters/{name}")).await.json();
            assert!(
                shown["reachable"] == false && shown["error"]["detail"].as_str().unwrap().contains(why),
                "{shown:#}"
            );
            let of_it = server.get(&format!("/v1/clusters/{name}/releases")).await;
            assert_eq!(of_it.reason(), (503, "CLUSTER_UNREACHABLE".into()));
        }
        assert_eq!(server.get("/v1/clusters/default").await.json()["source"], "default");
    }
    let digest = one.upload(chart()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    let change = one.change("PUT", LAB, &body).await;
    assert_eq!(change.status, 200, "{}", change.text());
    let all = two.get("/v1/releases").await.json();
    assert_eq!(names(&all), ["lab/shop"]);
    let missing: Vec<&Value> = all["unreachable"].as_array().unwrap().iter().map(|one| &one["cluster"]).collect();
    assert_eq!(missing, ["broken", "elsewhere", "empty", "reads-files"]);
    // What one replica writes the other one knows.
    let put = json!({"kubeconfig": kubeconfig});
    let written = one.json("PUT", "/v1/clusters/other", &put).await;
    assert_eq!(
        (written.status.as_u16(), written.json()["reachable"].clone()),
        (201, json!(true)),
        "{}",
        written.text()
    );
    until(&two, "other", true).await;
    assert_eq!(names(&two.get("/v1/clusters/other/releases").await.json()), ["other/shop"]);
    let mended = one.json("PUT", "/v1/clusters/broken", &put).await;
    assert_eq!((mended.status.as_u16(), mended.json()["reachable"].clone()), (200, json!(true)), "{}", mended.text());
    // A stream of all ends when a cluster goes, and its operations are forgotten with it.
    let stream = two.open("/v1/releases?watch=true", &[]).await;
    let gone = two.ask("DELETE", "/v1/clusters/lab", &[], Body::empty()).await;
    assert_eq!(gone.status, 204, "{}", gone.text());
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.into_body().collect()).await;
    assert!(ended.is_ok_and(|body| body.is_ok()));
    until(&one, "lab", false).await;
    assert_eq!(one.get(LAB).await.reason(), (404, "CLUSTER_NOT_FOUND".into()));
    assert_eq!(one.get("/v1/operations").await.json()["items"], json!([]));
    secrets.delete("whipstaff.cluster.other", &DeleteParams::default()).await.unwrap();
    for server in [&one, &two] {
        until(server, "other", false).await;
    }
    watchers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_kubeconfig_that_reaches_for_the_server_is_refused() {
    let server = Server::of(app(&Sandbox::default(), &[], Config::default()));
    let config = |cluster: Value, user: Value| {
        let mut cluster_entry = json!({"server": "https://k8s.example.com"});
        cluster_entry.as_object_mut().unwrap().extend(cluster.as_object().unwrap().clone());
        json!({
            "clusters": [{"name": "c", "cluster": cluster_entry}],
            "users": [{"name": "u", "user": user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        })
    };
    let (none, user, cluster) = (json!({}), "/kubeconfig/users/0/user", "/kubeconfig/clusters/0/cluster");
    let cases = [
        (config(none.clone(), json!({"exec": {"command": "id"}})), format!("{user}/exec")),
        (config(none.clone(), json!({"auth-provider": {"name": "gcp"}})), format!("{user}/auth-provider")),
        (config(none.clone(), json!({"tokenFile": "/etc/passwd"})), format!("{user}/tokenFile")),
        (config(none.clone(), json!({"client-key": "/etc/passwd"})), format!("{user}/client-key")),
        (config(none.clone(), json!({"as": "system:admin"})), format!("{user}/as")),
        (
            config(json!({"certificate-authority": "/etc/passwd"}), none.clone()),
            format!("{cluster}/certificate-authority"),
        ),
        (
            config(json!({"insecure-skip-tls-verify": true}), none.clone()),
            format!("{cluster}/insecure-skip-tls-verify"),
        ),
        (config(json!({"proxy-url": "http://x"}), none.clone()), format!("{cluster}/proxy-url")),
        (config(json!({"server": "http://k8s.example.com"}), none.clone()), format!("{cluster}/server")),
        (config(json!({"server": "https://127.0.0.1"}), none.clone()), format!("{cluster}/server")),
        (config(json!({"server": "https://169.254.169.254"}), none.clone()), format!("{cluster}/server")),
        (json!({}), "/kubeconfig/contexts".to_owned()),
        (json!(5), "/kubeconfig".to_owned()),
        (json!("a: ["), "/kubeconfig".to_owned()),
        (json!(config(none.clone(), json!({"exec": {}, "token": "s3cret"})).to_string()), "/kubeconfig".to_owned()),
    ];
    for (kubeconfig, pointer) in cases {
        for (method, path) in [("PUT", "/v1/clusters/lab"), ("POST", "/v1/clusters")] {
            let answer = server.json(method, path, &json!({"name": "lab", "kubeconfig": kubeconfig})).await;
            assert_eq!(answer.reason(), (422, "INVALID_INPUT".into()), "{kubeconfig}: {}", answer.text());
            assert_eq!(answer.pointers(), std::slice::from_ref(&pointer), "{kubeconfig}");
            assert!(!answer.text().contains("s3cret"));
        }
    }
    let good = config(none.clone(), none);
    for (path, body, place) in [
        ("/v1/clusters/lab", json!({"kubeconfig": good, "context": "y"}), "/context"),
        ("/v1/clusters/lab", json!({"kubeconfig": good, "name": "other"}), "/name"),
        ("/v1/clusters/lab", json!({"name": "lab"}), "/kubeconfig"),
        ("/v1/clusters/lab", json!({"kubeconfig": good, "token": "x"}), "/token"),
    ] {
        assert_eq!(server.json("PUT", path, &body).await.pointers(), [place], "{body}");
    }
    for name in ["Lab", "a.b", "-a", ""] {
        let answer = server.json("POST", "/v1/clusters", &json!({"name": name, "kubeconfig": good})).await;
        assert_eq!(answer.pointers(), ["/name"], "{name}");
    }
    assert_eq!(
        server.json("PUT", "/v1/clusters/a.b", &json!({"kubeconfig": good})).await.reason(),
        (422, "INVALID_INPUT".into())
    );
    assert_eq!(server.ask("DELETE", "/v1/clusters/a.b", &[], Body::empty()).await.reason().0, 404);
    assert_eq!(server.get("/v1/clusters").await.json()["items"].as_array().unwrap().len(), 1);
}

async fn grant(sandbox: &Sandbox, user: &str, namespace: Option<&str>, rules: Value) {
    let post = async |path: String, body: Value| {
        let request = http::Request::post(path).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).unwrap();
        let _: Value = sandbox.client().request(request).await.unwrap();
    };
    let (kind, below) = match namespace {
        Some(name) => ("Role", format!("/namespaces/{name}")),
        None => ("ClusterRole", String::new()),
    };
    if let Some(name) = namespace {
        post("/api/v1/namespaces".into(), json!({"metadata": {"name": name}})).await;
    }
    let base = format!("/apis/rbac.authorization.k8s.io/v1{below}/{}s", kind.to_lowercase());
    post(base.clone(), json!({"metadata": {"name": user}, "rules": rules})).await;
    let binding = json!({"metadata": {"name": user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": user},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
    post(base.replace("roles", "rolebindings"), binding).await;
}

#[tokio::test]
async fn each_cluster_decides_what_a_caller_may_there() {
    let mut of_home = sandbox::Config::default();
    for name in ["alice", "root", "bob"] {
        of_home.tokens.insert(format!("of-{name}"), User::new(name, &["system:authenticated"]));
    }
    let (home, lab) = (Sandbox::new(of_home), Sandbox::default());
    let config = Config { auth: Auth { token_review: true, ..Auth::default() }, ..Config::default() };
    let info = ClusterInfo { server: Some("https://lab.example.com".into()), ..ClusterInfo::default() };
    let app = App::new(config, engine(home.client())).with_cluster("lab", engine(lab.client()), info).unwrap();
    let server = Server::of(app);
    let (alice, root, bob) = (server.with_token("of-alice"), server.with_token("of-root"), server.with_token("of-bob"));
    let all = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    grant(&lab, "alice", Some("web"), all).await;
    let clusters = json!([{"apiGroups": ["whipstaff.dev"], "resources": ["clusters"], "verbs": ["*"]}]);
    grant(&home, "root", None, clusters).await;
    let digest = alice.upload(chart()).await;
    let body = json!({"chart": {"upload": digest}});
    let made = alice.change("PUT", LAB, &body).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let at_home = alice.change("PUT", HOME, &body).await;
    assert_eq!(at_home.reason(), (403, "CLUSTER_FORBIDDEN".into()), "{}", at_home.text());
    assert_eq!(root.get(LAB).await.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    assert_eq!(names(&alice.get(IN_LAB).await.json()), ["lab/shop"]);
    // Operations are those of the clusters where one may look.
    let operations = alice.get("/v1/operations?namespace=web").await;
    assert_eq!(operations.json()["items"][0]["release"]["cluster"], "lab", "{}", operations.text());
    assert_eq!(bob.get("/v1/operations?namespace=web").await.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(alice.get(&format!("/v1/operations/{id}")).await.status, 200);
    assert_eq!(bob.get(&format!("/v1/operations/{id}")).await.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    // A list of all is of where one may list, and says where not; nowhere is a refusal.
    assert_eq!(bob.get("/v1/releases").await.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    // Everybody sees that there are clusters, and some how they are reached.
    let seen = |list: Value| list["items"][1]["server"].clone();
    assert_eq!(seen(bob.get("/v1/clusters").await.json()), Value::Null);
    assert_eq!(seen(root.get("/v1/clusters").await.json()), json!("https://lab.example.com"));
    let put = json!({"kubeconfig": {"clusters": [{"name": "c", "cluster": {"server": "https://[100::1]"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c"}}]}});
    let refused = alice.json("PUT", "/v1/clusters/new", &put).await;
    let right = json!({"verb": "update", "group": "whipstaff.dev", "resource": "clusters", "name": "new"});
    assert_eq!((refused.status.as_u16(), refused.json()["missing"].clone()), (403, right), "{}", refused.text());
    assert_eq!(root.json("PUT", "/v1/clusters/new", &put).await.status, 201);
    let veiled = bob.get("/v1/clusters/new").await;
    assert!(veiled.json()["error"]["detail"].as_str().unwrap().contains("sees why"), "{}", veiled.text());
    assert!(!veiled.text().contains("100::1"));
}
