//! Reading YAML: `sigs.k8s.io/yaml` `Unmarshal` and its variants.

use super::{compose, decode, exact, quick};
use crate::error::Error;
use crate::json::{into_map, into_seq};
use crate::value::{Map, Value};

/// Reads the first document as `sigs.k8s.io/yaml` `Unmarshal` into an `interface{}`: every number is a float, keys
/// are strings, of duplicate keys the last one counts.
///
/// # Errors
/// With Go's text, for example `error converting YAML to JSON: yaml: line 3: did not find expected key`.
pub fn from_yaml(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    read(text.as_ref(), false).map_err(Error::in_unmarshal)
}

/// Reads as [`from_yaml`] and keeps integers as go-yaml finds them, for decoding into fields of Go's integer and
/// string types (see [`Value::scalar_text`]).
pub fn from_yaml_keep_ints(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    read(text.as_ref(), true).map_err(Error::in_unmarshal)
}

/// Reads as [`from_yaml_keep_ints`] into a struct of Go: of a mapping at the top gives only the entries whose keys are
/// `wanted`, though all of the text is checked. `is_text` tells by its path, the keys from the top, whether a field is a
/// text, which `.inf` and `.nan` may be, for which JSON has no number.
///
/// # Errors
/// As [`from_yaml`].
pub fn from_yaml_some(
    text: impl AsRef<[u8]>,
    wanted: impl Fn(&str) -> bool,
    is_text: impl Fn(&[String]) -> bool,
) -> Result<Value, Error> {
    if let Some(map) = quick::read_some(text.as_ref(), true, &wanted) {
        return Ok(Value::Map(map));
    }
    let document = compose::compose(text.as_ref()).map_err(Error::in_unmarshal)?;
    let mut value = match decode::decode(&document, true) {
        Ok(value) => value,
        Err(decode::Odd) => exact::decode_into(&document, true, false, &is_text).map_err(Error::in_unmarshal)?,
    };
    if let Value::Map(map) = &mut value {
        map.retain(|key, _| wanted(key));
    }
    Ok(value)
}

/// Reads as [`from_yaml`] into a `map[string]interface {}`; nothing and `null` are an empty one.
pub fn from_yaml_map(text: impl AsRef<[u8]>) -> Result<Map, Error> {
    read(text.as_ref(), false).and_then(into_map).map_err(Error::in_unmarshal)
}

/// Reads as [`from_yaml`] into a `[]interface {}`; nothing and `null` are an empty one.
pub fn from_yaml_seq(text: impl AsRef<[u8]>) -> Result<Vec<Value>, Error> {
    read(text.as_ref(), false).and_then(into_seq).map_err(Error::in_unmarshal)
}

/// Reads as `sigs.k8s.io/yaml` `UnmarshalStrict`: a key that comes twice in a mapping is an error, and all such are
/// reported. Integers are kept, as by [`from_yaml_keep_ints`].
pub fn from_yaml_strict(text: impl AsRef<[u8]>) -> Result<Value, Error> {
    if let Some(map) = quick::read_strict(text.as_ref()) {
        return Ok(Value::Map(map));
    }
    let document = compose::compose(text.as_ref()).map_err(Error::in_unmarshal)?;
    exact::decode(&document, true, true).map_err(Error::in_unmarshal)
}

/// Reads the first document; errors without the words of `sigs.k8s.io/yaml` around them.
fn read(text: &[u8], keep_ints: bool) -> Result<Value, Error> {
    if let Some(map) = quick::read(text, keep_ints) {
        return Ok(Value::Map(map));
    }
    let document = compose::compose(text)?;
    match decode::decode(&document, keep_ints) {
        Ok(value) => Ok(value),
        Err(decode::Odd) => exact::decode(&document, keep_ints, false),
    }
}

/// Reads JSON text the way `JSONToYAML` does: as YAML that keeps integers.
pub(super) fn from_json_text(text: &[u8]) -> Result<Value, Error> {
    read(text, true)
}
