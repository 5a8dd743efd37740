//! What is uploaded to a repository, and deleted.

use api::{Problem, Reason};
use bytes::Bytes;
use depot::publish::{Refused, Upload};
use http::{StatusCode, header};
use serde_json::json;

use super::{form, missing, own};
use crate::access;
use crate::ctx::{Ctx, Outcome};
use crate::reply::{self, Reply};

pub(super) async fn upload(ctx: Ctx) -> Outcome {
    let sent = sent(&ctx, |body| Sent { archive: Some(body), proof: None })?;
    put(&ctx, sent).await
}

pub(super) async fn prove(ctx: Ctx) -> Outcome {
    let sent = sent(&ctx, |body| Sent { archive: None, proof: Some(body) })?;
    put(&ctx, Sent { archive: None, ..sent }).await
}

/// What a request has brought.
#[derive(Debug, Default)]
struct Sent {
    archive: Option<Bytes>,
    proof: Option<Bytes>,
}

/// Takes a body that is a form apart; another one is a file as it is.
fn sent(ctx: &Ctx, whole: impl FnOnce(Bytes) -> Sent) -> Result<Sent, Box<Problem>> {
    let media = ctx.header("content-type").unwrap_or_default();
    let Some(parts) = form::parts(media, &ctx.body) else { return Ok(whole(ctx.body.clone())) };
    let parts = parts.map_err(|text| Box::new(Problem::new(Reason::InvalidBody, text)))?;
    let mut sent = Sent::default();
    for (name, data) in parts {
        let place = match name.as_str() {
            "chart" => &mut sent.archive,
            "prov" => &mut sent.proof,
            _ => continue,
        };
        if place.replace(data).is_some() {
            let text = format!("the form has more than one field `{name}`; send one chart at a time");
            return Err(Box::new(Problem::new(Reason::InvalidBody, text)));
        }
    }
    Ok(sent)
}

async fn put(ctx: &Ctx, sent: Sent) -> Outcome {
    let force = ctx.query.flag("force");
    if force {
        access::home(ctx, "repository-charts", "update", "").await?;
    }
    let own = own(ctx)?;
    let put = own.blocking(move |folder| {
        let upload = Upload { archive: sent.archive.as_deref(), proof: sent.proof.as_deref(), force };
        let put = folder.put(&upload);
        super::tell(folder);
        put
    });
    let stored = put.await?.map_err(refused)?;
    let place = format!("{}/charts/{}", super::PLACE, stored.file);
    Reply::new(StatusCode::CREATED).header(header::LOCATION, &place).value(ctx, &json!({"saved": true}))
}

pub(super) async fn delete(ctx: Ctx) -> Outcome {
    let own = own(&ctx)?;
    let (name, version) = (ctx.path("name").to_owned(), ctx.path("version").to_owned());
    let what = format!("chart `{name}` of version `{version}`");
    match own.blocking(move |folder| folder.remove(&name, &version)).await?.map_err(refused)? {
        true => Reply::ok().value(&ctx, &json!({"deleted": true})),
        false => Err(missing(&what)),
    }
}

/// The problem of a change that was not made.
fn refused(refused: Refused) -> Box<Problem> {
    let text = refused.to_string();
    let reason = match &refused {
        Refused::Nothing => Reason::InvalidBody,
        Refused::Archive(_) | Refused::Name(_) | Refused::Proof(_) => Reason::InvalidChart,
        Refused::Exists(_) => Reason::ChartExists,
        Refused::Full | Refused::Unwritable(_) => Reason::RepositoryReadOnly,
        Refused::Unreadable(_) => return reply::internal(text),
    };
    Box::new(Problem::new(reason, text))
}
