//! Facts that come up while a plan runs.

use serde::Serialize;

/// Where a running change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum Phase {
    Plan,
    Record,
    Crds,
    PreHooks,
    Apply,
    Wait,
    PostHooks,
    Finish,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Event {
    /// A phase has begun.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// Something was done to an object, or its status changed.
    Resource {
        /// `apps/v1`, `v1` …
        api_version: String,
        /// The kind.
        kind: String,
        /// Its namespace; empty when it has none.
        namespace: String,
        /// Its name.
        name: String,
        /// `created`, `configured`, `deleted`, `kept`, `ready`, `waiting` …
        action: String,
        /// More, for a person.
        message: Option<String>,
    },
    /// A hook has started or ended.
    Hook {
        /// The hook's name.
        name: String,
        /// The hook's kind.
        kind: String,
        /// `pre-install` …
        event: String,
        /// `running`, `succeeded` or `failed`.
        phase: String,
    },
    /// What a container of a hook has printed.
    Log {
        /// The pod.
        pod: String,
        /// The container.
        container: String,
        /// The text.
        text: String,
    },
    /// Something that a person should know and that does not stop the change.
    Warning {
        /// What.
        message: String,
    },
    /// The API server warns of what it was sent: of fields it does not know, of versions that are deprecated.
    Warned {
        /// Its words.
        message: String,
    },
    /// Another process holds the release, or has died with it, and is waited for.
    Locked {
        /// The process, as its Lease names it.
        holder: String,
        /// What is waited for, for a person.
        message: String,
    },
    /// A record was stored.
    Recorded {
        /// The revision.
        revision: u32,
        /// The status as Helm writes it.
        status: String,
    },
}

/// Whoever wants to hear of events; called in order, must not block.
pub type Observer<'o> = &'o (dyn Fn(Event) + Send + Sync);
