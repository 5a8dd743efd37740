//! Secrets that name clusters: `whipstaff.cluster.NAME` in the server's own namespace.

use std::collections::BTreeMap;

use api::Problem;
use engine::{Engine, Settings};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use sha2::{Digest, Sha256};

use super::kubeconfig::{self, Fault, Reading};
use super::member::ClusterInfo;
use super::{Maker, connect, is_name};
use crate::home::{Home, KIND, NotWritten};
use crate::hosts::Hosts;

/// What the label of the Secrets says.
pub(super) const CLUSTER: &str = "cluster";
const TYPE: &str = "whipstaff.dev/cluster.v1";
const PREFIX: &str = "whipstaff.cluster.";
const KUBECONFIG: &str = "kubeconfig";
const CONTEXT: &str = "context";

/// A cluster as a Secret has it.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// The Secret's version.
    pub(crate) version: String,
    kubeconfig: Option<String>,
    context: Option<String>,
}

impl Stored {
    /// Reads a Secret; `None` when it is of something else.
    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        let name = secret.metadata.name.as_deref().and_then(name_of)?;
        let kind = secret.metadata.labels.as_ref().and_then(|labels| labels.get(KIND));
        if secret.type_.as_deref() != Some(TYPE) || kind.map(String::as_str) != Some(CLUSTER) {
            return None;
        }
        let text = |key: &str| {
            let bytes = secret.data.as_ref()?.get(key)?;
            String::from_utf8(bytes.0.clone()).ok()
        };
        Some(Self {
            name: name.to_owned(),
            version: secret.metadata.resource_version.clone().unwrap_or_default(),
            kubeconfig: text(KUBECONFIG),
            context: text(CONTEXT).map(|text| text.trim().to_owned()),
        })
    }

    /// What stands for all that is said of the cluster.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [&self.kubeconfig, &self.context] {
            hash.update([u8::from(part.is_some())]);
            let text = part.as_deref().unwrap_or_default();
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }

    fn reading(&self, hosts: &Hosts) -> Result<Reading, String> {
        let text = self.kubeconfig.as_deref().ok_or("the Secret has no `kubeconfig` that is text")?;
        let tree = kubeconfig::parse(text).map_err(|fault| fault.in_secret())?;
        kubeconfig::read(&tree, self.context.as_deref(), hosts)
            .map_err(|faults| faults.iter().map(Fault::in_secret).collect::<Vec<_>>().join("; "))
    }

    /// What works on the cluster, and what may be shown of how it is reached.
    pub(super) fn engine(
        &self,
        maker: &Maker,
        settings: &Settings,
        in_config_maps: bool,
    ) -> Result<(Engine, ClusterInfo), String> {
        let reading = self.reading(&maker.hosts)?;
        let client =
            connect::client(&reading.config, &maker.hosts).map_err(|error| crate::problems::innermost(&error))?;
        Ok((maker.engine(client, settings, in_config_maps), reading.info))
    }
}

/// Tells what is wrong with a kubeconfig that only shows when a client is made of it.
pub(crate) fn check(reading: &Reading, hosts: &Hosts) -> Result<(), String> {
    connect::client(&reading.config, hosts).map(|_| ()).map_err(|error| crate::problems::innermost(&error))
}

/// The cluster that a Secret of this name is of.
pub(super) fn name_of(secret: &str) -> Option<&str> {
    secret.strip_prefix(PREFIX).filter(|name| is_name(name))
}

fn secret_name(name: &str) -> String {
    format!("{PREFIX}{name}")
}

impl Home {
    /// Reads the Secret of a cluster.
    pub(crate) async fn cluster(&self, name: &str) -> Result<Option<Secret>, Box<Problem>> {
        self.secret(&secret_name(name)).await
    }

    /// Writes the Secret of a cluster: over the one that was read, or a new one.
    pub(crate) async fn write_cluster(
        &self,
        name: &str,
        there: Option<Secret>,
        text: &str,
    ) -> Result<Secret, NotWritten> {
        let is_new = there.is_none();
        let mut secret = there.unwrap_or_else(|| Secret { type_: Some(TYPE.to_owned()), ..Secret::default() });
        secret.metadata.name = Some(secret_name(name));
        secret.metadata.labels.get_or_insert_default().insert(KIND.to_owned(), CLUSTER.to_owned());
        // What is kept has the one context.
        secret.data = Some(BTreeMap::from([(KUBECONFIG.to_owned(), ByteString(text.as_bytes().to_vec()))]));
        self.write_secret(secret, is_new).await
    }

    /// Deletes the Secret of a cluster, unless somebody has written it meanwhile.
    pub(crate) async fn delete_cluster(&self, name: &str, version: Option<String>) -> Result<(), NotWritten> {
        self.delete_secret(&secret_name(name), version).await
    }
}
