//! The calls for records: the same for ConfigMaps and for Secrets.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{BROUGHT, Driver, Head};

/// How many heads are asked for at once.
const PAGE: u32 = 500;

/// How many whole records are asked for at once; each has a megabyte at most.
const RECORDS: u32 = 50;

/// The key of the data.
const DATA: &str = "release";

/// What is stored under a name.
pub(super) struct Kept {
    pub(super) object: String,
    pub(super) version: Option<String>,
    pub(super) text: Option<Vec<u8>>,
}

/// The objects of one kind in Tiller's namespace.
pub(super) enum Keeper {
    ConfigMaps(Api<ConfigMap>),
    Secrets(Api<Secret>),
}

impl Keeper {
    pub(super) fn new(client: Client, namespace: &str, driver: Driver) -> Self {
        match driver {
            Driver::ConfigMap => Self::ConfigMaps(Api::namespaced(client, namespace)),
            Driver::Secret => Self::Secrets(Api::namespaced(client, namespace)),
        }
    }

    /// Lists the metadata of records.
    pub(super) async fn heads(&self, selector: &str) -> Result<Vec<Head>, kube::Error> {
        match self {
            Self::ConfigMaps(api) => heads(api, selector).await,
            Self::Secrets(api) => heads(api, selector).await,
        }
    }

    /// Lists records, of which each page is given to `take` as it comes.
    pub(super) async fn each(&self, selector: &str, take: impl FnMut(Kept)) -> Result<(), kube::Error> {
        match self {
            Self::ConfigMaps(api) => each(api, selector, take).await,
            Self::Secrets(api) => each(api, selector, take).await,
        }
    }

    pub(super) async fn get(&self, object: &str) -> Result<Kept, kube::Error> {
        Ok(match self {
            Self::ConfigMaps(api) => kept(api.get(object).await?),
            Self::Secrets(api) => kept(api.get(object).await?),
        })
    }

    /// The text of a record.
    pub(super) async fn text(&self, object: &str) -> Result<Option<Vec<u8>>, kube::Error> {
        Ok(self.get(object).await?.text)
    }

    /// Makes a record; what comes back is its version.
    pub(super) async fn create(
        &self,
        object: &str,
        labels: BTreeMap<String, String>,
        text: String,
    ) -> Result<Option<String>, kube::Error> {
        let how = PostParams::default();
        Ok(match self {
            Self::ConfigMaps(api) => {
                api.create(&how, &Record::made(metadata(object, labels, None), text)).await?.version()
            }
            Self::Secrets(api) => {
                api.create(&how, &Record::made(metadata(object, labels, None), text)).await?.version()
            }
        })
    }

    /// Writes a record anew, if it still has that version.
    pub(super) async fn replace(
        &self,
        object: &str,
        version: Option<String>,
        labels: BTreeMap<String, String>,
        text: String,
    ) -> Result<Option<String>, kube::Error> {
        let (how, metadata) = (PostParams::default(), metadata(object, labels, version));
        Ok(match self {
            Self::ConfigMaps(api) => api.replace(object, &how, &Record::made(metadata, text)).await?.version(),
            Self::Secrets(api) => api.replace(object, &how, &Record::made(metadata, text)).await?.version(),
        })
    }

    pub(super) async fn delete(&self, object: &str, how: &DeleteParams) -> Result<(), kube::Error> {
        match self {
            Self::ConfigMaps(api) => api.delete(object, how).await.map(drop),
            Self::Secrets(api) => api.delete(object, how).await.map(drop),
        }
    }

    /// Sets an annotation of a record, if it still has that version.
    pub(super) async fn annotate(
        &self,
        object: &str,
        version: Option<&str>,
        key: &str,
        value: &str,
    ) -> Result<(), kube::Error> {
        let patch = Patch::Merge(json!({"metadata": {"resourceVersion": version, "annotations": {key: value}}}));
        let how = PatchParams::default();
        match self {
            Self::ConfigMaps(api) => api.patch_metadata(object, &how, &patch).await.map(drop),
            Self::Secrets(api) => api.patch_metadata(object, &how, &patch).await.map(drop),
        }
    }
}

/// A kind of object that can hold a record.
trait Record: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug {
    fn made(metadata: ObjectMeta, text: String) -> Self;
    fn take(self) -> Option<Vec<u8>>;

    fn version(self) -> Option<String> {
        self.resource_version()
    }
}

impl Record for ConfigMap {
    fn made(metadata: ObjectMeta, text: String) -> Self {
        Self { metadata, data: Some(BTreeMap::from([(DATA.to_owned(), text)])), ..Self::default() }
    }

    fn take(self) -> Option<Vec<u8>> {
        self.data.unwrap_or_default().remove(DATA).map(String::into_bytes)
    }
}

impl Record for Secret {
    fn made(metadata: ObjectMeta, text: String) -> Self {
        let data = BTreeMap::from([(DATA.to_owned(), ByteString(text.into_bytes()))]);
        Self { metadata, data: Some(data), ..Self::default() }
    }

    fn take(self) -> Option<Vec<u8>> {
        self.data.unwrap_or_default().remove(DATA).map(|bytes| bytes.0)
    }
}

fn metadata(object: &str, labels: BTreeMap<String, String>, version: Option<String>) -> ObjectMeta {
    ObjectMeta {
        name: Some(object.to_owned()),
        labels: Some(labels),
        resource_version: version,
        ..ObjectMeta::default()
    }
}

fn kept<K: Record>(object: K) -> Kept {
    Kept { object: object.name_any(), version: object.resource_version(), text: object.take() }
}

async fn each<K: Record>(api: &Api<K>, selector: &str, mut take: impl FnMut(Kept)) -> Result<(), kube::Error> {
    let mut params = ListParams::default().labels(selector).limit(RECORDS);
    loop {
        let page = api.list(&params).await?;
        page.items.into_iter().map(kept).for_each(&mut take);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => params = params.continue_token(&token),
            _ => return Ok(()),
        }
    }
}

async fn heads<K: Record>(api: &Api<K>, selector: &str) -> Result<Vec<Head>, kube::Error> {
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
