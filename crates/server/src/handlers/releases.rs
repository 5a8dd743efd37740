//! Reading one release, one of its revisions, and what two of them differ in.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Problem;
use engine::Form;
use release::Release;

use crate::access::Grant;
use crate::convert;
use crate::ctx::{Ctx, Outcome};
use crate::problems;
use crate::reply::{self, Reply};

pub(super) async fn release_get(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    begin(&found).value(&ctx, &convert::release(ctx.path("cluster"), &found))
}

pub(super) async fn release_values(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let values = if ctx.query.flag("all") {
        let all = chart::values::coalesce_values(&found.chart, &found.config).map_err(reply::internal)?;
        convert::to_json_map(&all.values)
    } else {
        convert::to_json_map(&found.config)
    };
    begin(&found).value(&ctx, &values)
}

pub(super) async fn release_manifest(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let manifest = shown(&ctx, &found.manifest);
    let text = format!("{manifest}\n");
    begin(&found).value_or_text(&ctx, &api::Manifest { manifest }, &text)
}

pub(super) async fn release_notes(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let notes = found.info.notes.clone();
    begin(&found).value_or_text(&ctx, &api::Notes { notes: notes.clone() }, &notes)
}

pub(super) async fn release_hooks(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let mut items: Vec<api::Hook> = found.hooks.iter().map(convert::hook).collect();
    items.iter_mut().for_each(|hook| hook.manifest = shown(&ctx, &hook.manifest));
    let text: String = items.iter().map(|h| format!("---\n# Source: {}\n{}\n", h.path, h.manifest)).collect();
    begin(&found).value_or_text(&ctx, &api::HookList { items }, &text)
}

pub(super) async fn release_chart(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    begin(&found).value(&ctx, &convert::chart_metadata(&found.chart.metadata))
}

pub(super) async fn revision_get(ctx: Ctx) -> Outcome {
    release_get(ctx).await
}

pub(super) async fn revision_values(ctx: Ctx) -> Outcome {
    release_values(ctx).await
}

pub(super) async fn revision_manifest(ctx: Ctx) -> Outcome {
    release_manifest(ctx).await
}

pub(super) async fn revision_notes(ctx: Ctx) -> Outcome {
    release_notes(ctx).await
}

pub(super) async fn revision_hooks(ctx: Ctx) -> Outcome {
    release_hooks(ctx).await
}

pub(super) async fn revision_chart(ctx: Ctx) -> Outcome {
    release_chart(ctx).await
}

pub(super) async fn release_record(ctx: Ctx) -> Outcome {
    let engine = ctx.reader()?;
    let (head, record) = engine.last(&ctx.target()?).await.map_err(problems::of)?;
    let found = record.release;
    // In a database Helm's own labels are columns, and Helm does not show them.
    let system_labels = if engine.ledger().driver() == "SQL" { BTreeMap::new() } else { head.system };
    let shown = api::Record { release: convert::record(&found)?, labels: found.labels.clone(), system_labels };
    begin(&found).value(&ctx, &shown)
}

pub(super) async fn revision_record(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let (release, labels) = (convert::record(&found)?, found.labels.clone());
    begin(&found).value(&ctx, &api::Record { release, labels, system_labels: BTreeMap::new() })
}

pub(super) async fn release_objects(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let form = if ctx.query.get("form") == Some("table") { Form::Table } else { Form::Object };
    let objects = ctx.engine()?.resources(&found, form).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &objects)
}

pub(super) async fn revision_objects(ctx: Ctx) -> Outcome {
    release_objects(ctx).await
}

pub(super) async fn release_diff(ctx: Ctx) -> Outcome {
    let target = ctx.target()?;
    let body: api::DiffBody = ctx.input("DiffBody")?;
    let found = ctx.reader()?.compare(&target, body.from, body.to).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &convert::revision_diff(&found))
}

pub(super) async fn release_resources(ctx: Ctx) -> Outcome {
    let found = ctx.reader()?.live_objects(&ctx.target()?).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &api::ResourceList { items: found.iter().map(convert::resource).collect() })
}

pub(super) async fn release_drift(ctx: Ctx) -> Outcome {
    let member = ctx.cluster()?;
    // What would change is found by asking to send it again. That is never asked in the server's own name, which a caller could
    // use to learn what objects hold that have nothing to do with the release.
    let engine = match ctx.grant {
        Grant::Caller => ctx.engine()?,
        Grant::Server => Arc::new(member.own().with_objects_of(&*ctx.engine()?)),
    };
    let found = engine.drift(&ctx.target()?).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &convert::drift(&found))
}

/// Reads the revision that the path names, or the last.
async fn find(ctx: &Ctx) -> Result<Release, Box<Problem>> {
    let target = ctx.target()?;
    let revision = ctx.path("revision").parse().ok();
    Ok(ctx.reader()?.get(&target, revision).await.map_err(problems::of)?.release)
}

/// A text of a record as this caller may see it.
fn shown(ctx: &Ctx, manifest: &str) -> String {
    match ctx.grant {
        Grant::Caller => manifest.to_owned(),
        Grant::Server => convert::mask(manifest),
    }
}

fn begin(release: &Release) -> Reply {
    Reply::ok().etag(&convert::etag(release))
}
