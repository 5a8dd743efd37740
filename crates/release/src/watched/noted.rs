//! A ledger that tells a [`Watched`] what it writes, so that the next list has it without waiting for the watch.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use kube::Client;

use super::Watched;
use crate::error::Error;
use crate::glance::Glance;
use crate::history::{Head, History, Token};
use crate::ledger::{Change, Glances, Ledger, Peeks, Record, Scope, Touched};
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;
use crate::status::Status;

struct Noted {
    ledger: Arc<dyn Ledger>,
    watched: Watched,
}

impl Watched {
    /// The same ledger, which tells what is written through it; so do those made of it for other callers.
    #[must_use]
    pub fn noting(&self, ledger: Arc<dyn Ledger>) -> Arc<dyn Ledger> {
        Arc::new(Noted { ledger, watched: self.clone() })
    }

    fn note(&self, release: &Release, token: &Token) {
        if !self.is_started() {
            return;
        }
        let head = Head {
            key: Key::new(&release.namespace, &release.name, release.version),
            status: release.info.status,
            token: token.clone(),
            labels: release.labels.clone(),
            marks: release.marks.clone(),
            system: BTreeMap::new(),
            misnamed: None,
        };
        if self.0.write().put(head, Some(Glance::of_release(release))) {
            self.0.tell();
        }
    }
}

#[async_trait]
impl Ledger for Noted {
    fn driver(&self) -> &'static str {
        self.ledger.driver()
    }

    fn with_client(&self, client: &Client) -> Arc<dyn Ledger> {
        self.watched.noting(self.ledger.with_client(client))
    }

    fn limit(&self) -> Option<usize> {
        self.ledger.limit()
    }

    async fn create(&self, release: &Release) -> Result<Token, Error> {
        let token = self.ledger.create(release).await?;
        self.watched.note(release, &token);
        Ok(token)
    }

    async fn update(&self, release: &Release, token: &Token) -> Result<Token, Error> {
        let token = self.ledger.update(release, token).await?;
        self.watched.note(release, &token);
        Ok(token)
    }

    async fn get(&self, key: &Key) -> Result<Record, Error> {
        self.ledger.get(key).await
    }

    async fn peek(&self, key: &Key) -> Result<Peek, Error> {
        self.ledger.peek(key).await
    }

    async fn peeks(&self, heads: &[Head]) -> Result<Peeks, Error> {
        self.ledger.peeks(heads).await
    }

    async fn heads_with_peeks(&self, scope: &Scope, statuses: &[&str]) -> Result<(Vec<Head>, Peeks), Error> {
        self.ledger.heads_with_peeks(scope, statuses).await
    }

    async fn glances(&self, wanted: &[(Key, Status)]) -> Result<Glances, Error> {
        self.ledger.glances(wanted).await
    }

    fn follow(&self) -> Option<BoxStream<'static, Result<Change, Error>>> {
        self.ledger.follow()
    }

    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched>, Error> {
        self.ledger.touched(since, until).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.ledger.delete(key).await?;
        if self.watched.0.write().deleted(key) {
            self.watched.0.tell();
        }
        Ok(())
    }

    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        self.ledger.heads(scope, name).await
    }

    async fn history(&self, namespace: &str, name: &str) -> Result<History, Error> {
        self.ledger.history(namespace, name).await
    }
}
