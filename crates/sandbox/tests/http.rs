//! The sandbox as a client of plain HTTP sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use common::{Call, apply, delete, get, merge, post, sandbox};
use serde_json::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"k": value}})
}

fn pod(name: &str, outcome: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": {"test.whipstaff.dev/outcome": outcome}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}})
}

fn job(name: &str, limit: i32, outcome: &str) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": limit, "template": {
        "metadata": {"annotations": {"test.whipstaff.dev/outcome": outcome}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}}})
}

#[tokio::test]
async fn errors_are_kubernetes_own() {
    let (sandbox, _) = sandbox();
    assert_eq!(post(&sandbox, MAPS, &map("a", "1")).await.0, 201);
    for (method, path, body, code, message) in [
        ("GET", "/api/v1/namespaces/default/configmaps/x", Value::Null, 404, "configmaps \"x\" not found"),
        ("GET", "/apis/apps/v1/nope", Value::Null, 404, "the server could not find the requested resource"),
        ("POST", MAPS, map("a", "1"), 409, "configmaps \"a\" already exists"),
        ("POST", "/api/v1/namespaces/no/configmaps", map("a", "1"), 404, "namespaces \"no\" not found"),
        ("PUT", MAPS, map("a", "1"), 405, "the server does not allow this method on the requested resource"),
        (
            "POST",
            "/apis/apps/v1/namespaces/default/deployments?fieldValidation=Strict",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"nope": 1}}),
            400,
            "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.nope\"",
        ),
        (
            "POST",
            MAPS,
            json!({"metadata": {"name": "b"}, "data": {"a": 1}}),
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct field ConfigMap.data of type string",
        ),
        (
            "POST",
            MAPS,
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "b"}}),
            400,
            "Secret in version \"v1\" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): unknown conversion",
        ),
    ] {
        let (status, answer) =
            Call::new(&sandbox).with("content-type", "application/json").json(method, path, &body).await;
        assert_eq!((status, answer["message"].as_str()), (code, Some(message)), "{method} {path}");
        assert_eq!((answer["kind"].as_str(), answer["code"].as_u64()), (Some("Status"), Some(u64::from(code))));
    }
}

#[tokio::test]
async fn an_old_version_is_a_conflict() {
    let (sandbox, _) = sandbox();
    let (_, made) = post(&sandbox, MAPS, &map("a", "1")).await;
    let path = format!("{MAPS}/a");
    assert_eq!(merge(&sandbox, &path, &json!({"data": {"k": "2"}})).await.0, 200);
    let (status, answer) = Call::new(&sandbox).json("PUT", &path, &made).await;
    assert_eq!(status, 409);
    assert_eq!(
        answer["message"],
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );
    let (_, live) = get(&sandbox, &path).await;
    let (status, same) = Call::new(&sandbox).json("PUT", &path, &live).await;
    assert_eq!((status, &same["metadata"]["resourceVersion"]), (200, &live["metadata"]["resourceVersion"]));
}

#[tokio::test]
async fn apply_keeps_what_others_own() {
    let (sandbox, clock) = sandbox();
    let path = format!("{MAPS}/a");
    assert_eq!(apply(&sandbox, &path, "helm", &map("a", "1")).await.0, 201);
    clock.advance(Duration::from_secs(1));
    assert_eq!(
        merge(&sandbox, &format!("{path}?fieldManager=kubectl"), &json!({"data": {"k": "2", "o": "3"}})).await.0,
        200
    );
    let (status, answer) = apply(&sandbox, &path, "helm", &map("a", "1")).await;
    assert_eq!(status, 409);
    assert_eq!(answer["message"], "Apply failed with 1 conflict: conflict with \"kubectl\" using v1: .data.k");
    assert_eq!(answer["details"]["causes"][0]["reason"], "FieldManagerConflict");
    let (status, forced) = apply(&sandbox, &format!("{path}?force=true"), "helm", &map("a", "1")).await;
    assert_eq!((status, &forced["data"]), (200, &json!({"k": "1", "o": "3"})));
    let (_, emptied) =
        apply(&sandbox, &path, "helm", &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}))
            .await;
    assert_eq!(emptied["data"], json!({"o": "3"}));
    let (status, dry) = apply(&sandbox, &format!("{path}?dryRun=All"), "helm", &map("a", "9")).await;
    assert_eq!((status, &dry["data"]["k"]), (200, &json!("9")));
    assert_eq!(get(&sandbox, &path).await.1["data"], json!({"o": "3"}));
    let (status, answer) = Call::new(&sandbox)
        .with("content-type", "application/apply-patch+yaml")
        .json("PATCH", &path, &map("a", "1"))
        .await;
    assert_eq!(status, 422, "{answer}");
}

#[tokio::test]
async fn yaml_is_applied_too() {
    let (sandbox, _) = sandbox();
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: yes-map}\ndata:\n  a: |\n    text\n";
    let path = format!("{MAPS}/yes-map?fieldManager=me");
    let call = Call::new(&sandbox).with("content-type", "application/apply-patch+yaml");
    let (status, answer) = call.raw("PATCH", &path, body).await;
    assert_eq!(status, 201, "{answer:?}");
    assert_eq!(get(&sandbox, &format!("{MAPS}/yes-map")).await.1["data"]["a"], "text\n");
}

#[tokio::test]
async fn what_is_immutable_stays() {
    let (sandbox, _) = sandbox();
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}});
    let (_, made) = post(&sandbox, "/api/v1/namespaces/default/services", &service).await;
    assert_eq!(made["spec"]["ports"][0], json!({"port": 80, "protocol": "TCP", "targetPort": 80}));
    let (status, answer) =
        merge(&sandbox, "/api/v1/namespaces/default/services/s", &json!({"spec": {"clusterIP": "10.0.9.9"}})).await;
    assert_eq!(status, 422);
    assert_eq!(
        answer["message"],
        "Service \"s\" is invalid: spec.clusterIPs[0]: Invalid value: [\"10.0.9.9\"]: may not change once set"
    );
    post(
        &sandbox,
        "/api/v1/namespaces/default/secrets",
        &json!({"metadata": {"name": "s"}, "immutable": true, "data": {"a": "YQ=="}}),
    )
    .await;
    let (_, answer) = merge(&sandbox, "/api/v1/namespaces/default/secrets/s", &json!({"data": {"a": "Yg=="}})).await;
    assert_eq!(
        answer["message"],
        "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set"
    );
    let large = json!({"metadata": {"name": "l"}, "stringData": {"a": "x".repeat(1_048_577)}});
    assert_eq!(post(&sandbox, "/api/v1/namespaces/default/secrets", &large).await.0, 422);
}

#[tokio::test]
async fn lists_come_in_parts_and_selected() {
    let (sandbox, _) = sandbox();
    for i in 0..5 {
        let mut object = map(&format!("m{i}"), "1");
        object["metadata"]["labels"] = json!({"odd": (i % 2 == 1).to_string()});
        post(&sandbox, MAPS, &object).await;
    }
    let (_, first) = get(&sandbox, &format!("{MAPS}?limit=2&labelSelector=odd")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let next = first["metadata"]["continue"].as_str().unwrap();
    let (_, second) = get(&sandbox, &format!("{MAPS}?limit=5&labelSelector=odd&continue={next}")).await;
    assert_eq!(second["items"].as_array().unwrap().len(), 3);
    assert!(second["metadata"].get("continue").is_none());
    let (_, odd) = get(&sandbox, &format!("{MAPS}?labelSelector=odd%3Dtrue")).await;
    assert_eq!(odd["items"].as_array().unwrap().len(), 2);
    let (_, one) = get(&sandbox, &format!("{MAPS}?fieldSelector=metadata.name%3Dm3")).await;
    assert_eq!(one["items"][0]["metadata"]["name"], "m3");
    assert_eq!(get(&sandbox, &format!("{MAPS}?fieldSelector=data.k%3D1")).await.0, 400);
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let (_, table) = Call::new(&sandbox).with("accept", table).json("GET", MAPS, &Value::Null).await;
    assert_eq!((table["kind"].as_str(), table["rows"][1]["cells"][1].as_u64()), (Some("Table"), Some(1)));
    let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
    let (_, partial) = Call::new(&sandbox).with("accept", partial).json("GET", MAPS, &Value::Null).await;
    assert_eq!(partial["kind"], "PartialObjectMetadataList");
    assert!(partial["items"][0].get("data").is_none());
}

#[tokio::test]
async fn a_watch_begins_where_it_is_told_and_no_earlier_than_it_can() {
    let clock = sandbox::ManualClock::default();
    let config = sandbox::Config { clock: std::sync::Arc::new(clock), max_history: 20, ..sandbox::Config::default() };
    let sandbox = sandbox::Sandbox::new(config);
    post(&sandbox, MAPS, &map("a", "1")).await;
    tokio::time::pause();
    let path = format!(
        "{MAPS}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    );
    let (_, body) = Call::new(&sandbox).raw("GET", &path, "").await;
    let events: Vec<Value> =
        body.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "ADDED", "BOOKMARK"]);
    assert_eq!(events[2]["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    for i in 0..30 {
        merge(&sandbox, &format!("{MAPS}/a"), &json!({"data": {"k": i.to_string()}})).await;
    }
    let (_, body) = Call::new(&sandbox).raw("GET", &format!("{MAPS}?watch=true&resourceVersion=2"), "").await;
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((event["type"].as_str(), event["object"]["code"].as_u64()), (Some("ERROR"), Some(410)));
}

#[tokio::test]
async fn jobs_end_as_their_pods_do() {
    let (sandbox, clock) = sandbox();
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    post(&sandbox, jobs, &job("good", 6, "")).await;
    let (_, good) = get(&sandbox, &format!("{jobs}/good")).await;
    assert_eq!(
        (good["status"]["succeeded"].as_u64(), good["status"]["conditions"][1]["type"].as_str()),
        (Some(1), Some("Complete"))
    );
    post(&sandbox, jobs, &job("bad", 1, "fail")).await;
    let (_, bad) = get(&sandbox, &format!("{jobs}/bad")).await;
    assert_eq!((bad["status"]["failed"].as_u64(), bad["status"].get("conditions")), (Some(1), None));
    clock.advance(Duration::from_secs(11));
    let (_, bad) = get(&sandbox, &format!("{jobs}/bad")).await;
    assert_eq!(bad["status"]["conditions"][1]["reason"], "BackoffLimitExceeded");
    post(&sandbox, "/api/v1/namespaces/default/pods", &pod("stuck", "hang")).await;
    assert_eq!(get(&sandbox, "/api/v1/namespaces/default/pods/stuck").await.1["status"]["phase"], "Pending");
    sandbox.set_log("default", "stuck", "hello\n");
    let (_, log) = Call::new(&sandbox).raw("GET", "/api/v1/namespaces/default/pods/stuck/log", "").await;
    assert_eq!(&log[..], b"hello\n");
}

#[tokio::test]
async fn a_pod_starts_when_its_time_has_come() {
    let clock = sandbox::ManualClock::default();
    let config = sandbox::Config {
        clock: std::sync::Arc::new(clock.clone()),
        pod_start: Duration::from_secs(2),
        ..sandbox::Config::default()
    };
    let sandbox = sandbox::Sandbox::new(config);
    post(&sandbox, "/api/v1/namespaces/default/pods", &pod("p", "")).await;
    let phase = || async { get(&sandbox, "/api/v1/namespaces/default/pods/p").await.1["status"]["phase"].clone() };
    assert_eq!(phase().await, "Pending");
    clock.advance(Duration::from_secs(2));
    assert_eq!(phase().await, "Succeeded");
}

#[tokio::test]
async fn a_cron_job_runs_when_it_is_due() {
    let (sandbox, clock) = sandbox();
    let cron = json!({"metadata": {"name": "c"}, "spec": {"schedule": "*/5 * * * *", "jobTemplate": {"spec": {"template": {
        "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "b"}]}}}}}});
    post(&sandbox, "/apis/batch/v1/namespaces/default/cronjobs", &cron).await;
    let count =
        || async { get(&sandbox, "/apis/batch/v1/namespaces/default/jobs").await.1["items"].as_array().unwrap().len() };
    assert_eq!(count().await, 0);
    for want in [1, 2, 3, 3] {
        clock.advance(Duration::from_secs(300));
        assert_eq!(count().await, want);
    }
}

#[tokio::test]
async fn dependents_go_with_their_owner_or_stay() {
    let (sandbox, _) = sandbox();
    let (_, owner) = post(&sandbox, MAPS, &map("owner", "1")).await;
    let mut child = map("child", "1");
    child["metadata"]["ownerReferences"] = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true}]);
    post(&sandbox, MAPS, &child).await;
    let (status, answer) = delete(&sandbox, &format!("{MAPS}/owner?propagationPolicy=Orphan")).await;
    assert_eq!((status, answer["kind"].as_str()), (200, Some("ConfigMap")));
    assert_eq!(get(&sandbox, &format!("{MAPS}/owner")).await.0, 404);
    assert!(get(&sandbox, &format!("{MAPS}/child")).await.1["metadata"].get("ownerReferences").is_none());
    for policy in ["Foreground", "Background"] {
        delete(&sandbox, &format!("{MAPS}/child")).await;
        let (_, owner) = post(&sandbox, MAPS, &map("owner", "1")).await;
        child["metadata"]["ownerReferences"][0]["uid"] = owner["metadata"]["uid"].clone();
        post(&sandbox, MAPS, &child).await;
        delete(&sandbox, &format!("{MAPS}/owner?propagationPolicy={policy}")).await;
        assert_eq!(get(&sandbox, &format!("{MAPS}/child")).await.0, 404, "{policy}");
        assert_eq!(get(&sandbox, &format!("{MAPS}/owner")).await.0, 404, "{policy}");
    }
    let mut kept = map("kept", "1");
    kept["metadata"]["finalizers"] = json!(["example.com/wait"]);
    post(&sandbox, MAPS, &kept).await;
    delete(&sandbox, &format!("{MAPS}/kept")).await;
    assert!(get(&sandbox, &format!("{MAPS}/kept")).await.1["metadata"]["deletionTimestamp"].is_string());
    merge(&sandbox, &format!("{MAPS}/kept"), &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(get(&sandbox, &format!("{MAPS}/kept")).await.0, 404);
}

#[tokio::test]
async fn who_has_no_role_may_nothing() {
    let (sandbox, _) = sandbox();
    let (status, answer) = Call::new(&sandbox).token("viewer").json("GET", MAPS, &Value::Null).await;
    assert_eq!(status, 403);
    assert_eq!(
        answer["message"],
        "configmaps is forbidden: User \"viewer\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    assert_eq!(Call::new(&sandbox).token("nobody").json("GET", MAPS, &Value::Null).await.0, 401);
    let binding = json!({"metadata": {"name": "v"}, "roleRef": {"kind": "ClusterRole", "name": "view"}, "subjects": [{"kind": "User", "name": "viewer"}]});
    post(&sandbox, "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", &binding).await;
    assert_eq!(Call::new(&sandbox).token("viewer").json("GET", MAPS, &Value::Null).await.0, 200);
    assert_eq!(Call::new(&sandbox).token("viewer").json("POST", MAPS, &map("a", "1")).await.0, 403);
    let (status, _) = Call::new(&sandbox).with("impersonate-user", "bob").json("GET", MAPS, &Value::Null).await;
    assert_eq!(status, 403);
    let review =
        json!({"spec": {"resourceAttributes": {"verb": "list", "resource": "configmaps", "namespace": "default"}}});
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let (_, answer) = Call::new(&sandbox).token("viewer").json("POST", reviews, &review).await;
    assert_eq!(answer["status"]["allowed"], true);
    let (_, answer) =
        post(&sandbox, "/apis/authentication.k8s.io/v1/tokenreviews", &json!({"spec": {"token": "viewer"}})).await;
    assert_eq!(answer["status"]["user"]["username"], "viewer");
}

#[tokio::test]
#[ignore = "the sandbox lets one pod too many go at once; the real control plane keeps 3 of 4 available"]
async fn a_rollout_waits_for_pods_that_do_not_come() {
    let (sandbox, _) = sandbox();
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let object = |image: &str, outcome: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 4,
            "selector": {"matchLabels": {"a": "b"}}, "template": {
                "metadata": {"labels": {"a": "b"}, "annotations": {"test.whipstaff.dev/outcome": outcome}},
                "spec": {"containers": [{"name": "c", "image": image}]}}}})
    };
    apply(&sandbox, &format!("{path}/d"), "helm", &object("i:1", "")).await;
    assert_eq!(get(&sandbox, &format!("{path}/d")).await.1["status"]["readyReplicas"], 4);
    apply(&sandbox, &format!("{path}/d"), "helm", &object("i:2", "hang")).await;
    let (_, stuck) = get(&sandbox, &format!("{path}/d")).await;
    assert_eq!(
        (stuck["status"]["availableReplicas"].as_u64(), stuck["status"]["updatedReplicas"].as_u64()),
        (Some(3), Some(2))
    );
    assert_eq!(stuck["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "2");
    apply(&sandbox, &format!("{path}/d"), "helm", &object("i:3", "")).await;
    let (_, done) = get(&sandbox, &format!("{path}/d")).await;
    assert_eq!((done["status"]["readyReplicas"].as_u64(), done["status"]["replicas"].as_u64()), (Some(4), Some(4)));
    let scale = Call::new(&sandbox).json("GET", &format!("{path}/d/scale"), &Value::Null).await.1;
    assert_eq!((scale["spec"]["replicas"].as_u64(), scale["status"]["selector"].as_str()), (Some(4), Some("a=b")));
    merge(&sandbox, &format!("{path}/d/scale"), &json!({"spec": {"replicas": 1}})).await;
    assert_eq!(get(&sandbox, &format!("{path}/d")).await.1["status"]["replicas"], 1);
}

#[tokio::test]
async fn a_full_sandbox_says_so() {
    let config = sandbox::Config { max_objects: 100, ..sandbox::Config::default() };
    let sandbox = sandbox::Sandbox::new(config);
    let mut last = 0;
    for i in 0..100 {
        last = post(&sandbox, MAPS, &map(&format!("m{i}"), "1")).await.0;
    }
    assert_eq!(last, 507);
    let (status, _) = Call::new(&sandbox).raw("POST", MAPS, vec![b' '; 4 << 20]).await;
    assert_eq!(status, 413);
}
