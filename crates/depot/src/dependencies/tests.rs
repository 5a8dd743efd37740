use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, SystemTime};

use chart::{Dependency, Lock};

use super::*;
use crate::fetch::Access;
use crate::oci::Logins;
use crate::repositories::{Repositories, Repository};

fn dependency(name: &str, version: &str, repository: &str) -> Dependency {
    Dependency { name: name.into(), version: version.into(), repository: repository.into(), ..Dependency::default() }
}

/// A chart in a folder, and a task on it that can reach nobody.
struct Scene {
    folder: tempfile::TempDir,
    home: Home,
    fetcher: Fetcher,
}

/// Nobody is asked here.
fn registry() -> Registry {
    let fetcher = Fetcher::new("test", Duration::from_secs(1), None);
    Registry::new(fetcher, Access::default(), Logins::default(), false)
}

impl Scene {
    fn new(chart: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let scene = Self { folder, home: Home::default(), fetcher: Fetcher::new("test", Duration::from_secs(1), None) };
        fs::create_dir(scene.path("c")).unwrap();
        fs::write(scene.path("c/Chart.yaml"), format!("apiVersion: v2\nname: c\nversion: 1.0.0\n{chart}")).unwrap();
        scene
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    /// Makes a chart of a folder, with a version.
    fn put(&self, name: &str, version: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
        let own = name.rsplit('/').next().unwrap();
        fs::write(
            self.path(&format!("{name}/Chart.yaml")),
            format!("apiVersion: v2\nname: {own}\nversion: {version}\n"),
        )
        .unwrap();
    }

    /// Updates or builds; gives what is printed, or the error, with `HERE` for the folder.
    fn run(&self, build: bool) -> Result<String, String> {
        let chart = self.path("c");
        let now = Now { text: "2026-11-30T23:59:59Z".to_owned(), seconds: 1_800_000_000, stamp: None };
        let task = Subcharts {
            chart: &chart,
            home: &self.home,
            fetcher: &self.fetcher,
            registry: &registry(),
            skip_refresh: false,
            verbose: false,
            verify: None,
            now,
        };
        let mut printed = String::new();
        let mut tell = |event| {
            if let Event::Print(text) = event {
                printed.push_str(&text);
            }
        };
        let done = if build { task.build(&mut tell) } else { task.update(&mut tell) };
        let masked = |text: String| text.replace(&self.path(""), "HERE/");
        done.map(|()| masked(printed)).map_err(|error| masked(error.to_string()))
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The names in `charts/`.
    fn charts(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("c/charts")).into_iter().flatten();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The digests that Helm 4.3.1 writes.
#[test]
fn digests() {
    let mut wanted = dependency("b", "0.1.0", "http://127.0.0.1:18999");
    wanted.condition = "<&>".to_owned();
    let map = [("child", goyaml::Value::Str("1".into())), ("parent", goyaml::Value::Str("x".into()))];
    wanted.import_values = vec![goyaml::Value::Str("data".into()), map.into_iter().collect()];
    let locked = dependency("b", "0.1.0", "http://127.0.0.1:18999");
    let (wanted, locked) = ([wanted], [locked]);
    assert_eq!(lock::digest(Some(&wanted), Some(&locked)).unwrap(), DIGEST);
    assert_eq!(
        lock::digest(Some(&[]), Some(&[])).unwrap(),
        "sha256:643d5437104296e21d906ecb15b2c96ad278f20cfc4af53b12bb6069bd853726"
    );
    assert_ne!(lock::digest(None, Some(&locked)).unwrap(), lock::digest(Some(&[]), Some(&locked)).unwrap());
    assert_ne!(lock::old_digest(Some(&wanted)).unwrap(), lock::old_digest(Some(&locked)).unwrap());
}
const DIGEST: &str = "sha256:4043d750266a224dec4c5aba0fc4495df342597b2ca2ab2b0fec245366fea29c";

#[test]
fn folders_are_packed_and_locked() {
    let scene = Scene::new(
        "dependencies:\n- {name: b, version: ~0.1, repository: 'file://../b', alias: x}\n- {name: loc, version: ^1}\n",
    );
    scene.put("b", "0.1.7");
    scene.put("c/charts/loc", "1.2.0");
    let told = "Saving 2 charts\n\
                Dependency loc did not declare a repository. Assuming it exists in the charts directory\n\
                Deleting outdated charts\n";
    assert_eq!(scene.run(false).as_deref(), Ok(told));
    assert_eq!(scene.charts(), ["b-0.1.7.tgz", "loc"]);
    let lock = scene.read("c/Chart.lock");
    assert_eq!(
        lock.split("digest: ").next(),
        Some(
            "dependencies:\n- name: b\n  repository: file://../b\n  version: 0.1.7\n- name: loc\n  repository: \"\"\n  \
             version: ^1\n"
        )
    );
    assert!(lock.ends_with("\ngenerated: \"2026-11-30T23:59:59Z\"\n"), "{lock}");
    // The lock file stays as it is while nothing changes, and what is outdated goes when something does.
    fs::write(scene.path("c/Chart.lock"), lock.replace("2026", "2020")).unwrap();
    assert_eq!(scene.run(false).as_deref(), Ok(told));
    assert!(scene.read("c/Chart.lock").contains("\"2020-"));
    scene.put("b", "0.1.8");
    assert_eq!(scene.run(true), Err("can't get a valid version for dependency b".to_owned()));
    assert_eq!(scene.charts(), ["b-0.1.7.tgz", "loc"]);
    assert_eq!(scene.run(false).as_deref(), Ok(told));
    assert_eq!(scene.charts(), ["b-0.1.8.tgz", "loc"]);
    scene.put("b", "0.2.0");
    let error = scene.run(false).unwrap_err();
    assert!(
        error.starts_with("can't get a valid version for 1 subchart(s): \"b\" (repository \"file://../b\""),
        "{error}"
    );
    scene.put("c/charts/loc", "2.0.0");
    scene.put("b", "0.1.8");
    assert_eq!(scene.run(false), Err("dependency loc at version 2.0.0 does not satisfy the constraint ^1".to_owned()));
}

#[test]
fn what_cannot_be() {
    for (text, want) in [
        ("{name: b, version: '1', repository: stable}", "no repository definition for stable. Please add them via"),
        ("{name: b, version: '1', repository: '@r'}", "no repository definition for @r. Please add them via"),
        ("{name: b, version: '1', repository: 'file://../none'}", "directory HERE/none not found"),
        (
            "{name: b, version: ^1, repository: 'oci://127.0.0.1:1/x'}",
            "could not retrieve list of tags for repository oci://127.0.0.1:1/x: ",
        ),
        (
            "{name: b, version: 1.0.0, repository: 'oci://127.0.0.1:1/x'}",
            "could not download oci://127.0.0.1:1/x/b: failed to perform \"FetchReference\" on source",
        ),
        ("{name: b, version: '1', repository: 'ftp://r/x'}", "could not find protocol handler for: ftp"),
        ("{name: b, version: what}", "dependency \"b\" has an invalid version/constraint format: improper constraint"),
        ("{name: b, version: '1'}", "directory HERE/c/charts/b not found"),
        ("{name: ../../c, version: '1'}", "\"../../c\" is no name that a chart in charts/ can have"),
        (
            "{name: b, version: '1', repository: 'file://../old'}",
            "validation: chart.metadata.version \"old\" is invalid",
        ),
    ] {
        let scene = Scene::new(&format!("dependencies:\n- {text}\n"));
        scene.put("old", "old");
        let error = scene.run(false).unwrap_err();
        assert!(error.starts_with(want), "{text}: {error}");
    }
}

/// CVE-2025-53547: a chart is a stranger's, and its links may lead anywhere.
#[cfg(unix)]
#[test]
fn nothing_is_written_through_links() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new("dependencies:\n- {name: b, version: '*', repository: 'file://../b'}\n");
    scene.put("b", "1.0.0");
    fs::write(scene.path("mine"), "digest: mine\n").unwrap();
    symlink("../mine", scene.path("c/Chart.lock")).unwrap();
    assert_eq!(scene.run(false), Err("the Chart.lock file is a symlink to \"../mine\"".to_owned()));
    assert_eq!(scene.read("mine"), "digest: mine\n");
    fs::remove_file(scene.path("c/Chart.lock")).unwrap();
    // An archive that is a link is replaced, and what it leads to stays.
    fs::copy(scene.path("c/charts/b-1.0.0.tgz"), scene.path("mine.tgz")).unwrap();
    let before = fs::read(scene.path("mine.tgz")).unwrap();
    fs::remove_file(scene.path("c/charts/b-1.0.0.tgz")).unwrap();
    symlink("../../mine.tgz", scene.path("c/charts/b-1.0.0.tgz")).unwrap();
    scene.put("b", "1.0.0");
    fs::write(scene.path("b/values.yaml"), "new: true\n").unwrap();
    scene.run(false).unwrap();
    assert!(!fs::symlink_metadata(scene.path("c/charts/b-1.0.0.tgz")).unwrap().is_symlink());
    assert_eq!(fs::read(scene.path("mine.tgz")).unwrap(), before);
    // A folder that is elsewhere is somebody else's.
    fs::remove_dir_all(scene.path("c/charts")).unwrap();
    fs::create_dir(scene.path("others")).unwrap();
    symlink("../others", scene.path("c/charts")).unwrap();
    let error = scene.run(false).unwrap_err();
    assert!(error.starts_with("`HERE/c/charts` is a link that leads out of the chart"), "{error}");
    assert_eq!(fs::read_dir(scene.path("others")).unwrap().count(), 0);
}

#[test]
fn what_killed_processes_left_does_no_harm() {
    let scene = Scene::new("dependencies:\n- {name: b, version: '*', repository: 'file://../b'}\n");
    scene.put("b", "1.0.0");
    for (name, age) in [("old", 48), ("new", 1)] {
        let folder = scene.path(&format!("c/charts/{}{name}", place::TEMPORARY));
        fs::create_dir_all(&folder).unwrap();
        fs::write(format!("{folder}/b-0.0.1.tgz"), "half of an arch").unwrap();
        let then = SystemTime::now() - Duration::from_secs(age * 3600);
        fs::File::open(&folder).unwrap().set_modified(then).unwrap();
    }
    scene.run(false).unwrap();
    assert_eq!(scene.charts(), [".tmpcharts-new", "b-1.0.0.tgz"]);
    let chart = chart::load_path(Path::new(&scene.path("c"))).unwrap();
    assert_eq!(chart.dependencies.len(), 1);
}

#[test]
fn names_of_indexes() {
    let scene = Scene::new("");
    let task = Subcharts {
        chart: "/c",
        home: &scene.home,
        fetcher: &scene.fetcher,
        registry: &registry(),
        skip_refresh: true,
        verbose: false,
        verify: None,
        now: Now::default(),
    };
    let mut file = Repositories::default();
    file.put(Repository { name: "r".into(), url: "http://h/x".into(), ..Repository::default() });
    let mut wanted = [
        dependency("a", "1", "@r"),
        dependency("b", "1", "alias:r"),
        dependency("c", "1", "http://h/x/"),
        dependency("d", "1", "http://h/y"),
    ];
    let mut names = wanted::named(&task, &file, &mut wanted, &mut |_| {}).unwrap();
    wanted::unmanaged(&task, &mut names, &wanted, &mut |_| {}).unwrap();
    let unmanaged = wanted::unmanaged_name("http://h/y");
    let want = [("a", "r"), ("b", "r"), ("c", "r"), ("d", &*unmanaged)];
    assert_eq!(
        names,
        want.map(|(name, index)| (name.to_owned(), index.to_owned())).into_iter().collect::<BTreeMap<_, _>>()
    );
    assert_eq!(
        wanted.map(|dependency| dependency.repository),
        ["http://h/x", "http://h/x", "http://h/x/", "http://h/y"]
    );
    // What Helm calls the index of a repository that nobody added.
    assert_eq!(
        wanted::unmanaged_name("http://127.0.0.1:1/x"),
        "helm-manager-1fb81d38f22f26a8ba21d0021b60f7943526ba313567d7268f52c1f2998c9fef"
    );
    let locked = [dependency("c", "1", "http://h/x/"), dependency("d", "1", "http://u:hidden@h/y")];
    assert_eq!(
        wanted::check_known(&file, &locked).unwrap_err().to_string(),
        "no repository definition for http://u:***@h/y. Please add the missing repos via 'helm repo add'"
    );
}

#[test]
fn lock_files_of_others() {
    let scene = Scene::new("dependencies:\n- {name: b, version: '*', repository: 'file://../b'}\n");
    scene.put("b", "1.0.0");
    let lock = Lock { digest: "sha256:0".to_owned(), ..Lock::default() };
    lock::write(&scene.path("c"), "Chart.lock", &lock).unwrap();
    assert_eq!(
        scene.run(true),
        Err("the lock file (Chart.lock) is out of sync with the dependencies file (Chart.yaml). Please update the \
             dependencies with 'helm dependency update'"
            .to_owned())
    );
    assert_eq!(scene.charts(), [""; 0]);
    // A lock file of Helm 2 is of what was wanted alone.
    let wanted = [dependency("b", "*", "file://../b")];
    let lock = Lock {
        digest: lock::old_digest(Some(&wanted)).unwrap(),
        dependencies: vec![dependency("b", "1.0.0", "file://../b")],
        ..Lock::default()
    };
    fs::write(scene.path("c/Chart.yaml"), "apiVersion: v1\nname: c\nversion: 1.0.0\n").unwrap();
    fs::write(
        scene.path("c/requirements.yaml"),
        "dependencies:\n- {name: b, version: '*', repository: 'file://../b'}\n",
    )
    .unwrap();
    fs::remove_file(scene.path("c/Chart.lock")).unwrap();
    lock::write(&scene.path("c"), "requirements.lock", &lock).unwrap();
    scene.run(true).unwrap();
    assert_eq!(scene.charts(), ["b-1.0.0.tgz"]);
}
