//! `dependency update` and `dependency build` on the command line, against a repository on loopback; what is printed is
//! what Helm 4.3.1 prints. `WHIPSTAFF_BINARY=/path/to/helm` asks Helm itself.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;
#[path = "common/web.rs"]
mod web;

use std::process::Stdio;
use std::time::Duration;

use common::Place;
use web::{fails, ok, pack, serve, serve_half, with_repository};

const REFRESHED: &str = "Hang tight while we grab the latest from your chart repositories...\n\
                         ...Successfully got an update from the \"r\" chart repository\n\
                         Update Complete. ⎈Happy Helming!⎈\n";

/// Writes the chart `top`, which depends on these.
fn top(place: &Place, dependencies: &[&str]) {
    let list: String = dependencies.iter().map(|dependency| format!("- {{{dependency}}}\n")).collect();
    place.write("top/Chart.yaml", &format!("apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n{list}"));
    place.write("top/templates/top.yaml", "top: {{ .Release.Name }}\n");
}

/// What `top` has in `charts/`.
fn charts(place: &Place) -> Vec<String> {
    let entries = std::fs::read_dir(place.path().join("top/charts")).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn from_beginning_to_end() {
    let (place, url) = with_repository();
    top(
        &place,
        &[
            "name: till, version: ^1.0.0, repository: '@r'",
            "name: till, version: 1.0.x, repository: 'alias:r', alias: b",
        ],
    );
    let fetched = format!(
        "Saving 2 charts\nDownloading till from repo {url}\nDownloading till from repo {url}\nDeleting outdated charts\n"
    );
    ok(&place, "dependency update top", &format!("{REFRESHED}{fetched}"));
    assert_eq!(charts(&place), ["till-1.0.0.tgz", "till-1.1.0.tgz"]);
    for version in ["1.0.0", "1.1.0"] {
        let read = |folder: &str| std::fs::read(place.path().join(format!("{folder}/till-{version}.tgz"))).unwrap();
        assert_eq!(read("top/charts"), read("web"));
    }
    let lock = place.read("top/Chart.lock");
    let entry = |version: &str| format!("- name: till\n  repository: {url}\n  version: {version}\n");
    let want = format!("dependencies:\n{}{}digest: sha256:", entry("1.1.0"), entry("1.0.0"));
    assert!(lock.starts_with(&want), "{lock}");
    ok(&place, "dep up top --skip-refresh", &fetched);
    assert_eq!(place.read("top/Chart.lock"), lock, "a lock file that is right stays as it is");

    // What is locked stays, whatever there is that is newer; what is outdated goes.
    pack(&place, "till", "1.2.0");
    ok(&place, "repo index web", "");
    place.write("top/charts/_notes", "ours\n");
    std::fs::copy(place.path().join("web/till-1.2.0.tgz"), place.path().join("top/charts/till-1.2.0.tgz")).unwrap();
    let kept = "Could not verify top/charts/_notes for deletion: file 'top/charts/_notes' does not appear to be a gzipped \
                archive; got 'application/octet-stream' (Skipping)\n";
    ok(&place, "dependency build top", &format!("{REFRESHED}{fetched}{kept}"));
    assert_eq!(charts(&place), ["_notes", "till-1.0.0.tgz", "till-1.1.0.tgz"]);
    top(&place, &["name: till, version: '>1.0.0', repository: '@r'"]);
    fails(
        &place,
        "dependency build top",
        "the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the dependencies \
         with 'helm dependency update'",
    );
    assert_eq!(place.run("dependency update top").code, 0);
    assert_eq!(charts(&place), ["_notes", "till-1.2.0.tgz"]);
}

#[test]
fn repositories_that_nobody_added() {
    let place = Place::new();
    pack(&place, "till", "1.0.0");
    let url = serve(place.path().join("web"));
    ok(&place, "repo index web", "");
    top(&place, &[&format!("name: till, version: '*', repository: '{url}'")]);
    ok(
        &place,
        "dependency update top",
        &format!(
            "Getting updates for unmanaged Helm repositories...\n\
             ...Successfully got an update from the \"{url}\" chart repository\n\
             Saving 1 charts\nDownloading till from repo {url}\nDeleting outdated charts\n"
        ),
    );
    assert_eq!(charts(&place), ["till-1.0.0.tgz"]);
    fails(
        &place,
        "dependency build top",
        &format!("no repository definition for {url}. Please add the missing repos via 'helm repo add'"),
    );
}

#[test]
fn other_commands_fetch_too() {
    let (place, url) = with_repository();
    top(&place, &["name: till, version: 1.0.0, repository: '@r'"]);
    let missing = "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to \
                   fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: till";
    fails(&place, "template x top", missing);
    let fetched = format!("Saving 1 charts\nDownloading till from repo {url}\nDeleting outdated charts\n");
    let rendered =
        "---\n# Source: top/charts/till/templates/a.yaml\na: x\n\n---\n# Source: top/templates/top.yaml\ntop: x\n";
    ok(&place, "template x top --dependency-update", &format!("{REFRESHED}{fetched}{rendered}"));
    // What is there is not fetched again.
    ok(&place, "template x top --dependency-update", rendered);
    std::fs::remove_dir_all(place.path().join("top/charts")).unwrap();
    let done = place.run("install x top --dry-run=client --dependency-update");
    assert!(done.code == 0 && done.out.starts_with(&format!("{REFRESHED}{fetched}")), "{done:?}");
    std::fs::remove_dir_all(place.path().join("top/charts")).unwrap();
    ok(&place, "package -u top -d out", "Successfully packaged chart and saved it to: out/top-1.0.0.tgz\n");
    assert_eq!(charts(&place), ["till-1.0.0.tgz"]);
    fails(&place, "package -u out/top-1.0.0.tgz", "only unpacked charts can be updated");
}

/// Whatever goes wrong, `charts/` and the lock file are as they were.
#[test]
fn nothing_bad_replaces_what_is_good() {
    let (place, url) = with_repository();
    let lost = pack(&place, "lost", "1.0.0");
    ok(&place, "repo index web", "");
    std::fs::remove_file(place.path().join(lost)).unwrap();
    top(&place, &["name: till, version: 1.0.0, repository: '@r'"]);
    assert_eq!(place.run("dependency update top").code, 0);
    let good = || {
        let archive = std::fs::read(place.path().join("top/charts/till-1.0.0.tgz")).unwrap();
        (charts(&place), archive, place.read("top/Chart.lock"))
    };
    let before = good();
    let fails_after = |line: &str, error: &str| {
        let done = place.run(line);
        assert_eq!((done.code, done.err), (1, format!("Error: {error}\n")), "{line}: {}", done.out);
        assert!(done.out.ends_with(&format!("Save error occurred:  {error}\n")), "{}", done.out);
        assert_eq!(good(), before, "{line}");
    };
    // One of two is there.
    top(&place, &["name: till, version: '1', repository: '@r'", "name: lost, version: '1', repository: '@r'"]);
    let gone = format!("could not download {url}/lost-1.0.0.tgz: failed to fetch {url}/lost-1.0.0.tgz : 404 Not Found");
    fails_after("dependency update top", &gone);
    top(&place, &["name: till, version: '1', repository: '@r'"]);
    let proof = format!("{url}/till-1.1.0.tgz");
    fails_after(
        "dependency update top --verify",
        &format!("could not download {proof}: failed to fetch provenance \"{proof}.prov\""),
    );
    if std::env::var_os("WHIPSTAFF_BINARY").is_some() {
        return;
    }
    // Helm takes an archive that is not the one of the index.
    let archive = place.path().join("web/till-1.1.0.tgz");
    std::fs::copy(place.path().join("web/till-1.0.0.tgz"), &archive).unwrap();
    let done = place.run("dependency update top");
    assert!(done.code == 1 && done.err.contains("but the index promises"), "{done:?}");
    assert_eq!(good(), before);
    std::fs::remove_file(archive).unwrap();
    let gone = format!("could not download {url}/till-1.1.0.tgz: failed to fetch {url}/till-1.1.0.tgz : 404 Not Found");
    fails_after("dependency update top", &gone);
}

/// A download that is cut off, and a process that is killed in the middle of one.
#[test]
fn half_a_download_replaces_nothing() {
    let place = Place::new();
    let (url, halves) = serve_half(place.path().join("web"));
    pack(&place, "till", "1.0.0");
    std::fs::rename(place.path().join("web/till-1.0.0.tgz"), place.path().join("web/half.tgz")).unwrap();
    ok(&place, "repo index web", "");
    ok(&place, &format!("repo add r {url}"), "\"r\" has been added to your repositories\n");
    top(&place, &["name: till, version: 1.0.0, repository: '@r'"]);
    pack(&place, "till", "1.0.0");
    std::fs::create_dir(place.path().join("top/charts")).unwrap();
    std::fs::rename(place.path().join("web/till-1.0.0.tgz"), place.path().join("top/charts/till-1.0.0.tgz")).unwrap();
    let rendered = place.run("template x top");
    assert_eq!(rendered.code, 0);
    let mut child = place.command(&["dependency", "update", "top"]).stdout(Stdio::null()).spawn().unwrap();
    let held = halves.recv_timeout(Duration::from_secs(30)).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    drop(held);
    assert_eq!(place.run("template x top"), rendered);
    // From now on nobody holds the rest back, so the connection ends.
    drop(halves);
    let done = place.run("dependency update top");
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(place.run("template x top"), rendered);
    std::fs::rename(place.path().join("web/half.tgz"), place.path().join("web/till-1.0.0.tgz")).unwrap();
    ok(&place, "repo index web", "");
    assert_eq!(place.run("dependency update top").code, 0);
    assert_eq!(place.run("template x top"), rendered);
}
