//! Streams of lists, read as a browser reads them.

#![allow(dead_code)]

use std::time::Duration;

use axum::body::BodyDataStream;
use futures::StreamExt;
use serde_json::Value;

use crate::common::Server;

/// Opens a stream, after an event that was seen.
pub(crate) async fn open(server: &Server, path: &str, last: Option<&str>) -> Events {
    let headers: Vec<(&str, &str)> = last.map(|last| ("last-event-id", last)).into_iter().collect();
    let response = server.open(path, &headers).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    Events { body: response.into_body().into_data_stream(), text: String::new(), id: String::new() }
}

/// A reader of events, as browsers have it.
pub(crate) struct Events {
    body: BodyDataStream,
    text: String,
    /// The id of the last event that had one.
    pub(crate) id: String,
}

impl Events {
    /// The next event: its type and data, of which `data` fits the contract; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
                if let Some(id) = field("id") {
                    self.id = id.to_owned();
                }
                let Some(kind) = field("event") else { continue };
                let data: Value = serde_json::from_str(field("data").unwrap()).unwrap();
                if matches!(kind, "added" | "modified" | "deleted") {
                    let of = if data["release"].is_object() { "Operation" } else { "ReleaseSummary" };
                    assert_eq!(api::check(of, &data), []);
                }
                return Some((kind.to_owned(), data));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await.expect("silence")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// The next events, as `TYPE NAME.REVISION STATUS`.
    pub(crate) async fn take(&mut self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..count {
            let (kind, data) = self.next().await.expect("the end");
            all.push(match data["name"].as_str() {
                Some(name) => format!("{kind} {name}.{} {}", data["revision"], data["status"].as_str().unwrap()),
                None => kind,
            });
        }
        all
    }

    /// Waits for a place to come back to that comes without an event.
    pub(crate) async fn place(&mut self) -> String {
        let before = self.id.clone();
        while self.id == before {
            let chunk = self.body.next().await.unwrap().unwrap();
            let text = std::str::from_utf8(&chunk).unwrap();
            assert!(!text.contains("event: "), "{text}");
            if let Some(id) = text.strip_prefix("id: ") {
                self.id = id.trim_end().to_owned();
            }
        }
        self.id.clone()
    }

    /// What is told until it is said that nothing was missed any more.
    pub(crate) async fn missed(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match self.take(1).await.pop().unwrap() {
                synced if synced == "synced" => return all,
                told => all.push(told),
            }
        }
    }
}
