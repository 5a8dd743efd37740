//! `Idempotency-Key`: a Lease whose name is made of the key, so that only one of two requests can make it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::{Problem, Reason};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DeleteParams, ObjectMeta, PostParams};
use sha2::{Digest, Sha256};

use super::Operations;
use super::entry::Entry;
use super::listing::TERM;
use crate::ctx::Ctx;
use crate::home::{KIND, code};

const OF: &str = "whipstaff.dev/operation";
const FINGERPRINT: &str = "whipstaff.dev/fingerprint";
/// How often a key is looked at whose operation is only being made.
const LOOKS: u32 = 20;
const LOOK: Duration = Duration::from_millis(100);

/// An `Idempotency-Key`, and what tells requests apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Idempotency {
    pub(crate) key: String,
    pub(crate) fingerprint: String,
}

/// Whose a key is.
pub(super) enum Claim {
    /// Ours: the name of the Lease that says so.
    Ours(String),
    /// That of an earlier request, which made this operation.
    Known(Arc<Entry>),
}

impl Operations {
    /// Claims a key for a new operation, or finds the operation that it was claimed for.
    pub(super) async fn claim(&self, ctx: &Ctx, wanted: &Idempotency, id: &str) -> Result<Claim, Box<Problem>> {
        let leases = self.home.leases()?;
        let name = lease_name(ctx.caller.user().unwrap_or_default(), &wanted.key);
        let claim = claim(&name, id, &wanted.fingerprint);
        for _ in 0..LOOKS {
            match leases.create(&PostParams::default(), &claim).await {
                Ok(_) => return Ok(Claim::Ours(name)),
                Err(error) if code(&error) == Some(409) => {}
                Err(error) => return Err(self.home.refused(error)),
            }
            let Some(found) = leases.get_opt(&name).await.map_err(|e| self.home.refused(e))? else { continue };
            let annotation = |key: &str| found.metadata.annotations.as_ref()?.get(key).map(String::as_str);
            if annotation(FINGERPRINT) != Some(wanted.fingerprint.as_str()) {
                let text = "another request was made with this `Idempotency-Key`; take a new key for a new request";
                return Err(Box::new(Problem::new(Reason::IdempotencyKeyReused, text)));
            }
            let known = annotation(OF).unwrap_or_default();
            if let Some(entry) = self.find(ctx, known, true).await? {
                return Ok(Claim::Known(entry));
            }
            // It is being made, or whoever wanted to make it is dead.
            let made = found.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |at| at.0);
            if made + TERM <= self.now() {
                self.free_key(&name).await;
                continue;
            }
            tokio::time::sleep(LOOK).await;
        }
        let text = "a request with this `Idempotency-Key` is just being taken in; ask again";
        Err(Box::new(Problem::new(Reason::OperationInProgress, text)))
    }

    /// Frees a key, so that the same request is a new one.
    pub(super) async fn free_key(&self, name: &str) {
        let Ok(leases) = self.home.leases() else { return };
        if let Err(error) = leases.delete(name, &DeleteParams::default()).await {
            tracing::debug!(%error, "a key could not be freed");
        }
    }
}

/// Keys are their callers' own: nobody finds another one's operation by guessing its key.
fn lease_name(user: &str, key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(user);
    hash.update([0]);
    hash.update(key);
    format!("whipstaff.key.{}", hex::encode(hash.finalize()))
}

fn claim(name: &str, id: &str, fingerprint: &str) -> Lease {
    let annotations = [(OF.to_owned(), id.to_owned()), (FINGERPRINT.to_owned(), fingerprint.to_owned())];
    Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(KIND.to_owned(), "key".to_owned())])),
            annotations: Some(annotations.into()),
            ..ObjectMeta::default()
        },
        spec: None,
    }
}
