//! Uploaded charts, and what is made of charts without a cluster.

use serde_json::json;

use crate::common::{archive, shop};
use crate::{Case, World, cases};

pub(crate) const CASES: &[(&str, Case)] = cases![
    chart_upload,
    chart_list,
    chart_get,
    chart_archive,
    chart_metadata,
    chart_dependencies,
    lint,
    chart_lint,
    chart_values,
    chart_readme,
    chart_schema,
    chart_crds,
    chart_files,
    chart_file,
    template,
];

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
