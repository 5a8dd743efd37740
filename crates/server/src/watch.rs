//! Streams of events (`text/event-stream`): a numbered feed that many read, each from where it is, and the answer that carries it.
//!
//! A [`Feed`] keeps the last events in a ring. Readers keep a number and nothing else, so that a slow one costs no memory: when
//! the ring has gone on without it, [`Feed::after`] says so and its stream ends. A client that comes back with `Last-Event-ID`
//! goes on where it was, if the ring still has it and the feed is the same one ([`Feed::id`] names both).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderValue, Response, header};
use serde::Serialize;
use tokio::sync::watch;

/// After how long a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events by number, of which the last ones are kept.
pub(crate) struct Feed<T> {
    ring: Mutex<Ring<T>>,
    moved: watch::Sender<u64>,
    /// Tells this feed from one of the same name before a restart, or on another replica.
    epoch: String,
}

struct Ring<T> {
    events: VecDeque<Arc<T>>,
    /// The number of the last event; the first one is 1.
    last: u64,
    room: usize,
}

impl<T> Feed<T> {
    /// Makes a feed that keeps as many events.
    pub(crate) fn new(room: usize) -> Self {
        let ring = Ring { events: VecDeque::new(), last: 0, room: room.max(1) };
        let epoch = uuid::Uuid::new_v4().simple().to_string();
        Self { ring: Mutex::new(ring), moved: watch::Sender::new(0), epoch }
    }

    /// Adds events, and tells whoever waits.
    pub(crate) fn push(&self, events: impl IntoIterator<Item = T>) {
        let last = {
            let mut ring = self.lock();
            for event in events {
                if ring.events.len() == ring.room {
                    ring.events.pop_front();
                }
                ring.events.push_back(Arc::new(event));
                ring.last += 1;
            }
            ring.last
        };
        self.moved.send_if_modified(|seen| std::mem::replace(seen, last) != last);
    }

    /// The number of the last event.
    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// At most `limit` events after a number, the first of which is the next number; `None` when some are no longer there.
    pub(crate) fn after(&self, seen: u64, limit: usize) -> Option<Vec<Arc<T>>> {
        let ring = self.lock();
        let missing = usize::try_from(ring.last.checked_sub(seen)?).ok()?;
        let skipped = ring.events.len().checked_sub(missing)?;
        Some(ring.events.iter().skip(skipped).take(limit).cloned().collect())
    }

    /// Whoever waits for events.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// What a client names to go on after an event.
    pub(crate) fn id(&self, number: u64) -> String {
        format!("{}.{number}", self.epoch)
    }

    /// The number in an id of this very feed.
    pub(crate) fn number(&self, id: &str) -> Option<u64> {
        id.strip_prefix(&self.epoch)?.strip_prefix('.')?.parse().ok()
    }

    fn lock(&self) -> MutexGuard<'_, Ring<T>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes one event. `data` is one line, such as JSON.
pub(crate) fn write(to: &mut BytesMut, id: Option<&str>, event: &str, data: &[u8]) {
    if let Some(id) = id {
        for part in ["id: ", id, "\n"] {
            to.put_slice(part.as_bytes());
        }
    }
    for part in [b"event: ", event.as_bytes(), b"\ndata: ", data, b"\n\n"] {
        to.put_slice(part);
    }
}

/// The data of an event: a value as JSON on one line.
pub(crate) fn data(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// Answers with events as they come, and with a comment when there was none for a while; it ends with them, or when the
/// server does.
pub(crate) fn respond(
    events: impl Stream<Item = Bytes> + Send + 'static,
    ending: watch::Receiver<bool>,
) -> Response<Body> {
    let mut response = Response::new(Body::from_stream(alive(events, ending, KEEP_ALIVE)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // Proxies such as nginx would keep events back to fill their buffers.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// Waits until the server ends.
pub(crate) async fn ended(mut ending: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = ending.wait_for(|ending| *ending).await;
}

fn alive(
    events: impl Stream<Item = Bytes> + Send + 'static,
    ending: watch::Receiver<bool>,
    silence: Duration,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    let events = Box::pin(events.take_until(Box::pin(ended(ending))));
    stream::unfold(events, move |mut events| async move {
        let chunk = match tokio::time::timeout(silence, events.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => Bytes::from_static(b": still here\n\n"),
        };
        Some((Ok(chunk), events))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_go_on_where_they_were_or_hear_that_they_cannot() {
        let feed = Feed::new(3);
        let read = |seen, limit| feed.after(seen, limit).map(|all| all.iter().map(|e| **e).collect::<Vec<u32>>());
        assert_eq!((feed.last(), read(0, 9)), (0, Some(vec![])));
        feed.push([10, 11]);
        assert_eq!((read(0, 9), read(1, 9), read(2, 9)), (Some(vec![10, 11]), Some(vec![11]), Some(vec![])));
        assert_eq!(read(3, 9), None, "nobody has seen what has not happened");
        feed.push([12, 13]);
        assert_eq!((read(0, 9), read(1, 2)), (None, Some(vec![11, 12])));
        assert_eq!(feed.number(&feed.id(7)), Some(7));
        assert_eq!(feed.number(&Feed::<u32>::new(1).id(7)), None);
        assert_eq!(feed.number("7"), None);
    }

    #[test]
    fn events_are_written_as_browsers_read_them() {
        let mut text = BytesMut::new();
        write(&mut text, Some("a.1"), "added", &data(&serde_json::json!({"a": "b\nc"})));
        write(&mut text, None, "synced", b"{}");
        assert_eq!(text, "id: a.1\nevent: added\ndata: {\"a\":\"b\\nc\"}\n\nevent: synced\ndata: {}\n\n");
    }

    #[tokio::test]
    async fn silence_is_broken_and_the_servers_end_ends_it() {
        let (ending, ends) = watch::channel(false);
        let events = stream::iter([Bytes::from_static(b"x")]).chain(stream::pending());
        let mut body = Box::pin(alive(events, ends, Duration::from_millis(5)));
        assert_eq!(body.next().await.unwrap().unwrap(), "x");
        assert_eq!(body.next().await.unwrap().unwrap(), ": still here\n\n");
        ending.send_replace(true);
        assert!(body.next().await.is_none());
    }
}
