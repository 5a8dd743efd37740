//! URLs as Go's `net/url` takes them apart and puts them together, as far as repositories need it.

use chart::text::quote;

/// A URL taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Url {
    /// The scheme, in small letters.
    pub(crate) scheme: String,
    /// What follows the scheme when that is no path.
    opaque: String,
    /// User and password as they are written.
    user: Option<String>,
    /// Host and port.
    pub(crate) host: String,
    /// The path as it is written.
    path: String,
    /// The query as it is written.
    pub(crate) query: Option<String>,
    fragment: Option<String>,
}

/// Reads a URL.
pub(crate) fn parse(raw: &str) -> Result<Url, String> {
    read(raw).map_err(|reason| format!("parse {}: {reason}", quote(&redacted(raw))))
}

fn read(raw: &str) -> Result<Url, String> {
    if raw.bytes().any(|b| b < b' ' || b == 0x7F) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = cut(raw, '#');
    let mut url = Url { fragment: fragment.map(str::to_owned), ..Url::default() };
    let mut rest = rest;
    if let Some((scheme, after)) = scheme(rest)? {
        url.scheme = scheme.to_ascii_lowercase();
        rest = after;
    }
    let (mut rest, query) = cut(rest, '?');
    url.query = query.map(str::to_owned);
    if !rest.starts_with('/') {
        if !url.scheme.is_empty() {
            rest.clone_into(&mut url.opaque);
            return Ok(url);
        }
        if rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    if let Some(after) = rest.strip_prefix("//")
        && (!url.scheme.is_empty() || !after.starts_with('/'))
    {
        let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
        rest = path;
        let host = match authority.rsplit_once('@') {
            Some((user, host)) => {
                unescape(user)?;
                url.user = Some(user.to_owned());
                host
            }
            None => authority,
        };
        check_host(host)?;
        host.clone_into(&mut url.host);
    }
    unescape(rest)?;
    rest.clone_into(&mut url.path);
    Ok(url)
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn scheme(raw: &str) -> Result<Option<(&str, &str)>, String> {
    match raw.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))) {
        Some(0) if raw.starts_with(':') => Err("missing protocol scheme".to_owned()),
        Some(at) if raw.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            Ok(raw.split_at_checked(at).and_then(|(scheme, rest)| Some((scheme, rest.strip_prefix(':')?))))
        }
        _ => Ok(None),
    }
}

fn check_host(host: &str) -> Result<(), String> {
    let port = match host.rsplit_once(']') {
        Some((_, port)) => port,
        None if host.starts_with('[') => return Err("missing ']' in host".to_owned()),
        None => host.find(':').and_then(|at| host.get(at..)).unwrap_or_default(),
    };
    let digits = port.strip_prefix(':').unwrap_or(if port.is_empty() { "" } else { "x" });
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || b"-_.~!$&'()*+,;=:[]<>\"%".contains(&b);
    match host.bytes().find(|b| !fits(*b)) {
        Some(b) => Err(format!("invalid character {} in host name", quote(&char::from(b).to_string()))),
        None => Ok(()),
    }
}

/// Takes the percent signs out.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes().enumerate();
    while let Some((at, b)) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let digit = |next: Option<(usize, u8)>| char::from(next?.1).to_digit(16);
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(x), Some(y)) => out.push((x * 16 + y) as u8),
            _ => {
                let piece: String = text.get(at..).unwrap_or_default().chars().take(3).collect();
                return Err(format!("invalid URL escape {}", quote(&piece)));
            }
        }
    }
    Ok(out)
}

/// Escapes what a path cannot hold.
fn escaped(path: &str) -> String {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&b);
    if path.bytes().all(valid) {
        return path.to_owned();
    }
    let plain = unescape(path).unwrap_or_else(|_| path.as_bytes().to_vec());
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&b);
    plain.into_iter().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

impl Url {
    /// Tells whether it names a scheme.
    pub(crate) fn is_absolute(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// The path without percent signs.
    pub(crate) fn plain_path(&self) -> String {
        String::from_utf8_lossy(&unescape(&self.path).unwrap_or_default()).into_owned()
    }

    /// The same with another path, which is written as it is meant.
    pub(crate) fn with_path(mut self, path: &str) -> Self {
        self.path = escaped(&path.replace('%', "%25"));
        self
    }

    /// The host without its port.
    pub(crate) fn host_name(&self) -> &str {
        match self.host.rsplit_once(']') {
            Some((address, _)) => address.trim_start_matches('['),
            None => self.host.split(':').next().unwrap_or_default(),
        }
    }

    /// Host and port, the latter even where it goes without saying.
    pub(crate) fn address(&self) -> (String, u16) {
        let usual = if self.scheme == "https" { 443 } else { 80 };
        let port = self.host.rsplit_once(':').filter(|(_, port)| !port.contains(']'));
        let port = port.and_then(|(_, port)| port.parse().ok()).unwrap_or(usual);
        (self.host_name().to_ascii_lowercase(), port)
    }

    /// Tells whether two URLs lead to the same scheme, host and port.
    pub(crate) fn has_origin_of(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.address() == other.address()
    }

    /// User and password that it holds itself.
    pub(crate) fn credentials(&self) -> Option<(String, String)> {
        let plain = |text: &str| String::from_utf8_lossy(&unescape(text).unwrap_or_default()).into_owned();
        let (name, password) = cut(self.user.as_deref()?, ':');
        Some((plain(name), plain(password.unwrap_or_default())))
    }

    /// The text to show: without the password (as Go's `net/http stripPassword`).
    pub(crate) fn shown(&self) -> String {
        let mut shown = self.clone();
        if let Some(user) = &self.user
            && let Some((name, _)) = user.split_once(':')
        {
            shown.user = Some(format!("{name}:***"));
        }
        shown.text()
    }

    /// The text without user and password, as it is asked for.
    pub(crate) fn bare(&self) -> String {
        Self { user: None, fragment: None, ..self.clone() }.text()
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out = format!("{}:", self.scheme);
        }
        if self.opaque.is_empty() {
            let path = escaped(&self.path);
            let has_authority = !self.host.is_empty() || self.user.is_some();
            if has_authority || (!self.scheme.is_empty() && !path.is_empty()) {
                out.push_str("//");
            }
            if let Some(user) = &self.user {
                out.push_str(user);
                out.push('@');
            }
            out.push_str(&self.host);
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|first| first.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        } else {
            out.push_str(&self.opaque);
        }
        for (mark, part) in [('?', &self.query), ('#', &self.fragment)] {
            if let Some(part) = part.as_deref().filter(|part| mark == '?' || !part.is_empty()) {
                out.push(mark);
                out.push_str(part);
            }
        }
        out
    }

    /// What a reference means that was found here (RFC 3986, 5.2).
    pub(crate) fn join(&self, reference: &Self) -> Self {
        let mut url = reference.clone();
        if url.scheme.is_empty() {
            url.scheme.clone_from(&self.scheme);
        } else if !url.opaque.is_empty() {
            return url;
        }
        if reference.is_absolute() || !reference.host.is_empty() || reference.user.is_some() {
            url.path = resolved("", &escaped(&reference.path));
            return url;
        }
        url.host.clone_from(&self.host);
        url.user.clone_from(&self.user);
        if reference.path.is_empty() && reference.query.is_none() {
            url.query.clone_from(&self.query);
        }
        url.path = resolved(&escaped(&self.path), &escaped(&reference.path));
        url
    }
}

fn resolved(base: &str, reference: &str) -> String {
    let full = match reference {
        "" => base.to_owned(),
        path if path.starts_with('/') => path.to_owned(),
        path => format!("{}{path}", base.rfind('/').and_then(|at| base.get(..=at)).unwrap_or_default()),
    };
    if full.is_empty() {
        return full;
    }
    let mut parts: Vec<&str> = Vec::new();
    let last = full.rsplit('/').next().unwrap_or_default();
    for part in full.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let mut path = parts.join("/");
    if matches!(last, "." | "..") {
        path.push('/');
    }
    format!("/{}", path.trim_start_matches('/'))
}

/// Gives the absolute URL of what an index names (as Helm 4.3: `pkg/repo/v1/chartrepo.go ResolveReferenceURL`).
///
/// # Errors
/// When one of them is no URL.
pub fn resolve(base: &str, reference: &str) -> Result<String, String> {
    let parsed =
        parse(reference).map_err(|error| format!("failed to parse {} as URL: {error}", redacted(reference)))?;
    if parsed.is_absolute() {
        return Ok(reference.to_owned());
    }
    let mut parsed_base = parse(base).map_err(|error| format!("failed to parse {} as URL: {error}", redacted(base)))?;
    parsed_base.path = format!("{}/", parsed_base.path.strip_suffix('/').unwrap_or(&parsed_base.path));
    let mut url = parsed_base.join(&parsed);
    url.query = parsed_base.query;
    Ok(url.text())
}

/// Joins paths to a URL (as Helm 4.3: `internal/urlutil URLJoin`).
pub(crate) fn join(base: &str, path: &str) -> String {
    match parse(base) {
        Ok(url) => {
            let joined = crate::names::join(&[&url.plain_path(), path]);
            url.with_path(&joined).text()
        }
        Err(_) => crate::names::join(&[base, path]),
    }
}

/// Tells whether two URLs are the same (as Helm 4.3: `internal/urlutil Equal`).
pub(crate) fn equal(a: &str, b: &str) -> bool {
    let normal = |text: &str| {
        let url = parse(text).ok()?;
        let path = url.plain_path();
        let path = chart::clean_path(if path.is_empty() { "/" } else { &path });
        Some(url.with_path(&path).text())
    };
    match (normal(a), normal(b)) {
        (Some(a), Some(b)) => a == b,
        (None, _) => chart::clean_path(a) == chart::clean_path(b),
        (Some(_), None) => false,
    }
}

/// Gives a text that may be a URL without what may be a password in it.
#[must_use]
pub fn redacted(raw: &str) -> String {
    let Some((before, rest)) = raw.split_once("//") else { return raw.to_owned() };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') => {
            let name = user.split(':').next().unwrap_or_default();
            format!("{before}//{name}:***@{host}{path}")
        }
        _ => raw.to_owned(),
    }
}

/// Where a URL leads.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The scheme, in small letters.
    pub scheme: String,
    /// The host in small letters; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}:{}", self.scheme, self.host, self.port)
    }
}

/// Tells where a URL leads, and whether it has a user in it.
///
/// # Errors
/// When it is no URL with a host.
pub fn origin(raw: &str) -> Result<(Origin, bool), crate::Error> {
    let url = parse(raw).map_err(crate::Error::text)?;
    if !url.is_absolute() || url.host_name().is_empty() {
        return Err(crate::Error::text(format!("{} is no URL with a host", quote(&redacted(raw)))));
    }
    let (host, port) = url.address();
    let has_user = url.user.is_some();
    Ok((Origin { scheme: url.scheme, host: host.to_ascii_lowercase(), port }, has_user))
}

/// Gives a URL without all that may be a secret in it: user, password, query and fragment.
#[must_use]
pub fn public(raw: &str) -> String {
    match parse(raw) {
        Ok(url) => Url { user: None, query: None, fragment: None, ..url }.text(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        for (base, reference, want) in [
            ("http://h/charts", "index.yaml", "http://h/charts/index.yaml"),
            ("http://h/charts/", "index.yaml", "http://h/charts/index.yaml"),
            ("http://h", "a-1.tgz", "http://h/a-1.tgz"),
            ("http://h/x?token=1", "a.tgz", "http://h/x/a.tgz?token=1"),
            ("http://h/x", "../../a.tgz", "http://h/a.tgz"),
            ("http://h/x", "/a.tgz", "http://h/a.tgz"),
            ("http://h/x", "//o/a.tgz", "http://o/a.tgz"),
            ("http://h/x", "https://o/a b.tgz", "https://o/a b.tgz"),
            ("http://h/x%2fy", "a b.tgz", "http://h/x%2fy/a%20b.tgz"),
            ("http://u:p@h/x", "a", "http://u:p@h/x/a"),
        ] {
            assert_eq!(resolve(base, reference).as_deref(), Ok(want), "{base} {reference}");
        }
        assert_eq!(
            resolve("http://h", "a\u{7f}"),
            Err("failed to parse a\u{7f} as URL: parse \"a\\x7f\": net/url: invalid control character in URL"
                .to_owned())
        );
    }

    #[test]
    fn origins() {
        let same = |a: &str, b: &str| parse(a).unwrap().has_origin_of(&parse(b).unwrap());
        assert!(same("http://h/a", "http://H:80/b"));
        for (a, b) in [
            ("http://h", "https://h"),
            ("http://h", "http://h:8080"),
            ("http://h", "http://g.h"),
            ("http://h", "http://h@evil"),
            ("http://[::1]:1", "http://[::1]:2"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let url = parse("http://u:secret@h:1/x?q#f").unwrap();
        assert_eq!(url.shown(), "http://u:***@h:1/x?q#f");
        assert_eq!(url.bare(), "http://h:1/x?q");
        assert_eq!(url.credentials(), Some(("u".to_owned(), "secret".to_owned())));
        assert_eq!(redacted("http://u:secret@h/x"), "http://u:***@h/x");
        let error = parse("http://u:secret@h:x/").unwrap_err();
        assert_eq!(error, "parse \"http://u:***@h:x/\": invalid port \":x\" after host");
    }

    #[test]
    fn joined_and_equal() {
        assert_eq!(join("", ""), "");
        assert_eq!(join("", "sub"), "sub");
        assert_eq!(join("http://h/a/", "b c.tgz"), "http://h/a/b%20c.tgz");
        assert!(equal("http://h/a//b", "http://h/a/b"));
        assert!(!equal("http://h/a", "http://h/b"));
    }
}
