//! The host objects of Helm 2: `.Files` and `.Capabilities`.

use std::borrow::Cow;

use gotext::{Arena, Call, Error, GoType, Kind, Map, Method, Object, Value};

use super::capabilities::{Capabilities, KubeVersion};
use super::message::tiller_version;
use crate::objects::{Bytes, Files as Entries, NO_ARGUMENT, ONE_TEXT, text_argument};

/// The Go type of `.Capabilities.APIVersions`.
pub(super) const VERSION_SET: &str = "chartutil.VersionSet";

/// `*chartutil.Capabilities`.
pub(super) struct Caps<'a> {
    api_versions: Value<'a>,
    kube_version: Value<'a>,
    tiller_version: Value<'a>,
}

impl<'a> Caps<'a> {
    pub(super) fn new(arena: &'a Arena, capabilities: &'a Capabilities) -> Self {
        let mut versions: Vec<&str> = capabilities.api_versions.iter().map(String::as_str).collect();
        versions.sort_unstable();
        let set = arena.map_for(versions.len());
        let empty = arena.object(Nothing);
        for version in versions {
            set.set(version.as_bytes(), empty);
        }
        Self {
            api_versions: Value::Map(arena.view(set, Some(VERSION_SET))),
            kube_version: arena.object(Info(&capabilities.kube_version)),
            tiller_version: tiller_version(arena, &capabilities.tiller_version),
        }
    }
}

impl<'a> Object<'a> for Caps<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "*chartutil.Capabilities".into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn field(&self, arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        self.fields(arena).into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        vec![
            ("APIVersions", self.api_versions),
            ("KubeVersion", self.kube_version),
            ("TillerVersion", self.tiller_version),
        ]
    }
}

/// What a `VersionSet` holds under each version: a `struct {}`.
pub(super) struct Nothing;

impl<'a> Object<'a> for Nothing {
    fn type_name(&self) -> Cow<'static, str> {
        "struct {}".into()
    }
    fn kind(&self) -> Kind {
        Kind::Struct
    }
    fn underlying(&self, _arena: &'a Arena) -> Value<'a> {
        Value::Nil
    }
}

/// `*version.Info`.
struct Info<'a>(&'a KubeVersion);

impl<'a> Info<'a> {
    fn named(&self) -> [(&'static str, &'static str, &'a str); 9] {
        [
            ("Major", "major", &self.0.major),
            ("Minor", "minor", &self.0.minor),
            ("GitVersion", "gitVersion", &self.0.git_version),
            ("GitCommit", "gitCommit", &self.0.git_commit),
            ("GitTreeState", "gitTreeState", &self.0.git_tree_state),
            ("BuildDate", "buildDate", &self.0.build_date),
            ("GoVersion", "goVersion", &self.0.go_version),
            ("Compiler", "compiler", &self.0.compiler),
            ("Platform", "platform", &self.0.platform),
        ]
    }
}

impl<'a> Object<'a> for Info<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "*version.Info".into()
    }
    fn kind(&self) -> Kind {
        Kind::Ptr
    }
    fn field(&self, _arena: &'a Arena, name: &str) -> Option<Value<'a>> {
        self.named().into_iter().find(|(field, _, _)| *field == name).map(|(_, _, text)| Value::Str(text.as_bytes()))
    }
    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        self.named().into_iter().map(|(field, _, text)| (field, Value::Str(text.as_bytes()))).collect()
    }
    fn json_fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        self.named().into_iter().map(|(_, json, text)| (json, Value::Str(text.as_bytes()))).collect()
    }
    fn string(&self) -> Option<String> {
        Some(self.0.git_version.clone())
    }
}

/// `chartutil.Files` (as Helm 2.17: `pkg/chartutil/files.go`).
pub(super) struct Files<'a>(pub(super) Entries<'a>);

impl<'a> Files<'a> {
    fn lines(&self, arena: &'a Arena, name: &[u8]) -> Value<'a> {
        match self.0.get(name) {
            // Over the wire an empty file is no different from none.
            b"" => arena.typed_list(GoType::String, &[]),
            data => {
                let lines: Vec<_> = data.split(|b| *b == b'\n').map(Value::Str).collect();
                arena.typed_list(GoType::String, &lines)
            }
        }
    }
}

impl<'a> Object<'a> for Files<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "chartutil.Files".into()
    }
    fn kind(&self) -> Kind {
        Kind::Map
    }
    fn underlying(&self, arena: &'a Arena) -> Value<'a> {
        self.0.underlying(arena)
    }
    fn method(&self, name: &str) -> Option<&'static Method> {
        match name {
            "Get" | "GetBytes" | "Glob" | "Lines" => Some(&ONE_TEXT),
            "AsConfig" | "AsSecrets" => Some(&NO_ARGUMENT),
            _ => None,
        }
    }
    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, Error>> {
        let arena = call.arena;
        Some(Ok(match name {
            "Get" => Value::Str(self.0.get(text_argument(args))),
            "GetBytes" => arena.object(Bytes(self.0.get(text_argument(args)))),
            "Glob" => arena.object(Files(self.0.glob(arena, text_argument(args)))),
            "AsConfig" => arena.str(self.0.to_yaml(arena, false)),
            "AsSecrets" => arena.str(self.0.to_yaml(arena, true)),
            "Lines" => self.lines(arena, text_argument(args)),
            _ => return None,
        }))
    }
}

/// `VersionSet.Has`.
pub(super) fn has<'a>(set: Value<'a>, version: &[u8]) -> Value<'a> {
    let found = |map: &Map<'a>| map.get(version).is_some();
    Value::Bool(matches!(set, Value::Map(map) if found(map)))
}
