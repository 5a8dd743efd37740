//! The objects of a release as the contract shows them.

use engine::{Action, LiveObject, ObjectEvent};

/// Shows an object, and what it owns.
pub(crate) fn resource(found: &LiveObject) -> api::Resource {
    let id = &found.object;
    api::Resource {
        api_version: id.gvk.api_version(),
        kind: id.gvk.kind.clone(),
        namespace: Some(id.namespace.clone()).filter(|n| !n.is_empty()),
        name: id.name.clone(),
        status: found.readiness.status.to_string(),
        message: found.readiness.message.clone(),
        images: found.images.clone(),
        events: found.events.iter().map(event).collect(),
        owns: found.owns.iter().map(resource).collect(),
    }
}

fn event(event: &ObjectEvent) -> api::ResourceEvent {
    api::ResourceEvent {
        warning: event.is_warning,
        reason: event.reason.clone(),
        message: event.message.clone(),
        count: event.count,
        last_seen_at: event.seen.clone(),
    }
}

/// Shows what is no longer as a release put it.
pub(crate) fn drift(found: &engine::Drift) -> api::Drift {
    let objects: Vec<api::DriftedObject> = found.objects.iter().map(drifted).collect();
    api::Drift {
        revision: found.release.version,
        drifted: objects.iter().any(|it| matches!(it.state, api::DriftState::Changed | api::DriftState::Missing)),
        objects,
        warnings: found.warnings.clone(),
    }
}

fn drifted(found: &engine::Planned) -> api::DriftedObject {
    let id = found.object.id();
    let fields = super::plan::of_object(id, &found.fields);
    api::DriftedObject {
        api_version: id.gvk.api_version(),
        kind: id.gvk.kind.clone(),
        namespace: Some(id.namespace.clone()).filter(|n| !n.is_empty()),
        name: id.name.clone(),
        state: match found.action {
            Action::Unchanged => api::DriftState::Same,
            Action::Create => api::DriftState::Missing,
            Action::Update | Action::Adopt if fields.is_empty() => api::DriftState::Unknown,
            Action::Update | Action::Adopt => api::DriftState::Changed,
        },
        fields,
    }
}
