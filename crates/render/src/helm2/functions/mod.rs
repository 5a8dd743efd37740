//! The functions of Helm 2: Sprig 2.22 and its own. What is the same in Helm 4 is taken from there.

mod cast;
mod crypto;
mod dicts;
mod helm;
mod math;
mod semver;
mod strings;
mod toml;
mod words;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use gotext::GoType::{Any, String as Str};
use gotext::{Body, Function, Functions, GoType};

use super::objects::{VERSION_SET, has};
use crate::functions;
use crate::functions::args::{any, bytes};

/// The type of `.Values` and of the dot at the top of a template.
pub(super) const VALUES: &str = "chartutil.Values";

/// One entry of a table.
const fn f(
    name: &'static str,
    doc: &'static str,
    params: &'static [GoType],
    variadic: Option<GoType>,
    body: Body,
) -> Function {
    Function { name, doc, params, variadic, body }
}

/// The functions that do in Helm 2 what they do in Helm 4.
const SAME: &[&str] = &[
    "abbrev",
    "abbrevboth",
    "adler32sum",
    "ago",
    "append",
    "atoi",
    "b32dec",
    "b32enc",
    "b64dec",
    "b64enc",
    "base",
    "cat",
    "clean",
    "coalesce",
    "compact",
    "concat",
    "contains",
    "date",
    "dateInZone",
    "dateModify",
    "date_in_zone",
    "date_modify",
    "decryptAES",
    "deepCopy",
    "deepEqual",
    "default",
    "derivePassword",
    "dict",
    "dir",
    "empty",
    "encryptAES",
    "ext",
    "first",
    "fromJson",
    "genCA",
    "genSelfSignedCert",
    "getHostByName",
    "has",
    "hasKey",
    "hasPrefix",
    "hasSuffix",
    "hello",
    "htmlDate",
    "htmlDateInZone",
    "include",
    "indent",
    "initial",
    "initials",
    "isAbs",
    "join",
    "keys",
    "kindIs",
    "kindOf",
    "last",
    "list",
    "lower",
    "nindent",
    "nospace",
    "now",
    "omit",
    "pick",
    "pluck",
    "plural",
    "prepend",
    "push",
    "quote",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randNumeric",
    "regexFind",
    "regexFindAll",
    "regexMatch",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "regexSplit",
    "repeat",
    "replace",
    "rest",
    "reverse",
    "set",
    "sha1sum",
    "sha256sum",
    "shuffle",
    "sortAlpha",
    "split",
    "splitList",
    "splitn",
    "squote",
    "substr",
    "swapcase",
    "ternary",
    "title",
    "toDate",
    "toDecimal",
    "toJson",
    "toPrettyJson",
    "toString",
    "toStrings",
    "trim",
    "trimAll",
    "trimPrefix",
    "trimSuffix",
    "trimall",
    "tuple",
    "typeIs",
    "typeIsLike",
    "typeOf",
    "uniq",
    "unixEpoch",
    "unset",
    "until",
    "untilStep",
    "untitle",
    "upper",
    "urlJoin",
    "urlParse",
    "uuidv4",
    "values",
    "without",
    "wrap",
    "wrapWith",
];

/// The functions that do something else in Helm 2.
const OWN: &[&[Function]] = &[helm::TABLE, math::TABLE, strings::TABLE, dicts::TABLE, semver::TABLE, crypto::TABLE];

const HAS: Function =
    f("Has", "Tells whether a version is in the set.", &[Any, Str], None, |_, a| Ok(has(any(a, 0), bytes(a, 1))));

/// The functions of all renders in the dialect.
pub(super) fn table() -> &'static Arc<Functions> {
    static TABLE: OnceLock<Arc<Functions>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let same: HashSet<&str> = SAME.iter().copied().collect();
        let mut table = Functions::new(functions::all().iter().filter(|f| same.contains(f.name)).copied());
        table.extend(OWN.iter().copied().flatten().copied());
        for method in helm::VALUES_METHODS {
            table.add_method(VALUES, *method);
        }
        table.add_method(VERSION_SET, HAS);
        Arc::new(table)
    })
}
