//! Reading releases.

use release::{Head, Item, Key, Ledger, ListFilter, Record, Scope};

use crate::engine::{Engine, PARALLEL};
use crate::error::Error;
use crate::intent::Target;

impl Engine {
    /// Reads a release at a revision, or its last.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::NoRevision`], and what the cluster says.
    pub async fn get(&self, target: &Target, revision: Option<u32>) -> Result<Record, Error> {
        let key = |revision| Key::new(&target.namespace, &target.name, revision);
        let found = match revision {
            Some(revision) => self.named(target, self.ledger.get(&key(revision)).await),
            None => {
                let history = self.checked_history(target, None).await?;
                let last = history.last().ok_or_else(|| Error::NotFound(target.clone()))?;
                self.named(target, self.ledger.get(&last.key).await)
            }
        };
        match (found, revision) {
            (Err(Error::NotFound(_)), Some(revision)) => {
                let history = self.checked_history(target, None).await?;
                Err(if history.is_empty() { Error::NotFound(target.clone()) } else { Error::NoRevision(revision) })
            }
            (found, _) => found,
        }
    }

    fn named(&self, target: &Target, found: Result<Record, release::Error>) -> Result<Record, Error> {
        found.map_err(|error| match error {
            release::Error::NotFound(_) => Error::NotFound(target.clone()),
            release::Error::Name(source) => Error::Name { name: target.name.clone(), source },
            error => Error::Ledger(error),
        })
    }

    /// Reads what the revisions of a release say of themselves, oldest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], and what the cluster says.
    pub async fn history(&self, target: &Target) -> Result<Vec<Item>, Error> {
        let history = self.checked_history(target, None).await?;
        if history.is_empty() {
            return Err(Error::NotFound(target.clone()));
        }
        self.open(history.heads().to_vec()).await
    }

    /// Finds the releases that a filter wants, ordered by name and namespace, without opening their records.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn heads(&self, scope: &Scope, filter: &ListFilter) -> Result<Vec<Head>, Error> {
        Ok(filter.pick(self.ledger.heads(scope, None).await?))
    }

    /// Opens records for a list; one that cannot be read is an item that says so.
    ///
    /// # Errors
    /// What the cluster says.
    pub async fn open(&self, heads: Vec<Head>) -> Result<Vec<Item>, Error> {
        let ledger: &dyn Ledger = self.ledger.as_ref();
        Ok(release::open(ledger, heads, PARALLEL).await?)
    }
}
