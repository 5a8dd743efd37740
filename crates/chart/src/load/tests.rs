//! Archives and folders that mean harm, and the errors of those that are merely wrong.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

use super::*;
use crate::pack::pack;

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::best());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

/// Packs entries whose names are taken as they are, good or bad.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, data) in entries {
        let mut header = Header::new_old();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(data.len() as u64);
        header.set_entry_type(*kind);
        header.set_mtime(1_700_000_000);
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    zip(&builder.into_inner().unwrap())
}

fn files(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(name, data)| (*name, EntryType::Regular, *data)).collect();
    archive(&entries)
}

fn file(name: &str, data: &[u8]) -> File {
    File { name: name.to_owned(), data: data.to_vec().into(), mod_time: None }
}

fn error(bytes: &[u8]) -> String {
    load_archive(bytes, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn paths_stay_inside() {
    for (name, want) in [
        ("shop/../../etc/passwd", "chart illegally references parent directory"),
        ("shop/..", "chart illegally references parent directory"),
        ("shop//etc/passwd", "chart illegally contains absolute paths"),
        ("shop/", "chart illegally contains content outside the base directory: \"shop/\""),
        ("Chart.yaml", "chart illegally contains content outside the base directory: \"Chart.yaml\""),
        ("Chart.yaml/x", "chart yaml not in base directory"),
        ("shop/c:/autoexec.bat", "chart contains illegally named files"),
        ("shop\\c:\\autoexec.bat", "chart contains illegally named files"),
        ("shop\\..\\..\\x", "chart illegally references parent directory"),
    ] {
        if name.ends_with('/') {
            continue;
        }
        assert_eq!(error(&files(&[(name, b"x")])), format!("unable to load chart archive: {want}"), "{name}");
    }
    let windows = files(&[("shop\\Chart.yaml", CHART.as_bytes()), ("shop\\templates\\a.yaml", b"a")]);
    let chart = load_archive(&windows, &Limits::default()).unwrap();
    assert_eq!(chart.templates.first().map(|f| f.name.as_str()), Some("templates/a.yaml"));
}

#[test]
fn what_is_no_chart() {
    for (bytes, want) in [
        (
            b"hello, this is no archive".to_vec(),
            "stream does not appear to be a valid chart file (details: gzip: invalid header)",
        ),
        (Vec::new(), "unable to load chart archive: EOF"),
        (zip(b""), "unable to load chart archive: no files in chart archive"),
        (files(&[("shop/values.yaml", b"")]), "unable to detect chart version, no Chart.yaml found"),
        (files(&[("shop/Chart.yaml", b"apiVersion: v9")]), "unsupported chart version"),
        (files(&[("shop/Chart.yaml", b"apiVersion: v3\nname: a\nversion: 1.0.0")]), "invalid chart apiVersion"),
        (files(&[("shop/Chart.yaml", b"")]), "validation: chart.metadata.name is required"),
        (
            files(&[("shop/Chart.yaml", b"[a]")]),
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type loader.chartBase",
        ),
        (
            files(&[("shop/Chart.yaml", b"name: shop\nversion: 1\nmaintainers: [{name: {a: 1}}]")]),
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal object into Go struct field .maintainers.0.name of type string",
        ),
        (
            files(&[("shop/Chart.yaml", b"name: shop\nversion: 1\nkeywords: [1, [2]]")]),
            "cannot load Chart.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into .keywords.1 of type string",
        ),
        (
            files(&[("shop/Chart.yaml", b"name: shop\nversion: 1\ndependencies: [null]")]),
            "validation: dependencies must not contain empty or null nodes",
        ),
        (
            files(&[("shop/Chart.yaml", CHART.as_bytes()), ("shop/charts/x/README.md", b"")]),
            "error unpacking subchart x in shop: Chart.yaml file is missing",
        ),
        (
            files(&[("shop/Chart.yaml", CHART.as_bytes()), ("shop/charts/x.tgz/a", b"")]),
            "error unpacking subchart tar in shop: expected x.tgz, got x.tgz/a",
        ),
    ] {
        assert_eq!(error(&bytes), want);
    }
    let whole = files(&[("shop/Chart.yaml", CHART.as_bytes()), ("shop/a", &[7; 2000])]);
    let cut = load_archive(&whole[..whole.len() / 2], &Limits::default()).unwrap_err();
    assert_eq!(cut.root(), &LoadError::Damaged("unexpected EOF".into()));
}

#[test]
fn numbers_become_text() {
    let yaml = b"apiVersion: v2\nname: shop\nversion: 1.10\nappVersion: 20230101\nDescription: true\nannotations: {a: 1e3, b: null}\n";
    let chart = load_files(vec![file("Chart.yaml", yaml)]).unwrap();
    assert_eq!(chart.metadata.version, "1.1");
    assert_eq!(chart.metadata.app_version, "20230101");
    assert_eq!(chart.metadata.description, "true");
    assert_eq!(chart.metadata.annotations.get("a").map(String::as_str), Some("1000"));
    assert_eq!(chart.metadata.annotations.get("b").map(String::as_str), Some(""));
}

#[test]
fn links_and_devices() {
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let bytes =
            archive(&[("shop/Chart.yaml", EntryType::Regular, CHART.as_bytes()), ("shop/values.yaml", kind, b"")]);
        assert!(matches!(
            load_archive(&bytes, &Limits::default()).unwrap_err().root(),
            LoadError::SpecialEntry(name) if name == "shop/values.yaml"
        ));
        // Helm takes them as empty files.
        let chart = load_archive(&bytes, &Limits::trusting()).unwrap();
        assert_eq!(chart.raw_file("values.yaml").map(|f| f.data.len()), Some(0));
        assert!(chart.has_values);
    }
}

#[test]
fn size_counts_over_nested_archives() {
    let limits = Limits { max_bytes: 1 << 20, ..Limits::default() };
    let zeros = vec![0; 400 << 10];
    let named = |name: &str| format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\n").into_bytes();
    let mut all = vec![file("Chart.yaml", CHART.as_bytes())];
    for name in ["a", "b", "c"] {
        let inner = pack(name, &[file("Chart.yaml", &named(name)), file("zeros", &zeros)]).unwrap();
        all.push(file(&format!("charts/{name}.tgz"), &inner));
    }
    let bytes = pack("shop", &all).unwrap();
    assert!(bytes.len() < 10_000);
    let error = load_archive(&bytes, &limits).unwrap_err();
    assert_eq!(
        error.to_string(),
        "error unpacking subchart c.tgz in shop: decompressed chart is larger than the maximum size 1048576"
    );
    assert!(load_archive(&bytes, &Limits::default()).is_ok());
    // A single file that claims or has too much.
    let large = files(&[("shop/Chart.yaml", CHART.as_bytes()), ("shop/zeros", &vec![0; 2 << 20])]);
    assert_eq!(load_archive(&large, &limits).unwrap_err().root(), &LoadError::TooLarge(1 << 20));
}

#[test]
fn depth_and_number_are_bounded() {
    let mut inner = pack("shop", &[file("Chart.yaml", CHART.as_bytes())]).unwrap();
    for depth in 1..=9 {
        inner = pack("shop", &[file("Chart.yaml", CHART.as_bytes()), file("charts/shop.tgz", &inner)]).unwrap();
        let loaded = load_archive(&inner, &Limits::default());
        match depth {
            ..=8 => assert!(loaded.is_ok(), "{depth}"),
            _ => assert_eq!(loaded.unwrap_err().root(), &LoadError::TooDeep(8)),
        }
    }
    let deep = (0..100).map(|i| file(&format!("{}Chart.yaml", "charts/a/".repeat(i)), CHART.as_bytes())).collect();
    assert_eq!(load_files(deep).unwrap_err().root(), &LoadError::TooDeep(64));
    let limits = Limits { max_entries: 10, ..Limits::default() };
    let many: Vec<_> =
        (0..20).map(|i| file(&format!("f{i}"), b"")).chain([file("Chart.yaml", CHART.as_bytes())]).collect();
    let bytes = pack("shop", &many).unwrap();
    assert_eq!(load_archive(&bytes, &limits).unwrap_err().root(), &LoadError::TooManyEntries(10));
}

#[test]
fn files_find_their_place() {
    let sub = pack("sub", &[file("Chart.yaml", b"apiVersion: v1\nname: sub\nversion: 0.1.0\n")]).unwrap();
    let chart = load_files(vec![
        file("Chart.yaml", b"apiVersion: v1\nname: old\nversion: 0.1.0\n"),
        file("requirements.yaml", b"dependencies:\n- name: sub\n  version: 0.1.0\n"),
        file("requirements.lock", b"digest: d\ngenerated: 2020-01-01T00:00:00.50Z\n"),
        file("values.yaml", b"a: 1\n---\nb: 2\n"),
        file("values.schema.json", b"{}"),
        file("templates/a.yaml", b"x"),
        file("crds/c.yaml", b"x"),
        file("charts/sub-0.1.0.tgz", &sub),
        file("charts/sub-0.1.0.tgz.prov", b"signature"),
        file("charts/_ignored/Chart.yaml", b"[bad"),
        file("charts/.ignored/Chart.yaml", b"[bad"),
    ])
    .unwrap();
    let names = |files: &[File]| files.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&chart.templates), ["templates/a.yaml"]);
    assert_eq!(
        names(&chart.files),
        ["requirements.yaml", "requirements.lock", "crds/c.yaml", "charts/sub-0.1.0.tgz.prov"]
    );
    assert_eq!(chart.raw.len(), 11);
    assert_eq!(chart.dependencies.first().map(Chart::name), Some("sub"));
    assert_eq!(chart.metadata.dependencies.len(), 1);
    assert_eq!(chart.lock.as_ref().map(|l| l.generated.as_str()), Some("2020-01-01T00:00:00.5Z"));
    assert_eq!(chart.values.len(), 2);
    assert_eq!(chart.values.get("a"), Some(&goyaml::Value::Float(1.0)));
    assert!(chart.load_warnings().is_empty());
}

#[test]
fn marks_of_byte_order_and_times() {
    let bytes =
        files(&[("shop/Chart.yaml", format!("\u{feff}{CHART}").as_bytes()), ("shop/a", "\u{feff}b".as_bytes())]);
    let chart = load_archive(&bytes, &Limits::default()).unwrap();
    assert_eq!(chart.mod_time.as_deref(), Some("2023-11-14T22:13:20Z"));
    assert_eq!(chart.files.first().map(|f| &*f.data), Some(&b"b"[..]));
}

fn write(root: &Path, name: &str, data: &str) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, data).unwrap();
}

#[test]
fn folders() {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("shop");
    write(&root, "Chart.yaml", CHART);
    write(&root, ".helmignore", "*.bak\ncache/\n");
    write(&root, "templates/a.yaml", "x");
    write(&root, "templates/a.yaml.bak", "x");
    write(&root, "templates/.hidden", "x");
    write(&root, "cache/big", "x");
    write(scratch.path(), "elsewhere/b.yaml", "linked");
    std::os::unix::fs::symlink(scratch.path().join("elsewhere"), root.join("templates/linked")).unwrap();
    std::os::unix::fs::symlink(scratch.path().join("elsewhere/b.yaml"), root.join("values.yaml")).unwrap();
    let names = |files: Vec<File>| files.into_iter().map(|f| f.name).collect::<Vec<_>>();
    assert_eq!(
        names(read_dir(&root, &Limits::default()).unwrap()),
        [".helmignore", "Chart.yaml", "templates/a.yaml", "templates/linked/b.yaml", "values.yaml"]
    );
    // A folder that holds itself is given up on.
    std::os::unix::fs::symlink(&root, root.join("templates/again")).unwrap();
    assert!(read_dir(&root, &Limits::default()).is_err());
    std::fs::remove_file(root.join("templates/again")).unwrap();

    std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
    let path = root.join("dangling").display().to_string();
    let target = root.join("nowhere").display().to_string();
    assert_eq!(
        read_dir(&root, &Limits::default()).unwrap_err().to_string(),
        format!("error evaluating symlink {path}: lstat {target}: no such file or directory")
    );
    std::fs::remove_file(root.join("dangling")).unwrap();

    let small = Limits { max_bytes: 50, ..Limits::default() };
    assert_eq!(
        load_dir_within(&root, &small).unwrap_err().to_string(),
        "error reading Chart.yaml: chart exceeds maximum decompressed size of 50 bytes"
    );
    // A device is never opened; `/dev/zero` would have no end.
    std::os::unix::fs::symlink("/dev/zero", root.join("zero")).unwrap();
    assert_eq!(
        load_dir(&root).unwrap_err().to_string(),
        format!("cannot load irregular file {} as it has file mode type bits set", root.join("zero").display())
    );
}

#[test]
fn paths_that_are_no_chart() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    write(scratch.path(), "empty/x", "");
    write(scratch.path(), "values.yaml", "a: 1");
    write(scratch.path(), "text", "a: 1");
    std::fs::write(at("cut.tgz"), &files(&[("shop/Chart.yaml", CHART.as_bytes())])[..40]).unwrap();
    for (name, want) in [
        ("missing", format!("stat {}: no such file or directory", at("missing").display())),
        (
            "empty",
            format!(
                "unable to detect chart at {0}: open {0}: no such file or directory",
                at("empty/Chart.yaml").display()
            ),
        ),
        (
            "values.yaml",
            format!("file '{}' seems to be a YAML file, but expected a gzipped archive", at("values.yaml").display()),
        ),
        (
            "text",
            format!(
                "file '{}' does not appear to be a gzipped archive; got 'application/octet-stream'",
                at("text").display()
            ),
        ),
        ("cut.tgz", "unable to load chart archive".to_owned()),
    ] {
        assert_eq!(load_path(&at(name)).unwrap_err().to_string(), want);
    }
}

#[test]
fn large_crds_stay_packed_until_somebody_looks() {
    let large = |fill: u8| [&b"kind: X # "[..], &vec![fill; 9000]].concat();
    let marked = [BOM, &large(b'b')].concat();
    let entries: Vec<(&str, Vec<u8>)> = vec![
        ("shop/Chart.yaml", CHART.as_bytes().to_vec()),
        ("shop/crds/a.yaml", large(b'a')),
        ("shop/crds/b.yaml", marked),
        ("shop/crds/small.yaml", b"kind: S".to_vec()),
        ("shop/files/crds/c.yaml", large(b'c')),
        ("shop/charts/db/Chart.yaml", b"apiVersion: v2\nname: db\nversion: 1.0.0\n".to_vec()),
        ("shop/charts/db/crds/d.yaml", large(b'd')),
    ];
    let borrowed: Vec<(&str, &[u8])> = entries.iter().map(|(name, data)| (*name, &**data)).collect();
    let bytes = files(&borrowed);
    let chart = load_archive(&bytes, &Limits::default()).unwrap();
    let unpacked = load_files(read_archive(&bytes, &Limits::default()).unwrap()).unwrap();
    let packed = |chart: &Chart| {
        let crds = chart.crd_objects();
        crds.iter().filter(|crd| format!("{:?}", crd.file.data).starts_with("entry ")).count()
    };
    assert_eq!((packed(&chart), packed(&unpacked)), (3, 0));
    for (crd, want) in chart.crd_objects().iter().zip(unpacked.crd_objects()) {
        assert_eq!(crd.file.data.len(), want.file.data.len(), "{}", crd.path);
        assert!(crd.file.data == want.file.data, "{}", crd.path);
    }
    assert!(chart.crd_objects().iter().any(|crd| crd.file.data.starts_with(b"kind: X # b")));
    assert!(chart == unpacked);
}
