//! Processes of ours that come and go over one sandbox, on the runtime's clock.

use std::sync::Arc;

use cluster::{Cluster, Served};
use engine::{Engine, Settings};
use jiff::Timestamp;
use release::{Clock, SecretLedger};
use sandbox::Sandbox;
use tokio::time::Instant;

use crate::common::World;

/// The time of a paused runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Virtual(Instant);

impl Virtual {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Timestamp {
        // 2026-01-01T00:00:00Z
        Timestamp::constant(1_767_225_600, 0) + Instant::now().duration_since(self.0)
    }
}

impl sandbox::Clock for Virtual {
    fn now(&self) -> Timestamp {
        Self::now(*self)
    }
}

/// Starts a process.
pub(crate) fn start(sandbox: &Sandbox, time: Virtual, served: Option<&Arc<Served>>) -> World {
    start_with(sandbox, time, served, Settings::default())
}

/// Starts a process that is set up in its own way.
pub(crate) fn start_with(sandbox: &Sandbox, time: Virtual, served: Option<&Arc<Served>>, settings: Settings) -> World {
    let client = sandbox.client();
    let clock: Clock = Arc::new(move || time.now());
    let ledger = Arc::new(SecretLedger::new(client.clone(), Arc::clone(&clock)));
    let cluster = match served {
        Some(served) => Cluster::knowing(client, Arc::clone(served)),
        None => Cluster::new(client),
    };
    World::of(Engine::with_ledger(cluster, ledger, clock, settings))
}
