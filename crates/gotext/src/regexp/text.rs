//! The text that an expression is matched against.

use std::borrow::Cow;
use std::ops::Range;

use crate::strconv::decode_rune;

/// A text as Go's `regexp` sees it: a byte that is no UTF-8 is matched as if it were U+FFFD.
pub(super) struct Text<'t> {
    original: &'t [u8],
    seen: Cow<'t, [u8]>,
    /// For each byte seen (and the end) the place in the original; empty where both are the same.
    places: Vec<usize>,
}

impl<'t> Text<'t> {
    pub(super) fn new(original: &'t [u8]) -> Self {
        if std::str::from_utf8(original).is_ok() {
            return Self { original, seen: Cow::Borrowed(original), places: Vec::new() };
        }
        let (mut seen, mut places) = (Vec::with_capacity(original.len() + 16), Vec::with_capacity(original.len() + 16));
        let mut at = 0;
        while let Some(rest) = original.get(at..).filter(|rest| !rest.is_empty()) {
            let (rune, width) = decode_rune(rest);
            if (rune, width) == (0xFFFD, 1) {
                seen.extend_from_slice("\u{FFFD}".as_bytes());
                places.extend_from_slice(&[at, at, at]);
            } else {
                seen.extend_from_slice(rest.get(..width).unwrap_or(&[]));
                places.extend(at..at + width);
            }
            at += width.max(1);
        }
        places.push(at);
        Self { original, seen: Cow::Owned(seen), places }
    }

    /// What to search in.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// Where a range that was found lies in the original.
    pub(super) fn range(&self, found: Range<usize>) -> Range<usize> {
        if self.places.is_empty() {
            return found;
        }
        let place = |at: usize| self.places.get(at).copied().unwrap_or(self.original.len());
        place(found.start)..place(found.end)
    }

    /// A piece of the original.
    pub(super) fn piece(&self, found: Range<usize>) -> &'t [u8] {
        self.original.get(self.range(found)).unwrap_or(&[])
    }
}
