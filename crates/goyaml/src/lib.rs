//! YAML and JSON as Helm reads and writes them, to the byte.

mod value;

pub use value::{Map, Value};
