//! From files to a chart (as Helm 4.3: `pkg/chart/v2/loader/load.go`, `LoadFiles`).

use std::collections::BTreeMap;

use crate::chart::{Chart, File};
use crate::metadata::Metadata;
use crate::validate::Nulls;

use super::archive::{self, Keep};
use super::{Budget, LoadError, decode};

const CHART_FILE: &str = "Chart.yaml";

/// Refuses charts of an `apiVersion` that this loader is not for; the files are an archive's.
pub(super) fn check_version(files: &[File]) -> Result<(), LoadError> {
    let file = files.iter().find(|f| f.name == CHART_FILE).ok_or(LoadError::UnknownVersion)?;
    check_version_of(&file.data)
}

/// Refuses charts of an `apiVersion` that this loader is not for.
pub(super) fn check_version_of(data: &[u8]) -> Result<(), LoadError> {
    let version = decode::api_version(data).map_err(|reason| LoadError::Content { file: CHART_FILE, reason })?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => {
            // Helm has loaded it before it says that it does nothing with it.
            let (mut metadata, mut nulls) = (Metadata::default(), Nulls::default());
            decode::metadata(data, &mut metadata, &mut nulls).map_err(content(CHART_FILE))?;
            metadata.validate_with(nulls)?;
            Err(LoadError::ExperimentalVersion)
        }
        _ => Err(LoadError::UnsupportedVersion),
    }
}

/// Makes a chart of its files, with the subcharts among them.
pub(super) fn assemble(files: Vec<File>, budget: &mut Budget) -> Result<Chart, LoadError> {
    budget.chart_depth += 1;
    if budget.chart_depth > budget.limits.max_chart_depth {
        return Err(LoadError::TooDeep(budget.limits.max_chart_depth));
    }
    let mut chart = Chart::default();
    let mut metadata: Option<Metadata> = None;
    let mut nulls = Nulls::default();
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();

    for file in files.iter().filter(|f| f.name == CHART_FILE) {
        let into = metadata.get_or_insert_default();
        decode::metadata(&file.data, into, &mut nulls).map_err(content(CHART_FILE))?;
        // Helm 2 let the version away.
        if into.api_version.is_empty() {
            "v1".clone_into(&mut into.api_version);
        }
        chart.mod_time.clone_from(&file.mod_time);
    }
    for file in &files {
        match file.name.as_str() {
            CHART_FILE => {}
            "Chart.lock" => chart.lock = decode::lock(&file.data).map_err(content("Chart.lock"))?,
            "values.yaml" => {
                chart.values = goyaml::load_values(&file.data)
                    .map_err(|e| LoadError::Content { file: "values.yaml", reason: e.to_string() })?;
                chart.has_values = true;
            }
            "values.schema.json" => {
                chart.schema = Some(file.data.bytes().clone());
                chart.schema_mod_time.clone_from(&file.mod_time);
            }
            "requirements.yaml" => {
                let into = metadata.get_or_insert_default();
                decode::metadata(&file.data, into, &mut nulls).map_err(content("requirements.yaml"))?;
                if into.api_version == "v1" {
                    chart.files.push(file.clone());
                }
            }
            "requirements.lock" => {
                chart.lock = decode::lock(&file.data).map_err(content("requirements.lock"))?;
                if metadata.get_or_insert_default().api_version == "v1" {
                    chart.files.push(file.clone());
                }
            }
            name if name.starts_with("templates/") => chart.templates.push(file.clone()),
            name => match name.strip_prefix("charts/") {
                Some(_) if extension(name) == ".prov" => chart.files.push(file.clone()),
                Some(rest) => {
                    let folder = rest.split('/').next().unwrap_or(rest);
                    // Names with these marks are no charts.
                    if !folder.starts_with(['_', '.']) {
                        let file = File { name: rest.to_owned(), ..file.clone() };
                        subcharts.entry(folder.to_owned()).or_default().push(file);
                    }
                }
                None => chart.files.push(file.clone()),
            },
        }
    }
    chart.raw = files;
    chart.metadata = metadata.ok_or(LoadError::MissingChartYaml)?;
    chart.metadata.validate_with(nulls)?;

    for (name, files) in subcharts {
        let subchart = subchart(&name, files, &chart.metadata.name, budget)?;
        chart.dependencies.push(subchart);
    }
    budget.chart_depth -= 1;
    Ok(chart)
}

fn subchart(name: &str, files: Vec<File>, parent: &str, budget: &mut Budget) -> Result<Chart, LoadError> {
    let wrap =
        |source| LoadError::Subchart { name: name.to_owned(), parent: parent.to_owned(), source: Box::new(source) };
    if extension(name) == ".tgz" {
        let Some(file) = files.into_iter().next() else { return Err(wrap(LoadError::NoFiles)) };
        if file.name != name {
            return Err(LoadError::SubchartTar {
                parent: parent.to_owned(),
                expected: name.to_owned(),
                got: file.name,
            });
        }
        budget.archive_depth += 1;
        if budget.archive_depth > budget.limits.max_archive_depth {
            return Err(wrap(LoadError::TooDeep(budget.limits.max_archive_depth)));
        }
        let files = archive::read(file.data.bytes(), Keep::Packed, budget, &mut |_| {}).map_err(wrap)?;
        drop(file);
        let chart = assemble(files, budget).map_err(wrap)?;
        budget.archive_depth -= 1;
        return Ok(chart);
    }
    // A file that lies in `charts/` itself belongs to no chart.
    let files = files
        .into_iter()
        .filter_map(|file| {
            let name = file.name.split_once('/')?.1.to_owned();
            Some(File { name, ..file })
        })
        .collect();
    assemble(files, budget).map_err(wrap)
}

fn content(file: &'static str) -> impl Fn(String) -> LoadError {
    move |reason| LoadError::Content { file, reason }
}

/// Gives the extension of the last part of a path with its dot, as Go's `filepath.Ext`.
pub(crate) fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default()
}
