//! Formats that our library judges otherwise than Helm's does (santhosh-tekuri/jsonschema v6: `format.go`).
//!
//! Addresses are read as Go's `net/url` reads them, which takes much that the specification of addresses does not.

use std::error::Error;

use boon::{Compiler, Format};
use serde_json::Value;

use crate::text::quote;

type Verdict = Result<(), Box<dyn Error>>;
type Judge = fn(&Value) -> Verdict;

/// Puts the formats into a compiler.
pub(super) fn register(compiler: &mut Compiler) {
    let formats: [(&'static str, Judge); 9] = [
        ("ipv4", |v| text(v, |s| Ok(ipv4(s)?))),
        ("regex", |v| text(v, regex)),
        ("uri", |v| text(v, uri)),
        ("iri", |v| text(v, uri)),
        ("uri-reference", |v| text(v, uri_reference)),
        ("iri-reference", |v| text(v, uri_reference)),
        // Helm's library does not know these, and lets everything pass.
        ("idn-email", |_| Ok(())),
        ("idn-hostname", |_| Ok(())),
        ("semver", |v| text(v, |s| Ok(semver(s)?))),
    ];
    for (name, func) in formats {
        compiler.register_format(Format { name, func });
    }
}

fn text(value: &Value, judge: impl Fn(&str) -> Verdict) -> Verdict {
    value.as_str().map_or(Ok(()), judge)
}

fn ipv4(text: &str) -> Result<(), String> {
    let groups: Vec<_> = text.split('.').collect();
    if groups.len() != 4 {
        return Err("expected four decimals".to_owned());
    }
    for group in groups {
        if group.len() > 1 && group.starts_with('0') {
            return Err("leading zeros".to_owned());
        }
        let digits = group.strip_prefix(['+', '-']).unwrap_or(group);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(format!("strconv.Atoi: parsing {}: invalid syntax", quote(group)));
        }
        match group.parse::<i64>() {
            Ok(0..=255) => {}
            Ok(_) => return Err("decimal must be between 0 and 255".to_owned()),
            Err(_) => return Err(format!("strconv.Atoi: parsing {}: value out of range", quote(group))),
        }
    }
    Ok(())
}

/// What is wrong with an address or an expression in Go's words, also where the library judges by itself: in the schemas of
/// schemas.
pub(super) fn reason(format: &str, value: &Value) -> Option<String> {
    let judge = match format {
        "uri" | "iri" => uri,
        "uri-reference" | "iri-reference" => uri_reference,
        "regex" => regex,
        _ => return None,
    };
    judge(value.as_str()?).err().map(|error| error.to_string())
}

/// Judges an expression as Go's `regexp` does.
fn regex(text: &str) -> Verdict {
    gotext::regexp::check(text.as_bytes()).map_err(Into::into)
}

fn uri(text: &str) -> Verdict {
    if parse(text)? { Ok(()) } else { Err("relative url".into()) }
}

fn uri_reference(text: &str) -> Verdict {
    if text.contains('\\') {
        return Err("contains \\".into());
    }
    parse(text)?;
    Ok(())
}

/// Reads an address; tells whether it has a scheme.
pub(super) fn parse(text: &str) -> Result<bool, String> {
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let absolute = parts(address).map_err(|e| format!("parse {}: {e}", quote(address)))?;
    escapes(fragment, false).map_err(|e| format!("parse {}: {e}", quote(text)))?;
    Ok(absolute)
}

fn parts(address: &str) -> Result<bool, String> {
    if address.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if address == "*" {
        return Ok(false);
    }
    let (scheme, rest) = scheme(address)?;
    let rest = rest.split('?').next().unwrap_or(rest);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            return Ok(true);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    if let Some(authority) = rest.strip_prefix("//")
        && (!scheme.is_empty() || !rest.starts_with("///"))
    {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, after) = authority.split_at(end);
        path = after;
        check_authority(scheme, authority)?;
    }
    escapes(path, false)?;
    Ok(!scheme.is_empty())
}

fn scheme(address: &str) -> Result<(&str, &str), String> {
    for (i, b) in address.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if i > 0 => {}
            b':' if i == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => {
                let (scheme, rest) = address.split_at(i);
                return Ok((scheme, rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok(("", address))
}

fn check_authority(scheme: &str, authority: &str) -> Result<(), String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    check_host(scheme, host)?;
    let Some(user) = user else { return Ok(()) };
    if !user.chars().all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    escapes(user, false)
}

fn check_host(scheme: &str, host: &str) -> Result<(), String> {
    let port_is_good = |port: &str| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let bad_port = |port: &str| Err(format!("invalid port {} after host", quote(port)));
    match host.rfind('[') {
        Some(0) => {
            let Some(close) = host.rfind(']') else { return Err("missing ']' in host".to_owned()) };
            let port = host.get(close + 1..).unwrap_or_default();
            if !port_is_good(port) {
                return bad_port(port);
            }
            let inner = host.get(1..close).unwrap_or_default();
            let inner = inner.split("%25").next().unwrap_or(inner);
            escapes(inner, true)?;
            return match inner.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V6(_)) => Ok(()),
                Ok(std::net::IpAddr::V4(_)) => Err("invalid IP-literal".to_owned()),
                Err(_) => Err(format!("invalid host: ParseAddr({}): unable to parse IP", quote(inner))),
            };
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    let strict = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
    if let Some(colon) = if strict { host.find(':') } else { host.rfind(':') } {
        let port = host.get(colon..).unwrap_or_default();
        if !port_is_good(port) {
            return bad_port(port);
        }
    }
    escapes(host, true)
}

/// Checks `%XX`, and in a host the characters themselves.
pub(super) fn escapes(text: &str, in_host: bool) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        let bad = |len: usize| {
            let escape = bytes.get(at..(at + len).min(bytes.len())).unwrap_or_default();
            Err(format!("invalid URL escape {}", quote(&String::from_utf8_lossy(escape))))
        };
        match b {
            b'%' => {
                let (high, low) = (bytes.get(at + 1), bytes.get(at + 2));
                if !high.is_some_and(u8::is_ascii_hexdigit) || !low.is_some_and(u8::is_ascii_hexdigit) {
                    return bad(3);
                }
                let ascii = high.is_some_and(|h| (b'0'..b'8').contains(h));
                if in_host && ascii && (high, low) != (Some(&b'2'), Some(&b'5')) {
                    return bad(3);
                }
                at += 3;
            }
            _ if in_host && b.is_ascii() && !b.is_ascii_alphanumeric() && !b"-_.~!$&'()*+,;=:[]<>\"".contains(&b) => {
                return Err(format!("invalid character {} in host name", quote(&char::from(b).to_string())));
            }
            _ => at += 1,
        }
    }
    Ok(())
}

fn semver(text: &str) -> Result<(), String> {
    let identifier = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let (rest, build) = text.split_once('+').map_or((text, None), |(r, b)| (r, Some(b)));
    if build.is_some_and(|build| !build.split('.').all(identifier)) {
        return Err("invalid build identifier".to_owned());
    }
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(r, p)| (r, Some(p)));
    let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let zero = |s: &str| number(s) && s.len() > 1 && s.starts_with('0');
    if pre.is_some_and(|pre| !pre.split('.').all(|s| identifier(s) && !zero(s))) {
        return Err("invalid pre-release identifier".to_owned());
    }
    let parts: Vec<_> = core.split('.').collect();
    if parts.len() != 3 {
        return Err("versionCore must have 3 numbers separated by dot".to_owned());
    }
    if parts.iter().all(|s| !s.is_empty() && number(s) && !zero(s)) {
        Ok(())
    } else {
        Err("versionCore must have 3 numbers separated by dot".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_go() {
        for (text, want) in [
            ("https://a.b/c?d#e", Ok(true)),
            ("a b", Ok(false)),
            ("it's \"q\".", Ok(false)),
            ("mailto:x y", Ok(true)),
            ("http://a b/", Err("parse \"http://a b/\": invalid character \" \" in host name")),
            ("https://{{ .x }}", Err("parse \"https://{{ .x }}\": invalid character \"{\" in host name")),
            ("http://a:x", Err("parse \"http://a:x\": invalid port \":x\" after host")),
            ("http://[::1]:80/", Ok(true)),
            ("/a%zz", Err("parse \"/a%zz\": invalid URL escape \"%zz\"")),
            (":a", Err("parse \":a\": missing protocol scheme")),
            ("1:a", Err("parse \"1:a\": first path segment in URL cannot contain colon")),
        ] {
            assert_eq!(parse(text).as_ref().map_err(String::as_str), want.as_ref().map_err(|e| *e), "{text}");
        }
        assert_eq!(ipv4("1.2.3.4"), Ok(()));
        assert_eq!(ipv4("1.2.3.256").unwrap_err(), "decimal must be between 0 and 255");
        assert!(semver("1.2.3-a.1+b").is_ok() && semver("1.2").is_err());
    }
}
