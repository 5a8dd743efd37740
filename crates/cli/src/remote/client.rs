//! A small client of the API, over HTTP and TLS, that blocks.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use api::Problem;
use http::Request;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::Server;
use super::problem;
use crate::fail::{Fail, Outcome, fail};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);
/// How long the server may be silent. It answers what takes longer at once and then sends a sign of life every 15 seconds.
const SILENCE: Duration = Duration::from_secs(120);
/// The longest answer that is read.
const LONGEST: u64 = 256 << 20;
/// How often what has not come through is sent again, and after what time.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(500);
/// The longest time that a busy server may have us wait.
const PATIENCE: u64 = 30;

/// A client of one server.
pub(crate) struct Client {
    url: String,
    agent: ureq::Agent,
    token: Option<String>,
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    method: &'static str,
    /// The path with its query.
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    /// Asks to read.
    pub(crate) fn get(path: String) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    /// Asks for something else.
    pub(crate) fn to(method: &'static str, path: String) -> Self {
        Self { method, path, ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a body of JSON.
    pub(crate) fn json<T: Serialize>(self, value: &T) -> Outcome<Self> {
        Ok(self.bytes("application/json", serde_json::to_vec(value)?))
    }

    /// Adds a body of bytes.
    #[must_use]
    pub(crate) fn bytes(mut self, media: &str, bytes: Vec<u8>) -> Self {
        self.body = Some(bytes);
        self.header("content-type", media)
    }
}

/// An answer that is good.
pub(crate) type Answer = http::Response<ureq::Body>;

/// Why there is no good answer.
pub(crate) enum Refused {
    /// The server says why.
    Problem(Box<Problem>),
    /// The server was not reached, or makes no sense.
    Fail(Fail),
}

impl From<Refused> for Fail {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Problem(problem) => problem::fail(&problem),
            Refused::Fail(fail) => fail,
        }
    }
}

impl Client {
    /// Makes a client; nothing is asked yet.
    pub(crate) fn new(server: &Server) -> Outcome<Self> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .user_agent(concat!("whipstaff/", env!("CARGO_PKG_VERSION")));
        let config = match server.url.starts_with("https:") {
            true => config.tls_config(tls(server.ca_file.as_deref())?),
            false => config,
        };
        Ok(Self { url: server.url.clone(), agent: config.build().new_agent(), token: server.token.clone() })
    }

    /// Asks, and reads the answer's JSON.
    pub(crate) fn json<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Refused> {
        let mut answer = self.send(ask)?;
        let bytes = self.read(&mut answer).map_err(Refused::Fail)?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Refused::Fail(Fail::new(format!(
                "the answer of {} to {} {} is not understood: {error}",
                self.url, ask.method, ask.path
            )))
        })
    }

    /// Asks for a text as it is.
    pub(crate) fn send(&self, ask: &Ask) -> Result<Answer, Refused> {
        let mut tries = 0;
        loop {
            tries += 1;
            let pause = match self.once(ask) {
                Err(Refused::Fail(error)) => return Err(Refused::Fail(error)),
                Ok(Ok(answer)) if answer.status().is_success() => return Ok(answer),
                Ok(Ok(answer)) if answer.status() == 429 && tries < TRIES => retry_after(&answer),
                Ok(Ok(answer)) => return Err(self.refusal(answer)),
                // What changes something has a key that tells the server that it is the same.
                Ok(Err(error)) if tries < TRIES && is_passing(&error) => PAUSE * tries,
                Ok(Err(error)) => return Err(Refused::Fail(self.unreachable(&error))),
                Err(problem) => return Err(problem),
            };
            std::thread::sleep(pause);
        }
    }

    /// Asks once.
    fn once(&self, ask: &Ask) -> Result<Result<Answer, ureq::Error>, Refused> {
        let wrong = |error: http::Error| Refused::Fail(Fail::new(format!("cannot ask for `{}`: {error}", ask.path)));
        let mut request = Request::builder().method(ask.method).uri(format!("{}{}", self.url, ask.path));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in &ask.headers {
            request = request.header(*name, value);
        }
        Ok(match &ask.body {
            Some(body) => self.agent.run(request.body(body.as_slice()).map_err(wrong)?),
            // With a body of no bytes, since some proxies ask for a length.
            None if ask.method == "POST" => self.agent.run(request.body(&[][..]).map_err(wrong)?),
            None => self.agent.run(request.body(()).map_err(wrong)?),
        })
    }

    /// Reads a whole answer.
    pub(crate) fn read(&self, answer: &mut Answer) -> Outcome<Vec<u8>> {
        let read = answer.body_mut().with_config().limit(LONGEST).read_to_vec();
        read.map_err(|error| Fail::new(format!("the answer of {} has broken off: {error}", self.url)))
    }

    /// What the server says against it.
    fn refusal(&self, mut answer: Answer) -> Refused {
        let status = answer.status();
        let mut text = Vec::new();
        // What cannot be read is as good as not said.
        let _ = answer.body_mut().as_reader().take(LONGEST).read_to_end(&mut text);
        match serde_json::from_slice::<Problem>(&text) {
            Ok(problem) => Refused::Problem(Box::new(problem)),
            Err(_) => Refused::Fail(problem::unknown(&self.url, status.as_u16(), &text)),
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Fail {
        let text = match error {
            ureq::Error::Io(error) => chart::text::io_error(error),
            ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => "no connection".to_owned(),
            error => error.to_string(),
        };
        Fail::new(format!("the server {} cannot be reached: {text}", self.url))
    }
}

/// Whether the same request may well come through a moment later.
fn is_passing(error: &ureq::Error) -> bool {
    use std::io::ErrorKind as E;
    match error {
        ureq::Error::Io(error) => !matches!(error.kind(), E::ConnectionRefused | E::InvalidData | E::InvalidInput),
        ureq::Error::BodyStalled => true,
        _ => false,
    }
}

fn retry_after(answer: &Answer) -> Duration {
    let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1).min(PATIENCE))
}

/// Whom to trust: the authority of a file, or those of this machine.
pub(crate) fn tls(ca_file: Option<&str>) -> Outcome<TlsConfig> {
    let roots = match ca_file {
        Some(path) => of_file(path)?,
        None => {
            let found = rustls_native_certs::load_native_certs();
            found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
        }
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots));
    Ok(config.unversioned_rustls_crypto_provider(provider).build())
}

fn of_file(path: &str) -> Outcome<Vec<Certificate<'static>>> {
    let text = std::fs::read(path)
        .map_err(|error| Fail::new(format!("cannot read `{path}`: {}", chart::text::io_error(&error))))?;
    let certificates: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        fail!("there is no certificate in `{path}`");
    }
    Ok(certificates)
}

/// A part of a path, so that nothing in it means anything else.
pub(crate) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A path with a query of those parameters that have a value.
pub(crate) fn with_query(path: String, parameters: &[(&str, String)]) -> String {
    let given = parameters.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = given.map(|(name, value)| format!("{name}={}", segment(value))).collect();
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries() {
        assert_eq!(segment("a/b c?ä"), "a%2Fb%20c%3F%C3%A4");
        assert_eq!(with_query("/x".to_owned(), &[("a", String::new()), ("b", "1,2".to_owned())]), "/x?b=1%2C2");
        assert_eq!(with_query("/x".to_owned(), &[("a", String::new())]), "/x");
    }
}
