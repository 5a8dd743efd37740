//! Watches: a stream of what happens to the objects of a resource.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::unfold;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::reply::{self, Form};
use crate::resources::Resource;
use crate::sandbox::Inner;
use crate::selector::Selector;
use crate::service::SandboxBody;
use crate::state::State;
use crate::store::Change;

/// What is watched, and how it is shown.
pub(crate) struct Watch {
    pub(crate) resource: Arc<Resource>,
    pub(crate) namespace: String,
    pub(crate) selector: Selector,
    pub(crate) form: Form,
    pub(crate) include: String,
    pub(crate) bookmarks: bool,
    /// Changes after this revision are shown.
    pub(crate) after: u64,
    pub(crate) timeout: Duration,
}

/// How often a watch that wants them gets a bookmark.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long before its end it gets the last one, as Kubernetes: `apiserver/pkg/storage/cacher/cache_watcher.go`.
const BOOKMARK_BEFORE_END: Duration = Duration::from_secs(2);

impl Watch {
    fn show(&self, state: &State, kind: &str, object: &Value) -> Bytes {
        let object = state.in_version(object, &self.resource);
        let object = reply::one(&self.resource, &object, self.form, &self.include, state.now());
        line(kind, &object)
    }

    /// The objects that are there now, as if they had just been added.
    pub(crate) fn initial(&self, state: &State) -> VecDeque<Bytes> {
        state
            .store
            .list(&self.resource.place(), &self.namespace)
            .filter(|(_, o)| self.selector.matches(o))
            .map(|(_, o)| self.show(state, "ADDED", o))
            .collect()
    }

    /// A bookmark; `end` says that the initial objects have all been sent.
    pub(crate) fn bookmark(&self, revision: u64, end: bool) -> Bytes {
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if end {
            crate::json::set(&mut metadata, &["annotations", "k8s.io/initial-events-end"], "true");
        }
        let object = match self.form {
            Form::Partial => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Form::Table => {
                json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": null,
                "rows": [{"cells": [], "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}}]})
            }
            Form::Plain => {
                json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version(), "metadata": metadata})
            }
        };
        line("BOOKMARK", &object)
    }

    fn event(&self, state: &State, change: &Change) -> Option<Bytes> {
        if change.key.place != self.resource.place()
            || (!self.namespace.is_empty() && change.key.namespace != self.namespace)
        {
            return None;
        }
        let was = change.before.as_ref().is_some_and(|o| self.selector.matches(o));
        let is = change.after.as_ref().is_some_and(|o| self.selector.matches(o));
        match (was, is) {
            (false, true) => Some(self.show(state, "ADDED", &change.object)),
            (true, true) => Some(self.show(state, "MODIFIED", &change.object)),
            (true, false) => {
                // One that no longer fits is shown as it was, with the revision of the change.
                let mut last = change.before.as_ref().map_or_else(|| (*change.object).clone(), |b| (**b).clone());
                crate::json::set(&mut last, &["metadata", "resourceVersion"], change.revision.to_string());
                Some(self.show(state, "DELETED", &last))
            }
            (false, false) => None,
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    let mut text = json!({"type": kind, "object": object}).to_string();
    text.push('\n');
    Bytes::from(text)
}

/// The event of a watch that started too long ago.
pub(crate) fn expired(asked: u64, oldest: u64) -> Bytes {
    let error = crate::status::ApiError::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"));
    line("ERROR", &error.body())
}

struct Stream {
    inner: Arc<Inner>,
    watch: Watch,
    ready: VecDeque<Bytes>,
    moved: tokio::sync::watch::Receiver<u64>,
    deadline: Instant,
    next_bookmark: Instant,
    closed: bool,
}

impl Stream {
    /// Takes what has happened since; returns how long until something is due on its own.
    fn collect(&mut self) -> Option<Duration> {
        let mut state = self.inner.lock();
        self.inner.settle(&mut state);
        if self.watch.after < state.store.forgotten() {
            self.ready.push_back(expired(self.watch.after, state.store.forgotten()));
            self.closed = true;
            return None;
        }
        let mut last = self.watch.after;
        for change in state.store.since(self.watch.after) {
            last = change.revision;
            self.ready.extend(self.watch.event(&state, change));
        }
        self.watch.after = last;
        let now = state.now();
        state
            .next_due()
            .map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default().max(Duration::from_millis(1)))
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Some(bytes);
            }
            if self.closed {
                return None;
            }
            self.moved.borrow_and_update();
            let due = self.collect();
            if !self.ready.is_empty() {
                continue;
            }
            let now = Instant::now();
            if now >= self.deadline {
                return None;
            }
            if self.watch.bookmarks && now >= self.next_bookmark {
                self.next_bookmark = bookmark_after(now, self.deadline);
                return Some(self.watch.bookmark(self.watch.after, false));
            }
            let mut wake = self.deadline;
            if self.watch.bookmarks {
                wake = wake.min(self.next_bookmark);
            }
            if let Some(due) = due {
                wake = wake.min(now + due);
            }
            tokio::select! {
                changed = self.moved.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                }
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }
}

/// When the next bookmark is due; after the last one never.
fn bookmark_after(now: Instant, deadline: Instant) -> Instant {
    let last = deadline.checked_sub(BOOKMARK_BEFORE_END).unwrap_or(now);
    match now < last {
        true => last.min(now + BOOKMARK_EVERY),
        false => deadline + BOOKMARK_EVERY,
    }
}

/// Makes the body of a watch; `first` is what it begins with.
pub(crate) fn stream(inner: &Arc<Inner>, watch: Watch, first: VecDeque<Bytes>, closed: bool) -> SandboxBody {
    let now = Instant::now();
    let stream = Stream {
        inner: Arc::clone(inner),
        moved: inner.moved.subscribe(),
        deadline: now + watch.timeout,
        next_bookmark: bookmark_after(now, now + watch.timeout),
        watch,
        ready: first,
        closed,
    };
    let frames = unfold(stream, |mut stream| async move {
        let bytes = stream.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(bytes)), stream))
    });
    StreamBody::new(frames).boxed_unsync()
}
