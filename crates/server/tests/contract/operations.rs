//! Operations and what they tell.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{ALL, Case, World, cases, vault};

pub(crate) const CASES: &[(&str, Case)] =
    cases![operation_list, operation_get, operation_events, operation_logs, operation_cancel,];

async fn operation_list(w: World) {
    w.upgrade(json!({})).await;
    let list = w.get("/v1/operations?release=shop&namespace=web&state=succeeded").await;
    let kinds: Vec<&str> = list["items"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["upgrade", "install"]);
    assert_eq!(w.get("/v1/operations?state=failed").await["items"], json!([]));
}

async fn operation_get(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let answer = w.server.get(&format!("/v1/operations/{id}")).await;
    let operation = answer.json();
    assert_eq!((operation["phase"].clone(), operation["done"].clone()), (json!("finish"), json!(true)));
    assert_eq!(operation["release"], json!({"cluster": "default", "namespace": "web", "name": "shop"}));
    assert!(operation["expiresAt"].is_string() && operation["finishedAt"].is_string());
    let tag = answer.header("etag").to_owned();
    let at = format!("/v1/operations/{id}");
    assert_eq!(w.server.ask("GET", &at, &[("if-none-match", &tag)], "").await.status, 304);
    assert_eq!(w.server.get("/v1/operations/none").await.reason(), (404, "OPERATION_NOT_FOUND".into()));
}

async fn operation_events(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let at = format!("/v1/operations/{id}/events");
    let whole = w.server.get(&at).await;
    assert_eq!(whole.header("content-type"), "text/event-stream");
    let events: Vec<(u64, String, Value)> = whole.text().split("\n\n").filter(|e| !e.is_empty()).map(event).collect();
    let names: Vec<&str> = events.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"phase"), Some(&"done")));
    assert!(names.contains(&"resource") && names.contains(&"hook"), "{names:?}");
    for (index, (id, name, data)) in events.iter().enumerate() {
        assert_eq!((*id, data["type"].as_str()), (index as u64 + 1, Some(name.as_str())));
        assert_eq!(api::check("Event", data), [], "{data}");
    }
    assert_eq!(events.last().unwrap().2["operation"]["state"], "succeeded");
    // From the middle, and from behind the end.
    for (seen, left) in [("2", events.len() - 2), ("100000", 1)] {
        let rest = w.server.ask("GET", &at, &[("last-event-id", seen)], "").await.text();
        assert_eq!(rest.matches("event: ").count(), left, "{seen}");
        assert!(rest.contains("event: done"));
    }
}

async fn operation_logs(w: World) {
    let none = w.last_operation().await["id"].as_str().unwrap().to_owned();
    assert_eq!(w.get(&format!("/v1/operations/{none}/logs")).await, json!({"items": []}));
    let vault = w.server.upload(vault()).await;
    let at = format!("{ALL}/vault");
    assert_eq!(w.server.change("PUT", &at, &json!({"chart": {"upload": vault}})).await.status, 200);
    let tested = w.server.change("POST", &format!("{at}/test"), &json!({"only": ["good"], "logs": true})).await.json();
    let logs = format!("/v1/operations/{}/logs", tested["id"].as_str().unwrap());
    let items = w.get(&logs).await["items"].clone();
    assert_eq!((items[0]["pod"].clone(), items[0]["container"].clone()), (json!("good"), json!("it")));
    for at in [logs.clone(), format!("{logs}?follow")] {
        let text = w.server.get_as(&at, "text/plain").await.text();
        assert!(text.starts_with("==> good/it <==\n") && text.ends_with('\n'), "{text}");
    }
    assert_eq!(w.server.get("/v1/operations/none/logs").await.reason(), (404, "OPERATION_NOT_FOUND".into()));
}

fn event(text: &str) -> (u64, String, Value) {
    let field = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim_start().to_owned()
    };
    (field("id").parse().unwrap(), field("event"), serde_json::from_str(&field("data")).unwrap())
}

async fn operation_cancel(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let answer = w.server.ask("POST", &format!("/v1/operations/{id}/cancel"), &[], Body::empty()).await;
    assert_eq!(answer.reason(), (409, "OPERATION_NOT_CANCELLABLE".into()));
    let none = w.server.ask("POST", "/v1/operations/none/cancel", &[], Body::empty()).await;
    assert_eq!(none.reason(), (404, "OPERATION_NOT_FOUND".into()));
}
