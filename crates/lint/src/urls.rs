//! What passes for a URL and for a mail address (as Go's `net/url`, and `asaskevich/govalidator`).

use std::sync::LazyLock;

use regex::Regex;

/// Tells whether a text is a URL with a scheme, as Go's `url.ParseRequestURI` takes it.
pub(crate) fn is_request_url(text: &str) -> bool {
    let Some((scheme, rest)) = scheme(text) else { return false };
    !scheme.is_empty() && !text.bytes().any(|b| b < 0x20 || b == 0x7f) && is_rest(rest)
}

/// The scheme and what follows; `None` when there is only a colon.
fn scheme(text: &str) -> Option<(&str, &str)> {
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at > 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            b':' => return None,
            _ => break,
        }
    }
    Some(("", text))
}

/// Checks what follows the scheme: authority, path, escapes.
fn is_rest(rest: &str) -> bool {
    let before = rest.split_once('?').map_or(rest, |(before, _)| before);
    if !before.starts_with('/') {
        // `mailto:a@b` and the like are opaque.
        return true;
    }
    let (authority, path) = match before.strip_prefix("//").filter(|rest| !rest.starts_with("//")) {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", before),
    };
    is_authority(authority) && is_escaped(path)
}

fn is_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').map_or(("", authority), |(user, host)| (user, host));
    let of_user = |b: u8| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&b);
    if !user.bytes().all(of_user) || !is_escaped(user) {
        return false;
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(inner) => match inner.rsplit_once(']') {
            Some((name, port)) => (name, port),
            None => return false,
        },
        None => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    let digits = |port: &str| port.bytes().all(|b| b.is_ascii_digit());
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(digits);
    let of_host = |b: u8| b.is_ascii_alphanumeric() || b >= 0x80 || b"-._~!$&'()*+,;=:[]<>\"%".contains(&b);
    is_port && name.bytes().all(of_host) && is_escaped(name)
}

/// Tells whether every `%` is followed by two hexadecimal digits.
fn is_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|part| {
        let digits = part.as_bytes().get(..2).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit)
    })
}

/// Letters of the whole world, as both checks mean them.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{a0}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{ffef}')
}

/// Tells whether a text is a mail address.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let of_local = |c: char| is_letter(c) || c.is_ascii_digit() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let plain = local.split('.').all(|part| !part.is_empty() && part.chars().all(of_local));
    let inner = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    let quoted = inner.is_some_and(|inner| !inner.contains(['"', '\\', ' ', '\t', '\n', '\r', '\0']));
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let Some((labels, top)) = domain.rsplit_once('.') else { return false };
    let ends = |text: &str, end: fn(char) -> bool| {
        text.chars().next().is_some_and(end) && text.chars().next_back().is_some_and(end)
    };
    let of_top = |c: char| is_letter(c) || c.is_ascii_digit() || "-_~".contains(c);
    (plain || quoted)
        && ends(labels, |c| is_letter(c) || c.is_ascii_digit())
        && labels.chars().all(|c| of_top(c) || c == '.')
        && ends(top, is_letter)
        && top.chars().all(of_top)
}

/// A host as the check means it: an address, a name, or names with a top level that is a word.
static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let v4 = r"([1-9][0-9]?|1[0-9][0-9]|2[01][0-9]|22[0-3]|24[0-9]|25[0-5])(\.([0-9]{1,2}|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){2}\.([0-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])";
    let v6 = r"\[[0-9a-fA-F:.%]+\]";
    let name = r"[a-zA-Z0-9]([a-zA-Z0-9_\-]+)?[a-zA-Z0-9]([-.][a-zA-Z0-9]+)*";
    let subdomain = r"(www\.)|([a-zA-Z0-9]+([-_.]?[a-zA-Z0-9])*[a-zA-Z0-9]\.[a-zA-Z0-9]+)";
    let word = r"([a-zA-Z\x{a1}-\x{ffff}0-9]+-?-?)*[a-zA-Z\x{a1}-\x{ffff}0-9]+";
    let top = r"(\.[a-zA-Z\x{a1}-\x{ffff}]+)?";
    let blank = r"\t\n\x0c\r ";
    Regex::new(&format!(
        r"^((ftp|tcp|udp|wss?|https?)://)?([^{blank}]+(:[^{blank}]*)?@)?({v4}|{v6}|(({name})|(({subdomain})?))?({word}){top})\.?(:[0-9]{{1,5}})?([/?#][^{blank}]*)?$"
    ))
    .ok()
});

/// Tells whether a text is a URL, be it without a scheme.
pub(crate) fn is_url(text: &str) -> bool {
    if text.len() <= 3 || text.chars().count() >= 2083 || text.starts_with('.') {
        return false;
    }
    let full = if text.contains(':') && !text.contains("://") { format!("http://{text}") } else { text.to_owned() };
    let Some((_, rest)) = scheme(&full) else { return false };
    let rest = rest.split_once('#').map_or(rest, |(before, _)| before);
    if full.bytes().any(|b| b < 0x20 || b == 0x7f) || !is_rest(rest) {
        return false;
    }
    let authority = rest.strip_prefix("//").map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    let host = authority.map_or("", |authority| authority.rsplit('@').next().unwrap_or_default());
    let path = rest.split('?').next().unwrap_or_default();
    if host.starts_with('.') || (host.is_empty() && !path.is_empty() && !path.contains('.')) {
        return false;
    }
    URL.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, request, any) in [
            ("https://example.com/a?b#c", true, true),
            ("example.com", false, true),
            ("example", false, false),
            ("http://", true, false),
            ("mailto:a@example.com", true, true),
            ("git@github.com:a/b", false, false),
            ("", false, false),
            (":x", false, false),
            ("http://a b/", false, false),
            ("http://a/%zz", false, false),
            ("http://a:x/", false, false),
            ("https://127.0.0.1:8080/x", true, true),
        ] {
            assert_eq!((is_request_url(text), is_url(text)), (request, any), "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, want) in [
            ("a@example.com", true),
            ("a.b+c@sub.example.co.uk", true),
            ("\"a b\"@example.com", false),
            ("a@example", false),
            ("a@example.c1", false),
            ("@example.com", false),
            ("a..b@example.com", false),
            ("a b@example.com", false),
        ] {
            assert_eq!(is_email(text), want, "{text}");
        }
    }
}
