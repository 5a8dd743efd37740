//! `Chart.yaml`, `requirements.yaml` and their lock files, separated by lines `===`: read, and written as `package` does, which
//! has to be read the same.
#![no_main]

use chart::LoadError;
use whipstaff_fuzz::file;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let names = ["Chart.yaml", "requirements.yaml", "Chart.lock", "requirements.lock"];
    let parts = text.split("\n===\n").zip(names).filter(|(part, _)| !part.is_empty());
    let mut files: Vec<_> = parts.map(|(part, name)| file(name, part.as_bytes())).collect();
    files.push(file("charts/sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n"));
    let chart = match chart::load_files(files) {
        Ok(chart) => chart,
        Err(error) => return drop(error.to_string()),
    };
    let _ = chart::listing::dependencies_of_files(&chart);
    let _ = chart::listing::strays_of_files(&chart);
    // Whoever reads an archive takes it for a separator of folders, Helm too.
    if chart.metadata.name.contains('\\') {
        return;
    }
    let Ok(bytes) = chart::package::archive(&chart, 0) else { return };
    let again = match chart::load_archive(&bytes, &chart::Limits::default()) {
        // Whoever loads files alone is not asked for a version that is known, as in Helm.
        Err(LoadError::UnsupportedVersion | LoadError::ExperimentalVersion | LoadError::UnknownVersion) => return,
        read => read.expect("what was packed is read"),
    };
    // Of a chart of version 1 they are in `requirements.yaml`, and nothing is written of those in `Chart.yaml` (as Helm 4.3:
    // `pkg/chart/v2/util/save.go`).
    let json = |chart: &chart::Chart| {
        let mut metadata = chart.metadata.clone();
        if metadata.api_version == "v1" {
            metadata.dependencies.clear();
        }
        serde_json::to_string(&metadata).unwrap_or_default()
    };
    assert_eq!(json(&again), json(&chart), "what was packed");
});
