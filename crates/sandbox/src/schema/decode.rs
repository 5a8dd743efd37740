//! Reads an object as its kind: finds fields that do not exist and values of the wrong type, and writes the rest as Go would
//! (empty parts left out, quantities in their one spelling).

use serde_json::{Map, Value};

use super::{Field, Omit, Scalar, Struct, Type};
use crate::quantity;

/// What is wrong with a document, apart from its type.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Paths of fields that the type does not have.
    pub(crate) unknown: Vec<String>,
}

/// Reads a value as `ty`; fields that do not exist are left out and reported.
///
/// # Errors
/// The text of Go's JSON decoder for the first value of a wrong type.
pub(crate) fn decode(value: &Value, ty: &Type, findings: &mut Findings) -> Result<Value, String> {
    let custom = matches!(ty.resolve(), Type::Struct(s) if s.source.is_some());
    let mut walk = Walk { findings, path: Vec::new(), owner: String::new(), custom };
    walk.value(value, ty)
}

/// Writes the value that Go has for a type that was given nothing; none when it writes `null` or nothing.
fn zero(ty: &Type) -> Option<Value> {
    match ty.resolve() {
        Type::Struct(s) => Some(zero_struct(s)),
        Type::Scalar(Scalar::String) => Some("".into()),
        Type::Scalar(Scalar::Bool) => Some(false.into()),
        Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString) => Some(0.into()),
        Type::Scalar(Scalar::Quantity) => Some("0".into()),
        _ => Some(Value::Null),
    }
}

fn zero_struct(s: &Struct) -> Value {
    let mut out = Map::new();
    for (name, field) in &s.fields {
        fill(&mut out, name, field);
    }
    Value::Object(out)
}

/// Puts in what Go writes for a field that is not there.
fn fill(out: &mut Map<String, Value>, name: &str, field: &Field) {
    let value = match field.omit {
        Omit::Always => zero(&field.ty),
        Omit::Empty => match field.ty.resolve() {
            Type::Struct(s) => Some(zero_struct(s)),
            Type::Scalar(Scalar::Time) => Some(Value::Null),
            _ => None,
        },
        Omit::Nil | Omit::Zero => None,
    };
    if let Some(value) = value {
        out.insert(name.to_owned(), value);
    }
}

fn is_empty(value: &Value, ty: &Type) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_f64() == Some(0.0) && !matches!(ty.resolve(), Type::Scalar(Scalar::IntOrString)),
        Value::String(s) => s.is_empty() && !matches!(ty.resolve(), Type::Scalar(Scalar::IntOrString)),
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty() && matches!(ty.resolve(), Type::Map(_)),
    }
}

struct Walk<'a> {
    findings: &'a mut Findings,
    path: Vec<String>,
    /// Go's name of the struct we are in.
    owner: String,
    /// A custom resource: values of the wrong type are left to its schema to judge, and stay as they are.
    custom: bool,
}

impl Walk<'_> {
    fn at(&self, more: &str) -> String {
        let mut out = String::new();
        for part in self.path.iter().map(|p| p.trim_start_matches('\0')).chain([more]) {
            if !out.is_empty() && !part.starts_with('[') && !part.is_empty() {
                out.push('.');
            }
            out.push_str(part);
        }
        out
    }

    fn value(&mut self, value: &Value, ty: &Type) -> Result<Value, String> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        match ty.resolve() {
            Type::Scalar(_) if self.custom => Ok(value.clone()),
            Type::List(_) if self.custom && !value.is_array() => Ok(value.clone()),
            Type::Map(_) | Type::Struct(_) if self.custom && !value.is_object() => Ok(value.clone()),
            Type::Any | Type::Named(_) | Type::Atomic(_) => Ok(value.clone()),
            Type::Scalar(scalar) => self.scalar(value, *scalar),
            Type::List(list) => {
                let Value::Array(items) = value else { return Err(self.mismatch(value, &go_name(ty))) };
                let mut out = Vec::with_capacity(items.len());
                for (i, item) in items.iter().enumerate() {
                    self.path.push(format!("[{i}]"));
                    let item = self.value(item, &list.element)?;
                    self.path.pop();
                    out.push(if item.is_null() { zero(&list.element).unwrap_or(Value::Null) } else { item });
                }
                Ok(Value::Array(out))
            }
            Type::Map(map) => {
                let Value::Object(items) = value else { return Err(self.mismatch(value, &go_name(ty))) };
                let mut out = Map::new();
                for (key, item) in items {
                    // A key of a map is part of the way to an unknown field, and not of Go's name for a place.
                    self.path.push(format!("\0{key}"));
                    let item = self.value(item, &map.element)?;
                    self.path.pop();
                    out.insert(
                        key.clone(),
                        if item.is_null() { zero(&map.element).unwrap_or(Value::Null) } else { item },
                    );
                }
                Ok(Value::Object(out))
            }
            Type::Struct(s) => self.structure(value, s),
        }
    }

    fn structure(&mut self, value: &Value, s: &Struct) -> Result<Value, String> {
        let Value::Object(items) = value else { return Err(self.mismatch(value, &go_struct(&s.name))) };
        let mut out = Map::new();
        let outer = std::mem::replace(&mut self.owner, s.name.clone());
        // The metadata of a custom resource is a type of Kubernetes'.
        let custom = std::mem::replace(&mut self.custom, s.source.is_some());
        for (key, item) in items {
            let Some(field) = s.fields.get(key) else {
                if s.open {
                    out.insert(key.clone(), item.clone());
                } else {
                    let path = self.at(key);
                    self.findings.unknown.push(path);
                }
                continue;
            };
            self.path.push(key.clone());
            let item = self.value(item, &field.ty)?;
            self.path.pop();
            let keep = match field.omit {
                _ if s.source.is_some() => true,
                Omit::Always | Omit::Nil => !item.is_null(),
                Omit::Empty | Omit::Zero => !is_empty(&item, &field.ty),
            };
            if keep {
                out.insert(key.clone(), item);
            }
        }
        for (name, field) in &s.fields {
            if !out.contains_key(name) && s.source.is_none() {
                fill(&mut out, name, field);
            }
        }
        self.owner = outer;
        self.custom = custom;
        Ok(Value::Object(out))
    }

    fn scalar(&self, value: &Value, scalar: Scalar) -> Result<Value, String> {
        let fits = match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Time => value.is_string(),
            Scalar::Bool => value.is_boolean(),
            Scalar::Int32 => match value.as_i64() {
                Some(n) if i32::try_from(n).is_err() => {
                    return Err(format!(
                        "json: cannot unmarshal number {n} into Go struct field {} of type int32",
                        self.place()
                    ));
                }
                Some(_) => true,
                None => whole(value).is_some_and(|n| i32::try_from(n).is_ok()),
            },
            Scalar::Int64 => value.is_i64() || whole(value).is_some(),
            Scalar::Float => value.is_number(),
            Scalar::Quantity => value.is_string() || value.is_number(),
            Scalar::IntOrString => value.is_string() || value.is_i64() || whole(value).is_some(),
        };
        if !fits {
            if let (Scalar::Int32 | Scalar::Int64, Value::Number(n)) = (scalar, value) {
                let name = scalar_name(scalar);
                let place = self.place();
                return Err(format!("json: cannot unmarshal number {n} into Go struct field {place} of type {name}"));
            }
            return Err(self.mismatch(value, scalar_name(scalar)));
        }
        match (scalar, value) {
            (Scalar::Quantity, Value::String(text)) if text.is_empty() => Ok("0".into()),
            (Scalar::Quantity, Value::String(text)) => match quantity::canonical(text) {
                Some(text) => Ok(text.into()),
                None => Err(QUANTITY.to_owned()),
            },
            (Scalar::Quantity, Value::Number(number)) => match quantity::canonical(&number.to_string()) {
                Some(text) => Ok(text.into()),
                None => Err(QUANTITY.to_owned()),
            },
            (Scalar::Time, Value::String(text)) if !text.is_empty() => match text.parse::<jiff::Timestamp>() {
                Ok(_) => Ok(value.clone()),
                Err(_) => Err(format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                )),
            },
            (Scalar::Time, Value::String(_)) => Ok(Value::Null),
            (Scalar::Bytes, Value::String(text)) => check_base64(text).map(|()| value.clone()),
            (Scalar::Int32 | Scalar::Int64 | Scalar::IntOrString, Value::Number(_)) => {
                Ok(whole(value).map_or_else(|| value.clone(), Value::from))
            }
            _ => Ok(value.clone()),
        }
    }

    /// `DeploymentSpec.spec.replicas`: the struct that has the field, and the way to it.
    fn place(&self) -> String {
        let path: Vec<&str> = self.path.iter().map(String::as_str).filter(|p| !p.starts_with(['[', '\0'])).collect();
        format!("{}.{}", self.owner, path.join("."))
    }

    fn mismatch(&self, value: &Value, go: &str) -> String {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if self.path.is_empty() {
            return format!("json: cannot unmarshal {found} into Go value of type {go}");
        }
        format!("json: cannot unmarshal {found} into Go struct field {} of type {go}", self.place())
    }
}

/// What `resource.ParseQuantity` says.
pub(crate) const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

fn check_base64(text: &str) -> Result<(), String> {
    let clean: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let bad = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let data = clean.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/')));
    match data {
        None if clean.len().is_multiple_of(4) => Ok(()),
        None => bad(clean.len() - clean.len() % 4),
        Some(at) => {
            let padding = &clean[at..];
            let fine = padding.iter().all(|b| *b == b'=') && padding.len() <= 2 && clean.len().is_multiple_of(4);
            if fine { Ok(()) } else { bad(at) }
        }
    }
}

fn whole(value: &Value) -> Option<i64> {
    if let Some(n) = value.as_i64() {
        return Some(n);
    }
    let float = value.as_f64()?;
    // Only what fits without loss: 2^53.
    (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "string",
        Scalar::Bool => "bool",
        Scalar::Int32 => "int32",
        Scalar::Int64 => "int64",
        Scalar::Float => "float64",
        Scalar::Bytes => "[]uint8",
        Scalar::Time => "v1.Time",
        Scalar::Quantity => "resource.Quantity",
        Scalar::IntOrString => "int32",
    }
}

fn go_struct(name: &str) -> String {
    format!("v1.{name}")
}

fn go_name(ty: &Type) -> String {
    match ty.resolve() {
        Type::Scalar(scalar) => scalar_name(*scalar).to_owned(),
        Type::List(list) => format!("[]{}", go_name(&list.element)),
        Type::Map(map) => format!("map[string]{}", go_name(&map.element)),
        Type::Struct(s) => go_struct(&s.name),
        _ => "interface {}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::BUILTIN;

    fn read(kind: (&str, &str, &str), value: Value) -> (Result<Value, String>, Vec<String>) {
        let mut findings = Findings::default();
        let out = decode(&value, &BUILTIN.kind(kind.0, kind.1, kind.2).unwrap(), &mut findings);
        (out, findings.unknown)
    }

    #[test]
    fn unknown_fields_are_found_with_their_path() {
        let (out, unknown) = read(
            ("apps", "v1", "Deployment"),
            json!({
                "spec": {"nope": 1, "template": {"spec": {"containers": [{"name": "a", "imag": "x", "resources": {"limits": {"cpu": 0.5}}}]}}}
            }),
        );
        assert_eq!(unknown, ["spec.nope", "spec.template.spec.containers[0].imag"]);
        let out = out.unwrap();
        let container = &out["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container, &json!({"name": "a", "resources": {"limits": {"cpu": "500m"}}}));
        assert_eq!(out["status"], json!({}));
    }

    #[test]
    fn wrong_types_speak_as_go_does() {
        let (out, _) = read(("apps", "v1", "Deployment"), json!({"spec": {"replicas": "two"}}));
        assert_eq!(
            out.unwrap_err(),
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        let (out, _) = read(("", "v1", "ConfigMap"), json!({"data": {"a": 1}}));
        assert_eq!(
            out.unwrap_err(),
            "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"
        );
    }

    #[test]
    fn base64_is_checked() {
        for (text, fine) in [("YQ==", true), ("YWI=", true), ("YWJj", true), ("", true), ("YQ", false), ("a b", false)]
        {
            assert_eq!(check_base64(text).is_ok(), fine, "{text}");
        }
    }
}
