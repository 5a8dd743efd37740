//! How events are written, and the answer that carries them.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use http::{HeaderValue, Response, header};
use serde::Serialize;
use tokio::sync::watch;

/// After how long a silent stream says that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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

/// Writes a place to come back to without an event: browsers take the id and tell nobody.
pub(crate) fn write_place(to: &mut BytesMut, id: &str) {
    for part in ["id: ", id, "\n\n"] {
        to.put_slice(part.as_bytes());
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
