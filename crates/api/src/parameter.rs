//! Parameters of paths, queries and headers, and how they are checked.

use std::collections::BTreeMap;

use crate::check::nearest;
use crate::problem::InputError;
use crate::route::Route;

/// A parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub location: Location,
    /// What it can be.
    pub kind: ParamType,
    /// What it means.
    pub doc: &'static str,
    /// One that could be.
    pub example: &'static str,
}

/// Where a parameter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Location {
    Path,
    Query,
    Header,
}

impl Location {
    /// Returns the name that OpenAPI has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

/// What a parameter can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Any text.
    Text,
    /// Text of a form; whoever reads it says what is wrong with another.
    Form {
        /// The form, as a regular expression.
        pattern: &'static str,
        /// The most characters.
        max: u32,
    },
    /// The rest of the path, slashes included.
    Rest,
    /// A whole number.
    Integer {
        /// The least.
        min: u32,
        /// The greatest.
        max: u32,
    },
    /// `true` or `false`; alone it is true.
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// Some of these, separated by commas.
    Choices(&'static [&'static str]),
    /// A duration.
    Duration,
}

/// The cluster of a path.
pub(crate) const CLUSTER: Param = Param {
    name: "cluster",
    location: Location::Path,
    kind: ParamType::Text,
    doc: "The cluster; `default` always exists.",
    example: "default",
};

/// The size of a page.
pub(crate) const LIMIT: Param = Param {
    name: "limit",
    location: Location::Query,
    kind: ParamType::Integer { min: 1, max: 10_000 },
    doc: "How many items a page has at most; 256 when left out.",
    example: "50",
};

/// Where a page begins.
pub(crate) const CONTINUE: Param = Param {
    name: "continue",
    location: Location::Query,
    kind: ParamType::Text,
    doc: "The `continue` of the page before; with the same filters and order.",
    example: "",
};

/// The query of a request, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads and checks a query string against a route's parameters.
    ///
    /// # Errors
    ///
    /// Names each parameter that is unknown, given twice or wrong.
    pub fn parse(route: &Route, query: &str) -> Result<Self, Vec<InputError>> {
        let known: Vec<&Param> = route.parameters.iter().filter(|p| p.location == Location::Query).collect();
        let (mut found, mut errors) = (BTreeMap::new(), Vec::new());
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let Some(param) = known.iter().find(|p| p.name == name) else {
                let mut error = InputError::parameter(name.as_ref(), "unknown query parameter");
                error.hint = nearest(&name, known.iter().map(|p| p.name));
                errors.push(error);
                continue;
            };
            if let Err(detail) = param.check(&value) {
                errors.push(InputError::parameter(param.name, detail));
                continue;
            }
            match found.get_mut(param.name) {
                None => {
                    found.insert(param.name.to_owned(), value.into_owned());
                }
                Some(before) if matches!(param.kind, ParamType::Choices(_)) => {
                    *before = format!("{before},{value}");
                }
                Some(_) => errors.push(InputError::parameter(param.name, "given more than once")),
            }
        }
        if errors.is_empty() { Ok(Self(found)) } else { Err(errors) }
    }

    /// Returns a parameter's text, when it was given and is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|s| !s.is_empty())
    }

    /// Returns a whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<u32> {
        self.get(name)?.parse().ok()
    }

    /// Returns whether a flag is set.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|v| v != "false")
    }

    /// Returns the members of a list separated by commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).map(|v| v.split(',').map(str::trim).filter(|s| !s.is_empty()).collect()).unwrap_or_default()
    }
}

impl Param {
    /// Checks a text against what the parameter can be.
    ///
    /// # Errors
    ///
    /// Says what it can be.
    pub fn check(&self, value: &str) -> Result<(), String> {
        let one_of = |all: &[&str]| format!("expected {}", alternatives(all));
        match self.kind {
            // What is in the path is there, and is looked at by whoever reads it.
            ParamType::Form { max, .. } if self.location != Location::Path => match value.chars().count() {
                0 => Err(format!("expected 1 to {max} characters")),
                length if length > max as usize => Err(format!("expected 1 to {max} characters")),
                _ => Ok(()),
            },
            ParamType::Text | ParamType::Form { .. } | ParamType::Rest => Ok(()),
            ParamType::Integer { min, max } => match value.parse::<u32>() {
                Ok(n) if (min..=max).contains(&n) => Ok(()),
                _ => Err(format!("expected a whole number from {min} to {max}")),
            },
            ParamType::Flag => match value {
                "" | "true" | "false" => Ok(()),
                _ => Err("expected `true` or `false`".to_owned()),
            },
            ParamType::Choice(all) if all.contains(&value) => Ok(()),
            ParamType::Choice(all) => Err(one_of(all)),
            ParamType::Choices(all) => match value.split(',').find(|v| !all.contains(&v.trim())) {
                Some(_) => Err(one_of(all)),
                None => Ok(()),
            },
            ParamType::Duration => crate::parse_duration(value).map(|_| ()),
        }
    }
}

/// Writes `a`, `b` or `c`.
pub(crate) fn alternatives(all: &[&str]) -> String {
    match all {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(|s| format!("`{s}`")).collect();
            format!("{} or `{last}`", head.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> &'static Route {
        crate::route("release_list").unwrap()
    }

    #[test]
    fn a_query_is_read() {
        let query = Parameters::parse(list(), "status=deployed,failed&status=superseded&limit=5&filter=a%2Bb").unwrap();
        assert_eq!(query.list("status"), ["deployed", "failed", "superseded"]);
        assert_eq!(query.integer("limit"), Some(5));
        assert_eq!(query.get("filter"), Some("a+b"));
        assert_eq!(query.get("chart"), None);
    }

    #[test]
    fn what_is_wrong_with_a_query_is_named() {
        let cases = [
            ("limt=5", "limt", "unknown query parameter", Some("did you mean `limit`?")),
            ("limit=0", "limit", "expected a whole number from 1 to 10000", None),
            ("limit=5&limit=6", "limit", "given more than once", None),
        ];
        for (query, parameter, detail, hint) in cases {
            let errors = Parameters::parse(list(), query).unwrap_err();
            assert_eq!(errors.len(), 1, "{query}");
            assert_eq!(errors[0].parameter.as_deref(), Some(parameter));
            assert_eq!(errors[0].detail, detail);
            assert_eq!(errors[0].hint.as_deref(), hint);
        }
    }
}
