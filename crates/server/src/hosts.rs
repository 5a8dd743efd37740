//! Where clusters and repositories may be that callers name: what keeps the server from being sent to where only it can go.

use std::net::{IpAddr, Ipv6Addr};

use crate::auth::Network;

/// Hosts that callers may have the server speak to: those that an operator has listed, or as long as there is no list most of them.
///
/// Names are checked when they are written down, and the addresses that they lead to each time that they are connected to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    names: Vec<Name>,
    networks: Vec<Network>,
    others: Others,
}

/// The hosts that are not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Others {
    /// All but this machine and its link.
    #[default]
    Far,
    /// All that everybody on the Internet could speak to as well.
    Public,
    None,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    Is(String),
    EndsWith(String),
}

impl Hosts {
    /// The hosts that are no part of anybody's own network.
    #[must_use]
    pub fn public() -> Self {
        Self { others: Others::Public, ..Self::default() }
    }

    /// Reads names (`k8s.example.com`, `*.example.com`), networks (`10.0.0.0/8`, `127.0.0.1`), and `public` for what is no part of
    /// anybody's own network; what is not listed is not allowed. An empty list is none.
    ///
    /// # Errors
    ///
    /// When one of them is neither.
    pub fn read<T: AsRef<str>>(all: &[T]) -> Result<Self, String> {
        let mut hosts = Self::default();
        if !all.is_empty() {
            hosts.others = Others::None;
        }
        for text in all {
            let text = text.as_ref().trim().to_ascii_lowercase();
            if text == "public" {
                hosts.others = Others::Public;
                continue;
            }
            if let Ok(network) = text.parse() {
                hosts.networks.push(network);
                continue;
            }
            let (name, many) = text.strip_prefix("*.").map_or((text.as_str(), false), |name| (name, true));
            let is_char = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.');
            if name.is_empty() || name.starts_with('.') || !name.bytes().all(is_char) {
                return Err(format!("`{text}` is no host such as `k8s.example.com`, `*.example.com` or `10.0.0.0/8`"));
            }
            hosts.names.push(if many { Name::EndsWith(format!(".{name}")) } else { Name::Is(name.to_owned()) });
        }
        Ok(hosts)
    }

    /// Whether a name is one that was allowed, wherever it leads.
    fn names(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        self.names.iter().any(|name| match name {
            Name::Is(name) => *name == host,
            Name::EndsWith(end) => host.ends_with(end.as_str()),
        })
    }

    /// Tells whether something may be at a host, as far as the host itself says it.
    pub(crate) fn allows(&self, host: &str) -> bool {
        if let Some(address) = literal(host) {
            return self.names(host) || self.allows_address(address);
        }
        // Where a name leads that is not listed is seen when it is connected to; if no address is listed, it leads nowhere good.
        self.names(host) || !self.networks.is_empty() || self.others != Others::None && !is_local_name(host)
    }

    /// Tells whether a host was allowed by its own name or address, and not because everything is.
    pub(crate) fn names_explicitly(&self, host: &str) -> bool {
        let listed = |address: IpAddr| self.networks.iter().any(|network| network.has(address));
        self.names(host) || literal(host).is_some_and(listed)
    }

    /// Tells whether a name may lead to an address.
    pub(crate) fn allows_at(&self, host: &str, address: IpAddr) -> bool {
        self.names(host) || self.allows_address(address)
    }

    fn allows_address(&self, address: IpAddr) -> bool {
        let is_listed = self.networks.iter().any(|network| network.has(address));
        is_listed
            || match self.others {
                Others::Far => !is_near(address),
                Others::Public => !is_near(address) && !is_inner(address),
                Others::None => false,
            }
    }
}

impl depot::Reach for Hosts {
    fn allows(&self, host: &str, address: IpAddr) -> bool {
        self.allows_at(host, address)
    }
}

/// The address that a host of a URL is, if it is one.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn is_local_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost")
}

/// Tells whether an address is of this machine or its link, where metadata services of clouds are, or of nobody.
fn is_near(address: IpAddr) -> bool {
    let link_local_6 = |ip: Ipv6Addr| (ip.segments().first().copied().unwrap_or_default() & 0xffc0) == 0xfe80;
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip.octets().first() == Some(&0)
        }
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() || link_local_6(ip)
            // The metadata service of AWS.
            || ip == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)
        }
    }
}

/// Tells whether an address is one of somebody's own network, or one behind which another address may be.
fn is_inner(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_for_tests = a == 198 && (b == 18 || b == 19);
            ip.is_private() || is_shared || is_for_tests || (a, b, c) == (192, 0, 0) || a >= 240
        }
        IpAddr::V6(ip) => {
            let [a, b, ..] = ip.segments();
            // NAT64, 6to4 and Teredo have an address of IPv4 inside.
            let is_wrapped = (a, b) == (0x64, 0xff9b) || a == 0x2002 || (a, b) == (0x2001, 0);
            // Site-local addresses are no longer given, but networks have them.
            ip.is_unique_local()
                || a & 0xffc0 == 0xfec0
                || is_wrapped
                || ip.segments().iter().take(6).all(|part| *part == 0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(all: &[&str]) -> Hosts {
        Hosts::read(all).unwrap()
    }

    #[test]
    fn unless_something_is_said_it_is_anywhere_but_here() {
        let any = hosts(&[]);
        for good in ["k8s.example.com", "10.0.0.1", "192.168.1.1", "[2001:db8::1]", "1.2.3.4"] {
            assert!(any.allows(good) && !any.names_explicitly(good), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "127.8.8.8",
            "[::1]",
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "169.254.169.254",
            "[fe80::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:169.254.169.254]",
            "0.0.0.0",
            "[::]",
            "[fd00:ec2::254]",
            "224.0.0.1",
        ] {
            assert!(!any.allows(bad), "{bad}");
        }
        assert!(any.allows_at("k8s.example.com", "10.0.0.1".parse().unwrap()));
        assert!(!any.allows_at("k8s.example.com", "127.0.0.1".parse().unwrap()), "a name that leads here");
    }

    #[test]
    fn public_is_nobodys_own_network() {
        let public = Hosts::public();
        for good in ["charts.example.com", "1.2.3.4", "100.63.0.1", "100.128.0.1", "[2606:4700::1]"] {
            assert!(public.allows(good), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "localhost",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "240.0.0.1",
            "[fc00::1]",
            "[fd00::1]",
            "[fec0::1]",
            "[fe80::1]",
            "[::1]",
            "[::127.0.0.1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::1]",
            "[2001::1]",
        ] {
            assert!(!public.allows(bad), "{bad}");
        }
        assert!(!public.allows_at("charts.example.com", "10.0.0.1".parse().unwrap()), "a name that leads inside");
        let both = hosts(&["10.0.0.0/8", "public", "harbor.lab"]);
        for good in ["10.0.0.1", "1.2.3.4", "harbor.lab", "any.example.com"] {
            assert!(both.allows(good), "{good}");
        }
        assert!(!both.allows("192.168.1.1") && !both.allows_at("any.example.com", "192.168.1.1".parse().unwrap()));
        assert!(both.allows_at("harbor.lab", "192.168.1.1".parse().unwrap()));
    }

    #[test]
    fn what_is_listed_is_all_there_is() {
        let named = hosts(&["k8s.example.com", "*.lab.example.com"]);
        for good in ["k8s.example.com", "K8S.example.com.", "a.lab.example.com"] {
            assert!(named.allows(good) && named.names_explicitly(good), "{good}");
        }
        for bad in ["lab.example.com", "evil.com", "k8s.example.com.evil.com", "10.0.0.1", "xlab.example.com"] {
            assert!(!named.allows(bad), "{bad}");
        }
        let near = hosts(&["10.0.0.0/8", "127.0.0.1"]);
        assert!(near.allows("10.1.2.3") && near.allows("127.0.0.1") && near.names_explicitly("127.0.0.1"));
        assert!(!near.allows("127.0.0.2") && !near.allows("11.0.0.1"));
        // Its addresses decide.
        assert!(near.allows("any.example.com"));
        assert!(near.allows_at("any.example.com", "10.1.1.1".parse().unwrap()));
        assert!(!near.allows_at("any.example.com", "11.1.1.1".parse().unwrap()));
        for wrong in ["", "*", "*.", "a/b", "https://a", "10.0.0.0/99", "a b"] {
            assert!(Hosts::read(&[wrong]).is_err(), "{wrong}");
        }
    }
}
