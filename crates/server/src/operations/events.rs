//! An operation's events as a stream.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::Stream;

use super::entry::Entry;
use crate::limits::Place;
use crate::watch;

/// Streams the events after the one that was seen last; `done` is the last. The place is free when the stream is dropped.
pub(crate) fn stream(entry: Arc<Entry>, seen: usize, place: Place) -> impl Stream<Item = Bytes> {
    let state = State { changes: entry.watch(), entry, seen, waiting: VecDeque::new(), ended: false, _place: place };
    futures::stream::unfold(state, |mut state| async move {
        let (id, event) = state.next().await?;
        let mut text = BytesMut::new();
        watch::write(&mut text, Some(&id.to_string()), event.name(), &watch::data(&event));
        Some((text.freeze(), state))
    })
}

/// Streams what containers have printed, as text, until the operation is done.
pub(crate) fn follow_logs(entry: Arc<Entry>, place: Place) -> impl Stream<Item = Result<String, Infallible>> {
    let state = State { changes: entry.watch(), entry, seen: 0, waiting: VecDeque::new(), ended: false, _place: place };
    futures::stream::unfold(state, |mut state| async move {
        loop {
            if let (_, api::Event::Log { pod, container, text, .. }) = state.next().await? {
                return Some((Ok(log_text(&api::ContainerLog { pod, container, text })), state));
            }
        }
    })
}

/// What a container has printed, below a line that names it.
pub(crate) fn log_text(log: &api::ContainerLog) -> String {
    let end = if log.text.is_empty() || log.text.ends_with('\n') { "" } else { "\n" };
    format!("==> {}/{} <==\n{}{end}", log.pod, log.container, log.text)
}

struct State {
    entry: Arc<Entry>,
    changes: tokio::sync::watch::Receiver<u64>,
    seen: usize,
    waiting: VecDeque<(usize, api::Event)>,
    ended: bool,
    _place: Place,
}

impl State {
    async fn next(&mut self) -> Option<(usize, api::Event)> {
        loop {
            if self.ended {
                return None;
            }
            if let Some((id, event)) = self.waiting.pop_front() {
                self.seen = id;
                self.ended = matches!(event, api::Event::Done { .. });
                return Some((id, event));
            }
            self.changes.mark_unchanged();
            self.waiting.extend(self.entry.events_after(self.seen));
            if self.waiting.is_empty() && self.changes.changed().await.is_err() {
                return None;
            }
        }
    }
}
