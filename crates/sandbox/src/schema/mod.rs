//! The types of objects: which fields there are, how lists merge, and what Go's JSON encoder would leave out.
//!
//! The built-in kinds come from `kinds.txt`, which `tools/schema` writes from a real API server's OpenAPI document and the
//! Go types behind it; custom resources bring their own (`crd.rs`). The format of `kinds.txt`, one entry a line:
//!
//! ```text
//! T core.v1.Container struct [gvk=group/version/Kind] [atomic]
//!  name a! string             field, how it is written (below), `!` required, type
//!  ports o#6 []ContainerPort map=containerPort,protocol merge=containerPort default="x" retainKeys replace set atomic
//! ```
//!
//! `#6` is the field's number in protobuf; `#2.1` that of a field in an embedded struct, which is a message of its own. How a field is written: `a` always, `p` a pointer (left out when null), `o` left out when empty, `z` left out when zero.

pub(crate) mod crd;
pub(crate) mod decode;
pub(crate) mod proto;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde_json::Value;

/// What a value may be.
#[derive(Debug, Clone)]
pub(crate) enum Type {
    /// Anything; maps merge, lists do not.
    Any,
    Scalar(Scalar),
    List(Arc<List>),
    Map(Arc<MapOf>),
    Struct(Arc<Struct>),
    /// A built-in type, by its place in the table: types may contain themselves.
    Named(usize),
    /// A type that is replaced as a whole where it stands.
    Atomic(Arc<Type>),
}

/// A value without parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    String,
    Bool,
    Int32,
    Int64,
    Float,
    Bytes,
    Time,
    Quantity,
    IntOrString,
}

/// How the items of a list are told apart when lists merge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ListKind {
    Atomic,
    Set,
    /// By these fields; the second is what stands for a missing one.
    Map(Vec<(String, Option<Value>)>),
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) element: Type,
    pub(crate) kind: ListKind,
}

#[derive(Debug)]
pub(crate) struct MapOf {
    pub(crate) element: Type,
}

#[derive(Debug, Default)]
pub(crate) struct Struct {
    /// Go's name of the type: `DeploymentSpec`.
    pub(crate) name: String,
    pub(crate) fields: BTreeMap<String, Field>,
    pub(crate) atomic: bool,
    /// Fields that are not named are kept.
    pub(crate) open: bool,
    /// The schema it came from, for the checks that only custom resources know.
    pub(crate) source: Option<Arc<Value>>,
}

/// How Go writes a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Omit {
    Always,
    Nil,
    Empty,
    Zero,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) ty: Type,
    pub(crate) omit: Omit,
    pub(crate) required: bool,
    /// The key of a strategic merge; empty for a list of plain values that merges; none: the list is replaced.
    pub(crate) merge_key: Option<String>,
    pub(crate) retain_keys: bool,
    /// A strategic merge replaces the map as a whole.
    pub(crate) replace: bool,
    pub(crate) default: Option<Value>,
    /// The number in protobuf, behind those of the embedded structs around it.
    pub(crate) proto: Vec<u32>,
}

impl Type {
    /// The type itself, with names followed and marks taken off.
    pub(crate) fn resolve(&self) -> &Type {
        let mut here = self;
        loop {
            here = match here {
                Type::Named(index) => match BUILTIN.types.get(*index) {
                    Some((_, ty)) => ty,
                    None => return &Type::Any,
                },
                Type::Atomic(inner) => inner,
                other => return other,
            };
        }
    }

    /// Whether the value is replaced as a whole.
    pub(crate) fn atomic(&self) -> bool {
        match self {
            Type::Atomic(_) => true,
            other => match other.resolve() {
                Type::Struct(s) => s.atomic,
                Type::List(l) => l.kind == ListKind::Atomic,
                _ => false,
            },
        }
    }

    /// The type of what stands under a key, and whether the key is a named field.
    pub(crate) fn member(&self, key: &str) -> Option<(&Type, bool)> {
        match self.resolve() {
            Type::Struct(s) => match s.fields.get(key) {
                Some(field) => Some((&field.ty, true)),
                None => s.open.then_some((&Type::Any, false)),
            },
            Type::Map(m) => Some((&m.element, false)),
            Type::Any => Some((&Type::Any, false)),
            _ => None,
        }
    }

    pub(crate) fn field(&self, key: &str) -> Option<&Field> {
        match self.resolve() {
            Type::Struct(s) => s.fields.get(key),
            _ => None,
        }
    }

    /// The items of a list, and how they are told apart.
    pub(crate) fn items(&self) -> (&Type, &ListKind) {
        match self.resolve() {
            Type::List(l) => (&l.element, &l.kind),
            _ => (&Type::Any, &ListKind::Atomic),
        }
    }
}

/// The types of the built-in kinds.
pub(crate) struct Builtin {
    types: Vec<(String, Type)>,
    names: HashMap<String, usize>,
    kinds: HashMap<(String, String, String), usize>,
}

/// The table, read once.
pub(crate) static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| Builtin::read(include_str!("kinds.txt")));

impl Builtin {
    /// The type of a kind.
    pub(crate) fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Type> {
        self.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned())).map(|i| Type::Named(*i))
    }

    /// The type of a name such as `meta.v1.ObjectMeta`.
    pub(crate) fn named(&self, name: &str) -> Type {
        self.names.get(name).map_or(Type::Any, |i| Type::Named(*i))
    }

    /// The name of a type of the table.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.types.get(index).map_or("", |(name, _)| name)
    }

    /// All types with their names, in the order of the table.
    pub(crate) fn all(&self) -> &[(String, Type)] {
        &self.types
    }

    /// The group, version and kind of every kind.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = (&(String, String, String), usize)> {
        self.kinds.iter().map(|(k, i)| (k, *i))
    }

    fn read(text: &str) -> Self {
        let mut out = Self { types: Vec::new(), names: HashMap::new(), kinds: HashMap::new() };
        let entries: Vec<&str> = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
        for line in entries.iter().filter_map(|l| l.strip_prefix("T ")) {
            let name = line.split(' ').next().unwrap_or_default();
            out.names.insert(name.to_owned(), out.names.len());
        }
        let mut lines = entries.into_iter().peekable();
        while let Some(line) = lines.next() {
            let Some(head) = line.strip_prefix("T ") else { continue };
            let mut words = head.split(' ');
            let name = words.next().unwrap_or_default().to_owned();
            let kind = words.next().unwrap_or_default();
            let mut fields = Vec::new();
            while let Some(field) = lines.next_if(|l| l.starts_with(' ')) {
                fields.push(field.trim_start());
            }
            let mut atomic = false;
            for word in words {
                if let Some(gvk) = word.strip_prefix("gvk=") {
                    let mut parts = gvk.splitn(3, '/').map(str::to_owned);
                    let key = (
                        parts.next().unwrap_or_default(),
                        parts.next().unwrap_or_default(),
                        parts.next().unwrap_or_default(),
                    );
                    out.kinds.insert(key, out.types.len());
                }
                atomic |= word == "atomic";
            }
            let package = name.rsplit_once('.').map_or("", |(p, _)| p).to_owned();
            let ty = match (kind, name.as_str()) {
                (_, "api.resource.Quantity") => Type::Scalar(Scalar::Quantity),
                ("struct", _) => Type::Struct(Arc::new(Struct {
                    name: name.rsplit('.').next().unwrap_or_default().to_owned(),
                    fields: fields.iter().filter_map(|f| out.field(f, &package)).collect(),
                    atomic,
                    open: false,
                    source: None,
                })),
                ("any" | "object", _) => Type::Any,
                (other, _) => scalar(other),
            };
            out.types.push((name, ty));
        }
        // Keys of list maps have defaults that stand in the element's own fields; the elements are all known now.
        let defaults: Vec<Type> = out.types.iter().map(|(_, t)| with_key_defaults(t, &out)).collect();
        for (slot, ty) in out.types.iter_mut().zip(defaults) {
            slot.1 = ty;
        }
        out
    }

    fn field(&self, line: &str, package: &str) -> Option<(String, Field)> {
        let mut words = line.split(' ');
        let name = words.next()?.to_owned();
        let flags = words.next()?;
        let shape = words.next()?;
        let omit = match flags.chars().next()? {
            'a' => Omit::Always,
            'o' => Omit::Empty,
            'z' => Omit::Zero,
            _ => Omit::Nil,
        };
        let (mut kind, mut merge_key, mut default) = (ListKind::Atomic, None, None);
        let (mut retain_keys, mut replace, mut atomic) = (false, false, false);
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("map", keys) => kind = ListKind::Map(keys.split(',').map(|k| (k.to_owned(), None)).collect()),
                ("set", _) => kind = ListKind::Set,
                ("merge", key) => merge_key = Some(key.to_owned()),
                ("retainKeys", _) => retain_keys = true,
                ("replace", _) => replace = true,
                ("atomic", _) => atomic = true,
                ("default", json) => default = serde_json::from_str(json).ok(),
                _ => {}
            }
        }
        let mut ty = self.shape(shape, package, kind);
        if atomic {
            ty = Type::Atomic(Arc::new(ty));
        }
        let (flags, number) = flags.split_once('#').unwrap_or((flags, ""));
        let required = flags.ends_with('!');
        let proto = number.split('.').filter_map(|n| n.parse().ok()).collect();
        Some((name, Field { ty, omit, required, merge_key, retain_keys, replace, default, proto }))
    }

    fn shape(&self, shape: &str, package: &str, kind: ListKind) -> Type {
        if let Some(element) = shape.strip_prefix("[]") {
            return Type::List(Arc::new(List { element: self.shape(element, package, ListKind::Atomic), kind }));
        }
        if let Some(element) = shape.strip_prefix("{}") {
            return Type::Map(Arc::new(MapOf { element: self.shape(element, package, ListKind::Atomic) }));
        }
        let local = format!("{package}.{shape}");
        match self.names.get(&local).or_else(|| self.names.get(shape)) {
            Some(index) => Type::Named(*index),
            None => scalar(shape),
        }
    }
}

fn scalar(name: &str) -> Type {
    Type::Scalar(match name {
        "boolean" => Scalar::Bool,
        "int32" => Scalar::Int32,
        "int64" | "integer" => Scalar::Int64,
        "double" | "float" | "number" => Scalar::Float,
        "byte" => Scalar::Bytes,
        "date-time" => Scalar::Time,
        "int-or-string" => Scalar::IntOrString,
        "string" => Scalar::String,
        _ => return Type::Any,
    })
}

fn with_key_defaults(ty: &Type, table: &Builtin) -> Type {
    let Type::Struct(old) = ty else { return ty.clone() };
    let mut fields = BTreeMap::new();
    for (name, field) in &old.fields {
        let mut ty = field.ty.clone();
        if let Type::List(list) = &field.ty
            && let ListKind::Map(keys) = &list.kind
            && let Type::Named(index) = &list.element
            && let Some((_, Type::Struct(element))) = table.types.get(*index)
        {
            let keys =
                keys.iter().map(|(k, _)| (k.clone(), element.fields.get(k).and_then(|f| f.default.clone()))).collect();
            ty = Type::List(Arc::new(List { element: list.element.clone(), kind: ListKind::Map(keys) }));
        }
        fields.insert(
            name.clone(),
            Field {
                ty,
                omit: field.omit,
                required: field.required,
                merge_key: field.merge_key.clone(),
                retain_keys: field.retain_keys,
                replace: field.replace,
                default: field.default.clone(),
                proto: field.proto.clone(),
            },
        );
    }
    Type::Struct(Arc::new(Struct {
        name: old.name.clone(),
        fields,
        atomic: old.atomic,
        open: old.open,
        source: old.source.clone(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_knows_the_kinds() {
        let deployment = BUILTIN.kind("apps", "v1", "Deployment").unwrap();
        let (spec, named) = deployment.member("spec").unwrap();
        assert!(named);
        assert!(spec.field("selector").unwrap().required);
        assert!(spec.field("selector").unwrap().ty.atomic());
        let containers = &spec.member("template").unwrap().0.member("spec").unwrap().0.member("containers").unwrap().0;
        let (container, kind) = containers.items();
        assert_eq!(kind, &ListKind::Map(vec![("name".into(), None)]));
        let (_, ports) = container.member("ports").unwrap().0.items();
        let tcp = Some(Value::from("TCP"));
        assert_eq!(ports, &ListKind::Map(vec![("containerPort".into(), None), ("protocol".into(), tcp)]));
        assert!(BUILTIN.all().len() > 500);
    }
}
