//! JSON helpers: reading with duplicate keys noticed, and getting at parts of an object.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// An object as it travels.
pub(crate) type Object = Map<String, Value>;

/// A document and the keys in it that are there twice, as `spec.containers[0].name`.
pub(crate) struct Parsed {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// Reads JSON; of a key that is there twice the last one counts.
pub(crate) fn parse(bytes: &[u8]) -> std::result::Result<Parsed, String> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let duplicates = RefCell::new(Vec::new());
    let seed = Seed { path: String::new(), duplicates: &duplicates };
    let value = seed.deserialize(&mut reader).map_err(|e| e.to_string())?;
    reader.end().map_err(|e| e.to_string())?;
    Ok(Parsed { value, duplicates: duplicates.into_inner() })
}

struct Seed<'a> {
    path: String,
    duplicates: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        while let Some(item) =
            seq.next_element_seed(Seed { path: format!("{}[{}]", self.path, out.len()), duplicates: self.duplicates })?
        {
            out.push(item);
        }
        Ok(Value::Array(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if out.contains_key(&key) {
                self.duplicates.borrow_mut().push(path.clone());
            }
            let value = map.next_value_seed(Seed { path, duplicates: self.duplicates })?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

/// The value at a path of keys, if it is there and not null.
pub(crate) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    let mut here = value;
    for key in path {
        here = here.get(*key)?;
    }
    (!here.is_null()).then_some(here)
}

/// The text at a path; empty when it is not there.
pub(crate) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path.
pub(crate) fn int(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// The list at a path; empty when it is not there.
pub(crate) fn list<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The map inside, made one when it is something else.
pub(crate) fn object_mut(value: &mut Value) -> &mut Object {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        // Made a map two lines above.
        _ => unreachable!("a map"),
    }
}

/// The map under a key, made when it is not there.
pub(crate) fn child<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    let slot = object_mut(value).entry(key.to_owned()).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot
}

/// Puts a value at a path, making the maps on the way.
pub(crate) fn set(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    let Some((last, way)) = path.split_last() else { return };
    let mut here = value;
    for key in way {
        here = child(here, key);
    }
    object_mut(here).insert((*last).to_owned(), new.into());
}

/// Puts a value at a path when nothing is there.
pub(crate) fn set_default(value: &mut Value, path: &[&str], new: impl Into<Value>) {
    if at(value, path).is_none() {
        set(value, path, new);
    }
}

/// Takes away what stands at a path.
pub(crate) fn remove(value: &mut Value, path: &[&str]) -> Option<Value> {
    let (last, way) = path.split_last()?;
    let mut here = value;
    for key in way {
        here = here.get_mut(*key)?;
    }
    here.as_object_mut()?.remove(*last)
}

/// The list under a key, for change; none when there is none.
pub(crate) fn list_mut<'a>(value: &'a mut Value, path: &[&str]) -> Option<&'a mut Vec<Value>> {
    let mut here = value;
    for key in path {
        here = here.get_mut(*key)?;
    }
    here.as_array_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_keys_are_noticed_and_the_last_counts() {
        let parsed = parse(br#"{"a":{"b":1,"b":2},"l":[{"x":1,"x":1}]}"#).unwrap();
        assert_eq!(parsed.duplicates, ["a.b", "l[0].x"]);
        assert_eq!(parsed.value["a"]["b"], 2);
        assert!(parse(b"{} x").is_err());
    }
}
