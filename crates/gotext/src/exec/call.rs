//! Calling functions and methods: how many arguments, of which types, and what becomes of errors.

use super::eval::Args;
use super::{Frame, Result, Runtime, Val};
use crate::error::{Error, ErrorKind};
use crate::function::{Body, Call, Method};
use crate::functions::Found;
use crate::parse::{Node, Span};
use crate::{GoType, Object, Value};

impl<'a> Runtime<'a> {
    /// Evaluates a function; `id` is the command it stands in, or the function itself where it is an operand.
    pub(super) fn eval_function(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        id: u32,
        function: u32,
        name: Span,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        self.step(f)?;
        let set = self.set;
        match set.functions().get(function) {
            Some(Found::Host(function)) => {
                let mut argv = self.spare_args.pop().unwrap_or_default();
                self.eval_args(f, dot, function.name, function.params, function.variadic, args, &mut argv)?;
                self.call_body(f, id, function.name, function.body, argv)
            }
            Some(Found::Builtin(builtin)) => self.eval_builtin(f, dot, id, builtin, args),
            None => {
                let name = crate::strconv::quote(f.pool.bytes(name));
                Err(self.fail(f, format!("{name} is not a defined function")))
            }
        }
    }

    /// Refuses a wrong number of arguments.
    #[inline]
    pub(super) fn check_count(
        &self,
        f: &Frame<'_, 'a>,
        name: &str,
        fixed: usize,
        variadic: bool,
        args: Args<'a>,
    ) -> Result<()> {
        let given = args.nodes.len() + usize::from(args.last.is_some());
        if given == fixed || (variadic && given > fixed) {
            return Ok(());
        }
        Err(self.wrong_count(f, name, fixed, variadic, args))
    }

    #[cold]
    fn wrong_count(&self, f: &Frame<'_, 'a>, name: &str, fixed: usize, variadic: bool, args: Args<'a>) -> Box<Error> {
        let written = args.nodes.len();
        if variadic {
            return self.fail(f, format!("wrong number of args for {name}: want at least {fixed} got {written}"));
        }
        let given = written + usize::from(args.last.is_some());
        self.fail(f, format!("wrong number of args for {name}: want {fixed} got {given}"))
    }

    /// Evaluates arguments, checked and converted for the parameters.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn eval_args(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        name: &str,
        params: &'static [GoType],
        variadic: Option<GoType>,
        args: Args<'a>,
        argv: &mut Vec<Value<'a>>,
    ) -> Result<()> {
        self.check_count(f, name, params.len(), variadic.is_some(), args)?;
        let rest = variadic.unwrap_or(GoType::Any);
        let mut types = params.iter().copied();
        for node in args.nodes {
            let value = self.eval_arg(f, dot, types.next().unwrap_or(rest), *node)?;
            argv.push(value);
        }
        if let Some(last) = args.last {
            argv.push(self.validate(f, last, types.next().unwrap_or(rest))?);
        }
        Ok(())
    }

    /// Calls a body with the arguments, which it gives back for reuse.
    pub(super) fn call_body(
        &mut self,
        f: &mut Frame<'_, 'a>,
        id: u32,
        name: &str,
        body: Body,
        argv: Vec<Value<'a>>,
    ) -> Result<Val<'a>> {
        let mut call = Call { arena: self.arena, host: &mut *f.host, templates: &mut *self };
        let result = body(&mut call, &argv);
        self.give_back(argv);
        match result {
            Ok(value) => {
                self.check_memory(f)?;
                Ok(Val::result(value))
            }
            Err(error) => {
                self.check_memory(f)?;
                Err(self.failed_call(f, id, name, error))
            }
        }
    }

    fn give_back(&mut self, mut argv: Vec<Value<'a>>) {
        argv.clear();
        self.spare_args.push(argv);
    }

    #[cold]
    pub(super) fn failed_call(&self, f: &mut Frame<'_, 'a>, id: u32, name: &str, error: Error) -> Box<Error> {
        if let ErrorKind::Limit(_) = error.kind {
            return Box::new(error);
        }
        f.node = id;
        self.error(f, ErrorKind::Exec, format!("error calling {name}: "), Some(error))
    }

    /// Calls a method of a host object that tells its parameters.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn call_method(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        object: &'a dyn Object<'a>,
        id: u32,
        name: &str,
        method: &'static Method,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let val = self.call_object(f, dot, object, id, name, method, args)?;
        Ok(val.unwrap_or(Val::INVALID))
    }

    /// Calls a method of a host object that looks at its arguments itself, if it has it.
    pub(super) fn try_method(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        object: &'a dyn Object<'a>,
        id: u32,
        name: &str,
        args: Args<'a>,
    ) -> Result<Option<Val<'a>>> {
        const ANY: Method = Method { params: &[], variadic: Some(GoType::Any) };
        let node = f.node;
        let result = self.call_object(f, dot, object, id, name, &ANY, args);
        match result {
            // The arguments of what is no method are not looked at.
            Err(_) if !args.is_empty() => {
                let mut call = Call { arena: self.arena, host: &mut *f.host, templates: &mut *self };
                if object.call(&mut call, name, &[]).is_some() {
                    return result;
                }
                f.node = node;
                Ok(None)
            }
            Ok(None) => {
                f.node = node;
                Ok(None)
            }
            _ => result,
        }
    }

    /// Evaluates the arguments and calls a method of a host object.
    #[allow(clippy::too_many_arguments)]
    fn call_object(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        object: &'a dyn Object<'a>,
        id: u32,
        name: &str,
        method: &'static Method,
        args: Args<'a>,
    ) -> Result<Option<Val<'a>>> {
        let mut argv = self.spare_args.pop().unwrap_or_default();
        self.eval_args(f, dot, name, method.params, method.variadic, args, &mut argv)?;
        let mut call = Call { arena: self.arena, host: &mut *f.host, templates: &mut *self };
        let result = object.call(&mut call, name, &argv);
        self.give_back(argv);
        match result {
            None => Ok(None),
            Some(Ok(value)) => {
                self.check_memory(f)?;
                Ok(Some(Val::result(value)))
            }
            Some(Err(error)) => Err(self.failed_call(f, id, name, error)),
        }
    }

    // Arguments.

    /// Evaluates an operand that is no constant, as reflection sees it.
    pub(super) fn eval_operand(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, id: u32) -> Result<Val<'a>> {
        f.node = id;
        match f.pool.node(id) {
            Node::Dot => Ok(dot),
            Node::Field(idents) => self.eval_fields(f, dot, dot, id, f.pool.names(idents), Args::NONE),
            Node::Variable { slot, name, idents } => self.eval_variable(f, dot, id, (slot, name, idents), Args::NONE),
            Node::Pipe { .. } => self.eval_pipeline(f, dot, id),
            Node::Function { function, name } => self.eval_function(f, dot, id, function, name, Args::NONE),
            Node::Chain { term, fields } => self.eval_chain(f, dot, id, term, fields, Args::NONE),
            Node::Nil => Ok(Val::INVALID),
            _ => self.literal(f, id),
        }
    }

    /// Evaluates an operand as a parameter of a type wants it.
    fn eval_arg(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, to: GoType, id: u32) -> Result<Value<'a>> {
        f.node = id;
        match (f.pool.node(id), to) {
            (Node::Nil, _) => {
                if to.can_be_nil() {
                    return Ok(to.zero(self.arena));
                }
                Err(self.fail(f, format!("cannot assign nil to {to}")))
            }
            (Node::Str { text, .. }, GoType::String | GoType::Any) => Ok(Value::Str(f.pool.bytes(text))),
            (Node::Bool(b), GoType::Bool | GoType::Any) => Ok(Value::Bool(b)),
            (Node::Number(_), GoType::Any) => Ok(self.literal(f, id)?.v),
            (Node::Number(at), _) => {
                let number = f.pool.number(at);
                let value = match to {
                    GoType::Float64 => number.float.map(|v| Value::Float(v, to)),
                    GoType::Float32 => number.float.map(|v| Value::Float(f64::from(v as f32), to)),
                    _ if is_int(to) => number.int.map(|v| Value::Int(cut_int(v, to), to)),
                    _ if is_uint(to) => number.uint.map(|v| Value::Uint(cut_uint(v, to), to)),
                    _ => None,
                };
                value.ok_or_else(|| self.bad_literal(f, to, id))
            }
            (Node::Str { .. } | Node::Bool(_), _) => Err(self.bad_literal(f, to, id)),
            _ => {
                let val = self.eval_operand(f, dot, id)?;
                self.validate(f, val, to)
            }
        }
    }

    #[cold]
    fn bad_literal(&self, f: &Frame<'_, 'a>, to: GoType, id: u32) -> Box<Error> {
        let found = f.pool.text(id);
        let expected = match to {
            GoType::Bool => "bool",
            GoType::String => "string",
            GoType::Float32 | GoType::Float64 => "float",
            _ if is_int(to) => "integer",
            _ if is_uint(to) => "unsigned integer",
            _ => return self.fail(f, format!("can't handle {found} for arg of type {to}")),
        };
        self.fail(f, format!("expected {expected}; found {found}"))
    }

    /// Makes sure that a value can be given for a parameter: Go's `validateType`.
    #[inline]
    fn validate(&self, f: &Frame<'_, 'a>, val: Val<'a>, to: GoType) -> Result<Value<'a>> {
        match (to, val.v) {
            (GoType::Any, Value::Object(object)) => Ok(object.boxed(self.arena).unwrap_or(val.v)),
            (GoType::Any, _) | (GoType::String, Value::Str(_)) => Ok(val.v),
            _ => self.validate_other(f, val, to),
        }
    }

    fn validate_other(&self, f: &Frame<'_, 'a>, val: Val<'a>, to: GoType) -> Result<Value<'a>> {
        if val.is_invalid() {
            if to.can_be_nil() {
                return Ok(to.zero(self.arena));
            }
            return Err(self.fail(f, format!("invalid value; expected {to}")));
        }
        let assigned = if matches!(val.v, Value::Nil) { None } else { val.v.assign(to, self.arena) };
        assigned.ok_or_else(|| {
            let got = if matches!(val.v, Value::Nil) { "interface {}".into() } else { val.v.type_name() };
            self.fail(f, format!("wrong type for value; expected {to}; got {got}"))
        })
    }
}

fn is_int(t: GoType) -> bool {
    matches!(t, GoType::Int | GoType::Int8 | GoType::Int16 | GoType::Int32 | GoType::Int64)
}

fn is_uint(t: GoType) -> bool {
    matches!(t, GoType::Uint | GoType::Uint8 | GoType::Uint16 | GoType::Uint32 | GoType::Uint64)
}

fn cut_int(v: i64, t: GoType) -> i64 {
    match t {
        GoType::Int8 => i64::from(v as i8),
        GoType::Int16 => i64::from(v as i16),
        GoType::Int32 => i64::from(v as i32),
        _ => v,
    }
}

fn cut_uint(v: u64, t: GoType) -> u64 {
    match t {
        GoType::Uint8 => u64::from(v as u8),
        GoType::Uint16 => u64::from(v as u16),
        GoType::Uint32 => u64::from(v as u32),
        _ => v,
    }
}
