//! The files of a chart's folder that are in memory, taken as those of a folder on the disk are.

use crate::chart::{Chart, File};

use super::{BOM, Budget, IgnoreRules, Limits, LoadError, clean, files};

/// Loads a chart from all files of its folder, whose names are below it, as [`load_dir`](super::load_dir) loads those of a folder:
/// what `.helmignore` names is left out, and the order they come in does not matter.
///
/// # Errors
/// As [`load_dir`](super::load_dir); and when a name is none, comes twice, or leads out of the folder.
pub fn load_folder(mut all: Vec<File>, limits: &Limits) -> Result<Chart, LoadError> {
    // As a walk through folders finds them.
    all.sort_by(|a, b| a.name.split('/').cmp(b.name.split('/')));
    let mut before: Option<&str> = None;
    for file in &all {
        check(&file.name)?;
        // A file cannot be a folder, either.
        let is_folder = |before: &str| {
            file.name.strip_prefix(before).is_some_and(|rest| matches!(rest.as_bytes(), [] | [b'/', ..]))
        };
        if before.is_some_and(is_folder) {
            return Err(LoadError::IllegalName);
        }
        before = Some(&file.name);
    }
    let ignored = all.iter().find(|file| file.name == ".helmignore").map(|file| file.data.bytes().clone());
    let rules = IgnoreRules::parse(&ignored.unwrap_or_default()).map_err(LoadError::Ignore)?;
    let mut budget = Budget::new(limits);
    let mut kept = Vec::new();
    for mut file in all.into_iter().filter(|file| !is_ignored(&rules, &file.name)) {
        budget.take_entry()?;
        let length = file.data.len() as u64;
        budget.bytes = budget.bytes.checked_sub(length).ok_or(LoadError::FolderTooLarge(limits.max_bytes))?;
        if file.data.starts_with(BOM) {
            file.data = file.data.bytes().slice(BOM.len()..).into();
        }
        kept.push(file);
    }
    files::check_version(&kept)?;
    files::assemble(kept, &mut budget)
}

/// Checks that a name is one of a file in the folder.
fn check(name: &str) -> Result<(), LoadError> {
    let path = clean(name);
    match path.as_str() {
        _ if name.starts_with('/') => Err(LoadError::AbsolutePath),
        _ if path.starts_with("..") => Err(LoadError::ParentDirectory),
        "." => Err(LoadError::OutsideBase(name.to_owned())),
        _ if path != name || name.chars().any(char::is_control) || name.contains('\\') => Err(LoadError::IllegalName),
        _ => Ok(()),
    }
}

/// Tells whether a file is left out, or a folder that it is in.
fn is_ignored(rules: &IgnoreRules, name: &str) -> bool {
    let folders = name.match_indices('/').filter_map(|(at, _)| name.get(..at));
    rules.ignores(name, false) || folders.into_iter().any(|folder| rules.ignores(folder, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, data: &str) -> File {
        File { name: name.into(), data: data.to_owned().into(), mod_time: None }
    }

    const CHART: &str = "apiVersion: v2\nname: a\nversion: 1.0.0\n";

    #[test]
    fn a_folder_in_memory_is_as_one_on_the_disk() {
        let files = vec![
            file("values.yaml", "\u{feff}a: 1\n"),
            file(".helmignore", "secret/\n*.bak\n"),
            file("templates/b.yaml", "b"),
            file("templates/a-b.yaml", "a-b"),
            file("templates/a/x.yaml", "x"),
            file("templates/.hidden", "h"),
            file("secret/key", "k"),
            file("charts/d/secret/key", "k"),
            file("charts/d/Chart.yaml", "apiVersion: v2\nname: d\nversion: 1.0.0\n"),
            file("x.bak", "x"),
            file("Chart.yaml", CHART),
        ];
        let folder = tempfile::tempdir().unwrap();
        for file in &files {
            let path = folder.path().join(&file.name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, &*file.data).unwrap();
        }
        let mut reversed = files.clone();
        reversed.reverse();
        let ours = load_folder(files, &Limits::default()).unwrap();
        assert_eq!(load_folder(reversed, &Limits::default()).unwrap(), ours);
        let of_disk = super::super::load_dir(folder.path()).unwrap();
        let names = |chart: &Chart| -> Vec<(String, Vec<u8>)> {
            chart.raw.iter().map(|file| (file.name.clone(), file.data.to_vec())).collect()
        };
        assert_eq!(names(&ours), names(&of_disk));
        assert_eq!(ours.templates.len(), 3);
        assert_eq!(ours.dependencies.len(), 1);
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        for (files, want) in [
            (vec![], LoadError::UnknownVersion),
            (vec![file("values.yaml", "")], LoadError::UnknownVersion),
            (vec![file("Chart.yaml", CHART), file("Chart.yaml", CHART)], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("Chart.yaml/x", "")], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("a//b", "")], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("a\\b", "")], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("a\nb", "")], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("a/", "")], LoadError::IllegalName),
            (vec![file("Chart.yaml", CHART), file("/a", "")], LoadError::AbsolutePath),
            (vec![file("Chart.yaml", CHART), file("a/../../b", "")], LoadError::ParentDirectory),
            (vec![file("Chart.yaml", CHART), file("", "")], LoadError::OutsideBase(String::new())),
            (vec![file("Chart.yaml", "apiVersion: v9\nname: a\nversion: 1.0.0\n")], LoadError::UnsupportedVersion),
        ] {
            let names: Vec<String> = files.iter().map(|file| file.name.clone()).collect();
            assert_eq!(load_folder(files, &Limits::default()), Err(want), "{names:?}");
        }
        let limits = Limits { max_bytes: 30, max_entries: 1, ..Limits::default() };
        assert_eq!(
            load_folder(vec![file("Chart.yaml", CHART)], &Limits { max_entries: 9, ..limits }),
            Err(LoadError::FolderTooLarge(30))
        );
        let two = vec![file("Chart.yaml", ""), file("b", "")];
        assert_eq!(load_folder(two, &limits), Err(LoadError::TooManyEntries(1)));
    }
}
