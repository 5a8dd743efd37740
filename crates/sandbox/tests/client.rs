//! The sandbox as the kube client sees it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::{ApiResource, GroupVersionKind};
use sandbox::Sandbox;
use serde_json::json;

fn deployment(name: &str, replicas: i32) -> serde_json::Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "web", "image": "nginx:1"}]}}},
    })
}

#[tokio::test]
async fn a_deployment_is_applied_rolls_out_and_goes() {
    let sandbox = Sandbox::default();
    let client = sandbox.client();
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.36.3");
    let api: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let params = PatchParams::apply("helm");
    api.patch("shop", &params, &Patch::Apply(deployment("shop", 2))).await.unwrap();
    let found = api.get("shop").await.unwrap();
    assert_eq!(found.status.unwrap().available_replicas, Some(2));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    assert_eq!(pods.list(&ListParams::default().labels("app=shop")).await.unwrap().items.len(), 2);
    api.patch("shop", &params, &Patch::Apply(deployment("shop", 3))).await.unwrap();
    assert_eq!(api.get("shop").await.unwrap().metadata.generation, Some(2));
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 3);
    api.delete("shop", &DeleteParams::background()).await.unwrap();
    assert!(pods.list(&ListParams::default()).await.unwrap().items.is_empty());
    assert!(api.get_opt("shop").await.unwrap().is_none());
}

#[tokio::test]
async fn a_watch_sees_what_happens() {
    let sandbox = Sandbox::default();
    let api: Api<ConfigMap> = Api::namespaced(sandbox.client(), "default");
    let start = api.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let mut stream = api.watch(&WatchParams::default(), &start).await.unwrap().boxed();
    let made: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "a"}, "data": {"k": "1"}})).unwrap();
    api.create(&PostParams::default(), &made).await.unwrap();
    api.patch("a", &PatchParams::default(), &Patch::Merge(json!({"data": {"k": "2"}}))).await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        match stream.try_next().await.unwrap().unwrap() {
            WatchEvent::Added(o) => seen.push(("added", o.data.unwrap()["k"].clone())),
            WatchEvent::Modified(o) => seen.push(("modified", o.data.unwrap()["k"].clone())),
            WatchEvent::Deleted(o) => seen.push(("deleted", o.data.unwrap()["k"].clone())),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(seen, [("added", "1".to_owned()), ("modified", "2".to_owned()), ("deleted", "2".to_owned())]);
}

#[tokio::test]
async fn custom_resources_are_served_as_soon_as_they_are_defined() {
    let sandbox = Sandbox::default();
    let client = sandbox.client();
    let crd = ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));
    let definitions: Api<DynamicObject> = Api::all_with(client.clone(), &crd);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "tabs.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "tabs", "kind": "Tab"}, "versions": [{
            "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {"size": {"type": "integer"}, "mode": {"type": "string", "default": "x"}}}}}}}]},
    });
    definitions.patch("tabs.example.com", &PatchParams::apply("helm"), &Patch::Apply(&definition)).await.unwrap();
    let found = definitions.get("tabs.example.com").await.unwrap();
    let conditions = found.data["status"]["conditions"].as_array().unwrap().clone();
    assert!(conditions.iter().all(|c| c["status"] == "True"));
    let tabs: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        "default",
        &ApiResource::from_gvk(&GroupVersionKind::gvk("example.com", "v1", "Tab")),
    );
    let tab = json!({"apiVersion": "example.com/v1", "kind": "Tab", "metadata": {"name": "t"}, "spec": {"size": 1}});
    let made = tabs.patch("t", &PatchParams::apply("helm"), &Patch::Apply(&tab)).await.unwrap();
    assert_eq!(made.data["spec"]["mode"], "x");
    let bad =
        json!({"apiVersion": "example.com/v1", "kind": "Tab", "metadata": {"name": "u"}, "spec": {"size": "big"}});
    assert!(tabs.patch("u", &PatchParams::apply("helm"), &Patch::Apply(&bad)).await.is_err());
    let discovery = kube::Discovery::new(client).run().await.unwrap();
    assert!(discovery.get("example.com").unwrap().recommended_kind("Tab").is_some());
    definitions.delete("tabs.example.com", &DeleteParams::default()).await.unwrap();
    assert!(tabs.get_opt("t").await.unwrap().is_none());
    assert!(tabs.list(&ListParams::default()).await.is_err());
}

#[tokio::test]
async fn a_namespace_takes_its_content_along() {
    let sandbox = Sandbox::default();
    let client = sandbox.client();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "web");
    let secret: Secret = serde_json::from_value(json!({"metadata": {"name": "s"}, "stringData": {"a": "b"}})).unwrap();
    let error = secrets.create(&PostParams::default(), &secret).await.unwrap_err();
    assert!(error.to_string().contains("namespaces \"web\" not found"), "{error}");
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "web"}})).unwrap();
    namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    let made = secrets.create(&PostParams::default(), &secret).await.unwrap();
    assert_eq!(made.data.unwrap()["a"].0, b"b");
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "web");
    deployments.patch("d", &PatchParams::apply("helm"), &Patch::Apply(deployment("d", 1))).await.unwrap();
    namespaces.delete("web", &DeleteParams::default()).await.unwrap();
    assert!(namespaces.get_opt("web").await.unwrap().is_none());
    assert!(secrets.list(&ListParams::default()).await.unwrap().items.is_empty());
    let pods: Api<Pod> = Api::all(client);
    assert!(pods.list(&ListParams::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn the_same_works_over_loopback() {
    let sandbox = Sandbox::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = sandbox.clone();
    let task = tokio::spawn(async move { server.serve(listener).await });
    let config = kube::Config::new(format!("http://{address}").parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let api: Api<Deployment> = Api::namespaced(client, "default");
    api.patch("shop", &PatchParams::apply("helm"), &Patch::Apply(deployment("shop", 1))).await.unwrap();
    assert_eq!(api.get("shop").await.unwrap().status.unwrap().ready_replicas, Some(1));
    task.abort();
    let anywhere = tokio::net::TcpListener::bind(("0.0.0.0", 0)).await.unwrap();
    assert!(sandbox.serve(anywhere).await.is_err());
}

#[tokio::test]
async fn what_was_left_behind_is_taken_over() {
    use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
    let client = Sandbox::default().client();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    let sets: Api<ReplicaSet> = Api::namespaced(client, "default");
    let deployment: Deployment = serde_json::from_value(json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}},
    }))
    .unwrap();
    let owners = async || {
        let sets = sets.list(&ListParams::default()).await.unwrap().items;
        sets.iter().map(|set| set.metadata.owner_references.as_ref().map_or(0, Vec::len)).collect::<Vec<_>>()
    };
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    assert_eq!(owners().await, [1]);
    let orphaned =
        DeleteParams { propagation_policy: Some(kube::api::PropagationPolicy::Orphan), ..DeleteParams::default() };
    deployments.delete("web", &orphaned).await.unwrap();
    assert_eq!(owners().await, [0]);
    deployments.create(&PostParams::default(), &deployment).await.unwrap();
    assert_eq!(owners().await, [1]);
}
