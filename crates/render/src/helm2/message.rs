//! Messages of protobuf as templates see them: Go's fields and getters, and protobuf's text where one is printed
//! (as golang/protobuf 1.3: `proto/text.go`).

use std::borrow::Cow;

use chart::helm2::Metadata;
use gotext::{Arena, Call, Error, GoType, Kind, Method, Object, Value};
use jiff::Timestamp;

use super::capabilities::TillerVersion;
use super::objects::Nothing;
use crate::objects::NO_ARGUMENT;

/// A field: its name in Go, its name in protobuf and JSON, its value.
type Field<'a> = (&'static str, &'static str, Value<'a>);

/// A pointer to a message.
struct Message<'a> {
    type_name: &'static str,
    fields: &'a [Field<'a>],
}

fn message<'a>(arena: &'a Arena, type_name: &'static str, fields: &[Field<'a>]) -> Value<'a> {
    arena.object(Message { type_name, fields: arena.bump().alloc_slice_copy(fields) })
}

impl<'a> Object<'a> for Message<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn field(&self, arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        let own = self.fields.iter().find(|(field, _, _)| *field == name).map(|(_, _, value)| *value);
        own.or_else(|| insides(arena).into_iter().find(|(field, _)| *field == name).map(|(_, value)| value))
    }
    fn fields(&self, arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let own = self.fields.iter().map(|(name, _, value)| (*name, *value));
        own.chain(insides(arena)).collect()
    }
    fn pointee(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.object(Struct { type_name: self.type_name.trim_start_matches('*'), fields: self.fields }))
    }
    fn json_fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let said = self.fields.iter().filter(|(_, _, value)| !is_zero(*value));
        said.map(|(_, name, value)| (*name, *value)).collect()
    }
    fn string(&self) -> Option<String> {
        let mut out = Vec::new();
        self.write(&mut out);
        Some(String::from_utf8_lossy(&out).into_owned())
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        let getter = name.strip_prefix("Get").is_some_and(|f| self.fields.iter().any(|(field, _, _)| *field == f));
        (getter || name == "String").then_some(&NO_ARGUMENT)
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, _args: &[Value<'a>]) -> Option<Result<Value<'a>, Error>> {
        if name == "String" {
            return self.string().map(|text| Ok(call.arena.str(text)));
        }
        self.field(call.arena, name.strip_prefix("Get")?).map(Ok)
    }
}

/// A message that no pointer leads to: it has no methods.
struct Struct<'a> {
    type_name: &'static str,
    fields: &'a [Field<'a>],
}

impl<'a> Object<'a> for Struct<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn fields(&self, arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let own = self.fields.iter().map(|(name, _, value)| (*name, *value));
        own.chain(insides(arena)).collect()
    }
}

/// What golang/protobuf keeps in every message.
fn insides<'a>(arena: &'a Arena) -> [(&'static str, Value<'a>); 3] {
    [
        ("XXX_NoUnkeyedLiteral", arena.object(Nothing)),
        ("XXX_unrecognized", GoType::Bytes.zero(arena)),
        ("XXX_sizecache", Value::Int(0, GoType::Int32)),
    ]
}

impl Message<'_> {
    /// Writes the compact text: fields that are not zero, a space behind each.
    fn write(&self, out: &mut Vec<u8>) {
        for (_, name, value) in self.fields.iter().filter(|(_, _, value)| !is_zero(*value)) {
            match value {
                Value::List(list) => list.items().iter().for_each(|item| pair(out, name, *item)),
                Value::Map(map) => {
                    for (key, value) in map.entries() {
                        out.extend_from_slice(name.as_bytes());
                        out.extend_from_slice(b":<");
                        pair(out, "key", Value::Str(key));
                        pair(out, "value", value);
                        out.extend_from_slice(b"> ");
                    }
                }
                single => pair(out, name, *single),
            }
        }
    }
}

fn pair(out: &mut Vec<u8>, name: &str, value: Value<'_>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    match value {
        Value::Str(text) => quoted(out, text),
        Value::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
        Value::Int(v, _) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Object(object) => {
            out.push(b'<');
            out.extend_from_slice(object.string().unwrap_or_default().as_bytes());
            out.push(b'>');
        }
        _ => {}
    }
    out.push(b' ');
}

/// Quotes as protobuf: whatever is not printable ASCII in octal.
fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for b in text {
        match b {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b' '..=b'~' => out.push(*b),
            _ => out.extend_from_slice(format!("\\{b:03o}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// Whether a field is the zero of its type, which neither text nor JSON says.
fn is_zero(value: Value<'_>) -> bool {
    match value {
        Value::Str(text) => text.is_empty(),
        Value::Bool(b) => !b,
        Value::Int(v, _) => v == 0,
        Value::List(list) => list.items().is_empty(),
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// `.Chart`, a `*chart.Metadata` (as Helm 2.17: `pkg/proto/hapi/chart/metadata.pb.go`).
pub(super) fn metadata<'a>(arena: &'a Arena, m: &Metadata) -> Value<'a> {
    let text = |text: &str| arena.str(text);
    let texts = |items: &[String]| match items {
        [] => GoType::Strings.zero(arena),
        items => arena.strings(items),
    };
    let person = |p: &chart::Maintainer| {
        let fields =
            [("Name", "name", text(&p.name)), ("Email", "email", text(&p.email)), ("Url", "url", text(&p.url))];
        message(arena, "*chart.Maintainer", &fields)
    };
    let maintainers = match m.maintainers.as_slice() {
        [] => arena.nil_list(GoType::Named("*chart.Maintainer")),
        people => {
            let people: Vec<_> = people.iter().map(person).collect();
            arena.typed_list(GoType::Named("*chart.Maintainer"), &people)
        }
    };
    let annotations = if m.annotations.is_empty() {
        GoType::StringMap.zero(arena)
    } else {
        let entries = m.annotations.iter().map(|(key, value)| (arena.bytes(key), text(value)));
        Value::Map(arena.map_from(GoType::String, entries))
    };
    let fields = [
        ("Name", "name", text(&m.name)),
        ("Home", "home", text(&m.home)),
        ("Sources", "sources", texts(&m.sources)),
        ("Version", "version", text(&m.version)),
        ("Description", "description", text(&m.description)),
        ("Keywords", "keywords", texts(&m.keywords)),
        ("Maintainers", "maintainers", maintainers),
        ("Engine", "engine", text(&m.engine)),
        ("Icon", "icon", text(&m.icon)),
        ("ApiVersion", "apiVersion", text(&m.api_version)),
        ("Condition", "condition", text(&m.condition)),
        ("Tags", "tags", text(&m.tags)),
        ("AppVersion", "appVersion", text(&m.app_version)),
        ("Deprecated", "deprecated", Value::Bool(m.deprecated)),
        ("TillerVersion", "tillerVersion", text(&m.tiller_version)),
        ("Annotations", "annotations", annotations),
        ("KubeVersion", "kubeVersion", text(&m.kube_version)),
    ];
    message(arena, "*chart.Metadata", &fields)
}

/// `.Release.Time`, a `*timestamp.Timestamp`.
pub(super) fn timestamp(arena: &Arena, at: Timestamp) -> Value<'_> {
    // Before 1970 the nanoseconds still count forwards.
    let (mut seconds, mut nanos) = (at.as_second(), i64::from(at.subsec_nanosecond()));
    if nanos < 0 {
        (seconds, nanos) = (seconds - 1, nanos + 1_000_000_000);
    }
    let fields = [("Seconds", "seconds", Value::int64(seconds)), ("Nanos", "nanos", Value::Int(nanos, GoType::Int32))];
    message(arena, "*timestamp.Timestamp", &fields)
}

/// `.Capabilities.TillerVersion`, a `*version.Version`.
pub(super) fn tiller_version<'a>(arena: &'a Arena, version: &TillerVersion) -> Value<'a> {
    let fields = [
        ("SemVer", "sem_ver", arena.str(&version.sem_ver)),
        ("GitCommit", "git_commit", arena.str(&version.git_commit)),
        ("GitTreeState", "git_tree_state", arena.str(&version.git_tree_state)),
    ];
    message(arena, "*version.Version", &fields)
}
