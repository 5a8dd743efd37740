//! Values: bringing defaults and given values together, subcharts on and off, tables by path.

mod coalesce;
mod dependencies;
mod tree;

pub use coalesce::{
    CoalesceError, Coalesced, GLOBAL, coalesce, coalesce_tables, coalesce_tables_warned, coalesce_values, merge_tables,
    merge_values,
};
pub use dependencies::process_dependencies;
use goyaml::{Map, Value};

use crate::text::quote;

/// Why a path does not lead to what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The key does not hold a table.
    #[error("{} is not a table", quote(.0))]
    NoTable(String),
    /// The key does not hold a value, or holds a table.
    #[error("{} is not a value", quote(.0))]
    NoValue(String),
}

/// Gives the table at a dotted path (as Helm 4.3: `common.Values.Table`).
///
/// # Errors
/// Names the key that is no table.
pub fn table<'a>(values: &'a Map, path: &str) -> Result<&'a Map, PathError> {
    path.split('.').try_fold(values, |table, key| match table.get(key) {
        Some(Value::Map(inner)) => Ok(inner),
        _ => Err(PathError::NoTable(key.to_owned())),
    })
}

/// Gives the value at a dotted path, unless it is a table (as Helm 4.3: `common.Values.PathValue`).
#[must_use]
pub fn path_value<'a>(values: &'a Map, path: &str) -> Option<&'a Value> {
    let value = match path.rsplit_once('.') {
        Some((parent, key)) => table(values, parent).ok()?.get(key)?,
        None => values.get(path)?,
    };
    (!matches!(value, Value::Map(_))).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let values: Map = serde_json::from_str(r#"{"a":{"b":{"c":1}},"n":null}"#).unwrap();
        assert_eq!(path_value(&values, "a.b.c"), Some(&Value::Float(1.0)));
        assert_eq!(path_value(&values, "a.b"), None);
        assert_eq!(path_value(&values, "n"), Some(&Value::Null));
        assert_eq!(table(&values, "a.x").unwrap_err().to_string(), "\"x\" is not a table");
    }
}
