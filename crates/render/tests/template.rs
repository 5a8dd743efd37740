//! A chart of our own through `helm template`: `data/shop.txt` has the flags, `data/shop.jsonl` what Helm prints.
//!
//! `WHIPSTAFF_HELM=/path/to/helm cargo test -p whipstaff-render --test template` writes the second file anew.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn ask_helm(helm: &str, flags: &[String]) -> Json {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    let run = |head: &[&str], flags: &[String]| {
        let mut command = Command::new(helm);
        command.current_dir(data()).env_clear().env("HOME", &home).env("KUBECONFIG", "/nonexistent");
        command.args(head).args(["rel", "shop", "--namespace", "ns"]).args(flags).output().unwrap()
    };
    let install_only = |flag: &String| flag == "--hide-secret";
    let output = run(&["template"], &flags.iter().filter(|f| !install_only(f)).cloned().collect::<Vec<_>>());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    json!({"stdout": output.status.success().then(|| text(output.stdout)), "stderr": text(output.stderr)})
}

#[test]
fn template_prints_what_helm_prints() {
    let text = std::fs::read_to_string(data().join("shop.txt")).unwrap();
    let cases: Vec<Vec<String>> =
        text.lines().map(|l| l.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()).collect();
    if let Ok(helm) = std::env::var("WHIPSTAFF_HELM") {
        let lines: String = cases.iter().map(|flags| ask_helm(&helm, flags).to_string() + "\n").collect();
        std::fs::write(data().join("shop.jsonl"), lines).unwrap();
    }
    let text = std::fs::read_to_string(data().join("shop.jsonl")).unwrap();
    let expected: Vec<Json> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(expected.len(), cases.len(), "set WHIPSTAFF_HELM to write shop.jsonl anew");
    for (flags, want) in cases.iter().zip(&expected) {
        let got = common::helm_template(&data(), "shop", &[], flags);
        assert_eq!(got.stdout.as_deref(), want["stdout"].as_str(), "{flags:?}\n{}", got.stderr);
        assert_eq!(got.stderr, want["stderr"].as_str().unwrap(), "{flags:?}");
    }
}

#[test]
fn notes_and_secrets() {
    let run = |flags: &[&str]| {
        let flags: Vec<String> = flags.iter().map(|f| (*f).to_owned()).collect();
        common::helm_template(&data(), "shop", &[], &flags)
    };
    assert_eq!(run(&[]).notes, "Thank you for shop in ns.\nName: shop\n");
    assert_eq!(run(&["--render-subchart-notes"]).notes, "Notes of store\n\nThank you for shop in ns.\nName: shop\n");
    let hidden = run(&["--hide-secret"]).stdout.unwrap();
    let secret = "---\n# Source: shop/templates/a-files.yaml\n# HIDDEN: The Secret output has been suppressed\n---\n";
    assert!(hidden.contains(secret), "{hidden}");
}
