//! JSON as Go's `encoding/json` reads and writes it.

mod read;
mod write;

pub use read::{from_json, from_json_keep_ints, from_json_map, from_json_partial, from_json_seq};
pub(crate) use read::{into_map, into_seq};
pub use write::{JsonWriter, to_json, to_json_pretty, to_json_raw};
