//! Releases as the contract shows them.

use release::{Info, Item, Release, Status};
use sha2::{Digest, Sha256};

use super::chart_summary;

fn time(time: Option<&release::Time>) -> Option<String> {
    time.map(ToString::to_string)
}

/// Shows a release of a cluster.
pub(crate) fn release(cluster: &str, release: &Release) -> api::Release {
    let info = &release.info;
    api::Release {
        cluster: cluster.to_owned(),
        namespace: release.namespace.clone(),
        name: release.name.clone(),
        revision: release.version,
        status: info.status.to_string(),
        description: info.description.clone(),
        chart: chart_summary(&release.chart.metadata),
        first_deployed_at: time(info.first_deployed.as_ref()),
        last_deployed_at: time(info.last_deployed.as_ref()),
        deleted_at: time(info.deleted.as_ref()),
        rollback_revision: Some(info.rollback_revision).filter(|r| *r > 0),
        apply_method: if release.is_server_side() { "ssa" } else { "csa" }.to_owned(),
        labels: release.labels.clone(),
    }
}

/// The record as Helm writes it.
pub(crate) fn record(release: &Release) -> Result<serde_json::Map<String, serde_json::Value>, Box<api::Problem>> {
    let json = release::codec::to_json(release).map_err(crate::reply::internal)?;
    serde_json::from_slice(&json).map_err(crate::reply::internal)
}

/// The tag of a release at this revision and status; a release that was taken away and installed anew has another.
pub(crate) fn etag(release: &Release) -> String {
    let info = &release.info;
    let times = format!("{:?} {:?}", time(info.first_deployed.as_ref()), time(info.last_deployed.as_ref()));
    let hash = hex::encode(Sha256::digest(times).get(..4).unwrap_or_default());
    format!("{}-{}-{hash}", release.version, info.status)
}

/// Shows a hook.
pub(crate) fn hook(hook: &release::Hook) -> api::Hook {
    api::Hook {
        name: hook.name.clone(),
        kind: hook.kind.clone(),
        path: hook.path.clone(),
        events: hook.events.iter().map(ToString::to_string).collect(),
        weight: hook.weight,
        delete_policies: hook.delete_policies.iter().map(ToString::to_string).collect(),
        manifest: hook.manifest.clone(),
        phase: Some(hook.last_run.phase.to_string()).filter(|p| !p.is_empty()),
    }
}

/// Shows a release of a cluster in a list.
pub(crate) fn summary(cluster: &str, item: &Item) -> api::ReleaseSummary {
    let head = &item.head;
    let (chart, updated_at) = match &item.peek {
        Ok(peek) => (chart_summary(&peek.metadata), time(peek.info.last_deployed.as_ref())),
        Err(_) => (api::ChartSummary::default(), None),
    };
    api::ReleaseSummary {
        cluster: cluster.to_owned(),
        namespace: head.key.namespace.clone(),
        name: head.key.name.clone(),
        revision: head.key.revision,
        status: head.status.to_string(),
        chart,
        updated_at,
        labels: head.labels.clone(),
        error: item.peek.as_ref().err().map(ToString::to_string),
    }
}

/// Shows a revision of a history.
pub(crate) fn revision(item: &Item) -> api::Revision {
    let (number, status) = (item.head.key.revision, item.head.status);
    match &item.peek {
        Ok(peek) => described(number, status, &peek.info, &peek.metadata),
        Err(error) => api::Revision {
            revision: number,
            status: status.to_string(),
            error: Some(error.to_string()),
            ..api::Revision::default()
        },
    }
}

/// Shows a release as a revision of its history.
pub(crate) fn revision_of(release: &Release) -> api::Revision {
    described(release.version, release.info.status, &release.info, &release.chart.metadata)
}

fn described(number: u32, status: Status, info: &Info, metadata: &chart::Metadata) -> api::Revision {
    api::Revision {
        revision: number,
        status: status.to_string(),
        updated_at: time(info.last_deployed.as_ref()),
        chart: chart_summary(metadata),
        description: info.description.clone(),
        rollback_revision: Some(info.rollback_revision).filter(|r| *r > 0),
        error: None,
    }
}
