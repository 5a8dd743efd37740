//! What the fuzz targets share.

use std::sync::Arc;

use bytes::Bytes;
use chart::{Chart, File};
use goyaml::Map;
use render::{Capabilities, Inputs, Limits, Parsed, Release};

/// Budgets that let an input take a second at most.
pub fn limits() -> Limits {
    Limits { steps: Some(100_000), output: Some(4 << 20), memory: Some(64 << 20), ..Limits::default() }
}

/// Renders one template with values that have something of every kind.
pub fn render_text(text: &[u8]) {
    let mut chart = Chart::default();
    chart.metadata.name = "t".to_owned();
    chart.templates.push(file("templates/a.yaml", text));
    chart.files.push(file("a.txt", b"one\ntwo\n"));
    let values = goyaml::from_yaml_map(VALUES.as_bytes()).unwrap_or_default();
    render(chart, &values);
}

/// Renders a chart.
pub fn render(chart: Chart, values: &Map) {
    let Ok(parsed) = Parsed::new(Arc::new(chart)) else { return };
    let (release, capabilities) = (Release::default(), Capabilities::default());
    let now = jiff::Timestamp::UNIX_EPOCH;
    let inputs = Inputs { limits: limits(), seed: Some([7; 32]), ..Inputs::new(values, &release, &capabilities, now) };
    let shape = render::manifests::Shape::default();
    if let Err(error) = render::manifests::render(&parsed, &inputs, &shape) {
        let _ = error.to_string();
    }
}

/// Makes a file of a chart.
pub fn file(name: &str, data: &[u8]) -> File {
    File { name: name.to_owned(), data: Bytes::copy_from_slice(data).into(), ..File::default() }
}

/// Something of every kind.
pub const VALUES: &str =
    "s: text\nn: 3\nf: 2.5\nb: true\nnothing:\nl: [1, two, {three: 3}]\nm: {a: 1, b: {c: [x]}}\nt: '{{ .Values.s }}'\n";

/// Packs bytes.
pub fn gzip(data: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Writing to memory does not fail.
    let _ = std::io::Write::write_all(&mut zip, data);
    zip.finish().unwrap_or_default()
}
