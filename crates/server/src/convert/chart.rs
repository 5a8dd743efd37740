//! Charts: what the contract shows of them, and which one a body means.

use std::sync::Arc;

use api::{ChartRef, InputError, Problem, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chart::Chart;

use crate::access;
use crate::ctx::Ctx;
use crate::repositories::Fetched;
use crate::uploads::{self, Upload};

/// Shows `Chart.yaml`.
pub(crate) fn chart_metadata(metadata: &chart::Metadata) -> api::Metadata {
    let m = metadata.clone();
    api::Metadata {
        name: m.name,
        version: m.version,
        api_version: m.api_version,
        app_version: m.app_version,
        description: m.description,
        kind: m.kind,
        kube_version: m.kube_version,
        home: m.home,
        icon: m.icon,
        deprecated: m.deprecated,
        keywords: m.keywords,
        sources: m.sources,
        maintainers: m
            .maintainers
            .into_iter()
            .map(|m| api::Maintainer { name: m.name, email: m.email, url: m.url })
            .collect(),
        dependencies: m.dependencies.into_iter().map(dependency).collect(),
        condition: m.condition,
        tags: m.tags,
        annotations: m.annotations,
    }
}

fn dependency(d: chart::Dependency) -> api::Dependency {
    api::Dependency {
        name: d.name,
        version: d.version,
        repository: d.repository,
        condition: d.condition,
        tags: d.tags,
        alias: d.alias,
        import_values: d.import_values.iter().map(serde_json::Value::from).collect(),
    }
}

/// Shows the little of a chart that lists have.
pub(crate) fn chart_summary(metadata: &chart::Metadata) -> api::ChartSummary {
    api::ChartSummary {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        app_version: metadata.app_version.clone(),
    }
}

/// Where the chart is that a body means.
pub(crate) enum ChartSource {
    /// It was uploaded.
    Upload(Box<Upload>),
    /// It is in the body, still packed.
    Archive(Bytes),
    /// It comes from a repository or a registry.
    Fetched(Fetched),
}

impl ChartSource {
    /// The archive.
    pub(crate) fn archive(self) -> Bytes {
        match self {
            Self::Upload(upload) => upload.archive,
            Self::Archive(bytes) => bytes,
            Self::Fetched(fetched) => fetched.archive,
        }
    }

    async fn loaded(self) -> Result<Arc<Chart>, Box<Problem>> {
        match self {
            Self::Upload(upload) => Ok(upload.loaded),
            Self::Archive(bytes) => Ok(Arc::new(uploads::load(bytes).await?)),
            Self::Fetched(fetched) => Ok(fetched.loaded),
        }
    }
}

/// Finds the chart that a body means, and loads it, for what needs the cluster anyway.
pub(crate) async fn resolve(ctx: &Ctx, wanted: &ChartRef) -> Result<Arc<Chart>, Box<Problem>> {
    find(ctx, wanted, true).await?.loaded().await
}

/// Finds the chart that a body means, and loads it, for what works without a cluster.
pub(crate) async fn resolve_here(ctx: &Ctx, wanted: &ChartRef) -> Result<Arc<Chart>, Box<Problem>> {
    chart_source(ctx, wanted).await?.loaded().await
}

/// Finds the chart that a body means, for what works without a cluster.
pub(crate) async fn chart_source(ctx: &Ctx, wanted: &ChartRef) -> Result<ChartSource, Box<Problem>> {
    find(ctx, wanted, false).await
}

/// `strict`: a cluster that does not say whether the chart is there is a problem of its own, which may pass.
async fn find(ctx: &Ctx, wanted: &ChartRef, strict: bool) -> Result<ChartSource, Box<Problem>> {
    match way(wanted)? {
        Way::Upload(digest) => match upload(ctx, digest, strict).await? {
            Some(upload) => Ok(ChartSource::Upload(Box::new(upload))),
            None => Err(unavailable("/chart/upload", GONE)),
        },
        Way::Archive(text) => {
            let bytes = STANDARD.decode(text).map_err(|e| wrong("/chart/archive", &format!("not base64: {e}")))?;
            Ok(ChartSource::Archive(bytes.into()))
        }
        Way::Repository { repository, name, version } => {
            access::home(ctx, "repositories", "get", repository).await?;
            let fetching = ctx.app.repositories.chart(repository, name, version);
            fetched(ctx, fetching, "/chart/repository").await
        }
        Way::Registry { reference, version } => {
            if let Some(repository) = ctx.app.repositories.below(reference) {
                access::home(ctx, "repositories", "get", &repository).await?;
            }
            fetched(ctx, ctx.app.repositories.oci(reference, version), "/chart/oci").await
        }
    }
}

const GONE: &str = "no such chart was uploaded, or its day is over; upload it again (`POST /v1/charts`)";

/// How a body names a chart.
enum Way<'a> {
    Upload(&'a str),
    Archive(&'a str),
    Repository { repository: &'a str, name: &'a str, version: &'a str },
    Registry { reference: &'a str, version: &'a str },
}

fn way(wanted: &ChartRef) -> Result<Way<'_>, Box<Problem>> {
    let version = wanted.version.as_deref().unwrap_or_default();
    let way = match (&wanted.upload, &wanted.archive, &wanted.repository, &wanted.oci) {
        (None, None, None, None) => {
            return Err(wrong(
                "/chart",
                "names no chart: give `repository` and `name`, `oci`, or `upload` (see `POST /v1/charts`)",
            ));
        }
        (Some(digest), None, None, None) => Way::Upload(digest),
        (None, Some(text), None, None) => Way::Archive(text),
        (None, None, Some(repository), None) => match &wanted.name {
            Some(name) => return Ok(Way::Repository { repository, name, version }),
            None => return Err(wrong("/chart/name", "missing; `repository` needs the chart's name beside it")),
        },
        (None, None, None, Some(reference)) => Way::Registry { reference, version },
        _ => {
            return Err(wrong(
                "/chart",
                "names a chart in several ways; give one of `upload`, `archive`, `repository` and `oci`",
            ));
        }
    };
    if wanted.name.is_some() {
        return Err(wrong("/chart/name", "has a meaning with `repository` only"));
    }
    if wanted.version.is_some() && !matches!(way, Way::Registry { .. }) {
        return Err(wrong("/chart/version", "has no meaning with `upload` or `archive`, which is one chart already"));
    }
    Ok(way)
}

async fn upload(ctx: &Ctx, digest: &str, strict: bool) -> Result<Option<Upload>, Box<Problem>> {
    let uploads = &ctx.app.uploads;
    if strict { uploads.find(digest).await } else { Ok(uploads.get(digest).await) }
}

/// Fetches a chart. A change gets the same one each time that it asks, also from another server that goes on with it, whatever
/// the repository has by then: so the archive is kept as an upload is, and the request remembers its digest.
async fn fetched(
    ctx: &Ctx,
    fetching: impl Future<Output = Result<Fetched, Box<Problem>>>,
    pointer: &str,
) -> Result<ChartSource, Box<Problem>> {
    if let Some(digest) = ctx.pinned.get() {
        let kept = upload(ctx, digest, true).await?;
        return match kept {
            Some(upload) => Ok(ChartSource::Upload(Box::new(upload))),
            None => {
                Err(unavailable(pointer, "the chart that was fetched for this change is no longer kept; ask again"))
            }
        };
    }
    let fetched = fetching.await.map_err(|problem| of_body(problem, pointer))?;
    if ctx.is_change() {
        ctx.app.uploads.keep(&fetched).await?;
        // Somebody else cannot have set it: one request is read once.
        let _ = ctx.pinned.set(fetched.digest.clone());
    }
    Ok(ChartSource::Fetched(fetched))
}

/// What is not there because of what a body says is no missing resource, and no parameter is wrong.
fn of_body(problem: Box<Problem>, pointer: &str) -> Box<Problem> {
    match problem.reason {
        Reason::RepositoryNotFound | Reason::ChartNotFound | Reason::ChartVersionNotFound => {
            unavailable(pointer, &problem.detail)
        }
        Reason::InvalidParameter => {
            let texts: Vec<&str> = problem.errors.iter().map(|error| error.detail.as_str()).collect();
            wrong("/chart/version", &texts.join("; "))
        }
        _ => problem,
    }
}

fn unavailable(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::of_errors(Reason::ChartUnavailable, vec![InputError::body(pointer, text)]))
}

fn wrong(pointer: &str, text: &str) -> Box<Problem> {
    Box::new(Problem::input(vec![InputError::body(pointer, text)]))
}
