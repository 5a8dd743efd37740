//! Writing files, with Go's texts for what goes wrong (`os.MkdirAll`, `os.WriteFile`).

use std::path::{Path, PathBuf};

use chart::text::io_error;

use crate::fail::{Fail, Outcome, fail};

/// Makes a folder and those above it that are not there.
pub(crate) fn make_folder(path: &Path) -> Outcome {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if path.exists() {
        fail!("mkdir {}: not a directory", path.display());
    }
    if let Some(above) = path.parent() {
        make_folder(above)?;
    }
    match std::fs::create_dir(path) {
        Err(error) if !path.is_dir() => fail!("mkdir {}: {}", path.display(), io_error(&error)),
        _ => Ok(()),
    }
}

/// Writes a file whole.
pub(crate) fn write(path: &str, data: &[u8]) -> Outcome {
    std::fs::write(path, data).map_err(|error| Fail::new(format!("open {path}: {}", io_error(&error))))
}

/// The folder one is in, by the name under which the shell knows it, as Go's `os.Getwd`.
pub(crate) fn working_folder() -> Outcome<String> {
    let here = std::env::current_dir()?;
    let named = std::env::var_os("PWD").map(PathBuf::from).filter(|path| path.is_absolute());
    let same =
        |path: &PathBuf| path.canonicalize().is_ok_and(|path| here.canonicalize().is_ok_and(|here| here == path));
    Ok(named.filter(same).unwrap_or(here).to_string_lossy().into_owned())
}
