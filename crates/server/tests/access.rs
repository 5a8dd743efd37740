//! The table of `docs/authorisation.md`, every cell of it, on the sandbox with the roles that the page has.
//!
//! `e2e/suite/src/cases/authorisation.rs` tries the same over HTTP, on the real control plane too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::collections::BTreeMap;

use axum::body::Body;
use common::{Answer, Server, archive};
use serde_json::{Value, json};
use server::{Auth, Config};

const PAGE: &str = include_str!("../../../docs/authorisation.md");
const REQUESTS: &str = include_str!("../../../e2e/authorisation/requests.txt");
const RELEASES: &str = "/v1/clusters/default/namespaces/web/releases";
const PASSWORD: &str = "hunter2-of-shop";

/// A sandbox with the roles of the page and an account for each identity, and a server that has an account of its own.
struct World {
    kubernetes: sandbox::Sandbox,
    server: Server,
    tokens: BTreeMap<&'static str, String>,
    chart: String,
    operation: String,
}

const IDENTITIES: &[(&str, &str)] = &[
    ("admin", "cluster-admin"),
    ("editor", "edit"),
    ("viewer", "whipstaff-viewer"),
    ("values", "whipstaff-viewer-of-values"),
    ("manifests", "whipstaff-viewer-of-manifests"),
    ("nobody", ""),
];

fn locker() -> Vec<u8> {
    macro_rules! files {
        ($($name:literal),+) => {
            &[$((concat!("locker/", $name), include_str!(concat!("../../../e2e/charts/locker/", $name)))),+]
        };
    }
    archive(files!(
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
        "README.md",
        "templates/config.yaml",
        "templates/secret.yaml",
        "templates/hook.yaml",
        "templates/NOTES.txt"
    ))
}

impl World {
    async fn new() -> Self {
        let kubernetes = sandbox::Sandbox::default();
        for block in PAGE.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            for document in block.split("---\n") {
                create(&kubernetes, &serde_json::to_value(goyaml_json(document)).unwrap()).await;
            }
        }
        create(&kubernetes, &json!({"kind": "Namespace", "metadata": {"name": "web"}})).await;
        let mut tokens = BTreeMap::new();
        for (who, role) in IDENTITIES {
            tokens.insert(*who, account(&kubernetes, "web", who).await);
            let everywhere = *who == "admin";
            let kind = if everywhere { "ClusterRoleBinding" } else { "RoleBinding" };
            let mut binding = json!({
                "kind": kind, "metadata": {"name": format!("is-{who}")},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": "web"}],
            });
            if !everywhere {
                binding["metadata"]["namespace"] = json!("web");
            }
            if !role.is_empty() {
                create(&kubernetes, &binding).await;
            }
        }
        tokens.insert("bad token", "sandbox.web.stranger.abc".to_owned());
        let own = account(&kubernetes, "whipstaff", "whipstaff").await;
        let auth = Auth { token_review: true, api_keys: true, ..Auth::default() };
        let config = Config { namespace: "whipstaff".to_owned(), auth, ..Config::default() };
        let server = Server::over(common::with_token(&kubernetes, &own), config);
        let admin = server.with_token(&tokens["admin"]);
        let chart = admin.upload(locker()).await;
        let body = json!({"chart": {"upload": chart}, "values": {"password": PASSWORD}});
        let made = admin.change("PUT", &format!("{RELEASES}/shop"), &body).await;
        assert_eq!(made.status, 200, "{}", made.text());
        let again = admin.change("PUT", &format!("{RELEASES}/shop"), &body).await;
        assert_eq!(again.status, 200, "{}", again.text());
        let operation = made.json()["id"].as_str().unwrap().to_owned();
        Self { kubernetes, server, tokens, chart, operation }
    }

    fn of(&self, who: &str) -> Server {
        self.tokens.get(who).map_or_else(|| self.server.clone(), |token| self.server.with_token(token))
    }

    async fn ask(&self, who: &str, line: &str) -> Answer {
        let line = line
            .replace("$R", RELEASES)
            .replace("$chart", &self.chart)
            .replace("$operation", &self.operation)
            .replace("$namespace", "web")
            .replace("$who", &who.replace(' ', "-"));
        let mut parts = line.splitn(4, ' ').skip(1);
        let (method, path, body) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
        let server = self.of(who);
        match body {
            Some("@chart") => server.ask(method, path, &[("content-type", "application/gzip")], locker()).await,
            Some(body) => server.change(method, path, &serde_json::from_str(body).unwrap()).await,
            None => server.ask(method, path, &[("prefer", "wait=60")], Body::empty()).await,
        }
    }
}

fn goyaml_json(text: &str) -> Value {
    serde_json::from_str(&goyaml::to_json(&goyaml::from_yaml_keep_ints(text).unwrap()).unwrap()).unwrap()
}

async fn create(kubernetes: &sandbox::Sandbox, object: &Value) {
    let kind = object["kind"].as_str().unwrap();
    let namespace = object["metadata"]["namespace"].as_str();
    let base = match kind {
        "Namespace" | "ServiceAccount" => "/api/v1",
        _ => "/apis/rbac.authorization.k8s.io/v1",
    };
    let below = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    post(kubernetes, &format!("{base}{below}/{}s", kind.to_lowercase()), object).await;
}

async fn post(kubernetes: &sandbox::Sandbox, path: &str, body: &Value) -> Value {
    let request = http::Request::post(path).header("content-type", "application/json");
    let request = request.body(body.to_string().into_bytes()).unwrap();
    kubernetes.client().request(request).await.unwrap_or_else(|error| panic!("{path}: {error}"))
}

async fn account(kubernetes: &sandbox::Sandbox, namespace: &str, name: &str) -> String {
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    if name != "whipstaff" {
        post(kubernetes, &accounts, &json!({"metadata": {"name": name}})).await;
    }
    let made = post(kubernetes, &format!("{accounts}/{name}/token"), &json!({"spec": {}})).await;
    made["status"]["token"].as_str().unwrap().to_owned()
}

/// The table: for each operation, what each identity gets.
fn table() -> BTreeMap<&'static str, BTreeMap<&'static str, &'static str>> {
    let rows = PAGE.lines().skip_while(|line| !line.starts_with("| operation |"));
    let mut rows = rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let head = rows.next().unwrap();
    let cells = |row: Vec<&'static str>| (row[0], head.iter().copied().zip(row.iter().copied()).skip(1).collect());
    rows.skip(1).map(cells).collect()
}

fn requests() -> Vec<&'static str> {
    REQUESTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn every_operation_has_a_row_and_a_request() {
    let (table, requests) = (table(), requests());
    for route in api::routes() {
        assert!(table.contains_key(route.id), "`{}` has no row in docs/authorisation.md", route.id);
        let of: Vec<_> = requests.iter().filter(|line| line.split(' ').next() == Some(route.id)).collect();
        assert_eq!(of.len(), 1, "`{}` has no request in e2e/authorisation/requests.txt", route.id);
        let mut words = of[0].split(' ').skip(1);
        assert_eq!(words.next().unwrap().to_lowercase(), route.method.as_str(), "{}", route.id);
        let path = words.next().unwrap().replace("$R", RELEASES).replace('$', "x");
        let path = path.split('?').next().unwrap();
        assert_eq!(common::find(route.method.as_str(), path).map(|route| route.id), Some(route.id), "{path}");
    }
    assert_eq!(table.len(), api::routes().len(), "a row without an operation");
}

#[tokio::test]
async fn every_cell_is_as_documented() {
    let world = World::new().await;
    let table = table();
    let mut wrong = Vec::new();
    let columns: Vec<&str> = IDENTITIES.iter().map(|(who, _)| *who).chain(["bad token", "no token"]).collect();
    for line in requests() {
        let id = line.split(' ').next().unwrap();
        for who in &columns {
            let wanted = table[id][who];
            let answer = world.ask(who, line).await;
            let found = outcome(&answer);
            if found != wanted {
                wrong.push(format!("{id} as {who}: {found}, not {wanted}: {}", answer.text()));
            }
            let secret = answer.text().contains(PASSWORD) || answer.text().contains("aHVudGVyMi1vZi1zaG9w");
            let may = matches!(*who, "admin" | "editor") || id.contains("values") && *who == "values";
            assert!(may || !secret, "{id} as {who} shows a password: {}", answer.text());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a cell would say of an answer.
fn outcome(answer: &Answer) -> String {
    match answer.status.as_u16() {
        401 => {
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            "401".to_owned()
        }
        403 => {
            let missing = answer.json()["missing"].clone();
            format!("{} {}", missing["verb"].as_str().unwrap_or("?"), missing["resource"].as_str().unwrap_or("?"))
        }
        // There is no such host, which only who may is told.
        200..300 | 409 | 502 => "yes".to_owned(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn rights_in_one_namespace_are_rights_there_and_nowhere_else() {
    let world = World::new().await;
    create(&world.kubernetes, &json!({"kind": "Namespace", "metadata": {"name": "db"}})).await;
    for who in ["editor", "viewer"] {
        let server = world.of(who);
        assert_eq!(server.get(RELEASES).await.json()["items"].as_array().unwrap().len(), 1);
        let elsewhere = server.get("/v1/clusters/default/namespaces/db/releases").await;
        assert_eq!(elsewhere.reason(), (403, "CLUSTER_FORBIDDEN".into()));
        let right = json!({"verb": "list", "group": "whipstaff.dev", "resource": "releases", "namespace": "db"});
        assert_eq!(elsewhere.json()["missing"], right);
        assert!(elsewhere.json()["detail"].as_str().unwrap().contains("`list` `releases`"), "{}", elsewhere.text());
        let all = server.get("/v1/releases").await;
        assert_eq!(all.json()["missing"], json!({"verb": "list", "group": "whipstaff.dev", "resource": "releases"}));
        let plan = json!({"chart": {"upload": world.chart}});
        let plan = server.json("POST", "/v1/clusters/default/namespaces/db/releases/new/plan", &plan).await;
        assert_eq!(plan.json()["missing"]["verb"], "create");
    }
}

#[tokio::test]
async fn a_chart_of_a_repository_needs_the_right_to_it() {
    let world = World::new().await;
    let admin = world.of("admin");
    for (name, url) in [("stable", "https://charts.example.com"), ("images", "oci://h.example.com/charts")] {
        let made = admin.json("PUT", &format!("/v1/repositories/{name}"), &json!({"url": url})).await;
        assert_eq!(made.status, 201, "{}", made.text());
    }
    for chart in [
        json!({"repository": "stable", "name": "shop"}),
        // One that is not there is nothing to learn about.
        json!({"repository": "none", "name": "shop"}),
        json!({"oci": "oci://h.example.com/charts/shop"}),
    ] {
        for path in [format!("{RELEASES}/mine"), format!("{RELEASES}/mine/plan"), "/v1/template".to_owned()] {
            let method = if path.ends_with("/mine") { "PUT" } else { "POST" };
            let answer = world.of("editor").json(method, &path, &json!({"chart": chart})).await;
            let missing = &answer.json()["missing"];
            let right = (&missing["verb"], &missing["resource"]);
            assert_eq!(right, (&json!("get"), &json!("repositories")), "{path} {chart}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn the_cluster_refuses_what_the_chart_needs_in_the_callers_name() {
    let world = World::new().await;
    // May write records, and nothing else.
    let rules = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}]);
    create(
        &world.kubernetes,
        &json!({"kind": "Role", "metadata": {"name": "records", "namespace": "web"}, "rules": rules}),
    )
    .await;
    let binding = json!({"kind": "RoleBinding", "metadata": {"name": "records", "namespace": "web"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "records"},
        "subjects": [{"kind": "ServiceAccount", "name": "nobody", "namespace": "web"}]});
    create(&world.kubernetes, &binding).await;
    let body = json!({"chart": {"upload": world.chart}});
    let answer = world.of("nobody").change("PUT", &format!("{RELEASES}/mine"), &body).await;
    assert_eq!(answer.reason(), (403, "CLUSTER_FORBIDDEN".into()), "{}", answer.text());
    let missing = &answer.json()["missing"];
    assert_eq!((&missing["resource"], &missing["namespace"]), (&json!("configmaps"), &json!("web")), "{missing}");
}

#[tokio::test]
async fn what_is_shown_to_viewers_is_shown_without_what_secrets_hold() {
    let world = World::new().await;
    let server = world.of("manifests");
    for part in ["manifest", "hooks", "notes", "revisions/1/manifest", "revisions/1/hooks", "drift"] {
        let answer = server.get(&format!("{RELEASES}/shop/{part}")).await;
        assert!(answer.status == 200 && !answer.text().contains("hunter2"), "{part}: {}", answer.text());
    }
    let manifest = server.get(&format!("{RELEASES}/shop/manifest")).await.text();
    assert!(manifest.contains("***") && manifest.contains("message: \\\"hello\\\""), "{manifest}");
    let whole = world.of("editor").get(&format!("{RELEASES}/shop/manifest")).await.text();
    assert!(whole.contains(PASSWORD), "{whole}");
    let resources = world.of("viewer").get(&format!("{RELEASES}/shop/resources")).await.json();
    let status: Vec<_> = resources["items"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(status, ["Current", "Current"], "{resources:#}");
}
