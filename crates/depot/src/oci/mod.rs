//! Charts in OCI registries (as Helm 4.3: `pkg/registry`, `pkg/getter/ocigetter.go`, `pkg/pusher/ocipusher.go`).
//!
//! * [`Reference`] is what a chart is called there;
//! * [`Registry`] is how registries are spoken to: [`Registry::find`] finds a version, [`Registry::open`] its manifest, and
//!   [`Opened`] gives chart and provenance file; [`Registry::archive`] does all three;
//! * [`Registry::versions`] lists what there is, [`Registry::push`] adds to it;
//! * [`Registry::login`] and [`Registry::logout`] keep [`Logins`].

mod answers;
mod auth;
mod catalog;
mod find;
mod helper;
mod logins;
mod manifest;
mod pull;
mod push;
mod reference;
mod refusal;
mod session;

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};

#[doc(hidden)]
pub use answers::read_answers;
pub use find::Located;
pub use logins::{Credential, Logins};
pub use pull::{Opened, Told};
pub use push::{Push, check_remote};
pub use reference::{Reference, SCHEME};

use crate::error::Error;
use crate::fetch::{Access, Fetcher};
use session::{Ask, Session};

/// How registries are spoken to.
pub struct Registry {
    fetcher: Fetcher,
    access: Access,
    logins: Logins,
    plain_http: bool,
    /// Waits; a registry says for how long.
    pause: fn(Duration),
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Registry {
    /// Makes one. A user and a password in `access` are for whatever registry is spoken to, and go before the logins that
    /// are kept. `plain_http` is for registries without TLS.
    #[must_use]
    pub fn new(fetcher: Fetcher, access: Access, logins: Logins, plain_http: bool) -> Self {
        Self { fetcher, access, logins, plain_http, pause: std::thread::sleep }
    }

    /// Tells whether there is no TLS: who says something of certificates means that there is, as to Helm.
    fn is_plain(&self) -> bool {
        self.plain_http && !self.access.says_tls()
    }

    /// Who we are at a host.
    fn credential(&self, host: &str) -> Result<Credential, Error> {
        let Access { username, password, .. } = &self.access;
        if !username.is_empty() && !password.is_empty() {
            return Ok(Credential::basic_of(username, password));
        }
        self.logins.get(logins::address(host))
    }

    /// Tries a user and a password at a registry, and keeps them when they open it.
    ///
    /// # Errors
    /// When they do not, or cannot be kept.
    pub fn login(&self, host: &str, login: &Credential) -> Result<(), Error> {
        reference::check_registry(host)?;
        let asked = if host == "docker.io" { "registry-1.docker.io" } else { host };
        let mut session = Session::open(self, asked)?.with_login(login.clone());
        let at = session.place("/v2/");
        let answer = session.ask(&Method::GET, &at, &Ask::default());
        let opened = answer.and_then(|answer| match answer.status {
            StatusCode::OK => Ok(()),
            StatusCode::NOT_FOUND => Err(Error::text("not found")),
            _ => Err(answer.refused()),
        });
        opened.map_err(|error| Error::text(format!("authenticating to {}: {error}", chart::text::quote(host))))?;
        self.logins.put(logins::address(host), login)
    }

    /// Forgets the login at a registry.
    ///
    /// # Errors
    /// When the place where it is kept cannot be read or changed.
    pub fn logout(&self, host: &str) -> Result<(), Error> {
        let address = logins::address(host);
        let failed = |error| Error::text(format!("failed to delete the credential for {address}: {error}"));
        self.logins.erase(address).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
