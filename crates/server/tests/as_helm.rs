//! What the API answers as text is what Helm prints: the expectations in `tests/helm/` were recorded from Helm 4.3.1.
//!
//! `WHIPSTAFF_HELM=/path/to/helm cargo test -p whipstaff-server --test as_helm` records them anew.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests too

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::Server;
use serde_json::{Value, json};

/// A chart in a folder of its name, and the same on the server.
struct World {
    scratch: tempfile::TempDir,
    server: Server,
    helm: Option<PathBuf>,
}

impl World {
    fn new() -> Self {
        let helm = std::env::var_os("WHIPSTAFF_HELM").map(PathBuf::from);
        Self { scratch: tempfile::tempdir().unwrap(), server: Server::without_cluster(), helm }
    }

    /// Copies one of the repository's charts, or makes the one that has a bit of everything.
    async fn chart(&self, name: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = self.scratch.path().join(name);
        let files: Vec<(String, Vec<u8>)> = match name {
            "parts" => parts(),
            "hello" => read(&root.join("crates/cli/sample/hello")),
            name => read(&root.join("e2e/charts").join(name)),
        };
        for (name, data) in &files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, data).unwrap();
        }
        self.server.upload(chart::pack(name, &packed(files)).unwrap()).await
    }

    /// What Helm prints in the chart's folder: as it was recorded, or as it is recorded now.
    fn helm(&self, chart: &str, case: &str, args: &str) -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helm").join(format!("{chart}-{case}.txt"));
        if let Some(helm) = &self.helm {
            let folder = self.scratch.path().join(chart);
            let output = Command::new(helm)
                .args(args.split_whitespace())
                .current_dir(&folder)
                .env_clear()
                .env("HOME", self.scratch.path())
                .env("KUBECONFIG", "/nonexistent")
                .output()
                .unwrap();
            let printed = String::from_utf8(output.stdout).unwrap();
            assert!(
                !printed.is_empty() || case.ends_with("empty"),
                "{args}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            std::fs::write(&file, printed.replace(folder.to_str().unwrap(), "")).unwrap();
        }
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}

/// The files of a folder.
fn read(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let files = chart::read_dir(folder, &chart::Limits::default()).unwrap();
    files.into_iter().map(|file| (file.name, file.data.to_vec())).collect()
}

fn packed(files: Vec<(String, Vec<u8>)>) -> Vec<chart::File> {
    files.into_iter().map(|(name, data)| chart::File { name, data: data.into(), mod_time: None }).collect()
}

/// A chart whose parts are hard to get right.
fn parts() -> Vec<(String, Vec<u8>)> {
    let subchart = |name: &str, version: &str| format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    let archive = |name: &str, version: &str| {
        let files = vec![("Chart.yaml".to_owned(), subchart(name, version).into_bytes())];
        chart::pack(name, &packed(files)).unwrap()
    };
    let text = |text: &str| text.as_bytes().to_vec();
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        (
            "Chart.yaml",
            text(
                "name: parts\napiVersion: v2\nversion: 1.2.3+b.1\nappVersion: 1.10\ndescription: |\n  Two\n  lines.\n\
                 type: application\nkubeVersion: '>=1.20.0-0'\nhome: https://example.com\nicon: https://example.com/i.svg\n\
                 deprecated: true\nkeywords: [b, a]\nsources: ['https://example.com/src']\ntags: x\ncondition: a.b\n\
                 maintainers:\n- {name: A. B., email: a@example.com, url: 'https://example.com'}\n\
                 annotations: {z: '1', a: 'yes'}\n\
                 dependencies:\n- {name: ok, version: ^1.0.0, repository: 'https://charts.example.com', alias: fine, \
                 tags: [t], condition: fine.enabled, import-values: [data, {child: c, parent: p}]}\n\
                 - {name: folder, version: 1.x, repository: ''}\n- {name: old, version: '>2'}\n- {name: gone, version: 1}\n\
                 - {name: broken, version: 1.0.0}\n- {name: other, version: 1.0.0}\n- {name: two, version: 1.0.0}\n",
            ),
        ),
        ("values.yaml", text("# first\na: 1 # one\n\nlist:\n- x: 0x10\n  y: \"é\"")),
        ("README.MD", text("# Parts\n\nno line feed at the end")),
        ("crds/b.yaml", text("kind: B\n")),
        ("crds/a.yml", text("---\nkind: A\n\n")),
        ("crds/nested/c.JSON", text("{}")),
        ("crds/README.md", text("not a definition")),
        ("templates/a.yaml", text("kind: ConfigMap\nmetadata: {name: A_b}\n")),
        ("charts/folder/Chart.yaml", text(&subchart("folder", "1.4.0"))),
        ("charts/folder/crds/sub.yaml", text("kind: Sub\n")),
        ("charts/stray/Chart.yaml", text(&subchart("stray", "1.4.0"))),
    ];
    for (name, inner, version) in [
        ("charts/ok-1.2.3.tgz", "ok", "1.2.3"),
        ("charts/old-1.0.0.tgz", "old", "1.0.0"),
        ("charts/other-1.0.0.tgz", "another", "1.0.0"),
        ("charts/two-1.0.0.tgz", "two", "1.0.0"),
        ("charts/two-1.0.1.tgz", "two", "1.0.1"),
    ] {
        files.push((name, archive(inner, version)));
    }
    // As they are found in a folder.
    files.sort();
    files.into_iter().map(|(name, data)| (name.to_owned(), data)).collect()
}

#[tokio::test]
async fn parts_are_what_show_prints() {
    let world = World::new();
    for chart in ["hello", "parts", "family", "crds-owner", "shop"] {
        let at = format!("/v1/charts/{}", world.chart(chart).await);
        for (part, accept, show) in [
            ("metadata", "application/yaml", "chart"),
            ("values", "application/yaml", "values"),
            ("readme", "text/markdown", "readme"),
            ("crds", "application/yaml", "crds"),
        ] {
            let has = |name: &str| chart == "parts" || chart == name;
            if (part == "readme" && !has("hello") && !has("shop")) || (part == "crds" && !has("crds-owner")) {
                continue;
            }
            let want = world.helm(chart, &format!("show-{show}"), &format!("show {show} ."));
            let answer = world.server.get_as(&format!("{at}/{part}"), accept).await;
            assert_eq!((answer.status.as_u16(), answer.text()), (200, want), "{chart} {part}");
        }
        // All there is.
        let files = world.server.get(&format!("{at}/files")).await.json();
        for file in files["items"].as_array().unwrap() {
            let name = file["name"].as_str().unwrap();
            let data = world.server.get(&format!("{at}/files/{name}")).await.body;
            assert_eq!(data, std::fs::read(world.scratch.path().join(chart).join(name)).unwrap(), "{chart} {name}");
        }
    }
}

#[tokio::test]
async fn dependencies_stand_as_dependency_list_says() {
    let world = World::new();
    for chart in ["parts", "family"] {
        let digest = world.chart(chart).await;
        let printed = world.helm(chart, "dependency-list", "dependency list .");
        let (table, warnings) = printed.split_once("\n\n").unwrap();
        let rows = table.lines().skip(1).map(|row| {
            let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
            json!({"name": cells[0], "version": cells[1], "repository": cells[2], "status": cells[3]})
        });
        let list = world.server.get(&format!("/v1/charts/{digest}/dependencies")).await.json();
        assert_eq!(list["items"], Value::Array(rows.collect()), "{chart}");
        let told: Vec<&str> = list["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(told, warnings.lines().collect::<Vec<_>>(), "{chart}");
    }
}

/// Puts the names of subcharts in order, which Helm gives in any.
fn in_order(printed: &str) -> String {
    let lines = printed.lines().map(|line| match line.split_once(" dependencies: ") {
        None => line.to_owned(),
        Some((before, names)) => {
            let mut names: Vec<&str> = names.split(',').collect();
            names.sort_unstable();
            format!("{before} dependencies: {}", names.join(","))
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn findings_are_what_lint_prints() {
    let world = World::new();
    for chart in ["hello", "parts", "family", "faulty"] {
        let at = format!("/v1/charts/{}/lint", world.chart(chart).await);
        for (case, flags, query) in [
            ("lint", "", ""),
            ("lint-strict", "--strict --kube-version 1.20", "?strict=true&kubeVersion=1.20"),
            ("lint-subcharts", "--with-subcharts --namespace web", "?withSubcharts&namespace=web"),
        ] {
            let printed = world.helm(chart, case, &format!("lint . {flags}"));
            let answer = world.server.get_as(&format!("{at}{query}"), "text/plain").await;
            // When a chart failed, Helm says so on standard error.
            let ours = answer.text();
            let (ours, summary) = ours.rsplit_once("\n\n").unwrap();
            let (want, passed) = match printed.rsplit_once("\n\n") {
                Some((want, rest)) if !rest.is_empty() => (want, true),
                _ => (printed.trim_end_matches('\n'), false),
            };
            assert_eq!(
                (in_order(ours), summary.ends_with(", 0 chart(s) failed\n")),
                (in_order(want), passed),
                "{chart} {case}"
            );
            assert_eq!(world.server.get(&format!("{at}{query}")).await.json()["passed"], passed, "{chart} {case}");
        }
    }
}

#[tokio::test]
async fn manifests_are_what_template_prints() {
    let world = World::new();
    let cases: &[(&str, &str, &str, Value)] = &[
        ("hello", "template", "template .", json!({})),
        (
            "hello",
            "template-values",
            "template x . -n web --set-string greeting=ä,replicas=3 --kube-version 1.30 --skip-schema-validation",
            json!({
                "name": "x", "namespace": "web", "setString": ["greeting=ä,replicas=3"], "kubeVersion": "1.30",
                "skipSchemaValidation": true
            }),
        ),
        (
            "hello",
            "template-show-only",
            "template . -s templates/service.yaml -s templates/c*.yaml",
            json!({"showOnly": ["templates/service.yaml", "templates/c*.yaml"]}),
        ),
        (
            "hello",
            "template-name",
            "template . --name-template a-{{`Xyz`|b64enc|lower}}",
            json!({"nameTemplate": "a-{{`Xyz`|b64enc|lower}}"}),
        ),
        ("hooked", "template", "template r .", json!({"name": "r"})),
        ("hooked", "template-skip-tests", "template r . --skip-tests", json!({"name": "r", "skipTests": true})),
        ("hooked", "template-no-hooks", "template r . --no-hooks", json!({"name": "r", "hooks": {"disabled": true}})),
        ("family", "template", "template r . --is-upgrade", json!({"name": "r", "isUpgrade": true})),
        (
            "crds-owner",
            "template",
            "template r . --include-crds -a example.com/v1,example.com/v1/Buoy",
            json!({"name": "r", "includeCrds": true, "apiVersions": ["example.com/v1", "example.com/v1/Buoy"]}),
        ),
        ("crds-owner", "template-no-crds", "template r .", json!({"name": "r"})),
        ("shop", "template", "template r .", json!({"name": "r"})),
    ];
    for (chart, case, args, body) in cases {
        let mut body = body.clone();
        body["chart"] = json!({"upload": world.chart(chart).await});
        let want = world.helm(chart, case, args);
        let headers = [("content-type", "application/json"), ("accept", "application/yaml")];
        let answer = world.server.ask("POST", "/v1/template", &headers, body.to_string()).await;
        assert_eq!(answer.text(), want, "{chart} {case}");
        // As JSON the same in pieces: what hooks make stands apart, and there is a text for each file.
        body["perFile"] = json!(true);
        let made = world.server.json("POST", "/v1/template", &body).await.json();
        let mut whole = made["manifest"].as_str().unwrap().trim().to_owned() + "\n";
        for hook in made["hooks"].as_array().unwrap() {
            whole +=
                &format!("---\n# Source: {}\n{}\n", hook["path"].as_str().unwrap(), hook["manifest"].as_str().unwrap());
        }
        let lines = |text: &str| {
            let mut lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(whole.trim()), lines(want.trim()), "{chart} {case}");
        let files: String = made["files"].as_object().unwrap().values().map(|file| file.as_str().unwrap()).collect();
        assert_eq!(lines(files.trim()), lines(want.trim()), "{chart} {case}");
    }
}

#[tokio::test]
async fn notes_are_what_install_prints() {
    let world = World::new();
    for (chart, case, flags, body) in [
        ("hello", "notes", "", json!({})),
        ("hooked", "notes", "", json!({})),
        ("family", "notes", "", json!({})),
        ("family", "notes-subcharts", "--render-subchart-notes", json!({"subchartNotes": true})),
    ] {
        let mut body = body;
        body["chart"] = json!({"upload": world.chart(chart).await});
        body["name"] = json!("r");
        let printed = world.helm(chart, case, &format!("install r . --dry-run=client {flags}"));
        let (_, notes) = printed.split_once("\nNOTES:\n").unwrap();
        let made = world.server.json("POST", "/v1/template", &body).await.json();
        // Helm puts those of several charts in any order.
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        let ours = format!("{}\n", made["notes"].as_str().unwrap().trim());
        assert_eq!(sorted(&ours), sorted(notes), "{chart} {case}");
        assert!(case.ends_with("subcharts") || ours == notes, "{chart} {case}");
    }
}
