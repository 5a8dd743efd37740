//! Records in memory, for tests and for renders that only pretend.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use kube::Client;

use super::{Clock, Ledger, Record, Scope, Stamp, head, labels, storable, user_labels};
use crate::codec::{self, MAX_ENCODED};
use crate::error::Error;
use crate::history::{Head, Token};
use crate::marks::Marks;
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;
use crate::size;

/// Keeps records in memory, encoded as they would be stored; clones share them.
#[derive(Clone)]
pub struct MemoryLedger {
    clock: Clock,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    written: u64,
    records: BTreeMap<Key, Kept>,
}

#[derive(Clone)]
struct Kept {
    token: Token,
    labels: BTreeMap<String, String>,
    marks: Marks,
    text: String,
}

impl MemoryLedger {
    /// Makes an empty ledger.
    pub fn new(clock: Clock) -> Self {
        Self { clock, shelf: Arc::default() }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, key: &Key) -> Result<Kept, Error> {
        self.shelf().records.get(key).cloned().ok_or_else(|| Error::NotFound(key.clone()))
    }

    fn pack(&self, release: &Release, key: &Key, stamp: Stamp) -> Result<Kept, Error> {
        let text = codec::encode(release).map_err(|source| Error::Encode { key: key.clone(), source })?;
        if text.len() > MAX_ENCODED {
            return Err(size::too_large(release, text.len()).into());
        }
        Ok(Kept {
            token: Token::default(),
            labels: labels(release, stamp, (self.clock)()),
            marks: release.marks.clone(),
            text,
        })
    }
}

impl Shelf {
    fn put(&mut self, key: Key, mut kept: Kept) -> Token {
        self.written += 1;
        kept.token = Token(self.written.to_string());
        let token = kept.token.clone();
        self.records.insert(key, kept);
        token
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    fn driver(&self) -> &'static str {
        "Memory"
    }

    fn with_client(&self, _client: &Client) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    async fn create(&self, release: &Release) -> Result<Token, Error> {
        let key = storable(release)?;
        let kept = self.pack(release, &key, Stamp::Created)?;
        let mut shelf = self.shelf();
        if shelf.records.contains_key(&key) {
            return Err(Error::AlreadyExists(key));
        }
        Ok(shelf.put(key, kept))
    }

    async fn update(&self, release: &Release, token: &Token) -> Result<Token, Error> {
        let key = storable(release)?;
        let kept = self.pack(release, &key, Stamp::Modified)?;
        let mut shelf = self.shelf();
        match shelf.records.get(&key) {
            None => Err(Error::NotFound(key)),
            Some(there) if there.token != *token => Err(Error::Conflict(key)),
            Some(_) => Ok(shelf.put(key, kept)),
        }
    }

    async fn get(&self, key: &Key) -> Result<Record, Error> {
        let kept = self.kept(key)?;
        let mut release =
            codec::decode(kept.text.as_bytes()).map_err(|source| Error::Decode { key: key.clone(), source })?;
        release.labels = user_labels(kept.labels);
        release.marks = kept.marks;
        Ok(Record { release, token: kept.token })
    }

    async fn peek(&self, key: &Key) -> Result<Peek, Error> {
        let kept = self.kept(key)?;
        codec::peek(kept.text.as_bytes()).map_err(|source| Error::Decode { key: key.clone(), source })
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.shelf().records.remove(key).map(|_| ()).ok_or_else(|| Error::NotFound(key.clone()))
    }

    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        let wanted = |key: &Key| {
            name.is_none_or(|name| key.name == name)
                && match scope {
                    Scope::All => true,
                    Scope::Namespace(namespace) => key.namespace == *namespace,
                }
        };
        let shelf = self.shelf();
        let records = shelf.records.iter().filter(|(key, _)| wanted(key));
        Ok(records
            .map(|(key, kept)| {
                head(&key.namespace, &key.object_name(), kept.token.clone(), kept.labels.clone(), kept.marks.clone())
            })
            .collect())
    }
}
