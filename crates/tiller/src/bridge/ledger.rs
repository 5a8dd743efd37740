//! What a Tiller has, as records that can be read. Only Tiller writes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kube::Client;
use release::{Error, Head, Key, Ledger, Marks, Peek, Peeks, Record, Release as Modern, Scope, Token};

use super::{Bridge, BridgeError};
use crate::convert::{convert, status_of};
use crate::hapi::release::Release;
use crate::hapi::release::status::Code;

/// The releases of a Tiller.
#[derive(Clone, Debug)]
pub struct BridgeLedger(Bridge);

impl BridgeLedger {
    /// Reads what a Tiller has.
    pub fn new(bridge: Bridge) -> Self {
        Self(bridge)
    }

    /// The newest revisions, as `helm list --all` asks for them: a revision that is superseded is never the newest.
    async fn newest(&self, scope: &Scope) -> Result<Vec<Release>, Error> {
        let namespace = match scope {
            Scope::All => None,
            Scope::Namespace(namespace) => Some(namespace.as_str()),
        };
        let statuses = [
            Code::Unknown,
            Code::Deployed,
            Code::Deleted,
            Code::Failed,
            Code::Deleting,
            Code::PendingInstall,
            Code::PendingUpgrade,
            Code::PendingRollback,
        ];
        self.0.list(namespace, &statuses).await.map_err(refused)
    }
}

/// The error of a read.
fn refused(error: BridgeError) -> Error {
    match error {
        BridgeError::Unreachable(status) => Error::Unreachable(Box::new(kube::Error::Service(Box::new(status)))),
        error => Error::Database { message: error.to_string(), is_retryable: false },
    }
}

/// What is said to whoever wants to write.
fn unwritten() -> Error {
    Error::Database { message: "only Tiller itself writes its records".to_owned(), is_retryable: false }
}

fn head(release: &Release) -> Option<Head> {
    let revision = u32::try_from(release.version).ok()?;
    Some(Head {
        key: Key::new(&release.namespace, &release.name, revision),
        status: status_of(release.code()),
        token: token(release),
        labels: BTreeMap::new(),
        marks: Marks::default(),
        system: BTreeMap::new(),
        misnamed: None,
    })
}

/// Stands for how a revision is now: Tiller counts no versions, and changes nothing of a revision but this.
fn token(release: &Release) -> Token {
    let at = release.info.as_ref().and_then(|info| info.last_deployed).map_or(0, |at| at.seconds);
    Token(format!("{at}-{}", release.code() as i32))
}

fn modern(release: Release) -> Result<Modern, Error> {
    let name = release.name.clone();
    convert(release).map_err(|error| Error::Database {
        message: format!("release `{name}` of the Tiller cannot be read: {error}"),
        is_retryable: false,
    })
}

fn peek_of(release: Modern) -> Peek {
    Peek { name: release.name, info: release.info, metadata: release.chart.metadata.clone() }
}

#[async_trait]
impl Ledger for BridgeLedger {
    fn driver(&self) -> &'static str {
        "Tiller"
    }

    fn lists_whole(&self) -> bool {
        true
    }

    fn with_client(&self, _client: &Client) -> Arc<dyn Ledger> {
        Arc::new(self.clone())
    }

    async fn create(&self, _release: &Modern) -> Result<Token, Error> {
        Err(unwritten())
    }

    async fn update(&self, _release: &Modern, _token: &Token) -> Result<Token, Error> {
        Err(unwritten())
    }

    async fn delete(&self, _key: &Key) -> Result<(), Error> {
        Err(unwritten())
    }

    async fn get(&self, key: &Key) -> Result<Record, Error> {
        let found = self.0.content(&key.name, key.revision).await.map_err(refused)?;
        // Names are unique among all namespaces of a Tiller.
        let found = found.filter(|release| release.namespace == key.namespace);
        let release = found.ok_or_else(|| Error::NotFound(key.clone()))?;
        let token = token(&release);
        Ok(Record { release: modern(release)?, token })
    }

    async fn peek(&self, key: &Key) -> Result<Peek, Error> {
        Ok(peek_of(self.get(key).await?.release))
    }

    async fn heads_with_peeks(&self, scope: &Scope, _statuses: &[&str]) -> Result<(Vec<Head>, Peeks), Error> {
        let all = self.newest(scope).await?;
        let heads = all.iter().filter_map(head).collect();
        let peeks = all
            .into_iter()
            .filter_map(|release| Some((head(&release)?.key, modern(release).map(peek_of).map(Box::new))));
        Ok((heads, peeks.collect()))
    }

    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        let all = match name {
            Some(name) => self.0.history(name).await.map_err(refused)?,
            None => self.newest(scope).await?,
        };
        let wanted = |head: &Head| match scope {
            Scope::All => true,
            Scope::Namespace(namespace) => head.key.namespace == *namespace,
        };
        Ok(all.iter().filter_map(head).filter(wanted).collect())
    }
}

#[cfg(test)]
mod tests {
    use release::Status;

    use super::*;

    #[test]
    fn a_status_of_tiller_is_one_of_helm_4() {
        let mut release =
            Release { name: "shop".to_owned(), namespace: "web".to_owned(), version: 3, ..Release::default() };
        assert_eq!(head(&release).unwrap().status, Status::Unknown);
        release.info.get_or_insert_default().status.get_or_insert_default().set_code(Code::Deleted);
        let head = head(&release).unwrap();
        assert_eq!((head.status, head.key), (Status::Uninstalled, Key::new("web", "shop", 3)));
        assert!(super::head(&Release { version: -1, ..release }).is_none());
    }
}
