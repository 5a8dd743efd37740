//! What is asked of the API server, and what is made of its answers.

use crate::fake::{cluster, group_kinds, raw, refusal};
use cluster::{ApplyOptions, Cluster, Error, Object, Propagation};
use serde_json::{Value, json};

async fn config_map(cluster: &Cluster) -> Object {
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}});
    cluster.build(vec![document], "web").await.unwrap().remove(0)
}

#[tokio::test]
async fn apply_speaks_as_helm() {
    let (cluster, log) = cluster(|asked| {
        assert_eq!(asked.content_type, "application/apply-patch+yaml");
        (201, asked.body.clone())
    });
    let object = config_map(&cluster).await;
    let applied = cluster.apply(&object, &ApplyOptions::default()).await.unwrap();
    assert!(applied.created);
    assert_eq!(applied.live["metadata"], json!({"name": "a", "namespace": "web"}));
    cluster.apply(&object, &ApplyOptions { force: true, dry_run: true, ..Default::default() }).await.unwrap();
    let path = "PATCH /api/v1/namespaces/web/configmaps/a?fieldManager=helm&fieldValidation=Strict";
    assert_eq!(*log.lock().unwrap(), [format!("{path}&force=false"), format!("{path}&force=true&dryRun=All")]);
}

#[tokio::test]
async fn a_made_up_name_is_a_post() {
    let (cluster, log) = cluster(|asked| (201, asked.body.clone()));
    let document = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "a-"}});
    let object = cluster.build(vec![document], "web").await.unwrap().remove(0);
    cluster.apply(&object, &ApplyOptions::default()).await.unwrap();
    assert_eq!(
        *log.lock().unwrap(),
        ["POST /api/v1/namespaces/web/configmaps?fieldManager=helm&fieldValidation=Strict"]
    );
}

#[tokio::test]
async fn a_change_of_leader_is_tried_once_more() {
    let (cluster, log) = cluster(|_| refusal(500, "InternalError", "rpc: etcdserver: leader changed"));
    let error = cluster.version().await.unwrap_err();
    assert_eq!(error.to_string(), "rpc: etcdserver: leader changed");
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn lost_races_are_run_again() {
    let quota = "Operation cannot be fulfilled on resourcequotas \"q\": the object has been modified";
    let other = "Apply failed with 1 conflict";
    for (message, tries) in [(quota, 5), (other, 1)] {
        let (cluster, log) = cluster(move |_| refusal(409, "Conflict", message));
        let object = config_map(&cluster).await;
        let error = cluster.apply(&object, &ApplyOptions::default()).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
        assert_eq!(log.lock().unwrap().len(), tries, "{message}");
    }
    let (cluster, log) = cluster(|_| refusal(409, "Conflict", "modified"));
    let object = config_map(&cluster).await;
    assert!(cluster.delete(object.id(), Propagation::Background).await.is_err());
    assert_eq!(log.lock().unwrap().len(), 5);
}

#[tokio::test]
async fn what_is_gone_is_deleted() {
    let (cluster, _) = cluster(|asked| {
        assert_eq!(asked.body["propagationPolicy"], "Foreground");
        refusal(404, "NotFound", "configmaps \"a\" not found")
    });
    let object = config_map(&cluster).await;
    assert!(!cluster.delete(object.id(), Propagation::Foreground).await.unwrap());
}

#[tokio::test]
async fn lists_are_read_page_by_page() {
    let (cluster, log) = cluster(|asked| match asked.line.contains("continue=n%2Fx") {
        false => (200, json!({"metadata": {"continue": "n/x"}, "items": [{"metadata": {"name": "a"}}]})),
        true => (200, json!({"metadata": {}, "items": [{"metadata": {"name": "b"}}]})),
    });
    let object = config_map(&cluster).await;
    let found = cluster.list(object.id(), "a=b", "").await.unwrap();
    assert_eq!(found.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(log.lock().unwrap()[0], "GET /api/v1/namespaces/web/configmaps?limit=500&labelSelector=a%3Db");
}

#[tokio::test]
async fn an_unknown_kind_is_asked_for_again() {
    let mut asked_groups = 0;
    let (cluster, _) = raw(move |asked| match asked.path.as_str() {
        "/api" => (200, json!({"kind": "APIGroupDiscoveryList", "items": []})),
        "/apis" => {
            asked_groups += 1;
            (200, group_kinds(asked_groups == 3))
        }
        other => panic!("unexpected {other}"),
    });
    let shop = json!({"apiVersion": "x.io/v1", "kind": "Shop", "metadata": {"name": "one"}});
    let error = cluster.build(vec![shop.clone(), shop.clone()], "web").await.unwrap_err();
    let one = "resource mapping not found for name: \"one\" namespace: \"\" from \"\": \
               no matches for kind \"Shop\" in version \"x.io/v1\"\nensure CRDs are installed first";
    assert_eq!(error.to_string(), one, "Go says the same thing once");
    let found = cluster.build(vec![shop], "web").await.unwrap();
    assert_eq!(found[0].namespace(), "web");
}

#[tokio::test]
async fn an_old_cluster_is_asked_group_by_group() {
    let (cluster, _) = raw(|asked| match asked.path.as_str() {
        "/api" => (200, json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => (
            200,
            json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]},
                {"name": "metrics.k8s.io", "versions": [{"groupVersion": "metrics.k8s.io/v1beta1", "version": "v1beta1"}]},
            ]}),
        ),
        "/api/v1" => (200, json!({"resources": [{"name": "pods", "kind": "Pod", "namespaced": true}]})),
        "/apis/apps/v1" => {
            (200, json!({"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}]}))
        }
        _ => refusal(503, "ServiceUnavailable", "the server is currently unable to handle the request"),
    });
    let served = cluster.served().await.unwrap();
    assert_eq!(served.api_versions(), ["apps/v1", "apps/v1/Deployment", "metrics.k8s.io/v1beta1", "v1", "v1/Pod"]);
    assert_eq!(served.failed(), ["metrics.k8s.io/v1beta1"]);
}

#[tokio::test]
async fn discovery_is_shared_by_callers() {
    let mut roots = 0;
    let (first, _) = raw(move |asked| {
        roots += usize::from(asked.path == "/apis");
        assert!(roots < 2, "the cluster was asked twice");
        (200, json!({"kind": "APIGroupDiscoveryList", "items": []}))
    });
    first.served().await.unwrap();
    let (second, _) = raw(|_| panic!("the other caller must not ask"));
    first.with_client(second.client().clone()).served().await.unwrap();
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_said_to_be_so() {
    let (cluster, _) = cluster(|_| (200, Value::Null));
    let object = config_map(&cluster).await;
    assert_eq!(cluster.get(object.id()).await.unwrap(), Some(Value::Null));
    let (down, _) = raw(|_| refusal(401, "Unauthorized", "Unauthorized"));
    assert!(matches!(down.version().await, Err(Error::Unauthorized(_))));
}

#[tokio::test]
async fn fields_are_handed_over_once() {
    let managed = json!([{"manager": "helm", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:data": {}}}]);
    let (cluster, log) = cluster(move |asked| match asked.line.starts_with("GET") {
        true => (200, json!({"metadata": {"resourceVersion": "7", "managedFields": managed}})),
        false => {
            assert_eq!(asked.content_type, "application/json-patch+json");
            assert_eq!(asked.body[0]["value"][0]["operation"], "Apply");
            (200, json!({}))
        }
    });
    let object = config_map(&cluster).await;
    assert!(cluster.migrate_fields(object.id(), false).await.unwrap());
    assert_eq!(log.lock().unwrap().len(), 2);
}
