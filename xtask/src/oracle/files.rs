//! What a tool has written.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;

/// What is below a folder: paths, and what there is.
pub(super) type Files = BTreeMap<String, String>;

/// The time that `SOURCE_DATE_EPOCH` has in the scripts.
const EPOCH: u64 = 1_700_000_000;

/// Looks at all files below a folder; texts go through a mask.
pub(super) fn below(folder: &Path, mask: &dyn Fn(&str) -> String) -> Result<Files> {
    let mut files = Files::new();
    walk(folder, folder, mask, &mut files)?;
    Ok(files)
}

fn walk(root: &Path, folder: &Path, mask: &dyn Fn(&str) -> String, files: &mut Files) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read `{}`", folder.display()))? {
        let path = entry?.path();
        let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if path.is_symlink() {
            files.insert(name, format!("a link to {}", std::fs::read_link(&path)?.display()));
        } else if path.is_dir() {
            walk(root, &path, mask, files)?;
            // When folders of caches are made is nobody's business.
            if name.starts_with("work/") {
                files.insert(format!("{name}/"), String::new());
            }
        } else if !is_ours(&name) {
            files.insert(mask(&name), shown(&name, &std::fs::read(&path)?, mask));
        }
    }
    Ok(())
}

/// Tells whether a file is one that only one of the two writes: the short form of an index, and locks.
fn is_ours(name: &str) -> bool {
    name.ends_with(".whipstaff") || name.ends_with("repositories.lock")
}

fn shown(name: &str, bytes: &[u8], mask: &dyn Fn(&str) -> String) -> String {
    // The same content may be compressed in more than one way; what is no text and no archive is the same or not.
    if let Some(entries) = entries(bytes) {
        return mask(&entries.join("\n"));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return format!("{bytes:?}") };
    // Helm writes the names in the order of a Go map.
    if name.ends_with("charts.txt") {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        return lines.join("\n");
    }
    // What a tool packs itself is compressed in its own way.
    if name.ends_with(".prov") && !text.contains("vouched for") {
        let lines = text.lines().map(|line| line.split_once(" sha256:").map_or(line, |(before, _)| before));
        return mask(&lines.collect::<Vec<_>>().join("\n"));
    }
    mask(text)
}

/// The entries of an archive, sorted: Helm packs subcharts in random order. Times count when they were asked for.
fn entries(bytes: &[u8]) -> Option<Vec<String>> {
    let mut tar = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut tar).ok()?;
    let mut entries = Vec::new();
    let mut rest = tar.as_slice();
    while let Some((header, after)) = rest.split_at_checked(512) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let number = |range: std::ops::Range<usize>| {
            let text = String::from_utf8_lossy(header.get(range).unwrap_or_default()).into_owned();
            u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).unwrap_or_default()
        };
        let name = String::from_utf8_lossy(header.get(..100).unwrap_or_default()).into_owned();
        let (mode, size, time) = (number(100..108), usize::try_from(number(124..136)).ok()?, number(136..148));
        let time = if time == EPOCH { "the epoch" } else { "TIME" };
        let data = after.get(..size)?;
        let kind = header.get(156).copied().unwrap_or_default();
        let name = name.trim_end_matches('\0');
        entries.push(format!("{name} {mode:o} {kind} {time}\n{}", String::from_utf8_lossy(data)));
        rest = after.get(size.div_ceil(512) * 512..)?;
    }
    entries.sort();
    Some(entries)
}

/// What is different between two looks at a folder.
pub(super) fn changes(before: &Files, after: &Files) -> Files {
    let gone = before.keys().filter(|name| !after.contains_key(*name)).map(|name| (name.clone(), "(gone)".to_owned()));
    let new = after.iter().filter(|(name, text)| before.get(*name) != Some(*text));
    new.map(|(name, text)| (name.clone(), text.clone())).chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told() {
        let files = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let (before, after): (Files, Files) =
            (files(&[("a", "1"), ("b", "1"), ("c", "1")]), files(&[("b", "2"), ("c", "1"), ("d", "")]));
        assert_eq!(changes(&before, &after), files(&[("a", "(gone)"), ("b", "2"), ("d", "")]));
        assert!(entries(b"text").is_none());
    }
}
