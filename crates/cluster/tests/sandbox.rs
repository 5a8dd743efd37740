//! The whole of it against a Kubernetes in process.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use cluster::{
    ApplyOptions, Cluster, Deletable, Error, Existing, Object, ObjectRef, Owner, Propagation, Strategy, WaitOptions,
    per_kind,
};
use serde_json::{Value, json};
use tokio::time::Instant;

fn options() -> WaitOptions {
    let deadline = Instant::now() + Duration::from_secs(60);
    WaitOptions { jobs: true, interval: Duration::from_millis(10), ..WaitOptions::until(deadline) }
}

async fn sandbox() -> Cluster {
    let cluster = Cluster::new(sandbox::Sandbox::default().client());
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}});
    apply(&cluster, namespace).await.unwrap();
    cluster
}

async fn object(cluster: &Cluster, document: Value) -> Object {
    cluster.build(vec![document], "web").await.unwrap().remove(0)
}

async fn apply(cluster: &Cluster, document: Value) -> Result<Value, Error> {
    let object = object(cluster, document).await;
    cluster.apply(&object, &ApplyOptions::default()).await.map(|applied| applied.live)
}

fn config_map(name: &str, data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// One object of every kind that has to get ready.
fn workloads() -> Vec<Value> {
    let template = |app: &str| json!({"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let selector = |app: &str| json!({"matchLabels": {"app": app}});
    let of = |api: &str, kind: &str, name: &str, spec: Value| json!({"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut job = template("j");
    job["spec"]["restartPolicy"] = "Never".into();
    vec![
        of("apps/v1", "Deployment", "d", json!({"replicas": 2, "selector": selector("d"), "template": template("d")})),
        of(
            "apps/v1",
            "StatefulSet",
            "s",
            json!({"replicas": 2, "serviceName": "s", "selector": selector("s"), "template": template("s")}),
        ),
        of("apps/v1", "DaemonSet", "ds", json!({"selector": selector("ds"), "template": template("ds")})),
        of("v1", "Service", "svc", json!({"type": "LoadBalancer", "selector": {"app": "d"}, "ports": [{"port": 80}]})),
        of(
            "v1",
            "PersistentVolumeClaim",
            "pvc",
            json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}),
        ),
        of("batch/v1", "Job", "j", json!({"template": job})),
        of(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "shops.x.io",
            json!({"group": "x.io", "scope": "Namespaced",
            "names": {"kind": "Shop", "plural": "shops"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}),
        ),
    ]
}

#[tokio::test]
async fn a_release_comes_and_goes() {
    let cluster = sandbox().await;
    assert!(cluster.version().await.unwrap().git_version.starts_with("v1."));
    let owner = Owner::new("shop", "web");
    let mut objects = cluster.build(workloads(), "web").await.unwrap();
    for object in &mut objects {
        assert!(matches!(cluster.existing(object, &owner).await.unwrap(), Existing::Missing));
        owner.mark(object);
    }
    let plain = ApplyOptions::default();
    let applied = per_kind(&objects, 4, |object| cluster.apply(object, &plain)).await;
    assert!(applied.into_iter().all(|result| result.unwrap().created));
    for strategy in [Strategy::Watcher, Strategy::Legacy] {
        cluster.wait_ready(&objects, &WaitOptions { strategy, ..options() }, &|_, _| {}).await.unwrap();
    }
    cluster.wait_hook(&objects, &options(), &|_, _| {}).await.unwrap();
    let again = per_kind(&objects, 4, |object| cluster.apply(object, &plain)).await;
    assert!(again.into_iter().all(|result| !result.unwrap().created));
    // The kind that has just come is found without being told.
    apply(&cluster, json!({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "one"}})).await.unwrap();

    let ids: Vec<ObjectRef> = objects.iter().map(|object| object.id().clone()).collect();
    for object in &objects {
        assert!(matches!(cluster.existing(object, &owner).await.unwrap(), Existing::Owned(_)));
        assert!(matches!(cluster.deletable(object.id(), &owner).await, Deletable::Owned));
        let foreign = cluster.deletable(object.id(), &Owner::new("other", "web")).await;
        assert!(matches!(foreign, Deletable::Foreign(_)));
        assert!(cluster.delete(object.id(), Propagation::Background).await.unwrap());
    }
    cluster.wait_gone(&ids, &options(), &|_, _| {}).await.unwrap();
    assert!(!cluster.delete(&ids[0], Propagation::Background).await.unwrap());
    assert!(matches!(cluster.deletable(&ids[0], &owner).await, Deletable::Gone));
}

#[tokio::test]
async fn conflicts_name_field_and_manager() {
    let cluster = sandbox().await;
    apply(&cluster, config_map("a", json!({"k": "v", "z": "1"}))).await.unwrap();
    let other: kube::Api<kube::core::DynamicObject> = kube::Api::namespaced_with(
        cluster.client().clone(),
        "web",
        &kube::core::ApiResource::from_gvk_with_plural(
            &kube::core::GroupVersionKind::gvk("", "v1", "ConfigMap"),
            "configmaps",
        ),
    );
    let patch = kube::api::Patch::Merge(json!({"data": {"k": "theirs"}}));
    let theirs = kube::api::PatchParams { field_manager: Some("kubectl".into()), ..Default::default() };
    other.patch("a", &theirs, &patch).await.unwrap();
    let wanted = object(&cluster, config_map("a", json!({"k": "ours", "z": "2"}))).await;
    let error = cluster.apply(&wanted, &ApplyOptions::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "conflict occurred while applying object web/a /v1, Kind=ConfigMap: Apply failed with 1 conflict: conflict with \"kubectl\" using v1: .data.k"
    );
    let Error::Conflict { conflicts, .. } = error else { panic!("a conflict was expected") };
    assert_eq!((conflicts[0].field.as_str(), conflicts[0].manager.as_str()), (".data.k", "kubectl"));
    let dry = ApplyOptions { force: true, dry_run: true, ..ApplyOptions::default() };
    assert_eq!(cluster.apply(&wanted, &dry).await.unwrap().live["data"]["k"], "ours");
    assert_eq!(cluster.get(wanted.id()).await.unwrap().unwrap()["data"]["k"], "theirs");
    let forced = ApplyOptions { force: true, ..ApplyOptions::default() };
    assert_eq!(cluster.apply(&wanted, &forced).await.unwrap().live["data"], json!({"k": "ours", "z": "2"}));
}

#[tokio::test]
async fn what_was_applied_client_side_is_taken_over() {
    let cluster = sandbox().await;
    let old = object(&cluster, config_map("a", json!({"x": "1"}))).await;
    cluster.create(&old, &ApplyOptions::default()).await.unwrap();
    assert!(matches!(cluster.create(&old, &ApplyOptions::default()).await, Err(Error::AlreadyExists(_))));
    assert!(cluster.migrate_fields(old.id(), false).await.unwrap());
    assert!(!cluster.migrate_fields(old.id(), false).await.unwrap());
    let live = apply(&cluster, config_map("a", json!({"y": "2"}))).await.unwrap();
    assert_eq!(live["data"], json!({"y": "2"}), "a field that the chart no longer has must go");
}

#[tokio::test]
async fn bad_objects_are_refused_with_their_causes() {
    let cluster = sandbox().await;
    let mut unknown = config_map("b", json!({}));
    unknown["dataa"] = json!({});
    let Err(Error::Invalid(refusal)) = apply(&cluster, unknown).await else { panic!("invalid was expected") };
    assert_eq!(refusal.causes[0].field, ".dataa");
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"ports": [{"port": 800_000}]}});
    let Err(Error::Invalid(refusal)) = apply(&cluster, service).await else { panic!("invalid was expected") };
    assert_eq!(refusal.causes[0].field, "spec.ports[0].port");
    let mut nowhere = config_map("b", json!({}));
    nowhere["metadata"]["namespace"] = "nowhere".into();
    let error = apply(&cluster, nowhere).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert!(error.to_string().ends_with("namespaces \"nowhere\" not found"), "{error}");
}

#[tokio::test]
async fn the_server_may_make_up_a_name() {
    let cluster = sandbox().await;
    let live = apply(&cluster, json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "gen-"}}))
        .await
        .unwrap();
    assert!(live["metadata"]["name"].as_str().unwrap().starts_with("gen-"));
}

#[tokio::test]
async fn a_lease_has_one_holder() {
    let cluster = sandbox().await;
    let at = |second: i64| jiff::Timestamp::from_second(1_700_000_000 + second).unwrap();
    let term = std::time::Duration::from_secs(15);
    assert!(cluster.create_lease("nowhere", "shop", "a", term, at(0)).await.unwrap_err().is_not_found());
    let first = cluster.create_lease("default", "shop", "a", term, at(0)).await.unwrap();
    assert_eq!((first.holder.as_str(), first.expiry()), ("a", Some(at(15))));
    let second = cluster.create_lease("default", "shop", "b", term, at(1)).await;
    assert!(matches!(second, Err(cluster::Error::AlreadyExists(_))));
    let renewed = cluster.take_lease("default", "shop", &first, "a", at(5)).await.unwrap();
    assert_eq!(cluster.read_lease("default", "shop").await.unwrap(), Some(renewed.clone()));
    let stale = cluster.take_lease("default", "shop", &first, "b", at(6)).await;
    assert!(matches!(stale, Err(cluster::Error::Conflict { .. })));
    assert!(cluster.delete_lease("default", "shop", &first).await.is_err(), "it has changed since");
    cluster.delete_lease("default", "shop", &renewed).await.unwrap();
    cluster.delete_lease("default", "shop", &renewed).await.unwrap();
    assert_eq!(cluster.read_lease("default", "shop").await.unwrap(), None);
}

#[tokio::test]
async fn what_does_not_get_ready_shows_its_last_words() {
    let sandbox = sandbox::Sandbox::default();
    let cluster = Cluster::new(sandbox.client());
    let text: String = (1..=30).map(|line| format!("line {line}\n")).collect();
    sandbox.set_log("default", "it", &text);
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "it", "annotations": {"test.whipstaff.dev/outcome": "fail"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
    });
    let pod = cluster.build(vec![pod], "default").await.unwrap().remove(0);
    cluster.apply(&pod, &ApplyOptions::default()).await.unwrap();
    let error = cluster.wait_hook(&[pod], &options(), &|_, _| {}).await.unwrap_err();
    let cluster::WaitError::NotReady { objects, .. } = error else { panic!("{error}") };
    let log = objects[0].log.as_ref().unwrap();
    let want: Vec<String> = (21..=30).map(|line| format!("line {line}")).collect();
    assert_eq!((log.pod.as_str(), log.container.as_str(), log.text.clone()), ("it", "c", want.join("\n")));
}
