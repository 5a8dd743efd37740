//! A folder as a chart repository: what is read from it, what is put into it, and by whom.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::fs;
use std::path::Path;

use axum::body::Body;
use base64::Engine as _;
use common::{Answer, Server, archive};
use serde_json::{Value, json};
use server::{Auth, Config, Limits, OwnRepository};

const INDEX: &str = "/repository/index.yaml";
const CHARTS: &str = "/repository/api/charts";

fn chart(name: &str, version: &str, more: &str) -> Vec<u8> {
    archive(&[("c/Chart.yaml", &format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}"))])
}

fn config(place: &Path) -> Config {
    Config { repository: Some(OwnRepository::open(place).unwrap()), ..Config::default() }
}

fn server() -> (tempfile::TempDir, Server) {
    let place = tempfile::tempdir().unwrap();
    let server = Server::without_cluster_but(config(place.path()));
    (place, server)
}

/// As `curl --data-binary` sends it.
async fn post(server: &Server, path: &str, bytes: Vec<u8>) -> Answer {
    server.ask("POST", path, &[("content-type", "application/x-www-form-urlencoded")], bytes).await
}

/// As `curl -F` sends it, and `helm cm-push`.
async fn form(server: &Server, path: &str, fields: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (name, data) in fields {
        let head = format!(
            "--XyZ\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"../x.tgz\"\r\nContent-Type: application/gzip\r\n\r\n"
        );
        body.extend(head.as_bytes());
        body.extend(*data);
        body.extend(b"\r\n");
    }
    body.extend(b"--XyZ--\r\n");
    server.ask("POST", path, &[("content-type", "multipart/form-data; boundary=XyZ")], body).await
}

fn names(place: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_helm_fetches_is_there() {
    let (place, server) = server();
    let bytes = chart("a", "1.0.0+b", "description: x\n");
    fs::write(place.path().join("a-1.0.0+b.tgz"), &bytes).unwrap();
    fs::write(place.path().join("broken.tgz"), "no chart").unwrap();
    let index = server.get(INDEX).await;
    assert_eq!((index.status.as_u16(), index.header("content-type")), (200, "application/yaml"));
    assert_eq!(index.header("cache-control"), "no-cache");
    let text = index.text();
    assert!(text.contains("    - charts/a-1.0.0+b.tgz\n") && text.contains("  contextPath: /repository\n"), "{text}");
    assert!(!text.contains("broken"), "{text}");
    // Again only when it has changed.
    let tag = index.header("etag").to_owned();
    let again = server.ask("GET", INDEX, &[("if-none-match", &tag)], Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.body.len(), again.header("etag")), (304, 0, &*tag));
    assert_eq!(again.header("cache-control"), "no-cache");
    let head = server.ask("HEAD", INDEX, &[], Body::empty()).await;
    assert_eq!((head.status.as_u16(), head.body.len(), head.header("etag")), (200, 0, &*tag));
    // The archive.
    let path = "/repository/charts/a-1.0.0+b.tgz";
    let got = server.get(path).await;
    assert_eq!((got.status.as_u16(), got.header("content-type")), (200, "application/gzip"));
    assert_eq!((&got.body[..], got.header("content-length")), (&bytes[..], &*bytes.len().to_string()));
    assert!(text.contains(got.header("etag").trim_matches('"').trim_start_matches("sha256:")), "{text}");
    assert_eq!(server.get("/repository/charts/a-1.0.0%2Bb.tgz").await.body, bytes);
    let head = server.ask("HEAD", path, &[], Body::empty()).await;
    assert_eq!((head.body.len(), head.header("content-length")), (0, &*bytes.len().to_string()));
    let again = server.ask("GET", path, &[("if-none-match", got.header("etag"))], Body::empty()).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
}

#[tokio::test]
async fn a_path_leads_nowhere_else() {
    let (place, server) = server();
    fs::write(place.path().join("a-1.0.0.tgz"), chart("a", "1.0.0", "")).unwrap();
    fs::write(place.path().join("secret.txt"), "secret").unwrap();
    fs::write(place.path().join(".hidden.tgz"), chart("h", "1.0.0", "")).unwrap();
    for file in [
        "secret.txt",
        ".hidden.tgz",
        "b.tgz",
        "b.tgz.prov",
        "a-1.0.0.tgz.prov",
        "..",
        "%2e%2e",
        "..%2fa-1.0.0.tgz",
        "%2fetc%2fpasswd",
        ".%2Fa-1.0.0.tgz",
        "a-1.0.0.tgz%00",
        "a-1.0.0.tgz%0a",
        "../charts/a-1.0.0.tgz",
    ] {
        let answer = server.get(&format!("/repository/charts/{file}")).await;
        assert_eq!(answer.reason(), (404, "NOT_FOUND".into()), "{file}");
        assert_eq!(answer.json()["error"], answer.json()["detail"], "{file}");
    }
    for path in ["/repository", "/repository/", "/repository/charts", "/repository/api", "/repositoryx/index.yaml"] {
        assert_eq!(server.get(path).await.reason(), (404, "NOT_FOUND".into()), "{path}");
    }
    // Without a folder there is none of it.
    assert_eq!(Server::without_cluster().get(INDEX).await.reason(), (404, "NOT_FOUND".into()));
}

#[tokio::test]
async fn charts_are_uploaded_shown_and_deleted() {
    let (place, server) = server();
    let first = post(&server, CHARTS, chart("a", "1.0.0", "")).await;
    assert_eq!((first.status.as_u16(), first.json()), (201, json!({"saved": true})));
    assert_eq!(first.header("location"), "/repository/charts/a-1.0.0.tgz");
    // It is there at once, however short ago somebody looked.
    assert!(server.get(INDEX).await.text().contains("a-1.0.0.tgz"));
    let again = post(&server, CHARTS, chart("a", "1.0.0", "description: other\n")).await;
    assert_eq!(again.reason(), (409, "CHART_EXISTS".into()));
    assert!(again.json()["error"].as_str().unwrap().contains("`a-1.0.0.tgz` is there already"), "{}", again.text());
    assert!(!server.get(INDEX).await.text().contains("description"));
    for force in ["force", "force=true"] {
        let forced = post(&server, &format!("{CHARTS}?{force}"), chart("a", "1.0.0", "description: other\n")).await;
        assert_eq!(forced.status, 201, "{}", forced.text());
    }
    assert!(server.get(INDEX).await.text().contains("description: other"));
    let formed = form(&server, CHARTS, &[("chart", &chart("a", "1.1.0-rc.1", "")), ("x", b"y")]).await;
    assert_eq!((formed.status.as_u16(), formed.json()), (201, json!({"saved": true})));
    post(&server, CHARTS, chart("b", "0.1.0", "")).await;

    let all = server.get(CHARTS).await.json();
    let versions = |of: &Value| -> Vec<String> {
        of.as_array().unwrap().iter().map(|it| it["version"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (versions(&all["a"]), versions(&all["b"])),
        (vec!["1.1.0-rc.1".to_owned(), "1.0.0".to_owned()], vec!["0.1.0".to_owned()])
    );
    assert_eq!(server.get(&format!("{CHARTS}?offset=1&limit=1")).await.json(), json!({"b": all["b"]}));
    assert_eq!(server.get(&format!("{CHARTS}/a")).await.json(), all["a"]);
    let one = server.get(&format!("{CHARTS}/a/1.0.0")).await.json();
    assert_eq!((&one["urls"], &one["description"]), (&json!(["charts/a-1.0.0.tgz"]), &json!("other")));
    assert_eq!(server.get(&format!("{CHARTS}/a/latest")).await.json(), one);
    for path in ["/c", "/a/9.9.9", "/c/latest", "/a/%2e%2e"] {
        let answer = server.get(&format!("{CHARTS}{path}")).await;
        assert_eq!(answer.reason(), (404, "NOT_FOUND".into()), "{path}");
        assert_eq!(server.ask("HEAD", &format!("{CHARTS}{path}"), &[], Body::empty()).await.status, 404);
    }
    assert_eq!(server.ask("HEAD", &format!("{CHARTS}/a/1.0.0"), &[], Body::empty()).await.status, 200);
    assert_eq!(server.get(&format!("{CHARTS}?page=1")).await.reason(), (400, "INVALID_PARAMETER".into()));

    let gone = server.ask("DELETE", &format!("{CHARTS}/a/1.0.0"), &[], Body::empty()).await;
    assert_eq!((gone.status.as_u16(), gone.json()), (200, json!({"deleted": true})));
    let again = server.ask("DELETE", &format!("{CHARTS}/a/1.0.0"), &[], Body::empty()).await;
    assert_eq!(again.reason(), (404, "NOT_FOUND".into()));
    assert_eq!(names(place.path()), ["a-1.1.0-rc.1.tgz", "b-0.1.0.tgz"]);
}

#[tokio::test]
async fn what_cannot_be_stored_is_refused_and_leaves_nothing() {
    let (place, server) = server();
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("text", b"no archive".to_vec()),
        ("half", chart("a", "1.0.0", "")[..60].to_vec()),
        ("climbs", archive(&[("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"), ("a/../../x", "x")])),
        ("a path", chart("../a", "1.0.0", "")),
        ("this folder", chart("'.'", "1.0.0", "")),
        ("hidden", chart(".a", "1.0.0", "")),
        ("a slash", chart("/", "1.0.0", "")),
        ("a control character", chart("\"a\\x1bb/c\"", "1.0.0", "")),
        ("a version that climbs", chart("a", "../1.0.0", "")),
    ] {
        let answer = post(&server, CHARTS, bytes.clone()).await;
        assert_eq!(answer.reason(), (422, "INVALID_CHART".into()), "{what}: {}", answer.text());
        let answer = form(&server, CHARTS, &[("chart", &bytes)]).await;
        assert_eq!(answer.reason(), (422, "INVALID_CHART".into()), "{what}: {}", answer.text());
    }
    let good = chart("a", "1.0.0", "");
    for fields in [&[][..], &[("other", &good[..])], &[("chart", &good[..]), ("chart", &good[..])]] {
        assert_eq!(form(&server, CHARTS, fields).await.reason(), (400, "INVALID_BODY".into()));
    }
    let cut = server.ask("POST", CHARTS, &[("content-type", "multipart/form-data; boundary=XyZ")], "--XyZ\r\n").await;
    assert_eq!(cut.reason(), (400, "INVALID_BODY".into()));
    let typed = server.ask("POST", CHARTS, &[("content-type", "text/html")], good.clone()).await;
    assert_eq!(typed.reason(), (415, "UNSUPPORTED_MEDIA_TYPE".into()));
    let proof = post(&server, "/repository/api/prov", b"no proof".to_vec()).await;
    assert_eq!(proof.reason(), (422, "INVALID_CHART".into()));
    assert_eq!(names(place.path()), [""; 0]);
    // No larger than the largest chart.
    let limits = Limits { chart_bytes: 64, ..Limits::default() };
    let small = Server::without_cluster_but(Config { limits, ..config(place.path()) });
    assert_eq!(post(&small, CHARTS, good).await.reason(), (413, "BODY_TOO_LARGE".into()));
}

#[tokio::test]
async fn a_provenance_file_comes_with_its_archive_or_after_it() {
    let (place, server) = server();
    let bytes = chart("a", "1.0.0", "");
    let hash = {
        use sha2::Digest as _;
        hex::encode(sha2::Sha256::digest(&bytes))
    };
    let proof = format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: a\nversion: 1.0.0\n\n...\nfiles:\n  a-1.0.0.tgz: sha256:{hash}\n\
         -----BEGIN PGP SIGNATURE-----\n\nYWJj\n=uhc3\n-----END PGP SIGNATURE-----"
    );
    let early = post(&server, "/repository/api/prov", proof.clone().into_bytes()).await;
    assert_eq!(early.reason(), (422, "INVALID_CHART".into()));
    let both = form(&server, CHARTS, &[("prov", proof.as_bytes()), ("chart", &bytes)]).await;
    assert_eq!(both.status, 201, "{}", both.text());
    let got = server.get("/repository/charts/a-1.0.0.tgz.prov").await;
    assert_eq!((got.text(), got.header("content-type")), (proof.clone(), "application/pgp-signature"));
    let again = post(&server, "/repository/api/prov", proof.clone().into_bytes()).await;
    assert_eq!(again.reason(), (409, "CHART_EXISTS".into()));
    let forced = form(&server, "/repository/api/prov?force", &[("prov", proof.as_bytes())]).await;
    assert_eq!((forced.status.as_u16(), forced.json()), (201, json!({"saved": true})));
    server.ask("DELETE", &format!("{CHARTS}/a/1.0.0"), &[], Body::empty()).await;
    assert_eq!(names(place.path()), [""; 0]);
}

#[tokio::test]
async fn of_two_uploads_of_a_version_one_wins() {
    let (place, server) = server();
    let uploads = (0..8).map(|number| {
        let (server, bytes) = (server.clone(), chart("a", "1.0.0", &format!("description: '{number}'\n")));
        async move { post(&server, CHARTS, bytes).await.status.as_u16() }
    });
    let mut statuses = futures::future::join_all(uploads).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(names(place.path()), ["a-1.0.0.tgz"]);
}

#[tokio::test]
async fn what_others_put_into_the_folder_shows_up() {
    let (place, server) = server();
    let other = Server::without_cluster_but(config(place.path()));
    assert!(server.get(INDEX).await.text().contains("entries: {}"));
    post(&other, CHARTS, chart("a", "1.0.0", "")).await;
    // Another server over the same folder; an upload here has this one look as well.
    post(&server, CHARTS, chart("b", "1.0.0", "")).await;
    let text = server.get(INDEX).await.text();
    assert!(text.contains("a-1.0.0.tgz") && text.contains("b-1.0.0.tgz"), "{text}");
    assert_eq!(server.get("/repository/charts/a-1.0.0.tgz").await.status, 200);
}

/// Root may write anywhere, but nobody can put a file in place of a folder.
#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_told_of() {
    let (place, server) = server();
    fs::create_dir(place.path().join("a-1.0.0.tgz")).unwrap();
    let force = format!("{CHARTS}?force");
    let answer = post(&server, &force, chart("a", "1.0.0", "")).await;
    assert_eq!(answer.reason(), (409, "REPOSITORY_READ_ONLY".into()), "{}", answer.text());
    assert!(answer.json()["error"].as_str().unwrap().contains("cannot be written to: "), "{}", answer.text());
    assert_eq!(names(place.path()), ["a-1.0.0.tgz"]);
    fs::remove_dir(place.path().join("a-1.0.0.tgz")).unwrap();
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    let is_kept_out = fs::write(place.path().join("x"), "").is_err();
    let answer = post(&server, CHARTS, chart("a", "1.0.0", "")).await;
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    if is_kept_out {
        assert_eq!(answer.reason(), (409, "REPOSITORY_READ_ONLY".into()), "{}", answer.text());
        assert!(answer.text().contains("permission denied"), "{}", answer.text());
    }
}

#[tokio::test]
async fn only_programs_of_this_machine_are_answered_without_authentication() {
    let (_place, server) = server();
    let ask = |host: &'static str, origin: &'static str| {
        let request = http::Request::builder().method("POST").uri(CHARTS).header("host", host).header("origin", origin);
        server.send(request.body(Body::from(chart("a", "1.0.0", ""))).unwrap())
    };
    assert_eq!(ask("example.com", "http://localhost").await.reason(), (421, "HOST_NOT_ALLOWED".into()));
    assert_eq!(ask("localhost", "https://example.com").await.reason(), (403, "ORIGIN_NOT_ALLOWED".into()));
}

/// A sandbox with accounts: one that may do nothing, and others with rights on the virtual resource.
async fn guarded(place: &Path) -> (Server, std::collections::BTreeMap<&'static str, String>) {
    let kubernetes = sandbox::Sandbox::default();
    let post = async |path: &str, body: Value| -> Value {
        let request = http::Request::post(path).header("content-type", "application/json");
        kubernetes.client().request(request.body(body.to_string().into_bytes()).unwrap()).await.unwrap()
    };
    post("/api/v1/namespaces", json!({"metadata": {"name": "web"}})).await;
    let mut tokens = std::collections::BTreeMap::new();
    let rbac = "/apis/rbac.authorization.k8s.io/v1";
    for (who, verbs) in
        [("reader", &["get"][..]), ("creator", &["create"]), ("keeper", &["create", "update", "delete"])]
    {
        post("/api/v1/namespaces/web/serviceaccounts", json!({"metadata": {"name": who}})).await;
        let rules = json!([{"apiGroups": ["whipstaff.dev"], "resources": ["repository-charts"], "verbs": verbs}]);
        post(&format!("{rbac}/clusterroles"), json!({"metadata": {"name": who}, "rules": rules})).await;
        let binding = json!({"metadata": {"name": who},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": who},
            "subjects": [{"kind": "ServiceAccount", "name": who, "namespace": "web"}]});
        post(&format!("{rbac}/clusterrolebindings"), binding).await;
        let made = post(&format!("/api/v1/namespaces/web/serviceaccounts/{who}/token"), json!({"spec": {}})).await;
        tokens.insert(who, made["status"]["token"].as_str().unwrap().to_owned());
    }
    let auth = Auth { token_review: true, ..Auth::default() };
    (Server::over(kubernetes.client(), Config { auth, ..config(place) }), tokens)
}

#[tokio::test]
async fn who_is_known_reads_and_who_may_changes() {
    let place = tempfile::tempdir().unwrap();
    let (server, tokens) = guarded(place.path()).await;
    let nobody = server.get(INDEX).await;
    assert_eq!((nobody.reason(), nobody.header("www-authenticate")), ((401, "UNAUTHENTICATED".into()), "Bearer"));
    assert!(nobody.json()["error"].is_string());
    let missing = |answer: &Answer| {
        let problem = answer.json();
        assert_eq!(answer.reason(), (403, "CLUSTER_FORBIDDEN".into()), "{}", answer.text());
        assert_eq!(problem["missing"]["resource"], "repository-charts");
        problem["missing"]["verb"].as_str().unwrap().to_owned()
    };
    let of = |who: &str| server.with_token(&tokens[who]);
    assert_eq!(of("reader").get(INDEX).await.header("cache-control"), "private, no-cache");
    assert_eq!(missing(&post(&of("reader"), CHARTS, chart("a", "1.0.0", "")).await), "create");
    assert_eq!(post(&of("creator"), CHARTS, chart("a", "1.0.0", "")).await.status, 201);
    let force = format!("{CHARTS}?force");
    assert_eq!(missing(&post(&of("creator"), &force, chart("a", "1.0.0", "description: x\n")).await), "update");
    let one = format!("{CHARTS}/a/1.0.0");
    assert_eq!(missing(&of("creator").ask("DELETE", &one, &[], Body::empty()).await), "delete");
    assert_eq!(post(&of("keeper"), &force, chart("a", "1.0.0", "")).await.status, 201);
    assert_eq!(of("keeper").ask("DELETE", &one, &[], Body::empty()).await.status, 200);
}

#[tokio::test]
async fn a_token_may_come_as_a_password_here_and_nowhere_else() {
    let place = tempfile::tempdir().unwrap();
    let (server, tokens) = guarded(place.path()).await;
    let basic = |text: String| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text));
    let good = basic(format!("anybody:{}", tokens["keeper"]));
    let ask = async |path: &str, value: &str, more: &[(&str, &str)]| {
        let headers = [&[("authorization", value)], more].concat();
        server.ask("GET", path, &headers, Body::empty()).await
    };
    assert_eq!(ask(INDEX, &good, &[]).await.status, 200);
    assert_eq!(ask("/v1/clusters", &good, &[]).await.reason(), (401, "UNAUTHENTICATED".into()));
    assert_eq!(ask(INDEX, &basic("anybody:abc".to_owned()), &[]).await.reason(), (401, "UNAUTHENTICATED".into()));
    // A browser might send it for a page of somebody else's.
    let page = [("origin", "https://example.com")];
    assert_eq!(ask(INDEX, &good, &page).await.reason(), (403, "ORIGIN_NOT_ALLOWED".into()));
    assert_eq!(ask(INDEX, &format!("Bearer {}", tokens["keeper"]), &page).await.status, 200);
}
