//! What a repository shows: its index, its files, and what is in it by name.

use std::collections::BTreeMap;

use axum::body::Body;
use bytes::BytesMut;
use depot::publish::{Archive, Opened};
use http::header;
use tokio::io::AsyncReadExt as _;

use super::{missing, own};
use crate::ctx::{Ctx, Outcome};
use crate::reply::{self, Reply};

/// How many letters of a hash make a tag.
const TAG: usize = 24;
/// How much of a file is sent at a time.
const PORTION: usize = 64 << 10;

pub(super) async fn index(ctx: Ctx) -> Outcome {
    let shown = own(&ctx)?.shown().await?;
    let tag = shown.tag.get(..TAG).unwrap_or_default();
    fresh(&ctx).etag(tag).bytes(&ctx, "application/yaml", shown.index.clone())
}

/// Begins an answer that may be kept, and is asked for each time whether it is still so.
fn fresh(ctx: &Ctx) -> Reply {
    let kept = if ctx.app.config.auth.is_on() { "private, no-cache" } else { "no-cache" };
    Reply::ok().header(header::CACHE_CONTROL, kept)
}

pub(super) async fn file(ctx: Ctx) -> Outcome {
    let own = own(&ctx)?;
    let (shown, name) = (own.shown().await?, ctx.path("file").to_owned());
    let wanted = name.clone();
    let opened = own.blocking(move |folder| folder.file(&shown, &wanted)).await?.map_err(reply::internal)?;
    let Opened { file, length, tag } = opened.ok_or_else(|| missing(&format!("file `{name}`")))?;
    let media = if name.ends_with(".prov") { "application/pgp-signature" } else { "application/gzip" };
    fresh(&ctx)
        .etag(&format!("sha256:{tag}"))
        .header(header::CONTENT_LENGTH, &length.to_string())
        .header(header::CONTENT_DISPOSITION, "attachment")
        .bytes(&ctx, media, stream(file, length))
}

/// Sends a file piece by piece, and no more than its length.
fn stream(file: std::fs::File, length: u64) -> Body {
    let file = tokio::fs::File::from_std(file).take(length);
    Body::from_stream(futures::stream::try_unfold(file, |mut file| async move {
        let mut portion = BytesMut::with_capacity(PORTION);
        let read = file.read_buf(&mut portion).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (portion.freeze(), file)))
    }))
}

pub(super) async fn charts(ctx: Ctx) -> Outcome {
    let own = own(&ctx)?;
    let shown = own.shown().await?;
    let number = |name: &str| ctx.query.integer(name).and_then(|number| usize::try_from(number).ok());
    let (offset, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(usize::MAX));
    let read = move |_: &_| -> BTreeMap<String, Vec<goyaml::Value>> {
        let names = shown.charts().skip(offset).take(limit);
        names.map(|name| (name.to_owned(), shown.entries(name, |_| true))).collect()
    };
    Reply::ok().value(&ctx, &own.blocking(read).await?)
}

pub(super) async fn chart(ctx: Ctx) -> Outcome {
    let own = own(&ctx)?;
    let (shown, name) = (own.shown().await?, ctx.path("name").to_owned());
    let entries = own.blocking(move |_| shown.entries(&name, |_| true)).await?;
    if entries.is_empty() {
        return Err(missing(&format!("chart `{}`", ctx.path("name"))));
    }
    Reply::ok().value(&ctx, &entries)
}

/// One version; `latest` is the newest that is no pre-release, or else the newest.
pub(super) async fn version(ctx: Ctx) -> Outcome {
    let shown = own(&ctx)?.shown().await?;
    let (name, wanted) = (ctx.path("name"), ctx.path("version"));
    let is_stable = |archive: &&Archive| !archive.version.split('+').next().is_some_and(|core| core.contains('-'));
    let of = || shown.versions(name);
    let found = of().find(|archive| archive.version == wanted);
    let latest = || of().find(is_stable).or_else(|| of().next()).filter(|_| wanted == "latest");
    let file = found.or_else(latest).map(|archive| &archive.file);
    let entry = shown.entries(name, |archive| Some(&archive.file) == file).into_iter().next();
    let entry = entry.ok_or_else(|| missing(&format!("chart `{name}` of version `{wanted}`")))?;
    Reply::ok().value(&ctx, &entry)
}
