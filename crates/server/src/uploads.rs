//! Uploaded charts, in memory, by the digest of their archive.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Problem, Reason};
use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::config::{Clock, Config};
use crate::convert::chart_metadata;

/// The store; charts beyond its budget push out those that were uploaded longest ago.
pub(crate) struct Uploads {
    entries: Mutex<HashMap<String, Upload>>,
    budget: usize,
    age: Duration,
    now: Clock,
}

/// One chart.
#[derive(Clone)]
pub(crate) struct Upload {
    /// What the contract shows.
    pub(crate) chart: api::Chart,
    /// The archive.
    pub(crate) archive: Bytes,
    /// The chart, loaded.
    pub(crate) loaded: Arc<chart::Chart>,
    weight: usize,
    uploaded: Timestamp,
    expires: Timestamp,
}

/// What became of an upload.
pub(crate) struct Added {
    pub(crate) chart: api::Chart,
    /// Whether it was not there before.
    pub(crate) new: bool,
}

impl Uploads {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entries: Mutex::default(),
            budget: config.limits.charts_total_bytes,
            age: config.retention,
            now: config.now.clone(),
        }
    }

    /// Takes in an archive; the same one again begins a new day.
    pub(crate) async fn add(&self, archive: Bytes) -> Result<Added, Box<Problem>> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&archive)));
        if let Some(chart) = self.renew(&digest) {
            return Ok(Added { chart, new: false });
        }
        let bytes = archive.clone();
        let loaded = load(bytes).await?;
        let weight = archive.len() + weight(&loaded);
        if weight > self.budget {
            let text = format!("the chart takes {weight} bytes unpacked, the server keeps {} at most", self.budget);
            return Err(Box::new(Problem::new(Reason::BodyTooLarge, text)));
        }
        let uploaded = (self.now)();
        let expires = uploaded + self.age;
        let chart = api::Chart {
            url: format!("/v1/charts/{digest}"),
            digest: digest.clone(),
            size: archive.len() as u64,
            created_at: uploaded.to_string(),
            expires_at: expires.to_string(),
            metadata: chart_metadata(&loaded.metadata),
        };
        let upload = Upload { chart: chart.clone(), archive, loaded: Arc::new(loaded), weight, uploaded, expires };
        let mut entries = self.lock();
        let new = entries.insert(digest, upload).is_none();
        make_room(&mut entries, self.budget);
        Ok(Added { chart, new })
    }

    /// Returns a chart by its digest, with or without `sha256:`.
    pub(crate) fn get(&self, digest: &str) -> Option<Upload> {
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        self.lock().get(&format!("sha256:{hex}")).cloned()
    }

    /// Returns all charts.
    pub(crate) fn all(&self) -> Vec<Upload> {
        self.lock().values().cloned().collect()
    }

    fn renew(&self, digest: &str) -> Option<api::Chart> {
        let mut entries = self.lock();
        let upload = entries.get_mut(digest)?;
        upload.uploaded = (self.now)();
        upload.expires = upload.uploaded + self.age;
        upload.chart.expires_at = upload.expires.to_string();
        Some(upload.chart.clone())
    }

    /// Locks the store, and forgets what has expired.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        let now = (self.now)();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, upload| upload.expires > now);
        entries
    }
}

/// Reads an archive on a thread that may take its time.
pub(crate) async fn load(archive: Bytes) -> Result<chart::Chart, Box<Problem>> {
    tokio::task::spawn_blocking(move || chart::load_archive(&archive, &chart::Limits::default()))
        .await
        .map_err(crate::reply::internal)?
        .map_err(|error| Box::new(Problem::new(Reason::InvalidChart, error.to_string())))
}

fn make_room(entries: &mut HashMap<String, Upload>, budget: usize) {
    let mut total: usize = entries.values().map(|u| u.weight).sum();
    while total > budget {
        let Some(oldest) = entries.values().min_by_key(|u| u.uploaded).map(|u| (u.chart.digest.clone(), u.weight))
        else {
            return;
        };
        entries.remove(&oldest.0);
        total -= oldest.1;
    }
}

/// The memory that a chart's files take; the raw files are there beside the templates and others.
fn weight(chart: &chart::Chart) -> usize {
    let files = |files: &[chart::File]| files.iter().map(|f| f.data.len() + f.name.len() + 64).sum::<usize>();
    files(&chart.raw)
        + files(&chart.templates)
        + files(&chart.files)
        + chart.dependencies.iter().map(weight).sum::<usize>()
}
