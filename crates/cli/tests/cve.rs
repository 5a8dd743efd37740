//! What the commands must not do with a chart that means harm, by number: RELIABILITY.md §4.2.

#![allow(missing_docs, unreachable_pub, dead_code, clippy::unwrap_used, clippy::panic)]

mod common;

use common::Place;

#[test]
fn cve_2026_35205_without_a_signature_nothing_is_verified() {
    let place = Place::new();
    place.write("shop-1.2.3.tgz", "no archive");
    for line in [
        "verify shop-1.2.3.tgz",
        "verify shop-1.2.3.tgz --keyring nowhere",
        "verify shop",
        "template shop-1.2.3.tgz --verify",
        "show values shop-1.2.3.tgz --verify",
        "install x shop-1.2.3.tgz --dry-run=client --verify",
    ] {
        let done = place.run(line);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{line}: {done:?}");
    }
    let done = place.run("verify shop-1.2.3.tgz");
    assert!(done.err.contains("shop-1.2.3.tgz.prov: no such file or directory"), "{done:?}");
    // One that says nothing is none either.
    place.write("shop-1.2.3.tgz.prov", "");
    assert_eq!(place.run("verify shop-1.2.3.tgz --keyring /dev/null").code, 1);
}

#[test]
fn cve_2023_25165_names_are_resolved_only_when_that_is_asked_for() {
    let place = Place::new();
    place.write("dns/Chart.yaml", "apiVersion: v2\nname: dns\nversion: 1.0.0\n");
    place.write("dns/templates/a.yaml", "a: {{ getHostByName \"localhost\" | quote }}\n");
    for line in ["template dns", "install x dns --dry-run=client"] {
        let done = place.run(line);
        assert!(done.out.contains("a: \"\"\n"), "{done:?}");
    }
    let done = place.run("template dns --enable-dns");
    assert!(done.out.contains("a: \"127.0.0.1\"\n") || done.out.contains("a: \"::1\"\n"), "{done:?}");
}

#[test]
fn cve_2021_21303_errors_do_not_drive_the_terminal() {
    let place = Place::new();
    place.write("evil/Chart.yaml", "apiVersion: v2\nname: \"a\\e[2J\"\nversion: \"1.0.0\\e[2J\"\n");
    // `lint` shows a bad version as it is, to the byte what Helm 4.3.1 does: an open question, not a property.
    for line in ["template evil", "show chart evil", "dependency list evil"] {
        let done = place.run(line);
        assert!(!done.err.contains('\u{1b}') && !done.out.contains('\u{1b}'), "{line}: {done:?}");
    }
}

#[cfg(unix)]
#[test]
fn cve_2019_18658_devices_are_not_read() {
    let place = Place::new();
    std::os::unix::fs::symlink("/dev/zero", place.path().join("shop/zero")).unwrap();
    for line in
        ["template shop", "lint shop", "show all shop", "dependency list shop", "install x shop --dry-run=client"]
    {
        let done = place.run(line);
        assert_eq!(done.code, 1, "{line}: {done:?}");
        assert!(done.err.contains("irregular") || done.out.contains("irregular"), "{line}: {done:?}");
    }
}
