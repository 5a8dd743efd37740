//! Plain HTTP, as any client would speak it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::{HeaderMap, Request};

use crate::check;

/// A client of one server.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    base: String,
    agent: ureq::Agent,
}

impl Http {
    /// Makes a client; the base has no slash at its end.
    pub(crate) fn new(base: String) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // Longer than any `Prefer: wait` of the suites.
            .timeout_global(Some(Duration::from_secs(180)))
            .max_idle_connections(0)
            .allow_non_standard_methods(true)
            .user_agent("whipstaff-e2e")
            .build();
        Self { base, agent: config.new_agent() }
    }

    /// Returns where the server is.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the whole answer.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response> {
        let name = format!("{method} {path}");
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (header, value) in headers {
            request = request.header(*header, *value);
        }
        let without_body = matches!(method, "GET" | "HEAD" | "DELETE" | "OPTIONS") && body.is_empty();
        let answer = if without_body { self.agent.run(request.body(())?) } else { self.agent.run(request.body(body)?) };
        let mut answer = answer.with_context(|| name.clone())?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(256 << 20)
            .read_to_vec()
            .with_context(|| format!("{name}: reading the answer"))?;
        Ok(Response { name, status: answer.status().as_u16(), headers: answer.headers().clone(), body })
    }

    /// Gets a path.
    pub(crate) fn get(&self, path: &str) -> Result<Response> {
        self.send("GET", path, &[], b"")
    }

    /// Gets a path and reads JSON from it.
    pub(crate) fn get_json(&self, path: &str) -> Result<Value> {
        self.get(path)?.expect(200)?.json()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The request, for reports.
    name: String,
    /// The status.
    pub(crate) status: u16,
    headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Returns a header, when it is there and text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns a header that must be there.
    pub(crate) fn need_header(&self, name: &str) -> Result<&str> {
        self.header(name).with_context(|| format!("{}: the answer has no `{name}`", self.name))
    }

    /// Returns the body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{}: no JSON: {}", self.name, self.text()))
    }

    /// Fails unless this is the status.
    pub(crate) fn expect(self, status: u16) -> Result<Self> {
        self.expect_any(&[status])
    }

    /// Fails unless the status is one of these.
    pub(crate) fn expect_any(self, statuses: &[u16]) -> Result<Self> {
        if statuses.contains(&self.status) {
            return Ok(self);
        }
        bail!("{}: {}, expected {statuses:?}: {}", self.name, self.status, self.text())
    }

    /// Fails unless this is a well-made problem of this status and reason.
    pub(crate) fn problem(&self, status: u16, reason: &str) -> Result<Value> {
        let problem = self.any_problem()?;
        check::is(&problem, "/reason", reason).with_context(|| self.name.clone())?;
        check::equal(&format!("{}: the status", self.name), self.status, status)?;
        Ok(problem)
    }

    /// Fails unless this is a well-made problem that is not the server's fault.
    pub(crate) fn any_problem(&self) -> Result<Value> {
        let context = || format!("{} answered {}: {}", self.name, self.status, self.text());
        if !(400..500).contains(&self.status) && self.status != 503 {
            bail!("{}: neither 4xx nor 503", context());
        }
        check::equal("the content type", self.header("content-type"), Some("application/problem+json"))
            .with_context(context)?;
        let problem = self.json()?;
        check::is(&problem, "/status", self.status).with_context(context)?;
        for field in ["/type", "/title", "/detail", "/reason"] {
            if check::text(&problem, field)?.is_empty() {
                bail!("{}: `{field}` is empty", context());
            }
        }
        if !check::at(&problem, "/retryable")?.is_boolean() {
            bail!("{}: `retryable` is no truth value", context());
        }
        Ok(problem)
    }
}
