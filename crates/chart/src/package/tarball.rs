//! Tar archives as Go 1.26 writes them (`archive/tar`): USTAR headers where these can say everything, else with a PAX header
//! in front.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use super::PackageError;
use crate::load::clean;
use crate::time;

/// The longest name of a header, and the longest prefix that may stand before it.
const NAME: usize = 100;
const PREFIX: usize = 155;

/// The latest time that fits into a header: eleven octal digits.
const LATEST: i64 = 0o777_7777_7777;

/// An archive that is being written.
pub(super) struct Tarball<W: Write> {
    out: Builder<W>,
    now: i64,
}

impl<W: Write> Tarball<W> {
    /// Begins an archive; what has no time of its own gets that of `now`.
    pub(super) fn new(out: W, now: i64) -> Self {
        Self { out: Builder::new(out), now }
    }

    /// Ends the archive.
    pub(super) fn finish(self) -> io::Result<W> {
        self.out.into_inner()
    }

    /// Adds a file; `moment` is RFC 3339 text.
    pub(super) fn add(&mut self, path: &str, data: &[u8], moment: Option<&str>) -> Result<(), PackageError> {
        let failed = |text: String| PackageError::Archive(format!("{path}: {text}"));
        let path = clean(path);
        if path.contains('\0') {
            return Err(failed("a name with a zero byte cannot be written".to_owned()));
        }
        let seconds = match moment.filter(|moment| *moment != time::ZERO) {
            Some(moment) => rounded(moment).ok_or_else(|| failed(format!("`{moment}` is no time")))?,
            None => self.now,
        };
        let mut header = plain(EntryType::Regular, data.len());
        header.set_mode(0o644);
        // Go writes both only in headers of files.
        header.set_device_major(0).and_then(|()| header.set_device_minor(0)).map_err(|e| failed(e.to_string()))?;
        let mut records = Vec::new();
        match u64::try_from(seconds) {
            Ok(mtime) if seconds <= LATEST => header.set_mtime(mtime),
            _ => records.extend(record("mtime", &seconds.to_string())),
        }
        match split(&path) {
            Some((prefix, name)) => {
                set(&mut header, |ustar| &mut ustar.name[..], name);
                set(&mut header, |ustar| &mut ustar.prefix[..], prefix);
            }
            None => records.extend(record("path", &path)),
        }
        if !records.is_empty() {
            self.extended(&path, &records).map_err(|e| failed(e.to_string()))?;
            set(&mut header, |ustar| &mut ustar.prefix[..], "");
            set(&mut header, |ustar| &mut ustar.name[..], &ascii(&path));
        }
        checksum(&mut header);
        self.out.append(&header, data).map_err(|e| failed(e.to_string()))
    }

    /// Writes a PAX header.
    fn extended(&mut self, path: &str, records: &[u8]) -> io::Result<()> {
        let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
        let name = ascii(&clean(&format!("{folder}/PaxHeaders.0/{file}")));
        let name = if folder.is_empty() { name.trim_start_matches('/') } else { &name };
        let name = name.get(..NAME).unwrap_or(name).trim_end_matches('/');
        let mut header = plain(EntryType::XHeader, records.len());
        set(&mut header, |ustar| &mut ustar.name[..], name);
        checksum(&mut header);
        self.out.append(&header, records)
    }
}

/// A header without a name.
fn plain(kind: EntryType, size: usize) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size as u64);
    header.set_mtime(0);
    header
}

/// Writes a text into a field, as much of it as fits.
fn set(header: &mut Header, field: fn(&mut tar::UstarHeader) -> &mut [u8], text: &str) {
    let Some(ustar) = header.as_ustar_mut() else { return };
    let field = field(ustar);
    field.fill(0);
    field.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
}

/// Writes the checksum with Go's blank behind it.
fn checksum(header: &mut Header) {
    header.set_cksum();
    if let Ok(sum) = header.cksum() {
        let text = format!("{sum:06o}\0 ");
        header.as_old_mut().cksum.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    }
}

/// Divides a path between prefix and name; `None` when it does not fit or is not ASCII.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME {
        return Some(("", path));
    }
    let within = path.get(..path.len().min(PREFIX + 1))?;
    let (prefix, name) = path.split_at_checked(within.rfind('/')?)?;
    let name = name.strip_prefix('/')?;
    (!prefix.is_empty() && !name.is_empty() && name.len() <= NAME).then_some((prefix, name))
}

/// What of a text is ASCII.
fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

/// A line of a PAX header, which begins with its own length.
fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut len = rest.len();
    while len != rest.len() + len.to_string().len() {
        len = rest.len() + len.to_string().len();
    }
    format!("{len}{rest}").into_bytes()
}

/// Reads a time to the nearest second since 1970.
fn rounded(moment: &str) -> Option<i64> {
    // What no calendar has is written as a number.
    if let Ok(seconds) = moment.parse::<i64>() {
        return Some(seconds);
    }
    let at: jiff::Timestamp = moment.parse().ok()?;
    let nanos = at.as_nanosecond() + 500_000_000;
    i64::try_from(nanos.div_euclid(1_000_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rounded() {
        for (moment, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:34:56.499999999Z", Some(1_709_210_096)),
            ("2024-02-29T12:34:56.5Z", Some(1_709_210_097)),
            ("2024-02-29T14:34:56+02:00", Some(1_709_210_096)),
            ("1969-12-31T23:59:58.5Z", Some(-1)),
            ("1969-12-31T23:59:58.4Z", Some(-2)),
            ("999999999999999", Some(999_999_999_999_999)),
            ("now", None),
        ] {
            assert_eq!(rounded(moment), want, "{moment}");
        }
    }

    #[test]
    fn records_count_themselves() {
        assert_eq!(record("path", "abc"), b"12 path=abc\n");
        // With 90 letters the length has two digits, with 91 it would have to be 99 and have three.
        assert_eq!(record("path", &"a".repeat(89)).len(), 98);
        assert_eq!(record("path", &"a".repeat(90)).len(), 99);
        assert_eq!(record("path", &"a".repeat(91)).len(), 101);
    }

    #[test]
    fn long_paths_are_divided() {
        let folder = "d".repeat(90);
        let name = "n".repeat(100);
        assert_eq!(split("a/b"), Some(("", "a/b")));
        assert_eq!(split(&format!("{folder}/{name}")), Some((folder.as_str(), name.as_str())));
        assert_eq!(split(&format!("{folder}/{name}x")), None);
        assert_eq!(split(&format!("{folder}/{folder}/{name}")), None);
        assert_eq!(split(&name.repeat(2)), None);
        assert_eq!(split("ü"), None);
    }
}
