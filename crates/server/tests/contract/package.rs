//! Charts that are begun and packed.

use axum::body::Body;
use serde_json::{Value, json};

use crate::common::{Answer, archive};
use crate::{Case, World, cases};

pub(crate) const CASES: &[(&str, Case)] = cases![chart_package, chart_create];

const YAML: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: \"1\"\n";

impl World {
    async fn as_archive(&self, path: &str, body: &Value) -> Answer {
        let headers = [("content-type", "application/json"), ("accept", "application/gzip")];
        let answer = self.server.ask("POST", path, &headers, body.to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/gzip");
        answer
    }
}

fn names(answer: &Answer) -> Vec<String> {
    chart::read_archive(&answer.body, &chart::Limits::default()).unwrap().into_iter().map(|file| file.name).collect()
}

async fn chart_package(w: World) {
    let body = json!({
        "files": {"Chart.yaml": YAML, "values.yaml": "a: 1\n", "templates/a.yaml": "a: 1\n", "x.bak": "x", ".helmignore": "*.bak\n"},
        "binaryFiles": {"icon.png": "iVBORw=="}, "version": "1.2.3", "appVersion": "2"
    });
    let made = w.server.json("POST", "/v1/package", &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let metadata = &made.json()["metadata"];
    assert_eq!((&metadata["version"], &metadata["appVersion"]), (&json!("1.2.3"), &json!("2")));
    assert_eq!(w.get(made.header("location")).await["digest"], made.json()["digest"]);
    // The same again is the same, and so is the archive that is sent instead.
    let again = w.server.json("POST", "/v1/package", &body).await;
    assert_eq!((again.status.as_u16(), &again.json()["digest"]), (200, &made.json()["digest"]));
    let sent = w.as_archive("/v1/package", &body).await;
    assert_eq!(sent.header("content-disposition"), "attachment; filename=\"web-1.2.3.tgz\"");
    assert_eq!(format!("\"{}\"", made.json()["digest"].as_str().unwrap()), sent.header("etag"));
    assert_eq!(names(&sent), ["Chart.yaml", "values.yaml", "templates/a.yaml", ".helmignore", "icon.png"]);
    // A folder that was packed by others.
    let folder = archive(&[("x/Chart.yaml", YAML), ("x/x.bak", "x"), ("x/.helmignore", "*.bak")]);
    let path = "/v1/package?version=9.0.0&appVersion=z";
    let headers = [("content-type", "application/gzip"), ("accept", "application/gzip")];
    let sent = w.server.ask("POST", path, &headers, folder.clone()).await;
    assert_eq!(names(&sent), ["Chart.yaml", ".helmignore"], "{}", sent.text());
    let loaded = chart::load_archive(&sent.body, &chart::Limits::default()).unwrap();
    assert_eq!((loaded.metadata.version.as_str(), loaded.metadata.app_version.as_str()), ("9.0.0", "z"));
    // Subcharts have to be there.
    let parent = format!("{YAML}dependencies: [{{name: db, version: 1.x, repository: \"https://example.com\"}}]\n");
    let mut files = json!({"Chart.yaml": parent});
    let lonely = w.server.json("POST", "/v1/package", &json!({"files": files})).await;
    assert_eq!(lonely.reason(), (422, "INVALID_CHART".into()));
    assert!(lonely.text().contains("found in Chart.yaml, but missing in charts/ directory: db"), "{}", lonely.text());
    files["charts/db/Chart.yaml"] = json!("apiVersion: v2\nname: db\nversion: 1.0.0\n");
    let with = w.as_archive("/v1/package", &json!({"files": files})).await;
    assert_eq!(names(&with), ["Chart.yaml", "charts/db/Chart.yaml"]);
    for (body, reason, place) in [
        (json!({}), "INVALID_INPUT", "/files"),
        (json!({"files": {"a": 1}}), "INVALID_INPUT", "/files/a"),
        (json!({"fils": {}}), "INVALID_INPUT", "/fils"),
        (json!({"binaryFiles": {"a/b": "%"}}), "INVALID_INPUT", "/binaryFiles/a~1b"),
        (json!({"files": {"a": ""}, "binaryFiles": {"a": ""}}), "INVALID_INPUT", "/binaryFiles/a"),
        (json!({"files": {"Chart.yaml": YAML}, "version": "x"}), "INVALID_INPUT", "/version"),
        (json!({"files": {"Chart.yaml": YAML, "../x": ""}}), "INVALID_CHART", ""),
        (json!({"files": {"Chart.yaml": YAML, "/x": ""}}), "INVALID_CHART", ""),
        (json!({"files": {"values.yaml": ""}}), "INVALID_CHART", ""),
        (json!({"files": {"Chart.yaml": "name: ../a\nversion: 1.0.0\n"}}), "INVALID_CHART", ""),
    ] {
        let answer = w.server.json("POST", "/v1/package", &body).await;
        assert_eq!(answer.reason(), (422, reason.into()), "{body}: {}", answer.text());
        assert_eq!(answer.pointers().concat(), place, "{body}");
    }
    let twice = w.server.json("POST", path, &json!({"files": {"Chart.yaml": YAML}})).await;
    assert_eq!(twice.reason(), (400, "INVALID_PARAMETER".into()));
    let none = w.server.ask("POST", "/v1/package", &headers, Body::from("no archive")).await;
    assert_eq!(none.reason(), (422, "INVALID_CHART".into()));
}

async fn chart_create(w: World) {
    let made = w.server.json("POST", "/v1/create", &json!({"name": "web"})).await.json();
    assert!(made["files"]["Chart.yaml"].as_str().unwrap().contains("name: web\n"), "{made:#}");
    // What was begun can be packed as it is.
    let packed = w.server.json("POST", "/v1/package", &made).await;
    assert_eq!((packed.status.as_u16(), &packed.json()["metadata"]["name"]), (201, &json!("web")));
    let sent = w.as_archive("/v1/create", &json!({"name": "web"})).await;
    let (mut files, mut known) = (names(&sent), made["files"].as_object().unwrap().keys().cloned().collect::<Vec<_>>());
    files.sort();
    known.sort();
    assert_eq!(files, known);
    for name in [json!(".."), json!(""), json!("a/b"), json!("a b"), json!("a".repeat(251)), json!(1), Value::Null] {
        let answer = w.server.json("POST", "/v1/create", &json!({"name": name})).await;
        assert_eq!(answer.reason(), (422, "INVALID_INPUT".into()), "{name}");
        assert_eq!(answer.pointers(), ["/name"], "{name}");
    }
}
