//! Paths and the names of cached files, as Go and Helm make them (as Helm 4.3: `pkg/helmpath/home.go`).

use std::path::{Path, PathBuf};

use crate::error::Error;

/// The files that a cache has of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheFiles {
    /// The index as it was fetched.
    pub index: PathBuf,
    /// The names of its charts, a line each.
    pub charts: PathBuf,
    /// Our own short form of the index.
    pub side: PathBuf,
}

/// Names the files that a cache has of a repository.
///
/// # Errors
/// When the name would lead out of the folder.
pub fn cache_files(cache: &Path, name: &str) -> Result<CacheFiles, Error> {
    if name.contains(['/', '\0']) {
        return Err(Error::text(format!(
            "repository name ({name}) contains '/', please specify a different name without '/'"
        )));
    }
    let prefix = if name.is_empty() { String::new() } else { format!("{name}-") };
    let file = |rest: &str| cache.join(format!("{prefix}{rest}"));
    Ok(CacheFiles { index: file("index.yaml"), charts: file("charts.txt"), side: file("index.whipstaff") })
}

/// Joins paths as Go's `path.Join`.
pub(crate) fn join(parts: &[&str]) -> String {
    let given: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    if given.is_empty() { String::new() } else { chart::clean_path(&given.join("/")) }
}

/// Gives the last part of a path, as Go's `path.Base`.
pub(crate) fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    match path.trim_end_matches('/') {
        "" => "/",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_go() {
        assert_eq!(join(&["r", "../a"]), "a");
        assert_eq!(join(&["", ""]), "");
        for (path, want) in [("", "."), ("/", "/"), ("a/b/", "b"), ("a/..", ".."), ("x", "x")] {
            assert_eq!(base(path), want, "{path}");
        }
    }

    #[test]
    fn cve_2024_25620_no_name_leads_out_of_the_cache() {
        for name in ["../x", "a/b", "/etc/x", "a\0"] {
            assert!(cache_files(Path::new("/cache"), name).is_err(), "{name:?}");
        }
        let files = cache_files(Path::new("/cache"), "..").unwrap();
        assert_eq!(files.index, Path::new("/cache/..-index.yaml"));
        assert_eq!(cache_files(Path::new("/c"), "").unwrap().charts, Path::new("/c/charts.txt"));
    }
}
