//! Go's `net/url`, as far as `urlParse` and `urlJoin` show it.

use gotext::strconv::quote;

/// A URL taken apart.
#[derive(Debug, Default)]
pub(crate) struct Url {
    pub(crate) scheme: Vec<u8>,
    pub(crate) opaque: Vec<u8>,
    /// User name and password, unescaped.
    pub(crate) user: Option<(Vec<u8>, Option<Vec<u8>>)>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) raw_query: Vec<u8>,
    pub(crate) fragment: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Path,
    UserPassword,
    Host,
    Zone,
    Fragment,
}

fn should_escape(c: u8, mode: Mode) -> bool {
    if c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'~') {
        return false;
    }
    if matches!(mode, Mode::Host | Mode::Zone) && b"!$&'()*+,;=:[]<>\"".contains(&c) {
        return false;
    }
    let plain: &[u8] = match mode {
        Mode::Path => b"$&+,/:;=@",
        Mode::UserPassword => b"$&+,;=",
        Mode::Fragment => b"$&+,/:;=?@!()*",
        Mode::Host | Mode::Zone => b"",
    };
    !plain.contains(&c)
}

fn escape(text: &[u8], mode: Mode) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &c in text {
        if should_escape(c, mode) {
            out.extend_from_slice(format!("%{c:02X}").as_bytes());
        } else {
            out.push(c);
        }
    }
    out
}

fn unescape(text: &[u8], mode: Mode) -> Result<Vec<u8>, String> {
    let hex = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16));
    let shown = |from: usize, len: usize| {
        let piece = text.get(from..).unwrap_or(&[]);
        quote(piece.get(..len.min(piece.len())).unwrap_or(piece))
    };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        if c != b'%' {
            if matches!(mode, Mode::Host | Mode::Zone) && c < 0x80 && should_escape(c, mode) {
                return Err(format!("invalid character {} in host name", shown(at, 1)));
            }
            out.push(c);
            at += 1;
            continue;
        }
        let (Some(x), Some(y)) = (hex(at + 1), hex(at + 2)) else {
            return Err(format!("invalid URL escape {}", shown(at, 3)));
        };
        let value = (x * 16 + y) as u8;
        let percent = text.get(at..at + 3) == Some(b"%25");
        let refused = match mode {
            Mode::Host => x < 8 && !percent,
            Mode::Zone => !percent && value != b' ' && should_escape(value, Mode::Host),
            _ => false,
        };
        if refused {
            return Err(format!("invalid URL escape {}", shown(at, 3)));
        }
        out.push(value);
        at += 3;
    }
    Ok(out)
}

fn cut(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|b| *b == at) {
        Some(found) => (text.get(..found).unwrap_or(text), text.get(found + 1..)),
        None => (text, None),
    }
}

/// Reads a URL; an error has Go's text.
pub(crate) fn parse(raw: &[u8]) -> Result<Url, String> {
    let (main, fragment) = cut(raw, b'#');
    let mut url = parse_main(main).map_err(|e| format!("parse {}: {e}", quote(main)))?;
    if let Some(fragment) = fragment {
        url.fragment = unescape(fragment, Mode::Fragment).map_err(|e| format!("parse {}: {e}", quote(raw)))?;
    }
    Ok(url)
}

fn parse_main(raw: &[u8]) -> Result<Url, String> {
    if raw.iter().any(|b| *b < b' ' || *b == 0x7F) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
    if raw == b"*" {
        url.path = raw.to_vec();
        return Ok(url);
    }
    let (scheme, rest) = scheme(raw)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = cut(rest, b'?');
    url.raw_query = query.unwrap_or(&[]).to_vec();
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    if (!url.scheme.is_empty() || !rest.starts_with(b"///")) && rest.starts_with(b"//") {
        let after = rest.get(2..).unwrap_or(&[]);
        let end = after.iter().position(|b| *b == b'/').unwrap_or(after.len());
        let (authority, path) = after.split_at(end);
        rest = path;
        parse_authority(&mut url, authority)?;
    }
    url.path = unescape(rest, Mode::Path)?;
    Ok(url)
}

fn scheme(raw: &[u8]) -> Result<(&[u8], &[u8]), String> {
    for (at, &c) in raw.iter().enumerate() {
        match c {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((raw.get(..at).unwrap_or(&[]), raw.get(at + 1..).unwrap_or(&[]))),
            _ => break,
        }
    }
    Ok((&[], raw))
}

fn parse_authority(url: &mut Url, authority: &[u8]) -> Result<(), String> {
    let Some(at) = authority.iter().rposition(|b| *b == b'@') else {
        url.host = parse_host(&url.scheme, authority)?;
        return Ok(());
    };
    url.host = parse_host(&url.scheme, authority.get(at + 1..).unwrap_or(&[]))?;
    let info = authority.get(..at).unwrap_or(&[]);
    if !info.iter().all(|b| b.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(b)) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let (name, password) = cut(info, b':');
    let name = unescape(name, Mode::UserPassword)?;
    let password = password.map(|p| unescape(p, Mode::UserPassword)).transpose()?;
    url.user = Some((name, password));
    Ok(())
}

fn valid_port(port: &[u8]) -> bool {
    match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, String> {
    let port_error = |port: &[u8]| format!("invalid port {} after host", quote(port));
    match host.iter().rposition(|b| *b == b'[') {
        Some(0) => {
            let Some(close) = host.iter().rposition(|b| *b == b']') else {
                return Err("missing ']' in host".to_owned());
            };
            let port = host.get(close + 1..).unwrap_or(&[]);
            if !valid_port(port) {
                return Err(port_error(port));
            }
            let inside = host.get(1..close).unwrap_or(&[]);
            let name = match inside.windows(3).position(|w| w == b"%25") {
                Some(zone) => {
                    let (address, zone) = inside.split_at(zone);
                    [unescape(address, Mode::Host)?, unescape(zone, Mode::Zone)?].concat()
                }
                None => unescape(inside, Mode::Host)?,
            };
            let text = String::from_utf8_lossy(&name).into_owned();
            let address = text.split('%').next().unwrap_or(&text);
            if address.parse::<std::net::Ipv4Addr>().is_ok() {
                return Err("invalid IP-literal".to_owned());
            }
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quote(&name)));
            }
            return Ok([b"[".as_slice(), &name, b"]", port].concat());
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let Some(first) = host.iter().position(|b| *b == b':') {
        let last = host.iter().rposition(|b| *b == b':').unwrap_or(first);
        let strict = scheme == b"http" || scheme == b"https";
        let port = host.get(if strict { first } else { last }..).unwrap_or(&[]);
        if !valid_port(port) {
            return Err(port_error(port));
        }
    }
    unescape(host, Mode::Host)
}

impl Url {
    /// `URL.Hostname`.
    pub(crate) fn hostname(&self) -> &[u8] {
        let mut host = self.host.as_slice();
        if let Some(colon) = host.iter().rposition(|b| *b == b':') {
            let (name, port) = host.split_at(colon);
            if valid_port(port) {
                host = name;
            }
        }
        host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host)
    }

    /// `Userinfo.String`.
    pub(crate) fn userinfo(&self) -> Vec<u8> {
        match &self.user {
            None => Vec::new(),
            Some((name, None)) => escape(name, Mode::UserPassword),
            Some((name, Some(password))) => {
                [escape(name, Mode::UserPassword), b":".to_vec(), escape(password, Mode::UserPassword)].concat()
            }
        }
    }

    /// `URL.String` of a URL put together from its parts.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    out.extend_from_slice(b"//");
                }
                if self.user.is_some() {
                    out.extend_from_slice(&self.userinfo());
                    out.push(b'@');
                }
                out.extend_from_slice(&escape(&self.host, Mode::Host));
            }
            let path = if self.path == b"*" { b"*".to_vec() } else { escape(&self.path, Mode::Path) };
            if !path.is_empty() && !path.starts_with(b"/") && !self.host.is_empty() {
                out.push(b'/');
            }
            if out.is_empty() && cut(&path, b'/').0.contains(&b':') {
                out.extend_from_slice(b"./");
            }
            out.extend_from_slice(&path);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.raw_query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.raw_query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            out.extend_from_slice(&escape(&self.fragment, Mode::Fragment));
        }
        out
    }
}
