use std::io::Write;

use super::*;

fn index(text: &str) -> Index {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(format!("apiVersion: v1\nentries:\n{text}").as_bytes()).unwrap();
    crate::read_index(file.path(), "").unwrap()
}

fn repositories() -> Vec<(String, Index)> {
    let first = "  web:\n  - {name: web, version: 1.0.0, description: serves pages, keywords: [http, Proxy]}\n  \
        - {name: web, version: 1.1.0, description: serves pages}\n  - {name: web, version: 2.0.0-rc.1}\n  \
        proxy:\n  - {name: proxy, version: 0.1.0, description: in front of web}\n";
    let second = "  web:\n  - {name: web, version: 0.2.0}\n  ../up:\n  - {name: up, version: 1.0.0}\n";
    vec![("one".to_owned(), index(first)), ("web".to_owned(), index(second))]
}

fn shown(hits: &[Hit<'_>]) -> Vec<String> {
    hits.iter().map(|hit| format!("{} {} {}", hit.name, hit.version.version(), hit.score)).collect()
}

#[test]
fn what_has_the_words_in_its_name_comes_first() {
    let repositories = repositories();
    let found = |text: &str| shown(&search(&repositories, &Matcher::Text(text)));
    assert_eq!(
        found("WEB"),
        [
            "one/web 2.0.0-rc.1 0",
            "one/web 1.1.0 0",
            "one/web 1.0.0 0",
            "web/web 0.2.0 0",
            "up 1.0.0 1",
            "one/proxy 0.1.0 2"
        ]
    );
    assert_eq!(found("proxy"), ["one/proxy 0.1.0 0", "one/web 1.0.0 3"]);
    assert_eq!(found("one/web").len(), 3);
    assert_eq!(found("zzz").len(), 0);
    let finds = |line: &str| line.ends_with("Proxy").then(|| line.len() - 5);
    assert_eq!(shown(&search(&repositories, &Matcher::Finds(&finds))), ["one/web 1.0.0 3"]);
    assert_eq!(search(&repositories, &Matcher::All).len(), 6);
}

#[test]
fn a_constraint_leaves_the_newest_or_all() {
    let repositories = repositories();
    let left = |constraint: &str, all: bool| {
        constrained(search(&repositories, &Matcher::Text("one/web")), constraint, all).map(|hits| shown(&hits))
    };
    assert_eq!(left(">0.0.0", false).unwrap(), ["one/web 1.1.0 1"]);
    assert_eq!(left(">0.0.0-0", false).unwrap(), ["one/web 2.0.0-rc.1 1"]);
    assert_eq!(left("^1", true).unwrap(), ["one/web 1.1.0 1", "one/web 1.0.0 1"]);
    let error = left("x.y", true).unwrap_err().to_string();
    assert_eq!(error, "an invalid version/constraint format: improper constraint: \"x.y\"");
}

#[test]
fn letters_are_small_one_by_one() {
    assert_eq!(lower("ÄΣİ"), "äσi");
}
