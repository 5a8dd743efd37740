//! Chart repositories on the command line, against a repository on loopback; what is printed is what Helm 4.3.1 prints.
//! `WHIPSTAFF_BINARY=/path/to/helm` asks Helm itself.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic)]

mod common;
#[path = "common/web.rs"]
mod web;

use common::Place;
use web::{fails, ok, pack, serve, with_repository};

#[test]
fn without_repositories() {
    let place = Place::new();
    let done = place.run("repo list");
    assert_eq!((done.code, done.err.as_str()), (0, "no repositories to show\n"));
    ok(&place, "repo list -o json", "[]\n");
    fails(&place, "search repo x", "no repositories configured");
    fails(&place, "repo remove x", "no repositories configured");
    fails(&place, "repo update", "no repositories found. You must add one before updating");
    fails(&place, "pull r/x", "repo r not found");
    fails(
        &place,
        "repo add a/b http://127.0.0.1:1",
        "repository name (a/b) contains '/', please specify a different name without '/'",
    );
    fails(&place, "repo add a ftp://x", "could not find protocol handler for: ftp");
    fails(
        &place,
        "repo add a http://127.0.0.1:1/x",
        "looks like \"http://127.0.0.1:1/x\" is not a valid chart repository or cannot be reached: \
         Get \"http://127.0.0.1:1/x/index.yaml\": dial tcp 127.0.0.1:1: connect: connection refused",
    );
}

#[test]
fn a_repository_from_beginning_to_end() {
    let (place, url) = with_repository();
    ok(&place, &format!("repo add r {url}"), "\"r\" already exists with the same configuration, skipping\n");
    fails(
        &place,
        &format!("repo add r {url}/other"),
        "repository name (r) already exists, please specify a different name",
    );
    ok(&place, "repo list", &format!("NAME\tURL{}\nr   \t{url}\n", " ".repeat(url.len() - 3)));
    ok(
        &place,
        "repo update r",
        "Hang tight while we grab the latest from your chart repositories...\n\
         ...Successfully got an update from the \"r\" chart repository\nUpdate Complete. ⎈Happy Helming!⎈\n",
    );
    fails(&place, "repo update s", "no repositories found matching 's'.  Nothing will be updated");
    ok(
        &place,
        "search repo till",
        "NAME  \tCHART VERSION\tAPP VERSION\tDESCRIPTION \nr/till\t1.1.0        \t4          \tsells things\n",
    );
    ok(
        &place,
        "search repo -r ^t -o json --version 1.0.0",
        "[{\"name\":\"r/till\",\"version\":\"1.0.0\",\"app_version\":\"4\",\"description\":\"sells things\"}]\n",
    );
    fails(&place, "search repo -r (", "error parsing regexp: missing closing ): `(`");
    ok(&place, "pull r/till -d .", "");
    assert_eq!(
        std::fs::read(place.path().join("till-1.1.0.tgz")).unwrap(),
        std::fs::read(place.path().join("web/till-1.1.0.tgz")).unwrap()
    );
    ok(&place, &format!("pull till --repo {url} --version 1.0.0 --untar"), "");
    assert!(place.read("till/Chart.yaml").contains("version: 1.0.0\n"));
    fails(&place, "pull r/till --untar", "failed to untar: a file or directory with the name till already exists");
    ok(&place, "template x r/till --version ^1", "---\n# Source: till/templates/a.yaml\na: x\n");
    ok(&place, "repo remove r", "\"r\" has been removed from your repositories\n");
    assert_eq!(std::fs::read_dir(place.path().join("home/.cache/helm/repository")).unwrap().count(), 0);
}

/// Where we are stricter than Helm: `docs/helm-differences.md`.
#[test]
fn what_is_not_as_promised_is_refused() {
    if std::env::var_os("WHIPSTAFF_BINARY").is_some() {
        return;
    }
    let (place, url) = with_repository();
    let archive = place.path().join("web/till-1.1.0.tgz");
    std::fs::copy(place.path().join("web/till-1.0.0.tgz"), &archive).unwrap();
    for line in ["pull r/till", "template x r/till", "show chart r/till"] {
        let done = place.run(line);
        assert_eq!(done.code, 1, "{done:?}");
        assert!(done.err.contains("but the index promises"), "{line}: {done:?}");
    }
    // CVE-2026-35206: the chart calls itself as a folder that is there.
    place.write("mine/keep.txt", "mine");
    pack(&place, "mine", "2.0.0");
    std::fs::rename(place.path().join("web/mine-2.0.0.tgz"), place.path().join("web/other-2.0.0.tgz")).unwrap();
    let done = place.run(&format!("pull {url}/other-2.0.0.tgz --untar"));
    assert_eq!(done.err, "Error: failed to untar: a file or directory with the name mine already exists\n");
    assert!(!place.path().join("mine/Chart.yaml").exists());
    // Without a provenance file nothing is written.
    fails(
        &place,
        "pull r/till --version 1.0.0 --verify -d out",
        &format!("failed to fetch provenance \"{url}/till-1.0.0.tgz.prov\""),
    );
    let done = place.run(&format!("repo add secret http://u:hidden@{}/nope", url.trim_start_matches("http://")));
    assert!(done.code == 1 && !done.err.contains("hidden"), "{done:?}");
}

/// CVE-2024-26147, CVE-2025-55198: an index of nothing is an error, no panic.
#[test]
fn indexes_of_nothing() {
    let place = Place::new();
    let url = serve(place.path().join("web"));
    for (text, reason) in [
        ("", "empty index.yaml file"),
        ("null", "no API version specified"),
        ("entries:\n  a: null\n", "no API version specified"),
        (
            "<html></html>",
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type repo.IndexFile",
        ),
    ] {
        place.write("web/index.yaml", text);
        fails(
            &place,
            &format!("repo add r {url}"),
            &format!("looks like \"{url}\" is not a valid chart repository or cannot be reached: {reason}"),
        );
    }
    place.write("web/index.yaml", "apiVersion: v1\nentries:\n  a: null\n  b: [null]\n");
    assert_eq!(place.run(&format!("repo add r {url}")).code, 0);
    let done = place.run("search repo");
    assert_eq!((done.code, done.out.as_str()), (0, "No results found\n"));
    assert!(done.err.contains("msg=\"skipping loading invalid entry for chart: empty entry\" name=b"), "{done:?}");
}
