//! What a run tells.

use engine::{Event, Phase};

/// The engine's event as the contract shows it.
pub(crate) fn event(event: Event) -> Option<api::Event> {
    Some(match event {
        Event::Phase { phase } => api::Event::Phase { phase: phase_of(phase) },
        Event::Resource { api_version, kind, namespace, name, action, message } => api::Event::Resource {
            api_version,
            kind,
            namespace: Some(namespace).filter(|n| !n.is_empty()),
            name,
            action,
            message,
        },
        Event::Hook { name, kind, event, phase } => api::Event::Hook { name, kind, event, phase },
        Event::Log { pod, container, text } => api::Event::Log { pod, container, text, of_test: false },
        Event::Warning { message } => api::Event::warning(message),
        Event::Warned { message } => {
            api::Event::Warning { message, source: Some(api::WarningSource::Cluster), holder: None }
        }
        Event::Locked { holder, message } => {
            api::Event::Warning { message, source: Some(api::WarningSource::Lock), holder: Some(holder) }
        }
        // Records are the engine's business; their outcome is the operation's result.
        Event::Recorded { .. } => return None,
    })
}

fn phase_of(phase: Phase) -> api::Phase {
    match phase {
        Phase::Plan => api::Phase::Plan,
        Phase::Record => api::Phase::Record,
        Phase::Crds => api::Phase::Crds,
        Phase::PreHooks => api::Phase::PreHooks,
        Phase::Apply => api::Phase::Apply,
        Phase::Wait => api::Phase::Wait,
        Phase::PostHooks => api::Phase::PostHooks,
        Phase::Finish => api::Phase::Finish,
    }
}
