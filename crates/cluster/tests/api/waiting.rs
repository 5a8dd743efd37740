//! Waiting, with a clock that does not have to be waited for.

use std::sync::Mutex;
use std::time::Duration;

use crate::fake::{cluster, refusal};
use cluster::{Object, ObjectRef, Readiness, Status, Strategy, WaitError, WaitOptions};
use serde_json::{Value, json};
use tokio::time::Instant;

fn object(api_version: &str, kind: &str, name: &str) -> Object {
    let metadata = json!({"name": name, "namespace": "web"});
    Object::new(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata})).unwrap()
}

fn live(object: &Object, spec: Value, status: Value) -> Value {
    let mut value = object.value().clone();
    value["spec"] = spec;
    value["status"] = status;
    value
}

fn options(seconds: u64) -> WaitOptions {
    WaitOptions::until(Instant::now() + Duration::from_secs(seconds))
}

fn nobody(_: &ObjectRef, _: &Readiness) {}

fn lines(error: &WaitError) -> Vec<String> {
    error.to_string().lines().map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn waits_until_all_are_ready_and_looks_once_more() {
    let pod = object("v1", "Pod", "a");
    let other = object("v1", "ConfigMap", "b");
    let (first, second) = (pod.clone(), other.clone());
    let mut looks = 0;
    let (cluster, log) = cluster(move |asked| {
        if asked.path.contains("/configmaps/") {
            return (200, second.value().clone());
        }
        looks += 1;
        let ready = if looks < 3 { "False" } else { "True" };
        let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]});
        (200, live(&first, json!({}), status))
    });
    let heard = Mutex::new(Vec::new());
    let began = Instant::now();
    let on_change =
        |object: &ObjectRef, readiness: &Readiness| heard.lock().unwrap().push((object.name.clone(), readiness.status));
    cluster.wait_ready(&[pod, other], &options(60), &on_change).await.unwrap();
    let want = [("a", Status::InProgress), ("b", Status::Current), ("a", Status::Current)];
    assert_eq!(*heard.lock().unwrap(), want.map(|(name, status)| (name.to_owned(), status)));
    assert_eq!(began.elapsed(), Duration::from_millis(1500));
    assert_eq!(log.lock().unwrap().len(), 4 + 2, "what is ready is not asked for again, but for the last look");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_object_condition_and_warning() {
    let shop = object("apps/v1", "Deployment", "shop");
    let there = shop.clone();
    let (cluster, _) = cluster(move |asked| {
        if asked.path.ends_with("/events") {
            let about = json!({"kind": "Pod", "name": "shop-1"});
            return (
                200,
                json!({"items": [{"type": "Warning", "reason": "BackOff", "message": "image", "involvedObject": about}]}),
            );
        }
        let conditions = json!([{"type": "Available", "status": "False", "reason": "Few"}]);
        (200, live(&there, json!({"replicas": 2}), json!({"replicas": 1, "conditions": conditions})))
    });
    let error = cluster.wait_ready(&[shop], &options(5), &nobody).await.unwrap_err();
    let want = [
        "resource Deployment/web/shop not ready. status: InProgress, message: Replicas: 1/2",
        "context deadline exceeded",
    ];
    assert_eq!(lines(&error), want);
    let WaitError::NotReady { objects, timed_out: true, .. } = error else { panic!("a timeout was expected") };
    assert_eq!(objects[0].condition.as_ref().unwrap().to_string(), "Available=False: Few");
    assert_eq!(objects[0].warning.as_ref().unwrap().reason, "BackOff");
}

#[tokio::test(start_paused = true)]
async fn a_failed_job_ends_the_wait_at_once() {
    let job = object("batch/v1", "Job", "j");
    let there = job.clone();
    let (cluster, _) = cluster(move |asked| match asked.path.ends_with("/events") {
        true => refusal(403, "Forbidden", "no events for you"),
        false => {
            (200, live(&there, json!({}), json!({"failed": 1, "conditions": [{"type": "Failed", "status": "True"}]})))
        }
    });
    let began = Instant::now();
    for jobs in [true, false] {
        let options = WaitOptions { jobs, ..options(60) };
        let error = cluster.wait_ready(std::slice::from_ref(&job), &options, &nobody).await.unwrap_err();
        assert_eq!(lines(&error), ["resource Job/web/j not ready. status: Failed, message: Job Failed. failed: 1/1"]);
    }
    let error = cluster.wait_hook(&[job], &options(60), &nobody).await.unwrap_err();
    assert_eq!(lines(&error), ["resource Job/web/j not ready. status: Failed, message: Job Failed. failed: 1/1"]);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn crashing_pods_fail_their_set_once_the_rest_is_ready() {
    let set = object("apps/v1", "StatefulSet", "db");
    let there = set.clone();
    let (cluster, _) = cluster(move |asked| match asked.path.rsplit('/').next().unwrap() {
        "pods" => {
            let waiting = json!([{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
            (200, json!({"items": [{"status": {"phase": "Running", "containerStatuses": waiting}}]}))
        }
        "events" => (200, json!({"items": []})),
        _ => {
            (200, live(&there, json!({"replicas": 1, "selector": {"matchLabels": {"a": "b"}}}), json!({"replicas": 1})))
        }
    });
    let error = cluster.wait_ready(&[set], &options(60), &nobody).await.unwrap_err();
    assert_eq!(lines(&error), ["resource StatefulSet/web/db not ready. status: Failed, message: 1 pods have failed"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_a_node_fails_after_a_while() {
    let pod = object("v1", "Pod", "a");
    let there = pod.clone();
    let (cluster, _) = cluster(move |_| {
        let conditions = json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]);
        (200, live(&there, json!({}), json!({"phase": "Pending", "conditions": conditions})))
    });
    let began = Instant::now();
    let error = cluster.wait_ready(&[pod], &options(60), &nobody).await.unwrap_err();
    assert_eq!(lines(&error), ["resource Pod/web/a not ready. status: Failed, message: Pod could not be scheduled"]);
    assert!((15..17).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn trouble_of_the_server_is_sat_out_and_refusals_are_not() {
    let pod = object("v1", "Pod", "a");
    let there = pod.clone();
    let mut looks = 0;
    let (patient, _) = cluster(move |_| {
        looks += 1;
        if looks < 4 {
            return refusal(503, "ServiceUnavailable", "busy");
        }
        (200, live(&there, json!({}), json!({"phase": "Succeeded"})))
    });
    patient.wait_ready(std::slice::from_ref(&pod), &options(60), &nobody).await.unwrap();
    let (strict, log) = cluster(|_| refusal(403, "Forbidden", "pods is forbidden"));
    let error = strict.wait_ready(&[pod], &options(60), &nobody).await.unwrap_err();
    assert!(matches!(error, WaitError::Cluster(cluster::Error::Forbidden(_))), "{error}");
    assert_eq!(log.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hooks_are_waited_for_by_kind() {
    let objects = [object("v1", "ConfigMap", "c"), object("v1", "Pod", "p"), object("batch/v1", "Job", "gone")];
    let pod = objects[1].clone();
    let mut looks = 0;
    let (cluster, log) = cluster(move |asked| {
        if asked.path.contains("/jobs/") {
            return refusal(404, "NotFound", "");
        }
        looks += 1;
        (200, live(&pod, json!({}), json!({"phase": if looks < 2 { "Running" } else { "Succeeded" }})))
    });
    cluster.wait_hook(&objects, &options(60), &nobody).await.unwrap();
    let asked = log.lock().unwrap().clone();
    assert!(asked.iter().all(|line| !line.contains("configmaps")), "{asked:?}");
    assert_eq!(asked.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn waits_until_objects_are_gone() {
    let map = object("v1", "ConfigMap", "c");
    let there = map.clone();
    let mut looks = 0;
    let (patient, _) = cluster(move |_| {
        looks += 1;
        if looks < 3 { (200, there.value().clone()) } else { refusal(404, "NotFound", "") }
    });
    patient.wait_gone(&[map.id().clone()], &options(60), &nobody).await.unwrap();
    let mut there = map.value().clone();
    there["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    let (stuck, _) = cluster(move |_| (200, there.clone()));
    let error = stuck.wait_gone(&[map.id().clone()], &options(2), &nobody).await.unwrap_err();
    let want = [
        "resource ConfigMap/web/c still exists. status: Terminating, message: Resource scheduled for deletion",
        "context deadline exceeded",
    ];
    assert_eq!(lines(&error), want);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_wait_for_asks_nothing() {
    let (cluster, log) = cluster(|_| panic!("nothing was to be asked"));
    let mut paused = object("apps/v1", "Deployment", "p").into_value();
    paused["spec"] = json!({"paused": true});
    let paused = Object::new(paused).unwrap();
    cluster.wait_ready(&[paused], &options(1), &nobody).await.unwrap();
    cluster.wait_ready(&[], &WaitOptions { strategy: Strategy::Legacy, ..options(1) }, &nobody).await.unwrap();
    assert!(log.lock().unwrap().is_empty());
}
