//! Where Tiller keeps its records: one ConfigMap or Secret for each revision, all in Tiller's namespace, as Helm 2.17:
//! `pkg/storage/driver/{cfgmaps,secrets}.go`.

mod keeper;
mod records;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use kube::Client;
use kube::api::{DeleteParams, Preconditions};

use self::keeper::Keeper;
pub use self::records::{RecordError, Stored};
use crate::error::Error;
use crate::hapi::release::Release;
use crate::record::{self, DecodeError};

/// The namespace that Tiller is in if nobody says otherwise.
pub const DEFAULT_NAMESPACE: &str = "kube-system";

/// The annotation of a record that was brought over to Helm 4; its value says since when.
const BROUGHT: &str = "whipstaff.dev/migrated-at";

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
        let mut heads = self.keeper().heads(&selector).await.map_err(Error::kubernetes(format!(
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
        let text = self.keeper().text(&head.object).await.map_err(Error::kubernetes(format!(
            "cannot read Tiller's {} `{}/{}`",
            self.driver, self.namespace, head.object
        )))?;
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
        match self.keeper().delete(&head.object, &how).await {
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
        match self.keeper().annotate(&head.object, head.version.as_deref(), BROUGHT, &at.to_string()).await {
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => {
                Err(Error::Changed(head.name.clone()))
            }
            other => other.map_err(Error::kubernetes(format!(
                "cannot mark Tiller's {} `{}/{}`",
                self.driver, self.namespace, head.object
            ))),
        }
    }

    fn keeper(&self) -> Keeper {
        Keeper::new(self.client.clone(), &self.namespace, self.driver)
    }
}
