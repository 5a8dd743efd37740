//! A change that is cancelled while it runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use axum::body::Body;
use common::{Server, archive};
use serde_json::{Value, json};

const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

/// A chart whose hook never comes to its end.
fn slow() -> Vec<u8> {
    archive(&[
        ("slow/Chart.yaml", "apiVersion: v2\nname: slow\nversion: 1.0.0\n"),
        ("slow/templates/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n"),
        (
            "slow/templates/hook.yaml",
            "apiVersion: batch/v1\nkind: Job\nmetadata: {name: hook, annotations: {helm.sh/hook: pre-install}}\nspec:\n  template:\n    metadata: {annotations: {test.whipstaff.dev/outcome: hang}}\n    spec: {restartPolicy: Never, containers: [{name: it, image: it}]}\n",
        ),
    ])
}

async fn until(server: &Server, id: &str, reached: impl Fn(&Value) -> bool) -> Value {
    // There is one thread, and whoever is at work has his turn between two looks.
    for _ in 0..1_000_000 {
        let operation = server.get(&format!("/v1/operations/{id}")).await.json();
        if reached(&operation) {
            return operation;
        }
        tokio::task::yield_now().await;
    }
    panic!("operation {id} does not come so far");
}

#[tokio::test]
async fn a_change_that_has_begun_is_stopped_and_recorded() {
    let sandbox = sandbox::Sandbox::default();
    let server = Server::over(sandbox.client(), server::Config::default());
    let digest = server.upload(slow()).await;
    let body = json!({"chart": {"upload": digest}, "createNamespace": true});
    let answer = server.json("PUT", ONE, &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    until(&server, &id, |operation| operation["phase"] == "preHooks").await;

    let cancel = format!("/v1/operations/{id}/cancel");
    let answer = server.ask("POST", &cancel, &[], Body::empty()).await;
    assert_eq!((answer.status.as_u16(), answer.json()["state"].as_str()), (202, Some("cancelling")));
    let done = until(&server, &id, |operation| operation["done"] == true).await;
    assert_eq!(
        (done["state"].as_str(), done["error"]["reason"].as_str()),
        (Some("cancelled"), Some("OPERATION_CANCELLED"))
    );
    assert_eq!(done["error"]["detail"], "the operation was cancelled; revision 1 is recorded as failed");
    assert_eq!(
        server.ask("POST", &cancel, &[], Body::empty()).await.reason(),
        (409, "OPERATION_NOT_CANCELLABLE".into())
    );

    let release = server.get(ONE).await.json();
    assert_eq!(release["status"], "failed", "{release:#}");
    let after = "/api/v1/namespaces/web/configmaps";
    let changes = |call: &String| !call.starts_with("GET ") && call.contains(after);
    assert!(!sandbox.faults().calls().iter().any(changes), "nothing is changed after it");
    // Nothing is locked.
    let answer = server.change("DELETE", ONE, &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
