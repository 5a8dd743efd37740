//! Operations: changes that run, or have run, on this replica or on another.
//!
//! Three objects keep one. The *record* (`record`), a Secret beside the release, has its state and its events, and is what
//! is shown. The *listing* (`listing`), a Lease in the server's own namespace, says who runs it and that he lives; all
//! replicas watch the listings (`index`). The *request* (`request`), a Secret there too, is what is run again when
//! whoever ran it has died (`adopt`, `resume`). `keep` stores what a run does, `mirror` shows what runs elsewhere.

mod adopt;
mod entry;
pub(crate) mod events;
mod index;
mod keep;
mod keys;
mod listing;
mod mirror;
mod record;
mod request;
mod resume;
mod span;
mod store;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use api::{Event, Kind, Phase, Problem, Reason, ReleaseRef, State};
use engine::Cancel;
use jiff::Timestamp;

pub(crate) use adopt::watch_over;
pub(crate) use entry::{Entry, cancelled};
pub(crate) use keep::see_through;
pub(crate) use keys::Idempotency;
pub(crate) use listing::{Indexed, Listing};
pub(crate) use record::state_name;
pub(crate) use span::span;
pub(crate) use watch::{Wanted, stream};

use self::index::Index;
use self::record::{Run, Stored};
use self::request::Request;
use crate::config::{Clock, Config};
use crate::ctx::Ctx;
use crate::home::Home;

/// How many releases can be begun with at a time, about.
const GATES: usize = 64;

/// All operations.
pub(crate) struct Operations {
    home: Home,
    index: Index,
    /// Those that run here.
    running: Mutex<HashMap<String, Arc<Entry>>>,
    /// The likenesses of those that run elsewhere and are followed.
    mirrors: Mutex<HashMap<String, Arc<Entry>>>,
    /// Two requests for one release are begun one after the other.
    gates: Vec<tokio::sync::Mutex<()>>,
    /// Whether [`watch_over`] is polled.
    watches: AtomicBool,
    closed: AtomicBool,
    /// Tells the runs to let go, so that others go on with them.
    hand_over: Cancel,
    /// What happens to operations, once somebody watches.
    hub: OnceLock<Arc<watch::Hub>>,
    holder: String,
    retention: Duration,
    keep: usize,
    now: Clock,
}

/// What [`Operations::begin`] found.
pub(crate) enum Begun {
    /// A new operation, to be run.
    New(Arc<Entry>, Box<Indexed>),
    /// The operation of an earlier request with the same key.
    Known(Arc<Entry>),
}

impl Operations {
    pub(crate) fn new(config: &Config, home: Home) -> Self {
        Self {
            holder: home.clusters.settings().holder.id().to_owned(),
            home,
            index: Index::default(),
            running: Mutex::default(),
            mirrors: Mutex::default(),
            gates: (0..GATES).map(|_| tokio::sync::Mutex::default()).collect(),
            watches: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            hand_over: Cancel::default(),
            hub: OnceLock::new(),
            retention: config.retention,
            keep: config.limits.operations,
            now: config.now.clone(),
        }
    }

    fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Makes an operation, unless another one of the release runs or the key is known.
    pub(crate) async fn begin(
        &self,
        ctx: &Ctx,
        kind: Kind,
        release: ReleaseRef,
        idempotency: Option<Idempotency>,
    ) -> Result<Begun, Box<Problem>> {
        let request = Request::of(ctx);
        let id = uuid::Uuid::now_v7().to_string();
        let claim = match &idempotency {
            Some(wanted) => match self.claim(ctx, wanted, &id).await? {
                keys::Claim::Ours(name) => Some(name),
                keys::Claim::Known(entry) => return Ok(Begun::Known(entry)),
            },
            None => None,
        };
        let begun = self.begin_claimed(ctx, kind, release, request, id, claim.clone()).await;
        if let (Err(_), Some(name)) = (&begun, claim) {
            self.free_key(&name).await;
        }
        begun
    }

    async fn begin_claimed(
        &self,
        ctx: &Ctx,
        kind: Kind,
        release: ReleaseRef,
        request: Request,
        id: String,
        key: Option<String>,
    ) -> Result<Begun, Box<Problem>> {
        if self.is_closed() {
            let text = "the server is ending and takes no more changes; ask again";
            return Err(Box::new(Problem::new(Reason::ShuttingDown, text)));
        }
        let _gate = match self.gates.get(gate(&release)) {
            Some(gate) => Some(gate.lock().await),
            None => None,
        };
        let queue = ctx.query.flag("queue");
        let before = self.in_the_way(&release).await?;
        if let Some(first) = before.first().filter(|_| !queue) {
            return Err(self.in_progress(first));
        }
        let now = self.now();
        let listing = Listing {
            id: id.clone(),
            kind,
            release,
            state: if before.is_empty() { State::Running } else { State::Queued },
            created_at: now,
            finished_at: None,
            expires_at: None,
            at_home: false,
            caller: ctx.caller.identity().cloned(),
            cancel: false,
            queue,
            key,
        };
        let holder = Some(self.holder.clone());
        let indexed = Indexed { listing, holder, renewed: Some(now), takeovers: 0, version: String::new() };
        // First the listing: what dies after it is found, and dropped when there is no record.
        let indexed = self.home.list(indexed).await?;
        match self.record(indexed.clone(), &request).await {
            Ok((entry, indexed)) => Ok(Begun::New(entry, Box::new(indexed))),
            Err(problem) => {
                if let Err(error) = self.home.forget(&indexed).await {
                    tracing::warn!(id, detail = error.detail, "an operation that was not begun could not be dropped");
                }
                Err(problem)
            }
        }
    }

    /// Keeps the request and writes the record, at home when the release's namespace is not there yet.
    async fn record(&self, mut indexed: Indexed, request: &Request) -> Result<(Arc<Entry>, Indexed), Box<Problem>> {
        let mut operation = indexed.listing.operation();
        if operation.state == State::Running {
            operation.started_at = Some(operation.created_at.clone());
        }
        let run = Run::default();
        let stored = Stored { operation, events: vec![Event::Phase { phase: Phase::Plan }], run };
        self.home.keep(&indexed.listing.id, request).await?;
        let version = match self.home.write(&indexed.listing, &stored, None).await {
            Ok(version) => version,
            Err(refused) if refused.code == Some(404) => {
                indexed.listing.at_home = true;
                let moved = self.home.relist(indexed).await?;
                indexed = moved.ok_or_else(|| crate::reply::internal("a new listing was changed by somebody else"))?;
                self.home.write(&indexed.listing, &stored, None).await.map_err(|refused| refused.problem)?
            }
            Err(refused) => return Err(refused.problem),
        };
        let entry = Entry::new(stored);
        self.index.put(indexed.clone());
        self.running().insert(entry.id().to_owned(), entry.clone());
        entry.set_version(version);
        Ok((entry, indexed))
    }

    /// What changes a release and is not done, the oldest first.
    async fn of_release(&self, release: &ReleaseRef) -> Result<Vec<Indexed>, Box<Problem>> {
        self.refresh().await?;
        let mut found = self.index.of_release(release);
        // What is done may have a listing that does not say so yet.
        found.retain(|indexed| !self.here(&indexed.listing.id).is_some_and(|entry| entry.operation().done));
        Ok(found)
    }

    /// The same, asked once more of those that another replica may just have ended.
    async fn in_the_way(&self, release: &ReleaseRef) -> Result<Vec<Indexed>, Box<Problem>> {
        let mut left = Vec::new();
        for known in self.of_release(release).await? {
            if self.here(&known.listing.id).is_some() {
                left.push(known);
                continue;
            }
            match self.home.listing(&known.listing.id).await? {
                Some(found) if found.listing.is_done() => self.index.put(found),
                Some(found) => left.push(found),
                None => self.index.remove(&known.listing.id),
            }
        }
        Ok(left)
    }

    /// Brings the index up to date, where nothing watches it.
    async fn refresh(&self) -> Result<(), Box<Problem>> {
        if !self.index.is_synced() {
            self.index.replace(self.home.listings().await?);
        }
        Ok(())
    }

    fn in_progress(&self, first: &Indexed) -> Box<Problem> {
        let Listing { id, release, .. } = &first.listing;
        let text = format!(
            "operation `{id}` changes release `{}` of namespace `{}`; wait until it is done, or ask with `queue=true` to be next",
            release.name, release.namespace
        );
        let operation = self.here(id).map_or_else(|| first.listing.operation(), |entry| entry.operation());
        let problem = Problem::new(Reason::OperationInProgress, text);
        Box::new(Problem { operation: Some(Box::new(operation)), ..problem })
    }

    /// Returns an operation that runs here.
    pub(crate) fn here(&self, id: &str) -> Option<Arc<Entry>> {
        self.running().get(id).cloned()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mirrors(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.mirrors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more operations, and returns those that still run.
    pub(crate) fn close(&self) -> Vec<Arc<Entry>> {
        self.closed.store(true, Ordering::Release);
        self.running().values().cloned().collect()
    }

    /// Tells whether it takes no more operations.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Tells whether this replica watches over the operations and does not know of the others' work (yet).
    pub(crate) fn is_blind(&self) -> bool {
        self.watches.load(Ordering::Acquire) && !self.index.is_synced()
    }

    /// Lets go of what still runs here, so that another replica goes on with it at once.
    pub(crate) async fn hand_over(&self) {
        self.hand_over.cancel();
        // Each run says when it has let go by leaving the map.
        while !self.running().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The gate that a release goes through.
fn gate(release: &ReleaseRef) -> usize {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    release.hash(&mut hasher);
    usize::try_from(hasher.finish() % GATES as u64).unwrap_or_default()
}
