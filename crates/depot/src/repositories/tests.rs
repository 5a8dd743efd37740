use super::*;

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("repositories.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// What Helm 4.3.1 writes for `repo add r http://127.0.0.1/charts` into nothing.
const WRITTEN: &str = "apiVersion: \"\"\ngenerated: \"0001-01-01T00:00:00Z\"\nrepositories:\n- caFile: \"\"\n  certFile: \"\"\n  \
    insecure_skip_tls_verify: false\n  keyFile: \"\"\n  name: r\n  pass_credentials_all: false\n  password: \"\"\n  \
    url: http://127.0.0.1/charts\n  username: \"\"\n";

#[test]
fn the_file_is_what_helm_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/repositories.yaml");
    let mut list = Repositories::read_or_new(&path).unwrap();
    let url = "http://127.0.0.1/charts".to_owned();
    list.put(Repository { name: "r".into(), url: url.clone(), ..Repository::default() });
    list.put(Repository { name: "r".into(), url, ..Repository::default() });
    list.write(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), WRITTEN);
    let mut again = Repositories::read(&path).unwrap();
    assert_eq!(again.list(), list.list());
    assert!(again.remove("r") && !again.remove("r"));
    again.write(&path).unwrap();
    assert!(std::fs::read_to_string(&path).unwrap().ends_with("repositories: []\n"));
}

#[cfg(unix)]
#[test]
fn who_may_read_it_stays_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let (folder, path) = file(WRITTEN);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let list = Repositories::read(&path).unwrap();
    let link = folder.path().join("link.yaml");
    symlink(&path, &link).unwrap();
    list.write(&link).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(mode(&path), 0o640);
    let new = folder.path().join("new.yaml");
    list.write(&new).unwrap();
    assert_eq!(mode(&new), 0o600);
}

#[test]
fn what_is_wrong_is_told() {
    const JSON: &str = "error unmarshaling JSON: while decoding JSON: ";
    for (text, want) in [
        (
            "repositories: x\n",
            "json: cannot unmarshal string into Go struct field File.repositories of type []*repo.Entry",
        ),
        (
            "repositories: [{name: [1]}]\n",
            "json: cannot unmarshal array into Go struct field Entry.repositories.name of type string",
        ),
        ("generated: 1\n", "Time.UnmarshalJSON: input is not a JSON string"),
        ("[]\n", "json: cannot unmarshal array into Go value of type repo.File"),
    ] {
        let (_folder, path) = file(text);
        assert_eq!(Repositories::read(&path).unwrap().problem, Some(format!("{JSON}{want}")), "{text}");
        assert!(Repositories::read_or_new(&path).is_err());
    }
    let (_folder, path) = file("repositories: [null, {Name: a, url: u, x: y}]\n");
    assert_eq!(Repositories::read(&path).unwrap().list().len(), 1);
    assert!(Repositories::read(Path::new("/nonexistent/x")).unwrap_err().is_missing());
}

#[test]
fn only_one_changes_it_at_a_time() {
    let (folder, path) = file("");
    let guard = Guard::take(&path, Duration::ZERO).unwrap();
    assert!(folder.path().join("repositories.lock").is_file());
    assert_eq!(Guard::take(&path, Duration::ZERO).unwrap_err().to_string(), "context deadline exceeded");
    drop(guard);
    assert!(Guard::take(&path, Duration::ZERO).is_ok());
    assert_eq!(lock_path(Path::new("/a.b/c")), Path::new("/a.b/c.lock"));
}

#[test]
fn passwords_are_not_shown() {
    let repository = Repository { password: "secret".into(), username: "u".into(), ..Repository::default() };
    assert!(!format!("{repository:?}{:?}", repository.access()).contains("secret"));
}
