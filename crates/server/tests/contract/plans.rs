//! What would change, and what is otherwise than it should be.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{ALL, Case, ONE, World, cases, vault};

pub(crate) const CASES: &[(&str, Case)] = cases![release_plan, release_diff, release_resources, release_drift,];

/// What a plan does to each object.
pub(crate) fn actions(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let objects = plan["objects"].as_array().unwrap().iter();
    objects.map(|it| (format!("{} {}", text(&it["kind"]), text(&it["name"])), text(&it["action"]))).collect()
}

async fn release_plan(w: World) {
    let at = format!("{ONE}/plan");
    let (same, other) = (w.body(json!({"values": {"replicas": 2}})), w.body(json!({"values": {"replicas": 3}})));
    let plan = w.server.json("POST", &at, &same).await.json();
    assert_eq!(actions(&plan), [("ConfigMap shop".to_owned(), "unchanged".to_owned())]);
    assert_eq!((plan["kind"].clone(), plan["changes"].clone()), (json!("upgrade"), json!(false)));
    let plan = w.server.json("POST", &at, &other).await.json();
    assert_eq!((plan["release"]["revision"].clone(), plan["changes"].clone()), (json!(2), json!(true)));
    let fields = json!([{"path": ".data.replicas", "before": "2", "after": "3"}]);
    assert_eq!((plan["objects"][0]["action"].clone(), plan["objects"][0]["fields"].clone()), (json!("patch"), fields));
    assert_eq!(w.get(ONE).await["revision"], 1, "nothing is changed");
    // Without a chart, what is to be different.
    let patch = w.server.json("POST", &at, &json!({"values": {"replicas": 3}})).await.json();
    assert_eq!(patch["objects"], plan["objects"]);
    // What was looked at is what is done, or nothing is.
    let digest = plan["planDigest"].as_str().unwrap();
    assert_eq!(w.server.json("POST", &at, &other).await.json()["planDigest"], digest);
    let with = format!("{ONE}?planDigest={digest}");
    assert_eq!(w.server.change("PUT", &with, &same).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let done = w.server.change("PUT", &with, &other).await;
    assert_eq!(done.json()["result"]["revision"], 2, "{}", done.text());
    assert_eq!(w.server.change("PUT", &with, &other).await.reason(), (412, "PRECONDITION_FAILED".into()));
    // What is not there yet, with its hooks and definitions.
    let plan =
        w.server.json("POST", &format!("{ALL}/new/plan"), &w.body(json!({"createNamespace": true}))).await.json();
    let hooks = json!([{"event": "pre-install", "kind": "ConfigMap", "name": "new-hook"}]);
    assert_eq!((plan["kind"].clone(), plan["hooks"].clone()), (json!("install"), hooks));
    let done: Vec<String> = actions(&plan).into_iter().map(|(object, action)| format!("{action} {object}")).collect();
    assert_eq!(
        done,
        ["ensure Namespace web", "ensure CustomResourceDefinition tills.shop.example.com", "create ConfigMap new"]
    );
    // Secrets are not told.
    let vault = w.server.upload(vault()).await;
    let body = |key: &str, map: &str| json!({"chart": {"upload": vault}, "values": {"key": key, "map": map}});
    let at = format!("{ALL}/vault");
    assert_eq!(w.server.change("PUT", &at, &body("first", "one")).await.status, 200);
    let answer = w.server.json("POST", &format!("{at}/plan"), &body("second", "two")).await;
    let plan = answer.json();
    let fields = json!([{"path": ".data.key", "before": "***", "after": "***"}]);
    assert_eq!(plan["objects"][0]["fields"], fields, "{}", answer.text());
    let done: Vec<String> = actions(&plan).into_iter().map(|(object, action)| format!("{action} {object}")).collect();
    assert_eq!(done, ["patch Secret vault", "create ConfigMap two", "delete ConfigMap one"]);
    let none = w.server.json("POST", &format!("{ALL}/none/plan"), &json!({})).await;
    assert_eq!(none.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_diff(w: World) {
    let at = format!("{ONE}/diff");
    assert_eq!(w.server.json("POST", &at, &json!({})).await.reason(), (404, "REVISION_NOT_FOUND".into()));
    w.upgrade(json!({"values": {"replicas": 3}})).await;
    w.upgrade(json!({"values": {"message": "hi"}})).await;
    let found = w.server.ask("POST", &at, &[], Body::empty()).await.json();
    assert_eq!((found["from"]["revision"].clone(), found["to"]["revision"].clone()), (json!(2), json!(3)));
    let values = json!([{"path": ".replicas", "before": 3}, {"path": ".message", "after": "hi"}]);
    assert_eq!(found["values"], values);
    let fields = json!([
        {"path": ".data.message", "before": "hello", "after": "hi"}, {"path": ".data.replicas", "before": "3", "after": "1"},
    ]);
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "shop", "change": "changed", "fields": fields});
    assert_eq!(
        (found["objects"].clone(), found["hooks"].clone(), found["notes"].clone()),
        (json!([object]), json!([]), json!(true))
    );
    let found = w.server.json("POST", &at, &json!({"from": 1, "to": 2})).await.json();
    assert_eq!(found["values"], json!([{"path": ".replicas", "before": 2, "after": 3}]));
    assert_eq!(w.server.json("POST", &at, &json!({"to": 9})).await.reason(), (404, "REVISION_NOT_FOUND".into()));
    let none = w.server.json("POST", &format!("{ALL}/none/diff"), &json!({})).await;
    assert_eq!(none.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_resources(w: World) {
    let found = w.get(&format!("{ONE}/resources")).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "web", "name": "shop", "status": "Current",
        "message": "Resource is always ready"});
    assert_eq!(found["items"], json!([map]));
    w.meddle(None).await;
    assert_eq!(w.get(&format!("{ONE}/resources")).await["items"][0]["status"], "NotFound");
    assert_eq!(w.server.get(&format!("{ALL}/none/resources")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_drift(w: World) {
    let at = format!("{ONE}/drift");
    let found = w.get(&at).await;
    assert_eq!((found["revision"].clone(), found["drifted"].clone()), (json!(1), json!(false)));
    assert_eq!(found["objects"][0]["state"], "same");
    w.meddle(Some("theirs")).await;
    let found = w.get(&at).await;
    let fields = json!([{"path": ".data.message", "before": "theirs", "after": "hello"}]);
    assert_eq!((found["drifted"].clone(), found["objects"][0]["fields"].clone()), (json!(true), fields));
    assert_eq!(w.get(&at).await, found, "looking changes nothing");
    w.meddle(None).await;
    assert_eq!(w.get(&at).await["objects"][0]["state"], "missing");
    assert_eq!(w.server.get(&format!("{ALL}/none/drift")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
}
