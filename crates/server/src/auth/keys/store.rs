//! Making, listing and revoking keys.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, PostParams};

use super::{KIND, Key, NAME};
use crate::auth::is_ordinary;

/// Why a key was not made, listed or revoked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A user or a group that a key must not stand for.
    #[error("`{0}` is no user or group that a key may stand for: names that begin with `system:` are Kubernetes' own")]
    NotOrdinary(String),
    /// There is no such key.
    #[error("there is no key `{0}`")]
    NotFound(String),
    /// There is no randomness to make keys from.
    #[error("the system has no random numbers")]
    NotRandom,
    /// The cluster has refused.
    #[error("{0}")]
    Cluster(#[from] Box<kube::Error>),
}

/// The keys of a namespace.
#[derive(Clone)]
pub struct Store(Api<Secret>);

impl Store {
    /// The keys of a namespace.
    #[must_use]
    pub fn new(client: Client, namespace: &str) -> Self {
        Self(Api::namespaced(client, namespace))
    }

    /// Makes a key that stands for a user, and returns it with the text that is not kept anywhere.
    ///
    /// # Errors
    ///
    /// When the user or a group is one of Kubernetes' own, or the cluster refuses.
    pub async fn create(
        &self,
        user: &str,
        groups: &[String],
        now: Timestamp,
        expires: Option<Timestamp>,
    ) -> Result<(Key, String), Error> {
        if let Some(wrong) = [user].into_iter().chain(groups.iter().map(String::as_str)).find(|name| !is_ordinary(name))
        {
            return Err(Error::NotOrdinary(wrong.to_owned()));
        }
        let (key, text) = Key::make(user, groups, now, expires).ok_or(Error::NotRandom)?;
        self.0.create(&PostParams::default(), &key.secret()).await.map_err(Box::new)?;
        Ok((key, text))
    }

    /// Returns the keys, those that were made first in front.
    ///
    /// # Errors
    ///
    /// When the cluster refuses.
    pub async fn list(&self) -> Result<Vec<Key>, Error> {
        let wanted = ListParams::default().labels(&format!("{}={}", KIND.0, KIND.1));
        let found = self.0.list(&wanted).await.map_err(Box::new)?;
        let mut keys: Vec<Key> = found.items.iter().filter_map(Key::read).collect();
        keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(keys)
    }

    /// Deletes a key, so that it opens nothing any more.
    ///
    /// # Errors
    ///
    /// When there is none, or the cluster refuses.
    pub async fn revoke(&self, id: &str) -> Result<(), Error> {
        // Only what is a key: the id comes from a person, and there are other Secrets.
        if !self.list().await?.iter().any(|key| key.id == id) {
            return Err(Error::NotFound(id.to_owned()));
        }
        self.0.delete(&format!("{NAME}{id}"), &DeleteParams::default()).await.map_err(Box::new)?;
        Ok(())
    }
}
