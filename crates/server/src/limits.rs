//! How much a caller may ask for, and all of them together: by rate, by requests at a time, and by open streams.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use api::{Problem, Reason, Route};
use axum::body::Body;
use http::{Extensions, HeaderValue, Response, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::Peer;
use crate::caller::Caller;
use crate::config::Limits;
use crate::ctx::Ctx;
use crate::reply;

/// From how many callers on those are forgotten who have not asked for a while.
const MANY: usize = 4_096;
/// What probes and scrapers ask must be answered just when there is much to do.
const ALWAYS: [&str; 3] = ["healthz", "readyz", "metrics"];

/// Whom requests are counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// A user.
    User(String),
    /// Whoever it is at an address.
    Address(IpAddr),
    /// Whoever asks within this process.
    Nobody,
}

impl Who {
    /// Finds out for whom to count, from what authentication and the connection have left.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        let user = extensions.get::<Caller>().and_then(Caller::user);
        match (user, extensions.get::<Peer>()) {
            (Some(user), _) => Self::User(user.to_owned()),
            (None, Some(Peer(address))) => Self::Address(address.ip()),
            (None, None) => Self::Nobody,
        }
    }
}

/// The limits of a server, and how far they are used.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    requests: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    callers: Mutex<HashMap<Who, Share>>,
}

/// What one caller has used up.
#[derive(Debug)]
struct Share {
    /// How many requests may be made at once, as of `at`.
    tokens: f64,
    at: Instant,
    requests: usize,
    streams: usize,
}

impl Share {
    fn is_idle(&self) -> bool {
        self.requests == 0 && self.streams == 0
    }

    /// Takes one request; how long until there is one otherwise.
    fn take(&mut self, limits: &Limits, now: Instant) -> Result<(), Duration> {
        let (rate, burst) = (f64::from(limits.caller_rate.max(1)), f64::from(limits.caller_burst.max(1)));
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * rate).min(burst);
        self.at = now;
        if self.tokens < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / rate));
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// What a place is for.
#[derive(Clone, Copy, Debug)]
enum Use {
    Request,
    Stream,
}

/// A place for a request or a stream, free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    limiter: Arc<Limiter>,
    who: Who,
    used: Use,
    _all: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(share) = self.limiter.lock().get_mut(&self.who) {
            let count = share.count(self.used);
            *count = count.saturating_sub(1);
        }
    }
}

impl Share {
    fn count(&mut self, used: Use) -> &mut usize {
        match used {
            Use::Request => &mut self.requests,
            Use::Stream => &mut self.streams,
        }
    }
}

/// Why there is no place, and when there may be one.
#[derive(Debug)]
pub(crate) struct Refusal {
    problem: Box<Problem>,
    wait: Duration,
}

impl Refusal {
    fn new(reason: Reason, text: String, wait: Duration) -> Self {
        Self { problem: Box::new(Problem::new(reason, text)), wait }
    }

    /// The answer, which says how many seconds to wait.
    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = reply::problem(&self.problem);
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        response
    }
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(limits.requests)),
            streams: Arc::new(Semaphore::new(limits.streams)),
            callers: Mutex::default(),
            limits,
        }
    }

    /// Finds a place for a request; `None` for one that needs none.
    pub(crate) fn admit(self: &Arc<Self>, who: &Who, route: &Route) -> Result<Option<Place>, Refusal> {
        if ALWAYS.contains(&route.id) {
            return Ok(None);
        }
        self.place(who, Use::Request, Instant::now()).map(Some)
    }

    fn place(self: &Arc<Self>, who: &Who, used: Use, now: Instant) -> Result<Place, Refusal> {
        let (all, most, what) = match used {
            Use::Request => (&self.requests, self.limits.caller_requests, "requests"),
            Use::Stream => (&self.streams, self.limits.caller_streams, "event streams"),
        };
        let mut callers = self.lock();
        if callers.len() >= MANY && !callers.contains_key(who) {
            let refilled = Duration::from_secs_f64(
                f64::from(self.limits.caller_burst) / f64::from(self.limits.caller_rate.max(1)),
            );
            callers.retain(|_, share| !share.is_idle() || now.duration_since(share.at) < refilled);
        }
        let fresh = || Share { tokens: f64::from(self.limits.caller_burst), at: now, requests: 0, streams: 0 };
        let share = callers.entry(who.clone()).or_insert_with(fresh);
        if matches!(used, Use::Request)
            && let Err(wait) = share.take(&self.limits, now)
        {
            let text = format!("more than {} requests a second; wait as `Retry-After` says", self.limits.caller_rate);
            return Err(Refusal::new(Reason::RateLimited, text, wait));
        }
        if *share.count(used) >= most {
            let text = format!("you have {most} {what} open, which is as many as one caller may; end some, or wait");
            return Err(Refusal::new(Reason::RateLimited, text, Duration::from_secs(1)));
        }
        let Ok(permit) = Arc::clone(all).try_acquire_owned() else {
            let text = format!("the server has as many {what} as it can serve; ask again, or another replica");
            return Err(Refusal::new(Reason::Overloaded, text, Duration::from_secs(1)));
        };
        *share.count(used) += 1;
        Ok(Place { limiter: Arc::clone(self), who: who.clone(), used, _all: permit })
    }

    /// How many streams are open.
    pub(crate) fn open_streams(&self) -> usize {
        self.limits.streams.saturating_sub(self.streams.available_permits())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Who, Share>> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ctx {
    /// Finds a place for a stream of events, to be kept as long as the stream is open.
    pub(crate) fn stream_place(&self) -> Result<Place, Box<Problem>> {
        self.app.limiter.place(&self.who, Use::Stream, Instant::now()).map_err(|refusal| refusal.problem)
    }
}

/// Makes the problem of a read that takes too long.
pub(crate) fn too_slow(time: Duration) -> Box<Problem> {
    let text = format!("there was no answer within {} s; the cluster may be slow", time.as_secs());
    Box::new(Problem::new(Reason::RequestTimeout, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(limits: Limits) -> Arc<Limiter> {
        Arc::new(Limiter::new(limits))
    }

    fn refused(place: Result<Place, Refusal>) -> (Reason, u64, String) {
        let refusal = place.unwrap_err();
        let millis = u64::try_from(refusal.wait.as_millis()).unwrap();
        let response = refusal.problem.reason;
        let header = refusal.into_response().headers()["retry-after"].to_str().unwrap().to_owned();
        (response, millis, header)
    }

    #[test]
    fn a_caller_has_a_rate_and_hears_when_to_come_back() {
        let limiter = limiter(Limits { caller_rate: 2, caller_burst: 3, ..Limits::default() });
        let begin = Instant::now();
        let ask = |who: &Who, millis| limiter.place(who, Use::Request, begin + Duration::from_millis(millis));
        let alice = Who::User("alice".to_owned());
        for _ in 0..3 {
            assert!(ask(&alice, 0).is_ok());
        }
        assert_eq!(refused(ask(&alice, 100)), (Reason::RateLimited, 400, "1".to_owned()));
        assert!(ask(&Who::Nobody, 100).is_ok(), "others are not concerned");
        assert!(ask(&alice, 500).is_ok());
        assert_eq!(refused(ask(&alice, 600)).1, 400);
        // However long it was quiet, no more than the burst is there.
        assert_eq!((0..5).filter(|_| ask(&alice, 60_000).is_ok()).count(), 3);
    }

    #[test]
    fn places_are_given_back() {
        let limits = Limits { caller_requests: 2, requests: 3, caller_streams: 1, ..Limits::default() };
        let limiter = limiter(limits);
        let now = Instant::now();
        let (alice, bob) = (Who::User("alice".to_owned()), Who::Address([127, 0, 0, 1].into()));
        let first = limiter.place(&alice, Use::Request, now).unwrap();
        let _second = limiter.place(&alice, Use::Request, now).unwrap();
        assert_eq!(refused(limiter.place(&alice, Use::Request, now)).0, Reason::RateLimited);
        let _other = limiter.place(&bob, Use::Request, now).unwrap();
        assert_eq!(refused(limiter.place(&bob, Use::Request, now)).0, Reason::Overloaded);
        drop(first);
        assert!(limiter.place(&bob, Use::Request, now).is_ok());
        let stream = limiter.place(&bob, Use::Stream, now).unwrap();
        assert_eq!(
            (refused(limiter.place(&bob, Use::Stream, now)).0, limiter.open_streams()),
            (Reason::RateLimited, 1)
        );
        drop(stream);
        assert_eq!(limiter.open_streams(), 0);
        assert!(limiter.admit(&alice, api::route("healthz").unwrap()).unwrap().is_none());
    }
}
