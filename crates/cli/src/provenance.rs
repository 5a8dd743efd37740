//! Checking a packed chart against its provenance file (as Helm 4.3: `pkg/downloader/chart_downloader.go VerifyChart`).

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use chart::provenance::{Keyring, Verified};
use chart::text::io_error;

use crate::fail::{Fail, Outcome, fail};
use crate::settings;

/// Checks a chart; without a keyring it is GnuPG's own.
pub(crate) fn verify(path: &str, keyring: Option<&str>) -> Outcome<Verified> {
    let stat = |path: &str| Path::new(path).metadata().map_err(|error| format!("stat {path}: {}", io_error(&error)));
    let kind = stat(path).map_err(Fail::new)?;
    if kind.is_dir() {
        fail!("unpacked charts cannot be verified");
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    if !name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("tgz")) {
        fail!("chart must be a tgz file");
    }
    let proof = format!("{path}.prov");
    stat(&proof).map_err(|text| Fail::new(format!("could not load provenance file {proof}: {text}")))?;
    let ring = keyring.map_or_else(settings::default_keyring, str::to_owned);
    let keys = read(&ring).and_then(|data| Keyring::read(&data, &ring).map_err(|error| error.to_string()));
    let keys = keys.map_err(|text| Fail::new(format!("failed to load keyring: {text}")))?;
    let archive = read(path).map_err(|text| Fail::new(format!("failed to read chart archive: {text}")))?;
    let proof = read(&proof).map_err(|text| Fail::new(format!("failed to read provenance file: {text}")))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(keys.verify(&archive, &proof, name, now)?)
}

/// Reads a file, with Go's text for what goes wrong.
pub(crate) fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::IsADirectory => format!("read {path}: is a directory"),
        _ => format!("open {path}: {}", io_error(&error)),
    })
}
