//! Clusters and servers on the clock of a paused runtime.

use std::sync::Arc;

use engine::{Engine, Settings};
use jiff::Timestamp;
use release::SecretLedger;
use sandbox::Sandbox;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Server;

/// The time of a paused runtime, which begins with the year 2026.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Virtual(Instant);

impl Virtual {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn time(self) -> Timestamp {
        Timestamp::constant(1_767_225_600, 0) + Instant::now().duration_since(self.0)
    }

    pub(crate) fn clock(self) -> release::Clock {
        Arc::new(move || self.time())
    }

    /// A cluster in this time.
    pub(crate) fn sandbox(self) -> Sandbox {
        Sandbox::new(sandbox::Config { clock: Arc::new(self), ..sandbox::Config::default() })
    }

    /// What a server is set to otherwise.
    pub(crate) fn config(self) -> server::Config {
        server::Config { now: self.clock(), ..server::Config::default() }
    }

    /// An engine in this time.
    pub(crate) fn engine(self, client: kube::Client) -> Engine {
        let ledger = Arc::new(SecretLedger::new(client.clone(), self.clock()));
        Engine::with_ledger(cluster::Cluster::new(client), ledger, self.clock(), Settings::guarded())
    }

    /// A server that answers and does nothing unasked.
    pub(crate) fn server(self, client: kube::Client) -> Server {
        Server::of(server::App::new(self.config(), self.engine(client)))
    }

    /// A server that watches over the operations too, and that work.
    pub(crate) fn replica(self, client: kube::Client) -> (Server, JoinHandle<()>) {
        let server = self.server(client);
        let watcher = server.clone();
        (server, tokio::spawn(async move { watcher.watch_over().await }))
    }
}

impl sandbox::Clock for Virtual {
    fn now(&self) -> Timestamp {
        self.time()
    }
}

/// Waits until something is so, for a minute; in a paused runtime that takes no time.
pub(crate) async fn until<F: Future<Output = bool>>(mut is_so: impl FnMut() -> F) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("it did not come about");
}
