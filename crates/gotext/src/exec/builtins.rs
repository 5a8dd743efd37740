//! Go's builtin functions: `and`, `call`, `html`, `index`, `slice`, `js`, `len`, `not`, `or`, `print…`, `urlquery` and the
//! comparisons.

use super::compare;
use super::escape;
use super::eval::Args;
use super::{Frame, Result, Runtime, Val};
use crate::error::Error;
use crate::{Arena, GoType, Value, fmt};

/// A builtin function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

impl Builtin {
    /// All of them by name, in the order of their numbers.
    pub(crate) const ALL: [(&'static str, Builtin); 19] = [
        ("and", Builtin::And),
        ("call", Builtin::Call),
        ("html", Builtin::Html),
        ("index", Builtin::Index),
        ("slice", Builtin::Slice),
        ("js", Builtin::Js),
        ("len", Builtin::Len),
        ("not", Builtin::Not),
        ("or", Builtin::Or),
        ("print", Builtin::Print),
        ("printf", Builtin::Printf),
        ("println", Builtin::Println),
        ("urlquery", Builtin::UrlQuery),
        ("eq", Builtin::Eq),
        ("ge", Builtin::Ge),
        ("gt", Builtin::Gt),
        ("le", Builtin::Le),
        ("lt", Builtin::Lt),
        ("ne", Builtin::Ne),
    ];

    pub(crate) fn find(name: &str) -> Option<Builtin> {
        Self::ALL.iter().find(|(n, _)| *n == name).map(|(_, b)| *b)
    }

    fn name(self) -> &'static str {
        Self::ALL.get(self as usize).map(|(n, _)| *n).unwrap_or_default()
    }

    /// How many fixed parameters there are, and whether more are taken.
    fn arity(self) -> (usize, bool) {
        match self {
            Builtin::And | Builtin::Call | Builtin::Index | Builtin::Slice | Builtin::Or | Builtin::Eq => (1, true),
            Builtin::Printf => (1, true),
            Builtin::Html | Builtin::Js | Builtin::UrlQuery | Builtin::Print | Builtin::Println => (0, true),
            Builtin::Len | Builtin::Not => (1, false),
            Builtin::Ge | Builtin::Gt | Builtin::Le | Builtin::Lt | Builtin::Ne => (2, false),
        }
    }
}

type Outcome<T> = std::result::Result<T, Error>;

/// What Go's `reflect` panics with when asked for the type of nothing; the executor makes it an error.
fn zero_value() -> Error {
    Error::new("reflect: call of reflect.Value.Type on zero Value")
}

impl<'a> Runtime<'a> {
    pub(super) fn eval_builtin(
        &mut self,
        f: &mut Frame<'_, 'a>,
        dot: Val<'a>,
        id: u32,
        builtin: Builtin,
        args: Args<'a>,
    ) -> Result<Val<'a>> {
        let (fixed, variadic) = builtin.arity();
        self.check_count(f, builtin.name(), fixed, variadic, args)?;
        match builtin {
            Builtin::And | Builtin::Or => return self.eval_and_or(f, dot, builtin == Builtin::Or, args),
            Builtin::Print | Builtin::Printf | Builtin::Println | Builtin::Html | Builtin::Js | Builtin::UrlQuery => {
                return self.eval_text(f, dot, builtin, args);
            }
            _ => {}
        }
        let mut vals = self.spare_vals.pop().unwrap_or_default();
        for node in args.nodes {
            vals.push(self.eval_operand(f, dot, *node)?);
        }
        vals.extend(args.last);
        let result = self.apply(f, builtin, args, &vals);
        vals.clear();
        self.spare_vals.push(vals);
        match result {
            Ok(value) => Ok(Val::of(value)),
            Err(error) => Err(self.failed_call(f, id, builtin.name(), error)),
        }
    }

    /// `and` and `or` stop at the first argument that decides.
    fn eval_and_or(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, or: bool, args: Args<'a>) -> Result<Val<'a>> {
        let mut val = Val::INVALID;
        for node in args.nodes {
            val = self.eval_operand(f, dot, *node)?;
            if val.v.truth(self.arena) == or {
                return Ok(val);
            }
        }
        Ok(args.last.unwrap_or(val))
    }

    /// The functions that make text of arguments of any type.
    fn eval_text(&mut self, f: &mut Frame<'_, 'a>, dot: Val<'a>, builtin: Builtin, args: Args<'a>) -> Result<Val<'a>> {
        let params: &'static [GoType] = if builtin == Builtin::Printf { &[GoType::String] } else { &[] };
        let mut argv = self.spare_args.pop().unwrap_or_default();
        self.eval_args(f, dot, builtin.name(), params, Some(GoType::Any), args, &mut argv)?;
        let text = match builtin {
            Builtin::Printf => match argv.split_first() {
                Some((Value::Str(format), rest)) => fmt::sprintf(self.arena, format, rest),
                _ => Vec::new(),
            },
            Builtin::Println => fmt::sprintln(self.arena, &argv),
            Builtin::Print => fmt::sprint(self.arena, &argv),
            _ => {
                let plain = match argv.as_slice() {
                    [Value::Str(s)] => s.to_vec(),
                    _ => {
                        argv.iter_mut()
                            .filter(|v| matches!(v, Value::Nil))
                            .for_each(|v| *v = Value::Str(b"<no value>"));
                        fmt::sprint(self.arena, &argv)
                    }
                };
                match builtin {
                    Builtin::Html => escape::html(&plain),
                    Builtin::Js => escape::js(&plain),
                    _ => escape::url_query(&plain),
                }
            }
        };
        argv.clear();
        self.spare_args.push(argv);
        self.check_memory(f)?;
        Ok(Val::of(self.arena.str(text)))
    }

    fn apply(&self, f: &Frame<'_, 'a>, builtin: Builtin, args: Args<'a>, vals: &[Val<'a>]) -> Outcome<Value<'a>> {
        let arena = self.arena;
        let (Some(first), rest) = (vals.first().copied(), vals.get(1..).unwrap_or_default()) else {
            return Ok(Value::Nil);
        };
        let second = rest.first().map_or(Value::Nil, |v| v.v);
        Ok(match builtin {
            Builtin::Not => Value::Bool(!first.v.truth(arena)),
            Builtin::Len => Value::int(len(arena, first)?),
            Builtin::Index => index(arena, first, rest)?,
            Builtin::Slice => slice(arena, first, rest)?,
            Builtin::Eq => Value::Bool(compare::equal_any(arena, first.v, rest.iter().map(|v| v.v))?),
            Builtin::Ne => Value::Bool(!compare::equal_any(arena, first.v, [second])?),
            Builtin::Lt => Value::Bool(compare::less(arena, first.v, second)?),
            Builtin::Le => Value::Bool(compare::less_or_equal(arena, first.v, second)?),
            Builtin::Gt => Value::Bool(!compare::less_or_equal(arena, first.v, second)?),
            Builtin::Ge => Value::Bool(!compare::less(arena, first.v, second)?),
            // There are no functions among the values of a chart.
            Builtin::Call if matches!(first.v, Value::Nil) => return Err(Error::new("call of nil")),
            Builtin::Call => {
                let callee = match (args.nodes.first(), first.v) {
                    (Some(node), _) => f.pool.text(*node),
                    (None, Value::Str(s)) => String::from_utf8_lossy(s).into_owned(),
                    (None, other) => format!("<{} Value>", other.type_name()),
                };
                return Err(Error::new(format!("non-function {callee} of type {}", first.v.type_name())));
            }
            _ => Value::Nil,
        })
    }
}

/// The name of a type, of a pointer that of what it points to.
fn pointee_name(value: &Value<'_>) -> String {
    let name = value.type_name();
    name.strip_prefix('*').unwrap_or(&name).to_owned()
}

fn len<'a>(arena: &'a Arena, item: Val<'a>) -> Outcome<i64> {
    let len = match item.v.plain(arena) {
        Value::Nil if item.iface => return Err(Error::new("len of nil pointer")),
        Value::Nil => return Err(zero_value()),
        Value::Str(s) => s.len(),
        Value::List(list) => list.items().len(),
        Value::Map(map) => map.len(),
        Value::Object(object) => match object.bytes() {
            Some(bytes) => bytes.len(),
            None if object.is_nil() => return Err(Error::new("len of nil pointer")),
            None => {
                return Err(Error::new(format!("len of type {}", pointee_name(&item.v))));
            }
        },
        _ => return Err(Error::new(format!("len of type {}", pointee_name(&item.v)))),
    };
    Ok(len as i64)
}

/// Reads an index that may be as large as `cap`.
fn index_arg<'a>(arena: &'a Arena, index: Value<'a>, cap: usize) -> Outcome<usize> {
    let x = match index.plain(arena) {
        Value::Int(v, _) => v,
        Value::Uint(v, _) => v as i64,
        Value::Nil => return Err(Error::new("cannot index slice/array with nil")),
        _ => return Err(Error::new(format!("cannot index slice/array with type {}", index.type_name()))),
    };
    match usize::try_from(x) {
        Ok(at) if at <= cap => Ok(at),
        _ => Err(Error::new(format!("index out of range: {x}"))),
    }
}

fn index<'a>(arena: &'a Arena, item: Val<'a>, indexes: &[Val<'a>]) -> Outcome<Value<'a>> {
    let mut item = item.v;
    if let Value::Nil = item {
        return Err(Error::new("index of untyped nil"));
    }
    for index in indexes {
        let index = index.v;
        let beyond = |what: &str| Error::new(format!("reflect: {what} index out of range"));
        item = match item.plain(arena) {
            Value::Nil => return Err(Error::new("index of nil pointer")),
            Value::Str(s) => {
                let at = index_arg(arena, index, s.len())?;
                let byte = s.get(at).ok_or_else(|| beyond("string"))?;
                Value::Uint(u64::from(*byte), GoType::Uint8)
            }
            Value::List(list) => {
                let at = index_arg(arena, index, list.items().len())?;
                list.items().get(at).copied().ok_or_else(|| beyond("slice"))?
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Nil => return Err(Error::new("value is nil; should be of type string")),
                    _ => return Err(Error::new(format!("value has type {}; should be string", index.type_name()))),
                };
                map.get(key).unwrap_or_else(|| map.elem.zero(arena))
            }
            Value::Object(object) => match object.bytes() {
                Some(bytes) => {
                    let at = index_arg(arena, index, bytes.len())?;
                    let byte = bytes.get(at).ok_or_else(|| beyond("slice"))?;
                    Value::Uint(u64::from(*byte), GoType::Uint8)
                }
                None if object.is_nil() => return Err(Error::new("index of nil pointer")),
                None => {
                    return Err(Error::new(format!("can't index item of type {}", pointee_name(&item))));
                }
            },
            _ => return Err(Error::new(format!("can't index item of type {}", pointee_name(&item)))),
        };
    }
    Ok(item)
}

fn slice<'a>(arena: &'a Arena, item: Val<'a>, indexes: &[Val<'a>]) -> Outcome<Value<'a>> {
    if let Value::Nil = item.v {
        return Err(Error::new("slice of untyped nil"));
    }
    if indexes.len() > 3 {
        return Err(Error::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let mut plain = item.v.plain(arena);
    if let Value::Object(object) = plain
        && let Some(bytes) = object.bytes()
    {
        plain = arena.byte_list(bytes);
    }
    let (len, capacity) = match plain {
        Value::Str(_) if indexes.len() == 3 => return Err(Error::new("cannot 3-index slice a string")),
        Value::Str(s) => (s.len(), s.len()),
        Value::List(list) => (list.items().len(), list.capacity()),
        Value::Object(object) if object.is_nil() => return Err(Error::new("slice of nil pointer")),
        other => return Err(Error::new(format!("can't slice item of type {}", pointee_name(&other)))),
    };
    let mut bounds = [0, len, capacity];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        if index.iface {
            // Unlike `index`, Go's `slice` does not look into interfaces.
            return Err(Error::new("cannot index slice/array with type interface {}"));
        }
        *bound = index_arg(arena, index.v, capacity)?;
    }
    let [from, to, max] = bounds;
    if from > to {
        return Err(Error::new(format!("invalid slice index: {from} > {to}")));
    }
    if indexes.len() == 3 && to > max {
        return Err(Error::new(format!("invalid slice index: {to} > {max}")));
    }
    if let Value::Object(object) = item.v
        && let Some(part) = object.sliced(arena, from, to)
    {
        return Ok(part);
    }
    Ok(match plain {
        Value::Str(s) => Value::Str(s.get(from..to).unwrap_or_default()),
        Value::List(list) if list.items.is_none() => Value::List(list),
        Value::List(list) => list.part(arena, from, to).unwrap_or(plain),
        other => other,
    })
}
