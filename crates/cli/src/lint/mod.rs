//! The rules of `lint` (as Helm 4.3: `pkg/chart/v2/lint`, `pkg/action/lint.go`).

mod chartfile;
mod crds;
mod dependencies;
mod deprecations;
mod documents;
mod names;
mod templates;
mod urls;
mod values;

use std::path::Path;

use chart::capabilities::KubeVersion;
use goyaml::Map;

use crate::values::go_text;

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Could be better.
    Info,
    /// Not as is usual.
    Warning,
    /// It will not work.
    Error,
}

/// Something that a rule has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How grave it is.
    pub(crate) severity: Severity,
    /// The file or folder.
    pub(crate) path: String,
    /// What it is.
    pub(crate) text: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.text)
    }
}

/// What the rules are told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// The user's values.
    pub(crate) values: Map,
    /// The namespace of the release that is rendered.
    pub(crate) namespace: String,
    /// The Kubernetes version to check for; without one it is the built-in one.
    pub(crate) kube_version: Option<KubeVersion>,
    /// Do not check values against the schema.
    pub(crate) skip_schema_validation: bool,
}

/// The findings so far, and the chart's folder.
struct Linter<'a> {
    folder: &'a str,
    options: &'a Options,
    findings: Vec<Finding>,
}

impl Linter<'_> {
    /// Notes down what a rule says; tells whether it says nothing.
    fn rule(&mut self, severity: Severity, path: &str, result: Result<(), String>) -> bool {
        match result {
            Ok(()) => true,
            Err(text) => {
                self.findings.push(Finding { severity, path: path.to_owned(), text });
                false
            }
        }
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

/// Runs all rules on a chart's folder or archive.
///
/// # Errors
/// When it is no chart at all, in Helm's words.
pub(crate) fn run(path: &str, options: &Options) -> Result<Vec<Finding>, String> {
    if !path.ends_with(".tgz") && !path.ends_with(".tar.gz") {
        return of_folder(path, options);
    }
    let data = std::fs::read(path).map_err(|e| format!("unable to open tarball: open {path}: {}", go_text(&e)))?;
    let scratch = tempfile::Builder::new().prefix("helm-lint").tempdir();
    let scratch = scratch.map_err(|e| format!("unable to create temp dir to extract tarball: {}", go_text(&e)))?;
    let folder = expand(&data, scratch.path()).map_err(|text| format!("unable to extract tarball: {text}"))?;
    of_folder(&folder, options)
}

fn of_folder(path: &str, options: &Options) -> Result<Vec<Finding>, String> {
    let file = format!("{}/Chart.yaml", path.trim_end_matches('/')).replace("//", "/");
    let file = file.strip_prefix("./").unwrap_or(&file);
    if let Err(error) = Path::new(file).metadata() {
        return Err(format!("unable to check Chart.yaml file in chart: stat {file}: {}", go_text(&error)));
    }
    let folder = crate::locate::absolute(path).map_err(|fail| fail.text)?;
    let mut linter = Linter { folder: &folder, options, findings: Vec::new() };
    chartfile::check(&mut linter);
    values::check(&mut linter);
    templates::check(&mut linter);
    dependencies::check(&mut linter);
    crds::check(&mut linter);
    Ok(linter.findings)
}

/// Writes the files of an archive below a folder, in one with the chart's name (as Helm 4.3:
/// `pkg/chart/v2/util/expand.go`).
fn expand(data: &[u8], into: &Path) -> Result<String, String> {
    let files = chart::read_archive(data, &chart::Limits::trusting()).map_err(|error| error.to_string())?;
    let mut name = String::new();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let read = chart::Metadata::read(&file.data).map_err(|error| format!("cannot load Chart.yaml: {error}"))?;
        name = read.metadata.name;
    }
    match name.as_str() {
        "" => return Err("chart name not specified".to_owned()),
        "." | ".." => return Err(format!("chart name {} is not allowed", chart::text::quote(&name))),
        name if name.contains('/') => {
            return Err(format!("chart name {} must not contain path separators", chart::text::quote(name)));
        }
        _ => {}
    }
    let folder = into.join(&name);
    for file in &files {
        // The reader of archives refuses such names; this is for the day it does not.
        if file.name.split('/').any(|part| part == "..") || file.name.starts_with('/') {
            return Err("chart illegally references parent directory".to_owned());
        }
        let path = folder.join(&file.name);
        let write = || {
            std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
            std::fs::write(&path, &file.data)
        };
        write().map_err(|error| format!("open {}: {}", path.display(), go_text(&error)))?;
    }
    Ok(folder.to_string_lossy().into_owned())
}

/// Loads the chart; what is noticed meanwhile is told.
fn load(folder: &str) -> Result<chart::Chart, String> {
    crate::locate::load_any(folder).map_err(|fail| fail.text)
}
