//! What went wrong with indexes and repositories, by number: RELIABILITY.md §4.2. What needs the inside of the crate stands
//! beside it: who is told a password in `fetch/tests.rs` and `oci/tests.rs`, names of files in `names.rs` and `pull/tests.rs`,
//! links in `dependencies/tests.rs`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests too

use std::path::Path;

use depot::{Index, Matcher, read_index, search};
use goyaml::{Map, Value};

fn read(text: &str) -> Result<Index, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.yaml");
    std::fs::write(&path, text).unwrap();
    read_index(&path, "source").map_err(|error| error.to_string())
}

/// An index with one version, which says so much more.
fn with(more: &str) -> String {
    format!("apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n{more}")
}

#[test]
fn cve_2020_15185_what_an_index_says_twice() {
    for (more, what) in [
        ("    version: 2.0.0\n", "key \"version\" already set in map"),
        ("    urls: [a]\n    urls: [b]\n", "key \"urls\" already set in map"),
        ("  a:\n  - {name: a, version: 2.0.0}\n", "key \"a\" already set in map"),
        ("apiVersion: v1\n", "key \"apiVersion\" already set in map"),
        ("entries: {}\n", "key \"entries\" already set in map"),
        ("    annotations: {b: c, b: d}\n", "key \"b\" already set in map"),
        ("    digest: x\n    digest: y\n", "key \"digest\" already set in map"),
    ] {
        let error = read(&with(more)).unwrap_err();
        assert!(error.contains(what), "{more}: {error}");
    }
}

#[test]
fn cve_2021_21303_texts_that_drive_a_terminal() {
    const EVIL: &str = "x\\e[2J\\u202e\\0\\a\\u009by";
    let text = with(&format!(
        "    description: \"{EVIL}\"\n    appVersion: \"{EVIL}\"\n    keywords: [\"{EVIL}\"]\n    icon: \"{EVIL}\"\n  \
         - {{name: \"b{EVIL}\", version: 1.0.1}}\n  - {{name: a, version: \"1.0.0{EVIL}\"}}\n  - {{name: a, version: 2.0.0, type: \"{EVIL}\"}}\n"
    ));
    let is_plain = |text: &str| !text.contains(|c: char| c.is_control() || c == '\u{202e}');
    let index = read(&text).unwrap();
    let repositories = [("r".to_owned(), index.clone())];
    let hits = search(&repositories, &Matcher::All);
    assert_eq!(hits.len(), 2);
    for hit in hits {
        for text in [hit.version.version(), hit.version.name(), hit.version.description(), hit.version.app_version()] {
            assert!(is_plain(text), "{text:?}");
        }
        assert!(is_plain(&hit.version.keywords().replace(' ', "")), "{hit:?}");
    }
    // What is left out is told to a person, too.
    let told: Vec<&(String, String)> = index.skipped.iter().filter_map(|skipped| skipped.reason.as_ref()).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|(_, reason)| is_plain(reason)), "{told:?}");
}

/// Gives every variant of a tree in which one part is another value.
fn variants(value: &Value, by: &Value) -> Vec<Value> {
    let mut all = vec![by.clone()];
    match value {
        Value::Map(map) => {
            for (key, item) in map {
                all.extend(variants(item, by).into_iter().map(|item| {
                    let mut map = map.clone();
                    map.insert(key.clone(), item);
                    Value::Map(map)
                }));
            }
        }
        Value::Seq(items) => {
            for at in 0..items.len() {
                all.extend(variants(&items[at], by).into_iter().map(|item| {
                    let mut items = items.clone();
                    items[at] = item;
                    Value::Seq(items)
                }));
            }
        }
        _ => {}
    }
    all
}

const FULL: &str = "apiVersion: v1\ngenerated: '2020-01-01T00:00:00Z'\npublicKeys: [k]\nserverInfo: {a: b}\nannotations: {a: b}\n\
    entries:\n  a:\n  - {apiVersion: v2, name: a, version: 1.0.0, appVersion: '1', kubeVersion: '>=1', keywords: [a], sources: [a], \
    maintainers: [{name: a, email: b, url: c}], annotations: {a: b}, type: application, urls: [a.tgz], digest: x, removed: false, \
    created: '2020-01-01T00:00:00Z', dependencies: [{name: db, version: 1.0.0, repository: r, alias: al, condition: a.b, tags: [t], \
    enabled: true, import-values: [x, {child: c, parent: p}]}]}\n  - {name: a, version: 1.1.0}\n";

#[test]
fn cve_2022_23525_and_2025_55198_null_everywhere_in_an_index() {
    let full = goyaml::from_yaml(FULL).unwrap();
    let by = [Value::Null, Value::Map(Map::new()), Value::Seq(vec![]), Value::Str(String::new()), Value::Float(1.5)];
    let (mut taken, mut refused) = (0, 0);
    for variant in by.iter().flat_map(|by| variants(&full, by)) {
        let (yaml, json) = (goyaml::to_yaml(&variant).unwrap(), goyaml::to_json_pretty(&variant).unwrap());
        for text in [yaml, json] {
            match read(&String::from_utf8_lossy(text.as_ref())) {
                Ok(index) => {
                    taken += 1;
                    let _ = index.get("a", "^1");
                    let repositories = [("r".to_owned(), index)];
                    let _ = search(&repositories, &Matcher::Text("a"));
                }
                Err(error) => {
                    refused += 1;
                    assert!(!error.is_empty());
                }
            }
        }
    }
    assert!(taken > 100 && refused > 100, "{taken} and {refused}");
    // What is nothing is no version, and the others stay.
    let index =
        read(&with("  -\n  - {name: a, version: 2.0.0, maintainers: [null]}\n  - null\n  b: [null]\n  c:\n")).unwrap();
    let found: Vec<String> = index.versions("a").unwrap().iter().map(|version| version.version().to_owned()).collect();
    assert_eq!((found, index.skipped.len()), (vec!["1.0.0".to_owned()], 4));
}

#[test]
fn cve_2024_26147_an_index_with_nothing_in_it() {
    for empty in
        ["", "\n", "---\n", "# nothing\n", "null\n", "---\n...\n---\n", "{}", "[]", "\u{feff}", "~", "entries:\n"]
    {
        assert!(read(empty).is_err(), "{empty:?}");
    }
    for little in
        ["apiVersion: v1\n", "{\"apiVersion\":\"v1\"}", "apiVersion: v1\nentries:\n", "apiVersion: v1\nentries: {}\n"]
    {
        assert_eq!(read(little).unwrap().names().count(), 0, "{little:?}");
    }
}

#[test]
fn cve_2024_25620_and_2026_35206_names_in_an_index_that_are_paths() {
    for name in ["../../x", "..", ".", "/etc/passwd", "a/../b", "a/b"] {
        let index =
            read(&format!("apiVersion: v1\nentries:\n  a:\n  - {{name: '{name}', version: 1.0.0, urls: [a.tgz]}}\n"));
        let index = index.unwrap();
        assert_eq!((index.versions("a").unwrap().len(), index.skipped.len()), (0, 1), "{name}");
    }
    for version in ["1.0.0/../x", "../1", "/1.0.0", ".."] {
        let index =
            read(&format!("apiVersion: v1\nentries:\n  a:\n  - {{name: a, version: '{version}', urls: [a.tgz]}}\n"));
        assert_eq!(index.unwrap().skipped.len(), 1, "{version}");
    }
    // Nor do repositories lead out of the cache.
    for name in ["../x", "a/b", "/etc/x"] {
        assert!(depot::open_index(Path::new("/nonexistent"), name).is_err(), "{name}");
    }
}

#[test]
fn cve_2025_32386_an_index_without_end() {
    // Nested, and as long as one likes; anchors that multiply.
    let deep = with(&format!("    annotations: {}\n", "{a: ".repeat(100_000)));
    assert!(read(&deep).is_err());
    let mut laughs = "apiVersion: v1\nx0: &a0 [a, a, a, a, a, a, a, a, a]\n".to_owned();
    for at in 1..12 {
        let below = at - 1;
        laughs.push_str(&format!("x{at}: &a{at} [{}]\n", format!("*a{below},").repeat(9)));
    }
    let error = read(&format!("{laughs}entries: *a11\n")).unwrap_err();
    assert!(error.contains("excessive aliasing") || error.contains("unknown field"), "{error}");
}
