//! A repository in memory: its settings, and what was seen of it.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use api::{Problem, Repository, RepositoryState, RepositoryStatus};
use tokio::time::Instant;

use super::catalog::Catalog;
use super::oci::Tags;
use super::settings::Settings;
use super::store::Stored;

/// How long after a failure a repository is left alone, when there is nothing to go on with, and when there is.
const AGAIN: Duration = Duration::from_secs(5);
const AGAIN_LATER: Duration = Duration::from_secs(30);

/// A repository with the settings that it has had since it was written last.
pub(crate) struct Live {
    pub(crate) name: String,
    /// What stands for the settings.
    pub(crate) tag: String,
    pub(crate) settings: Settings,
    noted: RwLock<Noted>,
    seen: RwLock<Seen>,
    /// It is looked at by one at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// How often that was begun.
    pub(super) looks: AtomicU64,
    /// What archives without a digest were, by URL.
    pub(super) known: Mutex<HashMap<String, super::archives::Known>>,
    /// What a registry was asked lately.
    pub(super) tags: Tags,
}

/// What the Secret has beside the settings.
#[derive(Clone)]
struct Noted {
    version: String,
    status: Option<RepositoryStatus>,
}

/// What this server has seen.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) catalog: Option<Arc<Catalog>>,
    pub(super) status: Option<RepositoryStatus>,
    /// When it was looked at last; the beginning of that.
    pub(super) at: Option<Instant>,
    /// When the catalogue was used last, for when there is no room for all.
    pub(super) used: Option<Instant>,
}

impl Live {
    pub(super) fn new(stored: Stored) -> Self {
        Self {
            name: stored.name,
            tag: stored.tag,
            settings: stored.settings,
            noted: RwLock::new(Noted { version: stored.version, status: stored.status }),
            seen: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            looks: AtomicU64::default(),
            known: Mutex::default(),
            tags: Tags::default(),
        }
    }

    /// The version of the Secret.
    pub(super) fn version(&self) -> String {
        self.noted.read().unwrap_or_else(PoisonError::into_inner).version.clone()
    }

    /// Takes in what the Secret has beside the settings.
    pub(super) fn note(&self, version: String, status: Option<RepositoryStatus>) {
        *self.noted.write().unwrap_or_else(PoisonError::into_inner) = Noted { version, status };
    }

    pub(super) fn noted_status(&self) -> Option<RepositoryStatus> {
        self.noted.read().unwrap_or_else(PoisonError::into_inner).status.clone()
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// How it stands: as this server has seen it, or another one later.
    pub(crate) fn status(&self) -> RepositoryStatus {
        let own = self.seen().status;
        let others = self.noted_status();
        let at = |status: &Option<RepositoryStatus>| {
            let at = status.as_ref().and_then(|status| status.refreshed_at.clone());
            at.and_then(|at| at.parse::<jiff::Timestamp>().ok())
        };
        let latest = if at(&others) > at(&own) { others } else { own };
        latest.unwrap_or_default()
    }

    /// What callers are shown.
    pub(crate) fn shown(&self) -> Repository {
        let settings = &self.settings;
        Repository {
            name: self.name.clone(),
            kind: settings.kind(),
            // A Secret that was written by other means may have anything in its URL.
            url: if settings.url.contains(['@', '?', '#']) {
                depot::public(&settings.url)
            } else {
                settings.url.clone()
            },
            has_credentials: !settings.password.is_empty(),
            has_client_certificate: !settings.certificate.is_empty(),
            pass_credentials: settings.pass_credentials,
            insecure_skip_verify: settings.insecure,
            plain_http: settings.plain_http,
            charts: settings.charts.clone(),
            status: self.status(),
        }
    }
}

impl Seen {
    /// What is known, when that is not old; or why not, when it was tried a moment ago.
    pub(super) fn current(&self, interval: Duration) -> Option<Result<Arc<Catalog>, Box<Problem>>> {
        let age = self.at?.elapsed();
        let failed = self.status.as_ref().filter(|status| status.state == RepositoryState::Failed);
        match (&self.catalog, failed) {
            (Some(catalog), None) if age < interval => Some(Ok(Arc::clone(catalog))),
            (Some(catalog), Some(_)) if age < AGAIN_LATER.min(interval) => Some(Ok(Arc::clone(catalog))),
            (None, Some(status)) if age < AGAIN.min(interval) => {
                status.error.clone().map(|problem| Err(Box::new(problem)))
            }
            _ => None,
        }
    }
}
