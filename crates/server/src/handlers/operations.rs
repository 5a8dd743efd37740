//! Operations.

use std::sync::Arc;

use api::{Problem, Reason};
use axum::body::Body;
use futures::StreamExt;
use http::{StatusCode, header};
use sha2::{Digest, Sha256};

use crate::ctx::{Ctx, Outcome};
use crate::operations::{Entry, Listing, Wanted, events, stream};
use crate::page::{Place, page};
use crate::reply::{Reply, operation_url};
use crate::watch;

pub(super) async fn operation_list(ctx: Ctx) -> Outcome {
    let given = |name: &str| ctx.query.get(name).map(str::to_owned);
    let wanted = Wanted {
        seen: crate::access::clusters_of_operations(&ctx).await?,
        cluster: given("cluster"),
        namespace: given("namespace"),
        release: given("release"),
        states: ctx.query.list("state").into_iter().map(str::to_owned).collect(),
    };
    if ctx.query.flag("watch") {
        let place = ctx.stream_place()?;
        return stream(&ctx, wanted, place).await;
    }
    let scope = format!("operations {wanted:?}");
    let found = ctx.app.operations.select(|listing| wanted.wants(&listing.release, listing.state)).await?;
    // Ids are in order of time.
    let place = |listing: &Listing| Place { by: listing.id.clone(), id: Vec::new() };
    let (listings, cont) = page(found, place, true, &ctx.query, &scope)?;
    let items = ctx.app.operations.read_all(&ctx.app, listings).await?;
    Reply::ok().value(&ctx, &api::OperationList { items, cont })
}

pub(super) async fn operation_get(ctx: Ctx) -> Outcome {
    let operation = find(&ctx, false).await?.operation();
    let text = serde_json::to_vec(&operation).map_err(crate::reply::internal)?;
    let tag = hex::encode(Sha256::digest(text).get(..8).unwrap_or_default());
    Reply::ok().etag(&tag).value(&ctx, &operation)
}

pub(super) async fn operation_events(ctx: Ctx) -> Outcome {
    let entry = find(&ctx, true).await?;
    let seen = ctx.header("last-event-id").and_then(|id| id.parse().ok()).unwrap_or(0);
    let events = events::stream(entry, seen, ctx.stream_place()?);
    Ok(watch::respond(events, ctx.app.ending.subscribe()))
}

pub(super) async fn operation_logs(ctx: Ctx) -> Outcome {
    let follow = ctx.query.flag("follow") && ctx.media().text;
    let entry = find(&ctx, follow).await?;
    if follow {
        let log = events::follow_logs(entry, ctx.stream_place()?).take_until(watch::ended(ctx.app.ending.subscribe()));
        return Reply::ok().bytes(&ctx, "text/plain; charset=utf-8", Body::from_stream(log));
    }
    let log = |(_, event)| match event {
        api::Event::Log { pod, container, text, .. } => Some(api::ContainerLog { pod, container, text }),
        _ => None,
    };
    let items: Vec<api::ContainerLog> = entry.events_after(0).into_iter().filter_map(log).collect();
    let text: String = items.iter().map(events::log_text).collect();
    Reply::ok().value_or_text(&ctx, &api::LogList { items }, &text)
}

pub(super) async fn operation_cancel(ctx: Ctx) -> Outcome {
    let id = ctx.path("id");
    let operation = ctx.app.operations.cancel(&ctx, id).await?.ok_or_else(|| missing(id))?;
    Reply::new(StatusCode::ACCEPTED).header(header::LOCATION, &operation_url(&operation.id)).value(&ctx, &operation)
}

async fn find(ctx: &Ctx, follow: bool) -> Result<Arc<Entry>, Box<Problem>> {
    let id = ctx.path("id");
    ctx.app.operations.find(ctx, id, follow).await?.ok_or_else(|| missing(id))
}

fn missing(id: &str) -> Box<Problem> {
    let text = format!("there is no operation `{id}`; finished ones are kept for a day");
    Box::new(Problem::new(Reason::OperationNotFound, text))
}
