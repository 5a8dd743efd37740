//! What goes wrong, and with which call: a network and servers that fail when a test says so, and never by chance.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::status::ApiError;

/// Which half of a call is lost; the caller cannot tell one from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The call never arrives.
    Request,
    /// The call takes effect, and its answer never arrives.
    Response,
}

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks.
    Lost(Loss),
    /// It is refused with 409, as if somebody else had been faster.
    Conflict,
    /// It is refused with 429.
    TooManyRequests,
    /// It is refused with 500.
    Internal,
    /// It is refused with 503.
    Unavailable,
    /// It takes effect after this time of the runtime's clock.
    Slow(Duration),
    /// A watch, which ends after this time of the runtime's clock, whatever it had still to tell.
    Dropped(Duration),
}

/// The faults of a sandbox. Calls of all kinds count, from 1; clones are handles to the same faults.
///
/// ```
/// use sandbox::{Fault, Loss, Sandbox};
///
/// let sandbox = Sandbox::default();
/// sandbox.faults().at(3, Fault::Unavailable);
/// sandbox.faults().kill_at(7, Loss::Response);
/// ```
#[derive(Debug, Clone)]
pub struct Faults(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    killed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Ledger {
    calls: Vec<String>,
    faults: BTreeMap<usize, Fault>,
    kill: Option<(usize, Loss)>,
}

/// The connection to the sandbox broke: nobody knows whether the call has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection was lost")]
pub struct ConnectionLost;

impl Faults {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Shared { ledger: Mutex::default(), killed: watch::channel(false).0 }))
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the call of this number fail, the first being 1.
    pub fn at(&self, call: usize, fault: Fault) {
        self.ledger().faults.insert(call, fault);
    }

    /// Has the caller die in this call: half of it is lost, and no later one arrives until [`Self::clear`].
    pub fn kill_at(&self, call: usize, loss: Loss) {
        self.ledger().kill = Some((call, loss));
    }

    /// Forgets all faults and counts from 1 again: the next process begins.
    pub fn clear(&self) {
        *self.ledger() = Ledger::default();
        self.0.killed.send_replace(false);
    }

    /// The calls so far, as `PATCH /api/v1/namespaces/web/secrets/shop?force=true`.
    pub fn calls(&self) -> Vec<String> {
        self.ledger().calls.clone()
    }

    /// Waits until the caller has died, so that a test can drop it.
    pub async fn killed(&self) {
        let mut killed = self.0.killed.subscribe();
        // The sender lives as long as `self`.
        let _ = killed.wait_for(|killed| *killed).await;
    }

    /// Counts a call, and says what goes wrong with it.
    pub(crate) fn next(&self, call: String) -> Option<Fault> {
        let mut ledger = self.ledger();
        ledger.calls.push(call);
        let number = ledger.calls.len();
        match ledger.kill {
            Some((last, loss)) if number >= last => {
                self.0.killed.send_replace(true);
                Some(Fault::Lost(if number == last { loss } else { Loss::Request }))
            }
            _ => ledger.faults.get(&number).copied(),
        }
    }
}

impl Fault {
    /// The answer that a call gets in place of its own.
    pub(crate) fn refusal(self) -> Option<ApiError> {
        Some(match self {
            Self::Lost(_) | Self::Slow(_) | Self::Dropped(_) => return None,
            Self::Conflict => ApiError::new(409, "Conflict", "Operation cannot be fulfilled: a fault was injected"),
            Self::TooManyRequests => {
                ApiError::new(429, "TooManyRequests", "Too many requests, please try again later.")
                    .with_details(json!({"retryAfterSeconds": 1}))
            }
            Self::Internal => ApiError::new(500, "InternalError", "Internal error occurred: a fault was injected"),
            Self::Unavailable => {
                ApiError::new(503, "ServiceUnavailable", "the server is currently unable to handle the request")
            }
        })
    }
}
