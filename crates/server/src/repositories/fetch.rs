//! The one client that fetches for callers: from where the operator allows it, a few at a time, and not for ever.

use std::sync::Arc;
use std::time::Duration;

use depot::{Access, Ask, Fetcher, Validators};
use tokio::sync::Semaphore;

use crate::hosts::Hosts;

/// How many fetches there are at a time.
const PLACES: usize = 8;
/// How long one may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Fetches for callers.
pub(super) struct Client {
    fetcher: Fetcher,
    places: Arc<Semaphore>,
}

/// Why nothing was fetched.
#[derive(Debug)]
pub(super) enum Failed {
    /// It went wrong.
    Depot(depot::Error),
    /// It takes too long.
    Late(Duration),
    /// What was to do it has died.
    Died(String),
}

impl From<depot::Error> for Failed {
    fn from(error: depot::Error) -> Self {
        Self::Depot(error)
    }
}

/// What a server sends.
pub(super) enum Sent {
    /// It is what we have.
    Same,
    /// The bytes, and what the server calls this state of them.
    New(Vec<u8>, Validators),
}

impl Client {
    pub(super) fn new(hosts: &Hosts) -> Self {
        let agent = concat!("whipstaff/", env!("CARGO_PKG_VERSION"));
        let fetcher = Fetcher::new(agent, PATIENCE, None).within(Arc::new(hosts.clone()));
        Self { fetcher, places: Arc::new(Semaphore::new(PLACES)) }
    }

    /// Does what blocks. Who waits gives up in time; the place is free when the work has come to its end, which takes the client no
    /// longer.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Fetcher) -> Result<T, depot::Error> + Send + 'static,
    ) -> Result<T, Failed> {
        let done = async {
            let place = self.places.clone().acquire_owned().await.map_err(|error| Failed::Died(error.to_string()))?;
            let fetcher = self.fetcher.clone().hurried(PATIENCE);
            let work = move || {
                let done = work(&fetcher);
                drop(place);
                done
            };
            let done = tokio::task::spawn_blocking(work).await.map_err(|error| Failed::Died(error.to_string()))?;
            Ok(done?)
        };
        tokio::time::timeout(PATIENCE, done).await.unwrap_or(Err(Failed::Late(PATIENCE)))
    }

    /// Fetches what is at a URL and has so many bytes at most, unless it is what we have.
    pub(super) async fn get(
        &self,
        url: &str,
        access: &Access,
        validators: Validators,
        most: u64,
    ) -> Result<Sent, Failed> {
        let (url, access) = (url.to_owned(), access.clone());
        let ask = Ask { accept: "application/gzip,application/octet-stream", validators };
        self.run(move |fetcher| {
            let answer = fetcher.get(&url, &access, &ask)?;
            if answer.is_unchanged {
                return Ok(Sent::Same);
            }
            let validators = answer.validators.clone();
            Ok(Sent::New(answer.read(most)?, validators))
        })
        .await
    }
}
