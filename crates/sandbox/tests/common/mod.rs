//! Calls the service as a client does that speaks HTTP and nothing else.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use sandbox::{Config, ManualClock, Sandbox};
use serde_json::Value;
use tower::ServiceExt;

/// A sandbox whose clock the test moves.
pub(crate) fn sandbox() -> (Sandbox, ManualClock) {
    let clock = ManualClock::default();
    let config = Config { clock: std::sync::Arc::new(clock.clone()), ..Config::default() };
    (Sandbox::new(config), clock)
}

/// A request and what is to be said in it.
pub(crate) struct Call<'a> {
    pub sandbox: &'a Sandbox,
    pub token: &'a str,
    pub headers: Vec<(&'a str, &'a str)>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, token: "admin", headers: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn token(mut self, token: &'a str) -> Self {
        self.token = token;
        self
    }

    pub(crate) async fn raw(self, method: &str, path: &str, body: impl Into<Bytes>) -> (u16, Bytes) {
        let mut request = http::Request::builder().method(method).uri(path);
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        let response = self.sandbox.service().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }

    pub(crate) async fn json(self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, bytes) = self.raw(method, path, body).await;
        (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()))
    }
}

pub(crate) async fn get(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    Call::new(sandbox).json("GET", path, &Value::Null).await
}

pub(crate) async fn post(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    Call::new(sandbox).with("content-type", "application/json").json("POST", path, body).await
}

pub(crate) async fn delete(sandbox: &Sandbox, path: &str) -> (u16, Value) {
    Call::new(sandbox).json("DELETE", path, &Value::Null).await
}

pub(crate) async fn apply(sandbox: &Sandbox, path: &str, manager: &str, body: &Value) -> (u16, Value) {
    let path = format!("{path}{}fieldManager={manager}", if path.contains('?') { '&' } else { '?' });
    Call::new(sandbox).with("content-type", "application/apply-patch+yaml").json("PATCH", &path, body).await
}

pub(crate) async fn merge(sandbox: &Sandbox, path: &str, body: &Value) -> (u16, Value) {
    Call::new(sandbox).with("content-type", "application/merge-patch+json").json("PATCH", path, body).await
}
