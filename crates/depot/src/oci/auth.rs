//! What a registry wants to see of who asks, and tokens (as `oras.land/oras-go` 2.6: `registry/remote/auth`;
//! <https://distribution.github.io/distribution/spec/auth/token/>).

use std::collections::BTreeMap;
use std::net::IpAddr;

use chart::text::quote;
use http::StatusCode;

use super::session::Answer;
use crate::error::Error;
use crate::hub::escaped;
use crate::url::{self, Url};

/// The longest answer with a token.
const LONGEST: u64 = 128 << 10;
/// How long a token can be used when nobody says so, in seconds.
const USUAL: u64 = 60;

/// How a registry wants to be told who asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token.
    Bearer {
        /// Where there are some.
        realm: String,
        /// What the registry calls itself there.
        service: String,
        /// What the token has to allow.
        scope: String,
    },
}

impl Challenge {
    /// Reads the header `WWW-Authenticate`.
    pub(super) fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let mut take = |name: &str| parameters.remove(name).unwrap_or_default();
        Some(Self::Bearer { realm: take("realm"), service: take("service"), scope: take("scope") })
    }
}

/// Reads `a="b",c=d`; what follows something else is left out.
fn parameters(mut text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    while let Some((name, rest)) = text.split_once('=') {
        let rest = rest.trim_start();
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let Some((value, rest)) = unquoted(quoted) else { break };
                (value, rest)
            }
            None => {
                let (value, rest) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
                (value.trim().to_owned(), rest)
            }
        };
        found.insert(name.trim().to_ascii_lowercase(), value);
        let Some(rest) = rest.trim_start().strip_prefix(',') else { break };
        text = rest;
    }
    found
}

/// Reads up to the quote that ends a text, and gives what follows.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

/// What a token has to allow: what we mean to do, and what the registry says.
pub(super) fn scopes(ours: &str, theirs: &str) -> Vec<String> {
    let mut all: Vec<String> = ours.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    for scope in theirs.split(' ').filter(|scope| !scope.is_empty()) {
        let is_within = |wide: &String| {
            let (Some((what, actions)), Some((same, wanted))) = (wide.rsplit_once(':'), scope.rsplit_once(':')) else {
                return wide == scope;
            };
            what == same && wanted.split(',').all(|action| actions.split(',').any(|allowed| allowed == action))
        };
        if !all.iter().any(is_within) {
            all.push(scope.to_owned());
        }
    }
    all
}

/// Refuses a place of tokens that a login must not be sent to.
pub(super) fn check_realm(realm: &str, registry: &Url) -> Result<Url, Error> {
    let shown = quote(&url::redacted(realm));
    let parsed =
        url::parse(realm).map_err(|text| Error::text(format!("failed to parse bearer realm {shown}: {text}")))?;
    match parsed.scheme.as_str() {
        "https" => {}
        "http" if registry.scheme == "https" => {
            return Err(Error::text(format!("bearer realm {shown} uses http but registry was contacted over https")));
        }
        "http" => {}
        scheme => {
            return Err(Error::text(format!("bearer realm {shown} uses unsupported scheme {}", quote(scheme))));
        }
    }
    if let Ok(address) = parsed.host_name().parse::<IpAddr>()
        && is_inner(address)
        && parsed.host_name() != registry.host_name()
    {
        return Err(Error::text(format!(
            "bearer realm host {} is a loopback, link-local, private, or unspecified address",
            quote(parsed.host_name())
        )));
    }
    Ok(parsed)
}

/// Tells whether an address leads into the machine or the network that we are in.
fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unspecified()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.to_ipv4_mapped().is_some_and(|v4| is_inner(IpAddr::V4(v4)))
        }
    }
}

/// Where a token for these scopes is.
pub(super) fn with_query(realm: &Url, service: &str, scopes: &[String]) -> Url {
    let mut parts: Vec<String> = realm.query.iter().filter(|query| !query.is_empty()).cloned().collect();
    parts.extend(scopes.iter().map(|scope| format!("scope={}", escaped(scope))));
    if !service.is_empty() {
        parts.push(format!("service={}", escaped(service)));
    }
    let mut at = realm.clone();
    at.query = Some(parts.join("&")).filter(|query| !query.is_empty());
    at
}

/// What is sent to exchange an identity token for one that opens something.
pub(super) fn form(service: &str, scopes: &[String], refresh_token: &str) -> String {
    let fields = [
        ("client_id", "whipstaff"),
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token),
        ("scope", &scopes.join(" ")),
        ("service", service),
    ];
    fields.map(|(name, value)| format!("{name}={}", escaped(value))).join("&")
}

/// Reads a token, and for how many seconds it can be used.
pub(super) fn read_token(answer: Answer) -> Result<(String, u64), Error> {
    #[derive(serde::Deserialize)]
    struct Issued {
        #[serde(default)]
        token: Option<String>,
        #[serde(default)]
        access_token: Option<String>,
        #[serde(default)]
        expires_in: Option<u64>,
    }
    if answer.status != StatusCode::OK {
        return Err(answer.refused());
    }
    let place = format!("{} {}", answer.method, quote(&answer.at.shown()));
    let bytes = answer.read(LONGEST)?;
    // The text of the error says nothing of what was read, which may be a token.
    let issued: Issued = serde_json::from_slice(&bytes)
        .map_err(|error| Error::text(format!("{place}: failed to decode response: {}", kind(&error))))?;
    let given = [issued.access_token, issued.token].into_iter().flatten().find(|token| !token.is_empty());
    let token = given.ok_or_else(|| Error::text(format!("{place}: empty token returned")))?;
    if token.bytes().any(|b| !(b' '..=b'~').contains(&b)) {
        return Err(Error::text(format!("{place}: the token has characters that no header can have")));
    }
    // It is not used to its last moment.
    let seconds = issued.expires_in.filter(|seconds| *seconds > 0).unwrap_or(USUAL);
    Ok((token, seconds - seconds.min(50) / 10))
}

fn kind(error: &serde_json::Error) -> &'static str {
    if error.is_eof() { "unexpected EOF" } else { "it is not the JSON of a token" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let bearer = |realm: &str, service: &str, scope: &str| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.into(), scope: scope.into() })
        };
        for (header, want) in [
            ("Basic realm=\"x\"", Some(Challenge::Basic)),
            ("basic", Some(Challenge::Basic)),
            ("Negotiate", None),
            ("", None),
            (
                r#"Bearer realm="https://a/t",service="s",scope="repository:x/y:pull,push""#,
                bearer("https://a/t", "s", "repository:x/y:pull,push"),
            ),
            (r#"bearer  realm = "a\"b" , service=s"#, bearer("a\"b", "s", "")),
            (r#"Bearer realm="a"#, bearer("", "", "")),
        ] {
            assert_eq!(Challenge::read(header), want, "{header}");
        }
    }

    #[test]
    fn scopes_are_not_asked_for_twice() {
        for (ours, theirs, want) in [
            ("repository:a:pull", "repository:a:pull", &["repository:a:pull"][..]),
            ("repository:a:pull,push", "repository:a:pull", &["repository:a:pull,push"]),
            ("repository:a:pull", "repository:a:pull,push", &["repository:a:pull", "repository:a:pull,push"]),
            ("", "registry:catalog:* x", &["registry:catalog:*", "x"]),
            ("", "", &[]),
        ] {
            assert_eq!(scopes(ours, theirs), want, "{ours} and {theirs}");
        }
    }

    #[test]
    fn logins_go_to_no_strange_realm() {
        let registry = |text| url::parse(text).unwrap();
        for (realm, at, fits) in [
            ("https://auth.example.com/t", "https://r.example.com", true),
            ("http://auth.example.com/t", "https://r.example.com", false),
            ("http://auth.example.com/t", "http://r.example.com", true),
            ("file:///etc/passwd", "http://r.example.com", false),
            ("", "http://r.example.com", false),
            ("https://169.254.169.254/t", "https://r.example.com", false),
            ("https://[::ffff:10.0.0.1]/t", "https://r.example.com", false),
            ("http://127.0.0.1:2/t", "http://127.0.0.1:1", true),
        ] {
            assert_eq!(check_realm(realm, &registry(at)).is_ok(), fits, "{realm} of {at}");
        }
    }
}
