//! What a chart or a request of one caller must not get out of the server, by number: RELIABILITY.md §4.2.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::{Server, archive};
use serde_json::{Value, json};

const CHART: &str = "apiVersion: v2\nname: a\nversion: 1.0.0\n";

async fn render(server: &Server, files: &[(&str, &str)], more: Value) -> Value {
    let mut all = vec![("a/Chart.yaml", CHART)];
    all.extend_from_slice(files);
    let mut body = json!({"chart": {"upload": server.upload(archive(&all)).await}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.json("POST", "/v1/template", &body).await.json()
}

#[tokio::test]
async fn cve_2019_25210_secrets_can_be_hidden() {
    let server = Server::without_cluster();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: top-secret}\n";
    let hook = secret.replace("{name: s}", "{name: h, annotations: {helm.sh/hook: pre-install}}");
    let files = [("a/templates/s.yaml", secret), ("a/templates/h.yaml", hook.as_str())];
    let shown = render(&server, &files, json!({})).await.to_string();
    assert_eq!(shown.matches("top-secret").count(), 2, "{shown}");
    let hidden = render(&server, &files, json!({"hideSecret": true, "perFile": true})).await.to_string();
    assert!(
        !hidden.contains("top-secret") && hidden.contains("# HIDDEN: The Secret output has been suppressed"),
        "{hidden}"
    );
    let digest = server.upload(archive(&[("a/Chart.yaml", CHART), files[0], files[1]])).await;
    let body = json!({"chart": {"upload": digest}, "hideSecret": true}).to_string();
    let headers = [("content-type", "application/json"), ("accept", "application/yaml")];
    let text = server.ask("POST", "/v1/template", &headers, body).await.text();
    assert!(text.matches("# HIDDEN").count() == 2 && !text.contains("top-secret"), "{text}");
}

#[tokio::test]
async fn cve_2022_36055_set_without_end() {
    let server = Server::without_cluster();
    let chart = json!({"upload": server.upload(archive(&[("a/Chart.yaml", CHART)])).await});
    let many: Vec<String> = (0..50_000).map(|at| format!("a{at}[65535]=1")).collect();
    for field in ["set", "setString", "setJson", "setLiteral"] {
        for texts in [json!(["a[9999999999]=1"]), json!(many), json!([format!("{}=1", "a.".repeat(100_000))])] {
            for path in ["/v1/template", "/v1/lint"] {
                let answer = server.json("POST", path, &json!({"chart": chart, field: texts})).await;
                // A literal may have as many dots as it likes.
                if field == "setLiteral" && answer.status == 200 {
                    continue;
                }
                assert_eq!(answer.reason(), (422, "INVALID_INPUT".into()), "{field}");
            }
        }
    }
}

#[tokio::test]
async fn cve_2022_24348_and_its_kin_charts_read_nothing_but_themselves() {
    let server = Server::without_cluster();
    let other = archive(&[("b/Chart.yaml", &CHART.replace("name: a", "name: b")), ("b/secret.txt", "top-secret")]);
    let other = server.upload(other).await;
    let mut text = String::new();
    for path in [
        "/etc/passwd",
        "../../../etc/passwd",
        "../b/secret.txt",
        "b/secret.txt",
        "secret.txt",
        "file:///etc/passwd",
        "templates/../../b/secret.txt",
        "/proc/self/environ",
        &other,
    ] {
        text += &format!(
            "{{{{ .Files.Get {path:?} }}}}{{{{ (.Files.Glob {path:?}).AsConfig }}}}{{{{ .Files.Lines {path:?} | join \"\" }}}}"
        );
    }
    text +=
        "{{ (.Files.Glob \"**\").AsConfig }}{{ (.Files.Glob \"../*\").AsConfig }}{{ (.Files.Glob \"/*\").AsConfig }}";
    text += "{{ lookup \"v1\" \"Secret\" \"\" \"\" | toJson }}{{ getHostByName \"localhost\" }}";
    let made = render(&server, &[("a/templates/x.txt", &text)], json!({})).await;
    assert!(!made.to_string().contains("root:") && !made.to_string().contains("top-secret"), "{made}");
    for function in ["env \"HOME\"", "expandenv \"$HOME\"", "readFile \"/etc/passwd\"", "readDir \"/\""] {
        let made = render(&server, &[("a/templates/x.yaml", &format!("{{{{ {function} }}}}"))], json!({})).await;
        assert_eq!(made["reason"], "TEMPLATE_FAILED", "{function}: {made}");
    }
    // Nor is anything else of the machine to be had by a name.
    for name in [
        "..%2f..%2fetc%2fpasswd",
        "%2fetc%2fpasswd",
        "../../etc/passwd",
        "templates/../../b/secret.txt",
        "%2e%2e/secret.txt",
    ] {
        let digest = server.upload(archive(&[("a/Chart.yaml", CHART)])).await;
        let answer = server.get(&format!("/v1/charts/{digest}/files/{name}")).await;
        assert!(answer.status == 404 || answer.status == 400, "{name}: {}", answer.text());
    }
    for body in [
        json!({"chart": {"upload": "../../etc/passwd"}}),
        json!({"chart": {"archive": STANDARD.encode("/etc/passwd")}}),
        json!({"chart": "/etc"}),
        json!({"chart": {"path": "/etc"}}),
        json!({"chart": {"url": "http://169.254.169.254/"}}),
        json!({"chart": {"oci": "/etc"}}),
        json!({"chart": {"repository": "http://169.254.169.254/", "name": "a"}}),
    ] {
        for path in ["/v1/template", "/v1/lint"] {
            let answer = server.json("POST", path, &body).await;
            assert!(matches!(answer.status.as_u16(), 422 | 501), "{body}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn cve_2023_25165_no_name_is_resolved() {
    let server = Server::without_cluster();
    let text = "a: \"x{{ getHostByName \"localhost\" }}{{ getHostByName .Values.secret }}y\"";
    let made =
        render(&server, &[("a/templates/x.yaml", text)], json!({"values": {"secret": "s3cret.example.com"}})).await;
    assert!(made["manifest"].as_str().unwrap().contains("a: \"xy\""), "{made}");
}

#[tokio::test]
async fn cve_2025_55199_references_out_of_the_schema() {
    let server = Server::without_cluster();
    for target in ["file:///dev/zero", "file:///etc/passwd", "http://127.0.0.1:1/x", "https://127.0.0.1:1/x", "../x"] {
        let schema = format!(r#"{{"$ref": "{target}"}}"#);
        let made = render(&server, &[("a/values.schema.json", &schema)], json!({})).await;
        assert_eq!(made["reason"], "INVALID_VALUES", "{target}: {made}");
        let files = [("a/Chart.yaml", CHART), ("a/values.yaml", "a: 1"), ("a/values.schema.json", schema.as_str())];
        let body = json!({"chart": {"archive": STANDARD.encode(archive(&files))}});
        let found = server.json("POST", "/v1/lint", &body).await.json();
        assert_eq!(found["passed"], false, "{target}: {found}");
    }
}

#[tokio::test]
async fn cve_2019_1000008_and_2025_32386_lint_takes_no_archive_that_upload_would_not() {
    let server = Server::without_cluster();
    let zeros = "\0".repeat(60 << 20);
    for files in [
        vec![("a/Chart.yaml", CHART), ("a/../../x", "")],
        vec![("a/Chart.yaml", CHART), ("a//etc/passwd", "")],
        vec![("a/Chart.yaml", CHART), ("a/x", zeros.as_str()), ("a/y", zeros.as_str())],
    ] {
        let body = json!({"chart": {"archive": STANDARD.encode(archive(&files))}});
        for path in ["/v1/lint", "/v1/template"] {
            assert_eq!(server.json("POST", path, &body).await.reason(), (422, "INVALID_CHART".into()), "{path}");
        }
    }
}
