//! The owned tree that YAML and JSON are read into.

use std::collections::BTreeMap;

/// A mapping; keys are kept sorted, as Go prints them.
pub type Map = BTreeMap<String, Value>;

/// A parsed document, as Go's `interface{}` holds what `encoding/json` decoded.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, or nothing at all.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A signed integer (Go `int64`); only where a reader keeps integers, or `--set` made one.
    Int(i64),
    /// An unsigned integer above `i64::MAX`.
    Uint(u64),
    /// A number (Go `float64`): every number of a values file, since Helm reads YAML through JSON.
    Float(f64),
    /// A string.
    Str(String),
    /// A sequence.
    Seq(Vec<Value>),
    /// A mapping with string keys.
    Map(Map),
}
