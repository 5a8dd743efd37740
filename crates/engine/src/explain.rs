//! More about objects that did not get ready than Helm's words tell.

use cluster::{NotReady, WaitError};

use crate::error::Failure;

/// What is known of the objects that a change has waited for in vain: the condition that changed last, the newest
/// warning and the last lines of a container, each line after a bar. `None` when that is no reason of the failure, or
/// nothing more is known.
pub(crate) fn explain(failure: &Failure) -> Option<String> {
    let mut lines = Vec::new();
    gather(failure, &mut lines);
    (!lines.is_empty()).then(|| lines.iter().map(|line| format!("| {line}")).collect::<Vec<_>>().join("\n"))
}

fn gather(failure: &Failure, lines: &mut Vec<String>) {
    match failure {
        Failure::Hook { source, .. } => gather(source, lines),
        Failure::Several(all) | Failure::Each(all) => all.iter().for_each(|failure| gather(failure, lines)),
        Failure::NotReady(WaitError::NotReady { objects, .. }) => {
            objects.iter().for_each(|object| about(object, lines))
        }
        _ => {}
    }
}

fn about(object: &NotReady, lines: &mut Vec<String>) {
    let id = &object.object;
    let before = lines.len();
    if let Some(condition) = &object.condition {
        lines.push(format!("  {condition}"));
    }
    if let Some(warning) = &object.warning {
        lines.push(format!("  warning of {}: {}: {}", warning.about, warning.reason, warning.message));
    }
    if let Some(log) = &object.log {
        lines.push(format!("  the last of container {} of pod {}:", log.container, log.pod));
        lines.extend(log.text.lines().map(|line| format!("    {line}")));
    }
    if lines.len() > before {
        let place = if id.namespace.is_empty() { id.name.clone() } else { format!("{}/{}", id.namespace, id.name) };
        lines.insert(before, format!("{} {place}", id.gvk.kind));
    }
}

#[cfg(test)]
mod tests {
    use cluster::{Condition, ContainerLog, Gvk, ObjectRef, Readiness, Status, WarningEvent};

    use super::*;

    #[test]
    fn everything_known_is_told() {
        let text = str::to_owned;
        let known = NotReady {
            object: ObjectRef { gvk: Gvk::new("apps/v1", "Deployment"), namespace: text("web"), name: text("shop") },
            readiness: Readiness { status: Status::InProgress, message: text("Replicas: 0/1"), is_terminal: false },
            condition: Some(Condition {
                kind: text("Available"),
                status: text("False"),
                reason: text("MinimumReplicasUnavailable"),
                ..Condition::default()
            }),
            warning: Some(WarningEvent {
                about: text("Pod/shop-1"),
                reason: text("BackOff"),
                message: text("again"),
                seen: text("2026-01-01T00:00:00Z"),
            }),
            log: Some(ContainerLog { pod: text("shop-1"), container: text("web"), text: text("one\ntwo") }),
        };
        let unknown = NotReady { condition: None, warning: None, log: None, ..known.clone() };
        let error = WaitError::NotReady { objects: vec![known, unknown], is_deletion: false, timed_out: true };
        let failure = Failure::Hook { stage: text("failed pre-install"), source: Box::new(error.into()) };
        assert_eq!(
            explain(&failure).unwrap(),
            "| Deployment web/shop\n|   Available=False: MinimumReplicasUnavailable\n|   warning of Pod/shop-1: BackOff: again\n\
             |   the last of container web of pod shop-1:\n|     one\n|     two"
        );
        assert_eq!(explain(&Failure::Cancelled), None);
    }
}
