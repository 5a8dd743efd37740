//! Where may be fetched from: every address that a name leads to is looked at before it is connected to, on every hop.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Says where may be fetched from, for who does it on a stranger's word.
pub trait Reach: fmt::Debug + Send + Sync {
    /// Tells whether a host may be connected to at an address that it leads to. The host is as the URL has it, an IPv6 address in
    /// brackets.
    fn allows(&self, host: &str, address: IpAddr) -> bool;
}

/// Finds the addresses of a name, as far as they may be connected to.
///
/// ureq connects to what its resolver returns and to nothing else, so a name that leads somewhere else a moment later (DNS rebinding)
/// gains nothing.
#[derive(Debug)]
pub(super) struct Within(pub(super) Arc<dyn Reach>);

impl Resolver for Within {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default();
        let mut good = self.empty();
        for address in found.iter().filter(|address| self.0.allows(host, address.ip())) {
            good.push(*address);
        }
        if good.is_empty() {
            return Err(ureq::Error::Io(io::Error::other(Outside(host.to_owned()))));
        }
        Ok(good)
    }
}

/// A host that may not be connected to.
#[derive(Debug)]
pub(super) struct Outside(String);

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not where may be fetched from", self.0)
    }
}

impl std::error::Error for Outside {}

/// Tells whether an error says that a host may not be connected to.
pub(super) fn is_outside(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Outside>())
}
