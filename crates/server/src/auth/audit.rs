//! One line for each change that is asked for: who, what, from where, and what came of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use api::Route;
use axum::extract::Request;
use http::HeaderMap;

use crate::caller::Caller;
use crate::ctx::Outcome;

/// Where a request comes from, and which it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// What the answer's `X-Request-Id` says.
    pub(crate) request: String,
    /// The address that it comes from, as far as it is believed.
    pub(crate) from: Option<IpAddr>,
}

/// The peer of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// A range of addresses: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u32,
}

/// IPv4 as IPv6 has it (`::ffff:a.b.c.d`), so that there is one way to compare.
fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no range of addresses such as `10.0.0.0/8`");
        let (ip, bits) = text.split_once('/').map_or((text, None), |(ip, bits)| (ip, Some(bits)));
        let ip: IpAddr = ip.parse().map_err(|_| wrong())?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse::<u32>().map_err(|_| wrong()))?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address: number(ip), bits: bits + (128 - most) })
    }
}

impl Network {
    /// Tells whether an address is in it.
    pub(crate) fn has(self, ip: IpAddr) -> bool {
        let shift = 128 - self.bits.min(128);
        let same = |a: u128| a.checked_shr(shift).unwrap_or(0);
        same(self.address) == same(number(ip))
    }
}

impl Seen {
    /// Finds out where a request comes from: the peer, or who the proxies that are trusted say it is.
    pub(crate) fn of(request: &Request, id: &str, trusted: &[Network]) -> Self {
        let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
        let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.has(ip));
        let from = match peer {
            Some(peer) if is_trusted(peer) => Some(forwarded(request.headers(), is_trusted).unwrap_or(peer)),
            other => other,
        };
        Self { request: id.to_owned(), from: from.map(|ip| ip.to_canonical()) }
    }
}

/// The last one in `X-Forwarded-For` that is no proxy of ours: what stands before it was said by a stranger.
fn forwarded(headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut hops = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        hops.extend(value.to_str().ok()?.split(',').map(str::trim));
    }
    let mut last = None;
    for hop in hops.iter().rev() {
        let ip: IpAddr = hop.parse().ok()?;
        last = Some(ip);
        if !is_trusted(ip) {
            break;
        }
    }
    last
}

/// What a change is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    /// Who asks.
    pub(crate) caller: Caller,
    /// Where from.
    pub(crate) seen: Seen,
    /// What is asked for: the operationId.
    pub(crate) what: &'static str,
    /// Of what: parts of the path by name.
    pub(crate) path: BTreeMap<&'static str, String>,
}

impl Subject {
    /// Begins a line, before the request is used up.
    pub(crate) fn new(route: &'static Route, request: &Request) -> Self {
        let parts = route.path.split('/').zip(request.uri().path().split('/'));
        let named = parts.filter_map(|(name, part)| {
            let name = name.strip_prefix('{')?.strip_suffix('}')?;
            Some((name, part.to_owned()))
        });
        let extensions = request.extensions();
        Self {
            caller: extensions.get().cloned().unwrap_or_default(),
            seen: extensions.get().cloned().unwrap_or_default(),
            what: route.id,
            path: named.collect(),
        }
    }

    /// Writes the line. What was sent is not in it: bodies have values, and those are secret.
    pub(crate) fn tell(&self, answer: &Outcome) {
        let (status, reason, operation, made) = match answer {
            Ok(response) => {
                let location = response.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
                let id = location.and_then(|location| location.strip_prefix("/v1/operations/"));
                (response.status().as_u16(), None, id, location.filter(|_| id.is_none()))
            }
            Err(problem) => (
                problem.status,
                Some(problem.reason),
                problem.operation.as_ref().map(|operation| operation.id.as_str()),
                None,
            ),
        };
        let part = |name: &str| self.path.get(name).map(String::as_str);
        let identity = self.caller.identity();
        tracing::info!(
            target: "audit",
            request = self.seen.request,
            user = identity.map(|identity| identity.user.as_str()),
            groups = identity.map(|identity| identity.groups.join(",")),
            by = self.caller.by().map(crate::caller::Means::as_str),
            from = self.seen.from.map(tracing::field::display),
            what = self.what,
            cluster = part("cluster"),
            namespace = part("namespace"),
            name = part("name"),
            operation,
            made,
            status,
            reason = reason.map(api::Reason::as_str),
            "change"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: Option<&str>, forwarded: &[&str], trusted: &[&str]) -> Option<String> {
        let mut request = Request::new(axum::body::Body::empty());
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        }
        for value in forwarded {
            request.headers_mut().append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        Seen::of(&request, "1", &trusted).from.map(|ip| ip.to_string())
    }

    #[test]
    fn proxies_are_believed_when_they_are_ours() {
        let ours = ["10.0.0.0/8", "::1"];
        assert_eq!(from(Some("192.0.2.1:5"), &["1.2.3.4"], &ours).unwrap(), "192.0.2.1");
        assert_eq!(from(Some("10.1.1.1:5"), &["1.2.3.4"], &[]).unwrap(), "10.1.1.1");
        assert_eq!(from(Some("10.1.1.1:5"), &["1.2.3.4"], &ours).unwrap(), "1.2.3.4");
        assert_eq!(from(Some("[::ffff:10.1.1.1]:5"), &["6.6.6.6, 1.2.3.4, 10.2.2.2"], &ours).unwrap(), "1.2.3.4");
        assert_eq!(from(Some("[::1]:5"), &["6.6.6.6", "2001:db8::1"], &ours).unwrap(), "2001:db8::1");
        assert_eq!(from(Some("10.1.1.1:5"), &["nonsense"], &ours).unwrap(), "10.1.1.1");
        assert_eq!(from(Some("10.1.1.1:5"), &[], &ours).unwrap(), "10.1.1.1");
        assert_eq!(from(None, &["1.2.3.4"], &ours), None);
    }

    #[test]
    fn ranges_are_read() {
        for wrong in ["10.0.0.0/33", "::/129", "10.0.0", "x/8", "10.0.0.0/", "10.0.0.0/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().has("192.0.2.1".parse().unwrap()));
        assert!(!"0.0.0.0/0".parse::<Network>().unwrap().has("2001:db8::1".parse().unwrap()));
        assert!("::/0".parse::<Network>().unwrap().has("2001:db8::1".parse().unwrap()));
    }
}
