//! Why something could not be fetched, in the words that Go's `net/http` has for it.

use std::error::Error as StdError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};

use chart::text::{io_error, quote};
use http::HeaderMap;

use super::reach::is_outside;
use crate::url::Url;

/// Why something could not be fetched. The text never holds a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    text: String,
    cause: Cause,
    retry_after: Option<u64>,
}

/// What a program can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The answer has this status.
    Status(u16),
    /// There may not be fetched from there.
    Outside,
    /// The answer is longer than what is read.
    TooLong,
    Other,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for FetchError {}

/// What goes wrong with TLS most often: what `rustls` says of it, and what Go says.
const TLS: [(&str, &str); 7] = [
    ("InvalidContentType", "http: server gave HTTP response to HTTPS client"),
    ("corrupt message", "http: server gave HTTP response to HTTPS client"),
    ("UnknownIssuer", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ("CaUsedAsEndEntity", "tls: failed to verify certificate: x509: certificate signed by unknown authority"),
    ("CertificateRequired", "remote error: tls: certificate required"),
    ("BadCertificate", "remote error: tls: bad certificate"),
    ("HandshakeFailure", "remote error: tls: handshake failure"),
];

impl FetchError {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), cause: Cause::Other, retry_after: None }
    }

    /// Says that an answer is not what was wanted.
    pub(crate) fn status(text: String, status: u16) -> Self {
        Self { cause: Cause::Status(status), ..Self::text(text) }
    }

    /// The status of the answer, when there is one and it is not what was wanted.
    #[must_use]
    pub fn answered(&self) -> Option<u16> {
        match self.cause {
            Cause::Status(status) => Some(status),
            _ => None,
        }
    }

    /// Tells whether a [`Reach`](super::Reach) does not allow it.
    #[must_use]
    pub fn is_outside(&self) -> bool {
        self.cause == Cause::Outside
    }

    /// Notes what else the answer says.
    pub(crate) fn with(mut self, headers: &HeaderMap) -> Self {
        let said = headers.get("retry-after").and_then(|value| value.to_str().ok());
        self.retry_after = said.and_then(|text| text.trim().parse().ok());
        self
    }

    /// After how many seconds to ask again, when the answer says so.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// Says that an answer is longer than what is read.
    pub(crate) fn too_long(text: String) -> Self {
        Self { cause: Cause::TooLong, ..Self::text(text) }
    }

    /// Tells whether the answer is longer than what is read.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        self.cause == Cause::TooLong
    }

    /// Says what went wrong with a request, as Go's `url.Error`.
    pub(crate) fn at(at: &Url, text: impl fmt::Display) -> Self {
        Self::doing("Get", at, text)
    }

    /// The same of another method than GET, which Go writes with a capital.
    pub(crate) fn doing(method: &str, at: &Url, text: impl fmt::Display) -> Self {
        Self::text(format!("{method} {}: {text}", quote(&at.shown())))
    }

    /// Says why a body has broken off.
    pub(crate) fn body(error: &io::Error) -> Self {
        match ureq_timeout(error) {
            true => Self::text("context deadline exceeded (Client.Timeout or context cancellation while reading body)"),
            false if error.kind() == ErrorKind::UnexpectedEof => Self::text("unexpected EOF"),
            false => Self::text(io_error(error)),
        }
    }

    /// Says why there is no answer.
    pub(crate) fn of(at: &Url, error: &ureq::Error) -> Self {
        Self::of_doing("Get", at, error)
    }

    /// The same of another method than GET.
    pub(crate) fn of_doing(method: &str, at: &Url, error: &ureq::Error) -> Self {
        let text = match error {
            ureq::Error::Timeout(_) => {
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
            }
            ureq::Error::HostNotFound => format!("dial tcp: lookup {}: no such host", at.host_name()),
            ureq::Error::Io(error) if is_outside(error) => {
                return Self { cause: Cause::Outside, ..Self::doing(method, at, error) };
            }
            ureq::Error::Io(error) => from_io(at, error),
            error => known(&error.to_string()),
        };
        Self::doing(method, at, text)
    }
}

fn from_io(at: &Url, error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => "EOF".to_owned(),
        ErrorKind::ConnectionRefused | ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable => {
            let address = address(at).map(|address| format!(" {address}")).unwrap_or_default();
            format!("dial tcp{address}: connect: {}", io_error(error))
        }
        ErrorKind::TimedOut => "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned(),
        _ if error.raw_os_error().is_some() => io_error(error),
        _ if error.to_string().contains("failed to lookup address") => {
            format!("dial tcp: lookup {}: no such host", at.host_name())
        }
        _ => known(&format!("{error} {error:?}")),
    }
}

/// Says in Go's words what TLS says, or else its own first sentence.
fn known(text: &str) -> String {
    match TLS.iter().find(|(ours, _)| text.contains(ours)) {
        Some((_, go)) => (*go).to_owned(),
        None => text.split(" Custom").next().unwrap_or(text).to_owned(),
    }
}

fn ureq_timeout(error: &io::Error) -> bool {
    error.kind() == ErrorKind::TimedOut || error.to_string().contains("timeout")
}

/// Where a URL's host is; the first address that is tried.
fn address(at: &Url) -> Option<SocketAddr> {
    let mut found: Vec<_> = at.address().to_socket_addrs().ok()?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    found.first().copied()
}
