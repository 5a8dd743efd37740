//! Answers.

use api::{Problem, Reason};
use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tower_http::compression::Predicate;

use crate::ctx::{Ctx, Outcome};

/// How many bytes of a hash make a tag.
const TAG: usize = 12;
/// From how many bytes on an answer is compressed.
const WORTH: u64 = 1_024;
/// After how many seconds to ask again, where nobody knows better.
const RETRY: u16 = 5;

/// An answer in the making.
pub(crate) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
}

impl Reply {
    /// Begins an answer.
    pub(crate) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new() }
    }

    /// Begins an answer of success.
    pub(crate) fn ok() -> Self {
        Self::new(StatusCode::OK)
    }

    /// Adds a header; a text that no header can hold is left out.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// Adds an `ETag`.
    #[must_use]
    pub(crate) fn etag(self, tag: &str) -> Self {
        self.header(header::ETAG, &format!("\"{tag}\""))
    }

    /// Ends with a value, as JSON or YAML.
    pub(crate) fn value<T: Serialize>(self, ctx: &Ctx, value: &T) -> Outcome {
        if ctx.media().name == "application/yaml" {
            return self.text(ctx, "application/yaml", yaml(value)?);
        }
        let mut text = serde_json::to_vec(value).map_err(internal)?;
        text.push(b'\n');
        self.whole(ctx, "application/json", text)
    }

    /// Ends with a value, or with its plain text when the caller wants that.
    pub(crate) fn value_or_text<T: Serialize>(self, ctx: &Ctx, value: &T, text: &str) -> Outcome {
        let media = ctx.media();
        if !media.text {
            return self.value(ctx, value);
        }
        self.text(ctx, media.name, text.to_owned())
    }

    /// Ends with text.
    pub(crate) fn text(self, ctx: &Ctx, media: &str, text: String) -> Outcome {
        let media = if media.starts_with("text/") { format!("{media}; charset=utf-8") } else { media.to_owned() };
        self.whole(ctx, &media, text.into_bytes())
    }

    /// Ends with bytes of which all is known: a read that has no tag of its own gets one of what it says.
    fn whole(self, ctx: &Ctx, media: &str, bytes: Vec<u8>) -> Outcome {
        let is_read = ctx.route.is_conditional() && self.status == StatusCode::OK;
        if !is_read || self.headers.contains_key(header::ETAG) {
            return self.bytes(ctx, media, bytes);
        }
        let hash = Sha256::digest(&bytes);
        let tag = hex::encode(hash.get(..TAG).unwrap_or_default());
        self.etag(&tag).bytes(ctx, media, bytes)
    }

    /// Ends with bytes; with 304 and none when the caller has them already.
    pub(crate) fn bytes(self, ctx: &Ctx, media: &str, bytes: impl Into<Body>) -> Outcome {
        let reply = self.header(header::VARY, "Accept");
        if ctx.route.method.is_safe()
            && reply.status == StatusCode::OK
            && let (Some(wanted), Some(tag)) = (ctx.header("if-none-match"), reply.headers.get(header::ETAG))
            && lists(wanted, tag.to_str().unwrap_or_default())
        {
            return Ok(Self { status: StatusCode::NOT_MODIFIED, ..reply }.end(Body::empty()));
        }
        Ok(reply.header(header::CONTENT_TYPE, media).end(bytes.into()))
    }

    /// Ends with this body.
    pub(crate) fn end(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Compresses an answer that is long enough and of a kind that gets shorter. What comes piece by piece, such as events and
/// logs that are followed, must not wait for more in a compressor: its length is not known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worth;

impl Predicate for Worth {
    fn should_compress<B: http_body::Body>(&self, response: &Response<B>) -> bool {
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let media = media.unwrap_or_default();
        let gets_shorter = media.starts_with("text/") || media.starts_with("application/") && !media.ends_with("gzip");
        gets_shorter && response.body().size_hint().exact().is_some_and(|length| length >= WORTH)
    }
}

/// The SHA-256 of some bytes in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Tells whether a header with entity tags has this one.
pub(crate) fn lists(header: &str, tag: &str) -> bool {
    header.split(',').map(str::trim).any(|t| t == "*" || t.strip_prefix("W/").unwrap_or(t) == tag)
}

/// Writes a value as YAML, as Helm would.
pub(crate) fn yaml<T: Serialize>(value: &T) -> Result<String, Box<Problem>> {
    let json = serde_json::to_value(value).map_err(internal)?;
    let tree = goyaml::from_json_keep_ints(json.to_string()).map_err(internal)?;
    goyaml::to_yaml(&tree).map_err(internal)
}

/// Makes a fault of ours of an error that cannot happen.
pub(crate) fn internal(error: impl std::fmt::Display) -> Box<Problem> {
    tracing::error!(%error, "a fault of the server");
    Box::new(Problem::new(Reason::Internal, "the server failed; its log says more"))
}

/// Makes the answer that carries a problem.
pub(crate) fn problem(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut text = serde_json::to_vec(problem).unwrap_or_default();
    text.push(b'\n');
    let mut reply = Reply::new(status).header(header::CONTENT_TYPE, "application/problem+json");
    if problem.retryable && matches!(problem.status, 409 | 429 | 502..=504) {
        reply = reply.header(header::RETRY_AFTER, &problem.retry_after.unwrap_or(RETRY).to_string());
    }
    if let Some(operation) = &problem.operation {
        reply = reply.header(header::LOCATION, &operation_url(&operation.id));
    }
    reply.end(text.into())
}

/// Returns the address of an operation.
pub(crate) fn operation_url(id: &str) -> String {
    format!("/v1/operations/{id}")
}
