//! Semantic versions as `Masterminds/semver` 1.5.

use std::borrow::Cow;

use chart::helm2::semver::{Constraints, Version};
use gotext::GoType::String as Str;
use gotext::{Arena, Call, Error, Function, GoType, Kind, Method, Object, Value};

use super::f;
use crate::functions::args::{any, nil_pointer, text};
use crate::objects::{NO_ARGUMENT, ONE_TEXT};

pub(super) const TABLE: &[Function] = &[
    f("semver", "Reads a semantic version.", &[Str], None, |c, a| {
        let version = Version::parse(&text(a, 0)).map_err(Error::new)?;
        Ok(object(c.arena, &version, true))
    }),
    f("semverCompare", "Tells whether a version meets a constraint.", &[Str, Str], None, |_, a| {
        let constraint = Constraints::parse(&text(a, 0)).map_err(Error::new)?;
        let version = Version::parse(&text(a, 1)).map_err(Error::new)?;
        Ok(Value::Bool(constraint.check(&version)))
    }),
];

/// A `*semver.Version`, or what it points to.
struct Semver<'a> {
    is_pointer: bool,
    numbers: [i64; 3],
    prerelease: &'a [u8],
    metadata: &'a [u8],
    original: &'a [u8],
}

fn object<'a>(arena: &'a Arena, version: &Version, is_pointer: bool) -> Value<'a> {
    arena.object(Semver {
        is_pointer,
        numbers: [version.major, version.minor, version.patch],
        prerelease: arena.bytes(&version.prerelease),
        metadata: arena.bytes(&version.metadata),
        original: arena.bytes(&version.original),
    })
}

impl Semver<'_> {
    fn version(&self) -> Version {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let [major, minor, patch] = self.numbers;
        Version {
            major,
            minor,
            patch,
            prerelease: text(self.prerelease),
            metadata: text(self.metadata),
            original: text(self.original),
        }
    }
}

/// The version another argument is, for the methods that compare.
fn other(args: &[Value<'_>]) -> Result<Version, Error> {
    match any(args, 0) {
        Value::Object(object) => match object.string() {
            Some(text) => Version::parse(&text).map_err(Error::new),
            None => nil_pointer(),
        },
        _ => nil_pointer(),
    }
}

const ONE_VERSION: Method = Method { params: &[GoType::Named("*semver.Version")], variadic: None };

impl<'a> Object<'a> for Semver<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        if self.is_pointer { "*semver.Version".into() } else { "semver.Version".into() }
    }

    fn kind(&self) -> Kind {
        if self.is_pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn string(&self) -> Option<String> {
        self.is_pointer.then(|| self.version().to_string())
    }

    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        let [major, minor, patch] = self.numbers.map(Value::int64);
        vec![
            ("major", major),
            ("minor", minor),
            ("patch", patch),
            ("pre", Value::Str(self.prerelease)),
            ("metadata", Value::Str(self.metadata)),
            ("original", Value::Str(self.original)),
        ]
    }

    fn pointee(&self, arena: &'a Arena) -> Option<Value<'a>> {
        self.is_pointer.then(|| object(arena, &self.version(), false))
    }

    fn copied(&self, arena: &'a Arena) -> Option<Value<'a>> {
        Some(object(arena, &Version::default(), self.is_pointer))
    }

    fn method(&self, name: &str) -> Option<&'static Method> {
        Some(match name {
            "IncMajor" | "IncMinor" | "IncPatch" => &NO_ARGUMENT,
            "SetPrerelease" | "SetMetadata" => &ONE_TEXT,
            _ if !self.is_pointer => return None,
            // These a pointer has.
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "MarshalJSON" => {
                &NO_ARGUMENT
            }
            "Compare" | "LessThan" | "GreaterThan" | "Equal" => &ONE_VERSION,
            _ => return None,
        })
    }

    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Result<Value<'a>, Error>> {
        self.method(name)?;
        let arena = call.arena;
        let [major, minor, patch] = self.numbers.map(Value::int64);
        let compared = || other(args).map(|o| self.version().compare(&o));
        let made = |made: Version| object(arena, &made, false);
        let set = |set: Result<Version, String>| set.map(made).map_err(Error::new);
        Some(match name {
            "Major" => Ok(major),
            "Minor" => Ok(minor),
            "Patch" => Ok(patch),
            "Prerelease" => Ok(Value::Str(self.prerelease)),
            "Metadata" => Ok(Value::Str(self.metadata)),
            "Original" => Ok(Value::Str(self.original)),
            "String" => Ok(arena.str(self.version().to_string())),
            "MarshalJSON" => Ok(arena.byte_list(format!("\"{}\"", self.version()).as_bytes())),
            "Compare" => compared().map(|order| Value::int(order as i64)),
            "LessThan" => compared().map(|order| Value::Bool(order.is_lt())),
            "GreaterThan" => compared().map(|order| Value::Bool(order.is_gt())),
            "Equal" => compared().map(|order| Value::Bool(order.is_eq())),
            "IncMajor" => Ok(made(self.version().inc_major())),
            "IncMinor" => Ok(made(self.version().inc_minor())),
            "IncPatch" => Ok(made(self.version().inc_patch())),
            "SetPrerelease" => set(self.version().set_prerelease(&text(args, 0))),
            "SetMetadata" => set(self.version().set_metadata(&text(args, 0))),
            _ => return None,
        })
    }

    fn json_fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        Vec::new()
    }
}
