//! Whether a plan would only repeat what is there.

use release::{Release, Status};

use super::{Action, Plan, Step, Verb};

impl Plan {
    /// Tells whether an upgrade would store a revision that is the same as `before`, the last one, and change no object: hooks
    /// that it would run again are not looked at.
    #[must_use]
    pub fn repeats(&self, before: &Release) -> bool {
        self.verb == Verb::Upgrade
            && before.info.status == Status::Deployed
            && before.version.checked_add(1) == Some(self.release.version)
            && self.rejections.is_empty()
            && is_same(before, &self.release)
            && self.steps.iter().all(leaves_objects)
    }
}

/// Tells whether two revisions put the same in place. Notes are made of the same things, and may name the revision.
fn is_same(a: &Release, b: &Release) -> bool {
    a.manifest == b.manifest
        && a.config == b.config
        && a.labels == b.labels
        && a.is_server_side() == b.is_server_side()
        && a.chart.metadata == b.chart.metadata
        && a.hooks.len() == b.hooks.len()
        && a.hooks
            .iter()
            .zip(&b.hooks)
            .all(|(a, b)| (&a.path, &a.manifest, &a.events, a.weight) == (&b.path, &b.manifest, &b.events, b.weight))
}

fn leaves_objects(step: &Step) -> bool {
    match step {
        Step::Apply(objects) => objects.iter().all(|planned| planned.action == Action::Unchanged),
        Step::Remove(objects) => objects.is_empty(),
        Step::Namespace | Step::End(_) | Step::Crds { .. } | Step::Delete(_) | Step::Purge(_) | Step::Uninstalling => {
            false
        }
        Step::Lock
        | Step::Prune(_)
        | Step::Record
        | Step::Hooks(_)
        | Step::Wait(_)
        | Step::Supersede(_)
        | Step::Deployed { .. }
        | Step::Uninstalled { .. } => true,
    }
}
