//! Reading one release, one of its revisions, and what two of them differ in.

use std::collections::BTreeMap;

use api::Problem;
use engine::Form;
use release::Release;

use crate::convert;
use crate::ctx::{Ctx, Outcome};
use crate::problems;
use crate::reply::{self, Reply};

pub(super) async fn release_get(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    begin(&found).value(&ctx, &convert::release(&found))
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
    let body = api::Manifest { manifest: found.manifest.clone() };
    begin(&found).value_or_text(&ctx, &body, &format!("{}\n", found.manifest))
}

pub(super) async fn release_notes(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let notes = found.info.notes.clone();
    begin(&found).value_or_text(&ctx, &api::Notes { notes: notes.clone() }, &notes)
}

pub(super) async fn release_hooks(ctx: Ctx) -> Outcome {
    let found = find(&ctx).await?;
    let text: String = found.hooks.iter().map(|h| format!("---\n# Source: {}\n{}\n", h.path, h.manifest)).collect();
    let items = found.hooks.iter().map(convert::hook).collect();
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
    let engine = ctx.engine()?;
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
    let found = ctx.engine()?.compare(&target, body.from, body.to).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &convert::revision_diff(&found))
}

pub(super) async fn release_resources(ctx: Ctx) -> Outcome {
    let found = ctx.engine()?.live_objects(&ctx.target()?).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &api::ResourceList { items: found.iter().map(convert::resource).collect() })
}

pub(super) async fn release_drift(ctx: Ctx) -> Outcome {
    let found = ctx.engine()?.drift(&ctx.target()?).await.map_err(problems::of)?;
    Reply::ok().value(&ctx, &convert::drift(&found))
}

/// Reads the revision that the path names, or the last.
async fn find(ctx: &Ctx) -> Result<Release, Box<Problem>> {
    let target = ctx.target()?;
    let revision = ctx.path("revision").parse().ok();
    Ok(ctx.engine()?.get(&target, revision).await.map_err(problems::of)?.release)
}

fn begin(release: &Release) -> Reply {
    Reply::ok().etag(&convert::etag(release))
}
