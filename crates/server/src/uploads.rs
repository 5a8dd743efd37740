//! Uploaded charts by the digest of their archive: in Secrets of the server's own namespace, which all replicas share, and in
//! memory, loaded, as many as there is room for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::{Problem, Reason};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::config::{Clock, Config};
use crate::convert::chart_metadata;
use crate::home::Home;
use crate::repositories::Fetched;

/// What an uploaded archive is among the things that the server keeps.
const KIND: &str = "chart";
/// The most users that are noted of one archive; those who uploaded it longest ago are forgotten, and know its digest still.
const MOST_USERS: usize = 64;
/// Who has uploaded what was fetched.
const NOBODY: &str = "";

/// The store; in memory, charts beyond its budget push out those that were uploaded longest ago.
pub(crate) struct Uploads {
    home: Home,
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
    by: Vec<String>,
    weight: usize,
    uploaded: Timestamp,
    expires: Timestamp,
}

/// What is noted beside an archive.
#[derive(Deserialize, Serialize)]
struct Note {
    #[serde(flatten)]
    chart: api::Chart,
    /// Who has uploaded it, the last one last; nobody where it is not asked who somebody is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    by: Vec<String>,
}

impl Note {
    /// Tells whether a list shows it to a user: one's own, and what is nobody's.
    fn is_for(&self, user: Option<&str>, now: Timestamp) -> bool {
        let fetched = self.by.iter().all(|by| by == NOBODY) && !self.by.is_empty();
        let own = self.by.is_empty() || user.is_none_or(|user| self.by.iter().any(|by| by == user));
        own && !fetched && self.chart.expires_at.parse::<Timestamp>().is_ok_and(|at| at > now)
    }
}

/// What became of an upload.
pub(crate) struct Added {
    pub(crate) chart: api::Chart,
    /// Whether it was not there before.
    pub(crate) new: bool,
}

impl Uploads {
    pub(crate) fn new(config: &Config, home: Home) -> Self {
        Self {
            home,
            entries: Mutex::default(),
            budget: config.limits.charts_total_bytes,
            age: config.retention,
            now: config.now.clone(),
        }
    }

    /// Takes in an archive; the same one again begins a new day.
    pub(crate) async fn add(&self, archive: Bytes, user: Option<&str>) -> Result<Added, Box<Problem>> {
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&archive)));
        let known = self.get(&digest).await;
        let (loaded, new) = match &known {
            Some(upload) => (upload.loaded.clone(), false),
            None => (Arc::new(load(archive.clone()).await?), true),
        };
        let by = uploaders(known.as_ref().map(|upload| upload.by.clone()), user);
        let chart = self.again(known, archive, digest, loaded, by).await?;
        Ok(Added { chart, new })
    }

    /// Keeps a chart that was fetched for a change as long as an upload; lists do not show it.
    pub(crate) async fn keep(&self, fetched: &Fetched) -> Result<(), Box<Problem>> {
        let known = self.get(&fetched.digest).await;
        let by = known.as_ref().map_or_else(|| vec![NOBODY.to_owned()], |known| known.by.clone());
        let (archive, digest) = (fetched.archive.clone(), fetched.digest.clone());
        self.again(known, archive, digest, fetched.loaded.clone(), by).await.map(drop)
    }

    /// Keeps a chart from now on for as long as charts are kept; one that is known has been there since it came first.
    async fn again(
        &self,
        known: Option<Upload>,
        archive: Bytes,
        digest: String,
        loaded: Arc<chart::Chart>,
        by: Vec<String>,
    ) -> Result<api::Chart, Box<Problem>> {
        let now = (self.now)();
        let created = known.as_ref().and_then(|upload| upload.chart.created_at.parse().ok()).unwrap_or(now);
        let upload = Upload { by, ..self.upload(archive, digest, loaded, created, now + self.age)? };
        self.share(&upload, known.is_none()).await;
        let chart = upload.chart.clone();
        self.put(upload);
        Ok(chart)
    }

    fn upload(
        &self,
        archive: Bytes,
        digest: String,
        loaded: Arc<chart::Chart>,
        created: Timestamp,
        expires: Timestamp,
    ) -> Result<Upload, Box<Problem>> {
        let weight = archive.len() + weight(&loaded);
        if weight > self.budget {
            let text = format!("the chart takes {weight} bytes unpacked, the server keeps {} at most", self.budget);
            return Err(Box::new(Problem::new(Reason::BodyTooLarge, text)));
        }
        let chart = api::Chart {
            url: format!("/v1/charts/{digest}"),
            digest,
            size: archive.len() as u64,
            created_at: created.to_string(),
            expires_at: expires.to_string(),
            metadata: chart_metadata(&loaded.metadata),
        };
        Ok(Upload { chart, archive, loaded, by: Vec::new(), weight, uploaded: expires - self.age, expires })
    }

    fn put(&self, upload: Upload) {
        let mut entries = self.lock();
        entries.insert(upload.chart.digest.clone(), upload);
        make_room(&mut entries, self.budget);
    }

    /// Keeps an archive for all replicas. Where that cannot be done it is kept here alone: what needs no cluster works without
    /// one.
    async fn share(&self, upload: &Upload, new: bool) {
        let name = name(&upload.chart.digest);
        let note = serde_json::to_string(&upload.note()).unwrap_or_default();
        let done = match new {
            true => self.home.save(KIND, &name, note, &upload.archive).await,
            false => self.home.annotate(&name, &note).await,
        };
        if let Err(problem) = done {
            let digest = &upload.chart.digest;
            tracing::warn!(digest, detail = problem.detail, "an uploaded chart is known to this server alone");
        }
    }

    /// Returns a chart by its digest, with or without `sha256:`; where the cluster does not say whether another replica has
    /// it, there is none.
    pub(crate) async fn get(&self, digest: &str) -> Option<Upload> {
        self.find(digest).await.unwrap_or_else(|problem| {
            tracing::debug!(digest, detail = problem.detail, "an uploaded chart could not be looked for");
            None
        })
    }

    /// Returns a chart by its digest, with or without `sha256:`.
    pub(crate) async fn find(&self, digest: &str) -> Result<Option<Upload>, Box<Problem>> {
        let hex = digest.strip_prefix("sha256:").unwrap_or(digest).to_ascii_lowercase();
        let digest = format!("sha256:{hex}");
        let known = self.lock().get(&digest).cloned();
        if known.is_some() || hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(known);
        }
        self.fetch(&digest).await
    }

    /// Reads a chart that another replica has taken in.
    async fn fetch(&self, digest: &str) -> Result<Option<Upload>, Box<Problem>> {
        let Some((note, archive)) = self.home.load(&name(digest)).await? else { return Ok(None) };
        let Ok(Note { chart, by }) = serde_json::from_str(&note) else { return Ok(None) };
        let intact = format!("sha256:{}", hex::encode(Sha256::digest(&archive))) == digest;
        let (Ok(created), Ok(expires), true) = (chart.created_at.parse(), chart.expires_at.parse(), intact) else {
            return Ok(None);
        };
        if expires <= (self.now)() {
            return Ok(None);
        }
        let loaded = Arc::new(load(archive.clone()).await?);
        let upload = Upload { by, ..self.upload(archive, digest.to_owned(), loaded, created, expires)? };
        self.put(upload.clone());
        Ok(Some(upload))
    }

    /// Returns the charts that a user has uploaded, and those that are nobody's: who knows the digest of another one may use it, but
    /// a list is not where to learn it. Where nobody is asked who they are, everything is everybody's.
    pub(crate) async fn of(&self, user: Option<&str>) -> Vec<api::Chart> {
        let mut all: BTreeMap<String, Note> = BTreeMap::new();
        match self.home.notes(KIND).await {
            Ok(notes) => {
                let notes = notes.iter().filter_map(|(_, note)| serde_json::from_str::<Note>(note).ok());
                all.extend(notes.map(|note| (note.chart.digest.clone(), note)));
            }
            Err(problem) => tracing::debug!(detail = problem.detail, "only the charts of this server are known"),
        }
        for upload in self.lock().values() {
            let note = all.entry(upload.chart.digest.clone()).or_insert_with(|| upload.note());
            // What was just uploaded may not have been written down, and others may have uploaded it since.
            note.by.extend(upload.by.iter().cloned());
        }
        let now = (self.now)();
        all.into_values().filter(|note| note.is_for(user, now)).map(|note| note.chart).collect()
    }

    /// How many charts are in memory, and the bytes of their archives.
    pub(crate) fn loaded(&self) -> (usize, usize) {
        let entries = self.lock();
        (entries.len(), entries.values().map(|upload| upload.archive.len()).sum())
    }

    /// Drops the archives whose day is over.
    pub(crate) async fn sweep(&self) {
        let Ok(notes) = self.home.notes(KIND).await else { return };
        let now = (self.now)();
        for (name, note) in notes {
            let chart = serde_json::from_str::<api::Chart>(&note);
            let over = chart.is_ok_and(|chart| chart.expires_at.parse::<Timestamp>().is_ok_and(|at| at <= now));
            if over && let Err(problem) = self.home.discard(&name).await {
                tracing::debug!(name, detail = problem.detail, "an old chart stays for now");
            }
        }
    }

    /// Locks the store, and forgets what has expired.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Upload>> {
        let now = (self.now)();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, upload| upload.expires > now);
        entries
    }
}

impl Upload {
    fn note(&self) -> Note {
        Note { chart: self.chart.clone(), by: self.by.clone() }
    }
}

/// Who has uploaded an archive, now that somebody has. What was nobody's stays so.
fn uploaders(known: Option<Vec<String>>, user: Option<&str>) -> Vec<String> {
    let mut by = match (known, user) {
        (Some(known), _) if known.is_empty() => return known,
        (_, None) => return Vec::new(),
        (known, Some(user)) => {
            let mut by = known.unwrap_or_default();
            by.retain(|known| known != user);
            by.push(user.to_owned());
            by
        }
    };
    by.drain(..by.len().saturating_sub(MOST_USERS));
    by
}

/// The name that an archive is kept under.
fn name(digest: &str) -> String {
    format!("whipstaff.chart.{}", digest.strip_prefix("sha256:").unwrap_or(digest))
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
pub(crate) fn weight(chart: &chart::Chart) -> usize {
    let files = |files: &[chart::File]| files.iter().map(|f| f.data.len() + f.name.len() + 64).sum::<usize>();
    files(&chart.raw)
        + files(&chart.templates)
        + files(&chart.files)
        + chart.dependencies.iter().map(weight).sum::<usize>()
}
