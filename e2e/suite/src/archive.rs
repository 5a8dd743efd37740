//! Chart archives: of folders, and of whatever a test wants inside.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// Packs a chart's folder as `helm package` does: everything below the chart's name. The same folder makes the same bytes.
pub(crate) fn folder(path: &Path) -> Result<Vec<u8>> {
    let name = path.file_name().context("a chart's folder has a name")?.to_string_lossy().into_owned();
    let mut files = Vec::new();
    collect(path, &name, &mut files)?;
    files.sort();
    let entries: Vec<Entry<'_>> = files.iter().map(|(name, bytes)| Entry::file(name, bytes)).collect();
    pack(&entries)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, files)?;
        } else {
            files.push((name, fs::read(entry.path())?));
        }
    }
    Ok(())
}

/// One entry of an archive. Its name is written as it is, also when no honest program would write it.
pub(crate) struct Entry<'a> {
    name: &'a str,
    kind: EntryType,
    link: &'a str,
    content: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Makes a file.
    pub(crate) fn file(name: &'a str, content: &'a [u8]) -> Self {
        Self { name, kind: EntryType::Regular, link: "", content }
    }

    /// Makes a symbolic link.
    pub(crate) fn link(name: &'a str, to: &'a str) -> Self {
        Self { name, kind: EntryType::Symlink, link: to, content: b"" }
    }
}

/// Packs entries into a `.tgz`.
pub(crate) fn pack(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(entry.kind);
        header.set_mode(0o644);
        header.set_size(u64::try_from(entry.content.len())?);
        // The crate refuses names with `..`, so the field is filled by hand.
        let fields = header.as_old_mut();
        (&mut fields.name[..]).write_all(entry.name.as_bytes()).context("a name has up to 100 bytes")?;
        (&mut fields.linkname[..]).write_all(entry.link.as_bytes()).context("a link has up to 100 bytes")?;
        header.set_cksum();
        archive.append(&header, entry.content)?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_climbs_out_is_written_as_it_is() {
        let bytes = pack(&[Entry::file("a/../../b", b"x"), Entry::link("a/l", "/etc/passwd")]).unwrap();
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let names: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|e| String::from_utf8(e.unwrap().path_bytes().into_owned()).unwrap())
            .collect();
        assert_eq!(names, ["a/../../b", "a/l"]);
    }
}
