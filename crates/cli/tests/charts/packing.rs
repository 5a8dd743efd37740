use std::collections::BTreeMap;

use super::common::Place;

/// The archive's files by name, with their times.
pub fn unpacked(place: &Place, archive: &str) -> BTreeMap<String, (u64, String)> {
    let bytes = std::fs::read(place.path().join(archive)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&*bytes));
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        (entry.path().unwrap().display().to_string(), (entry.header().mtime().unwrap(), text))
    });
    files.collect()
}

#[test]
fn an_archive_of_a_folder() {
    let place = Place::new();
    place.write("shop/.helmignore", "README.md\n");
    let done = place.run("package shop bad -d dist/new");
    let line = |name: &str| format!("Successfully packaged chart and saved it to: dist/new/{name}.tgz\n");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert_eq!(done.out, line("shop-1.2.3") + &line("bad-1.0.0"));
    let files = unpacked(&place, "dist/new/shop-1.2.3.tgz");
    assert!(files.contains_key("shop/charts/db/Chart.yaml") && !files.contains_key("shop/README.md"), "{files:?}");
    assert_eq!(place.run("show chart dist/new/shop-1.2.3.tgz").out, place.run("show chart shop").out);
    assert_eq!(place.run("template r dist/new/shop-1.2.3.tgz").out, place.run("template r shop").out);
}

#[test]
fn other_versions() {
    let place = Place::new();
    let done = place.run("package shop --version 2.0.0-rc.1+b --app-version v7");
    assert_eq!(done.out, "Successfully packaged chart and saved it to: HERE/shop-2.0.0-rc.1+b.tgz\n");
    let files = unpacked(&place, "shop-2.0.0-rc.1+b.tgz");
    let (_, text) = files.get("shop/Chart.yaml").unwrap();
    assert!(
        text.starts_with("apiVersion: v2\nappVersion: v7\n") && text.ends_with("version: 2.0.0-rc.1+b\n"),
        "{text}"
    );
}

// Helm puts several subcharts in an order that changes from call to call.
#[test]
fn the_same_bytes_each_time() {
    let place = Place::new();
    let pack = |folder: &str| {
        let done = place.run_with(&["package", "shop", "-d", folder], &[("SOURCE_DATE_EPOCH", "1700000000")]);
        assert_eq!(done.code, 0, "{}", done.err);
        std::fs::read(place.path().join(folder).join("shop-1.2.3.tgz")).unwrap()
    };
    let first = pack("one");
    place.write("shop/values.yaml", &place.read("shop/values.yaml"));
    assert_eq!(first, pack("two"));
    assert!(unpacked(&place, "one/shop-1.2.3.tgz").values().all(|(time, _)| *time == 1_700_000_000));
}

#[test]
fn what_cannot_be_packed() {
    let place = Place::new();
    place.write(
        "lacking/Chart.yaml",
        "{apiVersion: v2, name: lacking, version: 1.0.0, dependencies: [{name: x, version: '1'}]}",
    );
    place.write("schema/Chart.yaml", "{apiVersion: v2, name: schema, version: 1.0.0}");
    place.write("schema/values.schema.json", "{");
    place.write("file", "");
    for (line, want) in [
        ("package", "need at least one argument, the path to the chart"),
        ("package nowhere", "stat nowhere: no such file or directory"),
        ("package shop --version new", "invalid semantic version"),
        ("package file", "unable to detect chart at HERE/file/Chart.yaml: open HERE/file/Chart.yaml: not a directory"),
        (
            "package shop/charts",
            "unable to detect chart at HERE/shop/charts/Chart.yaml: open HERE/shop/charts/Chart.yaml: no such file or directory",
        ),
        ("package lacking", "found in Chart.yaml, but missing in charts/ directory: x"),
        ("package schema", "failed to save: invalid JSON in values.schema.json"),
        ("package shop -d file", "failed to save: is not a directory: file"),
        ("package shop -d file/x", "failed to save: stat file/x: stat file/x: not a directory"),
        ("package -u file", "only unpacked charts can be updated"),
        ("package shop --sign", "--key is required for signing a package"),
        ("package shop --sign --key x --keyring=", "--keyring is required for signing a package"),
    ] {
        let done = place.run(line);
        assert_eq!((done.code, done.out, done.err), (1, String::new(), format!("Error: {want}\n")), "{line}");
    }
    for (epoch, want) in [
        ("soon", "strconv.ParseInt: parsing \"soon\": invalid syntax"),
        ("99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range"),
        ("-1", "must not be negative"),
    ] {
        let done = place.run_with(&["package", "shop"], &[("SOURCE_DATE_EPOCH", epoch)]);
        assert_eq!((done.code, done.err), (1, format!("Error: invalid SOURCE_DATE_EPOCH: {want}\n")));
    }
    assert!(!place.path().join("schema-1.0.0.tgz").exists());
    // Nothing is to be updated where there are no dependencies.
    assert_eq!(place.run("package bad -u").code, 0);
}
