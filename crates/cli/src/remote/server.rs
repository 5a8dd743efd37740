//! Which server does the work, as flags and variables name it.

use std::net::IpAddr;

use crate::fail::{Fail, Outcome, fail};
use crate::flags::Parsed;

/// A server, and what it is told of us.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    /// The token that says who we are.
    pub(crate) token: Option<String>,
    /// The file of the authority that signed its certificate.
    pub(crate) ca_file: Option<String>,
    /// What it calls the cluster.
    pub(crate) cluster: String,
}

/// Flags that say how this process reaches a cluster, or ask for what only it could do: a server has its own clusters, and the
/// API no place for these.
const WITHOUT_PLACE: [&str; 17] = [
    "kubeconfig",
    "kube-context",
    "kube-apiserver",
    "kube-token",
    "kube-as-user",
    "kube-as-group",
    "kube-ca-file",
    "kube-tls-server-name",
    "kube-insecure-skip-tls-verify",
    "burst-limit",
    "qps",
    "enable-dns",
    "disable-openapi-validation",
    "dependency-update",
    "post-renderer",
    "post-renderer-args",
    "pass-credentials",
];

impl Server {
    /// Reads which server is meant, if any; refuses flags that would be in vain with one.
    pub(crate) fn of(flags: &Parsed) -> Outcome<Option<Self>> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let wanted = |flag: &str, name: &str| match flags.given(flag) {
            true => flags.some(flag).map(str::to_owned),
            false => variable(name),
        };
        let Some(url) = wanted("server", "WHIPSTAFF_SERVER") else { return Ok(None) };
        if let Some(flag) = WITHOUT_PLACE.into_iter().find(|flag| flags.given(flag)) {
            fail!("--{flag} has no place in the API of {url}: leave it out, or leave out --server");
        }
        let token = match flags.some("server-token-file") {
            Some(path) => Some(read_token(path)?),
            None => variable("WHIPSTAFF_TOKEN"),
        };
        let server = Self {
            url: url.trim_end_matches('/').to_owned(),
            token,
            ca_file: wanted("server-ca-file", "WHIPSTAFF_SERVER_CA_FILE"),
            cluster: wanted("server-cluster", "WHIPSTAFF_SERVER_CLUSTER").unwrap_or_else(|| "default".to_owned()),
        };
        server.check()?;
        Ok(Some(server))
    }

    fn check(&self) -> Outcome {
        let uri: http::Uri =
            self.url.parse().map_err(|error| Fail::new(format!("the server `{}` is no address: {error}", self.url)))?;
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") => Ok(()),
            // Whoever listens on the way could take it and be us.
            Some("http") if self.token.is_some() && !is_here(host) => {
                fail!("the token is not sent to `{}`, where all can read it: use https", self.url)
            }
            Some("http") => Ok(()),
            _ => fail!("the server `{}` is no address such as https://whipstaff.example.com", self.url),
        }
    }
}

/// Whether a host is this very machine.
fn is_here(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn read_token(path: &str) -> Outcome<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Fail::new(format!("cannot read the token in `{path}`: {}", chart::text::io_error(&error))))?;
    match text.trim() {
        "" => fail!("there is no token in `{path}`"),
        token if token.contains(char::is_whitespace) => {
            fail!("what is in `{path}` is no token: it has more than one word")
        }
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_sent_where_all_can_read_it() {
        let server = |url: &str, token: Option<&str>| Server {
            url: url.to_owned(),
            token: token.map(str::to_owned),
            ca_file: None,
            cluster: "default".to_owned(),
        };
        for (url, token, is_good) in [
            ("https://whipstaff.example.com", Some("t"), true),
            ("http://127.0.0.1:8080", Some("t"), true),
            ("http://[::1]:8080", Some("t"), true),
            ("http://localhost", Some("t"), true),
            ("http://whipstaff.example.com", None, true),
            ("http://whipstaff.example.com", Some("t"), false),
            ("whipstaff.example.com", None, false),
            ("ftp://x", None, false),
            ("http://a b", None, false),
        ] {
            assert_eq!(server(url, token).check().is_ok(), is_good, "{url}");
        }
    }
}
