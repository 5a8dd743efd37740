//! What a registry says when it refuses something (as `oras.land/oras-go` 2.6: `registry/remote/errcode`).

use chart::text::quote;
use serde_json::Value;

use super::session::Answer;
use crate::error::Error;
use crate::fetch::FetchError;

/// How much of a refusal is read.
const LONGEST: u64 = 8 << 10;

#[derive(Debug, serde::Deserialize)]
struct Body {
    errors: Vec<One>,
}

#[derive(Debug, serde::Deserialize)]
struct One {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    detail: Value,
}

/// Says why an answer is not what was wanted.
pub(super) fn of(answer: Answer) -> Error {
    let (place, status) = (format!("{} {}", answer.method, quote(&answer.at.shown())), answer.status);
    let headers = answer.headers.clone();
    let said = answer.read(LONGEST).ok().and_then(|bytes| serde_json::from_slice::<Body>(&bytes).ok());
    let mut why: Vec<String> = said.iter().flat_map(|body| &body.errors).map(text).collect();
    if why.is_empty() {
        why.push(status.canonical_reason().unwrap_or_default().to_owned());
    }
    let text = format!("{place}: response status code {}: {}", status.as_u16(), why.join("; "));
    FetchError::status(text, status.as_u16()).with(&headers).into()
}

fn text(one: &One) -> String {
    let code = one.code.to_lowercase().replace('_', " ");
    let text = match (one.message.as_str(), &one.detail) {
        ("", _) => code,
        (message, Value::Null) => format!("{code}: {message}"),
        (message, detail) => format!("{code}: {message}: {}", printed(detail)),
    };
    // These are a stranger's words on somebody's terminal.
    text.chars().filter(|c| !c.is_control()).collect()
}

/// A value as Go's `%v` prints it.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(printed).collect::<Vec<_>>().join(" ")),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", printed(value))).collect();
            format!("map[{}]", fields.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_read_as_helm_prints_them() {
        for (json, want) in [
            (
                r#"{"code":"NAME_UNKNOWN","message":"no","detail":{"name":"x/y","a":[1,null]}}"#,
                "name unknown: no: map[a:[1 <nil>] name:x/y]",
            ),
            (r#"{"code":"DENIED"}"#, "denied"),
            (r#"{"code":"DENIED","message":"a\u001b[1mb"}"#, "denied: a[1mb"),
        ] {
            assert_eq!(text(&serde_json::from_str(json).unwrap()), want);
        }
    }
}
