//! One case for each operation of the document, over the sandbox; an operation without a case fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod changes;
mod charts;
mod clusters;
#[path = "../common/mod.rs"]
mod common;
mod measured;
mod migrations;
mod operations;
mod package;
mod plans;
mod reads;
mod repositories;

use std::future::Future;
use std::pin::Pin;

use common::{Answer, Server, archive, shop};
use measured::metrics;
use serde_json::{Value, json};

const ALL: &str = "/v1/clusters/default/namespaces/web/releases";
const ONE: &str = "/v1/clusters/default/namespaces/web/releases/shop";

/// A sandbox in which `web/shop` is installed.
struct World {
    sandbox: sandbox::Sandbox,
    server: Server,
    digest: String,
}

impl World {
    async fn new() -> Self {
        let sandbox = sandbox::Sandbox::default();
        let repository_hosts = server::Hosts::read(&["127.0.0.1"]).unwrap();
        let server = Server::over(sandbox.client(), server::Config { repository_hosts, ..server::Config::default() });
        let digest = server.upload(shop()).await;
        let world = Self { sandbox, server, digest };
        let body = world.body(json!({"createNamespace": true, "values": {"replicas": 2}, "labels": {"team": "web"}}));
        let answer = world.server.change("PUT", ONE, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        world
    }

    /// The body of a change, with the chart.
    fn body(&self, more: Value) -> Value {
        let mut body = json!({"chart": {"upload": self.digest}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.server.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    async fn upgrade(&self, more: Value) -> Answer {
        let answer = self.server.change("PUT", ONE, &self.body(more)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    /// Somebody else changes the message of the release's object, or deletes the object.
    async fn meddle(&self, message: Option<&str>) {
        use kube::api::{DeleteParams, Patch, PatchParams};
        let api: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::namespaced(self.sandbox.client(), "web");
        match message {
            Some(text) => {
                let patch = json!({"data": {"message": text}});
                api.patch("shop", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
            }
            None => drop(api.delete("shop", &DeleteParams::default()).await.unwrap()),
        }
    }

    async fn last_operation(&self) -> Value {
        self.get("/v1/operations").await["items"][0].clone()
    }
}

type Case = fn(World) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($($name:ident),* $(,)?) => { &[$((stringify!($name), |world| Box::pin($name(world)))),*] };
}
pub(crate) use cases;

const CASES: [&[(&str, Case)]; 10] = [
    cases![index, openapi, docs, healthz, readyz, metrics],
    changes::CASES,
    charts::CASES,
    clusters::CASES,
    migrations::CASES,
    operations::CASES,
    package::CASES,
    plans::CASES,
    reads::CASES,
    repositories::CASES,
];

#[tokio::test]
async fn every_operation_of_the_document_has_a_case_that_passes() {
    let document = api::document();
    let paths = document["paths"].as_object().unwrap().values();
    let ids: Vec<&str> = paths
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), api::routes().len());
    for id in ids {
        let (_, case) =
            CASES.concat().into_iter().find(|(name, _)| *name == id).unwrap_or_else(|| panic!("no case for `{id}`"));
        println!("{id}");
        case(World::new().await).await;
    }
}

async fn index(w: World) {
    assert!(w.get("/").await["links"]["releases"].is_string());
}

async fn openapi(w: World) {
    assert_eq!(&w.get("/openapi.json").await, api::document());
}

async fn docs(w: World) {
    assert!(w.server.get("/docs").await.text().contains("release_apply"));
}

async fn healthz(w: World) {
    assert_eq!(w.get("/healthz").await["status"], "ok");
}

async fn readyz(w: World) {
    assert_eq!(w.get("/readyz").await["status"], "ok");
}

/// A chart with a Secret, and a test that fails when it is told to.
fn vault() -> Vec<u8> {
    let test = |name: &str, outcome: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, annotations: {{helm.sh/hook: test, test.whipstaff.dev/outcome: {outcome}}}}}\nspec: {{restartPolicy: Never, containers: [{{name: it, image: it}}]}}\n"
        )
    };
    archive(&[
        ("vault/Chart.yaml", "apiVersion: v2\nname: vault\nversion: 1.0.0\n"),
        (
            "vault/templates/secret.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: {{ .Release.Name }}}\nstringData: {key: {{ .Values.key | quote }}}\n",
        ),
        (
            "vault/templates/map.yaml",
            "{{ if .Values.map }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Values.map }}}\ndata: {key: value}\n{{ end }}",
        ),
        ("vault/templates/good.yaml", &test("good", "succeed")),
        ("vault/templates/bad.yaml", &test("bad", "fail")),
    ])
}
