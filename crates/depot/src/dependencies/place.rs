//! Putting subcharts into `charts/`, and removing those that are outdated
//! (as Helm 4.3: `pkg/downloader/manager.go safeMoveDeps`).

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::path::Path;
use std::time::Duration;

use chart::text::{io_error, quote};
use chart::{Chart, Dependency};

use super::Event;
use crate::error::Error;
use crate::names;

/// How folders are called in which subcharts are gathered. What begins with a dot no loader takes for a subchart, so that
/// one that a killed process has left does no harm.
pub(super) const TEMPORARY: &str = ".tmpcharts-";
/// How old such a folder is when nobody can be at work in it.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Makes the folder `charts/` where there is none, and removes what killed processes have left in it.
pub(super) fn make(chart: &str, charts: &str) -> Result<(), Error> {
    let path = Path::new(charts);
    match path.metadata() {
        Ok(kind) if !kind.is_dir() => return Err(Error::text(format!("{} is not a directory", quote(charts)))),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return fs::create_dir_all(path).map_err(Error::file("mkdir", path));
        }
        Err(error) => {
            return Err(Error::text(format!(
                "unable to retrieve file info for '{charts}': stat {charts}: {}",
                io_error(&error)
            )));
        }
    }
    // A chart is a stranger's: what is written for it stays in its folder.
    let real = path.canonicalize().map_err(Error::file("readlink", path))?;
    let own = Path::new(chart).canonicalize().map_err(Error::file("readlink", Path::new(chart)))?;
    if !real.starts_with(own) {
        return Err(Error::text(format!(
            "`{charts}` is a link that leads out of the chart, to `{}`: make it a folder",
            real.display()
        )));
    }
    for entry in entries(path)? {
        let is_old = || entry.metadata().ok()?.modified().ok()?.elapsed().ok().filter(|age| *age > OLD);
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && entry.file_name().to_string_lossy().starts_with(TEMPORARY) && is_old().is_some() {
            // It is in nobody's way.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// What is in a folder, sorted by name.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, Error> {
    let read = fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries: Vec<DirEntry> = read.map_err(Error::file("open", folder))?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// Moves all archives of a folder into `charts/`, and removes those archives there that are of no dependency any more.
pub(super) fn all(
    source: &Path,
    charts: &str,
    locked: &[Dependency],
    tell: &mut dyn FnMut(Event),
) -> Result<(), Error> {
    let new = entries(source)?;
    let old = entries(Path::new(charts))?;
    let mut print = |text: String| tell(Event::Print(text));
    let mut names = BTreeSet::new();
    for entry in new {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        let shown = path.display();
        names.insert(entry.file_name());
        if let Err(error) = load(&path) {
            print(format!("Could not verify {shown} for moving: {error} (Skipping)"));
            continue;
        }
        let place = Path::new(charts).join(entry.file_name());
        if let Err(error) = readable(&path).and_then(|()| fs::rename(&path, place)) {
            print(format!("Unable to move {shown} to charts dir {} (Skipping)", io_error(&error)));
        }
    }
    print("Deleting outdated charts\n".to_owned());
    for entry in old {
        let name = entry.file_name();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) || names.contains(&name) {
            continue;
        }
        let shown = names::join(&[charts, &name.to_string_lossy()]);
        let chart = match load(Path::new(&shown)) {
            Ok(chart) => chart,
            Err(error) => {
                print(format!("Could not verify {shown} for deletion: {error} (Skipping)\n"));
                continue;
            }
        };
        if locked.iter().any(|dependency| dependency.repository.is_empty() && dependency.name == chart.name()) {
            continue;
        }
        if let Err(error) = fs::remove_file(entry.path()) {
            print(format!("Could not delete {shown}: remove {shown}: {} (Skipping)", io_error(&error)));
        }
    }
    Ok(())
}

/// Loads an archive (as Helm 4.3: `pkg/chart/v2/loader.LoadFile`).
fn load(path: &Path) -> Result<Chart, String> {
    if path.is_dir() {
        return Err("cannot load a directory".to_owned());
    }
    chart::load_path_of_any_version(path).map_err(|error| error.to_string())
}

/// Lets all read a file.
#[cfg(unix)]
fn readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
