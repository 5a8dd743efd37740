//! Following records in Secrets and ConfigMaps: a list of their metadata, then a watch, and all over again when the watch
//! has lost its place.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use kube::api::{WatchEvent, WatchParams};
use kube::core::PartialObjectMeta;

use super::kubernetes::{Form, Keeper, PAGE, Pages, Store, Turn, head_of, item_of};
use super::past::past;
use super::wire::Page;
use super::{Change, Scope, Touched};
use crate::error::Error;
use crate::history::{Head, Token};

const SELECTOR: &str = "owner=helm";
/// How long the API server is asked to keep a watch, in seconds.
const WATCH: u32 = 240;
/// A watch that says nothing for so long is dead: the API server sends a bookmark every minute.
const SILENCE: Duration = Duration::from_secs(100);
/// The pauses after failures: the first, the longest, and the one after a refusal, which somebody has to mend.
const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(30);
const REFUSED: Duration = Duration::from_secs(120);

/// Follows the records of all namespaces.
pub(super) fn follow<K: Keeper>(store: Store) -> BoxStream<'static, Result<Change, Error>> {
    let follower = Follower::<K> { store, phase: Phase::Start, failures: 0, pause: None };
    stream::unfold(follower, |mut follower| async move {
        let turn = follower.turn().await;
        Some((turn, follower))
    })
    .boxed()
}

/// Finds out which records of all namespaces were touched after a version, up to another.
pub(super) async fn touched<K: Keeper>(store: &Store, since: u64, until: u64) -> Result<Option<Touched>, Error> {
    let Some(past) = past(&store.scoped::<K>(&Scope::All), SELECTOR, since, until).await? else { return Ok(None) };
    let heads = past.touched.into_iter().map(|meta| head_of(item_of(meta, None), &Scope::All)).collect();
    Ok(Some(Touched { heads, reached: past.reached }))
}

type Events<K> = BoxStream<'static, Result<WatchEvent<PartialObjectMeta<K>>, kube::Error>>;

struct Follower<K: Keeper> {
    store: Store,
    phase: Phase<K>,
    failures: u32,
    pause: Option<Duration>,
}

enum Phase<K: Keeper> {
    Start,
    List(Box<Pages<K>>, String),
    /// What is to be watched from which version.
    Watch(String, Option<Events<K>>),
}

impl<K: Keeper> Follower<K> {
    async fn turn(&mut self) -> Result<Change, Error> {
        if let Some(pause) = self.pause.take() {
            tokio::time::sleep(pause).await;
        }
        loop {
            match self.step().await {
                Ok(None) => {}
                Ok(Some(change)) => return Ok(change),
                Err(error) => {
                    self.failures = self.failures.saturating_add(1);
                    self.pause = Some(match error {
                        Error::Forbidden { .. } | Error::Unauthorized { .. } => REFUSED,
                        _ => FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST),
                    });
                    return Err(error);
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Option<Change>, Error> {
        match &mut self.phase {
            Phase::Start => {
                let api = self.store.scoped::<K>(&Scope::All);
                let pages = Pages::new(self.store.clone(), api, SELECTOR.to_owned(), PAGE, Form::Heads);
                self.phase = Phase::List(Box::new(pages), String::new());
                Ok(Some(Change::Begin))
            }
            Phase::List(pages, version) => match pages.next().await {
                Ok(Some(Turn::Page(Page { items, body, version: as_of, .. }))) => {
                    let heads = items.into_iter().map(|item| head_of(item, &Scope::All)).collect();
                    pages.give_back(body);
                    *version = as_of;
                    Ok(Some(Change::Heads(heads)))
                }
                Ok(Some(Turn::Again)) => Ok(Some(Change::Begin)),
                Ok(None) => {
                    let version = std::mem::take(version);
                    self.phase = Phase::Watch(version.clone(), None);
                    self.failures = 0;
                    Ok(Some(Change::Complete(Token(version))))
                }
                Err(error) => {
                    self.phase = Phase::Start;
                    Err(error)
                }
            },
            Phase::Watch(version, events) => {
                let Some(events) = events else {
                    let api = self.store.scoped::<K>(&Scope::All);
                    let how = WatchParams::default().labels(SELECTOR).timeout(WATCH);
                    match api.watch_metadata(&how, version).await {
                        Ok(opened) => *events = Some(opened.boxed()),
                        Err(error) => return self.lost(error),
                    }
                    return Ok(Some(Change::Alive(Token(self.version()))));
                };
                match tokio::time::timeout(SILENCE, events.next()).await {
                    Ok(Some(Ok(event))) => self.event(event),
                    Ok(Some(Err(error))) => self.lost(error),
                    // It has ended in time, or nobody is there any more.
                    Ok(None) | Err(_) => {
                        let version = self.version();
                        self.phase = Phase::Watch(version, None);
                        // One that ends at once is not to be opened a thousand times a second.
                        tokio::time::sleep(FIRST).await;
                        Ok(None)
                    }
                }
            }
        }
    }

    fn event(&mut self, event: WatchEvent<PartialObjectMeta<K>>) -> Result<Option<Change>, Error> {
        self.failures = 0;
        let read = |object: PartialObjectMeta<K>| head_of(item_of(object.metadata, None), &Scope::All);
        let change = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => Change::Heads(vec![read(object)]),
            WatchEvent::Deleted(object) => {
                let Head { key, token, .. } = read(object);
                Change::Gone(key, token)
            }
            WatchEvent::Bookmark(mark) => Change::Alive(Token(mark.metadata.resource_version)),
            WatchEvent::Error(status) => return self.lost(kube::Error::Api(status)),
        };
        if let Phase::Watch(version, _) = &mut self.phase
            && let Some(Token(seen)) = seen(&change)
        {
            version.clone_from(seen);
        }
        Ok(Some(change))
    }

    /// The watch is over: it goes on where it was, unless that is too long ago.
    fn lost(&mut self, error: kube::Error) -> Result<Option<Change>, Error> {
        if matches!(&error, kube::Error::Api(status) if status.code == 410) {
            self.phase = Phase::Start;
            return Ok(None);
        }
        self.phase = Phase::Watch(self.version(), None);
        Err(error.into())
    }

    fn version(&self) -> String {
        match &self.phase {
            Phase::Watch(version, _) => version.clone(),
            _ => String::new(),
        }
    }
}

fn seen(change: &Change) -> Option<&Token> {
    match change {
        Change::Heads(heads) => heads.last().map(|head| &head.token),
        Change::Gone(_, token) | Change::Alive(token) | Change::Complete(token) => Some(token),
        Change::Begin => None,
    }
    .filter(|token| !token.0.is_empty())
}
