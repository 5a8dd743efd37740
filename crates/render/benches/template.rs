//! Where the time of a template goes: `cargo bench -p whipstaff-render`.
//!
//! The charts are the sample of `whipstaff create`'s kind in `e2e/charts`, and, where the corpus is there (from
//! `WHIPSTAFF_CORPUS`, or `../shared/corpus` beside the workspace), some of its large ones.

#![allow(missing_docs, clippy::unwrap_used)]

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::Chart;
use goyaml::Map;
use jiff::Timestamp;
use render::manifests::Shape;
use render::{Capabilities, Inputs, Parsed, Release};

fn main() {
    divan::main();
}

/// A chart, named by its file.
struct Subject(PathBuf);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.file_name().unwrap_or_default().to_string_lossy())
    }
}

fn subjects() -> Vec<Subject> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf();
    let corpus = std::env::var_os("WHIPSTAFF_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let large = [
        "charts/prometheus-community-helm-charts/charts_kube-prometheus-stack.tgz",
        "charts/argoproj-argo-helm/charts_argo-cd.tgz",
    ];
    let mut found = vec![Subject(root.join("e2e/charts/shop"))];
    found.extend(large.into_iter().map(|path| Subject(corpus.join(path))).filter(|subject| subject.0.exists()));
    found
}

fn load(subject: &Subject) -> Chart {
    chart::load_path(&subject.0).unwrap()
}

fn processed(subject: &Subject) -> Chart {
    let mut chart = load(subject);
    chart::values::process_dependencies(&mut chart, &Map::new()).unwrap();
    chart
}

#[divan::bench(args = subjects())]
fn load_chart(subject: &Subject) -> Chart {
    load(subject)
}

#[divan::bench(args = subjects())]
fn process_dependencies(bencher: divan::Bencher<'_, '_>, subject: &Subject) {
    let chart = load(subject);
    bencher.with_inputs(|| chart.clone()).bench_values(|mut chart| {
        chart::values::process_dependencies(&mut chart, &Map::new()).unwrap();
        chart
    });
}

#[divan::bench(args = subjects())]
fn coalesce_values(bencher: divan::Bencher<'_, '_>, subject: &Subject) {
    let chart = processed(subject);
    bencher.bench_local(|| chart::values::coalesce_values(&chart, &Map::new()).unwrap());
}

#[divan::bench(args = subjects())]
fn parse_templates(bencher: divan::Bencher<'_, '_>, subject: &Subject) {
    let chart = Arc::new(processed(subject));
    bencher.bench_local(|| Parsed::new(Arc::clone(&chart)).unwrap());
}

/// What is compared with Helm's engine in process: the chart is loaded and its templates parsed.
#[divan::bench(args = subjects())]
fn execute_templates(bencher: divan::Bencher<'_, '_>, subject: &Subject) {
    let parsed = Parsed::new(Arc::new(processed(subject))).unwrap();
    let (release, capabilities) = (release(), Capabilities::default());
    bencher.bench_local(|| {
        let values = chart::values::coalesce_values(parsed.chart(), &Map::new()).unwrap().values;
        parsed.render(&Inputs::new(&values, &release, &capabilities, Timestamp::UNIX_EPOCH)).unwrap()
    });
}

#[divan::bench(args = subjects())]
fn manifests(bencher: divan::Bencher<'_, '_>, subject: &Subject) {
    let parsed = Parsed::new(Arc::new(processed(subject))).unwrap();
    let values = chart::values::coalesce_values(parsed.chart(), &Map::new()).unwrap().values;
    let (release, capabilities) = (release(), Capabilities::default());
    let inputs = Inputs::new(&values, &release, &capabilities, Timestamp::UNIX_EPOCH);
    bencher.bench_local(|| render::manifests::render(&parsed, &inputs, &Shape::default()).unwrap());
}

fn release() -> Release {
    Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false }
}
