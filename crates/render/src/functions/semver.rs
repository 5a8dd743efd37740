//! Semantic versions as `Masterminds/semver` v3.

use std::borrow::Cow;
use std::cmp::Ordering;

use chart::semver::{Constraints, Version};
use gotext::GoType::String as Str;
use gotext::{Arena, Call, Error, Function, GoType, Kind, Object, Value};

use super::args::{Out, any, text};
use super::f;

pub(super) const TABLE: &[Function] = &[
    f("semver", "Reads a semantic version.", &[Str], None, |c, a| {
        let version = Version::parse(&text(a, 0)).map_err(|e| Error::new(e.to_string()))?;
        Ok(version_object(c.arena, &version))
    }),
    f("semverCompare", "Tells whether a version meets a constraint.", &[Str, Str], None, |_, a| {
        let constraint = Constraints::parse(&text(a, 0)).map_err(|e| Error::new(e.to_string()))?;
        let version = Version::parse(&text(a, 1)).map_err(|e| Error::new(e.to_string()))?;
        Ok(Value::Bool(constraint.check(&version)))
    }),
];

/// A `*semver.Version`.
struct Semver<'a> {
    major: u64,
    minor: u64,
    patch: u64,
    prerelease: &'a [u8],
    metadata: &'a [u8],
    original: &'a [u8],
}

fn version_object<'a>(arena: &'a Arena, version: &Version) -> Value<'a> {
    arena.object(Semver {
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
            None => Err(Error::new("the argument is no version")),
        },
        _ => Err(Error::new("the argument is no version")),
    }
}

impl<'a> Object<'a> for Semver<'a> {
    fn type_name(&self) -> Cow<'static, str> {
        "*semver.Version".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn string(&self) -> Option<String> {
        Some(self.version().to_string())
    }

    fn call(&self, call: &mut Call<'a, '_>, name: &str, args: &[Value<'a>]) -> Option<Out<'a>> {
        let arena = call.arena;
        let compared = |test: fn(Ordering) -> bool| other(args).map(|o| Value::Bool(test(self.version().compare(&o))));
        let same = |made: Version| Ok(version_object(arena, &made));
        Some(match name {
            "Major" => Ok(uint64(self.major)),
            "Minor" => Ok(uint64(self.minor)),
            "Patch" => Ok(uint64(self.patch)),
            "Prerelease" => Ok(Value::Str(self.prerelease)),
            "Metadata" => Ok(Value::Str(self.metadata)),
            "Original" => Ok(Value::Str(self.original)),
            "String" => Ok(arena.str(self.version().to_string())),
            "Compare" => other(args).map(|o| Value::int(self.version().compare(&o) as i64)),
            "LessThan" => compared(Ordering::is_lt),
            "LessThanEqual" => compared(Ordering::is_le),
            "GreaterThan" => compared(Ordering::is_gt),
            "GreaterThanEqual" => compared(Ordering::is_ge),
            "Equal" => compared(Ordering::is_eq),
            "IncMajor" => same(self.version().inc_major()),
            "IncMinor" => same(self.version().inc_minor()),
            "IncPatch" => same(self.version().inc_patch()),
            "SetPrerelease" => self
                .version()
                .set_prerelease(&text(args, 0))
                .map_err(|e| Error::new(e.to_string()))
                .map(|made| version_object(arena, &made)),
            "SetMetadata" => self
                .version()
                .set_metadata(&text(args, 0))
                .map_err(|e| Error::new(e.to_string()))
                .map(|made| version_object(arena, &made)),
            _ => return None,
        })
    }
}
