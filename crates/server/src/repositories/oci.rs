//! Charts in registries: versions are tags, and what is asked for again within the interval is not asked of the registry again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::{Problem, Reason, RepositoryKind};
use depot::Access;
use depot::oci::{Logins, Opened, Reference, Registry, SCHEME};
use depot::{Turn, each};
use tokio::time::Instant;

use super::catalog::Row;
use super::fetch::Failed;
use super::live::Live;
use super::{Repositories, problems};

/// How many charts and archives are remembered of a registry.
const MANY: usize = 2_000;
/// How many charts are asked for at a time.
const AT_ONCE: usize = 4;
/// The most charts of a registry's catalogue.
const MOST: usize = 1_000;

/// What a registry was asked lately.
#[derive(Default)]
pub(crate) struct Tags {
    /// The versions of charts.
    versions: Lately<Arc<Vec<String>>>,
    /// The digests of archives.
    digests: Lately<[u8; 32]>,
    /// What there is to say of versions.
    details: Lately<Row>,
}

/// Answers, and when they were asked for.
struct Lately<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Lately<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Lately<T> {
    fn get(&self, what: &str, interval: Duration) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(what).filter(|(at, _)| at.elapsed() < interval).map(|(_, answer)| answer.clone())
    }

    fn put(&self, what: &str, at: Instant, answer: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY {
            all.clear();
        }
        all.insert(what.to_owned(), (at, answer));
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Why it is not known what a registry holds.
enum Unlisted {
    Silent,
    Failed(depot::Error),
}

impl Repositories {
    /// Speaks to the registry of a repository.
    async fn registry<T: Send + 'static>(
        &self,
        live: &Live,
        work: impl FnOnce(&Registry) -> Result<T, depot::Error> + Send + 'static,
    ) -> Result<T, Failed> {
        let settings = &live.settings;
        let (own, plain) = (settings.access(), settings.plain_http);
        let access = match (settings.kind(), settings.pass_credentials) {
            (RepositoryKind::Oci, _) => own,
            // An index may lead to a registry, which is another place.
            (RepositoryKind::Http, true) => {
                Access { username: own.username, password: own.password, ..Access::default() }
            }
            (RepositoryKind::Http, false) => Access::default(),
        };
        // What the server's machine knows of logins is not for callers.
        let registry = move |fetcher: &depot::Fetcher| Registry::new(fetcher.clone(), access, Logins::default(), plain);
        self.client.run(move |fetcher| work(&registry(fetcher))).await
    }

    /// The charts of a registry with their versions: those that were named, or those of its catalogue; none when it does not tell.
    pub(super) async fn listed(&self, live: &Arc<Live>) -> Result<Option<BTreeMap<String, Vec<String>>>, Box<Problem>> {
        live.tags.versions.clear();
        live.tags.digests.clear();
        live.tags.details.clear();
        let at = Instant::now();
        let settings = live.settings.clone();
        let work = move |registry: &Registry| {
            let names = if settings.charts.is_empty() {
                match catalog(registry, settings.below().unwrap_or_default()) {
                    Ok(names) => names,
                    Err(Unlisted::Silent) => return Ok(None),
                    Err(Unlisted::Failed(error)) => return Err(error),
                }
            } else {
                settings.charts.clone()
            };
            let places: Vec<(String, Reference)> =
                names.into_iter().filter_map(|name| Some((name.clone(), settings.reference(&name)?))).collect();
            let mut found = BTreeMap::new();
            each(
                &places,
                AT_ONCE,
                |(_, place)| registry.versions(place),
                |(name, _), turn| {
                    match turn {
                        Turn::Begins => {}
                        Turn::Done(Ok(versions)) => drop(found.insert(name.clone(), versions)),
                        // One that is not there takes nothing from the others.
                        Turn::Done(Err(error)) if is_missing(&error) => drop(found.insert(name.clone(), Vec::new())),
                        Turn::Done(Err(error)) => return Err(error),
                    }
                    Ok(())
                },
            )?;
            Ok(Some(found))
        };
        let found = self.registry(live, work).await.map_err(|failed| problems::of(failed, &live.name))?;
        for (name, versions) in found.iter().flatten() {
            live.tags.versions.put(name, at, Arc::new(versions.clone()));
        }
        Ok(found)
    }

    /// The problem of a registry that does not tell what it holds.
    pub(crate) fn unlisted(live: &Live) -> Box<Problem> {
        let text = format!(
            "the registry of repository `{}` does not tell what it holds: name its charts in the repository's `charts`, or ask for a \
             chart by its name",
            live.name
        );
        Box::new(Problem::new(Reason::RepositoryNotListable, text))
    }

    /// The versions of a chart, the newest first; `None` when there is no such chart.
    pub(super) async fn tagged(&self, live: &Arc<Live>, chart: &str) -> Result<Option<Vec<Row>>, Box<Problem>> {
        let Some(place) = live.settings.reference(chart) else { return Ok(None) };
        let base = &live.settings.url;
        let rows = |versions: &[String]| {
            let row = |version: &String| Row::tagged(base, chart, version);
            Some(versions.iter().map(row).collect::<Vec<Row>>()).filter(|rows| !rows.is_empty())
        };
        if let Some(versions) = live.tags.versions.get(chart, self.interval) {
            return Ok(rows(&versions));
        }
        let turn = self.cache.turn(&format!("{} tags {chart}", live.tag));
        let _turn = turn.lock().await;
        if let Some(versions) = live.tags.versions.get(chart, self.interval) {
            return Ok(rows(&versions));
        }
        let at = Instant::now();
        let versions = match self.registry(live, move |registry| registry.versions(&place)).await {
            Ok(versions) => versions,
            Err(Failed::Depot(error)) if is_missing(&error) => Vec::new(),
            Err(failed) => return Err(problems::of(failed, &live.name)),
        };
        live.tags.versions.put(chart, at, Arc::new(versions.clone()));
        Ok(rows(&versions))
    }

    /// What a registry says of a version besides its tag.
    pub(super) async fn described(&self, live: &Arc<Live>, row: Row) -> Result<Row, Box<Problem>> {
        if let Some(known) = live.tags.details.get(&row.url, self.interval) {
            return Ok(known);
        }
        let at = Instant::now();
        let asked = |opened: &mut Opened<'_>| Ok((opened.chart_digest()?, opened.metadata()?));
        let (digest, metadata) = self.opened(live, row.url.clone(), asked).await?;
        let row = Row {
            app_version: metadata.app_version,
            description: metadata.description,
            deprecated: Some(metadata.deprecated),
            digest,
            ..row
        };
        live.tags.details.put(&row.url, at, row.clone());
        Ok(row)
    }

    /// Fetches an archive from a registry.
    pub(super) async fn pulled(
        &self,
        live: &Arc<Live>,
        row: &Row,
    ) -> Result<([u8; 32], Option<Vec<u8>>), Box<Problem>> {
        let hash = self.promised(live, row).await?;
        let turn = self.cache.turn(&hex::encode(hash));
        let _turn = turn.lock().await;
        if let Some(bytes) = self.is_here(hash).await? {
            return Ok((hash, bytes));
        }
        let (url, most) = (row.url.clone(), self.largest);
        let bytes = self.opened(live, url, move |opened| opened.chart_of(most)).await?;
        let is: [u8; 32] = <sha2::Sha256 as sha2::Digest>::digest(&bytes).into();
        if is != hash {
            // It was pushed anew meanwhile; who asks again gets the new one.
            live.tags.digests.clear();
            return Err(self.mismatch(live, row, &is, &hash));
        }
        Ok((hash, Some(self.keep_archive(hash, bytes).await?)))
    }

    /// The digest of an archive as the registry's manifest has it.
    async fn promised(&self, live: &Arc<Live>, row: &Row) -> Result<[u8; 32], Box<Problem>> {
        if let Some(hash) = live.tags.digests.get(&row.url, self.interval) {
            return Ok(hash);
        }
        let turn = self.cache.turn(&format!("{} manifest {}", live.tag, row.url));
        let _turn = turn.lock().await;
        if let Some(hash) = live.tags.digests.get(&row.url, self.interval) {
            return Ok(hash);
        }
        let at = Instant::now();
        let said = row.digest.clone();
        let work = move |opened: &mut Opened<'_>| {
            if !said.is_empty() {
                opened.check(&said)?;
            }
            opened.chart_digest()
        };
        let digest = self.opened(live, row.url.clone(), work).await?;
        let promised = Row { digest, ..Row::default() }.promised();
        let hash = promised.ok().flatten().ok_or_else(|| {
            let text = format!("repository `{}`: the manifest of `{}` has no SHA-256 of a chart", live.name, row.url);
            Box::new(Problem::new(Reason::RepositoryInvalid, text))
        })?;
        live.tags.digests.put(&row.url, at, hash);
        Ok(hash)
    }

    pub(super) async fn pulled_proof(&self, live: &Arc<Live>, row: &Row) -> Result<Option<Vec<u8>>, Box<Problem>> {
        self.opened(
            live,
            row.url.clone(),
            |opened| if opened.has_proof() { opened.proof().map(Some) } else { Ok(None) },
        )
        .await
    }

    /// Does something with the manifest of a chart.
    async fn opened<T: Send + 'static>(
        &self,
        live: &Live,
        url: String,
        work: impl FnOnce(&mut Opened<'_>) -> Result<T, depot::Error> + Send + 'static,
    ) -> Result<T, Box<Problem>> {
        let chart = url.clone();
        let asked = self.registry(live, move |registry| {
            let located = registry.find(&url, "")?;
            work(&mut registry.open(&located)?)
        });
        asked.await.map_err(|failed| match failed {
            Failed::Depot(error) if is_missing(&error) => {
                let text = format!("repository `{}` has no `{chart}`", live.name);
                Box::new(Problem::new(Reason::ChartVersionNotFound, text))
            }
            failed => problems::of(failed, &live.name),
        })
    }
}

/// Tells whether a registry says that something is not there.
fn is_missing(error: &depot::Error) -> bool {
    error.fetch().and_then(depot::FetchError::answered) == Some(404)
}

/// The charts that a registry's catalogue has below a place.
fn catalog(registry: &Registry, below: &str) -> Result<Vec<String>, Unlisted> {
    let (host, path) = below.split_once('/').unwrap_or((below, ""));
    let names = match registry.catalog(host) {
        Ok(names) => names,
        Err(error) => {
            let answered = error.fetch().and_then(depot::FetchError::answered);
            return Err(match answered {
                Some(400..=405 | 501) => Unlisted::Silent,
                _ => Unlisted::Failed(error),
            });
        }
    };
    let name = |name: String| match path {
        "" => Some(name),
        path => Some(name.strip_prefix(path)?.strip_prefix('/')?.to_owned()),
    };
    Ok(names.into_iter().filter_map(name).take(MOST).collect())
}

/// Tells whether a URL is that of a chart in a registry.
pub(super) fn is_reference(url: &str) -> bool {
    url.starts_with(SCHEME)
}
