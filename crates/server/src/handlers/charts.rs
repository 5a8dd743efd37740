//! Uploaded charts, and the parts of charts wherever they come from.

use std::sync::Arc;

use api::{ChartFile, ChartFileContent, DependencyList, ListedDependency, Problem, Reason};
use bytes::Bytes;
use chart::listing::{self, Listed};
use chart::{Chart, Crd, File};
use http::{StatusCode, header};
use serde::Serialize;

use crate::convert;
use crate::ctx::{Ctx, Outcome};
use crate::page::{Place, page};
use crate::reply::Reply;
use crate::repositories::Fetched;
use crate::uploads::Upload;

/// A chart, wherever it comes from.
pub(super) struct Subject {
    pub(super) digest: String,
    pub(super) archive: Bytes,
    pub(super) loaded: Arc<Chart>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

pub(super) async fn chart_upload(ctx: Ctx) -> Outcome {
    if ctx.body.is_empty() {
        let text =
            "the body is empty; send the archive (`curl --data-binary @chart.tgz -H 'Content-Type: application/gzip'`)";
        return Err(Box::new(Problem::new(Reason::InvalidChart, text)));
    }
    let added = ctx.app.uploads.add(ctx.body.clone(), ctx.caller.user()).await?;
    let status = if added.new { StatusCode::CREATED } else { StatusCode::OK };
    Reply::new(status).header(header::LOCATION, &added.chart.url).etag(&added.chart.digest).value(&ctx, &added.chart)
}

pub(super) async fn chart_list(ctx: Ctx) -> Outcome {
    let charts = ctx.app.uploads.of(ctx.caller.user()).await;
    let place = |c: &api::Chart| Place { by: c.created_at.clone(), id: vec![c.digest.clone()] };
    let (items, cont) = page(charts, place, true, &ctx.query, "charts")?;
    Reply::ok().value(&ctx, &api::ChartList { items, cont })
}

pub(super) async fn chart_get(ctx: Ctx) -> Outcome {
    let upload = uploaded(&ctx).await?;
    let tag = format!("{}-{}", upload.chart.digest, upload.chart.expires_at);
    Reply::ok().etag(&tag).value(&ctx, &upload.chart)
}

pub(super) async fn chart_archive(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let metadata = &chart.loaded.metadata;
    let file = format!("attachment; filename=\"{}-{}.tgz\"", metadata.name, metadata.version);
    Reply::ok().etag(&chart.digest).header(header::CONTENT_DISPOSITION, &file).bytes(
        &ctx,
        "application/gzip",
        chart.archive,
    )
}

/// As YAML, what `helm show chart` prints.
pub(super) async fn chart_metadata(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let reply = Reply::ok().etag(&chart.digest);
    if ctx.media().text {
        return reply.text(&ctx, "application/yaml", crate::reply::yaml(&chart.loaded.metadata)? + "\n");
    }
    reply.value(&ctx, &convert::chart_metadata(&chart.loaded.metadata))
}

pub(super) async fn chart_dependencies(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let loaded = Arc::clone(&chart.loaded);
    // Archives in `charts/` are read anew.
    let work = move || (listing::dependencies_of_files(&loaded), listing::strays_of_files(&loaded));
    let (items, warnings) = tokio::task::spawn_blocking(work).await.map_err(crate::reply::internal)?;
    let item = |found: Listed| ListedDependency {
        name: found.name,
        version: found.version,
        repository: found.repository,
        status: found.status.to_owned(),
    };
    let list = DependencyList { items: items.into_iter().map(item).collect(), warnings };
    Reply::ok().etag(&chart.digest).value(&ctx, &list)
}

/// As YAML, what `helm show values` prints.
pub(super) async fn chart_values(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let reply = Reply::ok().etag(&chart.digest);
    if ctx.media().name == "application/yaml" {
        let text = raw(&chart.loaded, "values.yaml").map_or_else(String::new, |file| text(file) + "\n");
        return reply.text(&ctx, "application/yaml", text);
    }
    reply.value(&ctx, &convert::to_json_map(&chart.loaded.values))
}

/// As Helm finds it, `readme.md`, `readme.txt` or `readme`, in any case; as text, what `helm show readme` prints.
pub(super) async fn chart_readme(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let is_readme = |f: &&File| matches!(f.name.to_ascii_lowercase().as_str(), "readme.md" | "readme.txt" | "readme");
    let file = chart.loaded.files.iter().find(is_readme).ok_or_else(|| no_part("no readme"))?;
    let readme = text(file);
    let printed = format!("{readme}\n");
    Reply::ok().etag(&chart.digest).value_or_text(&ctx, &api::Readme { readme }, &printed)
}

pub(super) async fn chart_schema(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let schema = chart.loaded.schema.clone().ok_or_else(|| no_part("no `values.schema.json`"))?;
    Reply::ok().etag(&chart.digest).bytes(&ctx, "application/json", schema)
}

/// As YAML, what `helm show crds` prints.
pub(super) async fn chart_crds(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let crds = chart.loaded.crd_objects();
    let mut printed = String::new();
    for crd in &crds {
        let start = if crd.file.data.starts_with(b"---") { "" } else { "---\n" };
        printed.push_str(&format!("{start}{}\n", text(crd.file)));
    }
    // Paths are below the chart's folder.
    let below = |path: &str| path.split_once('/').map_or(path, |(_, below)| below).to_owned();
    let item = |crd: &Crd<'_>| ChartFileContent { name: below(&crd.path), data: text(crd.file) };
    let items = crds.iter().map(item).collect();
    Reply::ok().etag(&chart.digest).value_or_text(&ctx, &Items { items }, &printed)
}

pub(super) async fn chart_files(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let mut items: Vec<ChartFile> =
        chart.loaded.raw.iter().map(|f| ChartFile { name: f.name.clone(), size: f.data.len() as u64 }).collect();
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Reply::ok().etag(&chart.digest).value(&ctx, &Items { items })
}

pub(super) async fn chart_file(ctx: Ctx) -> Outcome {
    let chart = find(&ctx).await?;
    let name = ctx.path("path");
    let file = raw(&chart.loaded, name).ok_or_else(|| no_part(&format!("no file `{name}`")))?;
    // Whatever the file is, a browser must not run it as a page of ours.
    let media =
        if std::str::from_utf8(&file.data).is_ok() { "text/plain; charset=utf-8" } else { "application/octet-stream" };
    Reply::ok().etag(&chart.digest).header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox").bytes(
        &ctx,
        media,
        file.data.bytes().clone(),
    )
}

/// The chart that the path names: an uploaded one, or one of a repository.
pub(super) async fn find(ctx: &Ctx) -> Result<Subject, Box<Problem>> {
    if ctx.path.contains_key("repository") {
        let [repository, name, version] = ["repository", "chart", "version"].map(|name| ctx.path(name));
        let Fetched { digest, archive, loaded } = ctx.app.repositories.chart(repository, name, version).await?;
        return Ok(Subject { digest, archive, loaded });
    }
    let Upload { chart, archive, loaded, .. } = uploaded(ctx).await?;
    Ok(Subject { digest: chart.digest, archive, loaded })
}

async fn uploaded(ctx: &Ctx) -> Result<Upload, Box<Problem>> {
    let digest = ctx.path("digest");
    ctx.app.uploads.get(digest).await.ok_or_else(|| {
        let text = format!("no chart `{digest}` was uploaded, or its day is over; upload it again");
        Box::new(Problem::new(Reason::ChartNotFound, text))
    })
}

fn no_part(what: &str) -> Box<Problem> {
    Box::new(Problem::new(Reason::ChartPartNotFound, format!("the chart has {what}")))
}

fn raw<'c>(chart: &'c Chart, name: &str) -> Option<&'c File> {
    chart.raw.iter().find(|f| f.name == name)
}

fn text(file: &File) -> String {
    String::from_utf8_lossy(&file.data).into_owned()
}
