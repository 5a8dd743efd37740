//! `ETag`, `If-Match` and `If-None-Match` of what is kept in Secrets at home: one part stands for what was written, another for how it
//! stands now, which changes by itself.

use api::{Problem, Reason};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::ctx::Ctx;
use crate::reply::internal;

/// Makes a tag of what stands for what was written, and of what is shown.
pub(super) fn etag<T: Serialize>(written: &str, shown: &T) -> Result<String, Box<Problem>> {
    let json = serde_json::to_vec(shown).map_err(internal)?;
    Ok(format!("{}-{}", short_hash(written.as_bytes()), short_hash(&json)))
}

/// Holds the headers of a change against what is there: `what` is what it is called, `written` what stands for what was written.
pub(super) fn check(ctx: &Ctx, what: &str, written: Option<&str>) -> Result<(), Box<Problem>> {
    let failed = |text: String| Err(Box::new(Problem::new(Reason::PreconditionFailed, text)));
    // It can only be `*`.
    if ctx.header("if-none-match").is_some() && written.is_some() {
        return failed(format!("the {what} exists, and `If-None-Match: *` asks for it not to"));
    }
    let Some(wanted) = ctx.header("if-match") else { return Ok(()) };
    let Some(written) = written else { return failed(format!("there is no such {what}, and `If-Match` asks for one")) };
    let now = short_hash(written.as_bytes());
    let is_it = |one: &str| {
        let one = one.trim().trim_start_matches("W/").trim_matches('"');
        // What follows is about how it stands.
        one == "*" || one.split('-').next() == Some(now.as_str())
    };
    if wanted.split(',').any(is_it) { Ok(()) } else { failed(format!("the {what} was changed since `If-Match`")) }
}

fn short_hash(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes).get(..6).unwrap_or_default())
}
