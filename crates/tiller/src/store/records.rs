//! What a Tiller does with its records: reads, lists, makes, writes anew and removes them, as Helm 2.17:
//! `pkg/storage/{storage,driver/cfgmaps}.go`, whose texts clients look for. What Tiller overwrites blindly is compared and swapped.

use std::collections::BTreeMap;
use std::fmt::Debug;

use jiff::Timestamp;
use kube::api::DeleteParams;

use super::Store;
use super::keeper::Kept;
use crate::hapi::release::status::Code;
use crate::hapi::release::{Info, Release};
use crate::record::{self, DecodeError};

/// A record and the version at which it was read or written.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it holds.
    pub release: Release,
    version: Option<String>,
}

impl Stored {
    /// Where it stands.
    pub fn code(&self) -> Code {
        self.release.code()
    }

    /// What is known of it; made when a strange record lacks it.
    pub fn info(&mut self) -> &mut Info {
        self.release.info.get_or_insert_default()
    }

    /// Says where it stands now.
    pub fn set(&mut self, code: Code) {
        self.info().status.get_or_insert_default().set_code(code);
    }
}

/// Why a record cannot be read or written. The texts are Tiller's.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none.
    #[error("release: {0:?} not found")]
    NotFound(String),
    /// There is one already.
    #[error("release: {0:?} already exists")]
    Exists(String),
    /// No revision of the release is deployed.
    #[error("{0:?} has no deployed releases")]
    NoneDeployed(String),
    /// Somebody else has written it since it was read.
    #[error("release: {0:?} was changed by somebody else at the same time")]
    Changed(String),
    /// It cannot be the name of a record.
    #[error("release: {0:?} invalid key")]
    Key(String),
    /// Kubernetes refuses.
    #[error("{}", of_kubernetes(.0))]
    Kubernetes(kube::Error),
    /// It is no record.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It cannot be compressed.
    #[error(transparent)]
    Encode(std::io::Error),
}

/// What Kubernetes says, as a Go client would print it.
fn of_kubernetes(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

impl Store {
    /// Checks that a release of that name can have records.
    ///
    /// # Errors
    /// [`RecordError::Key`].
    pub fn check_name(&self, name: &str) -> Result<(), RecordError> {
        key(name, 1).map(drop)
    }

    /// Reads one revision.
    ///
    /// # Errors
    /// [`RecordError::NotFound`], and refusals.
    pub async fn read(&self, name: &str, revision: i32) -> Result<Stored, RecordError> {
        let key = key(name, revision)?;
        match self.keeper().get(&key).await {
            Ok(kept) => opened(kept).map_err(|(_, error)| error.into()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(RecordError::NotFound(key)),
            Err(error) => Err(RecordError::Kubernetes(error)),
        }
    }

    /// Reads all revisions of a release, the oldest first. What cannot be read is left out and told of in the log.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] when there is none, and refusals.
    pub async fn history(&self, name: &str) -> Result<Vec<Stored>, RecordError> {
        key(name, 1)?;
        let mut found = 0;
        let mut all = self.query(&format!("NAME={name},OWNER=TILLER"), &mut found, |_| true).await?;
        if found == 0 {
            return Err(RecordError::NotFound(name.to_owned()));
        }
        all.sort_by_key(|stored| stored.release.version);
        Ok(all)
    }

    /// Reads the newest revision of a release.
    ///
    /// # Errors
    /// [`RecordError::NotFound`] when there is none, and refusals.
    pub async fn last(&self, name: &str) -> Result<Stored, RecordError> {
        self.history(name).await?.pop().ok_or_else(|| RecordError::NotFound(name.to_owned()))
    }

    /// Reads the revisions of a release that are deployed, the oldest first; there may be none.
    ///
    /// # Errors
    /// Refusals.
    pub async fn deployed_all(&self, name: &str) -> Result<Vec<Stored>, RecordError> {
        key(name, 1)?;
        let selector = format!("NAME={name},OWNER=TILLER,STATUS=DEPLOYED");
        let mut all = self.query(&selector, &mut 0, |_| true).await?;
        all.sort_by_key(|stored| stored.release.version);
        Ok(all)
    }

    /// Reads the newest revision of a release that is deployed.
    ///
    /// # Errors
    /// [`RecordError::NoneDeployed`], and refusals.
    pub async fn deployed(&self, name: &str) -> Result<Stored, RecordError> {
        self.deployed_all(name).await?.pop().ok_or_else(|| RecordError::NoneDeployed(name.to_owned()))
    }

    /// Reads all revisions of all releases that are wanted, in the order in which Kubernetes has them.
    ///
    /// # Errors
    /// Refusals.
    pub async fn all(&self, wanted: impl Fn(&Release) -> bool) -> Result<Vec<Release>, RecordError> {
        let all = self.query("OWNER=TILLER", &mut 0, wanted).await?;
        Ok(all.into_iter().map(|stored| stored.release).collect())
    }

    /// Makes the record of a revision.
    ///
    /// # Errors
    /// [`RecordError::Exists`], and refusals.
    pub async fn create(&self, release: Release, now: Timestamp) -> Result<Stored, RecordError> {
        let key = key(&release.name, release.version)?;
        let text = record::encode(&release).map_err(RecordError::Encode)?;
        match self.keeper().create(&key, labels(&release, "CREATED_AT", now), text).await {
            Ok(version) => Ok(Stored { release, version }),
            Err(kube::Error::Api(status)) if status.is_already_exists() => Err(RecordError::Exists(key)),
            Err(error) => Err(RecordError::Kubernetes(error)),
        }
    }

    /// Writes a record anew, if it is as it was when it was read.
    ///
    /// # Errors
    /// [`RecordError::Changed`], and refusals.
    pub async fn update(&self, stored: &mut Stored, now: Timestamp) -> Result<(), RecordError> {
        let key = key(&stored.release.name, stored.release.version)?;
        let text = record::encode(&stored.release).map_err(RecordError::Encode)?;
        let labels = labels(&stored.release, "MODIFIED_AT", now);
        match self.keeper().replace(&key, stored.version.clone(), labels, text).await {
            Ok(version) => {
                stored.version = version;
                Ok(())
            }
            Err(kube::Error::Api(status)) if status.is_conflict() => Err(RecordError::Changed(key)),
            Err(error) => Err(RecordError::Kubernetes(error)),
        }
    }

    /// Removes the record of a revision.
    ///
    /// # Errors
    /// [`RecordError::NotFound`], and refusals.
    pub async fn delete(&self, name: &str, revision: i32) -> Result<(), RecordError> {
        let key = key(name, revision)?;
        match self.keeper().delete(&key, &DeleteParams::default()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(RecordError::NotFound(key)),
            other => other.map_err(RecordError::Kubernetes),
        }
    }

    async fn query(
        &self,
        selector: &str,
        found: &mut usize,
        wanted: impl Fn(&Release) -> bool,
    ) -> Result<Vec<Stored>, RecordError> {
        let mut all = Vec::new();
        let take = |kept: Kept| {
            *found += 1;
            match opened(kept) {
                Ok(stored) if wanted(&stored.release) => all.push(stored),
                Ok(_) => {}
                Err((object, error)) => tracing::warn!(object, %error, "a record of Tiller cannot be read"),
            }
        };
        self.keeper().each(selector, take).await.map_err(RecordError::Kubernetes)?;
        Ok(all)
    }
}

fn opened(kept: Kept) -> Result<Stored, (String, DecodeError)> {
    let read = kept.text.ok_or(DecodeError::Missing).and_then(|text| record::decode(&text));
    match read {
        Ok(release) => Ok(Stored { release, version: kept.version }),
        Err(error) => Err((kept.object, error)),
    }
}

/// The name of a record. It is part of paths and selectors, so what could mean something else there is refused.
fn key(name: &str, revision: i32) -> Result<String, RecordError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_name = !name.is_empty() && name.len() <= 63 && name.chars().all(fits) && !name.starts_with('.');
    let key = format!("{name}.v{revision}");
    if is_name { Ok(key) } else { Err(RecordError::Key(key)) }
}

fn labels(release: &Release, when: &str, now: Timestamp) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("NAME".to_owned(), release.name.clone()),
        ("OWNER".to_owned(), "TILLER".to_owned()),
        ("STATUS".to_owned(), release.code().as_str_name().to_owned()),
        ("VERSION".to_owned(), release.version.to_string()),
        (when.to_owned(), now.as_second().to_string()),
    ])
}
