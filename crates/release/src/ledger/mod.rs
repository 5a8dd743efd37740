//! Where records are kept.

mod configmap;
mod follow;
mod kubernetes;
mod memory;
mod past;
mod secret;
mod sql;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use jiff::Timestamp;
use kube::Client;
use serde::{Deserialize, Serialize};

pub use configmap::ConfigMapLedger;
pub use memory::MemoryLedger;
pub use past::{Past, past};
pub use secret::SecretLedger;
pub use sql::SqlLedger;

use crate::codec::MAX_ENCODED;
use crate::error::Error;
use crate::glance::Glance;
use crate::history::{Head, History, Token};
use crate::marks::Marks;
use crate::name::{Key, validate_name};
use crate::peek::Peek;
use crate::record::Release;
use crate::status::Status;

/// Tells the time for the labels `createdAt` and `modifiedAt`.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a list shows of records, or why one cannot be read.
pub type Peeks = Vec<(Key, Result<Box<Peek>, Error>)>;

/// The little that a list shows of records, or why one cannot be read.
pub type Glances = Vec<(Key, Result<Glance, Error>)>;

/// What is told to whoever follows the records of all namespaces.
#[derive(Clone, Debug)]
pub enum Change {
    /// A list begins, and what it leaves out is gone.
    Begin,
    /// These are there, or have changed.
    Heads(Vec<Head>),
    /// The list is complete as of this version; from here on, changes are told one by one.
    Complete(Token),
    /// One is gone, as of this version.
    Gone(Key, Token),
    /// Nothing has changed up to this version.
    Alive(Token),
}

/// Which records were touched in a span of time.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Each as it was last told of, with the version of that; in no order. Those that are gone are among them.
    pub heads: Vec<Head>,
    /// The version up to which the cluster has said that this is all.
    pub reached: u64,
}

/// Which namespaces to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// One.
    Namespace(String),
}

/// A record with the version it was read at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The release.
    #[serde(with = "crate::whole")]
    pub release: Release,
    /// For [`Ledger::update`].
    pub token: Token,
}

/// A store of records, in the name of one caller.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// The store's name as Helm calls it (`Secret`, `ConfigMap`, `Memory`, `SQL`).
    fn driver(&self) -> &'static str;

    /// The same store in the name of another caller; one outside the cluster knows no callers and is the same for all.
    fn with_client(&self, client: &Client) -> Arc<dyn Ledger>;

    /// The most bytes that an encoded record may have; `None` for as many as it takes.
    fn limit(&self) -> Option<usize> {
        Some(MAX_ENCODED)
    }

    /// Writes a new record. It fails with [`Error::AlreadyExists`] when the revision is there, which is the lock
    /// between concurrent changes of one release, Helm's included.
    async fn create(&self, release: &Release) -> Result<Token, Error>;

    /// Replaces a record; it fails with [`Error::Conflict`] when someone has changed it since `token` was given out.
    async fn update(&self, release: &Release, token: &Token) -> Result<Token, Error>;

    /// Reads a record whole.
    async fn get(&self, key: &Key) -> Result<Record, Error>;

    /// Reads what a list shows of a record.
    async fn peek(&self, key: &Key) -> Result<Peek, Error>;

    /// Whether a list of records brings all of them whole, so that nothing is won by opening only those that are shown.
    fn lists_whole(&self) -> bool {
        false
    }

    /// Reads what a list shows of many records, as far as that is cheaper than to read each; in no order, and what is left
    /// out is read on its own.
    async fn peeks(&self, heads: &[Head]) -> Result<Peeks, Error> {
        let _ = heads;
        Ok(Vec::new())
    }

    /// Lists all heads, and reads what a list shows of those records that have one of some statuses, as far as that is
    /// cheaper than one after the other.
    async fn heads_with_peeks(&self, scope: &Scope, statuses: &[&str]) -> Result<(Vec<Head>, Peeks), Error> {
        let _ = statuses;
        Ok((self.heads(scope, None).await?, Vec::new()))
    }

    /// Reads the little that a list shows of many records, of each by its key and status; in no order, and what is left out
    /// is gone, or is read on its own.
    async fn glances(&self, wanted: &[(Key, Status)]) -> Result<Glances, Error> {
        let _ = wanted;
        Ok(Vec::new())
    }

    /// Follows the records of all namespaces for as long as it is listened to; after an error it goes on once it is asked for more,
    /// not at once. `None` where nobody tells of changes.
    fn follow(&self) -> Option<BoxStream<'static, Result<Change, Error>>> {
        None
    }

    /// Finds out which records of all namespaces were written or removed after a version, up to another; `None` where nobody knows
    /// that (any more).
    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched>, Error> {
        let _ = (since, until);
        Ok(None)
    }

    /// Removes a record.
    async fn delete(&self, key: &Key) -> Result<(), Error>;

    /// Lists what records say without being opened, of one name or of all, in no order.
    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error>;

    /// Lists the revisions of one release, oldest first; empty when there is no such release.
    async fn history(&self, namespace: &str, name: &str) -> Result<History, Error> {
        validate_name(name)?;
        Ok(History::new(self.heads(&Scope::Namespace(namespace.to_owned()), Some(name)).await?))
    }
}

/// The labels that only the ledger sets, as Helm 4.3: `pkg/storage/driver/util.go`.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// Checks that a user's labels are none of Helm's own.
///
/// # Errors
/// [`Error::SystemLabel`], in Helm's words.
pub fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), Error> {
    match labels.keys().find(|key| SYSTEM_LABELS.contains(&key.as_str())) {
        Some(key) => Err(Error::SystemLabel(key.clone())),
        None => Ok(()),
    }
}

/// What happened to the record, as the label says that keeps the time.
#[derive(Clone, Copy)]
enum Stamp {
    Created,
    Modified,
}

/// The labels of a stored record.
fn labels(release: &Release, stamp: Stamp, at: Timestamp) -> BTreeMap<String, String> {
    let mut labels = release.labels.clone();
    let stamp = match stamp {
        Stamp::Created => "createdAt",
        Stamp::Modified => "modifiedAt",
    };
    labels.insert(stamp.to_owned(), at.as_second().to_string());
    labels.insert("name".to_owned(), release.name.clone());
    labels.insert("owner".to_owned(), "helm".to_owned());
    labels.insert("status".to_owned(), release.info.status.to_string());
    labels.insert("version".to_owned(), release.version.to_string());
    labels
}

/// Parts the user's labels from Helm's own.
fn user_labels(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    labels.retain(|key, _| !SYSTEM_LABELS.contains(&key.as_str()));
    labels
}

/// Reads the head of a stored object from its name, labels and marks.
fn head(namespace: &str, object: &str, token: Token, labels: BTreeMap<String, String>, marks: Marks) -> Head {
    let label = |key: &str| labels.get(key).map(String::as_str);
    let named = Key::from_object_name(namespace, object);
    let misnamed = named.is_none().then(|| object.to_owned());
    let key = named.unwrap_or_else(|| {
        let revision = label("version").and_then(|text| text.parse().ok()).unwrap_or_default();
        Key::new(namespace, label("name").unwrap_or(object), revision)
    });
    let status: Status = label("status").and_then(|text| text.parse().ok()).unwrap_or_default();
    let (system, labels) = labels.into_iter().partition(|(key, _)| SYSTEM_LABELS.contains(&key.as_str()));
    Head { key, status, token, labels, marks, system, misnamed }
}

/// The key of a release, once it is known that it can be stored.
fn storable(release: &Release) -> Result<Key, Error> {
    validate_name(&release.name)?;
    check_labels(&release.labels)?;
    Ok(Key::new(&release.namespace, &release.name, release.version))
}
