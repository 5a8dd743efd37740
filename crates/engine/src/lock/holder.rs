//! Who we are to other processes, and what we are at ourselves.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use crate::intent::Target;

/// One process as others see it in a Lease; clones are the same process.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its name, when no other process has it at the same time.
    name: Option<String>,
    id: Arc<str>,
    busy: Arc<Mutex<HashSet<Target>>>,
}

/// A process without a name of its own, such as a command: after its death its leases have to run out.
impl Default for Holder {
    fn default() -> Self {
        Self { name: None, id: format!("whipstaff_{}", Uuid::new_v4()).into(), busy: Arc::default() }
    }
}

impl Holder {
    /// A process whose name no other process has at the same time, such as the pod of a StatefulSet: after a restart
    /// it goes on at once where its predecessor of that name died.
    #[must_use]
    pub fn only(name: &str) -> Self {
        Self { name: Some(name.to_owned()), id: format!("{name}_{}", Uuid::new_v4()).into(), ..Self::default() }
    }

    /// What stands in a Lease.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells whether a lease names this very process, or one of the same name that is dead since this one lives.
    pub(crate) fn is_own(&self, holder: &str) -> bool {
        let same_name = || holder.rsplit_once('_').map(|(name, _)| name) == self.name.as_deref();
        holder == &*self.id || (self.name.is_some() && same_name())
    }

    /// Tells whether this process is at work on a release.
    pub(crate) fn is_busy(&self, target: &Target) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(target)
    }

    /// Begins work on a release; `None` when this process is at work on it already.
    pub(crate) fn begin(&self, target: &Target) -> Option<Busy> {
        let begun = self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(target.clone());
        begun.then(|| Busy { holder: self.clone(), target: target.clone() })
    }
}

/// Work on a release; it is over when this is dropped.
#[derive(Debug)]
pub(crate) struct Busy {
    holder: Holder,
    target: Target,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.holder.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.target);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_outlives_the_process() {
        let (one, restarted, other) = (Holder::only("pod_0"), Holder::only("pod_0"), Holder::only("pod_1"));
        assert!(one.is_own(one.id()) && restarted.is_own(one.id()));
        assert!(!other.is_own(one.id()));
        let (command, next) = (Holder::default(), Holder::default());
        assert!(command.is_own(command.id()) && !next.is_own(command.id()));
    }

    #[test]
    fn a_process_does_one_thing_at_a_time_with_a_release() {
        let holder = Holder::default();
        let shop = Target { namespace: "web".to_owned(), name: "shop".to_owned() };
        let busy = holder.begin(&shop).unwrap();
        assert!(holder.clone().begin(&shop).is_none() && holder.is_busy(&shop));
        drop(busy);
        assert!(holder.begin(&shop).is_some());
    }
}
