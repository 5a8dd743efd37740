//! The lock of a release: a Lease beside the pending record that Helm respects.
//!
//! The record says that somebody is at work, and the Lease that he lives. A Lease that was not renewed for
//! [`TERM`] belongs to a dead process, and the next command takes it over.

mod holder;

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cluster::{Error as ClusterError, Lease};
use jiff::Timestamp;
use release::Release;
use tokio::sync::Mutex;

pub use holder::Holder;

use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Failure};
use crate::event::{Event, Observer};
use crate::intent::Target;
use holder::Busy;

/// How long a process may be silent before it is taken for dead: what a command waits at most for a killed one.
pub(crate) const TERM: Duration = Duration::from_secs(15);
/// How often a living process is heard of; a command that waits knows after this long that it waits in vain.
const RENEWAL: Duration = Duration::from_secs(5);
/// How often a command that waits looks.
const LOOK: Duration = Duration::from_secs(2);
/// How often a call is tried while the cluster does not answer, and the pause after the first try.
pub(crate) const TRIES: u32 = 5;
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// The name of a release's Lease.
pub(crate) fn lease_name(release: &str) -> String {
    format!("sh.whipstaff.lock.v1.{release}")
}

/// The lock of one run.
pub(crate) struct Lock<'e> {
    engine: &'e Engine,
    target: Target,
    cancel: Cancel,
    /// Whether the change has failed: what follows then is not cancelled, or it would be left half undone.
    failing: AtomicBool,
    hold: Mutex<Hold>,
}

/// What a run has of its lock.
enum Hold {
    /// Nothing yet.
    Open,
    /// The caller may not use leases: only Helm's rules hold.
    Unleased { _busy: Busy },
    /// The Lease, as it was written last, and when that was on the runtime's clock.
    Leased { lease: Lease, _busy: Busy },
    /// Another process has taken the Lease.
    Lost,
}

/// What became of one try to get a Lease.
enum Try {
    Got(Lease),
    /// It could not be had; again, after a pause.
    Again,
    /// Somebody has it, and may be dead.
    Held(Lease),
    /// There can be none, for this reason; none is needed where nothing can be stored anyway.
    Never(Option<String>),
}

impl<'e> Lock<'e> {
    pub(crate) fn new(engine: &'e Engine, target: Target, cancel: Cancel) -> Self {
        Self { engine, target, cancel, failing: AtomicBool::new(false), hold: Mutex::new(Hold::Open) }
    }

    fn place(&self) -> (&str, String) {
        (&self.target.namespace, lease_name(&self.target.name))
    }

    fn id(&self) -> &str {
        self.engine.settings.holder.id()
    }

    fn now(&self) -> Timestamp {
        (self.engine.clock)()
    }

    /// Takes the lock; waits for one whose process may have died, and takes it over when it has.
    pub(crate) async fn acquire(&self, release: &Release, observer: Observer<'_>) -> Result<(), Error> {
        let mut hold = self.hold.lock().await;
        if !matches!(*hold, Hold::Open) {
            // A rollback that follows a failure runs under the lock of what has failed.
            return Ok(());
        }
        let pending = |holder: Option<String>| Error::Pending {
            revision: release.version,
            status: release.info.status,
            holder,
            since: None,
        };
        let busy = self.engine.settings.holder.begin(&self.target).ok_or_else(|| pending(None))?;
        let (mut tries, mut watched) = (0, None::<Lease>);
        loop {
            match self.try_once(watched.is_some(), &mut tries).await? {
                Try::Got(lease) => {
                    *hold = Hold::Leased { lease, _busy: busy };
                    return Ok(());
                }
                Try::Never(why) => {
                    if let Some(why) = why {
                        let message = format!("the release is locked as Helm does it, without a lease: {why}");
                        observer(Event::Warning { message });
                    }
                    *hold = Hold::Unleased { _busy: busy };
                    return Ok(());
                }
                Try::Again => watched = None,
                Try::Held(lease) => {
                    // Whoever renews is alive.
                    if watched.as_ref().is_some_and(|seen| seen.holder != lease.holder || seen.renewed != lease.renewed)
                    {
                        return Err(pending(Some(lease.holder)));
                    }
                    if watched.is_none() {
                        let message = format!(
                            "another process is at work on the release, or has died: waiting for it, at most {} seconds",
                            lease.duration.as_secs()
                        );
                        observer(Event::Locked { holder: lease.holder.clone(), message });
                        watched = Some(lease);
                    }
                    tokio::select! {
                        () = tokio::time::sleep(LOOK) => {}
                        () = self.cancel.cancelled() => return Err(Error::Cancelled),
                    }
                }
            }
        }
    }

    async fn try_once(&self, watching: bool, tries: &mut u32) -> Result<Try, Error> {
        let (namespace, name) = self.place();
        let cluster = &self.engine.cluster;
        // Most often there is none, and making it is the only call.
        if !watching {
            match cluster.create_lease(namespace, &name, self.id(), TERM, self.now()).await {
                Ok(lease) => return Ok(Try::Got(lease)),
                Err(ClusterError::AlreadyExists(_)) => {}
                Err(error) => return self.without(error, tries).await,
            }
        }
        let lease = match cluster.read_lease(namespace, &name).await {
            Ok(Some(lease)) => lease,
            Ok(None) => return Ok(Try::Again),
            Err(error) => return self.without(error, tries).await,
        };
        // Our own is there when the answer to its creation was lost.
        let free = self.engine.settings.holder.is_own(&lease.holder) || self.is_over(&lease);
        if !free {
            return Ok(Try::Held(lease));
        }
        match cluster.take_lease(namespace, &name, &lease, self.id(), self.now()).await {
            Ok(lease) => Ok(Try::Got(lease)),
            // It was given back meanwhile.
            Err(ClusterError::NotFound(_)) => Ok(Try::Again),
            Err(error) => self.without(error, tries).await,
        }
    }

    fn is_over(&self, lease: &Lease) -> bool {
        lease.expiry().is_none_or(|expiry| expiry <= self.now())
    }

    /// Decides what an error means for having a Lease.
    async fn without(&self, error: ClusterError, tries: &mut u32) -> Result<Try, Error> {
        match error {
            ClusterError::Forbidden(refusal) => Ok(Try::Never(Some(refusal.to_string()))),
            // Without its namespace, no record can be stored either, and that says so in Helm's words.
            ClusterError::NotFound(refusal) if refusal.resource == "namespaces" => Ok(Try::Never(None)),
            ClusterError::NotFound(_) => Ok(Try::Never(Some("the cluster serves no leases".to_owned()))),
            // Somebody was faster, or an answer was lost: the next look tells.
            error if *tries < TRIES && (error.is_retryable() || matches!(error, ClusterError::Conflict { .. })) => {
                *tries += 1;
                tokio::time::sleep(PAUSE * *tries * *tries).await;
                Ok(Try::Again)
            }
            error => Err(Error::Cluster(error)),
        }
    }

    /// What to note on a record of this run.
    pub(crate) async fn mark(&self) -> Option<String> {
        matches!(*self.hold.lock().await, Hold::Leased { .. }).then(|| self.id().to_owned())
    }

    /// Says whether the next change may be made: not after a cancellation, and not after the lock was lost.
    pub(crate) async fn proceed(&self) -> Result<(), Failure> {
        if self.cancel.is_cancelled() && !self.failing.load(Ordering::Relaxed) {
            return Err(Failure::Cancelled);
        }
        let mut hold = self.hold.lock().await;
        // A process that was stopped for a while must not go on as if nothing had been.
        if let Hold::Leased { lease, .. } = &*hold
            && self.is_over(lease)
        {
            self.renew(&mut hold).await;
        }
        match &*hold {
            Hold::Lost => Err(Failure::TakenOver),
            Hold::Leased { lease, .. } if self.is_over(lease) => Err(Failure::TakenOver),
            _ => Ok(()),
        }
    }

    /// Waits until somebody cancels what can still be cancelled.
    pub(crate) async fn cancelled(&self) {
        if self.failing.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.cancel.cancelled().await;
    }

    /// From here on the change is being undone, and nobody cancels that.
    pub(crate) fn fails(&self) {
        self.failing.store(true, Ordering::Relaxed);
    }

    /// Says whether another process has the lock.
    pub(crate) async fn is_lost(&self) -> bool {
        matches!(*self.hold.lock().await, Hold::Lost)
    }

    /// Keeps the Lease alive for as long as it is polled.
    pub(crate) async fn keep(&self) -> Infallible {
        loop {
            tokio::time::sleep(RENEWAL).await;
            self.renew(&mut *self.hold.lock().await).await;
        }
    }

    async fn renew(&self, hold: &mut Hold) {
        let Hold::Leased { lease, .. } = &mut *hold else { return };
        let (namespace, name) = self.place();
        let cluster = &self.engine.cluster;
        match cluster.take_lease(namespace, &name, lease, self.id(), self.now()).await {
            Ok(renewed) => *lease = renewed,
            Err(ClusterError::Conflict { .. } | ClusterError::NotFound(_)) => {
                match cluster.read_lease(namespace, &name).await {
                    // The answer to an earlier renewal was lost.
                    Ok(Some(found)) if found.holder == self.id() => *lease = found,
                    Ok(_) => *hold = Hold::Lost,
                    Err(_) => {}
                }
            }
            // The next renewal may work; until the term is over nobody else takes it.
            Err(_) => {}
        }
    }

    /// Gives the lock back. What cannot be given back runs out by itself.
    pub(crate) async fn release(&self) {
        let mut hold = self.hold.lock().await;
        for tries in 1..=TRIES {
            let Hold::Leased { lease, .. } = &mut *hold else { break };
            let (namespace, name) = self.place();
            match self.engine.cluster.delete_lease(namespace, &name, lease).await {
                Ok(()) => break,
                Err(ClusterError::Conflict { .. }) => match self.engine.cluster.read_lease(namespace, &name).await {
                    Ok(Some(found)) if found.holder == self.id() => *lease = found,
                    Ok(_) => break,
                    Err(_) => {}
                },
                Err(error) if error.is_retryable() => {}
                Err(_) => break,
            }
            tokio::time::sleep(PAUSE * tries * tries).await;
        }
        *hold = Hold::Open;
    }
}
