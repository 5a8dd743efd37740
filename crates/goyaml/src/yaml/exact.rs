//! From nodes to values exactly as go-yaml and `sigs.k8s.io/yaml` go: values of Go's types with keys of any type,
//! then what JSON makes of them. Slower than `decode.rs`; for strict reading, tags, odd keys, and to find errors.

use std::collections::HashMap;

use super::compose::{Document, NodeId, NodeKind};
use super::go_value::GoValue;
use super::limits::Limits;
use super::resolve::{Scalar, Version, resolve, resolve_tagged};
use crate::error::{Error, ErrorKind};
use crate::float::format_float_g;
use crate::json::JsonWriter;
use crate::value::{Map, Value};
use crate::{Emit, utf8};

/// Decodes a document and finds the first error, in Go's order and words.
pub(super) fn decode(document: &Document, keep_ints: bool, strict: bool) -> Result<Value, Error> {
    decode_into(document, keep_ints, strict, &|_| false)
}

/// As [`decode`], into a type of Go in which `is_text` tells by their path which fields are texts: `.inf` is one there,
/// where there is no number for it elsewhere.
pub(super) fn decode_into(
    document: &Document,
    keep_ints: bool,
    strict: bool,
    is_text: IsText<'_>,
) -> Result<Value, Error> {
    let Some(root) = document.root else { return Ok(Value::Null) };
    let mut decoder = Decoder { document, limits: Limits::default(), strict, active: Vec::new(), errors: Vec::new() };
    decoder.limits.count()?;
    let tree = decoder.value(root)?;
    if !decoder.errors.is_empty() {
        let problem = format!("yaml: unmarshal errors:\n  {}", decoder.errors.join("\n  "));
        return Err(Error::new(ErrorKind::Yaml, problem));
    }
    let value = Converter { keep_ints, is_text, path: Vec::new() }.convert(tree)?;
    let mut json = JsonWriter::compact();
    value.emit(&mut json);
    json.finish()?;
    Ok(value)
}

/// Tells whether the field at a path (keys from the top) is a text in the type of Go that is read into.
pub(super) type IsText<'a> = &'a dyn Fn(&[String]) -> bool;

struct Decoder<'a> {
    document: &'a Document,
    limits: Limits,
    strict: bool,
    active: Vec<NodeId>,
    /// What strict reading does not allow; go-yaml goes on and reports all of it.
    errors: Vec<String>,
}

/// A mapping while it is filled.
#[derive(Default)]
struct Pairs {
    pairs: Vec<(GoValue, GoValue)>,
    places: HashMap<Vec<u8>, usize>,
}

impl Pairs {
    fn place(&self, key: &GoValue) -> Option<usize> {
        self.places.get(&key.identity()?).copied()
    }

    fn insert(&mut self, key: GoValue, value: GoValue) {
        match self.place(&key).and_then(|at| self.pairs.get_mut(at)) {
            Some(pair) => pair.1 = value,
            None => {
                if let Some(identity) = key.identity() {
                    self.places.insert(identity, self.pairs.len());
                }
                self.pairs.push((key, value));
            }
        }
    }
}

impl Decoder<'_> {
    fn value(&mut self, id: NodeId) -> Result<GoValue, Error> {
        self.limits.count()?;
        let document = self.document;
        let Some(node) = document.node(id) else { return Ok(GoValue::Nil) };
        match &node.kind {
            NodeKind::Scalar { text, tag, implicit } => {
                let bytes = document.bytes(text);
                self.limits.text(bytes.len())?;
                scalar(bytes, tag, *implicit)
            }
            NodeKind::Alias { target, .. } => self.alias(id, *target, |this, target| this.value(target)),
            NodeKind::Seq(children) => {
                self.limits.enter(node.line)?;
                let items = children.iter().map(|&child| self.value(child)).collect::<Result<_, _>>()?;
                self.limits.leave();
                Ok(GoValue::Seq(items))
            }
            NodeKind::Map(children) => {
                let mut pairs = Pairs::default();
                self.pairs(children, node.line, &mut pairs)?;
                Ok(GoValue::Map(pairs.pairs))
            }
        }
    }

    fn alias<T>(
        &mut self,
        id: NodeId,
        target: NodeId,
        decode: impl FnOnce(&mut Self, NodeId) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.active.contains(&id) || self.active.len() >= crate::MAX_DEPTH {
            let name = match self.document.node(id).map(|n| &n.kind) {
                Some(NodeKind::Alias { name, .. }) => String::from_utf8_lossy(name),
                _ => "".into(),
            };
            return Err(Error::yaml(None, format_args!("anchor '{name}' value contains itself")));
        }
        self.active.push(id);
        self.limits.alias_depth += 1;
        let value = decode(self, target)?;
        self.limits.alias_depth -= 1;
        self.active.pop();
        Ok(value)
    }

    fn pairs(&mut self, children: &[NodeId], line: usize, into: &mut Pairs) -> Result<(), Error> {
        self.limits.enter(line)?;
        for pair in children.chunks_exact(2) {
            let &[key_id, value_id] = pair else { continue };
            if self.document.is_merge(key_id) {
                self.merge(value_id, into)?;
                continue;
            }
            let key = self.value(key_id)?;
            if matches!(key, GoValue::Map(_) | GoValue::Seq(_)) {
                return Err(Error::yaml(None, format_args!("invalid map key: {}", key.go_syntax())));
            }
            let value = self.value(value_id)?;
            if self.strict && into.place(&key).is_some() {
                let line = self.document.node(value_id).map_or(0, |n| n.line) + 1;
                self.errors.push(format!("line {line}: key {} already set in map", key.go_syntax()));
                continue;
            }
            into.insert(key, value);
        }
        self.limits.leave();
        Ok(())
    }

    fn merge(&mut self, id: NodeId, into: &mut Pairs) -> Result<(), Error> {
        let document = self.document;
        match document.node(id).map(|n| &n.kind) {
            Some(NodeKind::Seq(children)) => {
                for &child in children.iter().rev() {
                    self.merge_one(child, into)?;
                }
                Ok(())
            }
            _ => self.merge_one(id, into),
        }
    }

    fn merge_one(&mut self, id: NodeId, into: &mut Pairs) -> Result<(), Error> {
        if !self.document.is_map(id) {
            return Err(Error::yaml(None, "map merge requires map or sequence of maps as the value"));
        }
        self.limits.count()?;
        let document = self.document;
        match document.node(id).map(|n| (&n.kind, n.line)) {
            Some((NodeKind::Map(children), line)) => self.pairs(children, line, into),
            Some((NodeKind::Alias { target, .. }, _)) => {
                self.alias(id, *target, |this, target| this.merge_one(target, into))
            }
            _ => Ok(()),
        }
    }
}

fn scalar(bytes: &[u8], tag: &[u8], implicit: bool) -> Result<GoValue, Error> {
    if tag == b"tag:yaml.org,2002:binary" {
        return super::base64::decode(bytes)
            .map(GoValue::Str)
            .ok_or_else(|| Error::yaml(None, "!!binary value contains invalid base64 data"));
    }
    let scalar = if !tag.is_empty() {
        resolve_tagged(&String::from_utf8_lossy(tag), bytes).map_err(|problem| Error::yaml(None, problem))?
    } else if implicit {
        resolve(bytes, Version::V2)
    } else {
        Scalar::Str
    };
    Ok(match scalar {
        Scalar::Null => GoValue::Nil,
        Scalar::Bool(b) => GoValue::Bool(b),
        Scalar::Int(i) => GoValue::Int(i),
        Scalar::Uint(u) => GoValue::Uint(u),
        Scalar::Float(f) => GoValue::Float(f),
        Scalar::Str | Scalar::Timestamp => GoValue::Str(bytes.to_vec()),
    })
}

/// What `sigs.k8s.io/yaml` makes of Go's values on the way to JSON, and JSON on the way back.
struct Converter<'a> {
    keep_ints: bool,
    is_text: IsText<'a>,
    /// The keys from the top to the value at hand.
    path: Vec<String>,
}

impl Converter<'_> {
    fn convert(&mut self, tree: GoValue) -> Result<Value, Error> {
        Ok(match tree {
            GoValue::Nil => Value::Null,
            GoValue::Bool(b) => Value::Bool(b),
            GoValue::Int(i) if self.keep_ints => Value::Int(i),
            GoValue::Uint(u) if self.keep_ints => Value::Uint(u),
            GoValue::Int(i) => Value::Float(i as f64),
            GoValue::Uint(u) => Value::Float(u as f64),
            GoValue::Float(f) if !f.is_finite() && (self.is_text)(&self.path) => Value::Str(format_float_g(f)),
            GoValue::Float(f) => Value::Float(f),
            GoValue::Str(s) => Value::Str(utf8::to_valid(&s).into_owned()),
            GoValue::Seq(items) => {
                // No field of a list is a text by its path alone.
                self.path.push(String::new());
                let items = items.into_iter().map(|item| self.convert(item)).collect::<Result<_, _>>()?;
                self.path.pop();
                Value::Seq(items)
            }
            GoValue::Map(pairs) => {
                let mut map = Map::new();
                for (key, value) in pairs {
                    let key = key_text(key, &value)?;
                    self.path.push(key);
                    let value = self.convert(value)?;
                    map.insert(self.path.pop().unwrap_or_default(), value);
                }
                Value::Map(map)
            }
        })
    }
}

fn key_text(key: GoValue, value: &GoValue) -> Result<String, Error> {
    Ok(match key {
        GoValue::Str(s) => utf8::to_valid(&s).into_owned(),
        GoValue::Bool(b) => b.to_string(),
        GoValue::Int(i) => i.to_string(),
        GoValue::Float(f) => super::float_key(f),
        other => {
            let problem = format!(
                "unsupported map key of type: {}, key: {}, value: {}",
                other.type_name(),
                other.go_syntax(),
                value.go_syntax()
            );
            return Err(Error::new(ErrorKind::Yaml, problem));
        }
    })
}
