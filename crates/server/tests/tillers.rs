//! A Helm 2 Tiller as a cluster: its releases are read under the same paths as any other's. The Tiller is ours, over a sandbox.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;

use cluster::Cluster;
use common::{Answer, Server};
use http::StatusCode;
use jiff::Timestamp;
use sandbox::{Config as SandboxConfig, Sandbox, User};
use serde_json::{Value, json};
use server::{App, Auth, Config};
use tiller::hapi::chart::{Chart, Config as Values, Metadata, Template};
use tiller::hapi::services::tiller::release_service_client::ReleaseServiceClient;
use tiller::hapi::services::tiller::{InstallReleaseRequest, UninstallReleaseRequest, UpdateReleaseRequest};
use tiller::{Bridge, Driver, Store};
use tillerd::Tiller;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::Request;

const OLD: &str = "/v1/clusters/old";

struct World {
    home: Sandbox,
    server: Server,
    tiller: JoinHandle<()>,
}

fn chart(version: &str) -> Chart {
    let metadata = Metadata {
        name: "shop".to_owned(),
        version: version.to_owned(),
        app_version: "7".to_owned(),
        ..Metadata::default()
    };
    let file = |name: &str, text: &str| Template { name: format!("templates/{name}"), data: text.as_bytes().to_vec() };
    let settings = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ .Values.greeting }}\n";
    let hook = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-hook\n  annotations:\n    \"helm.sh/hook\": post-delete\n";
    Chart {
        metadata: Some(metadata),
        templates: vec![
            file("settings.yaml", settings),
            file("hook.yaml", hook),
            file("NOTES.txt", "{{ .Release.Name }} says {{ .Values.greeting }}"),
        ],
        values: Some(Values { raw: "greeting: hello\n".to_owned(), ..Values::default() }),
        ..Chart::default()
    }
}

fn said<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-helm-api-client", "v2.9.1".parse().unwrap());
    request
}

/// Serves a Tiller that has `shop` in two revisions, `blog` in another namespace, and `gone`.
async fn tiller() -> (String, JoinHandle<()>) {
    let sandbox = Sandbox::default();
    let store = Store::new(sandbox.client(), "kube-system", Driver::ConfigMap);
    let (cluster, clock) = (Cluster::new(sandbox.client()), Arc::new(Timestamp::now));
    let tiller = Tiller::new(cluster, (store, "kube-system"), engine::Settings::guarded(), clock, (0, "test"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move { tiller.serve(listener, None, std::future::pending()).await.unwrap() });
    let mut client = ReleaseServiceClient::connect(format!("http://{address}")).await.unwrap();
    for (name, namespace) in [("shop", "web"), ("blog", "press"), ("gone", "web")] {
        let request = InstallReleaseRequest {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            chart: Some(chart("0.1.0")),
            values: Some(Values { raw: "replicas: 1\n".to_owned(), ..Values::default() }),
            ..InstallReleaseRequest::default()
        };
        client.install_release(said(request)).await.unwrap();
    }
    let values = Some(Values { raw: "greeting: again\n".to_owned(), ..Values::default() });
    let request = UpdateReleaseRequest {
        name: "shop".to_owned(),
        chart: Some(chart("0.2.0")),
        values,
        ..UpdateReleaseRequest::default()
    };
    client.update_release(said(request)).await.unwrap();
    let request = UninstallReleaseRequest { name: "gone".to_owned(), ..UninstallReleaseRequest::default() };
    client.uninstall_release(said(request)).await.unwrap();
    (address, task)
}

impl World {
    async fn new(config: Config) -> Self {
        let mut of_home = SandboxConfig::default();
        for name in ["seer", "nobody"] {
            of_home.tokens.insert(format!("of-{name}"), User::new(name, &["system:authenticated"]));
        }
        let home = Sandbox::new(of_home);
        let (address, tiller) = tiller().await;
        let engine = engine::Engine::new(home.client(), engine::Settings::guarded());
        let app = App::new(config, engine).with_tiller("old", Bridge::new(&address, None).unwrap()).unwrap();
        Self { home, server: Server::of(app), tiller }
    }

    async fn get(&self, path: &str) -> Answer {
        self.server.get(&format!("{OLD}{path}")).await
    }
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn it_is_a_cluster_of_its_own_kind() {
    let world = World::new(Config::default()).await;
    let shown = world.get("").await.json();
    let seen = [&shown["engine"], &shown["tillerVersion"], &shown["reachable"], &shown["source"]];
    assert_eq!(seen, [&json!("tiller"), &json!("v2.17.0"), &json!(true), &json!("flag")]);
    let home = world.server.get("/v1/clusters/default").await.json();
    assert_eq!([&home["engine"], &home["tillerVersion"]], [&json!("native"), &Value::Null]);
}

#[tokio::test]
async fn lists_have_filters_sorts_and_pages() {
    let world = World::new(Config::default()).await;
    for (query, want) in [
        ("/releases", &["blog", "gone", "shop"][..]),
        ("/releases?sort=-name", &["shop", "gone", "blog"]),
        ("/releases?sort=-updated&status=deployed", &["shop", "blog"]),
        ("/releases?status=uninstalled", &["gone"]),
        ("/releases?filter=^s", &["shop"]),
        ("/releases?chart=shop&limit=1", &["blog"]),
        ("/namespaces/web/releases", &["gone", "shop"]),
        ("/namespaces/nowhere/releases", &[]),
    ] {
        assert_eq!(names(&world.get(query).await.json()), want, "{query}");
    }
    let first = world.get("/releases?limit=1").await.json();
    let next = format!("/releases?limit=1&continue={}", first["continue"].as_str().unwrap());
    assert_eq!(names(&world.get(&next).await.json()), ["gone"]);
    let all = world.server.get("/v1/releases").await.json();
    let seen: Vec<_> = all["items"].as_array().unwrap().iter().map(|item| &item["cluster"]).collect();
    assert_eq!(seen, ["old"; 3], "{all}");
}

#[tokio::test]
async fn a_release_and_its_revisions() {
    let world = World::new(Config::default()).await;
    let shop = world.get("/namespaces/web/releases/shop").await.json();
    let seen = [&shop["revision"], &shop["status"], &shop["chart"]["version"]];
    assert_eq!(seen, [&json!(2), &json!("deployed"), &json!("0.2.0")], "{shop}");
    let text = |answer: Answer| String::from_utf8(answer.body.to_vec()).unwrap();
    assert_eq!(world.get("/namespaces/web/releases/shop/values").await.json()["greeting"], "again");
    assert!(text(world.get("/namespaces/web/releases/shop/notes").await).contains("shop says again"));
    assert!(text(world.get("/namespaces/web/releases/shop/manifest").await).contains("greeting: again"));
    assert_eq!(world.get("/namespaces/web/releases/shop/hooks").await.json()["items"][0]["name"], "shop-hook");
    let revisions = world.get("/namespaces/web/releases/shop/revisions").await.json();
    let seen: Vec<_> =
        revisions["items"].as_array().unwrap().iter().map(|item| (&item["revision"], &item["status"])).collect();
    assert_eq!(seen, [(&json!(1), &json!("superseded")), (&json!(2), &json!("deployed"))]);
    assert!(text(world.get("/namespaces/web/releases/shop/revisions/1/manifest").await).contains("greeting: hello"));
    // A name is one release in all of Tiller, and belongs to one namespace.
    for (path, reason) in [
        ("/namespaces/press/releases/shop", "RELEASE_NOT_FOUND"),
        ("/namespaces/web/releases/none", "RELEASE_NOT_FOUND"),
        ("/namespaces/web/releases/shop/revisions/9", "REVISION_NOT_FOUND"),
    ] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, &answer.json()["reason"]), (StatusCode::NOT_FOUND, &json!(reason)), "{path}");
    }
}

#[tokio::test]
async fn what_it_cannot_do_is_said_so() {
    let world = World::new(Config::default()).await;
    let release = format!("{OLD}/namespaces/web/releases/shop");
    for (method, path, body) in [
        ("PUT", release.clone(), json!({"chart": {"oci": "oci://x/y"}})),
        ("DELETE", release.clone(), Value::Null),
        ("POST", format!("{release}/rollback"), json!({"revision": 1})),
        ("POST", format!("{release}/plan"), json!({})),
        ("GET", format!("{release}/drift"), Value::Null),
        ("GET", format!("{release}/resources"), Value::Null),
    ] {
        let answer = world.server.json(method, &path, &body).await;
        let seen = (answer.status, answer.json()["reason"].clone());
        assert_eq!(seen, (StatusCode::NOT_IMPLEMENTED, json!("UNSUPPORTED_BY_ENGINE")), "{method} {path}");
    }
}

#[tokio::test]
async fn one_that_is_gone_takes_nothing_from_the_others() {
    let world = World::new(Config::default()).await;
    world.get("/releases").await;
    world.tiller.abort();
    let answer = world.get("/releases").await;
    let seen = (answer.status, answer.json()["reason"].clone());
    assert_eq!(seen, (StatusCode::SERVICE_UNAVAILABLE, json!("CLUSTER_UNREACHABLE")), "{:?}", answer.json());
    let all = world.server.get("/v1/releases").await.json();
    assert_eq!(all["unreachable"][0]["cluster"], "old", "{all}");
}

#[tokio::test]
async fn default_says_who_may() {
    let auth = Auth { token_review: true, ..Auth::default() };
    let world = World::new(Config { auth, ..Config::default() }).await;
    let rules =
        json!([{"apiGroups": ["whipstaff.dev"], "resources": ["tillers"], "verbs": ["get"], "resourceNames": ["old"]}]);
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    let binding = json!({"metadata": {"name": "seer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "seer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "seer"}]});
    for (path, object) in
        [("clusterroles", json!({"metadata": {"name": "seer"}, "rules": rules})), ("clusterrolebindings", binding)]
    {
        let request = http::Request::post(format!("{rbac}/{path}")).header("content-type", "application/json");
        world.home.client().request_text(request.body(object.to_string().into_bytes()).unwrap()).await.unwrap();
    }
    let (seer, nobody) = (world.server.with_token("of-seer"), world.server.with_token("of-nobody"));
    assert_eq!(seer.get(&format!("{OLD}/releases")).await.status, StatusCode::OK);
    let refused = nobody.get(&format!("{OLD}/releases")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let missing = &refused.json()["missing"];
    assert_eq!([&missing["verb"], &missing["resource"]], [&json!("get"), &json!("tillers")], "{}", refused.json());
}
