//! From what a user calls a chart to a path (as Helm 4.3: `pkg/action/install.go LocateChart`,
//! `pkg/downloader/chart_downloader.go`).

use std::path::Path;

use chart::text::quote;
use chart::{Chart, LoadNotice};
use render::Ahead;

use crate::command::Call;
use crate::fail::{Outcome, fail};
use crate::log::{Level, log};
use crate::provenance;

/// Gives the absolute path of a chart that is here; what has to be fetched is an error.
pub(crate) fn chart(call: &Call, name: &str) -> Outcome<String> {
    let name = name.trim();
    if call.flags.text("repo").is_empty() {
        if Path::new(name).metadata().is_ok() {
            let path = absolute(name)?;
            if call.flags.on("verify") {
                provenance::verify(&path, call.flags.some("keyring"))?;
            }
            return Ok(path);
        }
        if name.starts_with('/') || name.starts_with('.') {
            fail!("path {} not found", quote(name));
        }
    }
    not_here(call, name)
}

/// Loads a chart to be installed; its templates are parsed meanwhile.
pub(crate) fn load(path: &str, ahead: &mut Ahead) -> Outcome<Chart> {
    Ok(chart::load_path_showing(Path::new(path), &mut |file| ahead.see(file), &mut tell)?)
}

/// Loads a chart to be looked at, of whatever version.
pub(crate) fn load_any(path: &str) -> Outcome<Chart> {
    Ok(chart::load_path_telling(Path::new(path), true, &mut tell)?)
}

/// Tells on standard error what a person should know of how a chart was loaded.
pub(crate) fn tell(notice: LoadNotice) {
    match notice {
        LoadNotice::OldFile(text) => log(Level::Info, &text, &[]),
        LoadNotice::Link { path, resolved } => {
            let message = "found symbolic link in path. Contents of linked file included and used";
            log(Level::Info, message, &[("path", &path), ("resolved", &resolved)]);
        }
    }
}

/// Gives a path from the root, without `.` and `..`, as Go's `filepath.Abs`.
pub(crate) fn absolute(path: &str) -> Outcome<String> {
    let absolute = std::path::absolute(path)?;
    let mut parts: Vec<&str> = Vec::new();
    let text = absolute.to_string_lossy();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    Ok(format!("/{}", parts.join("/")))
}

/// Says why a chart that is not on this machine cannot be had.
fn not_here(call: &Call, name: &str) -> Outcome<String> {
    if !call.flags.text("repo").is_empty() {
        fail!("cannot fetch {}: chart repositories are not there yet, give a folder or a .tgz file", quote(name));
    }
    if let Some((scheme, rest)) = name.split_once("://")
        && !rest.is_empty()
        && !scheme.is_empty()
        && !rest.starts_with('/')
    {
        fail!("cannot fetch {}: downloads are not there yet, give a folder or a .tgz file", quote(name));
    }
    // Go takes the path of a URL without a host apart as well.
    let path = name.split_once("://").map_or(name, |(_, path)| path);
    let Some((repository, _)) = path.split_once('/') else {
        let shown = escaped(name.strip_suffix("//").unwrap_or(name));
        fail!("non-absolute URLs should be in form of repo_name/path_to_chart, got: {shown}")
    };
    if !repositories(call)?.iter().any(|known| known == repository) {
        fail!("repo {repository} not found");
    }
    fail!("cannot fetch {}: downloads are not there yet, give a folder or a .tgz file", quote(name))
}

/// The names of the repositories that the user has added with Helm.
fn repositories(call: &Call) -> Outcome<Vec<String>> {
    let path = call.settings.text("repository-config");
    let Ok(text) = std::fs::read(path) else { return Ok(Vec::new()) };
    let root = goyaml::from_yaml(text)?;
    let list = root.get("repositories").and_then(goyaml::Value::as_seq).unwrap_or_default();
    Ok(list.iter().filter_map(|entry| entry.get("name")?.as_str().map(str::to_owned)).collect())
}

/// A path as Go prints it in a URL.
fn escaped(path: &str) -> String {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&b);
    if path.bytes().all(valid) {
        return path.to_owned();
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_as_go() {
        assert_eq!(escaped("a-b_c"), "a-b_c");
        assert_eq!(escaped("a b"), "a%20b");
        assert_eq!(escaped("ä"), "%C3%A4");
    }

    #[test]
    fn paths_are_clean() {
        assert_eq!(absolute("/a/./b/../c//").ok().as_deref(), Some("/a/c"));
    }
}
