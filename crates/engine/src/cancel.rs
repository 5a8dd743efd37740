//! Asking a run to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// A wish that a run stops: it makes no further change, waits for the call that is under way, and records that it was
/// stopped. Clones are the same wish.
#[derive(Clone, Debug)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::channel(false).0))
    }
}

impl Cancel {
    /// Asks.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Tells whether somebody has asked.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until somebody asks.
    pub async fn cancelled(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}
