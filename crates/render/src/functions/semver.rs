//! Semantic versions as `Masterminds/semver` v3.

use std::borrow::Cow;
use std::cmp::Ordering;

use chart::semver::{Constraints, Version};
use gotext::GoType::String as Str;
use gotext::{Arena, Call, Error, Function, GoType, Kind, Method, Object, Value};

use super::args::{Out, any, bytes, nil_pointer, text};
use super::f;

pub(super) const TABLE: &[Function] = &[
    f("semver", "Reads a semantic version.", &[Str], None, |c, a| {
        let version = Version::parse(&text(a, 0)).map_err(|e| Error::new(e.to_string()))?;
        Ok(version_object(c.arena, &version, true))
    }),
    f("semverCompare", "Tells whether a version meets a constraint.", &[Str, Str], None, |_, a| {
        let constraint = Constraints::parse(&text(a, 0)).map_err(|e| improper(bytes(a, 0), &e))?;
        let version = Version::parse(&text(a, 1)).map_err(|e| Error::new(e.to_string()))?;
        Ok(Value::Bool(constraint.check(&version)))
    }),
];

/// The text of an error; what is no UTF-8 is quoted as it was given.
fn improper(given: &[u8], error: &chart::semver::Error) -> Error {
    if std::str::from_utf8(given).is_err() && !given.windows(2).any(|pair| pair == b"||") {
        return Error::new(format!("improper constraint: {}", gotext::strconv::quote(given)));
    }
    Error::new(error.to_string())
}

/// A `*semver.Version`, or what it points to.
struct Semver<'a> {
    is_pointer: bool,
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: &'a [u8],
    metadata: &'a [u8],
    original: &'a [u8],
}

fn version_object<'a>(arena: &'a Arena, version: &Version, is_pointer: bool) -> Value<'a> {
    arena.object(Semver {
        is_pointer,
        major: version.major,
        minor: version.minor,
        patch: version.patch,
        prerelease: arena.bytes(&version.prerelease),
        metadata: arena.bytes(&version.metadata),
        original: arena.bytes(&version.original),
    })
}

impl Semver<'_> {
    fn version(&self) -> Version {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Version {
            major: self.major,
            minor: self.minor,
            patch: self.patch,
            prerelease: text(self.prerelease),
            metadata: text(self.metadata),
            original: text(self.original),
        }
    }
}

fn uint64<'a>(v: u64) -> Value<'a> {
    Value::Uint(v, GoType::Uint64)
}

/// The version another argument is, for the methods that compare.
fn other(args: &[Value<'_>]) -> Result<Version, Error> {
    match any(args, 0) {
        Value::Object(object) => match object.string() {
            Some(text) => Version::parse(&text).map_err(|e| Error::new(e.to_string())),
            None => nil_pointer(),
        },
        _ => nil_pointer(),
    }
}

/// Refuses to raise the greatest number.
fn raised(what: &str, number: u64) -> Result<(), Error> {
    if number == u64::MAX {
        return Err(Error::new(format!("{what} version increment would overflow uint64")));
    }
    Ok(())
}

const NO_ARGUMENT: Method = Method { params: &[], variadic: None };
const ONE_TEXT: Method = Method { params: &[Str], variadic: None };
const ONE_VERSION: Method = Method { params: &[GoType::Named("*semver.Version")], variadic: None };

impl<'a> Object<'a> for Semver<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        if self.is_pointer { "*semver.Version".into() } else { "semver.Version".into() }
    }

    fn kind(&self) -> Kind {
        if self.is_pointer { Kind::Ptr } else { Kind::Struct }
    }

    fn string(&self) -> Option<String> {
        Some(self.version().to_string())
    }

    fn fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        vec![
            ("major", uint64(self.major)),
            ("minor", uint64(self.minor)),
            ("patch", uint64(self.patch)),
            ("pre", Value::Str(self.prerelease)),
            ("metadata", Value::Str(self.metadata)),
            ("original", Value::Str(self.original)),
        ]
    }

    fn copied(&self, arena: &'a Arena) -> Option<Value<'a>> {
        let zero = Semver {
            is_pointer: self.is_pointer,
            major: 0,
            minor: 0,
            patch: 0,
            prerelease: b"",
            metadata: b"",
            original: b"",
        };
        Some(arena.object(zero))
    }

    fn method(&self, name: &str) -> Option<&'static Method> {
        Some(match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "String" | "IncMajor" | "IncMinor"
            | "IncPatch" | "MarshalText" | "MarshalJSON" | "Value" => &NO_ARGUMENT,
            "SetPrerelease" | "SetMetadata" => &ONE_TEXT,
            // These a pointer has.
            "Original" if self.is_pointer => &NO_ARGUMENT,
            "Compare" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal"
                if self.is_pointer =>
            {
                &ONE_VERSION
            }
            _ => return None,
        })
    }

    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let of_pointer = self.method(name).is_none();
        if of_pointer {
            return None;
        }
        let arena = call.arena;
        let compared = |test: fn(Ordering) -> bool| other(args).map(|o| Value::Bool(test(self.version().compare(&o))));
        let made = |made: Version| version_object(arena, &made, false);
        let set = |set: Result<Version, chart::semver::Error>| set.map(made).map_err(|e| Error::new(e.to_string()));
        Some(match name {
            "Major" => Ok(uint64(self.major)),
            "Minor" => Ok(uint64(self.minor)),
            "Patch" => Ok(uint64(self.patch)),
            "Prerelease" => Ok(Value::Str(self.prerelease)),
            "Metadata" => Ok(Value::Str(self.metadata)),
            "Original" => Ok(Value::Str(self.original)),
            "String" | "Value" => Ok(arena.str(self.version().to_string())),
            "MarshalText" => Ok(arena.byte_list(self.version().to_string().as_bytes())),
            "MarshalJSON" => Ok(arena.byte_list(format!("\"{}\"", self.version()).as_bytes())),
            "Compare" => other(args).map(|o| Value::int(self.version().compare(&o) as i64)),
            "LessThan" => compared(Ordering::is_lt),
            "LessThanEqual" => compared(Ordering::is_le),
            "GreaterThan" => compared(Ordering::is_gt),
            "GreaterThanEqual" => compared(Ordering::is_ge),
            "Equal" => compared(Ordering::is_eq),
            "IncMajor" => raised("major", self.major).map(|()| made(self.version().inc_major())),
            "IncMinor" => raised("minor", self.minor).map(|()| made(self.version().inc_minor())),
            "IncPatch" if !self.prerelease.is_empty() => Ok(made(self.version().inc_patch())),
            "IncPatch" => raised("patch", self.patch).map(|()| made(self.version().inc_patch())),
            "SetPrerelease" => set(self.version().set_prerelease(&text(args, 0))),
            "SetMetadata" => set(self.version().set_metadata(&text(args, 0))),
            _ => return None,
        })
    }

    fn json_fields(&self, _arena: &'a Arena) -> Vec<(&'static str, Value<'a>)> {
        Vec::new()
    }
}
