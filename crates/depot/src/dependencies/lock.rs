//! The lock file and its digest (as Helm 4.3: `internal/resolver/resolver.go HashReq`, `pkg/downloader/manager.go writeLock`).

use std::path::Path;

use chart::text::{io_error, quote};
use chart::{Dependency, Lock, Metadata};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::refresh;

/// The dependencies as a digest is made of them: Go tells none from an empty list.
pub(super) fn or_nil(dependencies: &[Dependency], is_empty: bool) -> Option<&[Dependency]> {
    (!dependencies.is_empty() || is_empty).then_some(dependencies)
}

/// Gives the digest that ties what is wanted to what was chosen.
pub(super) fn digest(wanted: Option<&[Dependency]>, chosen: Option<&[Dependency]>) -> Result<String, Error> {
    hash(&(wanted, chosen))
}

/// Gives the digest that Helm 2 made, of what is wanted only.
pub(super) fn old_digest(wanted: Option<&[Dependency]>) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Wanted<'a> {
        dependencies: Option<&'a [Dependency]>,
    }
    hash(&Wanted { dependencies: wanted })
}

fn hash(value: &impl Serialize) -> Result<String, Error> {
    let json = serde_json::to_string(value).map_err(|error| Error::text(error.to_string()))?;
    // Go writes what would mean something in HTML in another way.
    let escapes =
        [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"), ("\u{2028}", "\\u2028"), ("\u{2029}", "\\u2029")];
    let json = escapes.iter().fold(json, |json, (from, to)| json.replace(from, to));
    Ok(format!("sha256:{}", hex::encode(Sha256::digest(json))))
}

/// The name of the lock file.
pub(super) fn file_name(metadata: &Metadata) -> &'static str {
    if metadata.api_version == "v1" { "requirements.lock" } else { "Chart.lock" }
}

/// Writes the lock file. One that is a link is refused (CVE-2025-53547), and as the file is replaced as a whole, nothing is
/// ever written through a link.
pub(super) fn write(folder: &str, name: &str, lock: &Lock) -> Result<(), Error> {
    let json = serde_json::to_string(lock).map_err(|error| Error::text(error.to_string()))?;
    let tree = goyaml::from_json_keep_ints(json).map_err(|error| Error::text(error.to_string()))?;
    let text = goyaml::to_yaml(&tree).map_err(|error| Error::text(error.to_string()))?;
    let path = crate::names::join(&[folder, name]);
    let path = Path::new(&path);
    match path.symlink_metadata() {
        Ok(kind) if kind.is_symlink() => {
            let link = path.read_link().map_err(Error::file("readlink", path))?;
            return Err(Error::text(format!("the {name} file is a symlink to {}", quote(&link.to_string_lossy()))));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let shown = path.to_string_lossy();
            return Err(Error::text(format!(
                "error getting info for {}: lstat {shown}: {}",
                quote(&shown),
                io_error(&error)
            )));
        }
        _ => {}
    }
    refresh::replace(path, text.as_bytes())
}
