//! The host objects that charts see: `.Files` and `.Capabilities`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chart::Content;
use chart::capabilities::KubeVersion;
use gotext::GoType::String as Str;
use gotext::{Arena, Call, Error, GoType, Kind, Method, Object, Value};

use crate::capabilities::{BuildInfo, Capabilities};
use crate::golang::glob::Glob;
use crate::golang::path;
use crate::values::Emitted;

type Out<'a> = Result<Value<'a>, Error>;

pub(crate) fn text_argument<'a>(args: &[Value<'a>]) -> &'a [u8] {
    match args.first() {
        Some(Value::Str(text)) => text,
        _ => b"",
    }
}

pub(crate) const ONE_TEXT: Method = Method { params: &[Str], variadic: None };
pub(crate) const NO_ARGUMENT: Method = Method { params: &[], variadic: None };

/// `engine.files`: the files of a chart, sorted by path (as Helm 4.3: `pkg/engine/files.go`).
pub(crate) struct Files<'a> {
    entries: &'a [(&'a [u8], &'a Content)],
}

impl<'a> Files<'a> {
    /// The files; of two of the same path the later one counts.
    pub(crate) fn new(arena: &'a Arena, files: &[(&'a str, &'a Content)]) -> Self {
        let mut entries: Vec<(&'a [u8], &'a Content)> = Vec::with_capacity(files.len());
        for (name, data) in files {
            entries.push((name.as_bytes(), data));
        }
        entries.sort_by(|a, b| a.0.cmp(b.0));
        entries.reverse();
        entries.dedup_by(|later, earlier| later.0 == earlier.0);
        entries.reverse();
        Self { entries: arena.bump().alloc_slice_copy(&entries) }
    }

    pub(crate) fn get(&self, name: &[u8]) -> &'a [u8] {
        let at = self.entries.binary_search_by(|(n, _)| (*n).cmp(name));
        at.ok().and_then(|at| self.entries.get(at)).map_or(b"", |(_, data)| data)
    }

    pub(crate) fn glob(&self, arena: &'a Arena, pattern: &[u8]) -> Files<'a> {
        let glob = std::str::from_utf8(pattern).ok().and_then(Glob::new).unwrap_or_else(Glob::everything);
        let matching = |name: &[u8]| glob.matches(&String::from_utf8_lossy(name));
        let entries: Vec<_> = self.entries.iter().copied().filter(|(name, _)| matching(name)).collect();
        Files { entries: arena.bump().alloc_slice_copy(&entries) }
    }

    /// The files under their base names as YAML, each as its text or in base64.
    fn as_yaml(&self, arena: &'a Arena, encode: bool) -> Value<'a> {
        let written = self.to_yaml(arena, encode);
        arena.str(written.strip_suffix('\n').unwrap_or(&written))
    }

    pub(crate) fn to_yaml(&self, arena: &'a Arena, encode: bool) -> String {
        let map = arena.typed_map(GoType::String);
        for (name, data) in self.entries {
            let value = if encode { arena.str(STANDARD.encode(data)) } else { Value::Str(data) };
            map.set(path::base(name), value);
        }
        goyaml::to_yaml(&Emitted::new(arena, Value::Map(map))).unwrap_or_default()
    }

    fn lines(&self, arena: &'a Arena, name: &[u8]) -> Value<'a> {
        let data = self.get(name);
        if data.is_empty() {
            return arena.typed_list(GoType::String, &[]);
        }
        let data = data.strip_suffix(b"\n").unwrap_or(data);
        let lines: Vec<_> = data.split(|b| *b == b'\n').map(Value::Str).collect();
        arena.typed_list(GoType::String, &lines)
    }
}

impl<'a> Object<'a> for Files<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "engine.files".into()
    }
    fn kind(&self) -> Kind {
        Kind::Map
    }
    fn underlying(&self, arena: &'a Arena) -> Value<'a> {
        let map = arena.typed_map(GoType::Bytes);
        for (name, data) in self.entries {
            map.set(name, arena.object(Bytes(data)));
        }
        Value::Map(map)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(&ONE_TEXT),
            "AsConfig" | "AsSecrets" => Some(&NO_ARGUMENT),
            _ => None,
        }
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let arena = call.arena;
        Some(Ok(match name {
            "Get" => Value::Str(self.get(text_argument(args))),
            "GetBytes" => arena.object(Bytes(self.get(text_argument(args)))),
            "Glob" => arena.object(self.glob(arena, text_argument(args))),
            "AsConfig" => self.as_yaml(arena, false),
            "AsSecrets" => self.as_yaml(arena, true),
            "Lines" => self.lines(arena, text_argument(args)),
            _ => return None,
        }))
    }
}

/// A `[]byte`, whose elements are made only when somebody looks at them.
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Object<'a> for Bytes<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "[]uint8".into()
    }
    fn kind(&self) -> Kind {
        Kind::Slice
    }
    fn bytes(&self) -> Option<&'a [u8]> {
        Some(self.0)
    }
    fn underlying(&self, arena: &'a Arena) -> Value<'a> {
        let items: Vec<_> = self.0.iter().map(|b| Value::Uint(u64::from(*b), GoType::Uint8)).collect();
        arena.typed_list(GoType::Uint8, &items)
    }
}

/// `*common.Capabilities`.
pub(crate) struct Caps<'a> {
    capabilities: &'a Capabilities,
    normalized: Option<&'a str>,
}

impl<'a> Caps<'a> {
    pub(crate) fn new(capabilities: &'a Capabilities) -> Self {
        Caps { capabilities, normalized: capabilities.kube_version.normalized.as_deref() }
    }
}

impl<'a> Object<'a> for Caps<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "*common.Capabilities".into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn field(&self, arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        let Capabilities { kube_version: version, api_versions, helm_version, .. } = self.capabilities;
        Some(match name {
            "KubeVersion" => arena.object(Kube { version, normalized: self.normalized, in_place: true }),
            "APIVersions" => arena.object(VersionSet(api_versions)),
            "HelmVersion" => arena.object(HelmVersion(helm_version)),
            _ => return None,
        })
    }
    fn fields(&self, arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        ["KubeVersion", "APIVersions", "HelmVersion"]
            .into_iter()
            .filter_map(|name| self.field(arena, name).map(|value| (name, value)))
            .collect()
    }
    fn copied(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.object(Caps { capabilities: self.capabilities, normalized: None }))
    }
}

/// `common.KubeVersion`, whose methods are its pointer's: a copy in an interface has none.
struct Kube<'a> {
    version: &'a KubeVersion,
    /// The cluster's own version has none, Helm's own default has, and reflection copies only fields that are exported.
    normalized: Option<&'a str>,
    /// Whether it is where it can be pointed to.
    in_place: bool,
}

impl<'a> Kube<'a> {
    fn text(&self) -> &'a str {
        self.normalized.unwrap_or(&self.version.version)
    }
}

impl<'a> Object<'a> for Kube<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "common.KubeVersion".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn field(&self, _arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        Some(match name {
            "Version" => Value::Str(self.version.version.as_bytes()),
            "Major" => Value::Str(self.version.major.as_bytes()),
            "Minor" => Value::Str(self.version.minor.as_bytes()),
            _ => return None,
        })
    }
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let text = |s: &'a str| Value::Str(s.as_bytes());
        vec![
            ("Version", text(&self.version.version)),
            ("normalizedVersion", text(self.normalized.unwrap_or_default())),
            ("Major", text(&self.version.major)),
            ("Minor", text(&self.version.minor)),
        ]
    }
    fn pointer_string(&self) -> Option<String> {
        self.in_place.then(|| self.text().to_owned())
    }
    fn boxed(&self, arena: &'a Arena) -> Option<Value<'a>> {
        self.in_place.then(|| arena.object(Kube { in_place: false, ..*self }))
    }
    fn copied(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(arena.object(Kube { version: self.version, normalized: None, in_place: false }))
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        (self.in_place && matches!(name, "String" | "GitVersion")).then_some(&NO_ARGUMENT)
    }
    fn call(&self, _call: &mut Call<'a, '_>, name: &str, _args: &[Value<'a>]) -> Option<Out<'a>> {
        match name {
            _ if !self.in_place => None,
            "String" => Some(Ok(Value::Str(self.text().as_bytes()))),
            "GitVersion" => Some(Ok(Value::Str(self.version.version.as_bytes()))),
            _ => None,
        }
    }
}

/// `common.VersionSet`.
struct VersionSet<'a>(&'a [String]);

impl<'a> Object<'a> for VersionSet<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "common.VersionSet".into()
    }
    fn kind(&self) -> Kind {
        Kind::Slice
    }
    fn underlying(&self, arena: &'a Arena) -> Value<'a> {
        let items: Vec<_> = self.0.iter().map(|v| Value::Str(v.as_bytes())).collect();
        arena.typed_list(GoType::String, &items)
    }
    fn sliced(&self, arena: &'a Arena, from: usize, to: usize) -> Option<Value<'a>> {
        self.0.get(from..to).map(|part| arena.object(VersionSet(part)))
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        (name == "Has").then_some(&ONE_TEXT)
    }
    fn call(&self, _call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let wanted = text_argument(args);
        (name == "Has").then(|| Ok(Value::Bool(self.0.iter().any(|v| v.as_bytes() == wanted))))
    }
}

/// `version.BuildInfo`.
struct HelmVersion<'a>(&'a BuildInfo);

impl<'a> HelmVersion<'a> {
    fn named(&self) -> [(&'static str, &'static str, &'a str); 5] {
        [
            ("Version", "version", &self.0.version),
            ("GitCommit", "git_commit", &self.0.git_commit),
            ("GitTreeState", "git_tree_state", &self.0.git_tree_state),
            ("GoVersion", "go_version", &self.0.go_version),
            ("KubeClientVersion", "kube_client_version", &self.0.kube_client_version),
        ]
    }
}

impl<'a> Object<'a> for HelmVersion<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "version.BuildInfo".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn field(&self, _arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        self.named().into_iter().find(|(field, _, _)| *field == name).map(|(_, _, text)| Value::Str(text.as_bytes()))
    }
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        self.named().into_iter().map(|(field, _, text)| (field, Value::Str(text.as_bytes()))).collect()
    }
    fn json_fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let said = self.named().into_iter().filter(|(_, _, text)| !text.is_empty());
        said.map(|(_, json, text)| (json, Value::Str(text.as_bytes()))).collect()
    }
}
