//! One call to the API server.

use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde_json::Value;

use crate::error::{Action, Error};
use crate::object::ObjectRef;
use crate::retry::Patience;

/// A call before it is made.
pub(crate) struct Call {
    action: Action,
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    accept: &'static str,
    content: Option<(&'static str, Vec<u8>)>,
    object: Option<ObjectRef>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    /// What the server warns of: fields it does not know, versions that are deprecated.
    pub(crate) warnings: Vec<String>,
    what: String,
    retry_after: Option<u32>,
}

/// What a call that was made until it was answered came to.
pub(crate) struct Insisted {
    pub(crate) result: Result<Answer, Error>,
    /// An earlier try may have taken effect, although it failed.
    pub(crate) again: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Value, Error> {
        serde_json::from_slice(&self.body).map_err(|source| Error::Unreadable { what: self.what.clone(), source })
    }
}

impl Call {
    pub(crate) fn new(action: Action, method: Method, path: impl Into<String>) -> Self {
        Self {
            action,
            method,
            path: path.into(),
            query: Vec::new(),
            accept: "application/json",
            content: None,
            object: None,
        }
    }

    pub(crate) fn get(action: Action, path: impl Into<String>) -> Self {
        Self::new(action, Method::GET, path)
    }

    pub(crate) fn query(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.query.push((key, value.into()));
        self
    }

    pub(crate) fn query_if(self, condition: bool, key: &'static str, value: &str) -> Self {
        if condition { self.query(key, value) } else { self }
    }

    pub(crate) fn accept(mut self, accept: &'static str) -> Self {
        self.accept = accept;
        self
    }

    pub(crate) fn body(mut self, content_type: &'static str, value: &Value) -> Self {
        self.content = Some((content_type, value.to_string().into_bytes()));
        self
    }

    pub(crate) fn about(mut self, object: &ObjectRef) -> Self {
        self.object = Some(object.clone());
        self
    }

    pub(crate) fn request(&self) -> Result<Request<Vec<u8>>, Error> {
        let mut uri = self.path.clone();
        for (at, (key, value)) in self.query.iter().enumerate() {
            uri.push(if at == 0 { '?' } else { '&' });
            uri.push_str(key);
            uri.push('=');
            escape(value, &mut uri);
        }
        let mut request = Request::builder().method(self.method.clone()).uri(uri).header(header::ACCEPT, self.accept);
        if let Some((content_type, _)) = &self.content {
            request = request.header(header::CONTENT_TYPE, *content_type);
        }
        let body = self.content.as_ref().map(|(_, body)| body.clone()).unwrap_or_default();
        request.body(body).map_err(|error| Error::Unreachable(Box::new(kube::Error::HttpError(error))))
    }

    /// Makes the call; once more when etcd has changed its leader, as Helm 4.3: `pkg/kubeenv/roundtripper.go`.
    pub(crate) async fn send(&self, client: &Client) -> Result<Answer, Error> {
        let first = self.try_send(client).await?;
        let answer = if is_leader_change(&first) { self.try_send(client).await? } else { first };
        if answer.status.as_u16() < 400 { Ok(answer) } else { Err(self.refused(&answer)) }
    }

    /// Makes a call that may be made twice, again and again within bounds while it fails for the moment.
    pub(crate) async fn insist(&self, client: &Client, patience: Patience) -> Result<Answer, Error> {
        self.insist_telling(client, patience, true).await.result
    }

    /// As [`Self::insist`], telling whether it was made more than once; a call that must not be made `twice` is only made
    /// again when it was turned away.
    pub(crate) async fn insist_telling(&self, client: &Client, patience: Patience, twice: bool) -> Insisted {
        let (mut made, mut again) = (0, false);
        loop {
            let result = self.send(client).await;
            made += 1;
            let Err(error) = &result else { return Insisted { result, again } };
            let turned_away = error.refusal().is_some_and(|refusal| refusal.code == 429);
            let pause = patience.pause(error, &self.path, made).filter(|_| twice || turned_away);
            let Some(pause) = pause else { return Insisted { result, again } };
            again |= !turned_away;
            tokio::time::sleep(pause).await;
        }
    }

    async fn try_send(&self, client: &Client) -> Result<Answer, Error> {
        let unreachable = |error| Error::Unreachable(Box::new(error));
        let response = client.send(self.request()?.map(Body::from)).await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok());
        let headers = response.headers().get_all(header::WARNING).iter();
        let warnings = headers.filter_map(|value| warning(std::str::from_utf8(value.as_bytes()).ok()?)).collect();
        let body = response.into_body().collect().await.map_err(unreachable)?.to_bytes().to_vec();
        Ok(Answer { status, body, warnings, what: format!("`{} {}`", self.method, self.path), retry_after })
    }

    pub(crate) fn refused(&self, answer: &Answer) -> Error {
        Error::refused(self.action, self.object.clone(), status_of(answer)).asked_to_wait(answer.retry_after)
    }
}

/// The text of a `Warning` header (RFC 7234, section 5.5), of the only code that Kubernetes sends: `299 - "text"`.
fn warning(header: &str) -> Option<String> {
    let (_agent, rest) = header.strip_prefix("299 ")?.split_once(" \"")?;
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

/// Reads a refusal; a proxy in between may answer without the API's form.
fn status_of(answer: &Answer) -> Status {
    let code = answer.status.as_u16();
    match serde_json::from_slice::<Status>(&answer.body) {
        Ok(status) if !status.message.is_empty() || !status.reason.is_empty() => {
            if status.code == 0 {
                status.with_code(code)
            } else {
                status
            }
        }
        _ => {
            let text = String::from_utf8_lossy(&answer.body);
            let text = text.trim();
            let message = if text.is_empty() { "the server gave no reason" } else { text };
            Status::failure(&format!("{} ({message})", answer.status), "").with_code(code)
        }
    }
}

fn is_leader_change(answer: &Answer) -> bool {
    answer.status.as_u16() >= 500
        && serde_json::from_slice::<Status>(&answer.body).is_ok_and(|status| {
            status.code >= 500
                && (status.message.ends_with("etcdserver: leader changed")
                    || status.message.ends_with("raft proposal dropped"))
        })
}

/// Escapes everything that is not unreserved in a URL.
pub(crate) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_urls() {
        let call = Call::get(Action::List, "/api/v1/pods").query("labelSelector", "a in (b),c").query("limit", "1");
        assert_eq!(call.request().unwrap().uri(), "/api/v1/pods?labelSelector=a%20in%20%28b%29%2Cc&limit=1");
    }

    #[test]
    fn warnings_are_read() {
        assert_eq!(warning("299 - \"unknown field \\\"spec.foo\\\"\"").as_deref(), Some("unknown field \"spec.foo\""));
        assert_eq!(warning("299 proxy \"a\\\\b\" \"Mon, 30 Nov 2026 09:00:00 GMT\"").as_deref(), Some("a\\b"));
        for other in ["199 - \"x\"", "299 -", "299 - \"x", ""] {
            assert_eq!(warning(other), None, "{other}");
        }
    }

    #[test]
    fn a_proxy_may_answer() {
        let answer = Answer {
            status: StatusCode::BAD_GATEWAY,
            body: b"<h1>no</h1>".to_vec(),
            warnings: Vec::new(),
            what: String::new(),
            retry_after: Some(3),
        };
        let error = Call::get(Action::Get, "/x").refused(&answer);
        assert_eq!(error.to_string(), "502 Bad Gateway (<h1>no</h1>)");
        assert!(error.is_retryable());
        assert_eq!(error.refusal().and_then(|refusal| refusal.retry_after), Some(3));
    }
}
