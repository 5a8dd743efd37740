//! Kubernetes' protobuf: typed clients such as Helm's send the objects of built-in kinds in it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::{BUILTIN, Field, Scalar, Type};
use crate::clock::rfc3339;

/// What every document begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Messages may stand in each other this deep.
const DEEPEST: usize = 100;

/// Reads a document as JSON has it.
///
/// # Errors
/// The bytes are no such document, or of a kind that nobody knows.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, String> {
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    let mut envelope = Reader(body);
    while let Some((number, part)) = envelope.next()? {
        match (number, part) {
            (1, Part::Bytes(meta)) => {
                let mut meta = Reader(meta);
                while let Some((number, part)) = meta.next()? {
                    match (number, part) {
                        (1, Part::Bytes(b)) => api_version = text(b)?,
                        (2, Part::Bytes(b)) => kind = text(b)?,
                        _ => {}
                    }
                }
            }
            (2, Part::Bytes(b)) => raw = b,
            _ => {}
        }
    }
    let (group, version) = crate::resources::split_version(&api_version);
    let ty = match kind.as_str() {
        "DeleteOptions" => BUILTIN.named("meta.v1.DeleteOptions"),
        _ => BUILTIN
            .kind(group, version, &kind)
            .ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?}"))?,
    };
    let mut out = message(raw, &ty, 0)?;
    if let Some(map) = out.as_object_mut() {
        map.insert("apiVersion".into(), api_version.into());
        map.insert("kind".into(), kind.into());
    }
    Ok(out)
}

enum Part<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Double(f64),
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Result<u64, String> {
        let mut out = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or("unexpected EOF")?;
            self.0 = rest;
            out |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(out);
            }
        }
        Err("proto: integer overflow".into())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (head, rest) = self.0.split_at_checked(length).ok_or("unexpected EOF")?;
        self.0 = rest;
        Ok(head)
    }

    fn next(&mut self) -> Result<Option<(u32, Part<'a>)>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| "proto: illegal tag")?;
        let part = match tag & 7 {
            0 => Part::Number(self.varint()?),
            1 => Part::Double(f64::from_le_bytes(self.take(8)?.try_into().map_err(|_| "unexpected EOF")?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| "proto: negative length")?;
                Part::Bytes(self.take(length)?)
            }
            5 => Part::Number(u64::from(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| "unexpected EOF")?))),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok(Some((number, part)))
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "proto: invalid UTF-8".into())
}

fn signed(number: u64) -> i64 {
    number.cast_signed()
}

fn message(bytes: &[u8], ty: &Type, depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("proto: nested too deep".into());
    }
    if let Some(special) = special(bytes, ty, depth)? {
        return Ok(special);
    }
    let Type::Struct(s) = ty.resolve() else { return Err("proto: not a message".into()) };
    let mut out = Map::new();
    let fields: Vec<(&String, &Field)> = s.fields.iter().filter(|(_, f)| !f.proto.is_empty()).collect();
    members(bytes, &fields, 0, depth, &mut out)?;
    Ok(Value::Object(out))
}

/// Reads a message into a map. `level` counts the embedded structs around it, whose fields are the map's own.
fn members(
    bytes: &[u8],
    fields: &[(&String, &Field)],
    level: usize,
    depth: usize,
    out: &mut Map<String, Value>,
) -> Result<(), String> {
    if level > DEEPEST {
        return Err("proto: nested too deep".into());
    }
    let mut reader = Reader(bytes);
    while let Some((number, part)) = reader.next()? {
        let here: Vec<(&String, &Field)> =
            fields.iter().filter(|(_, f)| f.proto.get(level) == Some(&number)).copied().collect();
        let Some((name, field)) = here.first() else { continue };
        if field.proto.len() > level + 1 {
            if let Part::Bytes(inner) = part {
                members(inner, &here, level + 1, depth, out)?;
            }
            continue;
        }
        match field.ty.resolve() {
            Type::List(list) => {
                let slot = out.entry((*name).clone()).or_insert_with(|| Value::Array(Vec::new()));
                let Value::Array(items) = slot else { continue };
                match (&part, list.element.resolve()) {
                    // Numbers may come packed.
                    (Part::Bytes(packed), Type::Scalar(Scalar::Int32 | Scalar::Int64)) => {
                        let mut packed = Reader(packed);
                        while !packed.0.is_empty() {
                            items.push(signed(packed.varint()?).into());
                        }
                    }
                    _ => items.push(value(&part, &list.element, depth)?),
                }
            }
            Type::Map(map) => {
                let Part::Bytes(entry) = part else { continue };
                let (mut key, mut inner) = (String::new(), None);
                let mut entry = Reader(entry);
                while let Some((number, part)) = entry.next()? {
                    match (number, part) {
                        (1, Part::Bytes(b)) => key = text(b)?,
                        (2, part) => inner = Some(value(&part, &map.element, depth)?),
                        _ => {}
                    }
                }
                let inner = match inner {
                    Some(inner) => inner,
                    None => value(&Part::Bytes(&[]), &map.element, depth)?,
                };
                let slot = out.entry((*name).clone()).or_insert_with(|| Value::Object(Map::new()));
                if let Value::Object(items) = slot {
                    items.insert(key, inner);
                }
            }
            _ => {
                let inner = value(&part, &field.ty, depth)?;
                out.insert((*name).clone(), inner);
            }
        }
    }
    Ok(())
}

fn value(part: &Part<'_>, ty: &Type, depth: usize) -> Result<Value, String> {
    Ok(match (part, ty.resolve()) {
        (Part::Number(n), Type::Scalar(Scalar::Bool)) => (*n != 0).into(),
        (Part::Number(n), _) => signed(*n).into(),
        (Part::Double(d), _) => (*d).into(),
        (Part::Bytes(b), Type::Scalar(Scalar::String)) => text(b)?.into(),
        (Part::Bytes(b), Type::Scalar(Scalar::Bytes)) => STANDARD.encode(b).into(),
        (Part::Bytes(b), _) => message(b, ty, depth + 1)?,
    })
}

/// Messages that JSON writes in a way of its own.
fn special(bytes: &[u8], ty: &Type, depth: usize) -> Result<Option<Value>, String> {
    let parts = |bytes: &[u8]| -> Result<Vec<(u32, Option<u64>, Vec<u8>)>, String> {
        let mut out = Vec::new();
        let mut reader = Reader(bytes);
        while let Some((number, part)) = reader.next()? {
            out.push(match part {
                Part::Number(n) => (number, Some(n), Vec::new()),
                Part::Bytes(b) => (number, None, b.to_vec()),
                Part::Double(_) => continue,
            });
        }
        Ok(out)
    };
    let number = |list: &[(u32, Option<u64>, Vec<u8>)], want: u32| list.iter().find(|p| p.0 == want).and_then(|p| p.1);
    let content =
        |list: &[(u32, Option<u64>, Vec<u8>)], want: u32| list.iter().find(|p| p.0 == want).map(|p| p.2.clone());
    match ty.resolve() {
        Type::Scalar(Scalar::Time) => {
            let list = parts(bytes)?;
            let Some(seconds) = number(&list, 1).filter(|s| *s != 0) else { return Ok(Some(Value::Null)) };
            let at = jiff::Timestamp::from_second(signed(seconds)).map_err(|e| e.to_string())?;
            Ok(Some(rfc3339(at).into()))
        }
        Type::Scalar(Scalar::Quantity) => {
            let list = parts(bytes)?;
            Ok(Some(text(&content(&list, 1).unwrap_or_default())?.into()))
        }
        Type::Scalar(Scalar::IntOrString) => {
            let list = parts(bytes)?;
            Ok(Some(match number(&list, 1).unwrap_or(0) {
                0 => signed(number(&list, 2).unwrap_or(0)).into(),
                _ => text(&content(&list, 3).unwrap_or_default())?.into(),
            }))
        }
        Type::Any => {
            let name = match ty {
                Type::Named(index) => BUILTIN.name(*index),
                _ => "",
            };
            let props = || BUILTIN.named("apiextensions.v1.JSONSchemaProps");
            let list = parts(bytes)?;
            Ok(Some(match name {
                "apiextensions.v1.JSONSchemaPropsOrBool" => match content(&list, 2) {
                    Some(schema) => message(&schema, &props(), depth + 1)?,
                    None => (number(&list, 1) == Some(1)).into(),
                },
                "apiextensions.v1.JSONSchemaPropsOrArray" => match content(&list, 1) {
                    Some(schema) => message(&schema, &props(), depth + 1)?,
                    None => {
                        let schemas = list.iter().filter(|p| p.0 == 2).map(|p| message(&p.2, &props(), depth + 1));
                        Value::Array(schemas.collect::<Result<_, _>>()?)
                    }
                },
                "apiextensions.v1.JSONSchemaPropsOrStringArray" => match content(&list, 1) {
                    Some(schema) => message(&schema, &props(), depth + 1)?,
                    None => {
                        let names = list.iter().filter(|p| p.0 == 2).map(|p| text(&p.2).map(Value::from));
                        Value::Array(names.collect::<Result<_, _>>()?)
                    }
                },
                "apiextensions.v1.CustomResourceSubresourceStatus" => Value::Object(Map::new()),
                // Raw JSON inside.
                _ => match content(&list, 1) {
                    Some(raw) => serde_json::from_slice(&raw).map_err(|e| e.to_string())?,
                    None => Value::Null,
                },
            }))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        out.extend(content);
        out
    }

    fn document(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw)].concat()
    }

    #[test]
    fn a_secret_is_read() {
        let metadata = [field(1, b"a"), field(8, b""), field(11, &[field(1, b"l"), field(2, b"m")].concat())].concat();
        let raw =
            [field(1, &metadata), field(2, &[field(1, b"k"), field(2, b"hi")].concat()), field(3, b"Opaque")].concat();
        assert_eq!(
            decode(&document("Secret", &raw)).unwrap(),
            json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": {"k": "aGk="},
                "metadata": {"name": "a", "labels": {"l": "m"}, "creationTimestamp": null}})
        );
    }

    #[test]
    fn embedded_structs_have_no_name_in_json() {
        // spec.volumes[0].emptyDir: field 2 of a pod, 1 of the spec, then 2 (the source) and 2 in it.
        let volume = [field(1, b"v"), field(2, &field(2, b""))].concat();
        let raw = field(2, &field(1, &volume));
        assert_eq!(decode(&document("Pod", &raw)).unwrap()["spec"]["volumes"], json!([{"name": "v", "emptyDir": {}}]));
    }

    #[test]
    fn broken_documents_are_refused() {
        assert!(decode(b"{}").is_err());
        assert!(decode(&document("Nope", b"")).is_err());
        assert!(decode(&[MAGIC, &[0x0a, 0xff, 0xff]].concat()).is_err());
    }
}
