//! Lists from memory: they say what the cluster would, at once after a change, also of what others have written.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Server, shop};
use jiff::Timestamp;
use release::{Ledger, MemoryLedger, Release, Scope, SecretLedger, Status};
use serde_json::{Value, json};

const ALL: &str = "/v1/clusters/default/releases";

fn record(namespace: &str, name: &str, version: u32, status: Status) -> Release {
    let mut release = common::record(namespace, name, version, status);
    Arc::make_mut(&mut release.chart).metadata.name = if version.is_multiple_of(2) { "even" } else { "odd" }.into();
    release.info.last_deployed = Some(Timestamp::from_second(1_800_000_000 - i64::from(version)).unwrap().into());
    release
}

/// A sandbox with two namespaces, and somebody else's hand in it.
async fn world() -> (sandbox::Sandbox, Server, SecretLedger) {
    let sandbox = sandbox::Sandbox::default();
    let api: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(sandbox.client());
    for name in ["one", "two"] {
        let namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        api.create(&kube::api::PostParams::default(), &namespace).await.unwrap();
    }
    let ledger = SecretLedger::new(sandbox.client(), Arc::new(Timestamp::now));
    for at in 0..30_u32 {
        let namespace = if at % 3 == 0 { "two" } else { "one" };
        let status = if at % 5 == 0 { Status::Failed } else { Status::Deployed };
        ledger.create(&record(namespace, &format!("r{:02}", at * 7 % 30), at + 1, status)).await.unwrap();
    }
    let server = Server::over(sandbox.client(), server::Config::default());
    (sandbox, server, ledger)
}

async fn names(server: &Server, path: &str) -> Vec<String> {
    let list = server.get(path).await.json();
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

/// Lists until a list is as it should be.
async fn until(server: &Server, path: &str, good: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..200 {
        let list = server.get(path).await.json();
        if good(&list) {
            return list;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{path} stays {:#}", server.get(path).await.json());
}

#[tokio::test]
async fn memory_says_what_the_cluster_would() {
    let (sandbox, server, ledger) = world().await;
    // Records that nobody tells of are asked for each time.
    let clock: release::Clock = Arc::new(Timestamp::now);
    let memory = MemoryLedger::new(clock.clone());
    for head in ledger.heads(&Scope::All, None).await.unwrap() {
        memory.create(&ledger.get(&head.key).await.unwrap().release).await.unwrap();
    }
    let cluster = cluster::Cluster::new(sandbox.client());
    let settings = engine::Settings::guarded();
    let engine = engine::Engine::with_ledger(cluster, Arc::new(memory), clock, settings);
    let direct = Server::of_engine(engine, server::Config::default());
    let queries = [
        "",
        "?status=failed",
        "?chart=odd",
        "?filter=^r1",
        "?status=deployed&chart=even&filter=0",
        "?status=superseded",
    ];
    for query in queries {
        for sort in ["name", "namespace", "status", "revision", "updated", "chart"] {
            for sign in ["", "-"] {
                for base in [ALL, "/v1/releases", "/v1/clusters/default/namespaces/one/releases"] {
                    let join = if query.is_empty() { "?" } else { "&" };
                    let mut path = format!("{base}{query}{join}sort={sign}{sort}&limit=4");
                    loop {
                        let (from_memory, asked) = (server.get(&path).await, direct.get(&path).await);
                        assert_eq!(from_memory.json(), asked.json(), "{path}");
                        assert_eq!(from_memory.header("etag"), asked.header("etag"), "{path}");
                        let Some(next) = from_memory.json()["continue"].as_str().map(str::to_owned) else { break };
                        path = format!("{base}{query}{join}sort={sign}{sort}&limit=4&continue={next}");
                    }
                }
            }
        }
    }
    let metrics = server.get("/metrics").await.text();
    assert!(metrics.contains("whipstaff_cache_releases{cluster=\"default\"} 30"), "{metrics}");
}

#[tokio::test]
async fn what_others_write_is_seen_soon() {
    let (_sandbox, server, ledger) = world().await;
    assert_eq!(names(&server, ALL).await.len(), 30);
    let token = ledger.create(&record("two", "new", 1, Status::PendingInstall)).await.unwrap();
    until(&server, &format!("{ALL}?status=pending-install"), |list| list["items"].as_array().unwrap().len() == 1).await;
    ledger.update(&record("two", "new", 1, Status::Deployed), &token).await.unwrap();
    let list = until(&server, &format!("{ALL}?filter=new"), |list| list["items"][0]["status"] == "deployed").await;
    assert_eq!(list["items"][0]["chart"]["name"], "odd");
    ledger.delete(&release::Key::new("two", "new", 1)).await.unwrap();
    until(&server, &format!("{ALL}?filter=new"), |list| list["items"] == json!([])).await;
}

#[tokio::test]
async fn what_is_written_here_is_in_the_next_list() {
    let (_sandbox, server, _) = world().await;
    let digest = server.upload(shop()).await;
    for round in 0..5 {
        let one = format!("/v1/clusters/default/namespaces/one/releases/made{round}");
        let mine = format!("{ALL}?filter=^made{round}$");
        assert_eq!(names(&server, &mine).await.len(), 0);
        for revision in 1..=3 {
            let body = json!({"chart": {"upload": digest}, "values": {"replicas": revision}});
            assert_eq!(server.change("PUT", &one, &body).await.status, 200);
            let list = server.get(&mine).await.json();
            let found = &list["items"][0];
            assert_eq!(
                (found["revision"].clone(), found["status"].clone()),
                (json!(revision), json!("deployed")),
                "{list:#}"
            );
        }
        assert_eq!(server.change("DELETE", &one, &json!({})).await.status, 200);
        assert_eq!(names(&server, &mine).await.len(), 0);
    }
}

#[tokio::test]
async fn a_watch_that_breaks_off_goes_on() {
    let (sandbox, server, ledger) = world().await;
    assert_eq!(names(&server, ALL).await.len(), 30);
    let calls = sandbox.faults().calls().len();
    (calls..calls + 200).for_each(|call| sandbox.faults().at(call, sandbox::Fault::Dropped(Duration::from_millis(20))));
    for at in 0..5 {
        ledger.create(&record("one", &format!("late{at}"), 1, Status::Deployed)).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    until(&server, &format!("{ALL}?filter=late"), |list| list["items"].as_array().unwrap().len() == 5).await;
}

#[tokio::test]
async fn without_the_right_to_watch_everything_lists_are_read_where_they_may_be() {
    let (sandbox, _, _) = world().await;
    let create = |kind: &'static str, object: Value| {
        let request = http::Request::post(format!("/apis/rbac.authorization.k8s.io/v1/namespaces/one/{kind}"));
        let request = request.header("content-type", "application/json").body(object.to_string().into_bytes()).unwrap();
        let client = sandbox.client();
        async move { client.request::<Value>(request).await.unwrap() }
    };
    let rule = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]});
    create("roles", json!({"metadata": {"name": "reader"}, "rules": [rule]})).await;
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"});
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "small"});
    create("rolebindings", json!({"metadata": {"name": "reader"}, "roleRef": role, "subjects": [subject]})).await;
    let identity = cluster::Identity { user: "small".into(), ..cluster::Identity::default() };
    let server = Server::over(cluster::impersonate(&sandbox.client(), &identity), server::Config::default());
    assert_eq!(names(&server, "/v1/clusters/default/namespaces/one/releases").await.len(), 20);
    assert_eq!(server.get(ALL).await.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    let watch = server.get("/v1/clusters/default/namespaces/one/releases?watch=true").await;
    assert_eq!(watch.reason(), (403, "CLUSTER_FORBIDDEN".into()));
    assert!(server.get("/metrics").await.text().contains("whipstaff_cache_synced{cluster=\"default\"} 0"));
}

#[tokio::test]
async fn every_read_is_conditional() {
    let (_sandbox, server, _) = world().await;
    for path in ["/", "/openapi.json", "/docs", "/v1/releases", ALL, "/v1/clusters", "/v1/operations", "/v1/charts"] {
        for accept in ["application/json", "application/yaml"] {
            let first = server.get_as(path, accept).await;
            let tag = first.header("etag").to_owned();
            assert!(tag.len() > 2, "{path}");
            let same = server
                .ask("GET", path, &[("accept", accept), ("if-none-match", &tag)], axum::body::Body::empty())
                .await;
            assert_eq!((same.status.as_u16(), same.header("etag")), (304, &*tag), "{path}");
            let other = server
                .ask("GET", path, &[("accept", accept), ("if-none-match", "\"x\"")], axum::body::Body::empty())
                .await;
            assert_eq!((other.status.as_u16(), &other.body), (200, &first.body), "{path}");
        }
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_want_it() {
    let (_sandbox, server, _) = world().await;
    let ask = |encoding: &'static str| {
        let server = server.clone();
        async move { server.open(ALL, &[("accept-encoding", encoding)]).await }
    };
    assert_eq!(ask("gzip").await.headers()["content-encoding"], "gzip");
    assert!(!ask("identity").await.headers().contains_key("content-encoding"));
    let stream = server.open(&format!("{ALL}?watch=true"), &[("accept-encoding", "gzip")]).await;
    assert!(!stream.headers().contains_key("content-encoding"));
}
