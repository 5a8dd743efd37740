//! Evaluating pipelines, commands, variables and fields.

use super::{Frame, MissingKey, Result, Runtime, Val, Variable};
use crate::parse::{Node, Number, Run, Span, UNDEFINED};
use crate::strconv::quote;
use crate::{Error, Function, GoType, Kind, Map, Object, Value};

/// The operands of a command behind the first, and what comes through the pipe.
#[derive(Clone, Copy)]
pub(super) struct Args<'a> {
    pub(super) nodes: &'a [u32],
    pub(super) last: Option<Val<'a>>,
}

impl<'a> Args<'a> {
    pub(super) const NONE: Args<'a> = Args { nodes: &[], last: None };

    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.last.is_none()
    }
}

impl<'a> Runtime<'a> {
    /// Evaluates a pipeline; the value is never within an interface.
    pub(super) fn eval_pipeline(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, id: u32) -> Result<Val<'a>> {
        f.node = id;
        let Node::Pipe { cmds, decl, assign } = f.pool.node(id) else { return Ok(Val::INVALID) };
        let val = match f.pool.list(cmds) {
            [cmd] => Val::of(self.eval_command(f, dot, *cmd, None)?.v),
            cmds => {
                let mut last = None;
                for cmd in cmds {
                    last = Some(Val::of(self.eval_command(f, dot, *cmd, last)?.v));
                }
                last.unwrap_or(Val::INVALID)
            }
        };
        if decl.len > 0 {
            for variable in f.pool.list(decl) {
                if assign {
                    self.set_variable(f, *variable, val)?;
                } else if let Node::Variable { name, .. } = f.pool.node(*variable) {
                    self.vars.push(Variable { name, val });
                }
            }
        }
        Ok(val)
    }

    fn eval_command(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, id: u32, last: Option<Val<'a>>) -> Result<Val<'a>> {
        let Node::Command(run) = f.pool.node(id) else { return Ok(Val::INVALID) };
        let Some((&first, nodes)) = f.pool.list(run).split_first() else { return Ok(Val::INVALID) };
        let args = Args { nodes, last };
        match f.pool.node(first) {
            Node::Field(idents) => {
                f.node = first;
                return self.eval_fields(f, dot, dot, first, f.pool.names(idents), args);
            }
            Node::Chain { term, fields } => return self.eval_chain(f, dot, first, term, fields, args),
            Node::Function { function, name } => {
                f.node = first;
                return self.eval_function(f, dot, id, function, name, args);
            }
            Node::Pipe { .. } => {
                self.not_a_function(f, first, args)?;
                return self.eval_pipeline(f, dot, first);
            }
            Node::Variable { slot, name, idents } => {
                return self.eval_variable(f, dot, first, (slot, name, idents), args);
            }
            _ => {}
        }
        f.node = first;
        self.not_a_function(f, first, args)?;
        match f.pool.node(first) {
            Node::Dot => Ok(dot),
            Node::Nil => Err(self.fail(f, "nil is not a command")),
            _ => self.literal(f, first),
        }
    }

    fn not_a_function(&self, f: &Frame<'_, 'a>, first: u32, args: Args<'a>) -> Result<()> {
        if args.is_empty() {
            return Ok(());
        }
        Err(self.fail(f, format!("can't give argument to non-function {}", f.pool.text(first))))
    }

    /// The value of a constant where any type will do.
    pub(super) fn literal(&mut self, f: &mut Frame<'_, 'a>, id: u32) -> Result<Val<'a>> {
        let value = match f.pool.node(id) {
            Node::Bool(b) => Value::Bool(b),
            Node::Str { text, .. } => Value::Str(f.pool.bytes(text)),
            Node::Number(at) => {
                f.node = id;
                self.ideal(f, f.pool.number(at))?
            }
            _ => {
                let text = f.pool.text(id);
                return Err(self.fail(f, format!("can't evaluate command {}", quote(text))));
            }
        };
        Ok(Val::of(value))
    }

    /// The type of a number is told by how it is written.
    fn ideal(&self, f: &Frame<'_, 'a>, number: Number) -> Result<Value<'a>> {
        let text = f.pool.bytes(number.text);
        if let Some((re, im)) = number.complex {
            return Ok(self.arena.object(Complex { re, im }));
        }
        let rune = text.starts_with(b"'");
        let hex = text.len() > 2
            && (text.starts_with(b"0x") || text.starts_with(b"0X"))
            && !text.iter().any(|b| b"pP".contains(b));
        if let Some(float) = number.float
            && !hex
            && !rune
            && text.iter().any(|b| b".eEpP".contains(b))
        {
            return Ok(Value::float(float));
        }
        match number.int {
            Some(int) => Ok(Value::int(int)),
            None => Err(self.fail(f, format!("{} overflows int", String::from_utf8_lossy(text)))),
        }
    }

    // Variables.

    /// Where the variable with a name lies on the stack; where its slot was known at parse time that is told by it.
    fn find_variable(&self, f: &Frame<'_, 'a>, slot: u32, name: u32) -> Option<usize> {
        if !f.tree.dynamic {
            return (slot != UNDEFINED).then_some(f.base + slot as usize);
        }
        let own = self.vars.get(f.base..).unwrap_or_default();
        own.iter().rposition(|v| v.name == name).map(|at| f.base + at)
    }

    pub(super) fn set_variable(&mut self, f: &Frame<'_, 'a>, id: u32, val: Val<'a>) -> Result<()> {
        let Node::Variable { slot, name, idents } = f.pool.node(id) else { return Ok(()) };
        let at = self.find_variable(f, slot, name);
        match at.and_then(|at| self.vars.get_mut(at)) {
            Some(variable) => {
                variable.val = val;
                Ok(())
            }
            None => Err(self.undefined(f, idents)),
        }
    }

    #[cold]
    fn undefined(&self, f: &Frame<'_, 'a>, idents: Run) -> Box<Error> {
        let name = f.pool.names(idents).first().map(|n| f.pool.bytes(*n)).unwrap_or_default();
        self.fail(f, format!("undefined variable: {}", String::from_utf8_lossy(name)))
    }

    pub(super) fn eval_variable(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        id: u32,
        (slot, name, idents): (u32, u32, Run),
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        f.node = id;
        let at = self.find_variable(f, slot, name);
        let Some(val) = at.and_then(|at| self.vars.get(at)).map(|v| v.val) else {
            return Err(self.undefined(f, idents));
        };
        let fields = f.pool.names(idents).get(1..).unwrap_or_default();
        if fields.is_empty() {
            self.not_a_function(f, id, args)?;
            return Ok(val);
        }
        self.eval_fields(f, dot, val, id, fields, args)
    }

    // Fields.

    pub(super) fn eval_chain(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        id: u32,
        term: u32,
        fields: Run,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        f.node = id;
        let receiver = self.eval_operand(f, dot, term)?;
        self.eval_fields(f, dot, receiver, id, f.pool.names(fields), args)
    }

    /// Evaluates `.x.y.z`; only the last can be a method with arguments.
    pub(super) fn eval_fields(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        receiver: Val<'a>,
        id: u32,
        names: &'a [Span],
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let mut receiver = receiver;
        let Some((last, before)) = names.split_last() else { return Ok(receiver) };
        for name in before {
            receiver = self.eval_field(f, dot, receiver, id, *name, Args::NONE)?;
        }
        self.eval_field(f, dot, receiver, id, *last, args)
    }

    #[inline]
    fn eval_field(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        receiver: Val<'a>,
        id: u32,
        name: Span,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let name = f.pool.bytes(name);
        if let Value::Map(map) = receiver.v
            && args.is_empty()
            && (map.name.is_none() || self.set.functions().method(&receiver.v, name).is_none())
            && let Some(v) = map.get(name)
        {
            return Ok(Val { v, iface: map.elem == GoType::Any });
        }
        self.eval_any_field(f, dot, receiver, id, name, args)
    }

    fn eval_any_field(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        receiver: Val<'a>,
        id: u32,
        name: &'a [u8],
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let text = std::str::from_utf8(name).unwrap_or_default();
        match receiver.v {
            Value::Nil if !receiver.iface => {
                if self.missing_key == MissingKey::Error {
                    return Err(self.fail(f, format!("nil data; no entry for key {}", quote(name))));
                }
                Ok(Val::INVALID)
            }
            Value::Nil => Err(self.fail(f, format!("nil pointer evaluating interface {{}}.{text}"))),
            Value::Map(map) => {
                let set = self.set;
                if let Some(method) = set.functions().method(&receiver.v, name) {
                    return self.call_map_method(f, dot, receiver.v, id, method, args);
                }
                self.map_field(f, map, name, args)
            }
            Value::Object(object) => self.object_field(f, dot, receiver, object, id, text, args),
            _ => Err(self.no_field(f, receiver, text)),
        }
    }

    #[cold]
    fn no_field(&self, f: &Frame<'_, 'a>, receiver: Val<'a>, name: &str) -> Box<Error> {
        self.fail(f, format!("can't evaluate field {name} in type {}", receiver.type_name()))
    }

    fn map_field(&self, f: &Frame<'_, 'a>, map: &'a Map<'a>, name: &[u8], args: Args<'a>) -> Result<Val<'a>> {
        if !args.is_empty() {
            let name = String::from_utf8_lossy(name);
            return Err(self.fail(f, format!("{name} is not a method but has arguments")));
        }
        let iface = map.elem == GoType::Any;
        match (map.get(name), self.missing_key) {
            (Some(v), _) => Ok(Val { v, iface }),
            (None, MissingKey::Zero) => Ok(Val { v: map.elem.zero(self.arena), iface }),
            (None, MissingKey::Invalid) => Ok(Val::INVALID),
            (None, MissingKey::Error) => Err(self.fail(f, format!("map has no entry for key {}", quote(name)))),
        }
    }

    /// A field, method or key of a host object.
    #[allow(clippy::too_many_arguments)]
    fn object_field(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        receiver: Val<'a>,
        object: &'a dyn Object<'a>,
        id: u32,
        name: &str,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        if let Some(method) = object.method(name) {
            return self.call_method(f, dot, object, id, name, method, args);
        }
        if let Some(field) = object.field(self.arena, name) {
            if object.is_nil() {
                return Err(self.fail(f, format!("nil pointer evaluating {}.{name}", receiver.type_name())));
            }
            if !args.is_empty() {
                return Err(self.fail(f, format!("{name} has arguments but cannot be invoked as function")));
            }
            return Ok(Val { v: field, iface: matches!(field, Value::Nil) });
        }
        // The object may have the method all the same, and look at the arguments itself.
        if let Some(val) = self.try_method(f, dot, object, id, name, args)? {
            return Ok(val);
        }
        if let ("String", Some(text)) = (name, object.string()) {
            self.check_count(f, name, 0, false, args)?;
            return Ok(Val::of(self.arena.str(text)));
        }
        if object.fields(self.arena).iter().any(|(field, _)| *field == name) {
            let typ = receiver.type_name();
            return Err(self.fail(f, format!("{name} is an unexported field of struct type {typ}")));
        }
        if let Value::Map(map) = object.underlying(self.arena) {
            return self.map_field(f, map, name.as_bytes(), args);
        }
        Err(self.no_field(f, receiver, name))
    }

    /// Calls a method of a named map type.
    fn call_map_method(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        receiver: Value<'a>,
        id: u32,
        method: &'a Function,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let params = method.params.get(1..).unwrap_or_default();
        let mut argv = self.spare_args.pop().unwrap_or_default();
        argv.push(receiver);
        self.eval_args(f, dot, method.name, params, method.variadic, args, &mut argv)?;
        self.call_body(f, id, method.name, method.body, argv)
    }
}

/// A complex constant: it can only be printed and compared for equality.
struct Complex {
    re: f64,
    im: f64,
}

impl<'a> Object<'a> for Complex {
    fn type_name(&self) -> std::borrow::Cow<'static, str> {
        "complex128".into()
    }

    fn kind(&self) -> Kind {
        Kind::Complex128
    }

    fn complex(&self) -> Option<(f64, f64)> {
        Some((self.re, self.im))
    }
}
