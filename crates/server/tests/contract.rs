//! One case for each operation of the document, over the sandbox; an operation without a case fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

#[path = "contract/clusters.rs"]
mod clusters;
mod common;
#[path = "contract/metrics.rs"]
mod measured;

use std::future::Future;
use std::pin::Pin;

use axum::body::Body;
use clusters::{cluster_apply, cluster_create, cluster_delete, cluster_get, cluster_list};
use common::{Answer, Server, archive, shop};
use measured::metrics;
use release::Ledger;
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
        let server = Server::over(sandbox.client(), server::Config::default());
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
    ($($name:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[$((stringify!($name), |world| Box::pin($name(world)))),*];
    };
}

cases! {
    index, openapi, docs, healthz, readyz, metrics, chart_upload, chart_list, chart_get, chart_archive, chart_metadata,
    chart_dependencies, chart_values, chart_readme,
    chart_schema, chart_crds, chart_files, chart_file, template, lint, chart_lint, cluster_list, cluster_get, cluster_create, cluster_apply, cluster_delete, release_list_all,
    release_list_cluster, release_list, release_install, release_get, release_apply, release_patch, release_uninstall,
    release_rollback, release_plan, release_diff, release_resources, release_drift, release_test, release_unlock, revision_list, revision_get, release_values, revision_values, release_manifest, revision_manifest,
    release_notes, revision_notes, release_hooks, revision_hooks, release_chart, revision_chart, release_record, revision_record, release_objects,
    revision_objects, operation_list,
    operation_get, operation_events, operation_logs, operation_cancel,
}

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
        let (_, case) = CASES.iter().find(|(name, _)| *name == id).unwrap_or_else(|| panic!("no case for `{id}`"));
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

async fn chart_upload(w: World) {
    let gzip = [("content-type", "application/gzip"), ("accept", "application/yaml")];
    let answer = w.server.ask("POST", "/v1/charts", &gzip, shop()).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/yaml"));
    assert!(answer.text().contains(&w.digest));
}

async fn chart_list(w: World) {
    assert_eq!(w.get("/v1/charts?limit=1").await["items"][0]["digest"], w.digest.as_str());
}

async fn chart_get(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}", w.digest)).await["metadata"]["version"], "1.2.3");
    let bare = w.digest.trim_start_matches("sha256:");
    assert_eq!(w.get(&format!("/v1/charts/{bare}")).await["digest"], w.digest.as_str());
}

async fn chart_archive(w: World) {
    assert_eq!(w.server.get(&format!("/v1/charts/{}/archive", w.digest)).await.body, shop());
}

async fn chart_metadata(w: World) {
    let at = format!("/v1/charts/{}/metadata", w.digest);
    assert_eq!(w.get(&at).await["appVersion"], "4.5");
    let yaml = w.server.get_as(&at, "application/yaml").await.text();
    assert!(yaml.starts_with("apiVersion: v2\nappVersion: \"4.5\"\n"), "{yaml}");
}

async fn chart_dependencies(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}/dependencies", w.digest)).await, json!({"items": []}));
}

async fn lint(w: World) {
    let found = w.server.json("POST", "/v1/lint", &w.body(json!({}))).await.json();
    let icon = json!({"severity": "info", "path": "Chart.yaml", "message": "icon is recommended"});
    assert_eq!(found, json!({"passed": true, "linted": 1, "failed": 0, "findings": [icon]}));
    let body = w.body(json!({"set": ["replicas=-1"], "namespace": "x", "kubeVersion": "1.30"}));
    let found = w.server.json("POST", "/v1/lint", &body).await.json();
    assert_eq!((found["passed"].clone(), found["failed"].clone()), (json!(false), json!(1)));
    let at: Vec<&str> = found["findings"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert_eq!(at, ["Chart.yaml", "values.yaml", "templates/"], "{found:#}");
    let body = w.body(json!({"set": ["replicas=-1"], "skipSchemaValidation": true}));
    assert_eq!(w.server.json("POST", "/v1/lint", &body).await.json()["passed"], true);
    // A chart that could not even be uploaded, with two more in it.
    use base64::Engine as _;
    let chart = archive(&[
        ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: x\nicon: https://example.com\n"),
        ("a/values.yaml", ""),
        ("a/charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
        ("a/charts/b/templates/a.yaml", "  a: 1\n"),
        ("a/charts/c.tgz", "no archive"),
    ]);
    let chart = json!({"archive": base64::engine::general_purpose::STANDARD.encode(chart)});
    let found = w.server.json("POST", "/v1/lint", &json!({"chart": chart, "withSubcharts": true})).await.json();
    let all: Vec<String> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| [&f["severity"], &f["path"], &f["message"]].map(|v| v.as_str().unwrap()).join(" "))
        .collect();
    assert!(all.contains(&"error Chart.yaml version 'x' is not a valid SemVer".to_owned()), "{all:#?}");
    assert!(all.iter().any(|text| text.starts_with("warning charts/b/templates/a.yaml document starts")), "{all:#?}");
    assert!(all.iter().any(|text| text.starts_with("error charts/c.tgz unable to extract tarball")), "{all:#?}");
    assert_eq!((found["linted"].clone(), found["failed"].clone()), (json!(3), json!(2)));
}

async fn chart_lint(w: World) {
    let at = format!("/v1/charts/{}/lint", w.digest);
    assert_eq!(w.get(&at).await["passed"], true);
    assert_eq!(w.get(&format!("{at}?strict&withSubcharts=true")).await["findings"].as_array().unwrap().len(), 1);
    let text = w.server.get_as(&at, "text/plain").await.text();
    assert_eq!(text, "==> Linting .\n[INFO] Chart.yaml: icon is recommended\n\n1 chart(s) linted, 0 chart(s) failed\n");
    for (query, name) in [("kubeVersion=x", "kubeVersion"), ("stric=true", "stric"), ("strict=maybe", "strict")] {
        let answer = w.server.get(&format!("{at}?{query}")).await;
        assert_eq!(answer.reason(), (400, "INVALID_PARAMETER".into()), "{query}");
        assert_eq!(answer.json()["errors"][0]["parameter"], name);
    }
    assert_eq!(w.server.get(&format!("{at}?namespace=A")).await.reason(), (422, "INVALID_NAMESPACE".into()));
}

async fn chart_values(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}/values", w.digest)).await["replicas"], 1);
}

async fn chart_readme(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}/readme", w.digest)).await["readme"], "# Shop\n");
}

async fn chart_schema(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}/schema", w.digest)).await["type"], "object");
}

async fn chart_crds(w: World) {
    assert_eq!(w.get(&format!("/v1/charts/{}/crds", w.digest)).await["items"][0]["name"], "crds/till.yaml");
}

async fn chart_files(w: World) {
    assert!(w.get(&format!("/v1/charts/{}/files", w.digest)).await["items"].as_array().unwrap().len() > 5);
}

async fn chart_file(w: World) {
    let path = format!("/v1/charts/{}/files/README.md", w.digest);
    assert_eq!(w.server.get(&path).await.text(), "# Shop\n");
}

async fn template(w: World) {
    let body = w.body(json!({"name": "x", "namespace": "y", "set": ["message=it's"], "values": {"replicas": 3}}));
    let made = w.server.json("POST", "/v1/template", &body).await.json();
    let manifest = made["manifest"].as_str().unwrap();
    assert!(manifest.contains("message: \"it's\"") && manifest.contains("replicas: \"3\""), "{manifest}");
    assert!(!manifest.contains("CustomResourceDefinition"));
    assert_eq!(
        (made["hooks"][0]["weight"].clone(), made["notes"].clone()),
        (json!(-5), json!("it's from x, revision 1\n"))
    );
    let headers = [("content-type", "application/json"), ("accept", "application/yaml")];
    let body = w.body(json!({"includeCrds": true, "hooks": {"disabled": true}}));
    let text = w.server.ask("POST", "/v1/template", &headers, body.to_string()).await.text();
    assert!(text.starts_with("---\n# Source: shop/crds/till.yaml\n") && !text.contains("-hook"), "{text}");
    // Only some, and each by itself.
    let body = w.body(json!({"showOnly": ["templates/h*.yaml"], "perFile": true, "nameTemplate": "{{ `X` | lower }}"}));
    let made = w.server.json("POST", "/v1/template", &body).await.json();
    assert_eq!((made["manifest"].clone(), made["hooks"][0]["name"].clone()), (json!(""), json!("x-hook")));
    let files: Vec<&String> = made["files"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["shop/templates/hook.yaml"]);
    // The same as YAML, the chart inside the body.
    use base64::Engine as _;
    let archive = base64::engine::general_purpose::STANDARD.encode(shop());
    let body = format!("chart: {{archive: {archive}}}\nvalues: {{replicas: 123456, message: x}}\n");
    let yaml = [("content-type", "application/yaml")];
    let made = w.server.ask("POST", "/v1/template", &yaml, body).await.json();
    assert!(made["manifest"].as_str().unwrap().contains("replicas: \"123456\""));
}

async fn release_list_all(w: World) {
    assert_eq!(w.get("/v1/releases").await["items"][0]["name"], "shop");
}

async fn release_list_cluster(w: World) {
    let list = w.get("/v1/clusters/default/releases").await;
    let item = &list["items"][0];
    assert_eq!((item["namespace"].clone(), item["status"].clone()), (json!("web"), json!("deployed")));
    assert_eq!(item["chart"], json!({"name": "shop", "version": "1.2.3", "appVersion": "4.5"}));
    assert!(item["updatedAt"].is_string() && item["labels"]["team"] == "web");
}

async fn release_list(w: World) {
    for name in ["a", "b", "c"] {
        let answer = w.server.change("PUT", &format!("{ALL}/{name}"), &w.body(json!({"crds": "skip"}))).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap().to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["a", "b", "c", "shop"]),
        ("?sort=-name", vec!["shop", "c", "b", "a"]),
        ("?sort=updated", vec!["shop", "a", "b", "c"]),
        ("?filter=^[ab]$", vec!["a", "b"]),
        ("?selector=team%3Dweb", vec!["shop"]),
        ("?selector=!team", vec!["a", "b", "c"]),
        ("?status=failed,pending-install", vec![]),
        ("?status=deployed&chart=shop&filter=shop", vec!["shop"]),
        ("?chart=other", vec![]),
    ] {
        assert_eq!(names(&w.get(&format!("{ALL}{query}")).await), expected, "{query}");
    }
    for sort in ["name", "-updated", "-chart"] {
        let whole = names(&w.get(&format!("{ALL}?sort={sort}")).await);
        let mut seen = Vec::new();
        let mut next = String::new();
        loop {
            let page = w.get(&format!("{ALL}?sort={sort}&limit=3{next}")).await;
            seen.extend(names(&page));
            match page["continue"].as_str() {
                Some(token) => next = format!("&continue={token}"),
                None => break,
            }
        }
        assert_eq!(seen, whole, "{sort}");
    }
    assert_eq!(w.get("/v1/clusters/default/namespaces/other/releases").await["items"], json!([]));
    assert_eq!(w.server.get(&format!("{ALL}?continue=x")).await.reason(), (400, "INVALID_PARAMETER".into()));
}

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

async fn release_get(w: World) {
    let answer = w.server.get(ONE).await;
    let release = answer.json();
    assert_eq!((release["revision"].clone(), release["status"].clone()), (json!(1), json!("deployed")));
    assert_eq!((release["applyMethod"].clone(), release["labels"].clone()), (json!("ssa"), json!({"team": "web"})));
    assert!(release.get("values").is_none() && release.get("manifest").is_none());
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with("\"1-deployed"), "{tag}");
    assert_eq!(w.server.ask("GET", ONE, &[("if-none-match", &tag)], "").await.status, 304);
    w.upgrade(json!({})).await;
    assert_eq!(w.server.ask("GET", ONE, &[("if-none-match", &tag)], "").await.status, 200);
    assert_eq!(w.server.get(&format!("{ALL}/none")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
    assert!(w.server.get_as(ONE, "text/yaml").await.text().contains("revision: 2\n"));
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

/// What a plan does to each object.
fn actions(plan: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let objects = plan["objects"].as_array().unwrap().iter();
    objects.map(|it| (format!("{} {}", text(&it["kind"]), text(&it["name"])), text(&it["action"]))).collect()
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

async fn release_plan(w: World) {
    let at = format!("{ONE}/plan");
    let (same, other) = (w.body(json!({"values": {"replicas": 2}})), w.body(json!({"values": {"replicas": 3}})));
    let plan = w.server.json("POST", &at, &same).await.json();
    assert_eq!(actions(&plan), [("ConfigMap shop".to_owned(), "unchanged".to_owned())]);
    assert_eq!((plan["kind"].clone(), plan["changes"].clone()), (json!("upgrade"), json!(false)));
    let plan = w.server.json("POST", &at, &other).await.json();
    assert_eq!((plan["release"]["revision"].clone(), plan["changes"].clone()), (json!(2), json!(true)));
    let fields = json!([{"path": ".data.replicas", "before": "2", "after": "3"}]);
    assert_eq!((plan["objects"][0]["action"].clone(), plan["objects"][0]["fields"].clone()), (json!("patch"), fields));
    assert_eq!(w.get(ONE).await["revision"], 1, "nothing is changed");
    // Without a chart, what is to be different.
    let patch = w.server.json("POST", &at, &json!({"values": {"replicas": 3}})).await.json();
    assert_eq!(patch["objects"], plan["objects"]);
    // What was looked at is what is done, or nothing is.
    let digest = plan["planDigest"].as_str().unwrap();
    assert_eq!(w.server.json("POST", &at, &other).await.json()["planDigest"], digest);
    let with = format!("{ONE}?planDigest={digest}");
    assert_eq!(w.server.change("PUT", &with, &same).await.reason(), (412, "PRECONDITION_FAILED".into()));
    let done = w.server.change("PUT", &with, &other).await;
    assert_eq!(done.json()["result"]["revision"], 2, "{}", done.text());
    assert_eq!(w.server.change("PUT", &with, &other).await.reason(), (412, "PRECONDITION_FAILED".into()));
    // What is not there yet, with its hooks and definitions.
    let plan =
        w.server.json("POST", &format!("{ALL}/new/plan"), &w.body(json!({"createNamespace": true}))).await.json();
    let hooks = json!([{"event": "pre-install", "kind": "ConfigMap", "name": "new-hook"}]);
    assert_eq!((plan["kind"].clone(), plan["hooks"].clone()), (json!("install"), hooks));
    let done: Vec<String> = actions(&plan).into_iter().map(|(object, action)| format!("{action} {object}")).collect();
    assert_eq!(
        done,
        ["ensure Namespace web", "ensure CustomResourceDefinition tills.shop.example.com", "create ConfigMap new"]
    );
    // Secrets are not told.
    let vault = w.server.upload(vault()).await;
    let body = |key: &str, map: &str| json!({"chart": {"upload": vault}, "values": {"key": key, "map": map}});
    let at = format!("{ALL}/vault");
    assert_eq!(w.server.change("PUT", &at, &body("first", "one")).await.status, 200);
    let answer = w.server.json("POST", &format!("{at}/plan"), &body("second", "two")).await;
    let plan = answer.json();
    let fields = json!([{"path": ".data.key", "before": "***", "after": "***"}]);
    assert_eq!(plan["objects"][0]["fields"], fields, "{}", answer.text());
    let done: Vec<String> = actions(&plan).into_iter().map(|(object, action)| format!("{action} {object}")).collect();
    assert_eq!(done, ["patch Secret vault", "create ConfigMap two", "delete ConfigMap one"]);
    let none = w.server.json("POST", &format!("{ALL}/none/plan"), &json!({})).await;
    assert_eq!(none.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_diff(w: World) {
    let at = format!("{ONE}/diff");
    assert_eq!(w.server.json("POST", &at, &json!({})).await.reason(), (404, "REVISION_NOT_FOUND".into()));
    w.upgrade(json!({"values": {"replicas": 3}})).await;
    w.upgrade(json!({"values": {"message": "hi"}})).await;
    let found = w.server.ask("POST", &at, &[], Body::empty()).await.json();
    assert_eq!((found["from"]["revision"].clone(), found["to"]["revision"].clone()), (json!(2), json!(3)));
    let values = json!([{"path": ".replicas", "before": 3}, {"path": ".message", "after": "hi"}]);
    assert_eq!(found["values"], values);
    let fields = json!([
        {"path": ".data.message", "before": "hello", "after": "hi"}, {"path": ".data.replicas", "before": "3", "after": "1"},
    ]);
    let object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "shop", "change": "changed", "fields": fields});
    assert_eq!(
        (found["objects"].clone(), found["hooks"].clone(), found["notes"].clone()),
        (json!([object]), json!([]), json!(true))
    );
    let found = w.server.json("POST", &at, &json!({"from": 1, "to": 2})).await.json();
    assert_eq!(found["values"], json!([{"path": ".replicas", "before": 2, "after": 3}]));
    assert_eq!(w.server.json("POST", &at, &json!({"to": 9})).await.reason(), (404, "REVISION_NOT_FOUND".into()));
    let none = w.server.json("POST", &format!("{ALL}/none/diff"), &json!({})).await;
    assert_eq!(none.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_resources(w: World) {
    let found = w.get(&format!("{ONE}/resources")).await;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "namespace": "web", "name": "shop", "status": "Current",
        "message": "Resource is always ready"});
    assert_eq!(found["items"], json!([map]));
    w.meddle(None).await;
    assert_eq!(w.get(&format!("{ONE}/resources")).await["items"][0]["status"], "NotFound");
    assert_eq!(w.server.get(&format!("{ALL}/none/resources")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
}

async fn release_drift(w: World) {
    let at = format!("{ONE}/drift");
    let found = w.get(&at).await;
    assert_eq!((found["revision"].clone(), found["drifted"].clone()), (json!(1), json!(false)));
    assert_eq!(found["objects"][0]["state"], "same");
    w.meddle(Some("theirs")).await;
    let found = w.get(&at).await;
    let fields = json!([{"path": ".data.message", "before": "theirs", "after": "hello"}]);
    assert_eq!((found["drifted"].clone(), found["objects"][0]["fields"].clone()), (json!(true), fields));
    assert_eq!(w.get(&at).await, found, "looking changes nothing");
    w.meddle(None).await;
    assert_eq!(w.get(&at).await["objects"][0]["state"], "missing");
    assert_eq!(w.server.get(&format!("{ALL}/none/drift")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
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

async fn revision_list(w: World) {
    w.upgrade(json!({})).await;
    let list = w.get(&format!("{ONE}/revisions")).await;
    let items: Vec<(u64, &str)> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["revision"].as_u64().unwrap(), r["status"].as_str().unwrap()))
        .collect();
    assert_eq!(items, [(1, "superseded"), (2, "deployed")]);
    let page = w.get(&format!("{ONE}/revisions?limit=1")).await;
    let rest = w.get(&format!("{ONE}/revisions?continue={}", page["continue"].as_str().unwrap())).await;
    assert_eq!(rest["items"][0]["revision"], 2);
    assert_eq!(w.server.get(&format!("{ALL}/none/revisions")).await.status, 404);
}

async fn revision_get(w: World) {
    w.upgrade(json!({})).await;
    assert_eq!(w.get(&format!("{ONE}/revisions/1")).await["status"], "superseded");
    assert_eq!(w.server.get(&format!("{ONE}/revisions/9")).await.reason(), (404, "REVISION_NOT_FOUND".into()));
    assert_eq!(w.server.get(&format!("{ALL}/none/revisions/9")).await.reason(), (404, "RELEASE_NOT_FOUND".into()));
    assert_eq!(w.server.get(&format!("{ONE}/revisions/0")).await.reason(), (400, "INVALID_PARAMETER".into()));
}

async fn release_values(w: World) {
    assert_eq!(w.get(&format!("{ONE}/values")).await, json!({"replicas": 2}));
    let all = w.get(&format!("{ONE}/values?all=true")).await;
    assert_eq!(all, json!({"replicas": 2, "message": "hello", "port": 80}));
    let yaml = w.server.get_as(&format!("{ONE}/values"), "application/yaml").await;
    assert_eq!(yaml.text(), "replicas: 2\n");
}

async fn revision_values(w: World) {
    w.upgrade(json!({"values": {"replicas": 9_007_199_254_740_993_i64}})).await;
    assert_eq!(w.get(&format!("{ONE}/revisions/1/values")).await, json!({"replicas": 2}));
}

async fn release_manifest(w: World) {
    let at = format!("{ONE}/manifest");
    let manifest = w.get(&at).await["manifest"].as_str().unwrap().to_owned();
    assert!(manifest.starts_with("---\n# Source: shop/templates/config.yaml\n"), "{manifest}");
    assert_eq!(w.server.get_as(&at, "application/yaml").await.text(), format!("{manifest}\n"));
    assert_eq!(w.server.get_as(&at, "text/plain").await.text(), format!("{manifest}\n"));
}

async fn revision_manifest(w: World) {
    w.upgrade(json!({"values": {"message": "new"}})).await;
    let old = w.get(&format!("{ONE}/revisions/1/manifest")).await;
    assert!(old["manifest"].as_str().unwrap().contains("message: \"hello\""));
}

async fn release_notes(w: World) {
    let at = format!("{ONE}/notes");
    assert_eq!(w.get(&at).await["notes"], "hello from shop, revision 1\n");
    let plain = w.server.get_as(&at, "text/plain").await;
    assert_eq!(
        (plain.text().as_str(), plain.header("content-type")),
        ("hello from shop, revision 1\n", "text/plain; charset=utf-8")
    );
}

async fn revision_notes(w: World) {
    w.upgrade(json!({})).await;
    assert_eq!(w.get(&format!("{ONE}/revisions/2/notes")).await["notes"], "hello from shop, revision 2\n");
}

async fn release_hooks(w: World) {
    let at = format!("{ONE}/hooks");
    let hook = w.get(&at).await["items"][0].clone();
    assert_eq!((hook["name"].clone(), hook["events"].clone()), (json!("shop-hook"), json!(["pre-install"])));
    assert_eq!((hook["weight"].clone(), hook["phase"].clone()), (json!(-5), json!("Succeeded")));
    assert!(
        w.server.get_as(&at, "application/yaml").await.text().starts_with("---\n# Source: shop/templates/hook.yaml\n")
    );
}

async fn revision_hooks(w: World) {
    assert_eq!(w.get(&format!("{ONE}/revisions/1/hooks")).await["items"].as_array().unwrap().len(), 1);
}

async fn release_chart(w: World) {
    assert_eq!(w.get(&format!("{ONE}/chart")).await["description"], "A shop.");
}

async fn revision_chart(w: World) {
    assert_eq!(w.get(&format!("{ONE}/revisions/1/chart")).await["name"], "shop");
}

async fn release_record(w: World) {
    w.upgrade(json!({"values": {"message": "two"}, "labels": {"team": "web"}})).await;
    let found = w.get(&format!("{ONE}/record")).await;
    let release = &found["release"];
    assert_eq!(
        (&release["name"], &release["version"], &release["config"]["message"]),
        (&json!("shop"), &json!(2), &json!("two"))
    );
    assert!(release["chart"]["templates"].is_array() && release["info"]["status"] == "deployed", "{release}");
    assert_eq!((&found["labels"]["team"], &found["systemLabels"]["owner"]), (&json!("web"), &json!("helm")));
}

async fn revision_record(w: World) {
    w.upgrade(json!({})).await;
    let found = w.get(&format!("{ONE}/revisions/1/record")).await;
    assert_eq!((&found["release"]["version"], &found["systemLabels"]), (&json!(1), &Value::Null));
    assert_eq!(w.server.get(&format!("{ONE}/revisions/9/record")).await.reason(), (404, "REVISION_NOT_FOUND".into()));
}

async fn release_objects(w: World) {
    let found = w.get(&format!("{ONE}/objects")).await;
    assert_eq!(found["v1/ConfigMap"][0]["kind"], "ConfigMap", "{found}");
    let tables = w.get(&format!("{ONE}/objects?form=table")).await;
    assert_eq!(tables["v1/ConfigMap"][0]["kind"], "Table", "{tables}");
}

async fn revision_objects(w: World) {
    w.upgrade(json!({})).await;
    let found = w.get(&format!("{ONE}/revisions/1/objects?form=object")).await;
    assert_eq!(found["v1/ConfigMap"][0]["kind"], "ConfigMap", "{found}");
}

async fn operation_list(w: World) {
    w.upgrade(json!({})).await;
    let list = w.get("/v1/operations?release=shop&namespace=web&state=succeeded").await;
    let kinds: Vec<&str> = list["items"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["upgrade", "install"]);
    assert_eq!(w.get("/v1/operations?state=failed").await["items"], json!([]));
}

async fn operation_get(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let answer = w.server.get(&format!("/v1/operations/{id}")).await;
    let operation = answer.json();
    assert_eq!((operation["phase"].clone(), operation["done"].clone()), (json!("finish"), json!(true)));
    assert_eq!(operation["release"], json!({"cluster": "default", "namespace": "web", "name": "shop"}));
    assert!(operation["expiresAt"].is_string() && operation["finishedAt"].is_string());
    let tag = answer.header("etag").to_owned();
    let at = format!("/v1/operations/{id}");
    assert_eq!(w.server.ask("GET", &at, &[("if-none-match", &tag)], "").await.status, 304);
    assert_eq!(w.server.get("/v1/operations/none").await.reason(), (404, "OPERATION_NOT_FOUND".into()));
}

async fn operation_events(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let at = format!("/v1/operations/{id}/events");
    let whole = w.server.get(&at).await;
    assert_eq!(whole.header("content-type"), "text/event-stream");
    let events: Vec<(u64, String, Value)> = whole.text().split("\n\n").filter(|e| !e.is_empty()).map(event).collect();
    let names: Vec<&str> = events.iter().map(|(_, name, _)| name.as_str()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"phase"), Some(&"done")));
    assert!(names.contains(&"resource") && names.contains(&"hook"), "{names:?}");
    for (index, (id, name, data)) in events.iter().enumerate() {
        assert_eq!((*id, data["type"].as_str()), (index as u64 + 1, Some(name.as_str())));
        assert_eq!(api::check("Event", data), [], "{data}");
    }
    assert_eq!(events.last().unwrap().2["operation"]["state"], "succeeded");
    // From the middle, and from behind the end.
    for (seen, left) in [("2", events.len() - 2), ("100000", 1)] {
        let rest = w.server.ask("GET", &at, &[("last-event-id", seen)], "").await.text();
        assert_eq!(rest.matches("event: ").count(), left, "{seen}");
        assert!(rest.contains("event: done"));
    }
}

async fn operation_logs(w: World) {
    let none = w.last_operation().await["id"].as_str().unwrap().to_owned();
    assert_eq!(w.get(&format!("/v1/operations/{none}/logs")).await, json!({"items": []}));
    let vault = w.server.upload(vault()).await;
    let at = format!("{ALL}/vault");
    assert_eq!(w.server.change("PUT", &at, &json!({"chart": {"upload": vault}})).await.status, 200);
    let tested = w.server.change("POST", &format!("{at}/test"), &json!({"only": ["good"], "logs": true})).await.json();
    let logs = format!("/v1/operations/{}/logs", tested["id"].as_str().unwrap());
    let items = w.get(&logs).await["items"].clone();
    assert_eq!((items[0]["pod"].clone(), items[0]["container"].clone()), (json!("good"), json!("it")));
    for at in [logs.clone(), format!("{logs}?follow")] {
        let text = w.server.get_as(&at, "text/plain").await.text();
        assert!(text.starts_with("==> good/it <==\n") && text.ends_with('\n'), "{text}");
    }
    assert_eq!(w.server.get("/v1/operations/none/logs").await.reason(), (404, "OPERATION_NOT_FOUND".into()));
}

fn event(text: &str) -> (u64, String, Value) {
    let field = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim_start().to_owned()
    };
    (field("id").parse().unwrap(), field("event"), serde_json::from_str(&field("data")).unwrap())
}

async fn operation_cancel(w: World) {
    let id = w.last_operation().await["id"].as_str().unwrap().to_owned();
    let answer = w.server.ask("POST", &format!("/v1/operations/{id}/cancel"), &[], Body::empty()).await;
    assert_eq!(answer.reason(), (409, "OPERATION_NOT_CANCELLABLE".into()));
    let none = w.server.ask("POST", "/v1/operations/none/cancel", &[], Body::empty()).await;
    assert_eq!(none.reason(), (404, "OPERATION_NOT_FOUND".into()));
}
