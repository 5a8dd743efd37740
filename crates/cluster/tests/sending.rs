//! Sending objects without the server's apply, and calls that fail for the moment, against a Kubernetes in process.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use cluster::{ApplyOptions, Baseline, Cluster, Error, Object, Outcome, Propagation};
use sandbox::{Fault, Loss, Sandbox};
use serde_json::{Value, json};
use tokio::time::Instant;

async fn world() -> (Sandbox, Cluster) {
    let sandbox = Sandbox::default();
    let cluster = Cluster::new(sandbox.client());
    cluster.served().await.unwrap();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}});
    cluster.apply(&Object::new(namespace).unwrap(), &ApplyOptions::default()).await.unwrap();
    sandbox.faults().clear();
    (sandbox, cluster)
}

fn map(data: &Value) -> Object {
    let metadata = json!({"name": "a", "namespace": "web"});
    Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})).unwrap()
}

fn since(object: &Object) -> Baseline {
    Baseline::Manifests(vec![object.value().clone()])
}

fn writes(sandbox: &Sandbox) -> Vec<String> {
    let methods: Vec<String> =
        sandbox.faults().calls().iter().filter_map(|call| Some(call.split(' ').next()?.to_owned())).collect();
    methods.into_iter().filter(|method| method != "GET").collect()
}

#[tokio::test]
async fn a_merge_creates_changes_and_leaves_alone() {
    let (sandbox, cluster) = world().await;
    let (old, new) = (map(&json!({"a": "1", "b": "2"})), map(&json!({"a": "2"})));
    let made = cluster.merge(&old, &Baseline::Itself, false).await.unwrap();
    assert_eq!(made.outcome, Outcome::Created);
    let entry = &made.live["metadata"]["managedFields"][0];
    assert_eq!((&entry["manager"], &entry["operation"]), (&json!("helm"), &json!("Update")));

    let theirs = kube::api::Patch::Merge(json!({"data": {"theirs": "3"}}));
    let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::namespaced(sandbox.client(), "web");
    api.patch("a", &kube::api::PatchParams::apply("somebody"), &theirs).await.unwrap();
    let tried = cluster.merge(&new, &since(&old), true).await.unwrap();
    assert_eq!(tried.live["data"], json!({"a": "2", "theirs": "3"}));
    assert_eq!(cluster.get(new.id()).await.unwrap().unwrap()["data"]["a"], "1", "a dry run changes nothing");
    let made = cluster.merge(&new, &since(&old), false).await.unwrap();
    assert_eq!((made.outcome, &made.live["data"]), (Outcome::Sent, &json!({"a": "2", "theirs": "3"})));

    sandbox.faults().clear();
    assert_eq!(cluster.merge(&new, &since(&new), false).await.unwrap().outcome, Outcome::Unchanged);
    assert!(writes(&sandbox).is_empty());
    // From what is there, everything that is not wanted goes.
    let made = cluster.merge(&new, &Baseline::Live, false).await.unwrap();
    assert_eq!((made.outcome, &made.live["data"]), (Outcome::Sent, &json!({"a": "2"})));
    let made = cluster.replace(&old, false).await.unwrap();
    assert_eq!((made.outcome, &made.live["data"]), (Outcome::Sent, &json!({"a": "1", "b": "2"})));
    cluster.delete(old.id(), Propagation::Background).await.unwrap();
    assert_eq!(cluster.replace(&old, false).await.unwrap().outcome, Outcome::Created);
}

#[tokio::test]
async fn what_the_server_refuses_is_told_as_helm_tells_it() {
    let (_, cluster) = world().await;
    let service = |ip: &str, port: u32| {
        let metadata = json!({"name": "s", "namespace": "web"});
        let spec = json!({"clusterIP": ip, "ports": [{"port": port}]});
        Object::new(json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})).unwrap()
    };
    let old = service("10.0.0.77", 80);
    cluster.merge(&old, &Baseline::Itself, false).await.unwrap();
    let error = cluster.merge(&service("10.0.0.78", 80), &since(&old), false).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error:?}");
    assert!(
        error.to_string().starts_with("cannot patch \"s\" with kind Service: Service \"s\" is invalid: "),
        "{error}"
    );
    let error = cluster.replace(&service("10.0.0.78", 80), false).await.unwrap_err();
    assert!(error.to_string().starts_with("failed to replace object: Service \"s\" is invalid: "), "{error}");
}

#[tokio::test(start_paused = true)]
async fn calls_that_fail_for_the_moment_are_made_again() {
    let faults = [
        Fault::TooManyRequests,
        Fault::Internal,
        Fault::Unavailable,
        Fault::Lost(Loss::Request),
        Fault::Lost(Loss::Response),
    ];
    for fault in faults {
        let (sandbox, cluster) = world().await;
        let (old, new) = (map(&json!({"a": "1"})), map(&json!({"a": "2"})));
        let once = |sandbox: &Sandbox| {
            sandbox.faults().clear();
            sandbox.faults().at(1, fault);
        };
        once(&sandbox);
        assert!(cluster.create(&old, &ApplyOptions::default()).await.unwrap().created, "{fault:?}");
        once(&sandbox);
        assert!(cluster.get(old.id()).await.unwrap().is_some(), "{fault:?}");
        once(&sandbox);
        let forced = ApplyOptions { force: true, ..ApplyOptions::default() };
        assert_eq!(cluster.apply(&new, &forced).await.unwrap().live["data"]["a"], "2", "{fault:?}");
        // The second call is the one that writes.
        sandbox.faults().clear();
        sandbox.faults().at(2, fault);
        assert_eq!(cluster.replace(&old, false).await.unwrap().live["data"]["a"], "1", "{fault:?}");
        sandbox.faults().clear();
        sandbox.faults().at(2, fault);
        assert_eq!(cluster.merge(&new, &since(&old), false).await.unwrap().live["data"]["a"], "2", "{fault:?}");
        once(&sandbox);
        assert!(cluster.delete(old.id(), Propagation::Background).await.unwrap(), "{fault:?}");
        assert!(cluster.get(old.id()).await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_well_is_given_up() {
    let (sandbox, cluster) = world().await;
    (1..10).for_each(|call| sandbox.faults().at(call, Fault::TooManyRequests));
    let begun = Instant::now();
    let error = cluster.get(map(&json!({})).id()).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, 429);
    assert_eq!(sandbox.faults().calls().len(), 4);
    // Three pauses of the second that the server asked for, and some more.
    let took = begun.elapsed();
    assert!((Duration::from_secs(3)..Duration::from_secs(5)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_created_is_not_taken_for_ours() {
    let (sandbox, cluster) = world().await;
    cluster.create(&map(&json!({"a": "theirs"})), &ApplyOptions::default()).await.unwrap();
    sandbox.faults().clear();
    sandbox.faults().at(1, Fault::Lost(Loss::Request));
    let error = cluster.create(&map(&json!({"a": "ours"})), &ApplyOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::AlreadyExists(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_name_the_server_makes_up_is_not_created_twice() {
    let (sandbox, cluster) = world().await;
    let metadata = json!({"generateName": "a-", "namespace": "web", "labels": {"app": "a"}});
    let object = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).unwrap();
    sandbox.faults().at(1, Fault::Lost(Loss::Response));
    assert!(matches!(cluster.create(&object, &ApplyOptions::default()).await, Err(Error::Unreachable(_))));
    sandbox.faults().clear();
    sandbox.faults().at(1, Fault::TooManyRequests);
    cluster.create(&object, &ApplyOptions::default()).await.unwrap();
    assert_eq!(cluster.list(object.id(), "app=a", "").await.unwrap().len(), 2);
}
