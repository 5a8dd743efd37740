//! Looking at a repository: when it is used and what is known of it is old, or when that is asked for.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{Problem, Reason, RepositoryKind, RepositoryState, RepositoryStatus, SkippedVersion};
use depot::{Index, Refreshed};
use tokio::time::Instant;

use super::catalog::{Catalog, digest};
use super::fetch::{Failed, PATIENCE};
use super::live::Live;
use super::problems::shown;
use super::{Repositories, problems};
use crate::home::NotWritten;

/// How much memory all catalogues may take.
const MOST_MEMORY: usize = 512 << 20;
/// How long who uses a repository waits to be told what is new there, when there is something to go on with, and when there is not.
const NEWS: Duration = Duration::from_secs(5);
const FIRST: Duration = Duration::from_secs(30);
/// How many versions that were left out are told.
const NOTICES: usize = 20;
/// How often what was found is written over what others write at the same time.
const TRIES: u32 = 4;

/// What was found.
struct Found {
    catalog: Arc<Catalog>,
    digest: Option<[u8; 32]>,
}

impl Repositories {
    /// What a repository has: as it is known, unless that is old. What cannot be had anew is used further.
    pub(crate) async fn catalog(&self, live: &Arc<Live>) -> Result<Arc<Catalog>, Box<Problem>> {
        let now = Instant::now();
        live.see(|seen| seen.used = Some(now));
        let seen = live.seen();
        if let Some(current) = seen.current(self.interval) {
            return current;
        }
        let patience = match &seen.catalog {
            // Somebody is at it.
            Some(catalog) if live.turn.try_lock().is_err() => return Ok(Arc::clone(catalog)),
            Some(_) => NEWS,
            None => FIRST,
        };
        self.look(live, patience, false).await?;
        let seen = live.seen();
        match (seen.catalog, seen.status.and_then(|status| status.error)) {
            (Some(catalog), _) => Ok(catalog),
            (None, Some(problem)) => Err(Box::new(problem)),
            (None, None) => {
                let text = format!("repository `{}` is slow; it is still being looked at, so ask again", live.name);
                Err(Box::new(Problem::new(Reason::RepositoryUnreachable, text)))
            }
        }
    }

    /// Looks at a repository now, or sees what somebody finds who has begun to look since this was asked for.
    pub(crate) async fn refresh(&self, live: &Arc<Live>) -> Result<(), Box<Problem>> {
        self.look(live, PATIENCE + NEWS, true).await
    }

    /// Looks in a task of its own, which goes on when nobody waits any more.
    async fn look(&self, live: &Arc<Live>, patience: Duration, is_asked_for: bool) -> Result<(), Box<Problem>> {
        let before = live.looks.load(Ordering::Acquire);
        let (own, live) = (self.clone(), Arc::clone(live));
        let task = tokio::spawn(async move {
            let _turn = live.turn.lock().await;
            // Somebody may have begun and ended since, or before when that is as good.
            let is_done = !is_asked_for && live.seen().current(own.interval).is_some();
            if !is_done && live.looks.load(Ordering::Acquire) == before {
                live.looks.fetch_add(1, Ordering::AcqRel);
                own.look_now(&live).await;
            }
        });
        match tokio::time::timeout(patience, task).await {
            Ok(Err(died)) => Err(crate::reply::internal(died)),
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }

    async fn look_now(&self, live: &Arc<Live>) {
        let at = Instant::now();
        let found = match self.check(live) {
            Ok(()) => self.found(live).await,
            Err(problem) => Err(problem),
        };
        let refreshed_at = Some((self.now)().to_string());
        let status = match &found {
            Ok(found) => RepositoryStatus { refreshed_at, ..status(found) },
            Err(problem) => {
                tracing::warn!(
                    repository = live.name,
                    reason = problem.reason.as_str(),
                    detail = problem.detail,
                    "a repository cannot be read"
                );
                let before = live.seen().status.or_else(|| live.noted_status()).unwrap_or_default();
                let error = Some((**problem).clone());
                RepositoryStatus { state: RepositoryState::Failed, error, refreshed_at, ..before }
            }
        };
        live.see(|seen| {
            seen.at = Some(at);
            seen.status = Some(status.clone());
            if let Ok(found) = &found {
                seen.catalog = Some(Arc::clone(&found.catalog));
            }
        });
        self.make_room(live);
        self.share(live, status).await;
    }

    async fn found(&self, live: &Arc<Live>) -> Result<Found, Box<Problem>> {
        match live.settings.kind() {
            RepositoryKind::Http => self.index(live).await.map_err(|failed| problems::of(failed, &live.name)),
            RepositoryKind::Oci => {
                let charts = self.listed(live).await?;
                Ok(Found { catalog: Arc::new(charts.map_or(Catalog::Silent, Catalog::Oci)), digest: None })
            }
        }
    }

    /// Brings the index up to date.
    async fn index(&self, live: &Arc<Live>) -> Result<Found, Failed> {
        let cache = Arc::clone(&self.cache);
        let name = cache_name(live);
        let access = live.settings.access();
        let known = live.seen().catalog;
        let most = self.largest_index;
        self.client
            .run(move |fetcher| {
                let folder = cache.indexes().map_err(file)?;
                let catalog = match depot::bring(&folder, &name, &access, most, fetcher)? {
                    Refreshed::New(index) => Arc::new(Catalog::Http(Arc::new(*index))),
                    Refreshed::Same => match known {
                        Some(known) => known,
                        None => Arc::new(Catalog::Http(Arc::new(depot::open_index(&folder, &name)?))),
                    },
                };
                cache.sweep().map_err(file)?;
                Ok(Found { catalog, digest: depot::index_digest(&folder, &name) })
            })
            .await
    }

    /// Drops the catalogues that were used longest ago, where there are more than fit.
    fn make_room(&self, current: &Arc<Live>) {
        let mut all: Vec<(Option<Instant>, usize, Arc<Live>)> = Vec::new();
        for live in self.all() {
            let seen = live.seen();
            if let Some(catalog) = seen.catalog {
                all.push((seen.used, catalog.weight(), live));
            }
        }
        let mut total: usize = all.iter().map(|(_, weight, _)| weight).sum();
        all.sort_by_key(|(used, ..)| *used);
        for (_, weight, live) in all.into_iter().filter(|(.., live)| !Arc::ptr_eq(live, current)) {
            if total <= MOST_MEMORY {
                return;
            }
            total -= weight;
            // It is read from the cache when it is wanted again.
            live.see(|seen| (seen.catalog, seen.at) = (None, None));
        }
    }

    /// Writes down what was found, when it is something else than what is written there.
    async fn share(&self, live: &Arc<Live>, status: RepositoryStatus) {
        for _ in 0..TRIES {
            if live.noted_status().is_some_and(|noted| says_the_same(&noted, &status)) {
                return;
            }
            let Ok(text) = serde_json::to_string(&status) else { return };
            match self.home.note_repository(&live.name, &live.tag, &text).await {
                Ok(Some(secret)) => return self.take_in(&secret),
                // It is gone, or has other settings by now.
                Ok(None) => return,
                Err(NotWritten::Conflict) => {
                    // Somebody else may have written the same.
                    if let Ok(Some(secret)) = self.home.repository(&live.name).await {
                        self.take_in(&secret);
                    }
                }
                Err(NotWritten::Refused(problem)) => {
                    tracing::warn!(
                        repository = live.name,
                        detail = problem.detail,
                        "what was found cannot be written down"
                    );
                    return;
                }
            }
        }
    }
}

/// What the cache calls the index of a repository with these settings.
pub(super) fn cache_name(live: &Live) -> String {
    format!("{}.{}", live.name, live.tag)
}

fn file(cause: std::io::Error) -> depot::Error {
    depot::Error::File { what: "use", path: "the cache".into(), cause }
}

fn status(found: &Found) -> RepositoryStatus {
    let counts = found.catalog.counts();
    let skipped = match &*found.catalog {
        Catalog::Http(index) => Some(&**index),
        Catalog::Oci(_) | Catalog::Silent => None,
    };
    RepositoryStatus {
        state: RepositoryState::Ready,
        chart_count: counts.map(|(charts, _)| charts as u64),
        version_count: counts.map(|(_, versions)| versions as u64),
        skipped: skipped.map(|index| index.skipped.len() as u64),
        notices: skipped.map(notices).unwrap_or_default(),
        digest: found.digest.as_ref().map(digest),
        ..RepositoryStatus::default()
    }
}

fn notices(index: &Index) -> Vec<SkippedVersion> {
    let notice = |skipped: &depot::Skipped| {
        let (version, reason) = match &skipped.reason {
            Some((version, reason)) => (shown(version), shown(reason)),
            None => (String::new(), "nothing is said of it".to_owned()),
        };
        SkippedVersion { chart: shown(&skipped.chart), version, reason }
    };
    index.skipped.iter().take(NOTICES).map(notice).collect()
}

/// Tells whether two findings differ in nothing but the time, and in how an error is put.
fn says_the_same(a: &RepositoryStatus, b: &RepositoryStatus) -> bool {
    let reason = |status: &RepositoryStatus| status.error.as_ref().map(|error| error.reason);
    let without = |status: &RepositoryStatus| RepositoryStatus { refreshed_at: None, error: None, ..status.clone() };
    reason(a) == reason(b) && without(a) == without(b)
}
