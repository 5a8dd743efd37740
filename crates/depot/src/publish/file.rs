//! The files of a folder that others may write to: never what a link leads to, and never more of a file than was asked for.

use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;

use chart::time;
use tempfile::{NamedTempFile, TempPath};

/// What files that are being written are called; names that begin with a dot are nobody's.
const PREFIX: &str = ".whipstaff-";
/// The longest name of a file.
const LONGEST_NAME: usize = 255;

/// Tells whether a file may be part of a repository: a name that is one on every system, and not hidden.
pub(super) fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && !name.starts_with('.')
        && !name.is_empty()
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
}

/// Tells whether an archive that is put into a repository may be called so: letters, digits and what versions have.
pub(super) fn is_new_name(name: &str) -> bool {
    is_name(name) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
}

/// Opens a file of the folder itself; `None` when there is none, or something else than a file.
pub(super) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        // A pipe would let us wait.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    #[cfg(not(unix))]
    if path.is_symlink() {
        return Ok(None);
    }
    let is_link = |_: &io::Error| path.symlink_metadata().is_ok_and(|kind| kind.is_symlink());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_link(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// Reads a file to its end.
pub(super) fn read(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    Ok(bytes)
}

/// When a file was last written, as RFC 3339.
pub(super) fn written(metadata: &Metadata) -> String {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).ok();
    seconds
        .and_then(|seconds| time::format_unix(seconds, since.subsec_nanos()))
        .unwrap_or_else(|| time::ZERO.to_owned())
}

/// A file that is whole and on the disk, and not yet visible.
pub(super) struct Ready(TempPath);

impl Ready {
    /// Writes a file that all may read.
    pub(super) fn write(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        let mut file: NamedTempFile = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        file.write_all(bytes)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.as_file().sync_all()?;
        Ok(Self(file.into_temp_path()))
    }

    /// Makes it visible; an existing file is replaced only when that is wanted.
    pub(super) fn place(self, path: &Path, replace: bool) -> io::Result<()> {
        let placed = if replace { self.0.persist(path) } else { self.0.persist_noclobber(path) };
        placed.map_err(|error| error.error)
    }
}

/// Removes what a process has left that died while it wrote.
pub(super) fn tidy(folder: &Path, age: std::time::Duration) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_old = || {
            let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
            metadata.modified().ok()?.elapsed().ok().filter(|since| *since > age)
        };
        if is_ours && is_old().is_some() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
