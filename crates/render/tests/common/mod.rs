//! What `helm template rel CHART --namespace ns` does, over the library.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod snippets;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use chart::capabilities::KubeVersion;
use chart::values::{coalesce_values, process_dependencies};
use chart::{Chart, ValueOptions};
use render::manifests::{self, Shape, TemplateOptions, template_output};
use render::{Capabilities, Inputs, Parsed, Release, RenderError};

/// What a command prints.
pub(crate) struct Outcome {
    /// Standard output, or `None` when it fails.
    pub(crate) stdout: Option<String>,
    pub(crate) stderr: String,
    pub(crate) notes: String,
}

fn warn(level: &str, message: &str) -> String {
    format!("level={level} msg={}\n", gotext::strconv::quote(message))
}

/// Renders a chart with values files and flags; files are found from `root`.
pub(crate) fn helm_template(root: &Path, chart: &str, values: &[String], flags: &[String]) -> Outcome {
    let mut stderr = String::new();
    match template(root, chart, values, flags, &mut stderr) {
        Ok((stdout, notes)) => Outcome { stdout: Some(stdout), stderr, notes },
        Err(error) => {
            let _ = writeln!(stderr, "Error: {error}");
            Outcome { stdout: None, stderr, notes: String::new() }
        }
    }
}

fn template(
    root: &Path,
    path: &str,
    files: &[String],
    flags: &[String],
    stderr: &mut String,
) -> Result<(String, String), String> {
    let (mut values, mut shape, mut options) = (ValueOptions::default(), Shape::default(), TemplateOptions::default());
    let mut release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_upgrade: false };
    let mut capabilities = Capabilities::default();
    for file in files {
        values.files.push((file.clone(), std::fs::read(root.join(file)).unwrap()));
    }
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        let mut next = || flags.next().cloned().unwrap();
        match flag.as_str() {
            "--is-upgrade" => release.is_upgrade = true,
            "--include-crds" => shape.include_crds = true,
            "--render-subchart-notes" => shape.subchart_notes = true,
            "--hide-secret" => shape.hide_secret = true,
            "--skip-tests" => options.skip_tests = true,
            "--no-hooks" => options.no_hooks = true,
            "--show-only" => options.show_only.push(next()),
            "--kube-version" => {
                let text = next();
                capabilities.kube_version =
                    KubeVersion::parse(&text).map_err(|e| format!("invalid kube version '{text}': {e}"))?;
            }
            "--api-versions" => capabilities.api_versions.extend(next().split(',').map(str::to_owned)),
            "--set" => values.set.push(next()),
            "--set-string" => values.string.push(next()),
            "--set-json" => values.json.push(next()),
            "--set-literal" => values.literal.push(next()),
            other => panic!("the runner does not know {other}"),
        }
    }
    let no_file = |path: &str| Err(format!("open {path}: no such file or directory"));
    let given = values.merge(&mut { no_file }).map_err(|e| e.to_string())?;
    let mut chart: Chart = chart::load_path(&root.join(path)).map_err(|e| e.to_string())?;
    if chart.metadata.deprecated {
        stderr.push_str(&warn("WARN", "this chart is deprecated"));
    }
    let there = |name: &str| chart.dependencies.iter().any(|sub| sub.name() == name);
    let missing: Vec<&str> =
        chart.metadata.dependencies.iter().map(|d| d.name.as_str()).filter(|name| !there(name)).collect();
    if !missing.is_empty() {
        return Err(format!(
            "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' to \
             fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
            missing.join(", ")
        ));
    }
    for warning in process_dependencies(&mut chart, &given).map_err(|e| e.to_string())? {
        stderr.push_str(&warn("INFO", &warning));
    }
    let coalesced = coalesce_values(&chart, &given).map_err(|e| e.to_string())?;
    for warning in &coalesced.warnings {
        stderr.push_str(&warn("INFO", warning));
    }
    chart::schema::validate(&chart, &coalesced.values).map_err(|e| e.to_string())?;
    let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
    let inputs = Inputs::new(&coalesced.values, &release, &capabilities, now);
    let debug = |e: RenderError| format!("{e}\n\nUse --debug flag to render out invalid YAML");
    chart::capabilities::check_kube_version(&chart.metadata.kube_version, &capabilities.kube_version)
        .map_err(|e| debug(e.into()))?;
    let parsed = Parsed::new(Arc::new(chart)).map_err(debug)?;
    let rendered = manifests::render(&parsed, &inputs, &shape).map_err(debug)?;
    for events in &rendered.skipped_hooks {
        let plain = events.bytes().all(|b| b.is_ascii_graphic());
        let shown = if plain { events.clone() } else { gotext::strconv::quote(events) };
        let _ = writeln!(stderr, "level=INFO msg=\"skipping unknown hooks\" hookTypes={shown}");
    }
    let stdout = template_output(&rendered, &options).map_err(|e| e.to_string())?;
    Ok((stdout, rendered.notes))
}
