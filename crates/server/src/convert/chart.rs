//! Charts: what the contract shows of them, and which one a body means.

use std::sync::Arc;

use api::{ChartRef, InputError, Problem, Reason};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chart::Chart;

use crate::app::App;
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
}

/// Finds the chart that a body means, and loads it, for what needs the cluster anyway.
pub(crate) async fn resolve(app: &App, wanted: &ChartRef) -> Result<Arc<Chart>, Box<Problem>> {
    loaded(find(app, wanted, true).await?).await
}

/// Finds the chart that a body means, and loads it, for what works without a cluster.
pub(crate) async fn resolve_here(app: &App, wanted: &ChartRef) -> Result<Arc<Chart>, Box<Problem>> {
    loaded(chart_source(app, wanted).await?).await
}

async fn loaded(source: ChartSource) -> Result<Arc<Chart>, Box<Problem>> {
    match source {
        ChartSource::Upload(upload) => Ok(upload.loaded),
        ChartSource::Archive(bytes) => Ok(Arc::new(uploads::load(bytes).await?)),
    }
}

/// Finds the chart that a body means, for what works without a cluster.
pub(crate) async fn chart_source(app: &App, wanted: &ChartRef) -> Result<ChartSource, Box<Problem>> {
    find(app, wanted, false).await
}

/// `strict`: a cluster that does not say whether the chart is there is a problem of its own, which may pass.
async fn find(app: &App, wanted: &ChartRef, strict: bool) -> Result<ChartSource, Box<Problem>> {
    let wrong = |pointer: &str, text: &str| Box::new(Problem::input(vec![InputError::body(pointer, text)]));
    let ways = [&wanted.upload, &wanted.archive, &wanted.repository, &wanted.oci];
    match ways.iter().filter(|way| way.is_some()).count() {
        0 => return Err(wrong("/chart", "names no chart; upload one (`POST /v1/charts`) and name it as `upload`")),
        1 => {}
        _ => {
            return Err(wrong(
                "/chart",
                "names a chart in several ways; give one of `upload`, `archive`, `repository` and `oci`",
            ));
        }
    }
    if wanted.repository.is_some() || wanted.oci.is_some() {
        let text = "this server cannot fetch charts from repositories or registries yet; upload the archive (`POST /v1/charts`) and name it as `upload`";
        return Err(Box::new(Problem::new(Reason::NotImplemented, text)));
    }
    for (field, pointer) in [(&wanted.name, "/chart/name"), (&wanted.version, "/chart/version")] {
        if field.is_some() {
            return Err(wrong(pointer, "has no meaning with `upload` or `archive`, which is one chart already"));
        }
    }
    match (&wanted.upload, &wanted.archive) {
        (Some(digest), _) => match if strict { app.uploads.find(digest).await? } else { app.uploads.get(digest).await }
        {
            Some(upload) => Ok(ChartSource::Upload(Box::new(upload))),
            None => {
                let text = "no such chart was uploaded, or its day is over; upload it again (`POST /v1/charts`)";
                let errors = vec![InputError::body("/chart/upload", text)];
                Err(Box::new(Problem::of_errors(Reason::ChartUnavailable, errors)))
            }
        },
        (None, Some(text)) => {
            let bytes = STANDARD.decode(text).map_err(|e| wrong("/chart/archive", &format!("not base64: {e}")))?;
            Ok(ChartSource::Archive(bytes.into()))
        }
        (None, None) => Err(wrong("/chart", "names no chart")),
    }
}
