//! Speaking to one registry (as `oras.land/oras-go` 2.6: `registry/remote/auth/client.go`, `registry/remote/retry`).
//!
//! A login goes to the registry's own scheme, host and port, and to the place that issues tokens for it; never along with
//! a redirect, and never to the next page or the place of an upload when that is elsewhere.

use std::io::Read;
use std::time::{Duration, Instant};

use http::{HeaderMap, Method, Request, StatusCode};

use super::auth::{self, Challenge};
use super::refusal;
use super::{Credential, Registry};
use crate::error::Error;
use crate::fetch::{FetchError, REDIRECTS, redirect};
use crate::url::{self, Url};

/// How often a request is made again.
const AGAIN: u32 = 5;
/// The wait before the first of these, when the registry does not say how long; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait that a registry may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest answer.
const LONGEST: u64 = 2 << 30;

/// What is asked of a registry.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ask<'a> {
    /// What is taken.
    pub(super) accept: &'a str,
    /// What is sent, and what it is.
    pub(super) body: Option<(&'a str, &'a [u8])>,
    /// What a token has to allow.
    pub(super) scope: &'a str,
}

/// What a registry answers.
pub(super) struct Answer {
    /// The method and the place, for what goes wrong.
    pub(super) method: Method,
    pub(super) at: Url,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Box<dyn Read + Send>,
}

impl Answer {
    /// Reads the body, which may have so many bytes.
    pub(super) fn read(self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.body.take(most + 1).read_to_end(&mut bytes).map_err(|error| FetchError::body(&error))?;
        if bytes.len() as u64 > most {
            return Err(Error::text(format!("`{}` has more than {most} bytes", self.at.shown())));
        }
        Ok(bytes)
    }

    /// A header, when it is a text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Says why this is not what was wanted.
    pub(super) fn refused(self) -> Error {
        refusal::of(self)
    }
}

/// What opens a registry for some scope.
struct Pass {
    scope: String,
    header: String,
    until: Option<Instant>,
}

/// A registry that is spoken to.
pub(super) struct Session<'r> {
    registry: &'r Registry,
    agent: ureq::Agent,
    host: String,
    origin: Url,
    login: Option<Credential>,
    pass: Option<Pass>,
}

impl<'r> Session<'r> {
    /// Makes one; nothing is sent yet.
    pub(super) fn open(registry: &'r Registry, host: &str) -> Result<Self, Error> {
        let scheme = if registry.is_plain() { "http" } else { "https" };
        let origin = url::parse(&format!("{scheme}://{host}")).map_err(Error::text)?;
        let agent = registry.fetcher.agent(&registry.access, &origin);
        let agent = agent.map_err(|error| Error::from(error).doing("missing registry client"))?;
        Ok(Self { registry, agent, host: host.to_owned(), origin, login: None, pass: None })
    }

    /// The same, with this login and no other.
    pub(super) fn with_login(self, login: Credential) -> Self {
        Self { login: Some(login), ..self }
    }

    /// The place of a path that has nothing to be escaped.
    pub(super) fn place(&self, path: &str) -> Url {
        self.origin.clone().with_path(path)
    }

    /// Tells whether a place is the registry's own.
    pub(super) fn has(&self, at: &Url) -> bool {
        at.has_origin_of(&self.origin)
    }

    /// Asks the registry: proves who we are when it wants that, and waits when it has too much to do.
    pub(super) fn ask(&mut self, method: &Method, at: &Url, ask: &Ask<'_>) -> Result<Answer, Error> {
        let mut is_proven = false;
        let mut tries = 0;
        loop {
            let pass = self.pass.as_ref().filter(|pass| pass.scope == ask.scope);
            let pass = pass.filter(|pass| pass.until.is_none_or(|until| Instant::now() < until));
            let header = pass.map(|pass| pass.header.clone());
            let answer = self.send(method, at, ask, header.as_deref())?;
            if answer.status == StatusCode::UNAUTHORIZED && !is_proven && self.has(&answer.at) {
                is_proven = true;
                if self.prove(&answer, ask.scope)? {
                    continue;
                }
            }
            match self.wait(&answer, tries)? {
                Some(wait) if tries < AGAIN => (self.registry.pause)(wait),
                _ => return Ok(answer),
            }
            tries += 1;
        }
    }

    /// How long to wait before a request is made again, if that may help.
    fn wait(&self, answer: &Answer, tries: u32) -> Result<Option<Duration>, Error> {
        let is_busy = matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        let is_safe = matches!(answer.method, Method::GET | Method::HEAD);
        let is_later = is_busy || is_safe && answer.status.is_server_error();
        if !is_later || self.registry.fetcher.is_hurried() {
            return Ok(None);
        }
        let said = answer.header("retry-after").and_then(|text| text.trim().parse().ok()).map(Duration::from_secs);
        match said {
            Some(wait) if wait > LONGEST_WAIT => Err(Error::text(format!(
                "the registry `{}` is busy ({}) and wants {} seconds without requests: try again then, or log in, since many \
                 registries allow more to who is known",
                self.host,
                answer.status.as_u16(),
                wait.as_secs()
            ))),
            Some(wait) => Ok(Some(wait)),
            None => Ok(Some(FIRST_WAIT * 2_u32.saturating_pow(tries))),
        }
    }

    /// Sends one request, and follows where it leads.
    fn send(&self, method: &Method, at: &Url, ask: &Ask<'_>, pass: Option<&str>) -> Result<Answer, Error> {
        let mut at = at.clone();
        let mut pass = pass;
        for _ in 0..REDIRECTS {
            let answer = self.once(method, &at, ask, pass)?;
            let is_safe = matches!(*method, Method::GET | Method::HEAD);
            let next = if is_safe { redirect(&at, &answer)? } else { None };
            let Some((next, _)) = next else { return Ok(answered(method, at, answer)) };
            match next.scheme.as_str() {
                "https" => {}
                "http" if self.origin.scheme == "http" => {}
                scheme => {
                    return Err(Error::text(format!(
                        "the registry `{}` leads to `{}`, and {scheme} was not asked for: use --plain-http if that is meant",
                        self.host,
                        next.shown()
                    )));
                }
            }
            if !self.has(&next) {
                pass = None;
            }
            at = next;
        }
        Err(Error::text(format!("the registry `{}` leads from one place to the next without end", self.host)))
    }

    /// What speaks to a place: what was made for plain HTTP trusts nobody.
    fn agent_for(&self, at: &Url) -> Result<ureq::Agent, Error> {
        if self.origin.scheme == at.scheme || at.scheme != "https" {
            return Ok(self.agent.clone());
        }
        Ok(self.registry.fetcher.agent(&self.registry.access, at)?)
    }

    fn once(
        &self,
        method: &Method,
        at: &Url,
        ask: &Ask<'_>,
        pass: Option<&str>,
    ) -> Result<http::Response<ureq::Body>, Error> {
        let mut request = Request::builder().method(method).uri(at.bare());
        let headers = [("authorization", pass.unwrap_or_default()), ("accept", ask.accept)];
        for (name, value) in headers.into_iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        // Go writes the method as a word here.
        let lower = method.as_str().to_ascii_lowercase();
        let name = lower.get(..1).map(str::to_ascii_uppercase).unwrap_or_default() + lower.get(1..).unwrap_or_default();
        let wrong = |error: http::Error| FetchError::doing(&name, at, error);
        let agent = self.agent_for(at)?;
        let answer = match ask.body {
            Some((kind, bytes)) => {
                let request = request.header("content-type", kind).body(bytes).map_err(wrong)?;
                self.registry.fetcher.run(&agent, request)
            }
            None => self.registry.fetcher.run(&agent, request.body(()).map_err(wrong)?),
        };
        Ok(answer.map_err(|error| FetchError::of_doing(&name, at, &error))?)
    }

    /// Gets what the registry wants to see; whether that is something.
    fn prove(&mut self, answer: &Answer, scope: &str) -> Result<bool, Error> {
        let Some(challenge) = answer.header("www-authenticate").and_then(Challenge::read) else { return Ok(false) };
        let place = format!("{} {}", answer.method, chart::text::quote(&answer.at.shown()));
        let failed = |error: Error| error.doing(place.clone());
        let login = match &self.login {
            Some(login) => login.clone(),
            None => self.registry.credential(&self.host).map_err(failed)?,
        };
        let (header, until) = match challenge {
            Challenge::Basic => (login.basic().map_err(failed)?, None),
            Challenge::Bearer { realm, service, scope: wanted } => {
                let wanted = auth::scopes(scope, &wanted);
                self.token(&realm, &service, &wanted, &login).map_err(failed)?
            }
        };
        self.login = Some(login);
        self.pass = Some(Pass { scope: scope.to_owned(), header, until });
        Ok(true)
    }

    /// Asks for a token where the registry says that there are some.
    fn token(
        &self,
        realm: &str,
        service: &str,
        scopes: &[String],
        login: &Credential,
    ) -> Result<(String, Option<Instant>), Error> {
        let realm = auth::check_realm(realm, &self.origin)?;
        if !login.access_token.is_empty() {
            return Ok((format!("Bearer {}", login.access_token), None));
        }
        let asked = Instant::now();
        let answer = if login.refresh_token.is_empty() {
            let at = auth::with_query(&realm, service, scopes);
            let basic = (!login.is_empty()).then(|| login.header());
            self.send_token(&Method::GET, &at, &Ask::default(), basic.as_deref())?
        } else {
            let form = auth::form(service, scopes, &login.refresh_token);
            let body = Some(("application/x-www-form-urlencoded", form.as_bytes()));
            self.send_token(&Method::POST, &realm, &Ask { body, ..Ask::default() }, None)?
        };
        let (token, seconds) = auth::read_token(answer)?;
        Ok((format!("Bearer {token}"), asked.checked_add(Duration::from_secs(seconds))))
    }

    /// Asks for a token; what issues them may be busy as well, and a redirect takes no login along.
    fn send_token(&self, method: &Method, at: &Url, ask: &Ask<'_>, pass: Option<&str>) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            let answer = answered(method, at.clone(), self.once(method, at, ask, pass)?);
            match self.wait(&answer, tries)? {
                Some(wait) if tries < AGAIN => (self.registry.pause)(wait),
                _ => return Ok(answer),
            }
            tries += 1;
        }
    }
}

/// An answer whose body is still to be read, up to what the largest of all may have.
fn answered(method: &Method, at: Url, answer: http::Response<ureq::Body>) -> Answer {
    let (parts, body) = answer.into_parts();
    let body = Box::new(body.into_with_config().limit(LONGEST).reader());
    Answer { method: method.clone(), at, status: parts.status, headers: parts.headers, body }
}
