//! What a request is about.

use bytes::Bytes;
use http::{HeaderMap, Method};

/// A request whose body has been read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The query parameters, decoded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape(key), unescape(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a parameter; empty when it is not there.
    pub(crate) fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v.as_str())
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), "true" | "1" | "t" | "T" | "TRUE" | "True")
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.0.push((key.to_owned(), value.to_owned()));
    }
}

/// Undoes percent-encoding and `+`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut rest = bytes.clone();
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => {
                        out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                        bytes = rest;
                    }
                    _ => out.push(b'%'),
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Undoes percent-encoding in a part of a path, where `+` is itself.
pub(crate) fn unescape_path(text: &str) -> String {
    unescape(&text.replace('+', "%2B"))
}

/// An address of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty when the address names none.
    pub(crate) namespace: String,
    pub(crate) plural: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) watch: bool,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/`
    Root,
    /// `/api`
    Core,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1` and `/apis/GROUP/VERSION`
    GroupVersion(String, String),
    Version,
    OpenApi2,
    OpenApi3,
    /// `/openapi/v3/apis/GROUP/VERSION`
    OpenApi3Of(String, String),
    Health(String),
    Objects(Address),
    Nothing,
}

/// Finds out where a path leads.
pub(crate) fn route(path: &str) -> Target {
    let parts: Vec<String> = path.split('/').filter(|p| !p.is_empty()).map(unescape_path).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        [] => Target::Root,
        ["version"] => Target::Version,
        ["healthz" | "livez" | "readyz", ..] => Target::Health(parts.join("/")),
        ["openapi", "v2"] => Target::OpenApi2,
        ["openapi", "v3"] => Target::OpenApi3,
        ["openapi", "v3", "api", version] => Target::OpenApi3Of(String::new(), (*version).into()),
        ["openapi", "v3", "apis", group, version] => Target::OpenApi3Of((*group).into(), (*version).into()),
        ["api"] => Target::Core,
        ["api", version] => Target::GroupVersion(String::new(), (*version).into()),
        ["api", version, rest @ ..] => objects("", version, rest),
        ["apis"] => Target::Groups,
        ["apis", group] => Target::Group((*group).into()),
        ["apis", group, version] => Target::GroupVersion((*group).into(), (*version).into()),
        ["apis", group, version, rest @ ..] => objects(group, version, rest),
        _ => Target::Nothing,
    }
}

fn objects(group: &str, version: &str, rest: &[&str]) -> Target {
    let (watch, rest) = match rest {
        ["watch", rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && !matches!(rest, ["status" | "finalize"]) => {
            (*namespace, rest)
        }
        rest => ("", rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, "", String::new()),
        [plural, name] => (*plural, *name, String::new()),
        [plural, name, subresource @ ..] => (*plural, *name, subresource.join("/")),
        [] => return Target::Nothing,
    };
    Target::Objects(Address {
        group: group.into(),
        version: version.into(),
        namespace: namespace.into(),
        plural: plural.into(),
        name: name.into(),
        subresource,
        watch,
    })
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// Who owns the fields that this request writes: the field manager, or the first part of the user agent.
    pub(crate) fn manager(&self) -> String {
        let given = self.query.get("fieldManager");
        if !given.is_empty() {
            return given.to_owned();
        }
        let agent = self.header("user-agent");
        let name: String =
            agent.split('/').next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(128).collect();
        if name.is_empty() { "unknown".into() } else { name }
    }

    /// The content type of the body, without parameters.
    pub(crate) fn content_type(&self) -> String {
        self.header("content-type").split(';').next().unwrap_or_default().trim().to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(path: &str) -> Address {
        match route(path) {
            Target::Objects(address) => address,
            other => panic!("{path}: {other:?}"),
        }
    }

    #[test]
    fn paths_lead_somewhere() {
        let a = address("/apis/apps/v1/namespaces/web/deployments/shop/scale");
        assert_eq!(
            (a.group.as_str(), a.namespace.as_str(), a.name.as_str(), a.subresource.as_str()),
            ("apps", "web", "shop", "scale")
        );
        let a = address("/api/v1/namespaces/web");
        assert_eq!((a.plural.as_str(), a.name.as_str(), a.namespace.as_str()), ("namespaces", "web", ""));
        let a = address("/api/v1/namespaces/web/finalize");
        assert_eq!((a.plural.as_str(), a.name.as_str(), a.subresource.as_str()), ("namespaces", "web", "finalize"));
        assert_eq!(address("/api/v1/namespaces/web/pods").plural, "pods");
        assert!(address("/api/v1/watch/pods").watch);
        assert_eq!(address("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode").name, "system:node");
        assert_eq!(route("/foo"), Target::Nothing);
        assert_eq!(Query::parse("a=b%2Cc+d&e").get("a"), "b,c d");
    }
}
