//! Uploading charts, and looking at them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::Duration;

use axum::body::Body;
use common::{Server, archive, shop};
use serde_json::json;
use server::{Config, Limits};

#[tokio::test]
async fn the_same_archive_is_the_same_resource() {
    let server = Server::without_cluster();
    let gzip = [("content-type", "application/gzip")];
    let first = server.ask("POST", "/v1/charts", &gzip, shop()).await;
    assert_eq!(first.status, 201);
    let chart = first.json();
    let digest = chart["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:") && digest.len() == 71);
    assert_eq!(first.header("location"), format!("/v1/charts/{digest}"));
    assert_eq!(chart["metadata"]["name"], "shop");
    assert_eq!(chart["metadata"]["appVersion"], "4.5");
    let again = server.ask("POST", "/v1/charts", &gzip, shop()).await;
    assert_eq!((again.status.as_u16(), again.json()["digest"].clone()), (200, json!(digest)));
    assert_eq!(server.get("/v1/charts").await.json()["items"].as_array().unwrap().len(), 1);
    let read = server.get(first.header("location")).await;
    assert_eq!(read.json()["createdAt"], chart["createdAt"]);
    let tag = read.header("etag").to_owned();
    let same = server.ask("GET", first.header("location"), &[("if-none-match", &tag)], Body::empty()).await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
}

#[tokio::test]
async fn a_chart_can_be_taken_apart() {
    let server = Server::without_cluster();
    let at = format!("/v1/charts/{}", server.upload(shop()).await);
    assert_eq!(server.get(&format!("{at}/archive")).await.body, shop());
    assert_eq!(
        server.get(&format!("{at}/values")).await.json(),
        json!({"replicas": 1, "message": "hello", "port": 80})
    );
    let raw = server.get_as(&format!("{at}/values"), "application/yaml").await;
    assert_eq!(raw.text(), "# how many\nreplicas: 1\nmessage: hello\nport: 80\n\n");
    assert_eq!(server.get(&format!("{at}/readme")).await.json(), json!({"readme": "# Shop\n"}));
    assert_eq!(server.get_as(&format!("{at}/readme"), "text/markdown").await.text(), "# Shop\n\n");
    assert_eq!(server.get(&format!("{at}/schema")).await.json()["type"], "object");
    assert_eq!(server.get(&format!("{at}/crds")).await.json()["items"][0]["name"], "crds/till.yaml");
    assert!(
        server.get_as(&format!("{at}/crds"), "application/yaml").await.text().starts_with("---\napiVersion: apiext")
    );
    let files = server.get(&format!("{at}/files")).await.json();
    let names: Vec<&str> = files["items"].as_array().unwrap().iter().map(|f| f["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"templates/NOTES.txt") && names.contains(&"Chart.yaml"), "{names:?}");
    let file = server.get(&format!("{at}/files/templates/NOTES.txt")).await;
    assert!(file.text().contains(".Release.Name") && file.header("content-type").starts_with("text/plain"));
    let bare = archive(&[("bare/Chart.yaml", "apiVersion: v2\nname: bare\nversion: 0.1.0\n")]);
    let bare = format!("/v1/charts/{}", server.upload(bare).await);
    for part in ["readme", "schema", "files/templates/none.yaml", "files/../Chart.yaml"] {
        let answer = server.get(&format!("{bare}/{part}")).await;
        assert_eq!(answer.reason(), (404, "CHART_PART_NOT_FOUND".into()), "{part}");
    }
    assert_eq!(server.get(&format!("{bare}/values")).await.json(), json!({}));
    assert_eq!(server.get("/v1/charts/sha256:00").await.reason(), (404, "CHART_NOT_FOUND".into()));
}

#[tokio::test]
async fn what_is_no_chart_is_refused() {
    let server = Server::without_cluster();
    let chart = "apiVersion: v2\nname: a\nversion: 0.1.0\n";
    let bad: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("text", b"not an archive".to_vec()),
        ("gzip header only", vec![0x1f, 0x8b, 0x08]),
        ("truncated", shop()[..100].to_vec()),
        ("climbs out", archive(&[("a/Chart.yaml", chart), ("a/../../etc/passwd", "x")])),
        ("absolute", archive(&[("a/Chart.yaml", chart), ("a//etc/passwd", "x")])),
        ("drive", archive(&[("a/Chart.yaml", chart), ("c:/windows", "x")])),
        ("no Chart.yaml", archive(&[("a/values.yaml", "x: 1")])),
        ("no version", archive(&[("a/Chart.yaml", "apiVersion: v2\nname: a\n")])),
        ("bad name", archive(&[("a/Chart.yaml", "apiVersion: v2\nname: ../a\nversion: 1.0.0\n")])),
        ("bad yaml", archive(&[("a/Chart.yaml", "apiVersion: [\n")])),
        ("bad values", archive(&[("a/Chart.yaml", chart), ("a/values.yaml", "a: [")])),
    ];
    for (what, bytes) in bad {
        let answer = server.ask("POST", "/v1/charts", &[("content-type", "application/gzip")], bytes).await;
        assert_eq!(answer.reason(), (422, "INVALID_CHART".into()), "{what}: {}", answer.text());
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = server.ask("POST", "/v1/charts", &form, shop()).await;
    assert_eq!(answer.reason(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    assert!(answer.text().contains("application/gzip"));
    assert_eq!(server.get("/v1/charts").await.json()["items"], json!([]));
}

#[tokio::test]
async fn uploads_are_bounded_in_size_number_and_time() {
    let gzip = [("content-type", "application/octet-stream")];
    let limits = Limits { chart_bytes: 64, ..Limits::default() };
    let server = Server::without_cluster_but(Config { limits, ..Config::default() });
    let answer = server.ask("POST", "/v1/charts", &gzip, shop()).await;
    assert_eq!(answer.reason(), (413, "BODY_TOO_LARGE".into()));

    let chart = |name: &str| {
        let text = format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n");
        let noise: String = (0..2_000).map(|i| format!("# {i}\n")).collect();
        archive(&[(&format!("{name}/Chart.yaml"), &text), (&format!("{name}/values.yaml"), &noise)])
    };
    let limits = Limits { charts_total_bytes: 60_000, ..Limits::default() };
    let server = Server::without_cluster_but(Config { limits, ..Config::default() });
    let mut digests = Vec::new();
    for name in ["a", "b", "c", "d", "e", "f"] {
        digests.push(server.upload(chart(name)).await);
    }
    let kept = server.get("/v1/charts").await.json()["items"].as_array().unwrap().len();
    assert!((1..6).contains(&kept), "{kept}");
    assert_eq!(server.get(&format!("/v1/charts/{}", digests[0])).await.status, 404);
    assert_eq!(server.get(&format!("/v1/charts/{}", digests[5])).await.status, 200);

    let time = std::sync::Arc::new(std::sync::Mutex::new(jiff::Timestamp::UNIX_EPOCH));
    let clock = time.clone();
    let now: server::Clock = std::sync::Arc::new(move || *clock.lock().unwrap());
    let server = Server::without_cluster_but(Config { now, ..Config::default() });
    let digest = server.upload(shop()).await;
    *time.lock().unwrap() += Duration::from_secs(23 * 60 * 60);
    server.upload(shop()).await;
    *time.lock().unwrap() += Duration::from_secs(23 * 60 * 60);
    assert_eq!(server.get(&format!("/v1/charts/{digest}")).await.status, 200);
    *time.lock().unwrap() += Duration::from_secs(2 * 60 * 60);
    assert_eq!(server.get(&format!("/v1/charts/{digest}")).await.status, 404);
}
