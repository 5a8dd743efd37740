//! The template functions: all of Sprig 3.3 and Helm 4's own, one table entry each.

pub(crate) mod args;
pub(crate) mod crypto;
pub(crate) mod dates;
mod dicts;
mod encoding;
pub(crate) mod helm;
pub(crate) mod lists;
pub(crate) mod math;
mod paths;
pub(crate) mod print;
mod regex;
pub(crate) mod semver;
mod strings;
mod types;
mod urls;

use std::sync::OnceLock;

use gotext::{Body, Call, Error, Function, GoType};

use crate::host::Host;

/// A family of functions: its name and its table.
pub struct Family {
    /// The name, such as `strings`.
    pub name: &'static str,
    /// The functions, in no order.
    pub functions: &'static [Function],
}

/// Lists the functions by family; the reference page is made from it.
pub const FAMILIES: &[Family] = &[
    Family { name: "strings", functions: strings::TABLE },
    Family { name: "lists", functions: lists::TABLE },
    Family { name: "dicts", functions: dicts::TABLE },
    Family { name: "types", functions: types::TABLE },
    Family { name: "math", functions: math::TABLE },
    Family { name: "dates", functions: dates::TABLE },
    Family { name: "regex", functions: regex::TABLE },
    Family { name: "semver", functions: semver::TABLE },
    Family { name: "encoding", functions: encoding::TABLE },
    Family { name: "crypto", functions: crypto::TABLE },
    Family { name: "paths", functions: paths::TABLE },
    Family { name: "urls", functions: urls::TABLE },
    Family { name: "helm", functions: helm::TABLE },
];

/// Lists all functions, sorted by name.
pub fn all() -> &'static [Function] {
    static ALL: OnceLock<Vec<Function>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Function> = FAMILIES.iter().flat_map(|family| family.functions).copied().collect();
        all.sort_unstable_by_key(|function| function.name);
        all
    })
}

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

/// The state of the render a function is called in.
pub(crate) fn host<'h>(call: &'h mut Call<'_, '_>) -> Result<&'h mut Host, Error> {
    call.host.downcast_mut().ok_or_else(|| Error::new("called outside of a render"))
}
