//! How far a change is.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use engine::{Event, Plan, Step};

/// Counts objects that are where they should be: ready when that is waited for, else sent or deleted.
pub(super) struct Progress {
    pub(super) total: u32,
    waits: bool,
    seen: Mutex<HashSet<(String, String, String)>>,
}

impl Progress {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut waits = false;
        let mut total = 0;
        for step in &plan.steps {
            match step {
                Step::Apply(objects) => total += objects.len(),
                Step::Delete(deletion) => total += deletion.objects.len(),
                Step::Wait(objects) => waits |= !objects.is_empty(),
                _ => {}
            }
        }
        Self { total: u32::try_from(total).unwrap_or(u32::MAX), waits, seen: Mutex::default() }
    }

    pub(super) fn count(&self, event: &Event) -> Option<u32> {
        let Event::Resource { kind, namespace, name, action, .. } = event else { return None };
        let counts = match action.as_str() {
            "ready" => true,
            "waiting" | "kept" | "not-owned" | "unverifiable" => false,
            _ => !self.waits,
        };
        if !counts {
            return None;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert((kind.clone(), namespace.clone(), name.clone()));
        Some(u32::try_from(seen.len()).unwrap_or(u32::MAX).min(self.total))
    }
}
