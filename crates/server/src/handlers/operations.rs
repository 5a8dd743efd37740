//! Operations.

use std::sync::Arc;

use api::{Problem, Reason};
use axum::body::Body;
use axum::response::IntoResponse;
use http::{StatusCode, header};

use crate::ctx::{Ctx, Outcome};
use crate::events;
use crate::operations::Entry;
use crate::page::{Place, page};
use crate::reply::{Reply, operation_url};

pub(super) async fn operation_list(ctx: Ctx) -> Outcome {
    let (namespace, release, states) = (ctx.query.get("namespace"), ctx.query.get("release"), ctx.query.list("state"));
    let wanted = |o: &api::Operation| {
        namespace.is_none_or(|n| n == o.release.namespace)
            && release.is_none_or(|n| n == o.release.name)
            && (states.is_empty() || states.iter().any(|s| *s == state_name(o.state)))
    };
    let found = ctx.app.operations.all().into_iter().filter(wanted);
    // Ids are in order of time.
    let place = |o: &api::Operation| Place { by: o.id.clone(), id: Vec::new() };
    let scope = format!("operations {namespace:?} {release:?} {states:?}");
    let (items, cont) = page(found, place, true, &ctx.query, &scope)?;
    Reply::ok().value(&ctx, &api::OperationList { items, cont })
}

fn state_name(state: api::State) -> &'static str {
    match state {
        api::State::Queued => "queued",
        api::State::Running => "running",
        api::State::Cancelling => "cancelling",
        api::State::Succeeded => "succeeded",
        api::State::Failed => "failed",
        api::State::Cancelled => "cancelled",
    }
}

pub(super) async fn operation_get(ctx: Ctx) -> Outcome {
    let entry = find(&ctx)?;
    let version = entry.version();
    Reply::ok().etag(&version.to_string()).value(&ctx, &entry.operation())
}

pub(super) async fn operation_events(ctx: Ctx) -> Outcome {
    let entry = find(&ctx)?;
    let seen = ctx.header("last-event-id").and_then(|id| id.parse().ok()).unwrap_or(0);
    Ok(events::stream(entry, seen).into_response())
}

pub(super) async fn operation_logs(ctx: Ctx) -> Outcome {
    let entry = find(&ctx)?;
    if ctx.query.flag("follow") && ctx.media().text {
        return Reply::ok().bytes(&ctx, "text/plain; charset=utf-8", Body::from_stream(events::follow_logs(entry)));
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
    let operation = find(&ctx)?.cancel()?;
    Reply::new(StatusCode::ACCEPTED).header(header::LOCATION, &operation_url(&operation.id)).value(&ctx, &operation)
}

fn find(ctx: &Ctx) -> Result<Arc<Entry>, Box<Problem>> {
    let id = ctx.path("id");
    ctx.app.operations.get(id).ok_or_else(|| {
        let text = format!("there is no operation `{id}`; finished ones are kept for a day");
        Box::new(Problem::new(Reason::OperationNotFound, text))
    })
}
