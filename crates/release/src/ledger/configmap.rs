//! Records in ConfigMaps.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::ObjectMeta;

use super::follow::{follow, touched};
use super::kubernetes::{Keeper, Store};
use super::{Change, Clock, Glances, Ledger, Peeks, Record, Scope, Touched};
use crate::error::Error;
use crate::history::{Head, Token};
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;
use crate::status::Status;

/// Keeps every record in a ConfigMap, as Helm 4.3: `pkg/storage/driver/cfgmaps.go`.
#[derive(Clone)]
pub struct ConfigMapLedger(Store);

impl ConfigMapLedger {
    /// Makes a ledger over a client; what the client may do is what the ledger may do.
    pub fn new(client: Client, clock: Clock) -> Self {
        Self(Store::new(client, clock))
    }
}

#[async_trait]
impl Ledger for ConfigMapLedger {
    fn driver(&self) -> &'static str {
        ConfigMap::DRIVER
    }

    fn with_client(&self, client: &Client) -> Arc<dyn Ledger> {
        Arc::new(Self(self.0.with_client(client.clone())))
    }

    async fn create(&self, release: &Release) -> Result<Token, Error> {
        self.0.create::<ConfigMap>(release).await
    }

    async fn update(&self, release: &Release, token: &Token) -> Result<Token, Error> {
        self.0.update::<ConfigMap>(release, token).await
    }

    async fn get(&self, key: &Key) -> Result<Record, Error> {
        self.0.get::<ConfigMap>(key).await
    }

    async fn peek(&self, key: &Key) -> Result<Peek, Error> {
        self.0.peek::<ConfigMap>(key).await
    }

    async fn peeks(&self, heads: &[Head]) -> Result<Peeks, Error> {
        self.0.peeks::<ConfigMap>(heads).await
    }

    async fn heads_with_peeks(&self, scope: &Scope, statuses: &[&str]) -> Result<(Vec<Head>, Peeks), Error> {
        self.0.heads_with_peeks::<ConfigMap>(scope, statuses).await
    }

    async fn glances(&self, wanted: &[(Key, Status)]) -> Result<Glances, Error> {
        self.0.glances::<ConfigMap>(wanted).await
    }

    fn follow(&self) -> Option<BoxStream<'static, Result<Change, Error>>> {
        Some(follow::<ConfigMap>(self.0.clone()))
    }

    async fn touched(&self, since: u64, until: u64) -> Result<Option<Touched>, Error> {
        touched::<ConfigMap>(&self.0, since, until).await
    }

    async fn delete(&self, key: &Key) -> Result<(), Error> {
        self.0.delete::<ConfigMap>(key).await
    }

    async fn heads(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        self.0.heads::<ConfigMap>(scope, name).await
    }
}

impl Keeper for ConfigMap {
    const DRIVER: &'static str = "ConfigMap";

    fn keep(metadata: ObjectMeta, text: String) -> Self {
        Self { metadata, data: Some(BTreeMap::from([("release".to_owned(), text)])), ..Self::default() }
    }

    fn kept(&self) -> Option<&[u8]> {
        self.data.as_ref()?.get("release").map(String::as_bytes)
    }
}
