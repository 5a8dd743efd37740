//! The index of a repository: read in pieces, as JSON and whole, which have to agree where they take it; and what is looked up in it.
#![no_main]

use depot::Index;

/// What an index says, a line for each version.
fn shown(index: &Index) -> Vec<String> {
    let mut lines = Vec::new();
    for (chart, versions) in index.charts() {
        lines.push(format!("{chart:?}"));
        for version in versions {
            let urls: Vec<&str> = version.urls().collect();
            lines.push(format!(
                "{:?} {:?} {:?} {:?} {:?} {:?} {urls:?}",
                version.name(),
                version.version(),
                version.app_version(),
                version.description(),
                version.keywords(),
                version.digest(),
            ));
        }
    }
    lines.extend(index.skipped.iter().map(|skipped| format!("{skipped:?}")));
    lines
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (quick, whole) = depot::read_both_ways(bytes);
    if let Some(quick) = quick {
        assert_eq!(Ok(shown(&quick)), whole.as_ref().map(shown), "in pieces, and whole");
    }
    let Ok(index) = whole else { return };
    for (chart, versions) in index.charts() {
        for version in versions {
            assert!(!version.version().contains(|c: char| c.is_control()), "{:?}", version.version());
        }
        for wanted in ["", "^1", "1.0.0", ">0-0"] {
            let _ = index.get(chart, wanted).map_err(|error| error.to_string());
        }
    }
    let repositories = [("r".to_owned(), index)];
    let hits = depot::search(&repositories, &depot::Matcher::All);
    let _ = depot::constrained(hits, ">0-0", true);
});
