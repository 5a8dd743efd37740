//! What changes releases.

use axum::body::Body;
use release::Ledger;
use serde_json::{Value, json};

use crate::plans::actions;
use crate::{ALL, Case, ONE, World, cases, vault};

pub(crate) const CASES: &[(&str, Case)] = cases![
    release_install,
    release_apply,
    release_patch,
    release_uninstall,
    release_rollback,
    release_test,
    release_unlock,
];

async fn release_install(w: World) {
    let body = w.body(json!({"name": "new", "crds": "skip"}));
    let answer = w.server.change("POST", ALL, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let operation = answer.json();
    assert_eq!((operation["kind"].clone(), operation["state"].clone()), (json!("install"), json!("succeeded")));
    assert_eq!(operation["result"], json!({"revision": 1, "changed": true}));
    assert_eq!(answer.header("preference-applied"), "wait=60");
    let again = w.server.change("POST", ALL, &body).await;
    assert_eq!(again.reason(), (409, "RELEASE_EXISTS".into()));
    assert_eq!(again.json()["operation"]["state"], "failed");
    assert_eq!(
        again.header("location"),
        format!("/v1/operations/{}", again.json()["operation"]["id"].as_str().unwrap())
    );
}

async fn release_apply(w: World) {
    let tag = w.server.get(ONE).await.header("etag").to_owned();
    // Without `Prefer` the operation goes on behind a 202.
    let answer = w.server.json("PUT", ONE, &w.body(json!({"values": {"message": "two"}}))).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let at = answer.header("location").to_owned();
    let events = w.server.get(&format!("{at}/events")).await.text();
    assert!(events.contains("event: done"), "{events}");
    assert_eq!(w.get(&at).await["result"]["revision"], 2);
    // What the second one says is all there is.
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"message": "two"}));
    // The first tag is gone.
    let put = |headers: Vec<(&'static str, String)>, more: Value| {
        let body = w.body(more).to_string();
        let server = w.server.clone();
        async move {
            let mut all = vec![("content-type", "application/json"), ("prefer", "wait=60")];
            all.extend(headers.iter().map(|(n, v)| (*n, v.as_str())));
            server.ask("PUT", ONE, &all, body).await
        }
    };
    assert_eq!(put(vec![("if-match", tag)], json!({})).await.reason(), (412, "PRECONDITION_FAILED".into()));
    assert_eq!(put(vec![("if-none-match", "*".into())], json!({})).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let now = w.server.get(ONE).await.header("etag").to_owned();
    assert_eq!(put(vec![("if-match", now)], json!({"values": {"replicas": 5}})).await.json()["result"]["revision"], 3);
    // A key makes one operation of two requests.
    let key = vec![("idempotency-key", "k1".to_owned())];
    let first = put(key.clone(), json!({"description": "mine"})).await.json();
    assert_eq!((first["result"]["revision"].clone(), first["kind"].clone()), (json!(4), json!("upgrade")));
    assert_eq!(put(key.clone(), json!({"description": "mine"})).await.json()["id"], first["id"]);
    assert_eq!(put(key, json!({"description": "other"})).await.reason(), (422, "IDEMPOTENCY_KEY_REUSED".into()));
    assert_eq!(w.get(ONE).await["description"], "mine");
    // Earlier values count when that is asked for.
    put(vec![], json!({"values": {"replicas": 7}})).await;
    put(vec![], json!({"values": {"message": "x"}, "valueStrategy": "resetThenReuse"})).await;
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"message": "x", "replicas": 7}));
    // Trying changes nothing.
    for mode in ["client", "server"] {
        let body = w.body(json!({"values": {"message": "tried"}}));
        let tried = w.server.json("PUT", &format!("{ONE}?dryRun={mode}"), &body).await;
        assert_eq!(tried.status, 200, "{}", tried.text());
        let tried = tried.json();
        assert_eq!((tried["dryRun"].clone(), tried["release"]["revision"].clone()), (json!(mode), json!(7)));
        assert!(tried["manifest"].as_str().unwrap().contains("message: \"tried\""));
        assert_eq!(tried["plan"]["objects"][0]["action"], "patch");
    }
    assert_eq!(w.get(ONE).await["revision"], 6);
}

async fn release_patch(w: World) {
    w.upgrade(json!({"values": {"replicas": 3, "message": "hi", "deep": {"a": 1, "b": 2}}})).await;
    let patch = json!({"values": {"message": null, "deep": {"b": null, "c": 3}}, "set": ["replicas=4"]});
    let headers = [("content-type", "application/merge-patch+json"), ("prefer", "wait=60")];
    let answer = w.server.ask("PATCH", ONE, &headers, patch.to_string()).await;
    assert_eq!(answer.json()["result"]["revision"], 3, "{}", answer.text());
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"replicas": 4, "deep": {"a": 1, "c": 3}}));
    let none = w.server.ask("PATCH", &format!("{ALL}/none"), &headers, patch.to_string()).await;
    assert_eq!(none.reason(), (404, "RELEASE_NOT_FOUND".into()));
    let stale = [headers[0], headers[1], ("if-match", "\"1-deployed\"")];
    let answer = w.server.ask("PATCH", ONE, &stale, patch.to_string()).await;
    assert_eq!(answer.reason(), (412, "PRECONDITION_FAILED".into()));
}

async fn release_uninstall(w: World) {
    let tried = w.server.ask("DELETE", &format!("{ONE}?dryRun=server"), &[], "").await.json();
    assert_eq!(
        (tried["release"]["status"].clone(), tried["plan"]["kind"].clone()),
        (json!("uninstalling"), json!("uninstall"))
    );
    assert_eq!(actions(&tried["plan"]), [("ConfigMap shop".to_owned(), "delete".to_owned())]);
    assert_eq!(w.get(ONE).await["status"], "deployed");
    let answer = w.server.ask("DELETE", &format!("{ONE}?keepHistory=true"), &[("prefer", "wait=60")], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["kind"], "uninstall");
    assert_eq!(w.get(ONE).await["status"], "uninstalled");
    let answer = w.server.ask("DELETE", ONE, &[("prefer", "wait=60")], "").await;
    assert_eq!(answer.json()["result"], json!({"changed": true}), "{}", answer.text());
    assert_eq!(w.server.get(ONE).await.status, 404);
    let again = w.server.ask("DELETE", ONE, &[("prefer", "wait=60")], "").await;
    assert_eq!(again.reason(), (404, "RELEASE_NOT_FOUND".into()));
    let calm = w.server.ask("DELETE", &format!("{ONE}?ignoreNotFound"), &[("prefer", "wait=60")], "").await;
    assert_eq!(calm.json()["result"], json!({"changed": false}), "{}", calm.text());
    assert_eq!(w.get("/v1/releases").await["items"], json!([]));
}

async fn release_rollback(w: World) {
    w.upgrade(json!({"values": {"message": "second"}})).await;
    let at = format!("{ONE}/rollback");
    let answer = w.server.change("POST", &at, &json!({"revision": 1})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["result"]["revision"], 3);
    let release = w.get(ONE).await;
    assert_eq!(
        (release["rollbackRevision"].clone(), release["description"].clone()),
        (json!(1), json!("Rollback to 1"))
    );
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"replicas": 2}));
    let tried = w.server.json("POST", &format!("{at}?dryRun=server"), &json!({"revision": 2})).await.json();
    assert_eq!(
        (tried["release"]["rollbackRevision"].clone(), tried["plan"]["kind"].clone()),
        (json!(2), json!("rollback"))
    );
    assert_eq!(tried["plan"]["objects"][0]["fields"][0]["path"], ".data.message");
    // No body at all goes to the one before.
    let answer = w.server.ask("POST", &at, &[("prefer", "wait=60")], Body::empty()).await;
    assert_eq!(answer.json()["result"]["revision"], 4, "{}", answer.text());
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"message": "second"}));
    let none = w.server.change("POST", &at, &json!({"revision": 99})).await;
    assert_eq!(none.reason(), (404, "REVISION_NOT_FOUND".into()));
    let long = w.server.json("POST", &at, &json!({"description": "x".repeat(300)})).await;
    assert_eq!(long.pointers(), ["/description"]);
}

async fn release_test(w: World) {
    let vault = w.server.upload(vault()).await;
    let at = format!("{ALL}/vault");
    assert_eq!(w.server.change("PUT", &at, &json!({"chart": {"upload": vault}})).await.status, 200);
    let test = format!("{at}/test");
    let answer = w.server.change("POST", &test, &json!({"only": ["good"], "logs": true})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let done = answer.json();
    assert_eq!(
        (done["kind"].clone(), done["state"].clone(), done["result"]["revision"].clone()),
        (json!("test"), json!("succeeded"), json!(1))
    );
    let events = w.server.get(&format!("/v1/operations/{}/events", done["id"].as_str().unwrap())).await.text();
    assert!(events.contains("event: hook") && events.contains("event: log"), "{events}");
    let failed = w.server.change("POST", &test, &json!({"without": ["good"]})).await;
    assert_eq!(failed.reason(), (422, "RESOURCE_FAILED".into()), "{}", failed.text());
    assert_eq!(failed.json()["failedResources"][0]["name"], "bad");
    let hooks = w.get(&format!("{at}/hooks")).await;
    let phases: Vec<(&str, &str)> = hooks["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| (h["name"].as_str().unwrap(), h["phase"].as_str().unwrap()))
        .collect();
    assert_eq!(phases, [("good", "Succeeded"), ("bad", "Failed")]);
    // A release without tests has none that fails.
    let none = w.server.ask("POST", &format!("{ONE}/test"), &[("prefer", "wait=60")], Body::empty()).await;
    assert_eq!(none.json()["state"], "succeeded", "{}", none.text());
    assert_eq!(
        w.server.json("POST", &format!("{ALL}/none/test"), &json!({})).await.reason(),
        (404, "RELEASE_NOT_FOUND".into())
    );
    let long = w.server.json("POST", &test, &json!({"timeout": "9999h"})).await;
    assert_eq!(long.pointers(), ["/timeout"]);
}

async fn release_unlock(w: World) {
    let at = format!("{ONE}/unlock");
    let unlock = || w.server.ask("POST", &at, &[("prefer", "wait=60")], Body::empty());
    assert_eq!(unlock().await.reason(), (409, "RELEASE_NOT_LOCKED".into()));
    // What a Helm leaves that is killed in an upgrade.
    let clock: release::Clock = std::sync::Arc::new(jiff::Timestamp::now);
    let ledger = release::SecretLedger::new(w.sandbox.client(), clock);
    let mut pending = ledger.get(&release::Key::new("web", "shop", 1)).await.unwrap().release;
    pending.version = 2;
    pending.set_status(release::Status::PendingUpgrade, "Preparing upgrade");
    ledger.create(&pending).await.unwrap();
    let refused = w.server.change("PUT", ONE, &w.body(json!({}))).await;
    assert_eq!(refused.reason(), (409, "RELEASE_PENDING".into()));
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("revision 2 has been pending-upgrade for ") && detail.contains("`unlock`"), "{detail}");
    let answer = unlock().await;
    assert_eq!(answer.json()["result"]["revision"], 2, "{}", answer.text());
    assert_eq!(w.get(ONE).await["status"], "failed");
    w.upgrade(json!({})).await;
}
