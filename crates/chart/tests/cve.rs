//! What went wrong in Helm and other tools that read charts, by number: RELIABILITY.md §4.2. Rendering has its own in
//! `crates/render/tests/cve.rs`, the commands in `crates/cli/tests/cve.rs`, the server in `crates/server/tests/cve.rs`.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests are tests too

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use chart::{Chart, File, Limits, load_archive, load_files, read_archive, schema, strvals};
use flate2::Compression;
use flate2::write::GzEncoder;
use goyaml::{Map, Value};
use tar::{Builder, EntryType, Header};

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(bytes).unwrap();
    zip.finish().unwrap()
}

/// Packs entries whose names are taken as they are, good or bad.
fn archive(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, data) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(data.len() as u64);
        header.set_entry_type(*kind);
        if !matches!(kind, EntryType::Regular) {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *data).unwrap();
    }
    zip(&builder.into_inner().unwrap())
}

fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(name, data)| (*name, EntryType::Regular, *data)).collect();
    archive(&entries)
}

fn file(name: &str, data: &[u8]) -> File {
    File { name: name.to_owned(), data: data.to_vec().into(), mod_time: None }
}

fn load(chart_yaml: &str, more: &[(&str, &str)]) -> Result<Chart, String> {
    let mut files = vec![file("Chart.yaml", chart_yaml.as_bytes())];
    files.extend(more.iter().map(|(name, data)| file(name, data.as_bytes())));
    load_files(files).map_err(|error| error.to_string())
}

/// Runs what must not take long.
fn soon<T>(work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    done
}

#[test]
fn cve_2019_1000008_names_that_lead_out_of_an_archive() {
    for name in [
        "shop/../../etc/passwd",
        "../etc/passwd",
        "shop/../x",
        "shop/a/../../x",
        "/etc/passwd",
        "shop//etc/passwd",
        "c:/windows",
        "shop/c:/windows",
        "shop\\..\\..\\x",
        "..\\x",
        "\\etc\\passwd",
        "c:\\windows",
    ] {
        let bytes = packed(&[("shop/Chart.yaml", CHART.as_bytes()), (name, b"x")]);
        for limits in [Limits::default(), Limits::trusting()] {
            match read_archive(&bytes, &limits) {
                Err(_) => {}
                Ok(files) => {
                    // What climbs and comes back lies inside.
                    assert!(files.iter().all(|f| !f.name.starts_with(['/', '\\']) && !f.name.contains("..")), "{name}");
                    assert_eq!(name, "shop/../x");
                }
            }
        }
    }
}

#[test]
fn cve_2019_18658_what_a_chart_has_no_use_for() {
    // In an archive of anyone: refused by name, never followed.
    for kind in [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let bytes =
            archive(&[("shop/Chart.yaml", EntryType::Regular, CHART.as_bytes()), ("shop/values.yaml", kind, b"")]);
        let error = load_archive(&bytes, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("shop/values.yaml"), "{kind:?}: {error}");
        // With the user's own archives it is an empty file, as in Helm, not what it points to.
        let chart = load_archive(&bytes, &Limits::trusting()).unwrap();
        assert!(chart.raw_file("values.yaml").unwrap().data.is_empty());
    }
}

#[cfg(unix)]
#[test]
fn cve_2019_18658_devices_pipes_and_loops_in_a_folder() {
    use std::os::unix::fs::symlink;
    let folder = |make: &dyn Fn(&Path)| {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::write(scratch.path().join("Chart.yaml"), CHART).unwrap();
        make(scratch.path());
        soon(|| chart::load_dir(scratch.path()).map(drop).map_err(|error| error.to_string()))
    };
    for device in ["/dev/zero", "/dev/urandom", "/dev/stdin", "/dev/null"] {
        let error = folder(&|path| symlink(device, path.join("values.yaml")).unwrap()).unwrap_err();
        assert!(error.contains("irregular"), "{device}: {error}");
    }
    let fifo = folder(&|path| {
        assert!(std::process::Command::new("mkfifo").arg(path.join("pipe")).status().unwrap().success());
    });
    assert!(fifo.unwrap_err().contains("irregular"));
    assert!(folder(&|path| symlink("..", path.join("up")).unwrap()).is_err(), "a folder in itself");
    assert!(folder(&|path| symlink(path, path.join("loop")).unwrap()).is_err());
    assert!(folder(&|path| symlink("self", path.join("self")).unwrap()).is_err());
}

#[test]
fn cve_2020_15184_aliases_with_marks() {
    for alias in ["a\u{1b}[2J", "a\u{202e}b", "a\\0b", "a b", "a/../b", "a.b", "a\\nb", "é"] {
        let text = format!("{CHART}dependencies:\n- name: db\n  version: 1.0.0\n  alias: \"{alias}\"\n");
        let error = load(&text, &[]).unwrap_err();
        assert!(!error.contains(['\u{1b}', '\u{202e}', '\0', '\n']), "{error:?}");
    }
}

#[test]
fn cve_2021_21303_texts_that_drive_a_terminal() {
    let evil = "x\\e[2J\\u202e\\0\\u0007\\u009by";
    let fields = ["description", "home", "icon", "condition", "tags", "appVersion", "kubeVersion"];
    let mut text = CHART.replace("name: shop", &format!("name: \"{evil}\""));
    fields.iter().for_each(|field| text.push_str(&format!("{field}: \"{evil}\"\n")));
    for list in ["keywords", "sources"] {
        text.push_str(&format!("{list}: [\"{evil}\"]\n"));
    }
    text.push_str(&format!("maintainers: [{{name: \"{evil}\", email: \"{evil}\", url: \"{evil}\"}}]\n"));
    text.push_str(&format!(
        "dependencies: [{{name: \"{evil}\", version: \"{evil}\", repository: \"{evil}\", condition: \"{evil}\", tags: [\"{evil}\"]}}]\n"
    ));
    let metadata = load(&text, &[]).unwrap().metadata;
    let shown = format!("{metadata:?}");
    assert!(shown.matches("x[2Jy").count() >= 17, "{shown}");
    assert!(!serde_json::to_string(&metadata).unwrap().contains("\\u00"), "{metadata:?}");
    // A version is not cleaned but refused, and said without doing harm.
    let error = load(&CHART.replace("1.0.0", "\"1.0.0\\e[2J\""), &[]).unwrap_err();
    assert_eq!(error, "validation: chart.metadata.version \"1.0.0\\x1b[2J\" is invalid");
}

#[test]
fn cve_2022_36055_and_23524_set_without_end() {
    let try_all = |text: &str| {
        let mut results = Vec::new();
        type Set = fn(&str, &mut Map) -> bool;
        let ways: [Set; 4] = [
            |text, map| strvals::parse_into(text, map).is_ok(),
            |text, map| strvals::parse_into_string(text, map).is_ok(),
            |text, map| strvals::parse_json(text, map).is_ok(),
            |text, map| strvals::parse_literal_into(text, map).is_ok(),
        ];
        for way in ways {
            results.push(soon(|| way(text, &mut Map::new())));
        }
        results
    };
    for index in ["9999999999", "99999999999999999999", "65537", "-1", "x", ""] {
        for text in [format!("a[{index}]=1"), format!("a[0][{index}].b=1"), format!("a[{index}][{index}]=1")] {
            assert!(try_all(&text).iter().all(|done| !done), "{text}");
        }
    }
    for text in [
        format!("{}=1", "a.".repeat(100_000) + "a"),
        format!("a{}=1", "[0]".repeat(100_000)),
        format!("a={}1{}", "{".repeat(100_000), "}".repeat(100_000)),
        format!("a={}1{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a={}1", "{\"a\":".repeat(100_000)),
        "a[65535]=1,".repeat(10_000),
        (0..10_000).map(|i| format!("a{i}[65535]=1,")).collect(),
        format!("{}=1", "\\".repeat(100_001)),
    ] {
        try_all(&text);
    }
}

#[test]
fn cve_2022_36055_many_expressions_share_their_room() {
    let mut room = strvals::Room::default();
    let mut map = Map::new();
    let set = (0..100).filter(|at| room.parse_into(&format!("a{at}[65535]=1"), &mut map).is_ok()).count();
    assert_eq!(set, 16);
}

/// A `Chart.yaml` with all there can be.
const FULL: &str = "apiVersion: v2\nname: shop\nversion: 1.0.0\nappVersion: '1'\nkubeVersion: '>=1'\nkeywords: [a]\n\
    sources: [a]\nmaintainers: [{name: a, email: b, url: c}]\nannotations: {a: b}\ntype: application\n\
    dependencies:\n- {name: db, version: 1.0.0, repository: r, alias: al, condition: a.b, tags: [t], enabled: true, \
    import-values: [x, {child: c, parent: p}]}\n";

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

#[test]
fn cve_2022_23526_and_2025_55198_null_everywhere() {
    let sub = "apiVersion: v2\nname: db\nversion: 1.0.0\n";
    let subvalues = "exports: {x: {a: 1}}\nc: {d: 1}\n";
    let by = [Value::Null, Value::Map(Map::new()), Value::Seq(vec![]), Value::Str(String::new()), Value::Float(1.5)];
    let full = goyaml::from_yaml(FULL).unwrap();
    let values =
        goyaml::from_yaml("db: {c: {d: {e: 1}}, exports: {x: {y: 1}}}\nglobal: {a: 1}\na: {b: true}\ntags: {t: true}")
            .unwrap();
    let schema = goyaml::from_yaml(
        "{type: object, properties: {a: {type: object, properties: {b: {enum: [true]}}, required: [b]}}, \
         $defs: {x: {items: {$ref: '#'}}}, allOf: [{if: {const: 1}, then: {not: {}}}], patternProperties: {'^x': {}}}",
    )
    .unwrap();
    let requirements = goyaml::from_yaml("dependencies: [{name: db, version: 1.0.0, import-values: [x]}]").unwrap();
    let write = |value: &Value| goyaml::to_yaml(value).unwrap();
    let json = |value: &Value| serde_json::to_string(value).unwrap();
    let run = |chart_yaml: &str, values: &str, schema: &str, requirements: Option<&str>| {
        let mut more = vec![
            ("values.yaml", values),
            ("values.schema.json", schema),
            ("charts/db/Chart.yaml", sub),
            ("charts/db/values.yaml", subvalues),
        ];
        more.extend(requirements.map(|text| ("requirements.yaml", text)));
        more.extend(requirements.map(|text| ("requirements.lock", text)));
        more.push(("Chart.lock", "dependencies: [null]\n"));
        let Ok(mut chart) = load(chart_yaml, &more) else { return };
        let _ = chart::values::process_dependencies(&mut chart, &Map::new());
        if let Ok(coalesced) = chart::values::coalesce_values(&chart, &Map::new()) {
            let _ = schema::validate(&chart, &coalesced.values);
        }
        let _ = chart::listing::dependencies_of_files(&chart);
    };
    soon(|| {
        for by in &by {
            variants(&full, by).iter().for_each(|text| run(&write(text), "", "{}", None));
            variants(&values, by).iter().for_each(|text| run(FULL, &write(text), &json(&schema), None));
            variants(&schema, by).iter().for_each(|text| run(FULL, &write(&values), &json(text), None));
            let old = CHART.replace("v2", "v1");
            variants(&requirements, by).iter().for_each(|text| run(&old, "", "{}", Some(&write(text))));
        }
    });
}

#[test]
fn cve_2024_25620_2026_35206_and_35204_names_and_versions_that_are_paths() {
    for name in ["../../x", "..", ".", "", "a/b", "/etc", "a/../b", "./a", "\\e.."] {
        // Marks that cannot be printed go first, and what is left is looked at.
        let text = CHART.replace("name: shop", &format!("name: \"{name}\""));
        assert!(load(&text, &[]).is_err(), "{name}");
        let chart = Chart { metadata: chart::Metadata { name: name.into(), ..Default::default() }, ..Chart::default() };
        assert!(name.contains("\\e") || chart::pack_chart(&chart).is_err(), "{name}");
    }
    for version in ["1.0.0/../x", "/../", "..", "1.0.0-../../x"] {
        assert!(load(&CHART.replace("1.0.0", version), &[]).is_err(), "{version}");
    }
}

#[test]
fn cve_2024_26147_documents_with_nothing_in_them() {
    for empty in ["", "\n", "---\n", "# nothing\n", "null\n", "---\n...\n---\n", "{}", "[]", "\u{feff}"] {
        assert!(load(empty, &[]).is_err(), "{empty:?}");
        for name in
            ["values.yaml", "Chart.lock", "requirements.yaml", "requirements.lock", "values.schema.json", ".helmignore"]
        {
            if let Ok(mut chart) = load(CHART, &[(name, empty)]) {
                let _ = chart::values::process_dependencies(&mut chart, &Map::new());
                let _ = schema::validate(&chart, &Map::new());
            }
        }
        assert!(load_archive(&packed(&[("shop/Chart.yaml", empty.as_bytes())]), &Limits::default()).is_err());
    }
}

#[test]
fn cve_2025_32386_archives_that_unpack_without_end() {
    let zeros = vec![0; 60 << 20];
    let bomb = packed(&[("shop/Chart.yaml", CHART.as_bytes()), ("shop/a", &zeros), ("shop/b", &zeros)]);
    assert!(bomb.len() < 2 << 20);
    let error = soon(|| load_archive(&bomb, &Limits::default())).unwrap_err();
    assert!(error.to_string().contains("larger than the maximum size"), "{error}");
    // Each for itself is small enough; the budget is that of the whole chart.
    let inner = packed(&[("db/Chart.yaml", CHART.replace("shop", "db").as_bytes()), ("db/a", &zeros)]);
    let nested = packed(&[
        ("shop/Chart.yaml", CHART.as_bytes()),
        ("shop/charts/a-1.tgz", &inner),
        ("shop/charts/b-1.tgz", &inner),
    ]);
    let error = soon(|| load_archive(&nested, &Limits::default())).unwrap_err();
    assert!(error.to_string().contains("larger than the maximum size"), "{error}");
    let error = soon(|| load_files(read_archive(&nested, &Limits::default()).unwrap())).unwrap_err();
    assert!(error.to_string().contains("larger than the maximum size"), "{error}");
    // An archive in an archive in an archive.
    let mut deep = packed(&[("db/Chart.yaml", CHART.replace("shop", "db").as_bytes())]);
    for _ in 0..12 {
        deep = packed(&[("db/Chart.yaml", CHART.replace("shop", "db").as_bytes()), ("db/charts/db-1.tgz", &deep)]);
    }
    assert!(load_archive(&deep, &Limits::default()).unwrap_err().to_string().contains("nests subcharts deeper"));
    // Nothing but names.
    let names: Vec<String> = (0..25_000).map(|at| format!("shop/f{at}")).collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("shop/Chart.yaml", CHART.as_bytes())];
    entries.extend(names.iter().map(|name| (name.as_str(), &b""[..])));
    let error = soon(|| load_archive(&packed(&entries), &Limits::default())).unwrap_err();
    assert!(error.to_string().contains("more than the maximum of 20000 files"), "{error}");
    // Half a gigabyte that is no archive at all.
    let mut zip = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![0; 16 << 20];
    (0..32).for_each(|_| zip.write_all(&block).unwrap());
    assert!(soon(|| load_archive(&zip.finish().unwrap(), &Limits::default())).is_err());
}

fn check(schema: &str, values: &str) -> Result<(), String> {
    let values = goyaml::from_yaml_map(values.as_bytes()).unwrap();
    soon(|| schema::validate_one(&values, schema.as_bytes()).map_err(|error| error.text))
}

#[test]
fn cve_2025_32387_schemas_without_end() {
    assert!(check(r##"{"$ref": "#"}"##, "a: 1").is_err());
    assert!(
        check(r##"{"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}"##, "a: 1")
            .is_err()
    );
    assert!(check(r##"{"properties": {"a": {"$ref": "#"}}}"##, "a: {a: {a: {}}}").is_ok());
    assert!(check(r##"{"$dynamicRef": "#x", "$dynamicAnchor": "x"}"##, "a: 1").is_err());
    let deep = |open: &str, close: &str| format!("{}{{}}{}", open.repeat(100_000), close.repeat(100_000));
    assert!(check(&deep(r#"{"properties":{"a":"#, "}}"), "a: 1").is_err());
    assert!(check(&deep(r#"{"allOf":["#, "]}"), "a: 1").is_err());
    assert!(check(&deep(r#"{"not":"#, "}"), "a: 1").is_err());
    assert!(check(&"[".repeat(100_000), "a: 1").is_err());
    // Twice as much at each step.
    let mut defs = r#""d0": {"type": "object"}"#.to_owned();
    for at in 1..60 {
        let below = at - 1;
        defs +=
            &format!(r##", "d{at}": {{"allOf": [{{"$ref": "#/$defs/d{below}"}}, {{"$ref": "#/$defs/d{below}"}}]}}"##);
    }
    assert!(check(&format!(r##"{{"$ref": "#/$defs/d59", "$defs": {{{defs}}}}}"##), "a: 1").is_err());
}

#[test]
fn cve_2025_55199_references_out_of_the_schema() {
    let scratch = tempfile::tempdir().unwrap();
    let own = scratch.path().join("own.json");
    std::fs::write(&own, r#"{"type": "object"}"#).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for target in [
        format!("file://{}", own.display()),
        "file:///dev/zero".to_owned(),
        "file:///dev/urandom".to_owned(),
        "file:///etc/passwd".to_owned(),
        "../own.json".to_owned(),
        "/etc/passwd".to_owned(),
        format!("http://127.0.0.1:{port}/x.json"),
        format!("https://127.0.0.1:{port}/x.json"),
        "ftp://127.0.0.1/x".to_owned(),
        "gopher://x".to_owned(),
    ] {
        for schema in [
            format!(r#"{{"$ref": "{target}"}}"#),
            format!(r#"{{"$schema": "{target}"}}"#),
            format!(r#"{{"properties": {{"a": {{"$ref": "{target}#/x"}}}}}}"#),
            format!(r##"{{"$id": "{target}", "$ref": "y"}}"##),
        ] {
            assert!(check(&schema, "a: 1").is_err(), "{schema}");
        }
    }
    assert!(listener.accept().is_err(), "somebody was asked");
}

#[cfg(unix)]
#[test]
fn cve_2025_53547_a_lock_file_that_is_a_link() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, target) = (scratch.path().join("shop"), scratch.path().join("target"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("Chart.yaml"), CHART).unwrap();
    std::fs::write(&target, "generated: 2020-01-01T00:00:00Z\n").unwrap();
    std::os::unix::fs::symlink(&target, folder.join("Chart.lock")).unwrap();
    let before = std::fs::metadata(&target).unwrap().modified().unwrap();
    // Nothing here writes into a chart's folder; what does, one day, has to replace the link.
    let chart = chart::load_dir(&folder).unwrap();
    let _ = (chart::listing::dependencies(&chart, folder.to_str().unwrap()), chart::pack_chart(&chart).unwrap());
    assert_eq!(std::fs::metadata(&target).unwrap().modified().unwrap(), before);
    assert!(folder.join("Chart.lock").is_symlink());
}
