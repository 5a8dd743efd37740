//! What a registry may answer, read without one: for who throws all sorts of things at it (`fuzz/`).

use std::io::Cursor;

use chart::Metadata;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::auth::{self, Challenge};
use super::manifest::{CHART, Manifest, OLD_CHART, PROOF};
use super::session::Answer;
use super::{Reference, find, pull, refusal};
use crate::url;

/// Reads a body as each thing that a registry answers, and a header as each that is looked at. Tells whether it is the
/// manifest of a chart.
///
/// # Errors
/// When what was read is not as the rest of the code relies on.
#[doc(hidden)]
pub fn read_answers(header: &str, body: &[u8]) -> Result<bool, String> {
    let at = url::parse("https://registry.example.com:5000/v2/x/y/tags/list?n=1")?;
    let answer = |status| {
        let (body, headers) = (Box::new(Cursor::new(body.to_vec())), HeaderMap::new());
        Answer { method: Method::GET, at: at.clone(), status, headers, body }
    };
    let refusal = refusal::of(answer(StatusCode::FORBIDDEN)).to_string();
    if refusal.contains(char::is_control) {
        return Err(format!("an error that drives terminals: {refusal:?}"));
    }
    if let Ok((token, _)) = auth::read_token(answer(StatusCode::OK)) {
        HeaderValue::from_str(&token).map_err(|_| format!("a token that no header can have: {token:?}"))?;
    }
    if let Some(Challenge::Bearer { realm, service, scope }) = Challenge::read(header) {
        let scopes = auth::scopes("repository:x/y:pull", &scope);
        let _ = auth::check_realm(&realm, &at).map(|realm| auth::with_query(&realm, &service, &scopes).bare());
    }
    if let Ok(next) = find::next(&at, header)
        && !next.has_origin_of(&at)
    {
        return Err(format!("a next page elsewhere: {}", next.shown()));
    }
    if let Ok(reference) = Reference::parse(header) {
        let again = Reference::parse(&reference.to_string());
        again.map_err(|error| format!("{reference} is no reference any more: {error}"))?;
    }
    let _ = find::page(body, &Reference::default());
    if let Ok(mut metadata) = serde_json::from_slice::<Metadata>(body) {
        let _ = metadata.validate();
    }
    let Ok(manifest) = Manifest::read(body, header) else { return Ok(false) };
    let _ = pull::layer(&manifest, &[PROOF]);
    Ok(pull::layer(&manifest, &[CHART, OLD_CHART]).is_ok())
}
