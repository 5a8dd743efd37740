use std::sync::{Arc, Mutex};

use super::*;
use crate::fetch::tests::{fetcher, server};

const INDEX: &str = "apiVersion: v1\nentries:\n  b:\n  - {name: b, version: 1.0.0}\n  a: []\n";

/// A repository whose index can be changed, and a cache for it.
struct Place {
    repository: Repository,
    asked: crate::fetch::tests::Asked,
    index: Arc<Mutex<(String, String)>>,
    cache: tempfile::TempDir,
}

fn place(index: &str) -> Place {
    let index = Arc::new(Mutex::new((index.to_owned(), "\"1\"".to_owned())));
    let served = Arc::clone(&index);
    let (url, asked) = server(move |_, headers| {
        let (text, etag) = served.lock().unwrap().clone();
        match headers.contains(&format!("if-none-match: {etag}")) {
            true => "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_owned(),
            false => format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n{text}",
                text.len()
            ),
        }
    });
    let repository = Repository { name: "r".into(), url, ..Repository::default() };
    Place { repository, asked, index, cache: tempfile::tempdir().unwrap() }
}

impl Place {
    fn refresh(&self) -> Result<&'static str, String> {
        match refresh(self.cache.path(), &self.repository, &fetcher()) {
            Ok(Refreshed::Same) => Ok("same"),
            Ok(Refreshed::New(_)) => Ok("new"),
            Err(error) => Err(error.to_string()),
        }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.cache.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap()
    }
}

#[test]
fn the_cache_is_what_helm_writes() {
    let place = place(INDEX);
    assert_eq!(place.refresh(), Ok("new"));
    assert_eq!(place.text("r-index.yaml"), INDEX);
    assert_eq!(place.text("r-charts.txt"), "a\nb\n");
    let mut names: Vec<_> =
        std::fs::read_dir(place.cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["r-charts.txt", "r-index.whipstaff", "r-index.yaml"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(place.file("r-index.yaml").metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
}

#[test]
fn an_index_that_has_not_changed_is_not_sent_again() {
    let place = place(INDEX);
    assert_eq!(place.refresh(), Ok("new"));
    assert_eq!(place.refresh(), Ok("same"));
    // The server says that it is another one, but it is not.
    place.index.lock().unwrap().1 = "\"2\"".into();
    assert_eq!(place.refresh(), Ok("new"));
    assert_eq!(place.refresh(), Ok("same"));
    // Whoever has changed a file gets a new one.
    for name in ["r-index.yaml", "r-index.whipstaff"] {
        std::fs::write(place.file(name), "x").unwrap();
        assert_eq!(place.refresh(), Ok("new"), "{name}");
        assert_eq!(place.text("r-index.yaml"), INDEX);
    }
    std::fs::remove_file(place.file("r-charts.txt")).unwrap();
    assert_eq!(place.refresh(), Ok("new"));
    // Another repository of that name has another index, whatever it calls it.
    let other = Repository { url: format!("{}/other", place.repository.url), ..place.repository.clone() };
    assert!(matches!(refresh(place.cache.path(), &other, &fetcher()), Ok(Refreshed::New(_))));
    assert_eq!(place.asked.lock().unwrap().len(), 8);
}

#[test]
fn what_is_no_index_or_half_of_one_does_not_replace_the_one_that_is_there() {
    let place = place(INDEX);
    assert_eq!(place.refresh(), Ok("new"));
    for (text, want) in [
        ("", "empty index.yaml file"),
        ("null", "no API version specified"),
        (
            "apiVersion: v1\nentries:\n  a: [",
            "error converting YAML to JSON: yaml: line 3: did not find expected node content",
        ),
    ] {
        *place.index.lock().unwrap() = (text.to_owned(), "\"x\"".to_owned());
        assert_eq!(place.refresh(), Err(want.to_owned()), "{text}");
        assert_eq!(place.text("r-index.yaml"), INDEX);
    }
    let (url, _) = server(|_, _| {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9999\r\n\r\napiVersion: v1\n".to_owned()
    });
    let broken = Repository { url, ..place.repository.clone() };
    let error = refresh(place.cache.path(), &broken, &fetcher()).unwrap_err().to_string();
    assert_eq!(error, "unexpected EOF");
    assert_eq!(place.text("r-index.yaml"), INDEX);
    assert_eq!(std::fs::read_dir(place.cache.path()).unwrap().count(), 3);
}

#[test]
fn the_short_form_says_what_the_index_says() {
    let place = place(&format!("{INDEX}  c:\n  - {{name: c, version: x}}\n  -\n"));
    assert_eq!(place.refresh(), Ok("new"));
    let files = cache_files(place.cache.path(), "r").unwrap();
    let (origin, short) = side::read(&files.side).unwrap();
    let index = read_index(&files.index, "").unwrap();
    assert_eq!(short, index);
    assert_eq!(short.skipped.len(), 2);
    assert_eq!(open_index(place.cache.path(), "r").unwrap(), index);
    // One that is cut off or damaged anywhere is none.
    let whole = std::fs::read(&files.side).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&files.side, &damaged).unwrap();
        assert_eq!(side::read(&files.side), None, "{at}");
        std::fs::write(&files.side, &whole[..at]).unwrap();
        assert_eq!(side::read(&files.side), None, "{at}");
    }
    // Of an index that somebody else has written, with the same bytes or others.
    side::write(&files.side, &origin, &Index::default()).unwrap();
    std::fs::write(&files.index, INDEX).unwrap();
    assert_eq!(open_index(place.cache.path(), "r").unwrap().names().count(), 2);
}

#[test]
fn a_cached_index_that_is_missing_or_wrong_says_so() {
    let cache = tempfile::tempdir().unwrap();
    let path = cache.path().join("r-index.yaml");
    let shown = path.display();
    let error = open_index(cache.path(), "r").unwrap_err().to_string();
    assert_eq!(error, format!("open {shown}: no such file or directory"));
    std::fs::write(&path, "").unwrap();
    let error = open_index(cache.path(), "r").unwrap_err().to_string();
    assert_eq!(error, format!("error loading {shown}: empty index.yaml file"));
    assert!(open_index(cache.path(), "../r").is_err());
}
