//! From a Tiller's records to Helm 4's.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use tiller::hapi::chart::{Chart, Metadata};
use tiller::hapi::release::status::Code;
use tiller::hapi::release::{Info, Release, Status};

use crate::{Case, World, cases};

pub(crate) const CASES: &[(&str, Case)] = cases![migration_plan, migration_run, migration_cleanup];

impl World {
    /// Keeps a record of a release in namespace `web`, as Tiller does.
    async fn keep(&self, name: &str, revision: i32, code: Code) {
        let status = Status { code: code.into(), ..Status::default() };
        let metadata = Metadata { name: "old".to_owned(), version: "0.1.0".to_owned(), ..Metadata::default() };
        let release = Release {
            name: name.to_owned(),
            namespace: "web".to_owned(),
            version: revision,
            info: Some(Info { status: Some(status), ..Info::default() }),
            chart: Some(Chart { metadata: Some(metadata), ..Chart::default() }),
            ..Release::default()
        };
        let object: ConfigMap = serde_json::from_value(json!({
            "metadata": {"name": format!("{name}.v{revision}"), "labels": {
                "OWNER": "TILLER", "NAME": name, "VERSION": revision.to_string(), "STATUS": code.as_str_name(),
            }},
            "data": {"release": tiller::record::encode(&release).unwrap()},
        }))
        .unwrap();
        self.config_maps().create(&PostParams::default(), &object).await.unwrap();
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.sandbox.client(), "kube-system")
    }

    async fn migrate(&self, path: &str, body: Value) -> Value {
        let answer = self.server.json("POST", path, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// A world that was Helm 2's.
    async fn with_tiller(&self) {
        self.keep("old", 1, Code::Superseded).await;
        self.keep("old", 2, Code::Deployed).await;
        // Helm 4 has one of this name.
        self.keep("shop", 7, Code::Deployed).await;
    }
}

async fn migration_plan(w: World) {
    assert_eq!(w.migrate("/v1/migrations/plan", json!({})).await, json!({"releases": [], "complete": true}));
    w.with_tiller().await;
    let plan = w.migrate("/v1/migrations/plan", json!({"releases": ["old"], "revisions": 1})).await;
    let expected = json!({"name": "old", "namespace": "web", "state": "pending", "objects": 0, "warnings": [],
        "revisions": [{"revision": 2, "status": "deployed", "step": "write"}]});
    assert_eq!(plan, json!({"releases": [expected], "complete": true}));
    assert_eq!(w.server.get("/v1/clusters/default/namespaces/web/releases/old").await.status, 404);
    // What cannot be.
    let refused = [
        (json!({"releases": ["gone"]}), (404, "RELEASE_NOT_FOUND")),
        (json!({"cluster": "prod"}), (404, "CLUSTER_NOT_FOUND")),
        (json!({"revisions": 0}), (422, "INVALID_INPUT")),
        (json!({"tiller": {"namespace": "No Namespace"}}), (422, "INVALID_NAMESPACE")),
        (json!({"tiller": {"storage": "sql"}}), (422, "INVALID_INPUT")),
    ];
    for (body, (status, reason)) in refused {
        let answer = w.server.json("POST", "/v1/migrations/plan", &body).await;
        assert_eq!(answer.reason(), (status, reason.into()), "{body}");
    }
}

async fn migration_run(w: World) {
    w.with_tiller().await;
    let done = w.migrate("/v1/migrations", json!({})).await;
    let of = |at: usize, field: &str| done["releases"][at][field].clone();
    assert_eq!((of(0, "name"), of(0, "state")), (json!("old"), json!("done")));
    assert_eq!((of(1, "name"), of(1, "state")), (json!("shop"), json!("blocked")));
    assert!(of(1, "reason").as_str().unwrap().contains("Helm 4"), "{done}");
    let release = w.get("/v1/clusters/default/namespaces/web/releases/old").await;
    assert_eq!((&release["revision"], &release["status"]), (&json!(2), &json!("deployed")), "{release}");
    // Once more: nothing is done twice.
    let again = w.migrate("/v1/migrations", json!({"releases": ["old"]})).await;
    assert_eq!((&again["releases"][0]["state"], &again["releases"][0]["revisions"]), (&json!("done"), &json!([])));
}

async fn migration_cleanup(w: World) {
    w.with_tiller().await;
    w.migrate("/v1/migrations", json!({"releases": ["old"]})).await;
    let expected =
        json!({"releases": [{"name": "old", "removed": ["old.v1", "old.v2"]}, {"name": "shop", "removed": []}]});
    let there = async || w.config_maps().get_opt("old.v2").await.unwrap().is_some();
    assert_eq!(w.migrate("/v1/migrations/cleanup", json!({"dryRun": true})).await, expected);
    assert!(there().await);
    assert_eq!(w.migrate("/v1/migrations/cleanup", json!({})).await, expected);
    assert!(!there().await);
}
