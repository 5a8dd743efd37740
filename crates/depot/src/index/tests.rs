use std::io::Write;

use super::*;

/// What an index says, a line for each version.
fn shown(index: &Index) -> Vec<String> {
    let mut lines = Vec::new();
    for (chart, versions) in index.charts() {
        lines.push(chart.to_owned());
        for version in versions {
            let urls: Vec<&str> = version.urls().collect();
            lines.push(format!(
                "  {} {} {} {:?} {:?} {} {urls:?}",
                version.name(),
                version.version(),
                version.app_version(),
                version.description(),
                version.keywords(),
                version.digest(),
            ));
        }
    }
    lines.extend(index.skipped.iter().map(|skipped| format!("skipped {} {:?}", skipped.chart, skipped.reason)));
    lines
}

fn in_pieces(mut text: &[u8]) -> Result<Index, Odd> {
    super::in_pieces(&mut text)
}

/// Reads an index as a file, and checks that the quick way agrees when it takes it.
fn read(text: &str) -> Result<Vec<String>, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let read = read_index(file.path(), "source").map(|index| shown(&index)).map_err(|error| error.to_string());
    if let Ok(index) = in_pieces(text.as_bytes()) {
        assert_eq!(Ok(shown(&index)), whole::read(text.as_bytes()).map(|index| shown(&index)), "{text}");
    }
    read
}

const START: &str = "apiVersion: v1\nentries:\n";
const A: &str = "  a:\n  - name: a\n    version: 1.0.0\n";

/// Each text and what Helm 4.3.1 says of it.
#[test]
fn wrong_indexes_are_told_as_helm_tells_them() {
    const JSON: &str = "error unmarshaling JSON: while decoding JSON: ";
    const YAML: &str = "error converting YAML to JSON: ";
    for (text, want) in [
        (String::new(), "empty index.yaml file".to_owned()),
        ("entries: {}\n".to_owned(), "no API version specified".to_owned()),
        ("null".to_owned(), "no API version specified".to_owned()),
        ("# x\n".to_owned(), "no API version specified".to_owned()),
        ("{}".to_owned(), "no API version specified".to_owned()),
        ("[]".to_owned(), "json: cannot unmarshal array into Go value of type repo.IndexFile".to_owned()),
        ("<html>".to_owned(), format!("{JSON}json: cannot unmarshal string into Go value of type repo.IndexFile")),
        (format!("{START}{A}    foo: 1\n"), format!("{JSON}json: unknown field \"foo\"")),
        (format!("foo: 1\n{START}{A}"), format!("{JSON}json: unknown field \"foo\"")),
        (
            format!("{START}{A}    name: b\n"),
            format!("{YAML}yaml: unmarshal errors:\n  line 6: key \"name\" already set in map"),
        ),
        (format!("{START}{A}{A}"), format!("{YAML}yaml: unmarshal errors:\n  line 7: key \"a\" already set in map")),
        (
            format!("{START}{A}    appVersion: 1.10\n"),
            format!(
                "{JSON}json: cannot unmarshal number into Go struct field ChartVersion.entries.Metadata.appVersion of type string"
            ),
        ),
        (
            format!("{START}{A}    maintainers: [{{name: [1]}}]\n"),
            format!(
                "{JSON}json: cannot unmarshal array into Go struct field Maintainer.entries.Metadata.maintainers.name of type string"
            ),
        ),
        (
            format!("{START}  a:\n  - foo\n"),
            format!(
                "{JSON}json: cannot unmarshal string into Go struct field IndexFile.entries of type repo.ChartVersion"
            ),
        ),
        (
            format!("{START}{A}    created: yesterday\n"),
            format!(
                "{JSON}parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\""
            ),
        ),
        (format!("{START}  a:\n  - name: \"a\n"), format!("{YAML}yaml: line 5: found unexpected end of stream")),
        (
            format!("{START}  a:\n  - name: a\n   version: 1.0.0\n"),
            format!("{YAML}yaml: line 4: did not find expected key"),
        ),
        (
            r#"{"apiVersion":"v1","entries":{"a":[{"name":"a","version":1}]}}"#.to_owned(),
            "json: cannot unmarshal number into Go struct field ChartVersion.entries.Metadata.version of type string"
                .to_owned(),
        ),
    ] {
        assert_eq!(read(&text), Err(want), "{text}");
    }
}

/// Each text and what Helm 4.3.1 takes of it.
#[test]
fn broken_versions_are_left_out_and_nothing_else() {
    let one = ["a", "  a 1.0.0  \"\" \"\"  []"];
    let wrong = |version: &str, reason: &str| format!("skipped a Some((\"{version}\", \"validation: {reason}\"))");
    let none = String::new();
    for (text, left, skipped) in [
        (format!("{START}{A}"), &one[..], none.clone()),
        (format!("{START}{A}---\nfoo: bar\n"), &one, none.clone()),
        (format!("---\n{START}{A}...\n"), &one, none.clone()),
        (format!("{START}{A}    removed: false\n    digest: \n"), &one, none.clone()),
        (format!("{START}{A}    dependencies: [{{name: x}}, {{name: x}}]\n"), &one, none.clone()),
        (format!("{START}{A}  -\n"), &one, "skipped a None".to_owned()),
        (
            format!("{START}{A}  - {{name: a, version: bad}}\n"),
            &one,
            wrong("bad", "chart.metadata.version \\\"bad\\\" is invalid"),
        ),
        (format!("{START}{A}  - version: 1.1.0\n"), &one, wrong("1.1.0", "chart.metadata.name is required")),
        (
            format!("{START}{A}  - {{name: ../a, version: 1.1.0}}\n"),
            &one,
            wrong("1.1.0", "chart.metadata.name \\\"../a\\\" is invalid"),
        ),
        (
            format!("{START}{A}  - {{name: a, version: 1.1.0, maintainers: [null]}}\n"),
            &one,
            wrong("1.1.0", "maintainers must not contain empty or null nodes"),
        ),
        (
            r#"{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0","foo":1}]}}"#.to_owned(),
            &one,
            none.clone(),
        ),
        (r#"{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0",}]}}"#.to_owned(), &one, none.clone()),
        ("APIVERSION: v1\nEntries:\n  a:\n  - Name: a\n    VERSION: 1.0.0\n".to_owned(), &one, none.clone()),
        ("apiVersion: 1\nentries:\n  a: [{name: a, version: 1.0.0}]\n".to_owned(), &one, none.clone()),
        ("apiVersion: v1\nentries:\n".to_owned(), &[], none.clone()),
        (format!("{START}  a:\n"), &["a"], none.clone()),
    ] {
        let mut want: Vec<String> = left.iter().map(|line| (*line).to_owned()).collect();
        want.extend(Some(skipped).filter(|line| !line.is_empty()));
        assert_eq!(read(&text), Ok(want), "{text}");
    }
}

#[test]
fn what_is_taken_is_clean_and_the_newest_comes_first() {
    let text = format!(
        "{START}  x:\n  - name: \"a\\e[2Jb\"\n    version: 1.0.0\n    description: \"x\\ny\\e[1mz\"\n    keywords: [k, l]\n    \
         digest: 12\n    urls:\n    - a.tgz\n    - 1\n  - name: a\n    version: 1.10.0\n  - name: a\n    version: v1.9\n"
    );
    let want = [
        "x",
        "  a 1.10.0  \"\" \"\"  []",
        "  a v1.9  \"\" \"\"  []",
        "  a[2Jb 1.0.0  \"x y[1mz\" \"k l\" 12 [\"a.tgz\", \"1\"]",
    ];
    assert_eq!(read(&text).unwrap(), want);
}

const USUAL: &str = "# made by hand\napiVersion: v1\nannotations:\n  x: y\nentries:\n  a:\n  - apiVersion: v2\n    name: a\n    \
    version: 1.0.0\n    description: |\n      a text\n\n      of lines\n    annotations: {b: \"c\"}\n    urls:\n    - 'x.tgz'\n\n  \
    - name: a\n    version: 1.1.0\n    dependencies:\n    - name: d\n      repository: https://x\n  # a note\n  b:\n    -  name: b\n       \
    version: 2.0.0\n    - name: b\n  c: []\ngenerated: \"2020-01-01T00:00:00Z\"\n";

#[test]
fn an_ordinary_index_is_read_in_pieces() {
    assert!(in_pieces(USUAL.as_bytes()).is_ok());
    assert_eq!(read(USUAL).unwrap().len(), 7);
    assert!(in_pieces(USUAL.replace('\n', "\r\n").as_bytes()).is_ok());
    let json = r#"{"apiVersion":"v1","entries":{"a":[{"name":"a","version":"1.0.0"},null]},"generated":"2020-01-01T00:00:00Z"}"#;
    assert!(in_pieces(json.as_bytes()).is_ok());
}

/// Whatever is read in pieces is read the same as a whole: the index with any one byte changed, gone, or with one more.
#[test]
fn pieces_agree_with_the_whole() {
    let json = r#"{"apiVersion":"v1", "entries":{"a":[{"name":"a","version":"1.0.0","urls":["x"]},null],"b":null}}"#;
    let mut taken = 0;
    for text in [USUAL, json] {
        for at in 0..text.len() {
            let (before, rest) = (text.get(..at).unwrap(), text.get(at..).unwrap());
            let after = rest.get(1..).unwrap();
            let mut changed = vec![format!("{before}{after}"), before.to_owned()];
            for new in [
                " ", "\n", "\n  ", "\"", "'", "- ", "#", ":", "&", "*", "|", "{", "]", "\t", "\r", "\u{85}",
                "\u{2028}", "---",
            ] {
                changed.push(format!("{before}{new}{rest}"));
                changed.push(format!("{before}{new}{after}"));
            }
            for text in changed {
                if let Ok(index) = in_pieces(text.as_bytes()) {
                    taken += 1;
                    assert_eq!(Ok(shown(&index)), whole::read(text.as_bytes()).map(|index| shown(&index)), "{text}");
                }
            }
        }
    }
    assert!(taken > 3000, "{taken}");
}

/// What the fuzz target `index` has found: bytes that go-yaml does not read, where nobody else looks at them, and what follows a version.
#[test]
fn what_go_yaml_does_not_read_is_not_read_in_pieces() {
    for tail in
        [&b"---\nfoo: \xff\n"[..], b"...\n\xff", b"---\n# \xff\n", b"# \xff\n", b"# \x01\n", b"  # \x7f\n  b: []\n"]
    {
        let text = [format!("{START}{A}").as_bytes(), tail].concat();
        assert!(in_pieces(&text).is_err(), "{:?}", String::from_utf8_lossy(&text));
        assert!(whole::read(&text).is_err(), "{:?}", String::from_utf8_lossy(&text));
    }
    assert!(in_pieces(format!("{START}{A}# é\n---\n# é\n...\n").as_bytes()).is_ok());
    for behind in ["\x0c", " \x0b", " # \x01", " # \u{fffe}"] {
        let text = format!("apiVersion: v1\nentries:{behind}\n{A}");
        assert!(in_pieces(text.as_bytes()).is_err(), "{text:?}");
        assert!(whole::read(text.as_bytes()).is_err(), "{text:?}");
    }
    // The document between two marks is the first, and empty.
    assert!(in_pieces(format!("---\n{START}{A}").as_bytes()).is_ok());
    for head in ["---\n---\n", "---\n# a\n\n---\n"] {
        let text = format!("{head}{START}{A}");
        assert!(in_pieces(text.as_bytes()).is_err(), "{text}");
        assert!(whole::read(text.as_bytes()).is_err(), "{text}");
    }
    for version in
        ["{name: a, version: 1.0.0}]", "&y {name: a, version: 1.0.0} ]", "{name: a, version: 1.0.0}\n    name: b"]
    {
        for text in [format!("{START}  a:\n  - {version}\n"), format!("{START}  a:\n  -\n    # b\n    {version}\n")] {
            assert!(in_pieces(text.as_bytes()).is_err(), "{text}");
            assert!(whole::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}

#[test]
fn versions_are_found_as_helm_finds_them() {
    let mut text = START.to_owned() + "  b: []\n  a:\n";
    for version in ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0+x"] {
        text.push_str(&format!("  - name: a\n    version: {version}\n"));
    }
    let index = in_pieces(text.as_bytes()).unwrap();
    let get = |chart: &str, version: &str| match index.get(chart, version) {
        Ok((found, notice)) => format!("{}{}", found.version(), if notice.is_some() { " (nearest)" } else { "" }),
        Err(error) => error.to_string(),
    };
    for (version, want) in [
        ("", "2.0.0+x"),
        ("1.0.0", "1.0.0"),
        ("^1", "1.1.0"),
        (">0.0.0-0", "2.0.0+x"),
        ("~1.2.0-0", "1.2.0-rc.1"),
        ("1.1", "1.1.0 (nearest)"),
        ("1.x", "1.1.0"),
        ("2.0.0", "2.0.0+x (nearest)"),
        ("3", "no chart version found for a-3"),
        ("x.y", "improper constraint: \"x.y\""),
    ] {
        assert_eq!(get("a", version), want, "{version}");
    }
    assert_eq!(get("b", ""), "no chart version found");
    assert_eq!(get("c", ""), "no chart name found");
}

#[test]
fn there_are_limits() {
    let long =
        format!("{START}  a:\n  - name: a\n    description: {}\n    version: 1.0.0\n", "x".repeat(LONGEST_PIECE));
    assert!(matches!(in_pieces(long.as_bytes()), Err(Odd::TooLarge(_))));
    let wrong = format!("{START}{A}    appVersion: 1.10\n");
    let Err(Odd::Wrong(what)) = in_pieces(wrong.as_bytes()) else { panic!("it is wrong") };
    assert!(what.ends_with("of type string (a version of \"a\")"), "{what}");
    let deep = format!("{START}  a:\n  - name: a\n    version: 1.0.0\n    annotations: {}\n", "[".repeat(100_000));
    assert!(in_pieces(deep.as_bytes()).is_err());
}
