//! Trying again what failed for the moment: too many requests, a server that is not well, a connection that broke.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::Error;

/// How often a call is made at most.
const TRIES: u32 = 4;
/// The pause before the second try; each one after it is twice as long.
const FIRST: Duration = Duration::from_millis(200);
/// The longest pause, also when the server asks for a longer one.
const LONGEST: Duration = Duration::from_secs(10);

/// How long to wait before a call is made again. Pauses differ from call to call, so that many callers that were turned
/// away together do not come back together; the same seed gives the same pauses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    seed: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { seed: RandomState::new().hash_one(()) }
    }
}

impl Patience {
    #[cfg(test)]
    fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The pause before the next try of a call that was made so often; `None` when it is not to be made again.
    pub(crate) fn pause(self, error: &Error, path: &str, made: u32) -> Option<Duration> {
        if made >= TRIES || !error.is_retryable() {
            return None;
        }
        let doubled = FIRST.saturating_mul(1 << made.saturating_sub(1));
        // Between a half and the whole of it.
        let pause = doubled.mul_f64(0.5 + self.share(path, made) / 2.0);
        let asked = error.refusal().and_then(|refusal| refusal.retry_after);
        let asked = Duration::from_secs(asked.unwrap_or_default().into());
        Some((asked + pause).min(LONGEST))
    }

    /// A number from 0 to 1: FNV over what is called and how often, stirred as splitmix64 does.
    fn share(self, path: &str, made: u32) -> f64 {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let mixed = path.bytes().chain(made.to_le_bytes()).fold(self.seed ^ 0xcbf2_9ce4_8422_2325, step);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from(mixed >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Action;

    fn refused(code: u16, retry_after: u32) -> Error {
        let status = json!({"code": code, "message": "no", "details": {"retryAfterSeconds": retry_after}});
        Error::refused(Action::Get, None, serde_json::from_value(status).unwrap())
    }

    #[test]
    fn pauses_grow_and_differ_and_end() {
        let patience = Patience::new(7);
        let pauses = |error: &Error, path: &str| -> Vec<u128> {
            (1..).map_while(|made| patience.pause(error, path, made)).map(|pause| pause.as_millis()).collect()
        };
        let found = pauses(&refused(503, 0), "/a");
        assert_eq!(found.len(), 3);
        for (pause, most) in found.iter().zip([200, 400, 800]) {
            assert!((most / 2..=most).contains(pause), "{found:?}");
        }
        assert_ne!(found, pauses(&refused(503, 0), "/b"));
        assert_eq!(found, pauses(&refused(503, 0), "/a"), "the same seed, the same pauses");
        assert_ne!(Patience::new(8).share("/a", 1), patience.share("/a", 1));
    }

    #[test]
    fn what_the_server_asks_for_is_done_within_bounds() {
        let pause = |code, after| Patience::new(1).pause(&refused(code, after), "/a", 1);
        assert!(pause(429, 3).is_some_and(|pause| pause > Duration::from_secs(3)));
        assert_eq!(pause(429, 3600), Some(LONGEST));
        for code in [400, 403, 404, 409, 410, 422] {
            assert_eq!(pause(code, 0), None, "{code}");
        }
    }
}
