use std::path::Path;

use super::*;

const NOW: &str = "2026-11-30T12:00:00.5Z";

/// Packs a chart into a folder.
fn pack(folder: &Path, name: &str, version: &str) {
    let source = tempfile::tempdir().unwrap();
    let yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\ndescription: a <b> & c\n");
    std::fs::write(source.path().join("Chart.yaml"), yaml).unwrap();
    let chart = chart::load_path(source.path()).unwrap();
    std::fs::write(folder.join(format!("{name}-{version}.tgz")), chart::pack_chart(&chart).unwrap()).unwrap();
}

fn index<'a>(folder: &'a Path, change: impl Fn(&mut Options<'a>)) -> Result<String, String> {
    let mut options = Options { folder, url: "", merge: None, json: false, now: NOW };
    change(&mut options);
    write(&options).map_err(|error| error.to_string())?;
    Ok(std::fs::read_to_string(folder.join("index.yaml")).unwrap())
}

#[test]
fn an_index_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    pack(folder.path(), "a", "1.0.0");
    pack(folder.path(), "a", "1.10.0");
    pack(&folder.path().join("sub"), "b", "2.0.0");
    std::fs::write(folder.path().join("none.tgz"), "no chart").unwrap();
    let text = index(folder.path(), |_| {}).unwrap();
    let hash = |name: &str| hex::encode(side::hash(&folder.path().join(name)).unwrap());
    let entry = |name: &str, version: &str, url: &str, digest: &str| {
        format!(
            "  - apiVersion: v2\n    created: \"{NOW}\"\n    description: a <b> & c\n    digest: {digest}\n    name: {name}\n    \
             urls:\n    - {url}\n    version: {version}\n"
        )
    };
    let want = format!(
        "apiVersion: v1\nentries:\n  a:\n{}{}  b:\n{}generated: \"{NOW}\"\n",
        entry("a", "1.10.0", "a-1.10.0.tgz", &hash("a-1.10.0.tgz")),
        entry("a", "1.0.0", "a-1.0.0.tgz", &hash("a-1.0.0.tgz")),
        entry("b", "2.0.0", "sub/b-2.0.0.tgz", &hash("sub/b-2.0.0.tgz")),
    );
    assert_eq!(text, want);
    let text = index(folder.path(), |options| options.url = "http://h/x/").unwrap();
    assert!(text.contains("- http://h/x/a-1.0.0.tgz\n") && text.contains("- http://h/x/sub/b-2.0.0.tgz\n"), "{text}");
    let text = index(folder.path(), |options| options.json = true).unwrap();
    assert!(text.starts_with("{\n  \"apiVersion\": \"v1\",\n  \"generated\": "), "{text}");
    assert!(text.contains("\"description\": \"a \\u003cb\\u003e \\u0026 c\",\n"), "{text}");
}

#[test]
fn merging_takes_over_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path(), "a", "1.0.0");
    let other = folder.path().join("other.yaml");
    std::fs::write(
        &other,
        "apiVersion: v1\nentries:\n  a:\n  - {name: a, version: 1.0.0, digest: old}\n  - {name: a, version: 1.1.0, engine: x}\n  \
         - {name: a, version: bad}\n  z:\n  - {name: z, version: 0.1.0, created: '2020-01-01T00:00:00Z', urls: [u]}\n",
    )
    .unwrap();
    let text = index(folder.path(), |options| options.merge = Some(&other)).unwrap();
    assert!(!text.contains("old") && !text.contains("bad"), "{text}");
    let newest = "  - apiVersion: v1\n    created: \"0001-01-01T00:00:00Z\"\n    engine: x\n    name: a\n    urls: null\n    \
        version: 1.1.0\n  - apiVersion: v2\n";
    assert!(text.contains(newest), "{text}");
    assert!(text.contains("  z:\n  - apiVersion: v1\n    created: \"2020-01-01T00:00:00Z\"\n"), "{text}");
    // One that is not there is made.
    let new = folder.path().join("new.yaml");
    index(folder.path(), |options| options.merge = Some(&new)).unwrap();
    assert_eq!(
        std::fs::read_to_string(&new).unwrap(),
        format!("apiVersion: v1\nentries: {{}}\ngenerated: \"{NOW}\"\n")
    );
    std::fs::write(&new, "").unwrap();
    let error = index(folder.path(), |options| options.merge = Some(&new)).unwrap_err();
    assert_eq!(error, format!("merge failed: error loading {}: empty index.yaml file", new.display()));
}
