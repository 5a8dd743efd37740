use std::fs;
use std::sync::Barrier;

use chart::File;

use super::super::{Options, Refused, Upload, write};
use super::*;

fn packed(name: &str, version: &str, more: &str) -> Vec<u8> {
    let yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\n{more}");
    chart::pack("c", &[File { name: "Chart.yaml".into(), data: yaml.into_bytes().into(), mod_time: None }]).unwrap()
}

fn folder() -> (tempfile::TempDir, Folder) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path(), "charts", "/repository").unwrap();
    (place, folder)
}

/// Looks now, however short ago it was looked.
fn look(folder: &Folder) -> Arc<Shown> {
    folder.forget();
    folder.refresh().unwrap()
}

fn text(folder: &Folder) -> String {
    String::from_utf8(look(folder).index.to_vec()).unwrap()
}

fn put(folder: &Folder, archive: &[u8]) -> Result<String, Refused> {
    folder.put(&Upload { archive: Some(archive), ..Upload::default() }).map(|stored| stored.file)
}

#[test]
fn the_index_is_that_of_repo_index() {
    let (place, folder) = folder();
    assert!(text(&folder).starts_with("apiVersion: v1\nentries: {}\ngenerated: "));
    let long = "word ".repeat(60);
    for (file, name, version, more) in [
        ("a-1.0.0.tgz", "a", "1.0.0", "description: a <b> & c\n"),
        ("a-1.10.0.tgz", "a", "1.10.0", "keywords: [x, 'true']\nmaintainers: [{name: '1'}]\n"),
        (
            "other.tgz",
            "a",
            "1.2.0",
            "appVersion: '1'\ndependencies: [{name: d, version: ^1, repository: '@x', alias: e}]\n",
        ),
        ("t.tgz", "'true'", "0.1.0+b.1", &format!("description: |\n  {long}\n\n  two: '{long}'\n")),
        ("n.tgz", "'1.5'", "v2", "annotations: {a/b: \"line\\nline\\n\", '#': '- x'}\n"),
    ] {
        fs::write(place.path().join(file), packed(name, version, more)).unwrap();
    }
    fs::write(place.path().join("broken.tgz"), "no chart").unwrap();
    let options = Options { folder: place.path(), url: "charts", merge: None, json: false, now: "NOW" };
    write(&options).unwrap();
    let want = fs::read_to_string(place.path().join("index.yaml")).unwrap();
    let timeless = |text: &str| -> Vec<String> {
        let is_time = |line: &&str| line.contains("created: ") || line.starts_with("generated: ");
        text.lines().filter(|line| !is_time(line)).map(str::to_owned).collect()
    };
    let mut want = timeless(&want);
    want.extend(["serverInfo:".to_owned(), "  contextPath: /repository".to_owned()]);
    let got = text(&folder);
    assert_eq!(timeless(&got), want);
    // And it is one that is read without a word.
    fs::write(place.path().join("index.yaml"), &got).unwrap();
    let index = crate::read_index(&place.path().join("index.yaml"), "it").unwrap();
    assert_eq!(index.names().collect::<Vec<_>>(), ["1.5", "a", "true"]);
    assert_eq!(index.skipped, []);
    assert_eq!(folder.lost().iter().map(|lost| lost.file.as_str()).collect::<Vec<_>>(), ["broken.tgz"]);
    assert_eq!(folder.lost(), [], "it is told once");
}

#[test]
fn what_changes_is_seen_and_nothing_else_is_read() {
    let (place, folder) = folder();
    let at = |name: &str| place.path().join(name);
    fs::write(at("a-1.0.0.tgz"), packed("a", "1.0.0", "")).unwrap();
    fs::write(at("b-1.0.0.tgz"), packed("b", "1.0.0", "")).unwrap();
    let first = look(&folder);
    assert_eq!(look(&folder).tag, first.tag);
    assert!(Arc::ptr_eq(&look(&folder), &first), "nothing has changed");
    let kept = |shown: &Shown, file: &str| shown.archive(file).unwrap().1.clone();
    fs::write(at("b-1.0.0.tgz"), packed("b", "1.0.0", "description: new\n")).unwrap();
    fs::write(at("c.tgz"), packed("c", "1.0.0", "")).unwrap();
    let second = look(&folder);
    assert!(Arc::ptr_eq(&kept(&first, "a-1.0.0.tgz"), &kept(&second, "a-1.0.0.tgz")), "it was not read again");
    assert!(second.tag != first.tag && String::from_utf8_lossy(&second.index).contains("description: new"));
    assert_eq!(second.charts().collect::<Vec<_>>(), ["a", "b", "c"]);
    // What was opened by the old state is not what lies there now.
    assert!(folder.file(&first, "b-1.0.0.tgz").unwrap().is_none());
    assert!(folder.file(&second, "b-1.0.0.tgz").unwrap().is_some());
    fs::remove_file(at("a-1.0.0.tgz")).unwrap();
    assert_eq!(look(&folder).charts().collect::<Vec<_>>(), ["b", "c"]);
    // The same files have the same index elsewhere.
    let other = Folder::open(place.path(), "charts", "/repository").unwrap();
    assert_eq!(look(&other).index, look(&folder).index);
}

#[test]
fn nothing_is_looked_at_twice_in_a_second() {
    let (place, folder) = folder();
    let shown = folder.refresh().unwrap();
    fs::write(place.path().join("a.tgz"), packed("a", "1.0.0", "")).unwrap();
    assert!(Arc::ptr_eq(&folder.refresh().unwrap(), &shown));
}

#[cfg(unix)]
#[test]
fn links_pipes_folders_and_hidden_files_are_no_charts() {
    let (place, folder) = folder();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("x.tgz"), packed("x", "1.0.0", "")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("x.tgz"), place.path().join("x.tgz")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), place.path().join("y.tgz")).unwrap();
    fs::create_dir(place.path().join("z.tgz")).unwrap();
    fs::write(place.path().join(".h.tgz"), packed("h", "1.0.0", "")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, place.path().join("p.tgz"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let shown = look(&folder);
    assert_eq!(shown.charts().count(), 0);
    for name in ["x.tgz", "y.tgz", "z.tgz", ".h.tgz", "p.tgz", "../x.tgz", ""] {
        assert!(folder.file(&shown, name).unwrap().is_none(), "{name}");
    }
    for name in ["x.tgz", "y.tgz", "z.tgz", "p.tgz"] {
        assert!(file::open(&place.path().join(name)).unwrap().is_none(), "{name}");
    }
    // A provenance file that is a link is none either, and an upload does not write through one.
    fs::write(place.path().join("a-1.0.0.tgz"), packed("a", "1.0.0", "")).unwrap();
    let secret = elsewhere.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, place.path().join("a-1.0.0.tgz.prov")).unwrap();
    std::os::unix::fs::symlink(&secret, place.path().join("b-1.0.0.tgz")).unwrap();
    assert!(folder.file(&look(&folder), "a-1.0.0.tgz.prov").unwrap().is_none());
    let archive = packed("b", "1.0.0", "");
    assert!(matches!(put(&folder, &archive), Err(Refused::Exists(_))));
    folder.put(&Upload { archive: Some(&archive), force: true, proof: None }).unwrap();
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
    assert_eq!(fs::read(place.path().join("b-1.0.0.tgz")).unwrap(), archive);
}

#[cfg(unix)]
#[test]
fn a_link_to_the_folder_may_be_exchanged() {
    let place = tempfile::tempdir().unwrap();
    let link = place.path().join("current");
    for name in ["a", "b"] {
        fs::create_dir(place.path().join(name)).unwrap();
        fs::write(place.path().join(format!("{name}/{name}.tgz")), packed(name, "1.0.0", "")).unwrap();
    }
    std::os::unix::fs::symlink("a", &link).unwrap();
    let folder = Folder::open(&link, "charts", "/repository").unwrap();
    assert_eq!(look(&folder).charts().collect::<Vec<_>>(), ["a"]);
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("b", &link).unwrap();
    assert_eq!(look(&folder).charts().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn charts_are_put_and_removed() {
    let (place, folder) = folder();
    let archive = packed("a", "1.0.0+b", "");
    assert_eq!(put(&folder, &archive).unwrap(), "a-1.0.0+b.tgz");
    assert!(matches!(put(&folder, &archive), Err(Refused::Exists(file)) if file == "a-1.0.0+b.tgz"));
    let other = packed("a", "1.0.0+b", "description: other\n");
    assert!(matches!(put(&folder, &other), Err(Refused::Exists(_))));
    folder.put(&Upload { archive: Some(&other), force: true, proof: None }).unwrap();
    assert_eq!(fs::read(place.path().join("a-1.0.0+b.tgz")).unwrap(), other);
    // The same version under another name is the same version.
    fs::write(place.path().join("odd.tgz"), packed("a", "2.0.0", "")).unwrap();
    assert!(matches!(put(&folder, &packed("a", "2.0.0", "")), Err(Refused::Exists(file)) if file == "odd.tgz"));
    folder.put(&Upload { archive: Some(&packed("a", "2.0.0", "")), force: true, proof: None }).unwrap();
    assert!(!place.path().join("odd.tgz").exists());
    assert!(folder.remove("a", "2.0.0").unwrap());
    assert!(!folder.remove("a", "2.0.0").unwrap() && !folder.remove("../a", "2.0.0").unwrap());
    let names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a-1.0.0+b.tgz"], "nothing else is left");
}

#[test]
fn what_is_no_chart_or_leads_elsewhere_is_not_put() {
    let (place, folder) = folder();
    for name in ["../a", "'..'", ".a", "a/b", "'/'", "'a b'", "ü", "\"a\\\\b\"", &"a".repeat(260)] {
        let refused = put(&folder, &packed(name, "1.0.0", ""));
        assert!(matches!(refused, Err(Refused::Archive(_) | Refused::Name(_))), "{name}: {refused:?}");
    }
    for version in ["1.0", "../1", "x", "'1.0.0/..'", ""] {
        let refused = put(&folder, &packed("a", version, ""));
        let is_version = version == "1.0";
        assert_eq!(refused.is_ok(), is_version, "{version}: {refused:?}");
    }
    let huge = format!("description: {}\n", "x".repeat(2 << 20));
    for bytes in
        [b"no archive".to_vec(), Vec::new(), packed("a", "3.0.0", &huge), packed("a", "3.0.0", "")[..60].to_vec()]
    {
        assert!(matches!(put(&folder, &bytes), Err(Refused::Archive(_))));
    }
    assert!(matches!(folder.put(&Upload::default()), Err(Refused::Nothing)));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    assert_eq!(
        fs::read_dir(place.path().parent().unwrap())
            .unwrap()
            .flatten()
            .filter(|e| e.file_name() == "a-1.0.0.tgz")
            .count(),
        0
    );
}

/// A provenance file as far as it is looked at here: nobody checks the signature.
fn proof(name: &str, version: &str, archive: &[u8]) -> Vec<u8> {
    let hash = hex::encode(Sha256::digest(archive));
    format!(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: {name}\nversion: {version}\n\n...\nfiles:\n  {name}-{version}.tgz: \
         sha256:{hash}\n-----BEGIN PGP SIGNATURE-----\n\nYWJj\n=uhc3\n-----END PGP SIGNATURE-----"
    )
    .into_bytes()
}

#[test]
fn provenance_files_belong_to_their_archives() {
    let (place, folder) = folder();
    let archive = packed("a", "1.0.0", "");
    let good = proof("a", "1.0.0", &archive);
    let prove = |proof: &[u8], force: bool| {
        folder
            .put(&Upload { proof: Some(proof), archive: None, force })
            .map(drop)
            .map_err(|refused| refused.to_string())
    };
    let path = place.path().join("a-1.0.0.tgz.prov");
    assert!(prove(&good, false).unwrap_err().contains("send that first"));
    put(&folder, &archive).unwrap();
    for wrong in [proof("a", "1.0.0", b"other"), proof("../a", "1.0.0", &archive), b"no proof".to_vec()] {
        assert!(prove(&wrong, true).is_err());
    }
    prove(&good, false).unwrap();
    assert!(prove(&good, false).unwrap_err().contains("is there already"));
    prove(&good, true).unwrap();
    let mut opened = folder.file(&look(&folder), "a-1.0.0.tgz.prov").unwrap().unwrap();
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut opened.file, &mut read).unwrap();
    assert_eq!((read, opened.length), (good.clone(), good.len() as u64));
    // Another archive has not the proof of this one.
    let other = packed("a", "1.0.0", "description: other\n");
    folder.put(&Upload { archive: Some(&other), force: true, proof: None }).unwrap();
    assert!(!path.exists());
    let both = Upload { archive: Some(&archive), proof: Some(&good), force: true };
    folder.put(&both).unwrap();
    assert_eq!(fs::read(&path).unwrap(), good);
    assert!(folder.put(&Upload { archive: Some(&other), ..both }).is_err());
    assert_eq!(fs::read(place.path().join("a-1.0.0.tgz")).unwrap(), archive, "a wrong pair changes nothing");
    folder.remove("a", "1.0.0").unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn of_many_that_put_the_same_version_one_wins() {
    let (place, folder) = folder();
    // As two servers over one folder.
    let other = Folder::open(place.path(), "charts", "/repository").unwrap();
    let begin = Barrier::new(8);
    let won: Vec<Option<usize>> = std::thread::scope(|scope| {
        let put = |number: usize| {
            let archive = packed("a", "1.0.0", &format!("description: '{number}'\n"));
            let folder = if number.is_multiple_of(2) { &folder } else { &other };
            begin.wait();
            match put(folder, &archive) {
                Ok(_) => Some(number),
                Err(Refused::Exists(_)) => None,
                Err(other) => panic!("{other}"),
            }
        };
        let all: Vec<_> = (0..8).map(|number| scope.spawn(move || put(number))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let won: Vec<usize> = won.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert!(text(&folder).contains(&format!("description: \"{}\"", won[0])));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
}

#[test]
fn what_the_index_says_can_be_asked_for() {
    let (place, folder) = folder();
    for version in ["1.0.0", "2.0.0-rc.1", "1.5.0"] {
        fs::write(place.path().join(format!("a-{version}.tgz")), packed("a", version, "")).unwrap();
    }
    let shown = look(&folder);
    let versions: Vec<_> = shown.versions("a").map(|archive| archive.version.as_str()).collect();
    assert_eq!(versions, ["2.0.0-rc.1", "1.5.0", "1.0.0"]);
    let entries = shown.entries("a", |archive| archive.version == "1.5.0");
    let json = serde_json::to_value(&entries).unwrap();
    assert_eq!((json[0]["urls"][0].as_str(), json.as_array().unwrap().len()), (Some("charts/a-1.5.0.tgz"), 1));
    assert!(shown.entries("b", |_| true).is_empty());
}

#[test]
fn what_dead_processes_have_left_goes() {
    let place = tempfile::tempdir().unwrap();
    let (old, new) = (place.path().join(".whipstaff-old"), place.path().join(".whipstaff-new"));
    for path in [&old, &new] {
        fs::write(path, "").unwrap();
    }
    fs::File::open(&old).unwrap().set_modified(std::time::SystemTime::now() - LEFT * 2).unwrap();
    Folder::open(place.path(), "charts", "/repository").unwrap();
    assert!(!old.exists() && new.exists());
    assert!(Folder::open(&old, "charts", "/x").is_err());
}
