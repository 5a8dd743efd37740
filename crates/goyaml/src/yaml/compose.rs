//! From events to nodes: the first document of a text (`decode.go`).

use std::collections::HashMap;

use super::event::Event;
use super::parser::Parser;
use super::token::Text;
use crate::error::Error;

/// A node, by its place in the document.
pub(super) type NodeId = usize;

pub(super) enum NodeKind {
    Scalar {
        text: Text,
        tag: Vec<u8>,
        implicit: bool,
    },
    Seq(Vec<NodeId>),
    /// Keys and values in turn.
    Map(Vec<NodeId>),
    Alias {
        name: Vec<u8>,
        target: NodeId,
    },
}

pub(super) struct Node {
    pub(super) kind: NodeKind,
    /// The line where it begins, counted from 0.
    pub(super) line: usize,
}

/// The first document of a text.
pub(super) struct Document {
    /// The text that scalars are parts of.
    buf: Vec<u8>,
    nodes: Vec<Node>,
    /// The node at the top; none if there is no document.
    pub(super) root: Option<NodeId>,
}

impl Document {
    pub(super) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    pub(super) fn bytes<'a>(&'a self, text: &'a Text) -> &'a [u8] {
        text.bytes(&self.buf)
    }

    /// Tells whether the node is a merge key, `<<`.
    pub(super) fn is_merge(&self, id: NodeId) -> bool {
        match self.node(id).map(|n| &n.kind) {
            Some(NodeKind::Scalar { text, tag, implicit }) => {
                self.bytes(text) == b"<<" && (*implicit || tag == b"tag:yaml.org,2002:merge")
            }
            _ => false,
        }
    }

    /// Follows an alias.
    pub(super) fn target(&self, id: NodeId) -> NodeId {
        match self.node(id).map(|n| &n.kind) {
            Some(NodeKind::Alias { target, .. }) => *target,
            _ => id,
        }
    }

    /// Tells whether the node is a mapping or an alias of one.
    pub(super) fn is_map(&self, id: NodeId) -> bool {
        matches!(self.node(self.target(id)).map(|n| &n.kind), Some(NodeKind::Map(_)))
    }
}

/// Reads the first document; what follows it is not looked at.
pub(super) fn compose(raw: &[u8]) -> Result<Document, Error> {
    let raw = if raw.is_empty() { b"\n" } else { raw };
    let mut composer =
        Composer { parser: Parser::new(raw), nodes: Vec::with_capacity(raw.len() / 24 + 4), anchors: HashMap::new() };
    composer.parser.next_event()?;
    let root = match composer.parser.next_event()? {
        Event::StreamEnd => None,
        _ => {
            let root = composer.tree()?;
            match composer.parser.next_event()? {
                Event::DocumentEnd => {}
                other => {
                    return Err(Error::yaml(
                        None,
                        format_args!("expected document end event but got {}", other.name()),
                    ));
                }
            }
            root
        }
    };
    Ok(Document { buf: composer.parser.scanner.input.buf, nodes: composer.nodes, root })
}

struct Composer<'a> {
    parser: Parser<'a>,
    nodes: Vec<Node>,
    anchors: HashMap<Vec<u8>, NodeId>,
}

impl Composer<'_> {
    /// Reads one node with all that is in it.
    fn tree(&mut self) -> Result<Option<NodeId>, Error> {
        let mut root = None;
        let mut open: Vec<NodeId> = Vec::new();
        loop {
            let event = self.parser.next_event()?;
            let (id, opens) = match event {
                Event::Scalar(scalar) => {
                    let kind = NodeKind::Scalar { text: scalar.text, tag: scalar.tag, implicit: scalar.implicit };
                    (self.add(kind, scalar.anchor), false)
                }
                Event::Alias(name) => {
                    let Some(&target) = self.anchors.get(&name) else {
                        let name = String::from_utf8_lossy(&name);
                        return Err(Error::yaml(None, format_args!("unknown anchor '{name}' referenced")));
                    };
                    (self.add(NodeKind::Alias { name, target }, None), false)
                }
                Event::SequenceStart(anchor) => (self.add(NodeKind::Seq(Vec::new()), anchor), true),
                Event::MappingStart(anchor) => (self.add(NodeKind::Map(Vec::new()), anchor), true),
                Event::SequenceEnd | Event::MappingEnd => {
                    open.pop();
                    if open.is_empty() {
                        return Ok(root);
                    }
                    continue;
                }
                Event::StreamStart | Event::StreamEnd | Event::DocumentStart | Event::DocumentEnd => return Ok(root),
            };
            match open.last().and_then(|&parent| self.nodes.get_mut(parent)).map(|n| &mut n.kind) {
                Some(NodeKind::Seq(children) | NodeKind::Map(children)) => children.push(id),
                _ => root = Some(id),
            }
            if opens {
                open.push(id);
            } else if open.is_empty() {
                return Ok(root);
            }
        }
    }

    fn add(&mut self, kind: NodeKind, anchor: Option<Vec<u8>>) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(Node { kind, line: self.parser.line });
        if let Some(name) = anchor {
            self.anchors.insert(name, id);
        }
        id
    }
}
