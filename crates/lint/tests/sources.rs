//! A chart is the same to the rules in a folder and in memory.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::path::Path;
use std::sync::{Arc, Mutex};

use chart::{File, Limits};
use lint::{Files, Folder, Kind, Notice, Notices, Options, Severity, Source};

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\nicon: https://example.com/i.png\n";

/// Charts that are wrong in many ways.
fn charts() -> Vec<Vec<(&'static str, &'static str)>> {
    vec![
        vec![("Chart.yaml", CHART), ("values.yaml", "a: 1\n"), ("templates/a.yaml", "kind: A\nmetadata: {name: a}\n")],
        vec![("Chart.yaml", CHART)],
        vec![("Chart.yaml", "name: [")],
        vec![("Chart.yaml", "apiVersion: v3\nname: a/b\nversion: x\ntype: test\nfoo: bar\n"), ("values.yaml", "[]")],
        vec![("Chart.yaml/a", "x"), ("values.yaml/a", "x"), ("templates", "x"), ("crds", "x")],
        vec![
            ("Chart.yaml", CHART),
            ("values.yaml", "replicas: many\n"),
            ("values.schema.json", r#"{"properties": {"replicas": {"type": "integer"}}}"#),
            ("templates/NOTES.txt", "{{ fail \"no\" }}"),
            ("crds/a.yaml", "apiVersion: v1\nkind: Pod\n"),
        ],
        vec![
            ("Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n- {name: db, version: 1.0.0}\n"),
            ("charts/stray/Chart.yaml", "apiVersion: v2\nname: stray\nversion: 1.0.0\n"),
            ("requirements.yaml", ""),
            ("templates/z.yaml", "  a: 1\n"),
            ("templates/b/a.json", "{}"),
            ("templates/b.yaml", "kind: Deployment\nmetadata: {name: A_b}\napiVersion: extensions/v1beta1\n"),
            ("templates/c.yaml", "a: b: c"),
        ],
        vec![
            ("Chart.yaml", CHART),
            (".helmignore", "skip/\n*.bak\n"),
            ("templates/a.yaml", "a: 1\n"),
            ("templates/a.yaml.bak", "{{ bad"),
            ("templates/skip/a.yaml", "{{ bad"),
            ("templates/.hidden", "{{ bad"),
        ],
        vec![("Chart.yaml", CHART), (".helmignore", "**\n"), ("templates/a.yaml", "")],
        vec![("Chart.yaml", CHART), ("templates/a.yaml", "{{ .Values.a.b }}{{ include \"x\" . }}")],
    ]
}

fn run(source: &dyn Source) -> (Vec<(Severity, String, String)>, Vec<Notice>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&heard);
    let notices: Notices = Arc::new(move |notice| into.lock().unwrap().push(notice));
    let findings = lint::run(source, &Options::new(jiff::Timestamp::UNIX_EPOCH), &notices).unwrap();
    let heard = heard.lock().unwrap().clone();
    (findings.into_iter().map(|f| (f.severity, f.path, f.text)).collect(), heard)
}

fn files(entries: &[(&str, &str)]) -> Vec<File> {
    let file = |(name, text): &(&str, &str)| File {
        name: (*name).to_owned(),
        data: (*text).to_owned().into(),
        ..File::default()
    };
    // An archive may have them in any order.
    entries.iter().rev().map(file).collect()
}

fn write(root: &Path, entries: &[(&str, &str)]) {
    for (name, text) in entries {
        let path = root.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn a_folder_and_an_archive_are_the_same() {
    for entries in charts() {
        let scratch = tempfile::tempdir().unwrap();
        write(scratch.path(), &entries);
        let root = scratch.path().to_str().unwrap();
        let (mut on_disk, heard_on_disk) = run(&Folder::new(root));
        for (_, path, text) in &mut on_disk {
            *path = path.replace(root, "");
            *text = text.replace(&format!("{root}/"), "");
        }
        let (in_memory, heard) = run(&Files::new(files(&entries)));
        assert!(!on_disk.is_empty() || entries.len() == 3, "{entries:?}");
        assert_eq!(in_memory, on_disk, "{entries:?}");
        assert_eq!(heard, heard_on_disk, "{entries:?}");
    }
}

#[test]
fn what_there_is_at_a_path() {
    let source = Files::new(files(&[("Chart.yaml", CHART), ("crds/a.yaml", ""), ("crdsx", "")]));
    for (name, kind) in
        [("Chart.yaml", Kind::File), ("crds", Kind::Folder), ("crd", Kind::Missing), ("", Kind::Missing)]
    {
        assert_eq!(source.kind(name), kind, "{name}");
    }
    assert_eq!(source.read("crds").unwrap_err(), "read crds: is a directory");
    assert_eq!(source.read("../x").unwrap_err(), "open ../x: no such file or directory");
}

#[test]
fn subcharts_are_found_however_deep() {
    let inner = chart::pack("db", &files(&[("Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n")])).unwrap();
    let mut all = files(&[
        ("Chart.yaml", CHART),
        ("charts/a/Chart.yaml", ""),
        ("charts/a/charts/b/Chart.yaml", ""),
        ("charts/a/templates/x.yaml", ""),
        ("charts/bad.tgz", "no archive"),
        ("charts/notes.txt", ""),
        ("charts/myChart.yaml", ""),
    ]);
    all.push(File { name: "charts/db-1.0.0.tgz".into(), data: inner.into(), mod_time: None });
    let source = Files::new(all);
    let found: Vec<String> = source
        .subcharts(&Limits::default())
        .map(|found| found.map_or_else(|(path, error)| format!("{path}: {error}"), |found| found.place().to_owned()))
        .collect();
    assert_eq!(found, ["charts/a", "charts/a/charts/b", "charts/bad.tgz: gzip: invalid header", "charts/db-1.0.0.tgz"]);
    let deep = source.subcharts(&Limits::default()).nth(1).unwrap().unwrap();
    assert_eq!(
        (deep.path("Chart.yaml"), deep.path("")),
        ("charts/a/charts/b/Chart.yaml".into(), "charts/a/charts/b".into())
    );
}

#[test]
fn a_budget_ends_it() {
    let source = Files::new(files(&[("Chart.yaml", CHART), ("templates/a.yaml", "{{ range 1000000000 }}{{ end }}")]));
    let mut options = Options::new(jiff::Timestamp::UNIX_EPOCH);
    options.limits.steps = Some(1000);
    let notices: Notices = Arc::new(|_| {});
    let error = lint::run(&source, &options, &notices).unwrap_err();
    assert!(error.to_string().starts_with("rendering `shop/templates/a.yaml` takes more than it may"), "{error}");
}
