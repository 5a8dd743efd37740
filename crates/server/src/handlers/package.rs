//! Charts that are begun and packed, without a file system.

use std::collections::BTreeMap;

use api::{ChartFolder, CreateBody, InputError, PackageBody, Problem, Reason};
use base64::Engine as _;
use chart::package::{self, Changes, PackageError};
use chart::{File, Limits, create, load_folder, read_archive};
use http::{StatusCode, header};

use super::template::wrong;
use crate::convert::pointer;
use crate::ctx::{Ctx, Outcome};
use crate::reply::{self, Reply};

/// The time of files of which none is known, in seconds since 1970: the same files make the same archive.
const NO_TIME: i64 = 0;

pub(super) async fn chart_package(ctx: Ctx) -> Outcome {
    let (files, changes) = if ctx.sends_archive() { archived(&ctx).await? } else { listed(&ctx)? };
    let given = !changes.version.is_empty();
    let work = move || packed(files, &changes);
    let (name, archive) =
        tokio::task::spawn_blocking(work).await.map_err(reply::internal)?.map_err(|error| refused(error, given))?;
    if ctx.media().text {
        return sent(&ctx, &name, archive);
    }
    let added = ctx.app.uploads.add(archive.into(), ctx.caller.user()).await?;
    let status = if added.new { StatusCode::CREATED } else { StatusCode::OK };
    Reply::new(status).header(header::LOCATION, &added.chart.url).etag(&added.chart.digest).value(&ctx, &added.chart)
}

/// Sends an archive instead of what is said of it.
fn sent(ctx: &Ctx, name: &str, archive: Vec<u8>) -> Outcome {
    let digest = format!("sha256:{}", reply::sha256(&archive));
    // No version and no name that is taken has a quotation mark, yet a header must not depend on that.
    let file = format!("attachment; filename=\"{}\"", name.replace(['"', '\\'], "_"));
    Reply::ok().etag(&digest).header(header::CONTENT_DISPOSITION, &file).bytes(ctx, "application/gzip", archive)
}

/// The files of a folder that was sent as an archive.
async fn archived(ctx: &Ctx) -> Result<(Vec<File>, Changes), Box<Problem>> {
    let body = ctx.body.clone();
    let read = tokio::task::spawn_blocking(move || read_archive(&body, &Limits::default()));
    let files = read.await.map_err(reply::internal)?;
    let files = files.map_err(|error| Box::new(Problem::new(Reason::InvalidChart, error.to_string())))?;
    let text = |name: &str| ctx.query.get(name).unwrap_or_default().to_owned();
    Ok((files, Changes { version: text("version"), app_version: text("appVersion"), time: None }))
}

/// The files of a folder that the body lists.
fn listed(ctx: &Ctx) -> Result<(Vec<File>, Changes), Box<Problem>> {
    let given = ["version", "appVersion"].into_iter().filter(|name| ctx.query.get(name).is_some());
    let errors: Vec<InputError> =
        given.map(|name| InputError::parameter(name, "is a field of the body, if that is no archive")).collect();
    if !errors.is_empty() {
        return Err(Box::new(Problem::of_errors(Reason::InvalidParameter, errors)));
    }
    let body: PackageBody = ctx.input("PackageBody")?;
    if body.files.is_empty() && body.binary_files.is_empty() {
        return Err(wrong("/files", "missing"));
    }
    let mut files: BTreeMap<String, Vec<u8>> =
        body.files.into_iter().map(|(name, text)| (name, text.into_bytes())).collect();
    for (name, text) in body.binary_files {
        let place = pointer(&["binaryFiles", &name]);
        let data = base64::engine::general_purpose::STANDARD.decode(text);
        let data = data.map_err(|error| wrong(&place, &format!("not base64: {error}")))?;
        if files.insert(name, data).is_some() {
            return Err(wrong(&place, "is in `files` too"));
        }
    }
    let files = files.into_iter().map(|(name, data)| File { name, data: data.into(), mod_time: None }).collect();
    let text = |text: Option<String>| text.unwrap_or_default();
    Ok((files, Changes { version: text(body.version), app_version: text(body.app_version), time: None }))
}

/// Why a chart is not packed.
enum Unpacked {
    Load(chart::LoadError),
    Package(PackageError),
}

/// Packs a chart as the command line does: the same changes, the same archive.
fn packed(files: Vec<File>, changes: &Changes) -> Result<(String, Vec<u8>), Unpacked> {
    let mut chart = load_folder(files, &Limits::default()).map_err(Unpacked::Load)?;
    let mut pack = || {
        changes.make(&mut chart)?;
        let name = package::file_name(&mut chart)?;
        Ok((name, package::archive(&chart, NO_TIME)?))
    };
    pack().map_err(Unpacked::Package)
}

/// The problem of a chart that is not packed; `given`: another version was asked for.
fn refused(unpacked: Unpacked, given: bool) -> Box<Problem> {
    let text = match unpacked {
        Unpacked::Load(error) => error.to_string(),
        Unpacked::Package(error @ PackageError::Version(_)) if given => return wrong("/version", &error.to_string()),
        Unpacked::Package(error) => error.to_string(),
    };
    Box::new(Problem::new(Reason::InvalidChart, text))
}

pub(super) async fn chart_create(ctx: Ctx) -> Outcome {
    let body: CreateBody = ctx.input("CreateBody")?;
    let name = body.name.ok_or_else(|| wrong("/name", "missing"))?;
    let files = create::begin(&name).map_err(|error| wrong("/name", &error.to_string()))?;
    if ctx.media().text {
        let archive = chart::pack(&name, &files).map_err(reply::internal)?;
        return sent(&ctx, &format!("{name}.tgz"), archive);
    }
    let text = |file: File| (file.name, String::from_utf8_lossy(&file.data).into_owned());
    Reply::ok().value(&ctx, &ChartFolder { files: files.into_iter().map(text).collect() })
}
