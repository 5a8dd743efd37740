//! Walking over actions and control structures.

use super::{Frame, Limit, Result, Runtime, Val, Variable};
use crate::parse::{Branch, NONE, Node, Span};
use crate::strconv::quote;
use crate::{GoType, Kind, Value, fmt, stack};

/// How a node ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Runtime<'a> {
    pub(super) fn walk(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, id: u32) -> Result<Flow> {
        f.node = id;
        let Node::List(run) = f.pool.node(id) else { return self.walk_node(f, dot, id) };
        if stack::exhausted(self.floor) {
            return Err(self.limit(f, Limit::Depth, "exceeded maximum depth of nested templates".to_owned()));
        }
        for node in f.pool.list(run) {
            let flow = self.walk_node(f, dot, *node)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    #[inline]
    fn walk_node(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, id: u32) -> Result<Flow> {
        f.node = id;
        self.step(f)?;
        match f.pool.node(id) {
            Node::Text(span) => {
                let before = f.out.len();
                f.out.extend_from_slice(f.pool.bytes(span));
                self.wrote(f, before)?;
            }
            Node::Action(pipe) => {
                let val = self.eval_pipeline(f, dot, pipe)?;
                if !matches!(f.pool.node(pipe), Node::Pipe { decl, .. } if decl.len > 0) {
                    f.node = id;
                    self.print(f, val.v)?;
                }
            }
            Node::If(branch) => return self.walk_branch(f, dot, branch, false),
            Node::With(branch) => return self.walk_branch(f, dot, branch, true),
            Node::Range(branch) => return self.walk_range(f, dot, branch),
            Node::Template { name, pipe } => self.walk_template(f, dot, name, pipe)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
            Node::List(_) => return self.walk(f, dot, id),
            _ => return Err(self.fail(f, format!("unknown node: {}", f.pool.text(id)))),
        }
        Ok(Flow::Next)
    }

    /// Prints the value of an action.
    fn print(&mut self, f: &mut Frame<'_, 'a>, value: Value<'a>) -> Result<()> {
        let before = f.out.len();
        match value {
            Value::Str(s) => f.out.extend_from_slice(s),
            Value::Nil => f.out.extend_from_slice(b"<no value>"),
            Value::Object(object) if object.kind() == Kind::Func && object.string().is_none() => {
                let (node, type_name) = (f.pool.text(f.node), object.type_name());
                return Err(self.fail(f, format!("can't print {node} of type {type_name}")));
            }
            Value::Object(object) if object.pointer_string().is_some() => {
                f.out.extend_from_slice(object.pointer_string().unwrap_or_default().as_bytes());
            }
            _ => fmt::append_pointee(f.out, self.arena, value),
        }
        self.wrote(f, before)
    }

    fn walk_branch(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, branch: Branch, with: bool) -> Result<Flow> {
        let mark = self.vars.len();
        let val = self.eval_pipeline(f, dot, branch.pipe)?;
        let flow = if val.v.truth(self.arena) {
            self.walk(f, if with { val } else { dot }, branch.list)?
        } else if branch.otherwise != NONE {
            self.walk(f, dot, branch.otherwise)?
        } else {
            Flow::Next
        };
        self.vars.truncate(mark);
        Ok(flow)
    }

    fn walk_template(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, name: Span, pipe: u32) -> Result<()> {
        let text = f.pool.bytes(name);
        let Some((pool, tree)) = self.lookup(text) else {
            return Err(self.fail(f, format!("template {} not defined", quote(text))));
        };
        if f.depth == self.template_depth {
            return Err(self.fail(f, format!("exceeded maximum template depth ({})", self.template_depth)));
        }
        let dot = if pipe == NONE { Val::INVALID } else { self.eval_pipeline(f, dot, pipe)? };
        let base = self.vars.len();
        self.vars.push(Variable { name: 0, val: dot });
        let mut inner =
            Frame { pool, tree, node: tree.root, base, depth: f.depth + 1, out: &mut *f.out, host: &mut *f.host };
        let result = self.walk(&mut inner, dot, tree.root);
        self.vars.truncate(base);
        result.map(|_| ())
    }

    fn walk_range(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, branch: Branch) -> Result<Flow> {
        let outer = self.vars.len();
        let val = self.eval_pipeline(f, dot, branch.pipe)?.v;
        let ran = self.iterate(f, branch, val)?;
        let mut flow = Flow::Next;
        if !ran && branch.otherwise != NONE {
            flow = self.walk(f, dot, branch.otherwise)?;
            // Go's parser takes a `break` here for one of the loop outside, its executor for one of this.
            if flow == Flow::Break {
                flow = Flow::Next;
            }
        }
        self.vars.truncate(outer);
        Ok(flow)
    }

    /// Runs the body of a `range`; says whether there was anything to run it for.
    fn iterate(&mut self, f: &mut Frame<'_, 'a>, branch: Branch, val: Value<'a>) -> Result<bool> {
        match val {
            Value::Int(n, t) if n > 0 => {
                self.only_one_variable(f, branch, val)?;
                for i in 0..n {
                    if self.iteration(f, branch, Val::INVALID, Val::of(Value::Int(i, t)))? {
                        break;
                    }
                }
                Ok(true)
            }
            Value::Uint(n, t) if n > 0 => {
                self.only_one_variable(f, branch, val)?;
                for i in 0..n {
                    if self.iteration(f, branch, Val::INVALID, Val::of(Value::Uint(i, t)))? {
                        break;
                    }
                }
                Ok(true)
            }
            Value::Int(..) | Value::Uint(..) => self.only_one_variable(f, branch, val).map(|()| false),
            Value::List(list) => {
                let iface = list.elem == GoType::Any;
                for (i, item) in list.items().iter().enumerate() {
                    let index = Val::of(Value::int(i as i64));
                    if self.iteration(f, branch, index, Val { v: *item, iface })? {
                        break;
                    }
                }
                Ok(!list.items().is_empty())
            }
            Value::Map(map) => {
                let iface = map.elem == GoType::Any;
                // Go takes a sorted copy first: what the body does to the map is not seen.
                let entries: Vec<_> = map.entries();
                for (key, item) in &entries {
                    if self.iteration(f, branch, Val::of(Value::Str(key)), Val { v: *item, iface })? {
                        break;
                    }
                }
                Ok(!entries.is_empty())
            }
            Value::Nil => Ok(false),
            Value::Object(object) => match (object.underlying(self.arena), object.bytes()) {
                (Value::Nil, Some(bytes)) => self.iterate(f, branch, self.arena.byte_list(bytes)),
                (Value::Nil, None) => Err(self.no_range(f, val)),
                (Value::Int(n, t), _) => {
                    self.only_one_variable(f, branch, val)?;
                    for i in 0..n {
                        let item = object.counted(self.arena, i).unwrap_or(Value::Int(i, t));
                        if self.iteration(f, branch, Val::INVALID, Val::of(item))? {
                            break;
                        }
                    }
                    Ok(n > 0)
                }
                (plain, _) => self.iterate(f, branch, plain),
            },
            Value::Bool(_) | Value::Float(..) | Value::Str(_) => Err(self.no_range(f, val)),
        }
    }

    #[cold]
    fn no_range(&self, f: &Frame<'_, 'a>, val: Value<'a>) -> Box<crate::Error> {
        let mut text = Vec::new();
        let pointee = if let Value::Object(object) = val { object.pointee(self.arena) } else { None };
        fmt::append_pointee(&mut text, self.arena, pointee.unwrap_or(val));
        self.fail(f, format!("range can't iterate over {}", String::from_utf8_lossy(&text)))
    }

    /// Refuses two variables for a range over a number.
    fn only_one_variable(&self, f: &Frame<'_, 'a>, branch: Branch, val: Value<'a>) -> Result<()> {
        if let Node::Pipe { decl, .. } = f.pool.node(branch.pipe)
            && decl.len > 1
        {
            let mut message = b"can't use ".to_vec();
            fmt::append_value(&mut message, self.arena, val);
            message.extend_from_slice(b" to iterate over more than one variable");
            return Err(self.fail(f, String::from_utf8_lossy(&message)));
        }
        Ok(())
    }

    /// Runs the body once; says whether to stop.
    fn iteration(&mut self, f: &mut Frame<'_, 'a>, branch: Branch, index: Val<'a>, item: Val<'a>) -> Result<bool> {
        if let Node::Pipe { decl, assign, .. } = f.pool.node(branch.pipe) {
            match (f.pool.list(decl), assign) {
                ([], _) => {}
                (&[one], true) => self.set_variable(f, one, item)?,
                (&[first, second, ..], true) => {
                    self.set_variable(f, first, index)?;
                    self.set_variable(f, second, item)?;
                }
                (declared, false) => {
                    let top = self.vars.len();
                    if let Some(last) = self.vars.last_mut() {
                        last.val = item;
                    }
                    if declared.len() > 1
                        && let Some(first) = self.vars.get_mut(top.wrapping_sub(2))
                    {
                        first.val = index;
                    }
                }
            }
        }
        let mark = self.vars.len();
        let flow = self.walk(f, item, branch.list)?;
        self.vars.truncate(mark);
        // A body may be empty: the pipeline is what a loop that never ends is known by.
        let node = std::mem::replace(&mut f.node, branch.pipe);
        self.step(f)?;
        f.node = node;
        Ok(flow == Flow::Break)
    }
}
