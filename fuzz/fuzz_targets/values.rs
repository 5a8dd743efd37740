//! A chart's `Chart.yaml`, values and schema, and the user's values, with a subchart: read, brought together, checked.
//! The parts of the input are separated by lines `===`.
#![no_main]

use goyaml::Map;
use whipstaff_fuzz::file;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    let mut parts = text.split("\n===\n");
    let mut part = || parts.next().unwrap_or_default();
    let (metadata, values, schema, user, sub) = (part(), part(), part(), part(), part());
    let mut files = vec![
        file("Chart.yaml", metadata.as_bytes()),
        file("values.yaml", values.as_bytes()),
        file("charts/sub/Chart.yaml", b"apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
        file("charts/sub/values.yaml", sub.as_bytes()),
        file("templates/a.yaml", b"a: {{ toYaml .Values | quote }}"),
    ];
    if !schema.is_empty() {
        files.push(file("values.schema.json", schema.as_bytes()));
    }
    let Ok(mut chart) = chart::load_files(files) else { return };
    let user = goyaml::load_values(user.as_bytes()).unwrap_or_default();
    if chart::values::process_dependencies(&mut chart, &user).is_err() {
        return;
    }
    let coalesced: Map = match chart::values::coalesce_values(&chart, &user) {
        Ok(coalesced) => coalesced.values,
        Err(error) => return drop(error.to_string()),
    };
    if let Err(error) = chart::schema::validate(&chart, &coalesced) {
        let _ = error.to_string();
    }
    whipstaff_fuzz::render(chart, &coalesced);
});
