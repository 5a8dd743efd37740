//! One change of a release at a time, and nothing left behind by a dead process.
//!
//! Tiller's own lock is the pending record, which stays for ever when Tiller dies. Beside it there is a Lease in Tiller's namespace
//! while somebody is at work: one that was not renewed belongs to a dead server, and who takes it over says of what is pending
//! that it has failed. A pending record without a Lease is a real Tiller's and is respected.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cluster::{Cluster, Error as ClusterError, Lease};
use tiller::hapi::release::status::Code;

use super::{Clock, Releases};
use crate::failure::Failure;

/// How long a server may be silent before it is taken for dead.
const TERM: Duration = Duration::from_secs(15);
/// How often one that lives is heard of.
const RENEWAL: Duration = Duration::from_secs(5);

/// What is said to whoever comes second.
pub(super) fn at_work() -> Failure {
    Failure::new("another operation (install/upgrade/rollback) is in progress")
}

/// The locks of one server.
pub(crate) struct Locks {
    /// Who this server is, among all.
    pub(crate) holder: String,
    /// Where the Leases are: Tiller's namespace.
    pub(crate) namespace: String,
    pub(crate) busy: Mutex<BTreeSet<String>>,
}

/// The lock of one release.
struct Lock {
    locks: Arc<Locks>,
    name: String,
    lease: Option<Leased>,
}

struct Leased {
    cluster: Cluster,
    clock: Clock,
    lease: tokio::sync::Mutex<Lease>,
}

impl Releases {
    /// Does work on a release under its lock; what a dead server has left pending has failed then.
    pub(super) async fn locked<T>(
        &self,
        name: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let (lock, lease) = (self.lock(name).await?, lease_name(name));
        let done = match &lock.lease {
            Some(leased) => tokio::select! {
                done = work => done,
                never = leased.keep(&lock.locks, &lease) => match never {},
            },
            None => work.await,
        };
        lock.give_back().await;
        done
    }

    async fn lock(&self, name: &str) -> Result<Lock, Failure> {
        self.store.check_name(name)?;
        if !self.locks.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
            return Err(at_work());
        }
        let mut lock = Lock { locks: self.locks.clone(), name: name.to_owned(), lease: None };
        let Some((lease, was_dead)) = self.lease(&lock).await? else { return Ok(lock) };
        lock.lease = Some(Leased {
            cluster: self.objects.cluster.clone(),
            clock: self.clock.clone(),
            lease: tokio::sync::Mutex::new(lease),
        });
        if was_dead && let Err(error) = self.bury(name).await {
            lock.give_back().await;
            return Err(error);
        }
        Ok(lock)
    }

    /// The Lease, and whether it was a dead server's; none where Leases may not be used.
    async fn lease(&self, lock: &Lock) -> Result<Option<(Lease, bool)>, Failure> {
        let (cluster, place, name) = (&self.objects.cluster, &lock.locks.namespace, lease_name(&lock.name));
        let holder = &lock.locks.holder;
        match cluster.create_lease(place, &name, holder, TERM, self.now()).await {
            Ok(lease) => return Ok(Some((lease, false))),
            Err(ClusterError::AlreadyExists(_)) => {}
            Err(error @ (ClusterError::Forbidden(_) | ClusterError::NotFound(_))) => {
                tracing::warn!(release = lock.name, %error, "the release is changed without a Lease");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        let found = cluster.read_lease(place, &name).await?;
        let Some(found) = found else { return Err(at_work()) };
        // Nobody else in this process has it.
        let is_dead = found.holder == *holder || found.expiry().is_none_or(|expiry| expiry <= self.now());
        if !is_dead {
            return Err(at_work());
        }
        match cluster.take_lease(place, &name, &found, holder, self.now()).await {
            Ok(lease) => Ok(Some((lease, true))),
            Err(ClusterError::Conflict { .. } | ClusterError::NotFound(_)) => Err(at_work()),
            Err(error) => Err(error.into()),
        }
    }

    /// Says of what a dead server has left pending that it has failed.
    async fn bury(&self, name: &str) -> Result<(), Failure> {
        let Ok(mut last) = self.store.last(name).await else { return Ok(()) };
        let what = match last.code() {
            Code::PendingInstall => "Release",
            Code::PendingUpgrade => "Upgrade",
            Code::PendingRollback => "Rollback",
            _ => return Ok(()),
        };
        last.set(Code::Failed);
        last.info().description = format!("{what} {name:?} failed: the server was stopped while it was at work");
        Ok(self.store.update(&mut last, self.now()).await?)
    }
}

impl Leased {
    /// Keeps the Lease alive for as long as it is polled.
    async fn keep(&self, locks: &Locks, name: &str) -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let mut lease = self.lease.lock().await;
            let renewed = self.cluster.take_lease(&locks.namespace, name, &lease, &locks.holder, (self.clock)()).await;
            match renewed {
                Ok(renewed) => *lease = renewed,
                Err(error) => tracing::warn!(lease = name, %error, "the Lease of a release cannot be renewed"),
            }
        }
    }
}

impl Lock {
    /// Gives the lock back before the client is answered, so that its next call finds it free.
    async fn give_back(self) {
        let Some(leased) = &self.lease else { return };
        let (name, lease) = (lease_name(&self.name), leased.lease.lock().await);
        if let Err(error) = leased.cluster.delete_lease(&self.locks.namespace, &name, &lease).await {
            tracing::warn!(lease = name, %error, "the Lease of a release cannot be given back, and runs out");
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.locks.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}

fn lease_name(release: &str) -> String {
    format!("sh.whipstaff.tiller.v1.{}", release.to_lowercase().replace('_', "-"))
}
