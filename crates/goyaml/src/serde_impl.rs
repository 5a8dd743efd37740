//! `serde` for [`Value`]: JSON both ways.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::value::{Map, Value};

impl Serialize for Value {
    /// Says integral floats as integers, as Go's `encoding/json` prints them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(b) => serializer.serialize_bool(*b),
            Self::Int(i) => serializer.serialize_i64(*i),
            Self::Uint(u) => serializer.serialize_u64(*u),
            Self::Float(f) => match self.as_i64() {
                Some(i) => serializer.serialize_i64(i),
                None => serializer.serialize_f64(*f),
            },
            Self::Str(s) => serializer.serialize_str(s),
            Self::Seq(items) => serializer.collect_seq(items),
            Self::Map(map) => serializer.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// Takes every number as a float, as Go decodes JSON into an `interface{}`;
    /// [`crate::from_json_keep_ints`] keeps integers.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Float(v as f64))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Float(v as f64))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::Str(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::Str(v))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::with_capacity(access.size_hint().unwrap_or(0).min(1024));
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = access.next_entry::<String, Value>()? {
            map.insert(key, value);
        }
        Ok(Value::Map(map))
    }
}

impl From<serde_json::Value> for Value {
    /// Takes every number as a float, as Go decodes JSON into an `interface{}`.
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(b) => Self::Bool(b),
            serde_json::Value::Number(n) => Self::Float(n.as_f64().unwrap_or_default()),
            serde_json::Value::String(s) => Self::Str(s),
            serde_json::Value::Array(items) => Self::Seq(items.into_iter().map(Into::into).collect()),
            serde_json::Value::Object(map) => Self::Map(map.into_iter().map(|(k, v)| (k, v.into())).collect()),
        }
    }
}

impl From<&Value> for serde_json::Value {
    /// Makes integral floats integers, as Go prints them; what JSON has no number for becomes `null`.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(i) => Self::from(*i),
            Value::Uint(u) => Self::from(*u),
            Value::Float(f) => value.as_i64().map_or_else(|| Self::from(*f), Self::from),
            Value::Str(s) => Self::String(s.clone()),
            Value::Seq(items) => Self::Array(items.iter().map(Into::into).collect()),
            Value::Map(map) => Self::Object(map.iter().map(|(k, v)| (k.clone(), v.into())).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways() {
        let value: Value = serde_json::from_str(r#"{"a":1,"b":[1.5,null,true,"x"],"c":{}}"#).unwrap();
        assert_eq!(value.get("a"), Some(&Value::Float(1.0)));
        assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"a":1,"b":[1.5,null,true,"x"],"c":{}}"#);
        let tree = serde_json::Value::from(&value);
        assert_eq!(tree.to_string(), r#"{"a":1,"b":[1.5,null,true,"x"],"c":{}}"#);
        assert_eq!(Value::from(tree), value);
    }
}
