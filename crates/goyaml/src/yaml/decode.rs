//! From nodes to values, the usual way: everything that is odd is left to the exact way in `exact.rs`.

use super::compose::{Document, NodeId, NodeKind};
use super::limits::Limits;
use super::resolve::{Scalar, Version, resolve};
use crate::error::Error;
use crate::value::{Map, Value};

/// Why the usual way ends: the exact one finds out what is wrong, or does what is rare.
pub(super) struct Odd;

impl From<Error> for Odd {
    fn from(_: Error) -> Self {
        Self
    }
}

/// Decodes a document whose keys are plain scalars and whose values have no tags.
pub(super) fn decode(document: &Document, keep_ints: bool) -> Result<Value, Odd> {
    let Some(root) = document.root else { return Ok(Value::Null) };
    let mut decoder = Decoder { document, limits: Limits::default(), keep_ints, active: Vec::new() };
    decoder.limits.count()?;
    decoder.value(root)
}

struct Decoder<'a> {
    document: &'a Document,
    limits: Limits,
    keep_ints: bool,
    /// The aliases that are being followed.
    active: Vec<NodeId>,
}

impl Decoder<'_> {
    fn value(&mut self, id: NodeId) -> Result<Value, Odd> {
        self.limits.count()?;
        let document = self.document;
        let node = document.node(id).ok_or(Odd)?;
        match &node.kind {
            NodeKind::Scalar { text, tag, implicit } => {
                if !tag.is_empty() {
                    return Err(Odd);
                }
                let bytes = document.bytes(text);
                self.limits.text(bytes.len())?;
                self.scalar(bytes, *implicit)
            }
            NodeKind::Alias { target, .. } => self.alias(id, *target, |this, target| this.value(target)),
            NodeKind::Seq(children) => {
                self.limits.enter(node.line)?;
                let mut items = Vec::with_capacity(children.len());
                for &child in children {
                    items.push(self.value(child)?);
                }
                self.limits.leave();
                Ok(Value::Seq(items))
            }
            NodeKind::Map(children) => {
                let mut map = Map::new();
                self.pairs(children, node.line, &mut map)?;
                Ok(Value::Map(map))
            }
        }
    }

    fn alias<T>(
        &mut self,
        id: NodeId,
        target: NodeId,
        decode: impl FnOnce(&mut Self, NodeId) -> Result<T, Odd>,
    ) -> Result<T, Odd> {
        if self.active.contains(&id) || self.active.len() >= crate::MAX_DEPTH {
            return Err(Odd);
        }
        self.active.push(id);
        self.limits.alias_depth += 1;
        let value = decode(self, target)?;
        self.limits.alias_depth -= 1;
        self.active.pop();
        Ok(value)
    }

    fn pairs(&mut self, children: &[NodeId], line: usize, map: &mut Map) -> Result<(), Odd> {
        self.limits.enter(line)?;
        for pair in children.chunks_exact(2) {
            let &[key, value] = pair else { return Err(Odd) };
            if self.document.is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let key = self.key(key)?;
            let value = self.value(value)?;
            map.insert(key, value);
        }
        self.limits.leave();
        Ok(())
    }

    fn key(&mut self, id: NodeId) -> Result<String, Odd> {
        self.limits.count()?;
        match &self.document.node(id).ok_or(Odd)?.kind {
            NodeKind::Scalar { text, tag, implicit } if tag.is_empty() => {
                let bytes = self.document.bytes(text);
                self.limits.text(bytes.len())?;
                match if *implicit { resolve(bytes, Version::V2) } else { Scalar::Str } {
                    Scalar::Str | Scalar::Timestamp => Ok(crate::utf8::to_valid(bytes).into_owned()),
                    Scalar::Bool(b) => Ok(b.to_string()),
                    Scalar::Int(i) => Ok(i.to_string()),
                    Scalar::Float(f) => Ok(super::float_key(f)),
                    Scalar::Null | Scalar::Uint(_) => Err(Odd),
                }
            }
            _ => Err(Odd),
        }
    }

    /// Puts the pairs of other mappings in; they win over what stands before the merge key.
    fn merge(&mut self, id: NodeId, map: &mut Map) -> Result<(), Odd> {
        let document = self.document;
        if let NodeKind::Seq(children) = &document.node(id).ok_or(Odd)?.kind {
            for &child in children.iter().rev() {
                self.merge_one(child, map)?;
            }
            return Ok(());
        }
        self.merge_one(id, map)
    }

    fn merge_one(&mut self, id: NodeId, map: &mut Map) -> Result<(), Odd> {
        self.limits.count()?;
        let node = self.document.node(id).ok_or(Odd)?;
        match &node.kind {
            NodeKind::Map(children) => self.pairs(children, node.line, map),
            NodeKind::Alias { target, .. } if self.document.is_map(id) => {
                self.alias(id, *target, |this, target| this.merge_one(target, map))
            }
            _ => Err(Odd),
        }
    }

    fn scalar(&mut self, bytes: &[u8], implicit: bool) -> Result<Value, Odd> {
        let scalar = if implicit { resolve(bytes, Version::V2) } else { Scalar::Str };
        Ok(match scalar {
            Scalar::Str | Scalar::Timestamp => Value::Str(crate::utf8::to_valid(bytes).into_owned()),
            Scalar::Null => Value::Null,
            Scalar::Bool(b) => Value::Bool(b),
            // JSON has no number for the others, and says so in its own order.
            Scalar::Float(f) if f.is_finite() => Value::Float(f),
            Scalar::Float(_) => return Err(Odd),
            Scalar::Int(i) if self.keep_ints => Value::Int(i),
            Scalar::Uint(u) if self.keep_ints => Value::Uint(u),
            Scalar::Int(i) => Value::Float(i as f64),
            Scalar::Uint(u) => Value::Float(u as f64),
        })
    }
}
