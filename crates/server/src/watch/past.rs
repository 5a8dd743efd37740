//! Going on where another process has stopped telling.
//!
//! What a client was told goes up to a version of the cluster's history. What was touched after it is asked for once for all who come
//! back: what is known is a span from some version up to the present, which grows backwards when somebody comes from further away, and
//! forwards with the feed. Who waits meanwhile is counted in, so that a thousand clients after a restart mean two questions.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::Problem;
use tokio::sync::Mutex;

use super::hub::{Hub, Snapshot, Subject, Touched};
use super::mark::Mark;

/// How long a client waits for a server that has not heard yet of what the client was told elsewhere.
const BEHIND: Duration = Duration::from_secs(1);
/// How often the cluster is asked after that whether it has come so far.
const TRIES: usize = 2;
/// How much may be known of the past; who missed more is told everything anew, which is no more work.
const MOST: usize = 20_000;

/// Where a client goes on.
pub(super) enum Start<T> {
    /// After an event.
    After(u64),
    /// After what was touched since a version is told, as it is now.
    Touched(Snapshot<T>, Arc<[(Arc<T>, u64)]>, u64),
}

/// What is known of the past.
pub(super) struct Known<T> {
    state: Mutex<State<T>>,
    /// The oldest version that somebody waits for.
    asked: AtomicU64,
    /// The version up to which the cluster is known to have come. Apart from the rest, so that who names one that will never be keeps
    /// nobody waiting.
    reached: Mutex<u64>,
}

struct State<T> {
    span: Option<Span<T>>,
    /// What was touched after this version is not known any more.
    forgotten: Option<u64>,
}

/// What was touched after a version, up to an event.
struct Span<T> {
    since: u64,
    number: u64,
    /// Each as it was last heard of, and the version with which everybody knows of that; in the order of places.
    all: Arc<[(Arc<T>, u64)]>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        let state = Mutex::new(State { span: None, forgotten: None });
        Self { state, asked: AtomicU64::new(u64::MAX), reached: Mutex::default() }
    }
}

impl<T: Subject> Hub<T> {
    /// Finds out where a client goes on that comes back with a mark; `None` when it has to begin anew.
    pub(super) async fn resume(&self, mark: &str) -> Result<Option<Start<T>>, Box<Problem>> {
        let Some(mark) = Mark::read(mark, &self.history) else { return Ok(None) };
        if self.feed.has(&mark) {
            return Ok(Some(Start::After(mark.number)));
        }
        if mark.version == 0 || !self.comes_to(mark.version).await? {
            return Ok(None);
        }
        self.since(mark.version).await
    }

    /// Tells whether this is a history that has a version. Other replicas hear of news earlier or later, so there is some waiting in it.
    async fn comes_to(&self, version: u64) -> Result<bool, Box<Problem>> {
        let mut reached = self.feed.reached();
        let come = reached.wait_for(|reached| *reached >= version);
        if tokio::time::timeout(BEHIND, come).await.is_ok() {
            return Ok(true);
        }
        let mut reached = self.known.reached.lock().await;
        for _ in 0..TRIES {
            let here = self.snapshot().version;
            if here.max(*reached) >= version {
                return Ok(true);
            }
            match self.origin.touched(here, version).await? {
                Some(touched) => *reached = touched.reached.max(*reached),
                None => return Ok(false),
            }
        }
        Ok(self.snapshot().version.max(*reached) >= version)
    }

    /// Finds out what was touched after a version.
    async fn since(&self, version: u64) -> Result<Option<Start<T>>, Box<Problem>> {
        self.known.asked.fetch_min(version, Ordering::AcqRel);
        let mut state = self.known.state.lock().await;
        self.go_on(&mut state);
        if state.span.as_ref().is_none_or(|span| span.since > version) {
            let oldest = self.known.asked.swap(u64::MAX, Ordering::AcqRel).min(version);
            if !self.reach_back(&mut state, oldest).await? && !self.reach_back(&mut state, version).await? {
                return Ok(None);
            }
        }
        let snapshot = self.go_on(&mut state);
        let span = state.span.as_ref().filter(|span| span.since <= version);
        Ok(span.map(|span| Start::Touched(snapshot, span.all.clone(), version)))
    }

    /// Brings what is known up to the present, and returns that; what the feed does not reach back to any more is dropped.
    fn go_on(&self, state: &mut State<T>) -> Snapshot<T> {
        let snapshot = self.snapshot();
        let begin = || Some(Span { since: *self.first.get()?, number: 0, all: Arc::from([]) });
        let Some(span) = state.span.take().or_else(begin) else { return snapshot };
        let count = usize::try_from(snapshot.number.saturating_sub(span.number)).unwrap_or(usize::MAX);
        let Some(entries) = self.feed.after(span.number, count) else { return snapshot };
        // A history that begins anew has nothing to do with the one before.
        if snapshot.version < span.since {
            return snapshot;
        }
        let news = entries.into_iter().filter_map(|entry| {
            let item = entry.event.after.as_ref().or(entry.event.before.as_ref())?;
            Some((item.clone(), entry.at))
        });
        state.span = merged(&span.all, news).map(|all| Span { all, number: snapshot.number, ..span });
        snapshot
    }

    /// Asks the cluster for what is older than what is known; `false` when it does not know.
    async fn reach_back(&self, state: &mut State<T>, version: u64) -> Result<bool, Box<Problem>> {
        if state.forgotten.is_some_and(|forgotten| version <= forgotten) {
            return Ok(false);
        }
        let now = self.snapshot();
        let (number, until, all) = match &state.span {
            Some(span) => (span.number, span.since, span.all.clone()),
            None => (now.number, now.version, Arc::from([])),
        };
        let found = match version < until {
            true => self.origin.touched(version, until).await?,
            false => Some(Touched { all: Vec::new(), reached: until }),
        };
        let found = found.and_then(|found| {
            let touched = found.all.into_iter().map(|item| {
                let version = item.version();
                (Arc::new(item), version)
            });
            merged(&all, touched)
        });
        match found {
            Some(all) => state.span = Some(Span { since: version, number, all }),
            None => state.forgotten = state.forgotten.max(Some(version)),
        }
        Ok(state.span.as_ref().is_some_and(|span| span.since <= version))
    }
}

/// Puts together what was touched; of two of one place the one counts that is known later. `None` when it is too much.
fn merged<T: Subject>(
    known: &Arc<[(Arc<T>, u64)]>,
    more: impl IntoIterator<Item = (Arc<T>, u64)>,
) -> Option<Arc<[(Arc<T>, u64)]>> {
    let mut more = more.into_iter().peekable();
    if more.peek().is_none() {
        return Some(known.clone());
    }
    let mut all: Vec<(Arc<T>, u64)> = known.iter().cloned().chain(more).collect();
    all.sort_by(|(a, one), (b, other)| a.place().cmp(&b.place()).then(other.cmp(one)));
    all.dedup_by(|(a, _), (b, _)| a.place() == b.place());
    (all.len() <= MOST).then(|| all.into())
}
