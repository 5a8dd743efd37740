//! Why a cluster cannot be reached, in the words that Go's `net/http` has for it.

use std::error::Error as StdError;
use std::io;
use std::net::ToSocketAddrs;

use chart::text::io_error;
use cluster::Error;

fn text(error: &Error) -> String {
    let cause = match error {
        Error::Unreachable(source) => reason(source.as_ref()),
        Error::Unauthorized(_) => "the server has asked for the client to provide credentials".to_owned(),
        error => error.to_string(),
    };
    format!("kubernetes cluster unreachable: {cause}")
}

/// The innermost cause; what the operating system says is told as Go tells it.
fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut innermost = error;
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>()
            && io.raw_os_error().is_some()
        {
            return io_error(io);
        }
        innermost = error;
        next = error.source();
    }
    innermost.to_string()
}

/// Says why the version of a cluster could not be had, with the address that was asked: `Get "URL/version": dial tcp ADDRESS: connect: connection refused`.
pub(crate) fn of_server(error: &Error, server: &str) -> String {
    let Error::Unreachable(source) = error else { return text(error) };
    let cause = reason(source.as_ref());
    let url = server.trim_end_matches('/');
    let dialled = match cause.as_str() {
        "connection refused" | "network is unreachable" | "no route to host" => {
            let address = address(url).map(|address| format!(" {address}")).unwrap_or_default();
            format!("dial tcp{address}: connect: {cause}")
        }
        _ => cause,
    };
    format!("kubernetes cluster unreachable: Get \"{url}/version\": {dialled}")
}

/// Where a URL's host is, as Go prints it.
fn address(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let with_port = match authority.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => authority.to_owned(),
        _ => format!("{authority}:{}", if scheme == "https" { 443 } else { 80 }),
    };
    let mut found: Vec<_> = with_port.to_socket_addrs().ok()?.collect();
    // Go tries IPv4 last and tells of the first; a name like `localhost` is mostly asked by IPv4 alone.
    found.sort_by_key(std::net::SocketAddr::is_ipv6);
    found.first().map(std::net::SocketAddr::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("http://127.0.0.1:1").as_deref(), Some("127.0.0.1:1"));
        assert_eq!(address("https://127.0.0.1/x").as_deref(), Some("127.0.0.1:443"));
        assert_eq!(address("http://[::1]:8").as_deref(), Some("[::1]:8"));
        assert_eq!(address("nonsense"), None);
    }
}
