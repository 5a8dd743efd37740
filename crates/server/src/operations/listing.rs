//! What every replica knows of an operation: a Lease in the server's own namespace.
//!
//! The Lease says who runs the operation and that he lives; its annotation says where the operation's record is and for
//! whom it is done. Only the server writes in its own namespace, so that what is done on takeover is what was asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Kind, Operation, Phase, ReleaseRef, State};
use cluster::Identity;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;
use serde::{Deserialize, Serialize};

use crate::home::KIND;

/// How long a server may be silent before its operations are taken over, as the engine's own leases.
pub(crate) const TERM: Duration = Duration::from_secs(15);

pub(crate) const OPERATION: &str = "operation";
const DONE: &str = "whipstaff.dev/done";
const LISTING: &str = "whipstaff.dev/operation";
const PREFIX: &str = "whipstaff.operation.";

/// An operation as lists know it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listing {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) release: ReleaseRef,
    pub(crate) state: State,
    pub(crate) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether the record is in the server's own namespace, because the release's is not there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) at_home: bool,
    /// In whose name it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) caller: Option<Identity>,
    /// Whether somebody has asked to cancel it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) cancel: bool,
    /// Whether it waits for those before it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) queue: bool,
    /// The Lease that claims its `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}

/// A listing as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Indexed {
    pub(crate) listing: Listing,
    /// Who runs it; nobody when it is done or was handed over.
    pub(crate) holder: Option<String>,
    pub(crate) renewed: Option<Timestamp>,
    /// How often it was taken over.
    pub(crate) takeovers: u32,
    /// The version for compare-and-swap.
    pub(crate) version: String,
}

impl Listing {
    /// Tells whether nothing more will happen.
    pub(crate) fn is_done(&self) -> bool {
        is_done(self.state)
    }

    /// Reads the annotation of a Lease.
    pub(crate) fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(annotations.get(LISTING)?).ok()
    }

    /// The operation as far as the listing tells it, for when its record is gone.
    pub(crate) fn operation(&self) -> Operation {
        Operation {
            id: self.id.clone(),
            kind: self.kind,
            release: self.release.clone(),
            state: self.state,
            done: self.is_done(),
            phase: if self.is_done() { Phase::Finish } else { Phase::Plan },
            progress: None,
            initiator: self.caller.as_ref().map(|caller| caller.user.clone()),
            created_at: self.created_at.to_string(),
            started_at: None,
            finished_at: self.finished_at.map(|at| at.to_string()),
            expires_at: self.expires_at.map(|at| at.to_string()),
            result: None,
            error: None,
        }
    }
}

/// Tells whether nothing more happens after a state.
pub(crate) fn is_done(state: State) -> bool {
    !matches!(state, State::Queued | State::Running | State::Cancelling)
}

impl Indexed {
    /// Tells whether whoever runs it has not been heard of for too long, or has handed it over.
    pub(crate) fn is_orphan(&self, now: Timestamp) -> bool {
        let silent = || self.renewed.is_none_or(|at| at + TERM <= now);
        !self.listing.is_done() && (self.holder.is_none() || silent())
    }

    /// The Lease that says so.
    pub(crate) fn lease(&self) -> Lease {
        let Listing { id, release, .. } = &self.listing;
        let labels = [
            (KIND, OPERATION.to_owned()),
            (DONE, self.listing.is_done().to_string()),
            ("whipstaff.dev/cluster", release.cluster.clone()),
            ("whipstaff.dev/namespace", release.namespace.clone()),
            ("whipstaff.dev/release", release.name.clone()),
        ];
        let text = serde_json::to_string(&self.listing).unwrap_or_default();
        Lease {
            metadata: ObjectMeta {
                name: Some(lease_name(id)),
                resource_version: Some(self.version.clone()).filter(|version| !version.is_empty()),
                labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
                annotations: Some(BTreeMap::from([(LISTING.to_owned(), text)])),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: self.holder.clone(),
                renew_time: self.renewed.map(MicroTime),
                lease_duration_seconds: i32::try_from(TERM.as_secs()).ok(),
                lease_transitions: i32::try_from(self.takeovers).ok(),
                ..LeaseSpec::default()
            }),
        }
    }

    /// Reads a Lease; `None` when it is none of ours, or of a version that we do not know.
    pub(crate) fn read(lease: &Lease) -> Option<Self> {
        let spec = lease.spec.as_ref()?;
        Some(Self {
            listing: Listing::read(lease.metadata.annotations.as_ref()?)?,
            holder: spec.holder_identity.clone().filter(|holder| !holder.is_empty()),
            renewed: spec.renew_time.as_ref().map(|at| at.0),
            takeovers: spec.lease_transitions.and_then(|n| n.try_into().ok()).unwrap_or_default(),
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
        })
    }
}

/// The name of an operation's Lease.
pub(crate) fn lease_name(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The operation that a Lease of this name is of.
pub(crate) fn id_of(lease: &str) -> Option<&str> {
    lease.strip_prefix(PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn indexed() -> Indexed {
        Indexed {
            listing: Listing {
                id: "0199d2c8-6f1e-7cc3-98c8-0242ac120002".into(),
                kind: Kind::Upgrade,
                release: ReleaseRef { cluster: "default".into(), namespace: "web".into(), name: "shop".into() },
                state: State::Running,
                created_at: Timestamp::UNIX_EPOCH,
                finished_at: None,
                expires_at: None,
                at_home: true,
                caller: Some(Identity { user: "alice".into(), groups: vec!["web".into()], ..Identity::default() }),
                cancel: true,
                queue: true,
                key: Some("k".into()),
            },
            holder: Some("pod_1".into()),
            renewed: Some(Timestamp::UNIX_EPOCH),
            takeovers: 2,
            version: "7".into(),
        }
    }

    #[test]
    fn a_lease_keeps_all_of_it() {
        let indexed = indexed();
        assert_eq!(Indexed::read(&indexed.lease()), Some(indexed.clone()));
        assert_eq!(id_of(&lease_name("x")), Some("x"));
        assert_eq!(Indexed::read(&Lease::default()), None);
    }

    #[test]
    fn orphans_are_those_that_nobody_was_heard_of_for() {
        let at = |seconds: i64| Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(seconds);
        let mut indexed = indexed();
        assert!(!indexed.is_orphan(at(14)) && indexed.is_orphan(at(15)));
        indexed.holder = None;
        assert!(indexed.is_orphan(at(0)));
        indexed.listing.state = State::Failed;
        assert!(!indexed.is_orphan(at(100)));
    }
}
