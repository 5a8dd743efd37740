//! The files of a packed chart (as Helm 4.3: `pkg/chart/loader/archive/archive.go`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use tar::{Archive, EntryType};

use crate::chart::File;
use crate::content::{Content, Packed};
use crate::text::quote;
use crate::time;

use super::gzip::Unpacked;
use super::{BOM, Budget, Limits, LoadError, clean};

/// How much is unpacked at a time.
const PORTION: usize = 64 << 10;

/// Reads the files of a packed chart, the chart's own folder taken off their names.
///
/// # Errors
/// As Helm's `archive.LoadArchiveFiles`, and where a limit is exceeded.
pub fn read_archive(bytes: &[u8], limits: &Limits) -> Result<Vec<File>, LoadError> {
    read(&Bytes::copy_from_slice(bytes), Keep::Unpacked, &mut Budget::new(limits), &mut |_| {})
}

/// What becomes of the large files that most uses of a chart never look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// They are unpacked like all others.
    Unpacked,
    /// They stay in the archive until somebody looks.
    Packed,
}

/// Below this size it is less work to unpack a file than to remember where it is.
const SMALL: u64 = 4096;

/// Tells whether a file of a chart, its own or that of a subchart in a folder, is a CRD or the README: looked
/// at by who installs the one or shows the other.
fn may_stay_packed(name: &str, size: u64) -> bool {
    let mut rest = name;
    while let Some((_, below)) = rest.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        rest = below;
    }
    size >= SMALL && (rest.starts_with("crds/") || rest == "README.md")
}

/// Unpacks what [`may_stay_packed`], by the number of the entry. The archive was read before, and held what it could hold.
fn unpack_rest(archive: &[u8]) -> HashMap<usize, Bytes> {
    let broken = RefCell::new(None);
    let unpacked = Unpacked::new(archive, u64::MAX, &broken);
    let mut archive = Archive::new(BufReader::with_capacity(PORTION, unpacked));
    let mut found = HashMap::new();
    let Ok(entries) = archive.entries() else { return found };
    for (number, entry) in entries.enumerate() {
        // What broke here broke before, after all that was taken.
        let Ok(mut entry) = entry else { break };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let wanted = inner_path(&name).is_ok_and(|path| may_stay_packed(&path, entry.size()));
        if wanted && kind.is_file() {
            let Ok(data) = content(&mut entry, kind) else { break };
            found.insert(number, without_mark(data));
        }
    }
    found
}

fn without_mark(data: Bytes) -> Bytes {
    if data.starts_with(BOM) { data.slice(BOM.len()..) } else { data }
}

/// Reads past the content of an entry, and gives how long it is without a byte order mark.
fn pass<R: Read>(entry: &mut tar::Entry<'_, R>) -> io::Result<usize> {
    let size = entry.size();
    let mut start = [0; BOM.len()];
    entry.read_exact(&mut start)?;
    let rest = io::copy(entry, &mut io::sink())?;
    if rest + BOM.len() as u64 != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mark = if start == BOM { BOM.len() } else { 0 };
    usize::try_from(size).map(|size| size - mark).map_err(|_| io::ErrorKind::UnexpectedEof.into())
}

/// Reads the files, and shows each as soon as it is there.
pub(super) fn read(
    bytes: &Bytes,
    keep: Keep,
    budget: &mut Budget,
    seen: &mut dyn FnMut(&File),
) -> Result<Vec<File>, LoadError> {
    check_gzip_header(bytes)?;
    // Headers and padding are not the chart's bytes, yet they must not be without end either.
    let overhead = (budget.entries as u64).saturating_mul(4096).saturating_add(1 << 20);
    let broken = RefCell::new(None);
    let unpacked = Unpacked::new(bytes, budget.bytes.saturating_add(overhead), &broken);
    // What ends too early ends where the stream broke; what was whole before that is taken.
    let damaged =
        |error: &io::Error| damaged(broken.borrow().as_ref().filter(|_| is_early_end(error)).unwrap_or(error));
    // To unpack little by little takes much longer.
    let mut archive = Archive::new(BufReader::with_capacity(PORTION, unpacked));
    let packed = Arc::new(Packed::new(bytes.clone(), unpack_rest));
    let mut files = Vec::new();
    for (number, entry) in archive.entries().map_err(|e| damaged(&e))?.enumerate() {
        let mut entry = entry.map_err(|e| damaged(&e))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let kind = entry.header().entry_type();
        let mode = entry.header().mode().unwrap_or(0);
        if kind.is_dir() || mode & !0o7777 == 0o040_000 || (is_plain(kind) && name.ends_with('/')) {
            continue;
        }
        if kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let path = inner_path(&name)?;
        budget.take_entry()?;
        let special = is_special(kind);
        if special && budget.limits.refuse_special_entries {
            return Err(LoadError::SpecialEntry(name));
        }
        let mod_time = mod_time(&mut entry);
        let mut data = Content::default();
        if !special {
            if entry.size() >= budget.bytes {
                return Err(LoadError::TooLarge(budget.limits.max_bytes));
            }
            let size;
            if keep == Keep::Packed && kind.is_file() && may_stay_packed(&path, entry.size()) {
                size = entry.size();
                let len = pass(&mut entry).map_err(|e| damaged(&e))?;
                data = Content::packed(&packed, number, len);
            } else {
                let bytes = content(&mut entry, kind).map_err(|e| damaged(&e))?;
                size = bytes.len() as u64;
                data = without_mark(bytes).into();
            }
            budget.bytes = budget.bytes.saturating_sub(size);
        }
        let file = File { name: path, data, mod_time };
        seen(&file);
        files.push(file);
    }
    if files.is_empty() {
        return Err(LoadError::NoFiles);
    }
    Ok(files)
}

/// Reads the content of an entry.
fn content<R: Read>(entry: &mut tar::Entry<'_, R>, kind: EntryType) -> io::Result<Bytes> {
    if kind.is_gnu_sparse() {
        let mut data = Vec::new();
        entry.read_to_end(&mut data)?;
        return Ok(data.into());
    }
    // The size is a claim, but memory that is never written is never there.
    let size = usize::try_from(entry.size()).map_err(|_| io::ErrorKind::UnexpectedEof)?;
    let mut data = vec![0; size];
    entry.read_exact(&mut data)?;
    Ok(data.into())
}

fn is_early_end(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof || error.to_string().contains("failed to read entire block")
}

fn is_plain(kind: EntryType) -> bool {
    kind.is_file() || kind == EntryType::Continuous
}

/// Tells whether an entry is a link or a device, which have no content.
fn is_special(kind: EntryType) -> bool {
    kind.is_symlink() || kind.is_hard_link() || kind.is_block_special() || kind.is_character_special() || kind.is_fifo()
}

/// Takes the chart's folder off the path of an entry and refuses what would lie elsewhere.
fn inner_path(name: &str) -> Result<String, LoadError> {
    // Archives made on Windows have backslashes.
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (top, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    // Helm only takes the first part off; a chart's folder that is no folder of its own is nobody's honest mistake.
    match top {
        ".." => return Err(LoadError::ParentDirectory),
        "" => return Err(LoadError::AbsolutePath),
        _ if matches!(top.as_bytes(), [drive, b':'] if drive.is_ascii_alphabetic()) => {
            return Err(LoadError::IllegalName);
        }
        _ => {}
    }
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(LoadError::AbsolutePath);
    }
    let path = clean(&rest);
    if path == "." {
        return Err(LoadError::OutsideBase(name.to_owned()));
    }
    if path.starts_with("..") {
        return Err(LoadError::ParentDirectory);
    }
    if let [drive, b':', b'/', ..] = path.as_bytes()
        && drive.is_ascii_alphabetic()
    {
        return Err(LoadError::IllegalName);
    }
    if top == "Chart.yaml" {
        return Err(LoadError::ChartYamlNotInBase);
    }
    Ok(path)
}

/// Gives the time of an entry; an extended header may carry fractions of a second.
fn mod_time<R: Read>(entry: &mut tar::Entry<'_, R>) -> Option<String> {
    let extended = entry.pax_extensions().ok().flatten().and_then(|mut records| {
        let record = records.find_map(|r| r.ok().filter(|r| r.key_bytes() == b"mtime"))?;
        time::parse_unix(record.value().ok()?)
    });
    let (seconds, nanos) = match extended {
        Some(time) => time,
        None => (i64::try_from(entry.header().mtime().ok()?).ok()?, 0),
    };
    time::format_unix(seconds, nanos)
}

/// Notices at once what is no gzip stream, as Go's `gzip.NewReader` does.
fn check_gzip_header(bytes: &[u8]) -> Result<(), LoadError> {
    match bytes {
        [] => Err(LoadError::Damaged("EOF".to_owned())),
        [0x1f, 0x8b, 8, _, _, _, _, _, _, _, ..] => Ok(()),
        _ if bytes.len() < 10 => Err(LoadError::Damaged("unexpected EOF".to_owned())),
        _ => Err(LoadError::GzipHeader),
    }
}

/// Says the errors of the tar and gzip libraries in Go's words.
fn damaged(error: &std::io::Error) -> LoadError {
    let text = error.to_string();
    LoadError::Damaged(match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "unexpected EOF".to_owned(),
        _ if text.contains("deflate") || text.contains("corrupt") => "flate: corrupt input".to_owned(),
        _ if text.contains("cksum") || text.contains("header") || text.contains("numeric field") => {
            "archive/tar: invalid tar header".to_owned()
        }
        _ if text.contains("failed to read entire block") => "unexpected EOF".to_owned(),
        _ => format!("archive cannot be read: {}", quote(&text)),
    })
}
