//! The room behind the end of Go's slices, which `reflect.Value.Slice` cuts into: how much there is follows from how a
//! slice was made (as Go 1.26: `runtime/slice.go growslice`, `runtime/sizeclasses.go`).

use crate::{GoType, Value};

/// What is behind the end of a slice.
#[derive(Clone, Copy, Debug, Default)]
pub enum Room<'a> {
    /// Nothing.
    #[default]
    None,
    /// What `append` has reserved, which was called for one element after the other, first with this capacity.
    Appended(usize),
    /// What `append` has reserved that added all that goes beyond this capacity at once.
    Joined(usize),
    /// Zeros, up to this capacity.
    Reserved(usize),
    /// Elements of a larger slice of which this is a part, and what that one has behind its end.
    Part {
        /// The elements from the beginning of the part.
        known: &'a [Value<'a>],
        /// The capacity, counted from the beginning of the part.
        capacity: usize,
    },
}

impl Room<'_> {
    /// The capacity of a slice of so many elements of a type.
    pub(crate) fn capacity(&self, elem: GoType, len: usize) -> usize {
        match *self {
            Self::None => len,
            Self::Appended(mut capacity) => {
                while capacity < len {
                    capacity = grown(elem, capacity, capacity + 1);
                }
                capacity
            }
            Self::Joined(capacity) if len <= capacity => capacity,
            Self::Joined(capacity) => grown(elem, capacity, len),
            Self::Reserved(capacity) | Self::Part { capacity, .. } => capacity,
        }
    }
}

/// Slices double up to here.
const DOUBLE: usize = 256;
/// What has pointers and is larger than this has a header.
const HEADER_FROM: usize = 512;
const HEADER: usize = 8;
const PAGE: usize = 8192;

/// The sizes of memory that Go gives out; larger ones are whole pages.
const CLASSES: &[usize] = &[
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
    512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
    5120, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072,
    20480, 21760, 24576, 27264, 28672, 32768,
];

/// The capacity after `append` has made a slice larger than it was.
fn grown(elem: GoType, old: usize, len: usize) -> usize {
    let mut capacity = old.saturating_mul(2);
    if len > capacity {
        capacity = len;
    } else if old >= DOUBLE {
        capacity = old;
        while capacity < len {
            capacity = capacity.saturating_add(capacity.saturating_add(3 * DOUBLE) / 4);
        }
    }
    let (size, has_pointers) = layout(elem);
    let wanted = capacity.saturating_mul(size);
    let header = if has_pointers && wanted > HEADER_FROM { HEADER } else { 0 };
    let largest = CLASSES.last().copied().unwrap_or_default();
    let given = if wanted + HEADER > largest {
        wanted.saturating_add(PAGE - 1) / PAGE * PAGE
    } else {
        let fits = |class: &&usize| **class >= wanted + header;
        CLASSES.iter().find(fits).map_or(wanted, |class| class - header)
    };
    given / size
}

/// The size of an element in bytes, and whether it has pointers.
fn layout(elem: GoType) -> (usize, bool) {
    match elem {
        GoType::Bool | GoType::Int8 | GoType::Uint8 => (1, false),
        GoType::Int16 | GoType::Uint16 => (2, false),
        GoType::Int32 | GoType::Uint32 | GoType::Float32 => (4, false),
        GoType::Int | GoType::Int64 | GoType::Uint | GoType::Uint64 | GoType::Float64 => (8, false),
        GoType::Any | GoType::Named(_) | GoType::String => (16, true),
        GoType::List | GoType::Strings | GoType::Bytes => (24, true),
        GoType::Map | GoType::StringMap | GoType::NamedMap(_) => (8, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As helm-oracle says of `slice` over lists of `until`, `compact` and `.Values`.
    #[test]
    fn lists_grow_as_gos() {
        let one_by_one = |elem, len| Room::Appended(0).capacity(elem, len);
        for (elem, len, want) in [
            (GoType::Any, 1, 1),
            (GoType::Any, 3, 4),
            (GoType::Any, 5, 8),
            (GoType::Any, 33, 71),
            (GoType::Int, 10, 16),
            (GoType::Int, 33, 64),
            (GoType::Int, 600, 848),
            (GoType::String, 3, 4),
        ] {
            assert_eq!(one_by_one(elem, len), want, "{len} of {elem:?}");
        }
        assert_eq!(Room::Joined(3).capacity(GoType::Any, 4), 6);
        assert_eq!(Room::Joined(1).capacity(GoType::Any, 5), 5);
        assert_eq!(Room::Appended(10).capacity(GoType::String, 11), 20);
        assert_eq!(Room::None.capacity(GoType::Any, 3), 3);
    }
}
