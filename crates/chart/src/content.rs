//! The bytes of a file, or where they can be had.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

/// The content of a file.
///
/// Large files that most uses of a chart never look at (the CRDs of an archive) stay packed until somebody does; then all
/// of their archive are unpacked once.
#[derive(Clone)]
pub struct Content(Place);

#[derive(Clone)]
enum Place {
    Here(Bytes),
    Packed { archive: Arc<Packed>, entry: usize, len: usize },
}

/// An archive with files that have not been unpacked.
pub(crate) struct Packed {
    archive: Bytes,
    unpack: fn(&[u8]) -> HashMap<usize, Bytes>,
    unpacked: OnceLock<HashMap<usize, Bytes>>,
}

impl Packed {
    /// Keeps an archive, and how its packed entries are read: by their number in it.
    pub(crate) fn new(archive: Bytes, unpack: fn(&[u8]) -> HashMap<usize, Bytes>) -> Self {
        Self { archive, unpack, unpacked: OnceLock::new() }
    }
}

impl Content {
    /// The content of an entry that stays in its archive.
    pub(crate) fn packed(archive: &Arc<Packed>, entry: usize, len: usize) -> Self {
        Self(Place::Packed { archive: Arc::clone(archive), entry, len })
    }

    /// The bytes, unpacked if they were not yet.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        match &self.0 {
            Place::Here(bytes) => bytes,
            // The archive was read once from the same bytes, so the entry is there.
            Place::Packed { archive, entry, .. } => {
                let unpacked = archive.unpacked.get_or_init(|| (archive.unpack)(&archive.archive));
                unpacked.get(entry).unwrap_or(&NOTHING)
            }
        }
    }

    /// The number of bytes, for which nothing is unpacked.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Place::Here(bytes) => bytes.len(),
            Place::Packed { len, .. } => *len,
        }
    }

    /// Tells whether there is nothing in the file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Content {
    fn default() -> Self {
        Self(Place::Here(Bytes::new()))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes()
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

impl<B: Into<Bytes>> From<B> for Content {
    fn from(bytes: B) -> Self {
        Self(Place::Here(bytes.into()))
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.bytes() == other.bytes()
    }
}

impl Eq for Content {}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Here(bytes) => bytes.fmt(f),
            Place::Packed { entry, len, .. } => write!(f, "entry {entry} of an archive, {len} bytes"),
        }
    }
}
