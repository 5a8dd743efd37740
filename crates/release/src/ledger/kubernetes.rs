//! What Secrets and ConfigMaps have in common.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::fmt::Debug;
use std::future::Future;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams, PropagationPolicy};
use kube::{Client, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::{JoinError, JoinHandle};

use super::wire::{self, Item, Page};
use super::{Clock, Glances, Peeks, Record, Scope, Stamp, head, labels, storable, user_labels};
use crate::codec::{self, DecodeError, MAX_ENCODED, Peeker};
use crate::error::Error;
use crate::glance::Glance;
use crate::history::{Head, Token};
use crate::marks::Marks;
use crate::name::Key;
use crate::peek::Peek;
use crate::record::Release;
use crate::size;
use crate::status::Status;

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
pub(super) const PAGE: u32 = 500;
/// How many records are asked for at first; one has 30 kilobytes as a rule, and may have a megabyte.
const WHOLE_PAGE: u32 = 100;
/// How large a page of records should be: each page costs the API server some milliseconds, and all of it is in memory here.
const WHOLE_BYTES: usize = 4 << 20;

/// The same for whoever wants little of each record and stays: what such pages take is not given back to the system as a rule.
const LITTLE_BYTES: usize = 1 << 20;

/// How many pages of records are opened at once, while the next one is on its way.
const OPENING: usize = 2;

/// What a record of a list says, or why that cannot be read.
type Opened = Result<Peek, Error>;

/// How much of the listed objects is asked for.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Their metadata.
    Heads,
    /// All of them.
    Whole,
}

impl Form {
    /// The media type of the answer: protobuf, and else what the client reads.
    fn accept(self) -> &'static str {
        match self {
            Self::Heads => {
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, \
                            application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
            }
            Self::Whole => "application/vnd.kubernetes.protobuf, application/json",
        }
    }
}

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

    pub(super) fn with_client(&self, client: Client) -> Self {
        Self { client, clock: self.clock.clone() }
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
        let selector = match name {
            Some(name) => format!("name={name},owner=helm"),
            None => "owner=helm".to_owned(),
        };
        self.heads_of::<K>(scope, selector).await
    }

    async fn heads_of<K: Keeper>(&self, scope: &Scope, selector: String) -> Result<Vec<Head>, Error> {
        let mut heads = Vec::new();
        let mut pages = Pages::new(self.clone(), self.scoped::<K>(scope), selector, PAGE, Form::Heads);
        while let Some(turn) = pages.next().await? {
            match turn {
                Turn::Page(Page { items, body, .. }) => {
                    heads.extend(items.into_iter().map(|item| head_of(item, scope)));
                    pages.give_back(body);
                }
                Turn::Again => heads.clear(),
            }
        }
        Ok(heads)
    }

    pub(super) async fn peeks<K: Keeper>(&self, heads: &[Head]) -> Result<Peeks, Error> {
        let status = |head: &Head| head.system.get("status").map_or("", String::as_str).to_owned();
        let wanted = heads.iter().map(|head| (head.key.clone(), status(head))).collect();
        self.chosen::<K, _>(wanted, WHOLE_BYTES, |head, opened| (head.key, opened.map(Box::new))).await
    }

    pub(super) async fn glances<K: Keeper>(&self, wanted: &[(Key, Status)]) -> Result<Glances, Error> {
        let wanted = wanted.iter().map(|(key, status)| (key.clone(), status.to_string())).collect();
        self.chosen::<K, _>(wanted, LITTLE_BYTES, |head, opened| (head.key, opened.map(|peek| Glance::of(&peek)))).await
    }

    /// Opens records by their keys and statuses.
    async fn chosen<K: Keeper, T: Send + 'static>(
        &self,
        wanted: Vec<(Key, String)>,
        page_bytes: usize,
        keep: fn(Head, Opened) -> T,
    ) -> Result<Vec<T>, Error> {
        let namespaces: BTreeSet<&str> = wanted.iter().map(|(key, _)| key.namespace.as_str()).collect();
        let scope = match namespaces.first() {
            Some(namespace) if namespaces.len() == 1 => Scope::Namespace((*namespace).to_owned()),
            _ => Scope::All,
        };
        // Most revisions are superseded ones, and hardly any of them is shown.
        let statuses: BTreeSet<&str> =
            wanted.iter().map(|(_, status)| status.as_str()).filter(|status| !status.is_empty()).collect();
        let selector = format!("owner=helm,status in ({})", Vec::from_iter(statuses).join(","));
        let wanted = wanted.into_iter().map(|(key, _)| key).collect();
        self.opened::<K, T>(&scope, selector, Some(wanted), page_bytes, keep).await
    }

    /// Lists what has one of the statuses whole, which says all that its head does, and the heads of the rest beside it.
    pub(super) async fn heads_with_peeks<K: Keeper>(
        &self,
        scope: &Scope,
        statuses: &[&str],
    ) -> Result<(Vec<Head>, Peeks), Error> {
        let statuses = statuses.join(",");
        let (rest, opened) = futures::join!(
            self.heads_of::<K>(scope, format!("owner=helm,status notin ({statuses})")),
            self.opened::<K, _>(
                scope,
                format!("owner=helm,status in ({statuses})"),
                None,
                WHOLE_BYTES,
                |head, opened| { (head, opened.map(Box::new)) }
            ),
        );
        // A record that was changed in between may be in both; what is opened comes last, and counts.
        let mut heads = rest?;
        let mut peeks = Vec::new();
        for (head, peek) in opened? {
            if head.misnamed.is_none() {
                peeks.push((head.key.clone(), peek));
            }
            heads.push(head);
        }
        Ok((heads, peeks))
    }

    /// Opens records by listing them whole, which takes the API server a tenth of what it takes to get each: those that are
    /// wanted, or all. Only what `keep` makes of each stays: with their heads ten thousand of them would be tens of megabytes.
    async fn opened<K: Keeper, T: Send + 'static>(
        &self,
        scope: &Scope,
        selector: String,
        wanted: Option<HashSet<Key>>,
        page_bytes: usize,
        keep: fn(Head, Opened) -> T,
    ) -> Result<Vec<T>, Error> {
        let wanted = Arc::new(wanted);
        let mut all = Vec::new();
        let mut opening: VecDeque<JoinHandle<(Vec<T>, Bytes)>> = VecDeque::new();
        let mut pages = Pages::new(self.clone(), self.scoped::<K>(scope), selector, WHOLE_PAGE, Form::Whole);
        pages.bytes = page_bytes;
        while let Some(turn) = pages.next().await? {
            match turn {
                Turn::Page(page) => {
                    let (scope, wanted) = (scope.clone(), Arc::clone(&wanted));
                    opening.push_back(tokio::task::spawn_blocking(move || {
                        let mut peeker = Peeker::new();
                        let opened = |item| open_item(item, &scope, wanted.as_ref().as_ref(), &mut peeker, keep);
                        (page.items.into_iter().filter_map(opened).collect(), page.body)
                    }));
                }
                Turn::Again => {
                    opening.clear();
                    all.clear();
                }
            }
            // Pages come faster than they are opened where the processors are few, and each is a megabyte or more.
            if opening.len() > OPENING
                && let Some(first) = opening.pop_front()
            {
                let (opened, body) = done(first).await;
                all.extend(opened);
                pages.give_back(body);
            }
        }
        for rest in opening {
            all.extend(done(rest).await.0);
        }
        Ok(all)
    }

    pub(super) fn scoped<K: Keeper>(&self, scope: &Scope) -> Api<K> {
        match scope {
            Scope::All => Api::<K>::all(self.client.clone()),
            Scope::Namespace(namespace) => self.api::<K>(namespace),
        }
    }

    /// Reads a page, in protobuf where that is spoken.
    async fn page<K: Keeper>(
        &self,
        api: &Api<K>,
        params: &ListParams,
        form: Form,
        spare: &Mutex<Vec<BytesMut>>,
    ) -> Result<Page, kube::Error> {
        let mut request =
            kube::core::Request::new(api.resource_url()).list(params).map_err(kube::Error::BuildRequest)?;
        request.headers_mut().insert(http::header::ACCEPT, http::HeaderValue::from_static(form.accept()));
        let answer = self.client.send(request.map(kube::client::Body::from)).await?;
        let is_good = answer.status().is_success();
        let (mut arriving, mut body) = (answer.into_body(), lock(spare).pop().unwrap_or_default());
        while let Some(frame) = arriving.frame().await {
            if let Some(data) = frame?.data_ref() {
                body.extend_from_slice(data);
            }
        }
        let body = body.freeze();
        if !is_good {
            // A refusal, which the client reads.
            return match form {
                Form::Heads => api.list_metadata(params).await.map(heads_of),
                Form::Whole => api.list(params).await.map(whole_of),
            };
        }
        if let Some(page) = wire::page(&body) {
            return Ok(Page { body, ..page });
        }
        match form {
            Form::Heads => serde_json::from_slice(&body).map(heads_of::<K>),
            Form::Whole => serde_json::from_slice(&body).map(whole_of::<K>),
        }
        .map_err(kube::Error::SerdeError)
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

/// A list that is read page by page.
pub(super) struct Pages<K> {
    store: Store,
    api: Api<K>,
    selector: String,
    /// What to ask for next; none at the end.
    params: Option<ListParams>,
    form: Form,
    /// How large a page of records should be.
    bytes: usize,
    /// What earlier pages were in. Each page is large, and what is kept of it small: with memory of its own for each, the heap
    /// would be full of holes that the next page does not fit in.
    spare: Mutex<Vec<BytesMut>>,
}

fn lock(spare: &Mutex<Vec<BytesMut>>) -> MutexGuard<'_, Vec<BytesMut>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What comes next of a list.
pub(super) enum Turn {
    Page(Page),
    /// All pages so far are void, as the list begins again.
    Again,
}

impl<K: Keeper> Pages<K> {
    pub(super) fn new(store: Store, api: Api<K>, selector: String, limit: u32, form: Form) -> Self {
        let params = Some(ListParams::default().labels(&selector).limit(limit));
        Self { store, api, selector, params, form, bytes: WHOLE_BYTES, spare: Mutex::default() }
    }

    /// Takes back what a page was in that nobody looks at any more.
    pub(super) fn give_back(&self, body: Bytes) {
        if let Ok(mut body) = body.try_into_mut() {
            body.clear();
            lock(&self.spare).push(body);
        }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Turn>, Error> {
        let Some(params) = &mut self.params else { return Ok(None) };
        let page = retry_once(|| self.store.page::<K>(&self.api, params, self.form, &self.spare)).await;
        match page {
            Ok(mut page) => {
                match page.next.take() {
                    Some(next) => {
                        params.continue_token = Some(next);
                        if let (Form::Whole, Some(each)) = (self.form, page.body.len().checked_div(page.items.len())) {
                            let fitting = u32::try_from(self.bytes / each.max(1)).unwrap_or(u32::MAX);
                            params.limit = Some(fitting.clamp(WHOLE_PAGE / 10, WHOLE_PAGE * 10));
                        }
                    }
                    None => self.params = None,
                }
                Ok(Some(Turn::Page(page)))
            }
            // The list has grown too old to go on with: start again, in one piece.
            Err(kube::Error::Api(status)) if status.code == 410 && params.continue_token.is_some() => {
                *params = ListParams::default().labels(&self.selector);
                Ok(Some(Turn::Again))
            }
            Err(error) => Err(error.into()),
        }
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

pub(super) fn item_of(meta: ObjectMeta, record: Option<Bytes>) -> Item {
    Item {
        name: meta.name.unwrap_or_default(),
        namespace: meta.namespace,
        version: meta.resource_version.unwrap_or_default(),
        labels: meta.labels.unwrap_or_default(),
        annotations: meta.annotations.unwrap_or_default(),
        record,
    }
}

pub(super) fn head_of(item: Item, scope: &Scope) -> Head {
    let asked = match scope {
        Scope::All => String::new(),
        Scope::Namespace(namespace) => namespace.clone(),
    };
    let Item { name, namespace, version, labels, annotations, .. } = item;
    head(&namespace.unwrap_or(asked), &name, Token(version), labels, Marks::read(&annotations))
}

/// Opens a record if it is wanted.
fn open_item<T>(
    mut item: Item,
    scope: &Scope,
    wanted: Option<&HashSet<Key>>,
    peeker: &mut Peeker,
    keep: fn(Head, Opened) -> T,
) -> Option<T> {
    let record = item.record.take();
    let head = head_of(item, scope);
    if wanted.is_some_and(|wanted| head.misnamed.is_some() || !wanted.contains(&head.key)) {
        return None;
    }
    let opened = record.ok_or(DecodeError::Missing).and_then(|record| peeker.peek(&record));
    let opened = opened.map_err(|source| Error::Decode { key: head.key.clone(), source });
    Some(keep(head, opened))
}

/// Waits for a task; a panic comes through, and nothing cancels it but the end of the process.
async fn done<T: Default>(task: JoinHandle<T>) -> T {
    let failed = |error: JoinError| error.try_into_panic().map_or_else(|_| T::default(), |panic| resume_unwind(panic));
    task.await.unwrap_or_else(failed)
}

fn page_of(list: kube::core::ListMeta, items: Vec<Item>) -> Page {
    let next = list.continue_.filter(|token| !token.is_empty());
    Page { items, next, version: list.resource_version.unwrap_or_default(), body: Bytes::new() }
}

fn heads_of<K: Keeper>(list: kube::core::ObjectList<kube::core::PartialObjectMeta<K>>) -> Page {
    let items = list.items.into_iter().map(|item| item_of(item.metadata, None)).collect();
    page_of(list.metadata, items)
}

fn whole_of<K: Keeper>(list: kube::core::ObjectList<K>) -> Page {
    let kept = |item: &K| item.kept().map(Bytes::copy_from_slice);
    let items = list.items.into_iter().map(|item| item_of(item.meta().clone(), kept(&item))).collect();
    page_of(list.metadata, items)
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
