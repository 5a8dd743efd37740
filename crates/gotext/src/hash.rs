//! A quick hash for tables whose keys a chart chooses among few: names of templates and texts of `tpl`.
//!
//! It does not defend against keys made to collide; a table of one render is all that could be slowed by them.

use std::hash::{BuildHasherDefault, Hasher};

/// The state of the hash: multiply and rotate, eight bytes at a time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Quick(u64);

/// A map with the quick hash.
pub(crate) type QuickMap<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Quick>>;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

impl Quick {
    #[inline]
    fn add(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0u8; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        self.add(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
    }

    #[inline]
    fn write_usize(&mut self, n: usize) {
        self.add(n as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}
