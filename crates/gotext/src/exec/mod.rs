//! Executing templates, as Go 1.26's text/template/exec.go.

mod builtins;
mod call;
mod compare;
mod escape;
mod eval;
mod walk;

use bytes::Bytes;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use builtins::Builtin;

use crate::error::{Error, ErrorKind, Limit, Place};
use crate::function::Templates;
use crate::hash::QuickMap;
use crate::parse::{Pool, Tree};
use crate::set::Set;
use crate::strconv::quote;
use crate::{Arena, Value, parse, stack};

/// What a map gives for a key it does not have: Go's `missingkey` option.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: `missingkey=default`.
    Invalid,
    /// The zero of the element type: `missingkey=zero`, what Helm sets.
    #[default]
    Zero,
    /// An error: `missingkey=error`, Helm's strict mode.
    Error,
}

/// Budgets of a render; `None` is no limit. What goes beyond ends the render with [`ErrorKind::Limit`].
#[derive(Clone, Debug)]
pub struct Limits {
    /// Templates within templates by the `template` action; Go's is 100,000, and its excess is Go's own error.
    pub template_depth: usize,
    /// Executions within executions, by functions such as `include` and `tpl`. By default 10,000: more than a chart ever
    /// nests, and Go dies of what never ends.
    pub nesting: Option<usize>,
    /// Nodes and calls executed, loops included.
    pub steps: Option<u64>,
    /// Bytes written, those of templates included elsewhere counted each time.
    pub output: Option<u64>,
    /// Bytes of the arena.
    pub memory: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { template_depth: 100_000, nesting: Some(10_000), steps: None, output: None, memory: None }
    }
}

/// How to execute.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What a map gives for a key it does not have.
    pub missing_key: MissingKey,
    /// The budgets.
    pub limits: Limits,
    /// When it turns true the render ends with [`Limit::Interrupted`]; for deadlines and clients that went away.
    pub interrupt: Option<Arc<AtomicBool>>,
}

/// What most included templates fit into.
const FIRST_OUTPUT: usize = 480;

/// A result within the executor; errors are boxed to keep results small.
type Result<T> = std::result::Result<T, Box<Error>>;

/// A value as reflection sees it: within an interface, or itself. An absent value is nil outside of an interface.
#[derive(Clone, Copy)]
struct Val<'a> {
    v: Value<'a>,
    /// Came out of something of type `interface {}`.
    iface: bool,
}

impl<'a> Val<'a> {
    const INVALID: Val<'a> = Val { v: Value::Nil, iface: false };

    fn of(v: Value<'a>) -> Self {
        Val { v, iface: false }
    }

    /// What a function gave: an untyped nil can only come out of an interface.
    fn result(v: Value<'a>) -> Self {
        Val { v, iface: matches!(v, Value::Nil) }
    }

    fn is_invalid(&self) -> bool {
        matches!(self, Val { v: Value::Nil, iface: false })
    }

    /// The name of the type reflection sees.
    fn type_name(&self) -> std::borrow::Cow<'static, str> {
        if self.iface { "interface {}".into() } else { self.v.type_name() }
    }
}

struct Variable<'a> {
    name: u32,
    val: Val<'a>,
}

/// Templates that a text of `tpl` lays over the set.
struct Overlay<'a> {
    pool: &'a Pool<'a>,
    trees: &'a [u32],
    below: Below<'a>,
}

/// What is seen through an overlay.
#[derive(Clone, Copy)]
enum Below<'a> {
    /// The set.
    Set,
    /// Another overlay.
    Overlay(&'a Overlay<'a>),
    /// The set, but for one source.
    Without(u32),
}

/// A text of `tpl`, parsed.
#[derive(Clone, Copy)]
struct ParsedText<'a> {
    pool: &'a Pool<'a>,
    trees: &'a [u32],
}

impl<'a> ParsedText<'a> {
    fn name(&self) -> &'a [u8] {
        self.pool.bytes(self.pool.file.name)
    }
}

/// The execution of one template: Go's `state`.
struct Frame<'r, 'a> {
    pool: &'a Pool<'a>,
    tree: &'a Tree,
    /// The node to name in errors.
    node: u32,
    /// Where its variables start.
    base: usize,
    depth: usize,
    out: &'r mut Vec<u8>,
    host: &'r mut dyn Any,
}

/// One render: executes templates of a set over values of an arena, one after the other, and counts what they use.
pub struct Runtime<'a> {
    arena: &'a Arena,
    set: &'a Set,
    /// Of the set's sources, in their order.
    pools: &'a [Pool<'a>],
    missing_key: MissingKey,
    template_depth: usize,
    max_nesting: usize,
    max_steps: u64,
    max_output: u64,
    max_memory: usize,
    interrupt: Option<Arc<AtomicBool>>,
    vars: Vec<Variable<'a>>,
    spare_args: Vec<Vec<Value<'a>>>,
    spare_vals: Vec<Vec<Val<'a>>>,
    overlay: Option<&'a Overlay<'a>>,
    texts: QuickMap<&'a [u8], ParsedText<'a>>,
    floor: usize,
    nesting: usize,
    steps: u64,
    output: u64,
}

impl<'a> Runtime<'a> {
    /// Prepares a render.
    pub fn new(arena: &'a Arena, set: &'a Set, options: &Options) -> Self {
        let limits = &options.limits;
        arena.limit(limits.memory.unwrap_or(usize::MAX), options.interrupt.clone());
        Runtime {
            arena,
            set,
            pools: arena.bump().alloc_slice_fill_iter(set.pools()),
            missing_key: options.missing_key,
            template_depth: limits.template_depth,
            max_nesting: limits.nesting.unwrap_or(usize::MAX),
            max_steps: limits.steps.unwrap_or(u64::MAX),
            max_output: limits.output.unwrap_or(u64::MAX),
            max_memory: limits.memory.unwrap_or(usize::MAX),
            interrupt: options.interrupt.clone(),
            vars: Vec::new(),
            spare_args: Vec::new(),
            spare_vals: Vec::new(),
            overlay: None,
            texts: QuickMap::default(),
            floor: stack::floor(),
            nesting: 0,
            steps: 0,
            output: 0,
        }
    }

    /// Executes a template and appends its output, as Go's `ExecuteTemplate`; on an error what was written before stays.
    pub fn execute_to(
        &mut self,
        host: &mut dyn Any,
        name: &[u8],
        dot: Value<'a>,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Error> {
        let Some((pool, tree)) = self.lookup(name) else {
            let message =
                format!("template: no template {} associated with template {}", quote(name), quote(self.set.name()));
            return Err(Error::of(ErrorKind::NoTemplate, message));
        };
        self.run(host, pool, tree, dot, out)
    }

    /// The steps executed so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The bytes written so far.
    pub fn output(&self) -> u64 {
        self.output
    }

    /// Finds a template by name: in the texts being executed, innermost first, then in the set.
    fn lookup(&self, name: &[u8]) -> Option<(&'a Pool<'a>, &'a Tree)> {
        let mut overlay = self.overlay;
        while let Some(layer) = overlay {
            let mut trees = layer.trees.iter().filter_map(|t| layer.pool.trees.get(*t as usize));
            if let Some(tree) = trees.find(|t| layer.pool.bytes(t.name) == name) {
                return Some((layer.pool, tree));
            }
            overlay = match layer.below {
                Below::Set => None,
                Below::Overlay(below) => Some(below),
                Below::Without(source) => return self.tree(self.set.find_without(name, source)?),
            };
        }
        self.tree(self.set.find(name)?)
    }

    fn tree(&self, (source, number): (u32, u32)) -> Option<(&'a Pool<'a>, &'a Tree)> {
        let pool = self.pools.get(source as usize)?;
        Some((pool, pool.trees.get(number as usize)?))
    }

    /// Executes a tree with a state of its own.
    fn run(
        &mut self,
        host: &mut dyn Any,
        pool: &'a Pool<'a>,
        tree: &'a Tree,
        dot: Value<'a>,
        out: &mut Vec<u8>,
    ) -> std::result::Result<(), Error> {
        let base = self.vars.len();
        let mut frame = Frame { pool, tree, node: tree.root, base, depth: 0, out, host };
        self.nesting += 1;
        let dot = Val::of(dot);
        self.vars.push(Variable { name: 0, val: dot });
        let result = if self.nesting > self.max_nesting {
            let message = format!("exceeded maximum nesting of templates ({})", self.max_nesting);
            Err(self.limit(&frame, Limit::Depth, message))
        } else {
            self.walk(&mut frame, dot, tree.root)
        };
        self.nesting -= 1;
        self.vars.truncate(base);
        match result {
            Ok(_) => Ok(()),
            Err(error) => Err(*error),
        }
    }

    /// Parses a text, or finds it among those parsed before.
    fn parsed(&mut self, name: &[u8], text: &[u8]) -> std::result::Result<ParsedText<'a>, Error> {
        let known = self.texts.get(text).copied();
        if let Some(parsed) = known.filter(|p| p.name() == name) {
            return Ok(parsed);
        }
        let (tables, trees) = parse::parse(self.set.functions(), name, Bytes::copy_from_slice(text))?;
        let bump = self.arena.bump();
        let pool = bump.alloc(tables.copy_into(bump));
        let parsed = ParsedText { pool, trees: bump.alloc_slice_copy(&trees) };
        if known.is_none() {
            self.texts.insert(pool.bytes(pool.file.text), parsed);
        }
        Ok(parsed)
    }

    /// Lays the templates of a text over what is visible now.
    fn lay_over(&self, parsed: ParsedText<'a>) -> &'a Overlay<'a> {
        let bump = self.arena.bump();
        // As when a set is parsed, white space replaces nothing.
        let kept = parsed.trees.iter().copied().filter(|number| {
            let Some(tree) = parsed.pool.trees.get(*number as usize) else { return false };
            !(tree.empty && self.lookup(parsed.pool.bytes(tree.name)).is_some())
        });
        let trees: Vec<u32> = kept.collect();
        let below = self.overlay.map_or(Below::Set, Below::Overlay);
        bump.alloc(Overlay { pool: parsed.pool, trees: bump.alloc_slice_copy(&trees), below })
    }

    /// Lays a text over the set in place of the source of the same name.
    fn put_in_place(&self, parsed: ParsedText<'a>, root: u32) -> &'a Overlay<'a> {
        let bump = self.arena.bump();
        let source = self.set.find(parsed.name()).map(|(source, _)| source);
        let known = |name: &[u8]| match source {
            Some(source) => self.set.find_without(name, source),
            None => self.set.find(name),
        };
        let kept = parsed.trees.iter().copied().filter(|number| {
            let Some(tree) = parsed.pool.trees.get(*number as usize) else { return false };
            *number == root || known(parsed.pool.bytes(tree.name)).is_none()
        });
        let trees: Vec<u32> = kept.collect();
        let below = source.map_or(Below::Set, Below::Without);
        bump.alloc(Overlay { pool: parsed.pool, trees: bump.alloc_slice_copy(&trees), below })
    }

    /// Makes ready what a text needs; `None` when there is nothing to execute.
    fn text(&mut self, name: &[u8], text: &[u8]) -> std::result::Result<Option<(ParsedText<'a>, u32)>, Error> {
        // Its tables take several times the memory of a text.
        if !self.arena.has_room(text.len().saturating_mul(8)) {
            return Ok(None);
        }
        let parsed = self.parsed(name, text)?;
        Ok(parsed.trees.last().map(|root| (parsed, *root)))
    }

    /// Executes a text under an overlay.
    fn run_text(
        &mut self,
        host: &mut dyn Any,
        (parsed, root): (ParsedText<'a>, u32),
        overlay: &'a Overlay<'a>,
        dot: Value<'a>,
    ) -> std::result::Result<Vec<u8>, Error> {
        let Some(root) = parsed.pool.trees.get(root as usize) else { return Ok(Vec::new()) };
        let before = self.overlay.replace(overlay);
        let mut out = Vec::with_capacity(FIRST_OUTPUT);
        let result = self.run(host, parsed.pool, root, dot, &mut out);
        self.overlay = before;
        result.map(|()| out)
    }

    /// Makes an error of the node at hand: Go's `state.errorf`.
    #[cold]
    fn fail(&self, frame: &Frame<'_, 'a>, message: impl Into<String>) -> Box<Error> {
        self.error(frame, ErrorKind::Exec, message.into(), None)
    }

    #[cold]
    fn limit(&self, frame: &Frame<'_, 'a>, limit: Limit, message: String) -> Box<Error> {
        self.error(frame, ErrorKind::Limit(limit), message, None)
    }

    #[cold]
    fn error(&self, frame: &Frame<'_, 'a>, kind: ErrorKind, message: String, cause: Option<Error>) -> Box<Error> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let pool = frame.pool;
        let (line, column) = pool.line_and_column(frame.node);
        let place = Place::Executing {
            file: lossy(pool.bytes(pool.file.name)),
            line,
            column,
            template: lossy(pool.bytes(frame.tree.name)),
            context: pool.text(frame.node),
        };
        Box::new(Error::at(kind, place, message, cause))
    }

    /// Counts a step, and looks now and then whether to stop.
    #[inline]
    fn step(&mut self, frame: &Frame<'_, 'a>) -> Result<()> {
        self.steps += 1;
        if self.steps > self.max_steps || self.steps & 0x3FF == 0 {
            return self.check(frame);
        }
        Ok(())
    }

    #[cold]
    fn check(&self, frame: &Frame<'_, 'a>) -> Result<()> {
        if self.steps > self.max_steps {
            let message = format!("exceeded the budget of {} steps", self.max_steps);
            return Err(self.limit(frame, Limit::Steps, message));
        }
        if self.interrupt.as_ref().is_some_and(|i| i.load(Ordering::Relaxed)) {
            return Err(self.limit(frame, Limit::Interrupted, "interrupted".to_owned()));
        }
        self.check_memory(frame)
    }

    #[inline]
    fn check_memory(&self, frame: &Frame<'_, 'a>) -> Result<()> {
        // A single call can take long, so the wish to stop is looked at after each.
        if self.arena.has_room(0) && !self.arena.is_overrun() {
            return Ok(());
        }
        if self.interrupt.as_ref().is_some_and(|i| i.load(Ordering::Relaxed)) {
            return Err(self.limit(frame, Limit::Interrupted, "interrupted".to_owned()));
        }
        let message = format!("exceeded the budget of {} bytes of memory", self.max_memory);
        Err(self.limit(frame, Limit::Memory, message))
    }

    /// Counts what was written since the output had the given length.
    #[inline]
    fn wrote(&mut self, frame: &Frame<'_, 'a>, before: usize) -> Result<()> {
        self.output += (frame.out.len() - before) as u64;
        if self.output > self.max_output {
            let message = format!("exceeded the budget of {} bytes of output", self.max_output);
            return Err(self.limit(frame, Limit::Output, message));
        }
        Ok(())
    }
}

impl<'a> Templates<'a> for Runtime<'a> {
    fn execute(&mut self, host: &mut dyn Any, name: &[u8], dot: Value<'a>) -> std::result::Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(FIRST_OUTPUT);
        self.execute_to(host, name, dot, &mut out)?;
        Ok(out)
    }

    fn execute_text(
        &mut self,
        host: &mut dyn Any,
        name: &[u8],
        text: &[u8],
        dot: Value<'a>,
    ) -> std::result::Result<Vec<u8>, Error> {
        // Most texts are plain ones.
        if !text.windows(2).any(|w| w == b"{{") {
            return Ok(text.to_vec());
        }
        let Some(ready) = self.text(name, text)? else { return Ok(Vec::new()) };
        let overlay = self.lay_over(ready.0);
        self.run_text(host, ready, overlay, dot)
    }

    fn execute_in_place(
        &mut self,
        host: &mut dyn Any,
        name: &[u8],
        text: &[u8],
        dot: Value<'a>,
    ) -> std::result::Result<Vec<u8>, Error> {
        if !text.windows(2).any(|w| w == b"{{") {
            return Ok(text.to_vec());
        }
        let Some(ready) = self.text(name, text)? else { return Ok(Vec::new()) };
        let overlay = self.put_in_place(ready.0, ready.1);
        self.run_text(host, ready, overlay, dot)
    }
}
