//! Releases, their revisions and the parts of them.

use serde_json::{Value, json};

use crate::{ALL, Case, ONE, World, cases};

pub(crate) const CASES: &[(&str, Case)] = cases![
    release_list_all,
    release_list_cluster,
    release_list,
    release_get,
    revision_list,
    revision_get,
    release_values,
    revision_values,
    release_manifest,
    revision_manifest,
    release_notes,
    revision_notes,
    release_hooks,
    revision_hooks,
    release_chart,
    revision_chart,
    release_record,
    revision_record,
    release_objects,
    revision_objects,
];

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
