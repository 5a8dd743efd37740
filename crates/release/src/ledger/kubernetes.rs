//! What Secrets and ConfigMaps have in common.

use std::fmt::Debug;
use std::future::Future;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams, PropagationPolicy};
use kube::core::PartialObjectMeta;
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Clock, Record, Scope, Stamp, head, labels, storable, user_labels};
use crate::codec::{self, DecodeError, MAX_ENCODED};
use crate::error::Error;
use crate::history::{Head, Token};
use crate::marks::Marks;
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;
use crate::size;

/// A kind of object that can keep a record.
pub(super) trait Keeper:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + k8s_openapi::Resource<Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The store's name.
    const DRIVER: &'static str;

    /// Makes an object that keeps `text`.
    fn keep(metadata: ObjectMeta, text: String) -> Self;

    /// The text that an object keeps.
    fn kept(&self) -> Option<&[u8]>;
}

/// The most heads that are asked for at once.
const PAGE: u32 = 500;

/// How an object is called in Kubernetes' messages.
const NAMESPACES: &str = "namespaces";

/// Records in objects of one kind.
#[derive(Clone)]
pub(super) struct Store {
    client: Client,
    clock: Clock,
}

impl Store {
    pub(super) fn new(client: Client, clock: Clock) -> Self {
        Self { client, clock }
    }

    fn api<K: Keeper>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(super) async fn create<K: Keeper>(&self, release: &Release) -> Result<Token, Error> {
        let key = storable(release)?;
        let object: K = self.object(release, &key, Stamp::Created, None)?;
        let api = self.api::<K>(&key.namespace);
        let mut tries = 0;
        let made = retry_once(|| {
            tries += 1;
            api.create(&POST, &object)
        })
        .await;
        match made {
            Ok(made) => Ok(token(&made)),
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                // The first try may have been stored although its answer said otherwise.
                if tries > 1
                    && let Ok(there) = api.get(&key.object_name()).await
                    && there.kept() == object.kept()
                {
                    return Ok(token(&there));
                }
                Err(Error::AlreadyExists(key))
            }
            Err(kube::Error::Api(status))
                if status.is_not_found()
                    && status.details.as_ref().is_some_and(|details| details.kind == NAMESPACES) =>
            {
                Err(Error::NamespaceMissing(key.namespace))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn update<K: Keeper>(&self, release: &Release, token: &Token) -> Result<Token, Error> {
        let key = storable(release)?;
        // Kubernetes takes these two for "whatever is there".
        if matches!(token.0.as_str(), "" | "0") {
            return Err(Error::Conflict(key));
        }
        let object: K = self.object(release, &key, Stamp::Modified, Some(token))?;
        let api = self.api::<K>(&key.namespace);
        let name = key.object_name();
        let mut tries = 0;
        let put = retry_once(|| {
            tries += 1;
            api.replace(&name, &POST, &object)
        })
        .await;
        match put {
            Ok(put) => Ok(self::token(&put)),
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(Error::NotFound(key)),
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                if tries > 1
                    && let Ok(there) = api.get(&name).await
                    && there.kept() == object.kept()
                {
                    return Ok(self::token(&there));
                }
                Err(Error::Conflict(key))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn get<K: Keeper>(&self, key: &Key) -> Result<Record, Error> {
        let object = self.read::<K>(key).await?;
        let mut release = open(&object, codec::decode).map_err(|source| Error::Decode { key: key.clone(), source })?;
        let token = token(&object);
        release.labels = user_labels(object.labels().clone());
        release.marks = Marks::read(object.annotations());
        // Helm trusts the object's place over what the record says, and so do old records that say nothing.
        if release.namespace.is_empty() {
            release.namespace.clone_from(&key.namespace);
        }
        Ok(Record { release, token })
    }

    pub(super) async fn peek<K: Keeper>(&self, key: &Key) -> Result<Peek, Error> {
        let object = self.read::<K>(key).await?;
        open(&object, codec::peek).map_err(|source| Error::Decode { key: key.clone(), source })
    }

    pub(super) async fn delete<K: Keeper>(&self, key: &Key) -> Result<(), Error> {
        let api = self.api::<K>(&key.namespace);
        let name = key.object_name();
        let how = DeleteParams { propagation_policy: Some(PropagationPolicy::Background), ..DeleteParams::default() };
        match retry_once(|| api.delete(&name, &how)).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(Error::NotFound(key.clone())),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn heads<K: Keeper>(&self, scope: &Scope, name: Option<&str>) -> Result<Vec<Head>, Error> {
        let api = match scope {
            Scope::All => Api::<K>::all(self.client.clone()),
            Scope::Namespace(namespace) => self.api::<K>(namespace),
        };
        let selector = match name {
            Some(name) => format!("name={name},owner=helm"),
            None => "owner=helm".to_owned(),
        };
        let mut params = ListParams::default().labels(&selector).limit(PAGE);
        let mut heads = Vec::new();
        loop {
            let page = match retry_once(|| api.list_metadata(&params)).await {
                Ok(page) => page,
                // The list has grown too old to go on with: start again, in one piece.
                Err(kube::Error::Api(status)) if status.code == 410 && params.continue_token.is_some() => {
                    heads.clear();
                    params = ListParams::default().labels(&selector);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            heads.extend(page.items.into_iter().map(|item| self::meta_head(item, scope)));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(next) => params.continue_token = Some(next),
                None => return Ok(heads),
            }
        }
    }

    async fn read<K: Keeper>(&self, key: &Key) -> Result<K, Error> {
        let api = self.api::<K>(&key.namespace);
        let name = key.object_name();
        match retry_once(|| api.get(&name)).await {
            Ok(object) => Ok(object),
            Err(kube::Error::Api(status)) if status.is_not_found() => Err(Error::NotFound(key.clone())),
            Err(error) => Err(error.into()),
        }
    }

    fn object<K: Keeper>(&self, release: &Release, key: &Key, stamp: Stamp, token: Option<&Token>) -> Result<K, Error> {
        let text = codec::encode(release).map_err(|source| Error::Encode { key: key.clone(), source })?;
        if text.len() > MAX_ENCODED {
            return Err(size::too_large(release, text.len()).into());
        }
        let metadata = ObjectMeta {
            name: Some(key.object_name()),
            namespace: Some(key.namespace.clone()),
            labels: Some(labels(release, stamp, (self.clock)())),
            annotations: release.marks.annotations(),
            resource_version: token.map(|token| token.0.clone()),
            ..ObjectMeta::default()
        };
        Ok(K::keep(metadata, text))
    }
}

/// Helm writes records as the field manager `Helm`, which is what it is called by where it does not say.
static POST: std::sync::LazyLock<PostParams> =
    std::sync::LazyLock::new(|| PostParams { dry_run: false, field_manager: Some("Helm".to_owned()) });

fn open<K: Keeper, T>(object: &K, read: impl Fn(&[u8]) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    read(object.kept().ok_or(DecodeError::Missing)?)
}

fn token(object: &impl ResourceExt) -> Token {
    Token(object.resource_version().unwrap_or_default())
}

fn meta_head<K>(item: PartialObjectMeta<K>, scope: &Scope) -> Head {
    let meta = item.metadata;
    let asked = match scope {
        Scope::All => String::new(),
        Scope::Namespace(namespace) => namespace.clone(),
    };
    head(
        &meta.namespace.unwrap_or(asked),
        &meta.name.unwrap_or_default(),
        Token(meta.resource_version.unwrap_or_default()),
        meta.labels.unwrap_or_default(),
        Marks::read(&meta.annotations.unwrap_or_default()),
    )
}

/// Calls once more when etcd has changed its leader, as Helm 4.3: `pkg/kubeenv/roundtripper.go`.
async fn retry_once<T, F>(mut call: impl FnMut() -> F) -> Result<T, kube::Error>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    match call().await {
        Err(kube::Error::Api(status))
            if status.code >= 500
                && (status.message.ends_with("etcdserver: leader changed")
                    || status.message.ends_with("raft proposal dropped")) =>
        {
            call().await
        }
        done => done,
    }
}
