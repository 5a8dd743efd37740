//! Releases as the contract shows them.

use engine::Plan;
use release::{Item, Release};
use sha2::{Digest, Sha256};

use super::{chart_metadata, chart_summary, to_json_map};

fn time(time: Option<&release::Time>) -> Option<String> {
    time.map(ToString::to_string)
}

/// Shows a release.
pub(crate) fn release(release: &Release) -> api::Release {
    let info = &release.info;
    api::Release {
        cluster: "default".to_owned(),
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

/// Shows a release in a list.
pub(crate) fn summary(item: &Item) -> api::ReleaseSummary {
    let head = &item.head;
    let (chart, updated_at) = match &item.peek {
        Ok(peek) => (chart_summary(&peek.metadata), time(peek.info.last_deployed.as_ref())),
        Err(_) => (api::ChartSummary::default(), None),
    };
    api::ReleaseSummary {
        cluster: "default".to_owned(),
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
    let base = api::Revision {
        revision: item.head.key.revision,
        status: item.head.status.to_string(),
        ..api::Revision::default()
    };
    match &item.peek {
        Ok(peek) => api::Revision {
            updated_at: time(peek.info.last_deployed.as_ref()),
            chart: chart_summary(&peek.metadata),
            description: peek.info.description.clone(),
            rollback_revision: Some(peek.info.rollback_revision).filter(|r| *r > 0),
            ..base
        },
        Err(error) => api::Revision { error: Some(error.to_string()), ..base },
    }
}

/// Shows what a plan would store.
pub(crate) fn dry_run(plan: &Plan, mode: &str) -> api::DryRun {
    let made = &plan.release;
    api::DryRun {
        dry_run: mode.to_owned(),
        release: release(made),
        chart: chart_metadata(&made.chart.metadata),
        values: to_json_map(&made.config),
        manifest: made.manifest.clone(),
        hooks: made.hooks.iter().map(hook).collect(),
        notes: made.info.notes.clone(),
        warnings: plan.warnings.clone(),
    }
}
