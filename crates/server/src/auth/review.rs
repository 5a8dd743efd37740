//! Tokens that the cluster knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::Problem;
use cluster::Identity;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::clusters::Member;
use crate::problems;

/// How long it is believed whose a token is: for so long a token that was revoked is still taken.
const KNOWN: Duration = Duration::from_secs(30);
/// How long it is believed that a token is nobody's; it may have been made just now.
const UNKNOWN: Duration = Duration::from_secs(5);
/// How many tokens are remembered.
const MANY: usize = 4_096;
/// How many tokens are asked about at the same time: nobody keeps the cluster busy by making them up.
const AT_ONCE: usize = 16;
/// How long the cluster may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the cluster whose tokens are, and remembers it for a moment.
pub(super) struct Reviews {
    audiences: Vec<String>,
    seen: Mutex<HashMap<[u8; 32], Answer>>,
    turns: Semaphore,
}

struct Answer {
    identity: Option<Identity>,
    until: Instant,
}

impl Reviews {
    pub(super) fn new(audiences: Vec<String>) -> Self {
        Self { audiences, seen: Mutex::default(), turns: Semaphore::new(AT_ONCE) }
    }

    /// Finds out whose a token is.
    pub(super) async fn find(&self, token: &str, member: &Arc<Member>) -> Result<Identity, Box<Problem>> {
        // The token itself is not kept.
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(known) = self.remembered(&hash) {
            return known.ok_or_else(super::unknown);
        }
        let ask = async {
            let _turn = self.turns.acquire().await;
            match self.remembered(&hash) {
                Some(known) => Ok(known),
                None => member.own().cluster().token_review(token, &self.audiences).await,
            }
        };
        let found = match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return Err(problems::of(engine::Error::Cluster(error))),
            Err(_) => return Err(problems::slow_cluster(PATIENCE)),
        };
        self.remember(hash, found.clone());
        found.ok_or_else(super::unknown)
    }

    fn remembered(&self, hash: &[u8; 32]) -> Option<Option<Identity>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash).filter(|answer| answer.until > Instant::now()).map(|answer| answer.identity.clone())
    }

    fn remember(&self, hash: [u8; 32], identity: Option<Identity>) {
        let now = Instant::now();
        let until = now + if identity.is_some() { KNOWN } else { UNKNOWN };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MANY {
            seen.retain(|_, answer| answer.until > now);
        }
        if seen.len() >= MANY {
            // Made-up tokens go before those that somebody uses.
            seen.retain(|_, answer| answer.identity.is_some());
        }
        if seen.len() >= MANY {
            seen.clear();
        }
        seen.insert(hash, Answer { identity, until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn answers_are_believed_for_a_moment_and_there_are_not_too_many() {
        let reviews = Reviews::new(Vec::new());
        let alice = Identity { user: "alice".into(), ..Identity::default() };
        reviews.remember([1; 32], Some(alice.clone()));
        reviews.remember([2; 32], None);
        assert_eq!(reviews.remembered(&[1; 32]), Some(Some(alice)));
        assert_eq!(reviews.remembered(&[2; 32]), Some(None));
        tokio::time::advance(UNKNOWN).await;
        assert_eq!(reviews.remembered(&[2; 32]), None);
        for number in 0..2 * MANY {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            reviews.remember(hash, None);
            assert!(reviews.seen.lock().unwrap().len() <= MANY);
        }
        assert!(reviews.remembered(&[1; 32]).is_some(), "made-up tokens do not drive out others");
        tokio::time::advance(KNOWN).await;
        assert_eq!(reviews.remembered(&[1; 32]), None);
    }
}
