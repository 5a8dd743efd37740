//! Fetching over HTTP (as Helm 4.3: `pkg/getter/httpgetter.go`, and Go's `net/http` for redirects).
//!
//! The client is `ureq`: the command line speaks to a server with it already, it blocks as commands do, and it sends what it
//! is told and nothing by itself. So redirects are followed here, where it can be seen who is told a password.

mod error;
mod pem;
mod reach;
mod tls;

use std::fmt;
use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use ureq::tls::Certificate;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{AsSendBody, Proxy};

pub use error::FetchError;
pub use pem::Pem;
pub use reach::Reach;

use crate::url::{self, Url};
use reach::Within;

/// How many requests a fetch may take.
pub(crate) const REDIRECTS: usize = 10;
/// The longest answer; what is fetched has limits of its own.
const LONGEST: u64 = 2 << 30;
/// How long a connection may take to come about, at most.
const CONNECT: Duration = Duration::from_secs(30);

/// Who we are at a repository, and how it is spoken to.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The repository: user and password are for its scheme, host and port.
    pub url: String,
    /// The user there.
    pub username: String,
    /// The user's password.
    pub password: String,
    /// Our certificate.
    pub certificate: Pem,
    /// Its key.
    pub key: Pem,
    /// The authorities that may have signed the repository's certificate; none said are those of the machine.
    pub authorities: Pem,
    /// The repository's certificate is not checked.
    pub insecure: bool,
    /// User and password go to every host that the repository leads to.
    pub pass_everywhere: bool,
}

impl Access {
    /// Tells whether it says something of certificates; half a pair is nothing, as to Helm.
    pub(crate) fn says_tls(&self) -> bool {
        let has_pair = !self.certificate.is_empty() && !self.key.is_empty();
        has_pair || !self.authorities.is_empty() || self.insecure
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("url", &url::redacted(&self.url)).finish_non_exhaustive()
    }
}

/// What a server calls the state of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    /// Its `ETag`.
    pub etag: String,
    /// Its `Last-Modified`.
    pub last_modified: String,
}

impl Validators {
    fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Self { etag: text("etag"), last_modified: text("last-modified") }
    }
}

/// How something is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// What is taken; empty is anything.
    pub accept: &'static str,
    /// The state that we have: the server need not send that again.
    pub validators: Validators,
}

/// What a server answers.
pub struct Answer {
    /// What it calls the state of what it sends.
    pub validators: Validators,
    /// It is the state that we have, and nothing is sent.
    pub is_unchanged: bool,
    /// What is sent.
    pub body: Box<dyn Read + Send>,
}

impl Answer {
    /// Reads what is sent, which may be so many bytes.
    ///
    /// # Errors
    /// When it breaks off, or is more.
    pub fn read(self, most: u64) -> Result<Vec<u8>, FetchError> {
        let mut bytes = Vec::new();
        self.body.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| FetchError::body(&error))?;
        if bytes.len() as u64 > most {
            return Err(FetchError::too_long(format!("the answer has more than {most} bytes")));
        }
        Ok(bytes)
    }
}

/// Fetches over HTTP; clones know the same.
#[derive(Clone, Debug)]
pub struct Fetcher {
    proxy: Option<Proxy>,
    timeout: Option<Duration>,
    user_agent: String,
    reach: Option<Arc<dyn Reach>>,
    /// When all of it has to be done.
    deadline: Option<Instant>,
    /// The authorities of the machine, once they were needed.
    roots: Arc<OnceLock<Vec<Certificate<'static>>>>,
}

impl Fetcher {
    /// Makes one. Each fetch may take as long as `timeout`; zero is for ever.
    #[must_use]
    pub fn new(user_agent: &str, timeout: Duration, proxy: Option<Proxy>) -> Self {
        let timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        Self { proxy, timeout, user_agent: user_agent.to_owned(), reach: None, deadline: None, roots: Arc::default() }
    }

    /// The same, which fetches from where something allows it and from nowhere else. It uses no proxy, since behind one
    /// nobody sees where a name leads.
    #[must_use]
    pub fn within(self, reach: Arc<dyn Reach>) -> Self {
        Self { proxy: None, reach: Some(reach), ..self }
    }

    /// The same, whose requests all together have so much time from now on; nobody who is busy is waited for.
    #[must_use]
    pub fn hurried(self, time: Duration) -> Self {
        Self { deadline: Instant::now().checked_add(time), ..self }
    }

    /// Tells whether there is no time for asking again.
    pub(crate) fn is_hurried(&self) -> bool {
        self.deadline.is_some()
    }

    /// Sends a request, within the time that is left.
    pub(crate) fn run<S: AsSendBody>(
        &self,
        agent: &ureq::Agent,
        request: Request<S>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let Some(deadline) = self.deadline else { return agent.run(request) };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ureq::Error::Timeout(ureq::Timeout::Global));
        }
        let left = self.timeout.map_or(left, |timeout| timeout.min(left));
        agent.run(agent.configure_request(request).timeout_global(Some(left)).build())
    }

    /// Fetches what is at a URL.
    ///
    /// # Errors
    /// When it is not there, or cannot be reached.
    pub fn get(&self, href: &str, access: &Access, ask: &Ask) -> Result<Answer, FetchError> {
        let own =
            url::parse(&access.url).map_err(|text| FetchError::text(format!("unable to parse getter URL: {text}")))?;
        let mut at =
            url::parse(href).map_err(|text| FetchError::text(format!("unable to parse URL getting from: {text}")))?;
        let mut agent = self.agent(access, &at)?;
        let start = at.clone();
        let mut is_trusted = access.pass_everywhere || at.has_origin_of(&own);
        // What a URL says of itself is for that very URL.
        let mut said = at.credentials();
        let mut location = at.shown();
        for _ in 0..REDIRECTS {
            if !matches!(at.scheme.as_str(), "http" | "https") {
                return Err(FetchError::at(
                    &at,
                    format!("unsupported protocol scheme {}", chart::text::quote(&at.scheme)),
                ));
            }
            let mut request = Request::get(at.bare());
            let given = (!access.username.is_empty() && !access.password.is_empty())
                .then(|| (access.username.clone(), access.password.clone()));
            if let Some((user, password)) = given.filter(|_| is_trusted).or_else(|| said.take()) {
                request =
                    request.header("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))));
            }
            let conditions =
                [("if-none-match", &ask.validators.etag), ("if-modified-since", &ask.validators.last_modified)];
            for (name, value) in conditions.into_iter().filter(|(_, value)| !value.is_empty()) {
                request = request.header(name, value);
            }
            if !ask.accept.is_empty() {
                request = request.header("accept", ask.accept);
            }
            let request = request.body(()).map_err(|error| FetchError::at(&at, error.to_string()))?;
            let answer = self.run(&agent, request).map_err(|error| FetchError::of(&at, &error))?;
            let Some((next, text)) = redirect(&at, &answer)? else {
                return Self::answer(href, ask, answer);
            };
            location = url::redacted(&text);
            // What was made for plain HTTP trusts nobody.
            if next.scheme == "https" && at.scheme == "http" {
                agent = self.agent(access, &next)?;
            }
            is_trusted = is_trusted && keeps(access, &own, &start, &next);
            said = next.credentials();
            at = next;
        }
        // Go names what the last answer said, as it said it.
        Err(FetchError::text(format!("Get {}: stopped after {REDIRECTS} redirects", chart::text::quote(&location))))
    }

    fn answer(href: &str, ask: &Ask, answer: http::Response<ureq::Body>) -> Result<Answer, FetchError> {
        let (status, validators) = (answer.status(), Validators::of(answer.headers()));
        let is_unchanged = status == StatusCode::NOT_MODIFIED && ask.validators != Validators::default();
        if status != StatusCode::OK && !is_unchanged {
            let reason = status.canonical_reason().unwrap_or_default();
            let text = format!("failed to fetch {} : {} {reason}", url::redacted(href), status.as_u16());
            return Err(FetchError::status(text.trim_end().to_owned(), status.as_u16()).with(answer.headers()));
        }
        let body = answer.into_body().into_with_config().limit(LONGEST).reader();
        Ok(Answer { validators, is_unchanged, body: Box::new(body) })
    }

    /// Makes what speaks to a host: it keeps connections open.
    pub(crate) fn agent(&self, access: &Access, url: &Url) -> Result<ureq::Agent, FetchError> {
        let is_own = access.says_tls();
        let own = is_own.then(|| tls::own(access, || self.roots())).transpose();
        let own = own.map_err(|text| FetchError::text(format!("can't create TLS config for client: {text}")))?;
        let tls = own.unwrap_or_else(|| tls::usual(if url.scheme == "https" { self.roots() } else { &[] }));
        let is_here = matches!(url.host_name(), "localhost" | "127.0.0.1" | "::1");
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(self.proxy.clone().filter(|_| !is_here))
            .timeout_global(self.timeout)
            .timeout_connect(Some(self.timeout.map_or(CONNECT, |timeout| timeout.min(CONNECT))))
            .tls_config(tls)
            .user_agent(self.user_agent.as_str());
        let config = config.build();
        Ok(match &self.reach {
            Some(reach) => ureq::Agent::with_parts(config, DefaultConnector::default(), Within(Arc::clone(reach))),
            None => config.new_agent(),
        })
    }

    /// The authorities of the machine.
    fn roots(&self) -> &[Certificate<'static>] {
        self.roots.get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
        })
    }
}

/// Where an answer leads, when it leads elsewhere, and how it says so.
pub(crate) fn redirect(at: &Url, answer: &http::Response<ureq::Body>) -> Result<Option<(Url, String)>, FetchError> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get("location") else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let parsed = url::parse(&location).map_err(|text| {
        FetchError::at(
            at,
            format!("failed to parse Location header {}: {text}", chart::text::quote(&url::redacted(&location))),
        )
    })?;
    Ok(Some((at.join(&parsed), location.into_owned())))
}

/// Tells whether user and password go along with a redirect: to the repository itself; or, when they may go everywhere, as Go
/// has it: to the host that was asked first and those below it.
fn keeps(access: &Access, own: &Url, start: &Url, next: &Url) -> bool {
    let below =
        |host: &str, parent: &str| host == parent || host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    let (host, parent) = (next.host_name().to_ascii_lowercase(), start.host_name().to_ascii_lowercase());
    next.has_origin_of(own) || access.pass_everywhere && below(&host, &parent)
}

#[cfg(test)]
pub(crate) mod tests;
