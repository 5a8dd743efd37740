//! From what a user calls a chart to a path (as Helm 4.3: `pkg/action/install.go LocateChart`,
//! `pkg/downloader/chart_downloader.go`).

use std::path::Path;

use chart::text::quote;
use chart::{Chart, LoadNotice};
use render::Ahead;

use crate::command::Call;
use crate::depots;
use crate::fail::{Fail, Outcome, fail};
use crate::log::{Level, log};
use crate::provenance;
use crate::source::Source;

/// Gives the absolute path of a chart; what is not here is fetched into the cache.
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
    fetched(call, name)
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

/// Brings a chart that is not on this machine into the cache, and gives where it is there.
fn fetched(call: &Call, name: &str) -> Outcome<String> {
    let home = depots::home(call);
    let source = Source::find(call, name)?;
    let is_checked = call.flags.on("verify");
    let fetched = source.fetch(&home, |archive| is_checked && depot::Found::kept_proof(&home, archive).is_none())?;
    let path = depot::Found::keep_chart(&home, &fetched.archive)?;
    if is_checked {
        let unproven = || Fail::new(format!("failed to fetch provenance {}", quote(&source.proof_url())));
        let proof = match fetched.proof {
            Some(proof) => proof.map_err(|_| unproven())?,
            None => depot::Found::kept_proof(&home, &fetched.archive).ok_or_else(unproven)?,
        };
        depots::verify(call, &source.file_name()?, &fetched.archive, &proof)?;
        depot::Found::keep_proof(&home, &fetched.archive, &proof)?;
    }
    absolute(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_clean() {
        assert_eq!(absolute("/a/./b/../c//").ok().as_deref(), Some("/a/c"));
    }
}
