//! An operation's record: a Secret beside the release, which every replica reads its state and its events from.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use api::{Event, Operation, State};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::listing::OPERATION;
use crate::home::KIND;

/// The type of the Secret.
const TYPE: &str = "whipstaff.dev/operation.v1";
const PREFIX: &str = "whipstaff.operation.v1.";
/// What the events of one record may take, packed; a Secret holds a mebibyte.
const MAX_PACKED: usize = 700 << 10;
/// What they may take unpacked.
const MAX_UNPACKED: u64 = 64 << 20;

/// What a record holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub(crate) operation: Operation,
    /// All events so far, in their order; the number of one is its place, from 1.
    pub(crate) events: Vec<Event>,
    pub(crate) run: Run,
}

/// What whoever takes the operation over has to know of the run so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Run {
    /// Who has run it, as the release's record and Lease name them; more than one when it was taken over.
    pub(crate) holders: Vec<String>,
    /// The revision that it has recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u32>,
}

/// The name of an operation's record.
pub(crate) fn secret_name(id: &str) -> String {
    format!("{PREFIX}{id}")
}

impl Stored {
    /// Makes the Secret; `version` is that of the one it replaces.
    pub(crate) fn secret(&self, version: Option<String>) -> Secret {
        let operation = &self.operation;
        let labels = [
            (KIND, OPERATION.to_owned()),
            ("whipstaff.dev/release", operation.release.name.clone()),
            ("whipstaff.dev/state", state_name(operation.state).to_owned()),
        ];
        let json = |value: serde_json::Result<Vec<u8>>| ByteString(value.unwrap_or_default());
        let data = [
            ("operation", json(serde_json::to_vec(operation))),
            ("run", json(serde_json::to_vec(&self.run))),
            ("events", ByteString(pack(&self.events))),
        ];
        Secret {
            metadata: ObjectMeta {
                name: Some(secret_name(&operation.id)),
                resource_version: version,
                labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
                ..ObjectMeta::default()
            },
            type_: Some(TYPE.to_owned()),
            data: Some(data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ..Secret::default()
        }
    }

    /// Reads a Secret; `None` when it is no record of an operation that we can read.
    pub(crate) fn read(secret: &Secret) -> Option<Self> {
        if secret.type_.as_deref() != Some(TYPE) {
            return None;
        }
        let data: &BTreeMap<String, ByteString> = secret.data.as_ref()?;
        let bytes = |key: &str| data.get(key).map(|bytes| bytes.0.as_slice());
        Some(Self {
            operation: serde_json::from_slice(bytes("operation")?).ok()?,
            run: bytes("run").and_then(|run| serde_json::from_slice(run).ok()).unwrap_or_default(),
            events: unpack(bytes("events")?)?,
        })
    }
}

/// The name of a state in labels and filters.
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Running => "running",
        State::Cancelling => "cancelling",
        State::Succeeded => "succeeded",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
        State::Recovered => "recovered",
    }
}

/// Packs events; when they are too many for a Secret, the last ones but the end are left out.
fn pack(events: &[Event]) -> Vec<u8> {
    let mut kept = events.len();
    loop {
        let (head, end) = (events.get(..kept).unwrap_or_default(), events.last());
        let end = end.filter(|event| kept < events.len() && matches!(event, Event::Done { .. }));
        let all: Vec<&Event> = head.iter().chain(end).collect();
        let packed = zip(&all);
        if packed.len() <= MAX_PACKED || kept == 0 {
            return packed;
        }
        kept /= 2;
    }
}

fn zip(events: &[&Event]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut gzip, events);
    let _ = gzip.flush();
    gzip.finish().unwrap_or_default()
}

fn unpack(packed: &[u8]) -> Option<Vec<Event>> {
    let mut json = Vec::new();
    GzDecoder::new(packed).take(MAX_UNPACKED).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use api::{Kind, Phase, ReleaseRef};

    use super::*;
    use crate::operations::listing::Listing;

    fn stored(events: Vec<Event>) -> Stored {
        let listing = Listing {
            id: "0199d2c8".into(),
            kind: Kind::Upgrade,
            release: ReleaseRef { cluster: "default".into(), namespace: "web".into(), name: "shop".into() },
            state: State::Running,
            created_at: jiff::Timestamp::UNIX_EPOCH,
            finished_at: None,
            expires_at: None,
            at_home: false,
            caller: None,
            cancel: false,
            queue: false,
            key: None,
        };
        let run = Run { holders: vec!["pod_1".into()], revision: Some(3) };
        Stored { operation: listing.operation(), events, run }
    }

    #[test]
    fn a_secret_keeps_all_of_it() {
        let stored = stored(vec![Event::Phase { phase: Phase::Plan }, Event::warning("w")]);
        let secret = stored.secret(Some("5".into()));
        assert_eq!(Stored::read(&secret), Some(stored));
        assert_eq!(secret.type_.as_deref(), Some(TYPE));
        assert_eq!(Stored::read(&Secret { type_: Some("Opaque".into()), ..secret }), None);
    }

    #[test]
    fn what_does_not_fit_is_left_out_but_the_end_is_not() {
        let mut seed = 1_u64;
        let mut noise = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            format!("{seed:016x}").repeat(1)
        };
        let mut events: Vec<Event> =
            (0..2_000).map(|_| Event::warning((0..64).map(|_| noise()).collect::<String>())).collect();
        let operation = Box::new(stored(Vec::new()).operation);
        events.push(Event::Done { operation });
        let secret = stored(events).secret(None);
        assert!(secret.data.as_ref().unwrap()["events"].0.len() <= MAX_PACKED);
        let read = Stored::read(&secret).unwrap();
        assert!(read.events.len() > 100);
        assert!(matches!(read.events.last(), Some(Event::Done { .. })));
    }
}
