//! Where Tiller keeps its records: one ConfigMap or Secret for each revision, all in Tiller's namespace, as Helm 2.17:
//! `pkg/storage/driver/{cfgmaps,secrets}.go`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::{Client, ResourceExt};
use serde_json::json;

use crate::error::Error;
use crate::hapi::release::Release;
use crate::record::{self, DecodeError};

/// The namespace that Tiller is in if nobody says otherwise.
pub const DEFAULT_NAMESPACE: &str = "kube-system";

/// The annotation of a record that was brought over to Helm 4; its value says since when.
const BROUGHT: &str = "whipstaff.dev/migrated-at";

/// How many heads are asked for at once.
const PAGE: u32 = 500;

/// In what Tiller keeps its records (its `--storage`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Driver {
    /// ConfigMaps, Tiller's default.
    #[default]
    ConfigMap,
    /// Secrets.
    Secret,
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        })
    }
}

impl FromStr for Driver {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "configmap" | "configmaps" => Ok(Self::ConfigMap),
            "secret" | "secrets" => Ok(Self::Secret),
            other => Err(format!("`{other}` is no storage of Tiller, use `configmap` or `secret`")),
        }
    }
}

/// What is known of a record without opening it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The release.
    pub name: String,
    /// The revision, from 1.
    pub revision: u32,
    /// The label `STATUS`: Tiller's word (`DEPLOYED`).
    pub status: String,
    /// The name of the ConfigMap or Secret.
    pub object: String,
    /// It is marked as brought over to Helm 4. Tiller writes records anew, so a mark tells that nothing has changed since.
    pub brought: bool,
    /// Which object it was, so that only that one is removed.
    uid: Option<String>,
    /// At which version it was seen.
    version: Option<String>,
}

/// Tiller's records in a cluster.
#[derive(Clone)]
pub struct Store {
    client: Client,
    namespace: String,
    driver: Driver,
}

impl Store {
    /// The records of the Tiller in a namespace.
    pub fn new(client: Client, namespace: impl Into<String>, driver: Driver) -> Self {
        Self { client, namespace: namespace.into(), driver }
    }

    /// In what it keeps them.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// Lists what is known of all records, or of those of one release, without opening them: release by release, and the oldest
    /// revision of each first. What has no name or no revision is left out, as nobody could have made use of it.
    ///
    /// # Errors
    /// When Kubernetes refuses.
    pub async fn heads(&self, name: Option<&str>) -> Result<Vec<Head>, Error> {
        let selector = match name {
            Some(name) => format!("OWNER=TILLER,NAME={name}"),
            None => "OWNER=TILLER".to_owned(),
        };
        let mut heads = match self.driver {
            Driver::ConfigMap => heads_of(&self.config_maps(), &selector).await,
            Driver::Secret => heads_of(&self.secrets(), &selector).await,
        }
        .map_err(Error::kubernetes(format!(
            "cannot list Tiller's {}s in namespace `{}`",
            self.driver, self.namespace
        )))?;
        heads.sort_by(|a, b| (&a.name, a.revision).cmp(&(&b.name, b.revision)));
        Ok(heads)
    }

    /// Opens a record.
    ///
    /// # Errors
    /// When it is gone or cannot be read.
    pub async fn get(&self, head: &Head) -> Result<Release, Error> {
        let wrap =
            || Error::kubernetes(format!("cannot read Tiller's {} `{}/{}`", self.driver, self.namespace, head.object));
        let text = match self.driver {
            Driver::ConfigMap => {
                let object = self.config_maps().get(&head.object).await.map_err(wrap())?;
                object.data.unwrap_or_default().remove("release").map(String::into_bytes)
            }
            Driver::Secret => {
                let object = self.secrets().get(&head.object).await.map_err(wrap())?;
                object.data.unwrap_or_default().remove("release").map(|bytes| bytes.0)
            }
        };
        text.ok_or(DecodeError::Missing)
            .and_then(|text| record::decode(&text))
            .map_err(|source| Error::Decode { object: head.object.clone(), source })
    }

    /// Removes a record, if it is still as it was when it was listed; one that is gone is no error.
    ///
    /// # Errors
    /// When Kubernetes refuses, or somebody has changed it.
    pub async fn remove(&self, head: &Head) -> Result<(), Error> {
        let how = DeleteParams {
            preconditions: Some(Preconditions { uid: head.uid.clone(), resource_version: head.version.clone() }),
            ..DeleteParams::default()
        };
        let removed = match self.driver {
            Driver::ConfigMap => self.config_maps().delete(&head.object, &how).await.map(drop),
            Driver::Secret => self.secrets().delete(&head.object, &how).await.map(drop),
        };
        match removed {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            other => other.map_err(Error::kubernetes(format!(
                "cannot remove Tiller's {} `{}/{}`",
                self.driver, self.namespace, head.object
            ))),
        }
    }

    /// Marks a record as brought over, if it is still as it was when it was listed.
    ///
    /// # Errors
    /// [`Error::Changed`] when Tiller has changed it since, and refusals.
    pub async fn mark(&self, head: &Head, at: Timestamp) -> Result<(), Error> {
        let patch = Patch::Merge(json!({"metadata": {
            "resourceVersion": head.version, "annotations": {BROUGHT: at.to_string()},
        }}));
        let how = PatchParams::default();
        let marked = match self.driver {
            Driver::ConfigMap => self.config_maps().patch_metadata(&head.object, &how, &patch).await.map(drop),
            Driver::Secret => self.secrets().patch_metadata(&head.object, &how, &patch).await.map(drop),
        };
        match marked {
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                Err(Error::Changed(head.name.clone()))
            }
            other => other.map_err(Error::kubernetes(format!(
                "cannot mark Tiller's {} `{}/{}`",
                self.driver, self.namespace, head.object
            ))),
        }
    }

    fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// Lists the metadata of records, page by page.
async fn heads_of<K>(api: &Api<K>, selector: &str) -> Result<Vec<Head>, kube::Error>
where
    K: kube::Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let mut params = ListParams::default().labels(selector).limit(PAGE);
    let mut heads = Vec::new();
    loop {
        let page = api.list_metadata(&params).await?;
        heads.extend(page.items.iter().filter_map(|item| {
            let labels: &BTreeMap<String, String> = item.labels();
            Some(Head {
                name: labels.get("NAME")?.clone(),
                revision: labels.get("VERSION")?.parse().ok().filter(|revision| *revision > 0)?,
                status: labels.get("STATUS").cloned().unwrap_or_default(),
                object: item.name_any(),
                brought: item.annotations().contains_key(BROUGHT),
                uid: item.uid(),
                version: item.resource_version(),
            })
        }));
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => return Ok(heads),
        }
    }
}
