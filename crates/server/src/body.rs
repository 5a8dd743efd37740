//! Bodies: how much of them is read, and what they must be.

use std::time::Duration;

use api::{InputError, Problem, Reason};
use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Limits;
use crate::ctx::Ctx;

/// Reads a body of at most `limit` bytes within a time.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limit: usize, time: Duration) -> Result<Bytes, Box<Problem>> {
    let too_large = || {
        let text = format!("the body is larger than the {limit} bytes that this request takes");
        Box::new(Problem::new(Reason::BodyTooLarge, text))
    };
    let declared = headers.get(http::header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(time, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            let text = format!("the body could not be read: {error}");
            Err(Box::new(Problem::new(Reason::InvalidBody, text)))
        }
        Err(_) => {
            let text = format!("the body did not arrive within {} s", time.as_secs());
            Err(Box::new(Problem::new(Reason::BodyTimeout, text)))
        }
    }
}

/// Checks the `Content-Type` against those of the route.
pub(crate) fn check_media(headers: &HeaderMap, body: &api::Body) -> Result<(), Box<Problem>> {
    let Some(header) = headers.get(http::header::CONTENT_TYPE) else { return Ok(()) };
    let sent = header.to_str().unwrap_or("?");
    if body.media.contains(&media_name(sent).as_str()) {
        return Ok(());
    }
    let text = format!("`Content-Type: {sent}` is not taken here; send `{}`", body.media.join("`, `"));
    Err(Box::new(Problem::new(Reason::UnsupportedMediaType, text)))
}

/// Returns the name of a media type without its parameters, in lower case, by its usual name.
fn media_name(header: &str) -> String {
    let name = header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match name.as_str() {
        "text/yaml" | "text/x-yaml" | "application/x-yaml" | "text/vnd.yaml" => "application/yaml".to_owned(),
        "text/json" => "application/json".to_owned(),
        _ => name,
    }
}

/// Returns how much of a body is read: an archive may be larger than what is read into memory as a tree.
pub(crate) fn limit(headers: &HeaderMap, body: &api::Body, limits: &Limits) -> usize {
    let sent = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(media_name);
    match body.shape_of(&sent.unwrap_or_default()) {
        api::Shape::Binary => limits.chart_bytes,
        _ => limits.body_bytes,
    }
}

impl Ctx {
    /// Tells whether the body is an archive, where others are taken too.
    pub(crate) fn sends_archive(&self) -> bool {
        let media = self.header("content-type").map(media_name).unwrap_or_default();
        self.route.body.is_some_and(|body| body.shape_of(&media) == api::Shape::Binary)
    }

    /// Reads the body as a type of the contract.
    pub(crate) fn input<T: DeserializeOwned>(&self, type_name: &str) -> Result<T, Box<Problem>> {
        let value = self.tree()?;
        let errors = api::check(type_name, &value);
        if !errors.is_empty() {
            return Err(Box::new(Problem::input(errors)));
        }
        serde_json::from_value(value)
            .map_err(|error| Box::new(Problem::input(vec![InputError::body("", error.to_string())])))
    }

    fn tree(&self) -> Result<Value, Box<Problem>> {
        let wrong = |text: String| Box::new(Problem::new(Reason::InvalidBody, text));
        if self.body.iter().all(u8::is_ascii_whitespace) {
            if self.route.body.is_some_and(|b| b.required) {
                return Err(wrong("the body is empty; send an object as JSON or YAML".to_owned()));
            }
            return Ok(Value::Object(serde_json::Map::new()));
        }
        let media = self.header("content-type").map(media_name).unwrap_or_default();
        if media != "application/yaml" {
            return serde_json::from_slice(&self.body).map_err(|e| wrong(format!("the body is not JSON: {e}")));
        }
        let text = std::str::from_utf8(&self.body).map_err(|e| wrong(format!("the body is not UTF-8: {e}")))?;
        let tree = goyaml::from_yaml_keep_ints(text).map_err(|e| wrong(format!("the body is not YAML: {e}")))?;
        serde_json::to_value(tree).map_err(|e| wrong(format!("the body has no JSON form: {e}")))
    }
}
