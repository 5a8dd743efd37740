//! What a change may be told: to make up a name, to leave alone what is as it should be, and which state it is meant for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use common::{Server, shop};
use http_body_util::BodyExt;
use sandbox::Sandbox;
use serde_json::{Value, json};

const RELEASES: &str = "/v1/clusters/default/namespaces/web/releases";
const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

async fn world(config: server::Config) -> (Server, Value) {
    let server = Server::over(Sandbox::default().client(), config);
    let digest = server.upload(shop()).await;
    (server, json!({"chart": {"upload": digest}, "createNamespace": true}))
}

fn with(body: &Value, key: &str, value: Value) -> Value {
    let mut body = body.clone();
    body[key] = value;
    body
}

#[tokio::test]
async fn names_are_made_up_when_that_is_asked_for() {
    let (server, body) = world(server::Config::default()).await;
    let made = server.change("POST", RELEASES, &with(&body, "generateName", json!(true))).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let name = made.json()["release"]["name"].as_str().unwrap().to_owned();
    let seconds = name.strip_prefix("shop-").unwrap();
    assert!(seconds.len() == 10 && seconds.bytes().all(|b| b.is_ascii_digit()), "{name}");
    assert_eq!(server.get(&format!("{RELEASES}/{name}")).await.json()["name"], name.as_str());
    let template = with(&body, "nameTemplate", json!("till-{{ randNumeric 4 }}"));
    let made = server.json("POST", &format!("{RELEASES}?dryRun=server"), &template).await;
    let name = made.json()["release"]["name"].as_str().unwrap_or_default().to_owned();
    assert!(name.starts_with("till-") && name.len() == 9, "{}", made.text());
    // A name that is none, two ways at once, and no way at all.
    for (key, value, pointer) in [
        ("nameTemplate", json!("A {{ 1 }}"), "/nameTemplate"),
        ("nameTemplate", json!("{{ fail \"no\" }}"), "/nameTemplate"),
        ("name", json!("x"), "/name"),
        ("generateName", json!(false), "/name"),
    ] {
        let body = if key == "name" { with(&body, "generateName", json!(true)) } else { body.clone() };
        let answer = server.json("POST", RELEASES, &with(&body, key, value)).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer.to_owned()]), "{}", answer.text());
    }
    let answer = server.json("PUT", ONE, &with(&body, "generateName", json!(true))).await;
    assert_eq!(answer.pointers(), ["/generateName"], "{}", answer.text());
}

#[tokio::test]
async fn what_is_as_it_should_be_is_left_alone() {
    let (server, body) = world(server::Config::default()).await;
    let skip = format!("{ONE}?skipUnchanged=true");
    let outcome = |answer: &common::Answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        (answer.json()["result"]["revision"].clone(), answer.json()["result"]["changed"].clone())
    };
    assert_eq!(outcome(&server.change("PUT", &skip, &body).await), (json!(1), json!(true)));
    assert_eq!(outcome(&server.change("PUT", &skip, &body).await), (json!(1), json!(false)));
    assert_eq!(server.get(ONE).await.json()["revision"], 1);
    // Other values, a patch that says nothing new, and without being asked to.
    let louder = with(&body, "values", json!({"message": "HELLO"}));
    assert_eq!(outcome(&server.change("PUT", &skip, &louder).await), (json!(2), json!(true)));
    let patch = json!({"values": {"message": "HELLO"}});
    assert_eq!(outcome(&server.change("PATCH", &skip, &patch).await), (json!(2), json!(false)));
    assert_eq!(outcome(&server.change("PUT", ONE, &louder).await), (json!(3), json!(true)));
    // Values that change nothing in the cluster are remembered all the same.
    let more = with(&louder, "values", json!({"message": "HELLO", "port": 81}));
    assert_eq!(outcome(&server.change("PUT", &skip, &more).await), (json!(4), json!(true)));
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_mended() {
    let sandbox = Sandbox::default();
    let server = Server::over(sandbox.client(), server::Config::default());
    let digest = server.upload(shop()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    assert_eq!(server.change("PUT", ONE, &body).await.status, 200);
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::namespaced(sandbox.client(), "web");
    maps.delete("shop", &kube::api::DeleteParams::default()).await.unwrap();
    let answer = server.change("PUT", &format!("{ONE}?skipUnchanged=true"), &body).await;
    assert_eq!(answer.json()["result"], json!({"revision": 2, "changed": true}), "{}", answer.text());
    assert!(maps.get_opt("shop").await.unwrap().is_some());
}

#[tokio::test]
async fn a_careful_server_wants_to_know_which_state_is_meant() {
    let config = server::Config { require_preconditions: true, ..server::Config::default() };
    let (server, body) = world(config).await;
    let required = (428, "PRECONDITION_REQUIRED".to_owned());
    assert_eq!(server.json("PUT", ONE, &body).await.reason(), required);
    let put = |name: &'static str, value: String| {
        let (server, body) = (server.clone(), body.to_string());
        async move {
            let headers = [("content-type", "application/json"), ("prefer", "wait=60"), (name, value.as_str())];
            server.ask("PUT", ONE, &headers, body).await
        }
    };
    assert_eq!(put("if-none-match", "*".to_owned()).await.status, 200);
    assert_eq!(put("if-none-match", "*".to_owned()).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let tag = server.get(ONE).await.header("etag").to_owned();
    assert_eq!(put("if-match", tag.clone()).await.status, 200);
    assert_eq!(put("if-match", tag).await.reason(), (412, "PRECONDITION_FAILED".into()));
    for (method, path) in [("PATCH", ONE.to_owned()), ("POST", format!("{ONE}/rollback")), ("DELETE", ONE.to_owned())] {
        assert_eq!(server.json(method, &path, &json!({})).await.reason(), required, "{method} {path}");
    }
    // What changes nothing needs none, and neither does a new release.
    assert_eq!(server.json("PUT", &format!("{ONE}?dryRun=server"), &body).await.status, 200);
    assert_eq!(server.json("POST", RELEASES, &with(&body, "name", json!("till"))).await.status, 202);
}

#[tokio::test]
async fn operations_are_watched_from_all_replicas() {
    let sandbox = Sandbox::default();
    let (one, two) = (
        Server::over(sandbox.client(), server::Config::default()),
        Server::over(sandbox.client(), server::Config::default()),
    );
    let unready = two.get("/v1/operations?watch=true").await;
    assert_eq!(unready.reason(), (503, "CLUSTER_UNREACHABLE".into()));
    let watcher = two.clone();
    tokio::spawn(async move { watcher.watch_over().await });
    let digest = one.upload(shop()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    assert_eq!(one.change("PUT", ONE, &body).await.status, 200);
    // The other one knows of it in a moment.
    let mut stream = loop {
        let response = two.open("/v1/operations?watch=true&namespace=web", &[]).await;
        if response.status() == 200 {
            break response.into_body();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let mut seen = String::new();
    let mut until = async |wanted: &str| {
        while !seen.contains(wanted) {
            let frame = tokio::time::timeout(Duration::from_secs(10), stream.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no `{wanted}` in {seen}")).unwrap().unwrap();
            seen.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        std::mem::take(&mut seen)
    };
    let begun = until("event: synced").await;
    assert!(begun.contains("event: added") && begun.contains("\"state\":\"succeeded\""), "{begun}");
    assert_eq!(one.change("DELETE", ONE, &Value::Null).await.status, 200);
    let happened = until("\"state\":\"succeeded\"").await;
    assert!(happened.contains("\"kind\":\"uninstall\""), "{happened}");
    let id = happened.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap().to_owned();
    let headers = [("last-event-id", id.as_str())];
    let mut again = two.open("/v1/operations?watch=true&state=running", &headers).await.into_body();
    let frame = again.frame().await.unwrap().unwrap();
    let text = std::str::from_utf8(frame.data_ref().unwrap()).unwrap().to_owned();
    assert!(text.contains("event: synced") && !text.contains("event: reset"), "{text}");
}
