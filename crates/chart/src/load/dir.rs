//! The files of a chart's folder (as Helm 4.3: `pkg/chart/v2/loader/directory.go`, `internal/sympath/walk.go`).

use std::fs::{self, Metadata};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::chart::File;
use crate::time;

use super::{BOM, Budget, IgnoreRules, Limits, LoadError, clean, files};

/// How deep folders are entered; links that lead upwards would go on for long.
const MAX_FOLDER_DEPTH: usize = 128;

/// Reads the files of a chart's folder that `.helmignore` does not leave out, in the order of their names.
///
/// # Errors
/// As Helm's `loader.LoadDir`, and where a limit is exceeded.
pub fn read_dir(path: &Path, limits: &Limits) -> Result<Vec<File>, LoadError> {
    read(path, &mut Budget::new(limits))
}

/// Refuses folders without a `Chart.yaml` of a version that this loader is for.
pub(super) fn check_version(path: &Path) -> Result<(), LoadError> {
    let top = absolute(path)?;
    let file = format!("{top}/Chart.yaml");
    let data = read_whole(Path::new(&file), Limits::default().max_bytes)
        .map_err(|source| LoadError::NoChart { path: file, source: Box::new(source) })?;
    files::check_version_of(&data)
}

pub(super) fn read(path: &Path, budget: &mut Budget) -> Result<Vec<File>, LoadError> {
    let top = absolute(path)?;
    let ignore_file = PathBuf::from(format!("{top}/.helmignore"));
    let rules = if ignore_file.exists() {
        let data = read_whole(&ignore_file, Limits::default().max_bytes)?;
        IgnoreRules::parse(&data).map_err(LoadError::Ignore)?
    } else {
        IgnoreRules::parse(b"").map_err(LoadError::Ignore)?
    };
    let mut walk = Walk { rules, budget, files: Vec::new() };
    walk.folder(Path::new(&top), "", 0)?;
    Ok(walk.files)
}

/// Gives the absolute path without `.` and `..`, as Go's `filepath.Abs`.
fn absolute(path: &Path) -> Result<String, LoadError> {
    let text = path.to_string_lossy();
    let absolute = std::path::absolute(path).map_err(|e| LoadError::io("getwd", &text, &e))?;
    Ok(clean(&absolute.to_string_lossy()))
}

/// Reads a file of at most `max` bytes.
pub(super) fn read_whole(path: &Path, max: u64) -> Result<Vec<u8>, LoadError> {
    let name = path.to_string_lossy();
    let kind = fs::metadata(path).map_err(|e| LoadError::io("open", &name, &e))?;
    // Opening a pipe would wait for ever.
    if !kind.is_file() {
        return Err(if kind.is_dir() {
            LoadError::Io { text: format!("read {name}: is a directory"), kind: std::io::ErrorKind::IsADirectory }
        } else {
            LoadError::Irregular(name.into_owned())
        });
    }
    let file = fs::File::open(path).map_err(|e| LoadError::io("open", &name, &e))?;
    let mut data = Vec::with_capacity(usize::try_from(kind.len().min(1 << 20)).unwrap_or(0));
    file.take(max.saturating_add(1)).read_to_end(&mut data).map_err(|e| LoadError::io("read", &name, &e))?;
    if data.len() as u64 > max {
        return Err(LoadError::FolderTooLarge(max));
    }
    Ok(data)
}

struct Walk<'a> {
    rules: IgnoreRules,
    budget: &'a mut Budget,
    files: Vec<File>,
}

impl Walk<'_> {
    /// Notes where a symbolic link leads; Helm tells of those that are left out, too.
    fn note_link(&mut self, path: &Path) {
        if let Ok(resolved) = fs::canonicalize(path) {
            let text = |path: &Path| path.to_string_lossy().into_owned();
            self.budget.links.push((text(path), text(&resolved)));
        }
    }

    fn folder(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), LoadError> {
        if depth > MAX_FOLDER_DEPTH {
            return Err(LoadError::TooDeep(MAX_FOLDER_DEPTH));
        }
        let text = path.to_string_lossy();
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(|e| LoadError::io("open", &text, &e))? {
            names.push(entry.map_err(|e| LoadError::io("readdirent", &text, &e))?.file_name());
        }
        names.sort();
        for file_name in names {
            let path = path.join(&file_name);
            let file_name = file_name.to_string_lossy();
            let name = if name.is_empty() { file_name.into_owned() } else { format!("{name}/{file_name}") };
            self.visit(&path, &name, depth)?;
        }
        Ok(())
    }

    fn visit(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), LoadError> {
        let text = path.to_string_lossy();
        let is_link = path.is_symlink();
        let metadata = fs::metadata(path).map_err(|e| {
            if is_link {
                return LoadError::Symlink { path: text.to_string(), source: Box::new(broken_link(path, &e)) };
            }
            LoadError::io("lstat", &text, &e)
        })?;
        if is_link {
            self.note_link(path);
        }
        if self.rules.ignores(name, metadata.is_dir()) {
            return Ok(());
        }
        // Folders count too: links can make a few of them look like very many.
        self.budget.take_entry()?;
        if metadata.is_dir() {
            return self.folder(path, name, depth + 1);
        }
        if !metadata.is_file() {
            return Err(LoadError::Irregular(text.into_owned()));
        }
        let wrap = |source| LoadError::File { name: name.to_owned(), source: Box::new(source) };
        let max = self.budget.limits.max_bytes;
        if metadata.len() > self.budget.bytes {
            return Err(wrap(LoadError::FolderTooLarge(max)));
        }
        let mut data = read_whole(path, self.budget.bytes).map_err(|e| match e {
            LoadError::FolderTooLarge(_) => wrap(LoadError::FolderTooLarge(max)),
            other => wrap(other),
        })?;
        self.budget.bytes = self.budget.bytes.saturating_sub(data.len() as u64);
        if data.starts_with(BOM) {
            data.drain(..BOM.len());
        }
        self.files.push(File { name: name.to_owned(), data: data.into(), mod_time: mod_time(&metadata) });
        Ok(())
    }
}

/// Finds the first part of a path that is not there, links followed: what Go's `filepath.EvalSymlinks` complains of.
fn broken_link(path: &Path, error: &std::io::Error) -> LoadError {
    const MAX_LINKS: usize = 255;
    let mut links = 0;
    let mut resolved = PathBuf::new();
    let mut left: Vec<PathBuf> = vec![path.to_owned()];
    while let Some(next) = left.pop() {
        let mut parts = next.components();
        let Some(part) = parts.next() else { continue };
        left.push(parts.as_path().to_owned());
        match part {
            Component::ParentDir => {
                resolved.pop();
                continue;
            }
            Component::CurDir => continue,
            _ => resolved.push(part),
        }
        let Ok(target) = fs::symlink_metadata(&resolved).map(|_| fs::read_link(&resolved).ok()) else { break };
        if let Some(target) = target {
            links += 1;
            if links > MAX_LINKS {
                return LoadError::Io { text: "EvalSymlinks: too many links".to_owned(), kind: error.kind() };
            }
            resolved.pop();
            left.push(target);
        }
    }
    LoadError::io("lstat", &resolved.to_string_lossy(), error)
}

fn mod_time(metadata: &Metadata) -> Option<String> {
    let modified = metadata.modified().ok()?;
    match modified.duration_since(UNIX_EPOCH) {
        Ok(after) => time::format_unix(i64::try_from(after.as_secs()).ok()?, after.subsec_nanos()),
        Err(before) => {
            let before = before.duration();
            let seconds = i64::try_from(before.as_secs()).ok()?;
            match before.subsec_nanos() {
                0 => time::format_unix(-seconds, 0),
                nanos => time::format_unix(-seconds - 1, 1_000_000_000 - nanos),
            }
        }
    }
}
