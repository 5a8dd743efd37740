//! The owned tree that YAML and JSON are read into.

use std::collections::BTreeMap;

use crate::float::format_float_g32;

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

impl Value {
    /// Returns the string, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }

    /// Returns the boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// Returns the number as an `i64`, if it is one without loss.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(i) => Some(*i),
            Self::Uint(u) => i64::try_from(*u).ok(),
            // Both bounds are exact as floats; the upper one is 2^63 itself and out of range.
            Self::Float(f)
                if f.trunc() == *f && *f >= -9_223_372_036_854_775_808.0 && *f < 9_223_372_036_854_775_808.0 =>
            {
                Some(*f as i64)
            }
            _ => None,
        }
    }

    /// Returns the number as Go's `float64`, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(i) => Some(*i as f64),
            Self::Uint(u) => Some(*u as f64),
            Self::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// Returns the sequence, if it is one.
    pub fn as_seq(&self) -> Option<&[Value]> {
        match self {
            Self::Seq(s) => Some(s),
            _ => None,
        }
    }

    /// Returns the sequence to change, if it is one.
    pub fn as_seq_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::Seq(s) => Some(s),
            _ => None,
        }
    }

    /// Returns the mapping, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// Returns the mapping to change, if it is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// Takes the mapping out, if it is one.
    pub fn into_map(self) -> Option<Map> {
        match self {
            Self::Map(m) => Some(m),
            _ => None,
        }
    }

    /// Tells whether it is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Returns the value under `key`, if it is a mapping that has the key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Returns the value at the end of `path`, following one key of a mapping after the other.
    pub fn get_path<K: AsRef<str>>(&self, path: impl IntoIterator<Item = K>) -> Option<&Value> {
        path.into_iter().try_fold(self, |value, key| value.get(key.as_ref()))
    }

    /// Returns the text that `sigs.k8s.io/yaml` puts into a Go `string` field for this scalar: numbers and booleans
    /// are printed (floats with the precision of a `float32`), strings are taken, `null` is no text.
    ///
    /// To be right about integers the value must come from [`crate::from_yaml_keep_ints`].
    pub fn scalar_text(&self) -> Option<String> {
        Some(match self {
            Self::Str(s) => s.clone(),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Uint(u) => u.to_string(),
            Self::Float(f) => format_float_g32(*f),
            Self::Null | Self::Seq(_) | Self::Map(_) => return None,
        })
    }

    /// Returns Go's name for what this is in JSON, as `json: cannot unmarshal NAME into ...` prints it.
    pub fn json_kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) | Self::Float(_) => "number",
            Self::Str(_) => "string",
            Self::Seq(_) => "array",
            Self::Map(_) => "object",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Uint(value), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Str(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Str(value)
    }
}

impl From<Map> for Value {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(value: Vec<T>) -> Self {
        Self::Seq(value.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self::Map(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_conversions() {
        let value: Value = [("a", Value::from_iter([("b", 1)]))].into_iter().collect();
        assert_eq!(value.get_path(["a", "b"]), Some(&Value::Int(1)));
        assert_eq!(value.get_path(["a", "b", "c"]), None);
        assert_eq!(Value::from(vec!["x"]), Value::Seq(vec![Value::Str("x".into())]));
        assert_eq!(Value::from(None::<bool>), Value::Null);
        assert_eq!(Value::from(u64::MAX), Value::Uint(u64::MAX));
        assert_eq!(Value::from(7u64), Value::Int(7));
    }

    #[test]
    fn numbers_without_loss() {
        assert_eq!(Value::Float(3.0).as_i64(), Some(3));
        assert_eq!(Value::Float(3.5).as_i64(), None);
        assert_eq!(Value::Float(9_223_372_036_854_775_808.0).as_i64(), None);
        assert_eq!(Value::Float(f64::NAN).as_i64(), None);
    }

    #[test]
    fn a_string_field_takes_scalars() {
        // As `appVersion: 1.10` becomes "1.1" in Helm's chart metadata.
        assert_eq!(Value::Float(1.10).scalar_text().as_deref(), Some("1.1"));
        assert_eq!(Value::Float(1e6).scalar_text().as_deref(), Some("1e+06"));
        assert_eq!(Value::Int(12_345_678).scalar_text().as_deref(), Some("12345678"));
        assert_eq!(Value::Null.scalar_text(), None);
    }
}
