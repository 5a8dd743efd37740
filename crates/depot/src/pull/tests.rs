use super::*;
use crate::fetch::tests::{Asked, fetcher, ok, server};

/// A home with one repository, `r`, whose index is given; `HASH` in it is that of `chart`.
fn home(index: &str) -> (tempfile::TempDir, Home, String, Asked) {
    let (url, asked) = server(|path, _| match path {
        "/broken.tgz" => ok("another chart"),
        path if path.ends_with(".tgz") => ok("chart"),
        _ => "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let home = Home { repositories: path("repositories.yaml"), cache: path("cache"), content: path("content") };
    let list = format!("repositories:\n- {{name: r, url: '{url}', username: u, password: p}}\n");
    std::fs::write(&home.repositories, list).unwrap();
    std::fs::create_dir_all(&home.cache).unwrap();
    let index = index.replace("HASH", &hex::encode(Sha256::digest("chart")));
    std::fs::write(home.cache.join("r-index.yaml"), format!("apiVersion: v1\nentries:\n{index}")).unwrap();
    (folder, home, url, asked)
}

const INDEX: &str = "  a:\n  - {name: a, version: 1.0.0, urls: [x/a-1.tgz], digest: 'sha256:HASH'}\n  \
    b:\n  - {name: b, version: 1.0.0, urls: [broken.tgz], digest: HASH}\n  c:\n  - {name: c, version: 1.0.0}\n  \
    d:\n  - {name: d, version: 1.0.0, urls: [a.tgz], digest: abc}\n  e:\n  - {name: e, version: 1.0.0, urls: ['x/%2e%2e']}\n";

#[test]
fn references_are_resolved_as_helm_resolves_them() {
    let (_folder, home, url, _) = home(INDEX);
    let get = |reference: &str, version: &str| match resolve(&home, reference, version, &Access::default(), &mut |_| {})
    {
        Ok(found) => found.url.replace(&url, "URL"),
        Err(error) => error.to_string(),
    };
    let direct = format!("{url}/other.tgz");
    for (reference, version, want) in [
        ("r/a", "", "URL/x/a-1.tgz"),
        ("r/a", "^1", "URL/x/a-1.tgz"),
        (direct.as_str(), "", "URL/other.tgz"),
        ("a", "", "non-absolute URLs should be in form of repo_name/path_to_chart, got: a"),
        ("s/a", "", "repo s not found"),
        ("r/z", "", "chart \"z\" matching  not found in r index. (try 'helm repo update'): no chart name found"),
        (
            "r/a",
            "2",
            "chart \"a\" matching 2 not found in r index. (try 'helm repo update'): no chart version found for a-2",
        ),
        ("r/c", "", "chart \"r/c\" has no downloadable URLs"),
        ("a\u{7f}", "", "invalid chart URL format: a\u{7f}"),
    ] {
        assert_eq!(get(reference, version), want, "{reference}");
    }
}

#[test]
fn a_chart_has_to_be_what_the_index_promises() {
    let (_folder, home, url, asked) = home(INDEX);
    let fetcher = fetcher();
    let find = |reference: &str| resolve(&home, reference, "", &Access::default(), &mut |_| {}).unwrap();
    let chart = find("r/a");
    let path = chart.cached(&home, &fetcher).unwrap();
    let hash = hex::encode(Sha256::digest("chart"));
    assert_eq!(path, home.content.join(&hash[..2]).join(format!("{hash}.chart")));
    assert_eq!(chart.file_name().unwrap(), "a-1.tgz");
    // The second time it is in the cache; what somebody has put there instead is not taken.
    assert_eq!(chart.download(&home, &fetcher).unwrap(), b"chart");
    assert_eq!(asked.lock().unwrap().len(), 1);
    std::fs::write(&path, "chaos").unwrap();
    assert_eq!(chart.download(&home, &fetcher).unwrap(), b"chart");
    assert_eq!(*asked.lock().unwrap(), ["/x/a-1.tgz Basic dTpw"; 2]);
    let other = find("r/b").download(&home, &fetcher).unwrap_err();
    assert!(matches!(other, Error::Digest { .. }), "{other}");
    assert!(other.to_string().starts_with(&format!("`{url}/broken.tgz` has the SHA-256 ")), "{other}");
    assert_eq!(find("r/d").download(&home, &fetcher).unwrap_err().to_string(), "encoding/hex: odd length hex string");
    assert_eq!(Found::kept_proof(&home, b"chart"), None);
    Found::keep_proof(&home, b"chart", b"proof").unwrap();
    assert_eq!(Found::kept_proof(&home, b"chart").unwrap(), b"proof");
    assert_eq!(chart.proof(&home, &fetcher).unwrap(), b"proof");
    std::fs::remove_file(path.with_extension("prov")).unwrap();
    let missing = chart.proof(&home, &fetcher).unwrap_err().to_string();
    assert_eq!(missing, format!("failed to fetch {url}/x/a-1.tgz.prov : 404 Not Found"));
}

#[test]
fn cve_2024_25620_a_url_names_no_file_elsewhere() {
    let (_folder, home, _, _) = home(INDEX);
    let found = resolve(&home, "r/e", "", &Access::default(), &mut |_| {}).unwrap();
    assert!(found.file_name().unwrap_err().to_string().contains("names no file"));
    for (path, want) in
        [("/a/..%2f..%2fx.tgz", Some("x.tgz")), ("/..", None), ("/.", None), ("", None), ("/a/", Some("a"))]
    {
        let found = Found { url: format!("http://h{path}"), digest: String::new(), access: Access::default() };
        assert_eq!(found.file_name().ok().as_deref(), want, "{path}");
    }
}

#[test]
fn credentials_of_flags_are_for_the_repository_that_they_name() {
    let (_folder, home, url, asked) = home("");
    let (other, there) = server(|_, _| ok("chart"));
    let access = Access { username: "x".into(), password: "y".into(), ..Access::default() };
    let index = format!("apiVersion: v1\nentries:\n  a:\n  - {{name: a, version: 1.0.0, urls: ['{url}/a.tgz']}}\n");
    let (repository, _) = server(move |path, _| if path == "/index.yaml" { ok(&index) } else { ok("chart") });
    let found = find_in(&home, &repository, "a", "", &access, &fetcher(), &mut |_| {}).unwrap();
    found.download(&home, &fetcher()).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["/a.tgz -"]);
    // A URL of its own is meant by them.
    resolve(&home, &format!("{other}/b.tgz"), "", &access, &mut |_| {}).unwrap().download(&home, &fetcher()).unwrap();
    assert_eq!(*there.lock().unwrap(), ["/b.tgz Basic eDp5"]);
    for (chart, version, want) in [
        ("z", "", format!("chart \"z\" not found in {repository} repository")),
        ("a", "2", format!("chart \"a\" version \"2\" not found in {repository} repository")),
    ] {
        let error = find_in(&home, &repository, chart, version, &access, &fetcher(), &mut |_| {}).unwrap_err();
        assert_eq!(error.to_string(), want);
    }
}
