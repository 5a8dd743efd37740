//! From files to a chart as Helm 2 has it (as Helm 2.17: `pkg/chartutil/load.go`).
//!
//! Files are read as for Helm 4, which takes a byte order mark off their front; Helm 2 leaves it there.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;

use super::archive::{self, Keep};
use super::{Budget, Limits, LoadError, dir, extension};
use crate::chart::File;
use crate::helm2::{Chart, Error, Metadata};

/// Loads a chart of Helm 2 from a folder or a packed chart.
///
/// # Errors
/// When it is no chart of `apiVersion` `v1`, or a limit is exceeded.
pub fn load_path(path: &Path, limits: &Limits) -> Result<Chart, Error> {
    let mut budget = Budget::new(limits);
    let name = path.to_string_lossy();
    let metadata = std::fs::metadata(path).map_err(|e| said(LoadError::io("stat", &name, &e)))?;
    if metadata.is_dir() {
        if !path.join("Chart.yaml").exists() {
            return Err(Error(format!("no Chart.yaml exists in directory {}", crate::text::quote(&name))));
        }
        let files = dir::read(path, &mut budget).map_err(said)?;
        return assemble(files, &mut budget);
    }
    let bytes = Bytes::from(dir::read_whole(path, limits.max_bytes).map_err(said)?);
    packed(&bytes, &mut budget)
}

/// Loads a chart of Helm 2 from the bytes of a packed chart.
///
/// # Errors
/// As [`load_path`].
pub fn load_archive(bytes: &[u8], limits: &Limits) -> Result<Chart, Error> {
    packed(&Bytes::copy_from_slice(bytes), &mut Budget::new(limits))
}

/// Loads a chart of Helm 2 from files in memory, whose names are below the chart's folder.
///
/// # Errors
/// As [`load_path`].
pub fn load_files(files: Vec<File>, limits: &Limits) -> Result<Chart, Error> {
    assemble(files, &mut Budget::new(limits))
}

fn said(error: LoadError) -> Error {
    Error(error.to_string())
}

fn packed(bytes: &Bytes, budget: &mut Budget) -> Result<Chart, Error> {
    let files = archive::read(bytes, Keep::Unpacked, budget, &mut |_| {}).map_err(said)?;
    assemble(files, budget)
}

fn assemble(files: Vec<File>, budget: &mut Budget) -> Result<Chart, Error> {
    budget.chart_depth += 1;
    if budget.chart_depth > budget.limits.max_chart_depth {
        return Err(said(LoadError::TooDeep(budget.limits.max_chart_depth)));
    }
    let mut chart = Chart::default();
    let mut metadata = None;
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in files {
        match file.name.as_str() {
            "Chart.yaml" => metadata = Some(read_metadata(&file)?),
            "values.toml" => return Err(Error("values.toml is illegal as of 2.0.0-alpha.2".to_owned())),
            "values.yaml" => chart.values = String::from_utf8_lossy(&file.data).into_owned(),
            name if name.starts_with("templates/") => chart.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(_) if extension(name) == ".prov" => chart.files.push(file),
                // Names with these marks are no charts.
                Some(rest) if rest.starts_with(['.', '_']) => {}
                Some(rest) => {
                    let folder = rest.split('/').next().unwrap_or(rest).to_owned();
                    let file = File { name: rest.to_owned(), ..file };
                    subcharts.entry(folder).or_default().push(file);
                }
                None => chart.files.push(file),
            },
        }
    }
    chart.metadata = metadata.ok_or_else(|| Error("chart metadata (Chart.yaml) missing".to_owned()))?;
    if chart.metadata.name.is_empty() {
        return Err(Error("invalid chart (Chart.yaml): name must not be empty".to_owned()));
    }
    for (name, files) in subcharts {
        let parent = &chart.metadata.name;
        let subchart = subchart(&name, files, parent, budget)?;
        chart.dependencies.push(subchart);
    }
    budget.chart_depth -= 1;
    Ok(chart)
}

fn read_metadata(file: &File) -> Result<Metadata, Error> {
    let metadata = Metadata::read(&file.data)?;
    match metadata.api_version.as_str() {
        "" | "v1" => Ok(metadata),
        other => Err(Error(format!("apiVersion '{other}' is not valid. The value must be \"v1\""))),
    }
}

fn subchart(name: &str, files: Vec<File>, parent: &str, budget: &mut Budget) -> Result<Chart, Error> {
    let within = |error: Error| Error(format!("error unpacking {name} in {parent}: {error}"));
    if extension(name) == ".tgz" {
        let file = files.into_iter().next().unwrap_or_default();
        if file.name != name {
            return Err(Error(format!("error unpacking tar in {parent}: expected {name}, got {}", file.name)));
        }
        budget.archive_depth += 1;
        if budget.archive_depth > budget.limits.max_archive_depth {
            return Err(within(said(LoadError::TooDeep(budget.limits.max_archive_depth))));
        }
        let chart = packed(file.data.bytes(), budget).map_err(within)?;
        budget.archive_depth -= 1;
        return Ok(chart);
    }
    // A file that lies in `charts/` itself belongs to no chart.
    let below = files.into_iter().filter_map(|file| {
        let name = file.name.split_once('/')?.1.to_owned();
        Some(File { name, ..file })
    });
    assemble(below.collect(), budget).map_err(within)
}
