//! A chart as it comes over the wire, as one that can be rendered.

use bytes::Bytes;
use chart::helm2::{Chart, Metadata};
use chart::{Content, File, Maintainer};

use crate::hapi::chart as hapi;

/// Makes a chart of Helm 2 of a message, with its subcharts.
///
/// # Errors
/// When it, or a subchart, has no metadata.
pub fn loaded(chart: hapi::Chart) -> Result<Chart, NoMetadata> {
    let file = |name: String, data: Vec<u8>| File { name, data: Content::from(Bytes::from(data)), mod_time: None };
    Ok(Chart {
        metadata: metadata(chart.metadata.ok_or(NoMetadata)?),
        templates: chart.templates.into_iter().map(|template| file(template.name, template.data)).collect(),
        values: chart.values.unwrap_or_default().raw,
        files: chart.files.into_iter().map(|old| file(old.name, old.data)).collect(),
        dependencies: chart.dependencies.into_iter().map(loaded).collect::<Result<_, _>>()?,
    })
}

/// A chart without metadata, which is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("chart metadata (Chart.yaml) missing")]
pub struct NoMetadata;

fn metadata(old: hapi::Metadata) -> Metadata {
    let maintainer = |old: hapi::Maintainer| Maintainer { name: old.name, email: old.email, url: old.url };
    Metadata {
        name: old.name,
        home: old.home,
        sources: old.sources,
        version: old.version,
        description: old.description,
        keywords: old.keywords,
        maintainers: old.maintainers.into_iter().map(maintainer).collect(),
        engine: old.engine,
        icon: old.icon,
        api_version: old.api_version,
        condition: old.condition,
        tags: old.tags,
        app_version: old.app_version,
        deprecated: old.deprecated,
        tiller_version: old.tiller_version,
        annotations: old.annotations.into_iter().collect(),
        kube_version: old.kube_version,
    }
}
