//! Changes that go on after the answer.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use super::{Case, Ctx, case};
use crate::check::{column, contains, equal, is, list, text};
use crate::rest::{WAIT, body, release};

pub(super) const CASES: &[Case] = &[
    case("operations/accepted", accepted),
    case("operations/events", events),
    case("operations/idempotency-key", idempotency_key),
    case("operations/one-at-a-time", one_at_a_time),
    case("operations/unknown", unknown),
];

/// Without `Prefer` the answer is 202 with the operation's address, and the operation ends by itself.
fn accepted(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "accepted");
    let digest = ctx.upload("shop")?;
    let answer = http.send_json("PUT", &release(ns, "corner"), &[], &body(&digest, json!({})))?.expect(202)?;
    let location = answer.need_header("location")?.to_owned();
    let operation = answer.json()?;
    equal("Location", &location, &format!("/v1/operations/{}", text(&operation, "/id")?))?;
    is(&operation, "/kind", "install")?;
    is(&operation, "/release/name", "corner")?;
    let deadline = Instant::now() + Duration::from_secs(60);
    let ended = loop {
        let operation = http.get_json(&location)?;
        if operation["done"] == true {
            break operation;
        }
        if Instant::now() > deadline {
            bail!("it does not end: {operation}");
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    is(&ended, "/state", "succeeded")?;
    is(&ended, "/result/revision", 1)?;
    for time in ["/createdAt", "/startedAt", "/finishedAt"] {
        contains(time, text(&ended, time)?, "T")?;
    }
    http.expect_release(ns, "corner", 1, "deployed")?;
    let listed = http.get_json(&format!("/v1/operations?namespace={ns}"))?;
    equal("the list", column(list(&listed, "/items")?, "/id")?, vec![text(&ended, "/id")?])
}

/// The stream ends with `done`, also for who comes late, and goes on after `Last-Event-ID`.
fn events(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "events");
    let digest = ctx.upload("shop")?;
    let answer = http.send_json("PUT", &release(ns, "corner"), &[], &body(&digest, json!({})))?.expect(202)?;
    let path = format!("{}/events", answer.need_header("location")?);
    let live = http.get(&path)?.expect(200)?;
    contains("the content type", live.need_header("content-type")?, "text/event-stream")?;
    let names = |text: &str| {
        text.lines().filter_map(|l| l.strip_prefix("event:")).map(|n| n.trim().to_owned()).collect::<Vec<_>>()
    };
    let seen = names(&live.text());
    for name in ["phase", "resource", "done"] {
        equal(&format!("`{name}` in {seen:?}"), seen.iter().any(|n| n == name), true)?;
    }
    equal("the last event", seen.last().map(String::as_str), Some("done"))?;
    contains("the events", &live.text(), "Deployment")?;

    let late = http.get(&path)?.expect(200)?.text();
    equal("the events for who comes late", names(&late), seen.clone())?;
    let ids: Vec<&str> = late.lines().filter_map(|l| l.strip_prefix("id:")).map(str::trim).collect();
    equal("each event has an id", ids.len(), seen.len())?;
    let Some(before_last) = ids.len().checked_sub(2).and_then(|n| ids.get(n)) else { bail!("too few events: {late}") };
    let rest = http.send("GET", &path, &[("Last-Event-ID", before_last)], b"")?.expect(200)?;
    equal("the events after the one before the last", names(&rest.text()), vec!["done".to_owned()])
}

fn idempotency_key(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "idempotency-key");
    let digest = ctx.upload("shop")?;
    let key = ("Idempotency-Key", "e2e-1");
    let put = |replicas: u32| {
        http.send_json("PUT", &release(ns, "corner"), &[WAIT, key], &body(&digest, json!({"replicas": replicas})))
    };
    let first = http.finish(put(1)?)?;
    let again = http.finish(put(1)?)?;
    equal("the operation", text(&first, "/id")?, text(&again, "/id")?)?;
    http.expect_release(ns, "corner", 1, "deployed")?;
    put(2)?.problem(422, "IDEMPOTENCY_KEY_REUSED")?;
    http.expect_release(ns, "corner", 1, "deployed").map(drop)
}

/// Of many changes at once each is done or refused, and none is lost or mixed up with another.
fn one_at_a_time(ctx: &Ctx<'_>) -> Result<()> {
    let (http, ns) = (ctx.http()?, "one-at-a-time");
    let digest = ctx.upload("shop")?;
    http.put(ns, "corner", &body(&digest, json!({})))?;
    let outcomes = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..=4)
            .map(|replicas| {
                let spec = body(&digest, json!({"replicas": replicas}));
                scope.spawn(move || http.send_json("PUT", &release(ns, "corner"), &[WAIT], &spec))
            })
            .collect();
        threads.into_iter().map(|t| t.join().map_err(|_| anyhow::anyhow!("a thread died"))?).collect::<Result<Vec<_>>>()
    })?;
    let mut done = 0;
    for outcome in outcomes {
        if outcome.status == 200 {
            done += 1;
        } else {
            let problem = outcome.any_problem()?;
            equal("the status", outcome.status, 409)?;
            is(&problem, "/retryable", true)?;
        }
    }
    if done == 0 {
        bail!("all were refused");
    }
    let revisions = http.get_json(&format!("{}/revisions", release(ns, "corner")))?;
    let statuses = column(list(&revisions, "/items")?, "/status")?;
    equal("revisions", statuses.len(), done + 1)?;
    equal("deployed revisions", statuses.iter().filter(|s| **s == "deployed").count(), 1)
}

fn unknown(ctx: &Ctx<'_>) -> Result<()> {
    let http = ctx.http()?;
    for id in ["0199d2c8-6f1e-7cc3-98c8-0242ac120002", "nothing"] {
        http.get(&format!("/v1/operations/{id}"))?.problem(404, "OPERATION_NOT_FOUND")?;
        http.get(&format!("/v1/operations/{id}/events"))?.problem(404, "OPERATION_NOT_FOUND")?;
    }
    Ok(())
}
