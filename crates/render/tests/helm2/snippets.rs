//! Single templates: `data/helm2/snippets.txt` has them, `data/helm2/snippets.jsonl` what `helm template` 2.17 makes of each.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::{oracle, ours};

const CHART: &str = "name: q
version: 0.1.0
apiVersion: v1
appVersion: \"1.0\"
description: A chart
home: https://example.com
engine: gotpl
tillerVersion: '>=2.0.0'
keywords: [a, \"b c\"]
maintainers:
- name: Jane
  email: jane@example.com
- name: \"J\\\"oe\"
  url: https://example.com
annotations: {k: \"line\\nbreak é\"}
";

const VALUES: &str = "num: 1.5
i: 7
list: [a, b, c]
map: {k: v}
nothing: null
emptyList: []
yes: true
deep: {a: {b: {c: [1]}}, l: [{x: 1}]}
text: some text
big: 12345678901
";

const HELPERS: &str = "{{ define \"hi\" }}hi {{ . }}{{ end }}{{ define \"all\" }}{{ .Release.Name }}/{{ .Chart.Name }}{{ end }}\
{{ define \"own\" }}file{{ end }}{{ define \"again\" }}{{ include \"again\" . }}{{ end }}";

pub(crate) fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/helm2").join(name)
}

fn snippets() -> Vec<String> {
    let text = std::fs::read_to_string(data("snippets.txt")).unwrap();
    text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(|l| l.replace("↵", "\n")).collect()
}

fn parts(snippet: &str) -> Vec<(&'static str, String)> {
    vec![
        ("Chart.yaml", CHART.to_owned()),
        ("values.yaml", VALUES.to_owned()),
        ("templates/_helpers.tpl", HELPERS.to_owned()),
        ("templates/t.yaml", snippet.to_owned()),
        ("files/a.txt", "one\ntwo\n".to_owned()),
        ("files/b.conf", "b = 1".to_owned()),
        ("README.md", "read me".to_owned()),
    ]
}

fn answer(said: Result<String, String>) -> Json {
    const HEAD: &str = "---\n# Source: q/templates/t.yaml\n";
    match said {
        Ok(text) => {
            let text = text.strip_prefix(HEAD).unwrap_or(&text);
            json!({"out": text.strip_suffix('\n').unwrap_or(text)})
        }
        Err(text) => json!({"err": text}),
    }
}

fn ask_helm(programs: &Path, snippets: &[String]) -> Vec<Json> {
    let folder = oracle::Folder::new("snippets");
    let mut answers = Vec::new();
    for snippet in snippets {
        for (name, text) in parts(snippet) {
            folder.write(&format!("q/{name}"), text);
        }
        let mut command = oracle::helm(programs, &folder.0);
        command.args(["template", "q", "--name", "rel", "--namespace", "ns", "--kube-version", "1.16"]);
        for version in ours::API_VERSIONS {
            command.args(["-a", version]);
        }
        answers.push(answer(oracle::said(&mut command)));
    }
    answers
}

fn ask_ours(snippet: &str) -> Json {
    let parts = parts(snippet);
    let parts: Vec<(&str, &str)> = parts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    answer(ours::load_files(&parts).and_then(|chart| ours::template(chart, "{}\n")))
}

#[test]
fn snippets_are_what_helm_makes_of_them() {
    let snippets = snippets();
    let recorded = || -> Vec<Json> {
        let text = std::fs::read_to_string(data("snippets.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let expected = match oracle::programs() {
        Some(programs) => {
            let said = ask_helm(&programs, &snippets);
            if oracle::blessing() {
                let lines: String = said.iter().map(|answer| answer.to_string() + "\n").collect();
                std::fs::write(data("snippets.jsonl"), lines).unwrap();
            } else {
                assert!(said == recorded(), "snippets.jsonl is stale: run `cargo xtask helm2 --bless`");
            }
            said
        }
        None => recorded(),
    };
    assert_eq!(expected.len(), snippets.len(), "snippets.jsonl is stale: run `cargo xtask helm2 --bless`");
    let mut wrong = 0;
    for (snippet, want) in snippets.iter().zip(&expected) {
        let got = ask_ours(snippet);
        if got != *want {
            wrong += 1;
            println!("{snippet}\n  helm {want}\n  ours {got}");
        }
    }
    println!("helm2: {} of {} snippets identical", snippets.len() - wrong, snippets.len());
    assert_eq!(wrong, 0);
}

#[test]
fn the_functions_are_those_of_helm_2() {
    let text = std::fs::read_to_string(data("functions.txt")).unwrap();
    let theirs: Vec<&str> = text.lines().collect();
    let mut ours: Vec<&str> = render::helm2::functions().map(|f| f.name).collect();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    // Whatever else Helm 4 has is as unknown as any word.
    for function in render::functions::all().iter().filter(|f| !theirs.contains(&f.name)) {
        let wanted = format!(
            "parse error in \"q/templates/t.yaml\": template: q/templates/t.yaml:1: function \"{}\" not defined",
            function.name
        );
        assert_eq!(ask_ours(&format!("{{{{ {} }}}}", function.name)), json!({"err": wanted}));
    }
}
