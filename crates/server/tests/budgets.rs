//! Templates that never end, or take everything: each is answered with a problem that names the template, and the server
//! goes on (RELIABILITY.md §4.3, S1).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::time::{Duration, Instant};

use common::{Server, archive, shop};
use serde_json::{Value, json};

/// Ten seconds are the budget; the rest is for slow machines.
const PATIENCE: Duration = Duration::from_secs(60);

/// Templates and the reasons they end for.
fn runaways() -> Vec<(&'static str, String, &'static str)> {
    let define = "{{ define \"x\" }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ end }}";
    vec![
        ("tpl calls itself", "{{ $t := \"{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}".into(), "TEMPLATE_FAILED"),
        (
            "tpl calls itself twice",
            "{{ $t := \"{{ tpl .t . }}{{ tpl .t . }}\" }}{{ tpl $t (dict \"t\" $t) }}".into(),
            "TEMPLATE_FAILED",
        ),
        ("includes in a circle", format!("{define}{{{{ include \"x\" . }}}}"), "TEMPLATE_FAILED"),
        (
            "templates in a circle",
            "{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}".into(),
            "TEMPLATE_FAILED",
        ),
        ("a range without end", "{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}".into(), "RENDER_LIMIT"),
        ("many numbers", "{{ range until 50000000 }}x{{ end }}".into(), "RENDER_LIMIT"),
        ("many numbers as text", "{{ seq 40000000 }}".into(), "RENDER_LIMIT"),
        ("one long text", "{{ repeat 1000000000 \"a\" }}".into(), "RENDER_LIMIT"),
        ("much output", "{{ range 1000000000 }}{{ repeat 1000 \"a\" }}{{ end }}".into(), "RENDER_LIMIT"),
        ("deep indentation", "{{ indent 9000 (repeat 100000 \"\\n\") }}".into(), "RENDER_LIMIT"),
        ("a text for each letter", "{{ $s := repeat 20000000 \"a\" }}{{ replace \"a\" $s $s }}".into(), "RENDER_LIMIT"),
        ("wide numbers", format!("{{{{ printf \"{}\" 1 }}}}", "%999999[1]d".repeat(2000)), "RENDER_LIMIT"),
        (
            "an expression that looks again and again",
            "{{ regexFindAll \".*[^A-Za-z]|[A-Za-z]\" (repeat 2000000 \"a\") -1 | len }}".into(),
            "RENDER_LIMIT",
        ),
        (
            "an expression that makes more of it",
            "{{ regexReplaceAll \"a\" (repeat 2000000 \"a\") (repeat 10000 \"$0\") | len }}".into(),
            "RENDER_LIMIT",
        ),
        (
            "a value that doubles",
            "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ mustToYaml $l }}".into(),
            "TEMPLATE_FAILED",
        ),
        (
            "a value that doubles, printed",
            "{{ $l := list 1 }}{{ range 60 }}{{ $l = list $l $l }}{{ end }}{{ $l }}".into(),
            "RENDER_LIMIT",
        ),
        (
            "a list that grows",
            "{{ $l := list 1 }}{{ range 100000000 }}{{ $l = append $l 1 }}{{ end }}".into(),
            "RENDER_LIMIT",
        ),
        (
            "a text that doubles",
            "{{ $x := \"xxxxxxxx\" }}{{ range 60 }}{{ $x = cat $x $x }}{{ end }}".into(),
            "RENDER_LIMIT",
        ),
        ("hashes", "{{ range 10000 }}{{ $k := bcrypt \"a\" }}{{ end }}".into(), "RENDER_LIMIT"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_template_that_runs_away_is_stopped_and_named() {
    let server = Server::without_cluster();
    let good = server.upload(shop()).await;
    let mut wrong = Vec::new();
    for (what, text, reason) in runaways() {
        let chart =
            archive(&[("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"), ("a/templates/x.yaml", &text)]);
        let body = json!({"chart": {"upload": server.upload(chart).await}});
        let started = Instant::now();
        let answer = server.json("POST", "/v1/template", &body).await;
        println!("{:6} ms {what}: {}", started.elapsed().as_millis(), answer.json()["detail"]);
        assert!(started.elapsed() < PATIENCE, "{what}: {:?}", started.elapsed());
        if answer.reason() != (422, reason.into()) || answer.json()["template"]["file"] != "a/templates/x.yaml" {
            wrong.push(format!("{what}: {}", answer.text()));
        }
        // The next one is served.
        let answer = server.json("POST", "/v1/template", &json!({"chart": {"upload": good}})).await;
        assert_eq!(answer.status, 200, "after {what}: {}", answer.text());
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lint_and_names_have_the_same_budgets() {
    let server = Server::without_cluster();
    let text = "{{ range 1000000 }}{{ range 1000000 }}{{ end }}{{ end }}";
    let chart = archive(&[
        ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("a/charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
        ("a/charts/b/templates/x.yaml", text),
    ]);
    let digest = server.upload(chart).await;
    for (method, path, body) in [
        ("POST", "/v1/lint".to_owned(), json!({"chart": {"upload": digest}, "withSubcharts": true})),
        ("GET", format!("/v1/charts/{digest}/lint?withSubcharts"), Value::Null),
    ] {
        let answer = server.json(method, &path, &body).await;
        assert_eq!(answer.reason(), (422, "RENDER_LIMIT".into()), "{}", answer.text());
        assert_eq!(answer.json()["template"]["file"], "b/templates/x.yaml");
    }
    let shop = server.upload(shop()).await;
    let body = json!({"chart": {"upload": shop}, "nameTemplate": text});
    let answer = server.json("POST", "/v1/template", &body).await;
    assert_eq!(answer.reason(), (422, "RENDER_LIMIT".into()), "{}", answer.text());
    assert_eq!(server.json("POST", "/v1/lint", &json!({"chart": {"upload": shop}})).await.status, 200);
}
