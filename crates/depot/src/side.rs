//! The short form of an index that lies beside it in the cache, so that a search need not read YAML again.
//!
//! It is ours alone: Helm does not look at it, and without it everything is as it would be, only slower. It belongs to the
//! very bytes that it was made of; what does not fit to the index beside it is as good as not there. Numbers are
//! little-endian, and a checksum at the end tells what is whole.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::fetch::Validators;
use crate::index::{FIELDS, Index, Place, Skipped};

/// What it begins with; another form is another number.
const MAGIC: &[u8; 16] = b"whipstaff-index3";
/// The longest one that is read.
const LONGEST: u64 = 1 << 30;

/// Which state of a file is meant: everything that changes when somebody writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp([u64; 6]);

impl Stamp {
    #[cfg(unix)]
    pub(crate) fn of(file: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let [seconds, nanos, changed, changed_nanos] =
            [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()].map(|number| number as u64);
        Self([file.len(), seconds, nanos, changed, changed_nanos, file.ino()])
    }

    #[cfg(not(unix))]
    pub(crate) fn of(file: &Metadata) -> Self {
        let since = file.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let since = since.unwrap_or_default();
        Self([file.len(), since.as_secs(), since.subsec_nanos().into(), 0, 0, 0])
    }
}

/// What is known of an index besides what it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its state.
    pub(crate) stamp: Stamp,
    /// The hash of its bytes.
    pub(crate) sha256: [u8; 32],
    /// Where it comes from; empty when we have only found it.
    pub(crate) url: String,
    /// What the server calls this state of it.
    pub(crate) validators: Validators,
}

/// Writes the short form. It is no harm when that is not possible.
pub(crate) fn write(path: &Path, origin: &Origin, index: &Index) -> std::io::Result<()> {
    let mut out = Vec::with_capacity(index.text.len() + index.places.len() * 36 + 4096);
    out.extend(MAGIC);
    origin.stamp.0.iter().for_each(|number| out.extend(number.to_le_bytes()));
    out.extend(origin.sha256);
    for text in [&origin.url, &origin.validators.etag, &origin.validators.last_modified] {
        put_text(&mut out, text);
    }
    put(&mut out, index.skipped.len());
    for skipped in &index.skipped {
        put_text(&mut out, &skipped.chart);
        let (version, reason) = skipped.reason.as_ref().map_or(("", ""), |(version, reason)| (version, reason));
        put_text(&mut out, version);
        put_text(&mut out, reason);
    }
    put(&mut out, index.charts.len());
    for ((start, end), range) in &index.charts {
        [*start, *end, range.start, range.end].iter().for_each(|number| out.extend(number.to_le_bytes()));
    }
    put(&mut out, index.places.len());
    for place in &index.places {
        out.extend(place.start.to_le_bytes());
        place.ends.iter().for_each(|number| out.extend(number.to_le_bytes()));
    }
    put_text(&mut out, &index.text);
    let sum = checksum(&out);
    out.extend(sum);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".whipstaff-").tempfile_in(folder)?;
    file.write_all(&out)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn put(out: &mut Vec<u8>, number: usize) {
    out.extend((number as u64).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len());
    out.extend(text.as_bytes());
}

/// A sum over all bytes, eight at a time: for what was cut off or is damaged, not against anyone.
fn checksum(bytes: &[u8]) -> [u8; 8] {
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word.iter_mut().zip(chunk).for_each(|(to, from)| *to = *from);
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }
    sum.to_le_bytes()
}

/// Reads what is known of the index beside it, without what it says.
pub(crate) fn origin(path: &Path) -> Option<Origin> {
    let mut start = vec![0; 4096];
    let mut file = File::open(path).ok()?;
    let mut length = 0;
    while let Some(rest) = start.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file.read(rest).ok()? {
            0 => break,
            read => length += read,
        }
    }
    start.truncate(length);
    Reader(&start).origin()
}

/// Reads the short form; `None` when there is none or it is not whole.
pub(crate) fn read(path: &Path) -> Option<(Origin, Index)> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    if length > LONGEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).ok()?);
    file.read_to_end(&mut bytes).ok()?;
    let body = bytes.len().checked_sub(8)?;
    if checksum(bytes.get(..body)?) != *bytes.get(body..)? {
        return None;
    }
    let mut reader = Reader(bytes.get(..body)?);
    let origin = reader.origin()?;
    let mut index = Index::default();
    for _ in 0..reader.number()? {
        let chart = reader.text()?.to_owned();
        let (version, reason) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let reason = (!reason.is_empty()).then_some((version, reason));
        index.skipped.push(Skipped { chart, reason });
    }
    for _ in 0..reader.number()? {
        let [start, end, first, last] = [reader.small()?, reader.small()?, reader.small()?, reader.small()?];
        index.charts.push(((start, end), first..last));
    }
    let places = usize::try_from(reader.number()?).ok()?;
    if places.checked_mul(4 * (FIELDS + 1))? > reader.0.len() {
        return None;
    }
    index.places.reserve_exact(places);
    for _ in 0..places {
        let mut place = Place { start: reader.small()?, ends: [0; FIELDS] };
        for end in &mut place.ends {
            *end = reader.small()?;
        }
        index.places.push(place);
    }
    // The text is by far the most of it, so it is not copied.
    let text = reader.text()?.len();
    let is_whole = reader.0.is_empty();
    bytes.truncate(body);
    bytes.drain(..body - text);
    index.text = String::from_utf8(bytes).ok()?;
    is_whole.then_some((origin, index))
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    fn small(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn origin(&mut self) -> Option<Origin> {
        if self.bytes(MAGIC.len())? != MAGIC {
            return None;
        }
        let mut origin = Origin::default();
        for number in &mut origin.stamp.0 {
            *number = self.number()?;
        }
        origin.sha256 = self.bytes(32)?.try_into().ok()?;
        self.text()?.clone_into(&mut origin.url);
        self.text()?.clone_into(&mut origin.validators.etag);
        self.text()?.clone_into(&mut origin.validators.last_modified);
        Some(origin)
    }
}

/// Hashes a file.
pub(crate) fn hash(path: &Path) -> std::io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher)?;
    Ok(hasher.finalize().into())
}
