use super::*;
use crate::load::{Limits, load_archive, load_files};
use crate::metadata::Lock;

const TIME: &str = "2024-02-29T12:34:56.7Z";

fn file(name: &str, data: &str) -> File {
    File { name: name.into(), data: data.to_owned().into(), mod_time: Some(TIME.into()) }
}

fn chart(files: &[(&str, &str)]) -> Chart {
    load_files(files.iter().map(|(name, data)| file(name, data)).collect()).unwrap()
}

/// Name, time and content of each entry.
fn entries(bytes: &[u8]) -> Vec<(String, u64, String)> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        let time = entry.pax_extensions().unwrap().into_iter().flatten().filter_map(Result::ok);
        let time =
            time.filter(|record| record.key() == Ok("mtime")).find_map(|record| record.value().ok()?.parse().ok());
        (entry.path().unwrap().display().to_string(), time.unwrap_or(entry.header().mtime().unwrap()), text)
    });
    entries.collect()
}

#[test]
fn entries_in_helms_order() {
    let long = format!("files/{}/ü.txt", "long".repeat(60));
    let chart = chart(&[
        (".helmignore", "x\n"),
        ("Chart.lock", "digest: sha256:0\ngenerated: \"2020-01-01T00:00:00.5Z\"\ndependencies: []\n"),
        ("Chart.yaml", "# comment\nversion: 1.0.0\nname: shop\napiVersion: v2\nunknown: 1\n"),
        ("charts/_README.md", "no chart"),
        ("charts/db/Chart.yaml", "{apiVersion: v1, name: db, version: 2.0.0}"),
        ("charts/db/requirements.yaml", "dependencies: [{name: x, version: '1', repository: ''}]\n"),
        ("charts/db/values.yaml", "b: 2\n"),
        (&long, "long"),
        ("templates/a.yaml", "a: b\n"),
        ("values.schema.json", "{}"),
        ("values.yaml", "# one\na: 1\n"),
    ]);
    let bytes = archive(&chart, 7).unwrap();
    let rounded = 1_709_210_097;
    let want = [
        ("shop/Chart.yaml", rounded, "apiVersion: v2\nname: shop\nversion: 1.0.0\n"),
        (
            "shop/Chart.lock",
            1_577_836_801,
            "dependencies: []\ndigest: sha256:0\ngenerated: \"2020-01-01T00:00:00.5Z\"\n",
        ),
        ("shop/values.yaml", rounded, "# one\na: 1\n"),
        ("shop/values.schema.json", rounded, "{}"),
        ("shop/templates/a.yaml", rounded, "a: b\n"),
        ("shop/.helmignore", rounded, "x\n"),
        (&format!("shop/{long}"), rounded, "long"),
        ("shop/charts/db/Chart.yaml", rounded, "apiVersion: v1\nname: db\nversion: 2.0.0\n"),
        ("shop/charts/db/values.yaml", rounded, "b: 2\n"),
        ("shop/charts/db/requirements.yaml", rounded, "dependencies: [{name: x, version: '1', repository: ''}]\n"),
    ];
    let want: Vec<_> = want.map(|(name, time, text)| (name.to_owned(), time, text.to_owned())).into();
    assert_eq!(entries(&bytes), want);
    let again = load_archive(&bytes, &Limits::default()).unwrap();
    assert_eq!(again.dependencies.first().map(|db| db.metadata.dependencies.len()), Some(1));
}

#[test]
fn changes_before_packing() {
    let load = || {
        chart(&[
            ("Chart.yaml", "{apiVersion: v2, name: shop, version: 1.0.0, dependencies: [{name: db}, {name: mq}]}"),
            ("charts/db/Chart.yaml", "{apiVersion: v2, name: db, version: 2.0.0}"),
        ])
    };
    let make = |version: &str| {
        let changes = Changes { version: version.into(), app_version: "v9".into(), time: None };
        let mut chart = load();
        changes.make(&mut chart).map_err(|e| e.to_string()).map(|()| chart)
    };
    assert_eq!(make("new").unwrap_err(), "invalid semantic version");
    assert_eq!(make("2.0.0").unwrap_err(), "found in Chart.yaml, but missing in charts/ directory: mq");
    let mut chart = load();
    chart.metadata.dependencies.pop();
    Changes { version: "3.1".into(), app_version: "v9".into(), time: Some(60) }.make(&mut chart).unwrap();
    assert_eq!(file_name(&mut chart).unwrap(), "shop-3.1.tgz");
    let found = entries(&archive(&chart, 7).unwrap());
    assert!(found.iter().all(|(_, time, _)| *time == 60), "{found:?}");
    assert!(
        found
            .first()
            .is_some_and(|(.., text)| text.contains("appVersion: v9\n") && text.contains("version: \"3.1\"\n"))
    );
}

#[test]
fn times_that_headers_or_calendars_have_not() {
    let mut chart = chart(&[("Chart.yaml", "{apiVersion: v2, name: a, version: 1.0.0}")]);
    let time = |chart: &Chart| entries(&archive(chart, 7).unwrap()).first().map(|(_, time, _)| *time);
    for seconds in [0, 8_589_934_591, 8_589_934_592, 9_999_999_999_999] {
        stamp(&mut chart, seconds);
        assert_eq!(time(&chart), u64::try_from(seconds).ok());
    }
    chart.mod_time = None;
    assert_eq!(time(&chart), Some(7));
    chart.lock = Some(Lock::default());
    stamp(&mut chart, 9_999_999_999_999);
    assert_eq!(archive(&chart, 7), Err(PackageError::Year));
}

#[test]
fn what_cannot_be_packed() {
    let base = ("Chart.yaml", "{apiVersion: v2, name: a, version: 1.0.0}");
    assert_eq!(archive(&chart(&[base, ("values.schema.json", "{")]), 0), Err(PackageError::Schema));
    let mut chart = chart(&[base]);
    chart.metadata.name = "a/b".into();
    assert_eq!(archive(&chart, 0), Err(PackageError::Name("a/b".into())));
    let text = "chart validation: validation: chart.metadata.name \"a/b\" is invalid";
    assert_eq!(file_name(&mut chart).unwrap_err().to_string(), text);
}
