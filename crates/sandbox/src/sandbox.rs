//! The sandbox as its users see it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::config::Config;
use crate::faults::Faults;
use crate::service::{SandboxService, ServeError, serve};
use crate::state::State;

/// What all handles to one sandbox share.
#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    /// Tells the watches that the revision has moved.
    pub(crate) moved: watch::Sender<u64>,
    pub(crate) faults: Faults,
}

impl Inner {
    /// Takes the lock. A panic of another holder leaves the objects whole: each write is one insertion.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what is due, and tells the watches what came of it.
    pub(crate) fn settle(&self, state: &mut State) {
        state.settle();
        let revision = state.store.revision();
        self.moved.send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
    }
}

/// An in-process Kubernetes API. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

impl Sandbox {
    /// Makes a sandbox with the namespaces, roles, node and storage class that a new cluster has.
    pub fn new(config: Config) -> Self {
        let mut state = State::new(config);
        state.seed();
        Self::of(state)
    }

    fn of(state: State) -> Self {
        let (moved, _) = watch::channel(state.store.revision());
        Self { inner: Arc::new(Inner { state: Mutex::new(state), moved, faults: Faults::new() }) }
    }

    /// Makes another sandbox that stands where this one stands and goes its own way from here, without faults.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.inner.lock().clone())
    }

    /// The faults of the calls to this sandbox.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Returns the service that answers requests; [`kube::Client::new`] takes it, and layers may wrap it.
    pub fn service(&self) -> SandboxService {
        SandboxService::new(Arc::clone(&self.inner))
    }

    /// Returns a client that calls the sandbox in process.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// Serves the sandbox over plain HTTP until the listener fails or the future is dropped.
    ///
    /// # Errors
    /// The listener is not on a loopback address, or cannot accept connections any more.
    pub async fn serve(&self, listener: tokio::net::TcpListener) -> Result<(), ServeError> {
        serve(self.service(), listener).await
    }

    /// Does the work that has become due, such as starting pods after the clock was moved; requests and watches do the same.
    pub fn settle(&self) {
        let mut state = self.inner.lock();
        self.inner.settle(&mut state);
    }

    /// Sets what `GET pods/NAME/log` answers for a pod.
    pub fn set_log(&self, namespace: &str, pod: &str, text: &str) {
        self.inner.lock().logs.insert((namespace.to_owned(), pod.to_owned()), text.to_owned());
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new(Config::default())
    }
}
