//! What either side says to a question.

use std::fmt;

use base64::Engine as _;
use serde_json::Value as Json;

/// The answer to a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// A result.
    Out(Json),
    /// An error's text.
    Err(String),
    /// No answer: the process died of the question.
    Died(String),
}

impl Answer {
    /// Reads a line of the oracle.
    pub(crate) fn read(line: &str) -> Self {
        match serde_json::from_str::<Json>(line) {
            Ok(mut answer) => match answer.get("err").and_then(Json::as_str) {
                Some(error) => Self::Err(text(error)),
                None => Self::Out(plain(answer["out"].take())),
            },
            Err(error) => Self::Died(format!("{error}: {line:?}")),
        }
    }

    pub(crate) fn result<T: Into<Json>, E: fmt::Display>(result: Result<T, E>) -> Self {
        match result {
            Ok(out) => Self::Out(out.into()),
            Err(error) => Self::Err(error.to_string()),
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        !matches!(self, Self::Out(_))
    }

    /// Whether two answers differ in the same way as two others.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Out(_) => 0,
            Self::Err(_) => 1,
            Self::Died(_) => 2,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Out(Json::String(text)) => write!(f, "{text:?}"),
            Self::Out(out) => write!(f, "{out}"),
            Self::Err(error) => write!(f, "error: {error}"),
            Self::Died(error) => write!(f, "died: {error}"),
        }
    }
}

/// The bytes of a text of a question or an answer; one that is no UTF-8 comes as base64.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.strip_prefix("base64:")
        .and_then(|coded| base64::engine::general_purpose::STANDARD.decode(coded).ok())
        .unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Bytes as a text of a question.
pub(crate) fn coded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("base64:{}", base64::engine::general_purpose::STANDARD.encode(bytes)),
    }
}

fn text(text: &str) -> String {
    String::from_utf8_lossy(&bytes(text)).into_owned()
}

fn plain(value: Json) -> Json {
    match value {
        Json::String(s) => Json::String(text(&s)),
        Json::Array(items) => Json::Array(items.into_iter().map(plain).collect()),
        Json::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, plain(v))).collect()),
        other => other,
    }
}
