//! The parsed form of templates: flat tables, so that nothing of it is allocated, walked or dropped node by node.

use bytes::Bytes;

use crate::strconv::append_quote;

/// No node.
pub(crate) const NONE: u32 = u32::MAX;

/// A variable that is not declared where it is used.
pub(crate) const UNDEFINED: u32 = u32::MAX;

/// Bytes of [`Pool::data`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Consecutive entries of one of the tables.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    pub(crate) first: u32,
    pub(crate) len: u32,
}

/// A node; nodes refer to each other by number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Node {
    /// Several nodes in a row: a run of [`Pool::lists`].
    List(Run),
    Text(Span),
    Action(u32),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template {
        name: Span,
        pipe: u32,
    },
    Break,
    Continue,
    /// `decl := cmd | cmd`; both are runs of [`Pool::lists`].
    Pipe {
        cmds: Run,
        decl: Run,
        assign: bool,
    },
    /// Operands: a run of [`Pool::lists`].
    Command(Run),
    /// A function by its number.
    Function {
        function: u32,
        name: Span,
    },
    /// `.a.b`: a run of [`Pool::idents`].
    Field(Run),
    /// `$x.a.b`: the slot of the variable, the number of its name, and all the names.
    Variable {
        slot: u32,
        name: u32,
        idents: Run,
    },
    /// A term and the fields behind it.
    Chain {
        term: u32,
        fields: Run,
    },
    Dot,
    Nil,
    Bool(bool),
    /// An entry of [`Pool::numbers`].
    Number(u32),
    /// What the literal means, and how it is written.
    Str {
        text: Span,
        literal: Span,
    },
}

/// A control structure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Branch {
    pub(crate) pipe: u32,
    pub(crate) list: u32,
    pub(crate) otherwise: u32,
}

/// A number constant under all the types that can hold it, as Go's ideal constants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Number {
    pub(crate) text: Span,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// A file of templates.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct File {
    pub(crate) name: Span,
    /// Where its text stands; positions of nodes count from its start.
    pub(crate) text: Span,
}

/// A template: a file, or a `define` or `block` in one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree {
    pub(crate) name: Span,
    pub(crate) root: u32,
    /// Holds nothing but white space.
    pub(crate) empty: bool,
    /// Declares variables within parentheses, so that what a name means is only known when it runs.
    pub(crate) dynamic: bool,
}

/// The tables of a parsed file, as slices.
#[derive(Clone, Copy)]
pub(crate) struct Pool<'p> {
    pub(crate) nodes: &'p [Node],
    pub(crate) positions: &'p [u32],
    pub(crate) lists: &'p [u32],
    pub(crate) idents: &'p [Span],
    pub(crate) numbers: &'p [Number],
    pub(crate) file: File,
    pub(crate) trees: &'p [Tree],
    /// The text, and behind it what is not written in it.
    pub(crate) text: &'p [u8],
    pub(crate) data: &'p [u8],
}

impl<'p> Pool<'p> {
    #[inline]
    pub(crate) fn node(&self, id: u32) -> Node {
        self.nodes.get(id as usize).copied().unwrap_or(Node::Nil)
    }

    #[inline]
    pub(crate) fn list(&self, run: Run) -> &'p [u32] {
        self.lists.get(run.first as usize..(run.first + run.len) as usize).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn names(&self, run: Run) -> &'p [Span] {
        self.idents.get(run.first as usize..(run.first + run.len) as usize).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn bytes(&self, span: Span) -> &'p [u8] {
        let (start, end, text) = (span.start as usize, span.end as usize, self.text.len());
        if end <= text {
            return self.text.get(start..end).unwrap_or_default();
        }
        start.checked_sub(text).and_then(|start| self.data.get(start..end - text)).unwrap_or_default()
    }

    pub(crate) fn number(&self, at: u32) -> Number {
        self.numbers.get(at as usize).copied().unwrap_or_default()
    }

    /// The line (from 1) and the bytes before it on the line, of a node.
    pub(crate) fn line_and_column(&self, id: u32) -> (usize, usize) {
        let position = self.positions.get(id as usize).copied().unwrap_or_default() as usize;
        let text = self.bytes(self.file.text);
        let before = text.get(..position).unwrap_or(text);
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        // On the first line Go counts from the start of the text, on others from the line feed.
        let column = match before.iter().rposition(|b| *b == b'\n') {
            Some(feed) => position - feed - 1,
            None => position,
        };
        (line, column)
    }

    /// Writes a node as Go's `Node.String`.
    pub(crate) fn write(&self, out: &mut Vec<u8>, id: u32) {
        let branch = |out: &mut Vec<u8>, name: &[u8], b: Branch| {
            out.extend_from_slice(b"{{");
            out.extend_from_slice(name);
            self.write(out, b.pipe);
            out.extend_from_slice(b"}}");
            self.write(out, b.list);
            if b.otherwise != NONE {
                out.extend_from_slice(b"{{else}}");
                self.write(out, b.otherwise);
            }
            out.extend_from_slice(b"{{end}}");
        };
        match self.node(id) {
            Node::List(run) => self.list(run).iter().for_each(|n| self.write(out, *n)),
            Node::Text(span) => out.extend_from_slice(self.bytes(span)),
            Node::Action(pipe) => {
                out.extend_from_slice(b"{{");
                self.write(out, pipe);
                out.extend_from_slice(b"}}");
            }
            Node::If(b) => branch(out, b"if ", b),
            Node::With(b) => branch(out, b"with ", b),
            Node::Range(b) => branch(out, b"range ", b),
            Node::Template { name, pipe } => {
                out.extend_from_slice(b"{{template ");
                append_quote(out, self.bytes(name));
                if pipe != NONE {
                    out.push(b' ');
                    self.write(out, pipe);
                }
                out.extend_from_slice(b"}}");
            }
            Node::Break => out.extend_from_slice(b"{{break}}"),
            Node::Continue => out.extend_from_slice(b"{{continue}}"),
            Node::Pipe { cmds, decl, assign } => {
                self.write_list(out, decl, b", ");
                if decl.len > 0 {
                    out.extend_from_slice(if assign { b" = " } else { b" := " });
                }
                self.write_list(out, cmds, b" | ");
            }
            Node::Command(run) => {
                for (at, arg) in self.list(run).iter().enumerate() {
                    if at > 0 {
                        out.push(b' ');
                    }
                    self.write_operand(out, *arg);
                }
            }
            Node::Function { name, .. } => out.extend_from_slice(self.bytes(name)),
            Node::Field(run) => self.write_fields(out, self.names(run)),
            Node::Variable { idents, .. } => {
                if let Some((name, fields)) = self.names(idents).split_first() {
                    out.extend_from_slice(self.bytes(*name));
                    self.write_fields(out, fields);
                }
            }
            Node::Chain { term, fields } => {
                self.write_operand(out, term);
                self.write_fields(out, self.names(fields));
            }
            Node::Dot => out.push(b'.'),
            Node::Nil => out.extend_from_slice(b"nil"),
            Node::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
            Node::Number(at) => out.extend_from_slice(self.bytes(self.number(at).text)),
            Node::Str { literal, .. } => out.extend_from_slice(self.bytes(literal)),
        }
    }

    fn write_list(&self, out: &mut Vec<u8>, run: Run, between: &[u8]) {
        for (at, node) in self.list(run).iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(between);
            }
            self.write(out, *node);
        }
    }

    fn write_operand(&self, out: &mut Vec<u8>, id: u32) {
        if let Node::Pipe { .. } = self.node(id) {
            out.push(b'(');
            self.write(out, id);
            out.push(b')');
        } else {
            self.write(out, id);
        }
    }

    fn write_fields(&self, out: &mut Vec<u8>, fields: &[Span]) {
        for field in fields {
            out.push(b'.');
            out.extend_from_slice(self.bytes(*field));
        }
    }

    /// Gives a node as text.
    pub(crate) fn text(&self, id: u32) -> String {
        let mut out = Vec::new();
        self.write(&mut out, id);
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// The tables of a file while they grow.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) nodes: Vec<Node>,
    pub(crate) positions: Vec<u32>,
    pub(crate) lists: Vec<u32>,
    pub(crate) idents: Vec<Span>,
    pub(crate) numbers: Vec<Number>,
    pub(crate) file: File,
    pub(crate) trees: Vec<Tree>,
    /// The text as it was given, and behind it what is not written in it: names, and strings without their quotes.
    pub(crate) text: Bytes,
    pub(crate) data: Vec<u8>,
}

impl Tables {
    pub(crate) fn pool(&self) -> Pool<'_> {
        Pool {
            nodes: &self.nodes,
            positions: &self.positions,
            lists: &self.lists,
            idents: &self.idents,
            numbers: &self.numbers,
            file: self.file,
            trees: &self.trees,
            text: &self.text,
            data: &self.data,
        }
    }

    /// Copies the tables into an arena, from where they can be used as long as its values.
    pub(crate) fn copy_into<'a>(&self, bump: &'a bumpalo::Bump) -> Pool<'a> {
        Pool {
            nodes: bump.alloc_slice_copy(&self.nodes),
            positions: bump.alloc_slice_copy(&self.positions),
            lists: bump.alloc_slice_copy(&self.lists),
            idents: bump.alloc_slice_copy(&self.idents),
            numbers: bump.alloc_slice_copy(&self.numbers),
            file: self.file,
            trees: bump.alloc_slice_copy(&self.trees),
            text: bump.alloc_slice_copy(&self.text),
            data: bump.alloc_slice_copy(&self.data),
        }
    }

    /// Roughly the bytes of memory they take.
    pub(crate) fn size(&self) -> usize {
        self.text.len()
            + self.data.capacity()
            + self.nodes.capacity() * (size_of::<Node>() + size_of::<u32>())
            + self.lists.capacity() * size_of::<u32>()
            + self.idents.capacity() * size_of::<Span>()
            + self.numbers.capacity() * size_of::<Number>()
    }

    pub(crate) fn add(&mut self, position: u32, node: Node) -> u32 {
        self.nodes.push(node);
        self.positions.push(position);
        (self.nodes.len() - 1) as u32
    }

    pub(crate) fn add_list(&mut self, nodes: &[u32]) -> Run {
        let first = self.lists.len() as u32;
        self.lists.extend_from_slice(nodes);
        Run { first, len: nodes.len() as u32 }
    }

    pub(crate) fn add_idents(&mut self, idents: &[Span]) -> Run {
        let first = self.idents.len() as u32;
        self.idents.extend_from_slice(idents);
        Run { first, len: idents.len() as u32 }
    }

    pub(crate) fn add_data(&mut self, bytes: &[u8]) -> Span {
        let start = (self.text.len() + self.data.len()) as u32;
        self.data.extend_from_slice(bytes);
        Span { start, end: start + bytes.len() as u32 }
    }
}
