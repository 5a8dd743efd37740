//! Runs the cases whose outcomes Go's text/template wrote down, with the functions and types its program had.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::any::Any;
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use gotext::{
    Arena, Call, Error, Function, Functions, GoType, Kind, Map, Method, MissingKey, Object, Options, Runtime, Set,
    Value,
};
use serde_json::Value as Json;

type Outcome<'a> = Result<Value<'a>, Error>;

macro_rules! function {
    ($name:literal, [$($p:expr),*], $variadic:expr, $body:expr) => {
        Function { name: $name, doc: "", params: &[$($p),*], variadic: $variadic, body: $body }
    };
}

fn text(v: Value<'_>) -> &[u8] {
    if let Value::Str(s) = v { s } else { b"" }
}

fn map<'a>(v: Value<'a>) -> Option<&'a Map<'a>> {
    if let Value::Map(m) = v { Some(m) } else { None }
}

fn count(v: &Value<'_>) -> i64 {
    match v {
        Value::List(l) => l.items().len() as i64,
        Value::Map(m) => m.len() as i64,
        _ => -1,
    }
}

fn host_error(e: Error, text: &str) -> Error {
    Error::wrap(format!("error during tpl function execution for {}: ", gotext::strconv::quote(text)), e)
}

fn tpl<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Outcome<'a> {
    let source = text(a[0]);
    let shown = String::from_utf8_lossy(source);
    match c.templates.execute_text(c.host, b"gotpl", source, a[1]) {
        Ok(out) => Ok(c.arena.str(out)),
        Err(e) if e.kind == gotext::ErrorKind::Parse => {
            Err(Error::wrap(format!("cannot parse template {}: ", gotext::strconv::quote(source)), e))
        }
        Err(e) => Err(host_error(e, &shown)),
    }
}

fn join(parts: &[Value<'_>], sep: &[u8]) -> Vec<u8> {
    parts.iter().map(|v| text(*v)).collect::<Vec<_>>().join(sep)
}

fn dict<'a>(c: &mut Call<'a, '_>, a: &[Value<'a>]) -> Outcome<'a> {
    let map = c.arena.map();
    for pair in a.chunks_exact(2) {
        map.set(c.arena.bytes(gotext::fmt::sprint(c.arena, &pair[..1])), pair[1]);
    }
    Ok(Value::Map(map))
}

fn pick<'a>(_: &mut Call<'a, '_>, a: &[Value<'a>]) -> Outcome<'a> {
    let key = text(a[1]);
    map(a[0]).and_then(|m| m.get(key)).ok_or_else(|| Error::new(format!("no {}", String::from_utf8_lossy(key))))
}

fn functions() -> Functions {
    use GoType::*;
    let mut table = Functions::new([
        function!("include", [String, Any], None, |c, a| {
            let out = c.templates.execute(c.host, text(a[0]), a[1])?;
            Ok(c.arena.str(out))
        }),
        function!("tpl", [String, Any], None, tpl),
        function!("upper", [String], None, |c, a| Ok(c
            .arena
            .str(std::string::String::from_utf8_lossy(text(a[0])).to_uppercase()))),
        function!("add1", [Int], None, |_, a| Ok(if let Value::Int(i, _) = a[0] {
            Value::int(i.wrapping_add(1))
        } else {
            Value::Nil
        })),
        function!("addf", [Float64, Float64], None, |_, a| {
            Ok(match (a[0], a[1]) {
                (Value::Float(x, _), Value::Float(y, _)) => Value::float(x + y),
                _ => Value::Nil,
            })
        }),
        function!("cat", [], Some(String), |c, a| Ok(c.arena.str(join(a, b"+")))),
        function!("ident", [Any], None, |_, a| Ok(a[0])),
        function!("fail", [String], None, |_, a| Err(Error::new(std::string::String::from_utf8_lossy(text(a[0]))))),
        function!("list", [], Some(Any), |c, a| Ok(c.arena.list(a))),
        function!("dict", [], Some(Any), dict),
        function!("set", [Map, String, Any], None, |_, a| {
            if let Some(m) = map(a[0]) {
                m.set(text(a[1]), a[2]);
            }
            Ok(a[0])
        }),
        function!("strs", [], Some(String), |c, a| Ok(c.arena.typed_list(String, a))),
        function!("takelist", [List], None, |_, a| Ok(Value::int(count(&a[0])))),
        function!("takestrs", [Strings], None, |_, a| Ok(Value::int(count(&a[0])))),
        function!("takemap", [Map], None, |_, a| Ok(Value::int(count(&a[0])))),
        function!("takebool", [Bool], None, |_, a| Ok(Value::Bool(matches!(a[0], Value::Bool(false))))),
        function!("u8", [Uint8], None, |_, a| Ok(a[0])),
        function!("u64", [Uint64], None, |_, a| Ok(a[0])),
        function!("i8", [Int8], None, |_, a| Ok(a[0])),
        function!("i64", [Int64], None, |_, a| Ok(a[0])),
        function!("f32", [Float32], None, |_, a| Ok(a[0])),
        function!("bytes", [String], None, |c, a| Ok(c.arena.byte_list(text(a[0])))),
        function!("takebytes", [Bytes], None, |_, a| Ok(Value::int(count(&a[0])))),
        function!("nilany", [], None, |_, _| Ok(Value::Nil)),
        function!("nillist", [], None, |c, _| Ok(c.arena.nil_list(Any))),
        function!("nilmap", [], None, |c, _| Ok(Value::Map(c.arena.nil_map(Any)))),
        function!("strmap", [String, String], None, |c, a| {
            Ok(Value::Map(c.arena.map_from(String, [(text(a[0]), a[1])])))
        }),
        function!("intmap", [String, Int], None, |c, a| Ok(Value::Map(c.arena.map_from(Int, [(text(a[0]), a[1])])))),
        function!("thing", [], None, |c, _| Ok(c.arena.object(Thing { nil: false }))),
        function!("nothing", [], None, |c, _| Ok(c.arena.object(Thing { nil: true }))),
        function!("ver", [String], None, |c, a| Ok(c.arena.object(Ver(text(a[0]))))),
        function!("names", [], Some(String), |c, a| Ok(c.arena.object(Names(c.arena.typed_list(String, a))))),
        function!("files", [String, String], None, |c, a| {
            let bytes = c.arena.byte_list(text(a[1]));
            Ok(c.arena.object(Files(c.arena.map_from(Bytes, [(text(a[0]), bytes)]))))
        }),
        function!("vals", [Map], None, |c, a| {
            Ok(map(a[0]).map_or(Value::Nil, |m| Value::Map(c.arena.view(m, Some("main.Vals")))))
        }),
        function!("takething", [Named("*main.Thing")], None, |c, _| Ok(c.arena.str("bob"))),
    ]);
    table.add_method("main.Vals", function!("Pick", [Map, String], None, pick));
    table
}

struct Thing {
    nil: bool,
}

impl<'a> Object<'a> for Thing {
    fn type_name(&self) -> Cow<'static, str> {
        "*main.Thing".into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn is_nil(&self) -> bool {
        self.nil
    }
    fn field(&self, arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        match name {
            "Name" => Some(arena.str("bob")),
            "Count" => Some(Value::int(3)),
            "Any" => Some(Value::Nil),
            "Sub" => Some(arena.object(Sub)),
            _ => None,
        }
    }
    fn fields(&self, arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let sub = arena.object(Sub);
        vec![
            ("Name", arena.str("bob")),
            ("Count", Value::int(3)),
            ("Any", Value::Nil),
            ("Sub", sub),
            ("m", Value::int(0)),
        ]
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        use GoType::*;
        match name {
            "Hello" => Some(&Method { params: &[String], variadic: None }),
            "Add" => Some(&Method { params: &[Int, Int], variadic: None }),
            "Join" => Some(&Method { params: &[String], variadic: Some(String) }),
            "Fail" | "Self" => Some(&Method { params: &[], variadic: None }),
            _ => None,
        }
    }
    fn call(&self, c: &mut Call<'a, '_>, name: &str, a: &[Value<'a>]) -> Option<Outcome<'a>> {
        Some(Ok(match (name, a) {
            ("Hello", [s]) => c.arena.str([b"hello ", text(*s)].concat()),
            ("Add", [Value::Int(x, _), Value::Int(y, _)]) => Value::int(x.wrapping_add(*y)),
            ("Join", [sep, rest @ ..]) => c.arena.str(join(rest, text(*sep))),
            ("Self", _) => c.arena.object(Thing { nil: self.nil }),
            ("Fail", _) => return Some(Err(Error::new("thing failed"))),
            _ => return None,
        }))
    }
}

struct Sub;

impl<'a> Object<'a> for Sub {
    fn type_name(&self) -> Cow<'static, str> {
        "*main.Sub".into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn field(&self, _: &'a Arena, name: &str) -> Option<Value<'a>> {
        (name == "X").then_some(Value::float(1.5))
    }
    fn fields(&self, _: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        vec![("X", Value::float(1.5))]
    }
}

struct Ver<'a>(&'a [u8]);

impl<'a> Object<'a> for Ver<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "main.Ver".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn string(&self) -> Option<String> {
        Some(format!("v{}", String::from_utf8_lossy(self.0)))
    }
    fn fields(&self, _: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        vec![("s", Value::Str(self.0))]
    }
}

struct Names<'a>(Value<'a>);

impl<'a> Object<'a> for Names<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "main.Names".into()
    }
    fn kind(&self) -> Kind {
        Kind::Slice
    }
    fn underlying(&self, _: &'a Arena) -> Value<'a> {
        self.0
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        (name == "Has").then_some(&Method { params: &[GoType::String], variadic: None })
    }
    fn call(&self, _: &mut Call<'a, '_>, name: &str, a: &[Value<'a>]) -> Option<Outcome<'a>> {
        let Value::List(l) = self.0 else { return None };
        (name == "Has").then(|| Ok(Value::Bool(l.items().iter().any(|v| text(*v) == text(a[0])))))
    }
}

struct Files<'a>(&'a Map<'a>);

impl<'a> Object<'a> for Files<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "main.Files".into()
    }
    fn kind(&self) -> Kind {
        Kind::Map
    }
    fn underlying(&self, _: &'a Arena) -> Value<'a> {
        Value::Map(self.0)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        (name == "Get").then_some(&Method { params: &[GoType::String], variadic: None })
    }
    fn call(&self, c: &mut Call<'a, '_>, name: &str, a: &[Value<'a>]) -> Option<Outcome<'a>> {
        (name == "Get").then(|| {
            let bytes = match self.0.get(text(a[0])) {
                Some(v) => gotext::fmt::sprintf(c.arena, b"%s", &[v]),
                None => Vec::new(),
            };
            Ok(c.arena.str(bytes))
        })
    }
}

/// The value of JSON, as Go's `encoding/json` makes it.
pub fn from_json<'a>(arena: &'a Arena, json: &Json) -> Value<'a> {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::float(n.as_f64().unwrap_or(f64::NAN)),
        Json::String(s) => arena.str(s),
        Json::Array(items) => {
            let items: Vec<_> = items.iter().map(|i| from_json(arena, i)).collect();
            arena.list(&items)
        }
        Json::Object(entries) => {
            let map = arena.map();
            for (k, v) in entries {
                map.set(arena.bytes(k), from_json(arena, v));
            }
            Value::Map(map)
        }
    }
}

pub static FUNCTIONS: LazyLock<Arc<Functions>> = LazyLock::new(|| Arc::new(functions()));

/// What became of a case: output, error of execution, error of parsing.
#[derive(Debug, PartialEq, Eq)]
pub struct Got {
    pub out: Vec<u8>,
    pub err: String,
    pub perr: String,
}

pub fn run(case: &Json) -> Got {
    let mut got = Got { out: Vec::new(), err: String::new(), perr: String::new() };
    let mut set = Set::new("gotpl", FUNCTIONS.clone());
    for file in case["t"].as_array().unwrap() {
        if let Err(e) = set.parse(file[0].as_str().unwrap(), file[1].as_str().unwrap()) {
            got.perr = e.to_string();
            return got;
        }
    }
    let arena = Arena::new();
    let data = from_json(&arena, &case["data"]);
    let missing_key = if case["strict"].as_bool() == Some(true) { MissingKey::Error } else { MissingKey::Zero };
    let options = Options { missing_key, ..Options::default() };
    let mut runtime = Runtime::new(&arena, &set, &options);
    let mut host: Box<dyn Any> = Box::new(());
    let name = case["run"].as_str().unwrap();
    if let Err(e) = runtime.execute_to(&mut *host, name.as_bytes(), data, &mut got.out) {
        got.err = e.to_string();
    }
    got
}

pub fn expected(case: &Json) -> Got {
    let field = |name: &str| case[name].as_str().unwrap_or_default();
    let out = match case["outhex"].as_str() {
        None => field("out").as_bytes().to_vec(),
        Some(hex) => (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[i * 2..i * 2 + 2], 16).unwrap()).collect(),
    };
    Got { out, err: field("err").to_owned(), perr: field("perr").to_owned() }
}

/// Runs all cases of a file of JSON lines; panics telling the first that differ. A line `{"common": …}` holds the data of
/// all cases whose own is `@common`.
pub fn check(lines: &str) -> usize {
    gotext::with_big_stack(|| check_here(lines)).unwrap()
}

fn check_here(lines: &str) -> usize {
    let (mut total, mut wrong) = (0, 0);
    let mut common = Json::Null;
    for line in lines.lines().filter(|l| !l.trim().is_empty()) {
        let mut case: Json = serde_json::from_str(line).unwrap();
        if let Some(data) = case.get_mut("common") {
            common = data.take();
            continue;
        }
        if case["data"] == "@common" {
            case["data"] = common.clone();
        }
        total += 1;
        let (got, expected) = (run(&case), expected(&case));
        if got != expected {
            wrong += 1;
            if wrong <= 25 {
                eprintln!("--- {}", case["t"]);
                let show = |name: &str, a: &str, b: &str| {
                    if a != b {
                        eprintln!("  {name}  go: {b}\n  {name} ours: {a}");
                    }
                };
                show("out", &String::from_utf8_lossy(&got.out), &String::from_utf8_lossy(&expected.out));
                show("err", &got.err, &expected.err);
                show("perr", &got.perr, &expected.perr);
            }
        }
    }
    assert_eq!(wrong, 0, "{wrong} of {total} cases differ from Go");
    total
}
