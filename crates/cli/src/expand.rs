//! Writing what is in an archive into a folder (as Helm 4.3: `pkg/chart/v2/util/expand.go`).

use std::path::Path;

use chart::text::io_error;

/// Writes the files of an archive below a folder, in one with the chart's name.
pub(crate) fn into(data: &[u8], into: &Path) -> Result<String, String> {
    let files = chart::read_archive(data, &chart::Limits::trusting()).map_err(|error| error.to_string())?;
    let name = name(&files)?;
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
        write().map_err(|error| format!("open {}: {}", path.display(), io_error(&error)))?;
    }
    Ok(folder.to_string_lossy().into_owned())
}

/// The chart's name in an archive, which is that of a folder.
pub(crate) fn name(files: &[chart::File]) -> Result<String, String> {
    let mut name = String::new();
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let read = chart::Metadata::read(&file.data).map_err(|error| format!("cannot load Chart.yaml: {error}"))?;
        name = read.metadata.name;
    }
    match name.as_str() {
        "" => Err("chart name not specified".to_owned()),
        "." | ".." => Err(format!("chart name {} is not allowed", chart::text::quote(&name))),
        name if name.contains(['/', '\0']) => {
            Err(format!("chart name {} must not contain path separators", chart::text::quote(name)))
        }
        _ => Ok(name),
    }
}
