//! What a render must not show or ask, by number: RELIABILITY.md §4.2.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chart::{Chart, File};
use goyaml::Map;
use render::manifests::{self, Shape};
use render::{Capabilities, Inputs, Parsed, Release, Resolve};

fn parsed(text: &str) -> Parsed {
    let mut chart = Chart::default();
    chart.metadata.name = "t".into();
    chart.templates.push(File { name: "templates/a.yaml".into(), data: text.to_owned().into(), ..File::default() });
    chart.files.push(File { name: "own.txt".into(), data: "own".into(), ..File::default() });
    Parsed::new(Arc::new(chart)).unwrap()
}

fn with<T>(shape: impl Fn(&mut Inputs<'_>), run: impl Fn(&Inputs<'_>) -> T) -> T {
    let (values, release, capabilities) = (Map::new(), Release::default(), Capabilities::default());
    let mut inputs = Inputs::new(&values, &release, &capabilities, jiff::Timestamp::UNIX_EPOCH);
    shape(&mut inputs);
    run(&inputs)
}

fn text(template: &str, shape: impl Fn(&mut Inputs<'_>)) -> String {
    with(shape, |inputs| parsed(template).render(inputs)).unwrap().remove("t/templates/a.yaml").unwrap().to_string()
}

#[test]
fn cve_2019_25210_secrets_can_be_hidden() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: hidden}\n---\nkind: ConfigMap\ndata: {a: shown}\n";
    for (hide_secret, is_there) in [(false, true), (true, false)] {
        let shape = Shape { hide_secret, ..Shape::default() };
        let made = with(|_| {}, |inputs| manifests::render(&parsed(secret), inputs, &shape)).unwrap();
        assert_eq!(made.manifest.contains("hidden"), is_there, "{}", made.manifest);
        assert_eq!(made.manifest.contains("# HIDDEN: The Secret output has been suppressed"), hide_secret);
        assert!(made.manifest.contains("shown"));
    }
}

/// Counts who asks.
struct Sink(AtomicUsize);

impl Resolve for Sink {
    fn resolve(&self, _: &str) -> Option<String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Some("192.0.2.1".into())
    }
}

#[test]
fn cve_2023_25165_names_are_resolved_only_when_that_is_allowed() {
    let template = "{{ getHostByName \"localhost\" }}{{ getHostByName \"secret.example.com\" }}";
    assert_eq!(text(template, |inputs| assert!(inputs.resolve.is_none())), "");
    let sink = Arc::new(Sink(AtomicUsize::new(0)));
    let shown = text(template, |inputs| inputs.resolve = Some(sink.clone()));
    assert_eq!((shown.as_str(), sink.0.load(Ordering::Relaxed)), ("192.0.2.1192.0.2.1", 2));
}

#[test]
fn cve_2022_24348_files_are_the_charts_own() {
    assert_eq!(text("{{ .Files.Get \"own.txt\" }}", |_| {}), "own");
    for path in ["/etc/passwd", "../own.txt", "./own.txt", "templates/a.yaml", "../../../../etc/passwd", "", "/", "."] {
        let template = format!("{{{{ .Files.Get {path:?} }}}}{{{{ (.Files.Glob {path:?}).AsConfig }}}}");
        assert_eq!(text(&template, |_| {}), "{}", "{path}");
    }
}

#[test]
fn the_environment_is_not_there() {
    for function in ["env", "expandenv", "readFile", "readDir", "getenv"] {
        assert!(render::functions::all().iter().all(|known| known.name != function), "{function}");
    }
}
