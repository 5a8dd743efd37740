//! Who asks.

use std::sync::Arc;

use cluster::Identity;

/// Who asks, as far as that was found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller(Option<Arc<Identity>>);

impl Caller {
    /// Somebody whose name is known.
    #[allow(dead_code, reason = "authentication makes them")]
    pub(crate) fn known(identity: Identity) -> Self {
        Self(Some(Arc::new(identity)))
    }

    /// Whom the cluster shall take for the caller; nobody in particular where there is no authentication.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.0.as_deref()
    }

    /// The name that is shown.
    pub(crate) fn user(&self) -> Option<&str> {
        self.identity().map(|identity| identity.user.as_str())
    }
}
