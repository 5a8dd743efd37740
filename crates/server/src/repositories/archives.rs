//! Archives: fetched once, held against what was promised, and loaded.

use std::sync::{Arc, PoisonError};

use api::{Problem, Reason};
use bytes::Bytes;
use depot::Validators;
use sha2::{Digest, Sha256};

use super::catalog::{Row, digest};
use super::fetch::{Failed, Sent};
use super::live::Live;
use super::{Fetched, Repositories, oci, problems};

/// How many archives without a digest are remembered of a repository.
const MANY: usize = 1_000;
/// The largest provenance file.
const LARGEST_PROOF: u64 = 4 << 20;

/// What an archive without a digest was when it was fetched.
#[derive(Clone)]
pub(super) struct Known {
    hash: [u8; 32],
    validators: Validators,
}

impl Repositories {
    /// Fetches a version of a chart, unless it is here.
    pub(super) async fn fetched(&self, live: &Arc<Live>, row: &Row) -> Result<Fetched, Box<Problem>> {
        self.check(live)?;
        let (hash, archive) =
            if oci::is_reference(&row.url) { self.pulled(live, row).await? } else { self.archive(live, row).await? };
        self.loaded(hash, archive).await
    }

    /// Makes a chart of an archive, unless it is loaded.
    async fn loaded(&self, hash: [u8; 32], archive: Option<Vec<u8>>) -> Result<Fetched, Box<Problem>> {
        let digest = digest(&hash);
        if let Some((archive, loaded)) = self.loaded.get(&digest) {
            return Ok(Fetched { digest, archive, loaded });
        }
        let archive = match archive {
            Some(archive) => archive,
            None => self.kept(hash).await?.ok_or_else(|| crate::reply::internal("an archive has left the cache"))?,
        };
        let archive = Bytes::from(archive);
        let loaded = Arc::new(crate::uploads::load(archive.clone()).await?);
        self.loaded.put(&digest, archive.clone(), Arc::clone(&loaded));
        Ok(Fetched { digest, archive, loaded })
    }

    /// What the cache has of an archive.
    pub(super) async fn kept(&self, hash: [u8; 32]) -> Result<Option<Vec<u8>>, Box<Problem>> {
        let cache = Arc::clone(&self.cache);
        let read = tokio::task::spawn_blocking(move || cache.archive(&hash)).await.map_err(crate::reply::internal)?;
        read.map_err(crate::reply::internal)
    }

    /// Keeps an archive. Without a cache all is as it would be, only slower.
    pub(super) async fn keep_archive(&self, hash: [u8; 32], bytes: Vec<u8>) -> Result<Vec<u8>, Box<Problem>> {
        let cache = Arc::clone(&self.cache);
        let keep = move || {
            if let Err(error) = cache.keep(&hash, &bytes) {
                tracing::warn!(%error, "an archive cannot be kept in the cache");
            }
            bytes
        };
        tokio::task::spawn_blocking(keep).await.map_err(crate::reply::internal)
    }

    /// Tells whether an archive need not be fetched: it is loaded, or in the cache, whose bytes come along.
    pub(super) async fn is_here(&self, hash: [u8; 32]) -> Result<Option<Option<Vec<u8>>>, Box<Problem>> {
        if self.loaded.get(&digest(&hash)).is_some() {
            return Ok(Some(None));
        }
        Ok(self.kept(hash).await?.map(Some))
    }

    /// Fetches an archive from an HTTP repository.
    async fn archive(&self, live: &Arc<Live>, row: &Row) -> Result<([u8; 32], Option<Vec<u8>>), Box<Problem>> {
        let broken = |text: String| {
            let text = format!("repository `{}`: {text}: ask who keeps it", live.name);
            Box::new(Problem::new(Reason::RepositoryInvalid, text))
        };
        if row.url.is_empty() {
            return Err(broken(format!("chart `{}` {} has no URL in the index", row.name, row.version)));
        }
        let promised = row.promised().map_err(broken)?;
        // Who fetches the same waits, and finds it here then.
        let what = promised.as_ref().map_or_else(|| format!("{} {}", live.tag, row.url), hex::encode);
        let turn = self.cache.turn(&what);
        let _turn = turn.lock().await;
        if let Some(hash) = promised
            && let Some(bytes) = self.is_here(hash).await?
        {
            return Ok((hash, bytes));
        }
        let known = self.remembered(live, &row.url).await?;
        let validators = known.as_ref().map(|(known, _)| known.validators.clone()).filter(|_| promised.is_none());
        let access = live.settings.access();
        let asked = self.client.get(&row.url, &access, validators.unwrap_or_default(), self.largest).await;
        match (asked, known) {
            (Ok(Sent::Same), Some((known, bytes))) => Ok((known.hash, bytes)),
            (Ok(Sent::Same), None) => Err(broken("it says that what was never fetched is the same".to_owned())),
            (Ok(Sent::New(bytes, validators)), _) => {
                let is: [u8; 32] = Sha256::digest(&bytes).into();
                if let Some(promised) = promised.filter(|promised| *promised != is) {
                    return Err(self.mismatch(live, row, &is, &promised));
                }
                if promised.is_none() {
                    let mut all = live.known.lock().unwrap_or_else(PoisonError::into_inner);
                    if all.len() >= MANY {
                        all.clear();
                    }
                    all.insert(row.url.clone(), Known { hash: is, validators });
                }
                Ok((is, Some(self.keep_archive(is, bytes).await?)))
            }
            (Err(failed), _) => Err(problems::of(failed, &live.name)),
        }
    }

    /// What is known of an archive without a digest, when it is still here.
    async fn remembered(&self, live: &Live, url: &str) -> Result<Option<(Known, Option<Vec<u8>>)>, Box<Problem>> {
        let known = live.known.lock().unwrap_or_else(PoisonError::into_inner).get(url).cloned();
        let Some(known) = known else { return Ok(None) };
        Ok(self.is_here(known.hash).await?.map(|bytes| (known, bytes)))
    }

    pub(super) fn mismatch(&self, live: &Live, row: &Row, is: &[u8; 32], promised: &[u8; 32]) -> Box<Problem> {
        let (is, promised) = (digest(is), digest(promised));
        tracing::warn!(
            repository = live.name,
            chart = row.name,
            version = row.version,
            is,
            promised,
            "a chart was refused"
        );
        let text = format!(
            "what repository `{}` has as chart `{}` {} has the digest {is}, but {promised} is promised: refresh the repository, or ask \
             who keeps it",
            live.name, row.name, row.version
        );
        Box::new(Problem::new(Reason::ChartMismatch, text))
    }

    /// Fetches the provenance file of a version.
    pub(super) async fn proof(&self, live: &Arc<Live>, row: &Row) -> Result<Option<Vec<u8>>, Box<Problem>> {
        if oci::is_reference(&row.url) {
            return self.pulled_proof(live, row).await;
        }
        let url = format!("{}.prov", row.url);
        match self.client.get(&url, &live.settings.access(), Validators::default(), LARGEST_PROOF).await {
            Ok(Sent::New(bytes, _)) => Ok(Some(bytes)),
            Ok(Sent::Same) => Ok(None),
            Err(Failed::Depot(error)) if error.fetch().and_then(depot::FetchError::answered) == Some(404) => Ok(None),
            Err(failed) => Err(problems::of(failed, &live.name)),
        }
    }
}
