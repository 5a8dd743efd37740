//! YAML and JSON as Helm reads and writes them, to the byte.
//!
//! Helm reads YAML with `sigs.k8s.io/yaml`: the YAML 1.1 of go-yaml v2 is turned into JSON, and that is decoded as
//! `encoding/json` does. It writes by the same way back (`toYaml`), or with go-yaml v3 (`toYamlPretty`).
//!
//! * [`from_yaml`], [`from_yaml_map`], [`from_yaml_seq`], [`from_yaml_strict`], [`from_yaml_keep_ints`],
//!   [`from_yaml_some`] read YAML;
//!   [`split_documents`] takes a stream apart and [`load_values`] reads a whole values file;
//! * [`from_json`], [`from_json_map`], [`from_json_seq`], [`from_json_keep_ints`] read JSON;
//! * [`to_yaml`], [`to_yaml_pretty`], [`to_json`], [`to_json_raw`], [`to_json_pretty`] write whatever can [`Emit`]
//!   itself into a [`Sink`]: a [`Value`], or a caller's own tree.

mod emit;
mod error;
mod float;
mod json;
mod order;
mod serde_impl;
mod unicode;
mod utf8;
mod value;
mod yaml;

pub use emit::{Emit, Sink};
pub use error::{Error, ErrorKind};
pub use float::{format_float_g, format_float_g32, format_float_json};
pub use json::{
    JsonWriter, from_json, from_json_keep_ints, from_json_map, from_json_partial, from_json_seq, to_json,
    to_json_pretty, to_json_raw,
};
pub use order::KeyOrder;
pub use value::{Map, Value};
pub use yaml::{
    YamlWriter, from_yaml, from_yaml_keep_ints, from_yaml_map, from_yaml_seq, from_yaml_some, from_yaml_strict,
    load_values, merge_maps, split_documents, to_yaml, to_yaml_pretty,
};

/// The depth of sequences and mappings in each other that a reader accepts; Go stops at 10,000, where our stack would
/// be at risk.
pub const MAX_DEPTH: usize = 1_000;
