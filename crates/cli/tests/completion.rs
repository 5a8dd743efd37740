//! What the script for bash offers.

#![allow(missing_docs, clippy::unwrap_used, unreachable_pub)]

use std::path::Path;
use std::process::Command;

/// Asks bash what it would offer for the last of some words.
fn offered_with(words: &[&str], variables: &[(&str, &str)]) -> Vec<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_whipstaff"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let script = r#"
        source <(whipstaff completion bash)
        complete -p whipstaff > /dev/null || exit 3
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _whipstaff
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", script, "bash"]).args(words).env("PATH", path).env("KUBECONFIG", "/nonexistent");
    bash.envs(variables.iter().copied());
    let output = bash.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn offered(words: &[&str]) -> Vec<String> {
    offered_with(words, &[])
}

#[test]
fn charts_of_repositories_are_offered() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("repositories.yaml");
    std::fs::write(&file, "apiVersion: \"\"\nrepositories: [{name: stable, url: 'https://example.com'}]\n").unwrap();
    std::fs::write(home.path().join("stable-charts.txt"), "shop\nshelf\nbank\n").unwrap();
    let variables =
        [("HELM_REPOSITORY_CONFIG", file.to_str().unwrap()), ("HELM_REPOSITORY_CACHE", home.path().to_str().unwrap())];
    let offered = |words: &[&str]| offered_with(words, &variables);
    assert_eq!(offered(&["whipstaff", "install", "a", "sta"]), ["stable/"]);
    assert_eq!(offered(&["whipstaff", "pull", "stable/sh"]), ["stable/shop", "stable/shelf"]);
    assert_eq!(offered(&["whipstaff", "repo", "update", ""]), ["stable"]);
    assert_eq!(offered(&["whipstaff", "pull", "other/"]), [""; 0]);
}

#[test]
fn bash_offers_what_the_program_says() {
    assert_eq!(offered(&["whipstaff", "get", "ma"]), ["manifest"]);
    assert_eq!(offered(&["whipstaff", "list", "-o", ""]), ["json", "table", "yaml"]);
    // bash makes three words of it.
    assert_eq!(offered(&["whipstaff", "list", "--output", "=", "y"]), ["yaml"]);
    assert_eq!(offered(&["whipstaff", "list", "--output", "="]), ["json", "table", "yaml"]);
    assert_eq!(offered(&["whipstaff", "upgrade", "--reuse"]), ["--reuse-values"]);
    assert_eq!(offered(&["whipstaff", "lint", "./my"]), [""; 0]);
}
