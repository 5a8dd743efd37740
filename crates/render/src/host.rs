//! What the functions of one render share: clock, randomness, caches, switches.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rsa::rand_core::OsRng;

use crate::golang::time::Time;
use gotext::regexp::Cache;

/// Answers `lookup` from a cluster.
pub trait Lookup: Send + Sync {
    /// Gets one object, or a list when the name is empty; what is not there is an empty map (as Helm 4.3:
    /// `pkg/engine/lookup_func.go`). An error's text ends the render.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<goyaml::Value, String>;
}

/// Answers `getHostByName`.
pub trait Resolve: Send + Sync {
    /// Gets one of the addresses of a name; `None` when it has none.
    fn resolve(&self, name: &str) -> Option<String>;
}

/// What Helm writes to its log while it renders for `helm lint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// `INFO` or `WARN`.
    pub level: &'static str,
    /// Helm's words.
    pub text: String,
    /// The chart's words: the message of `required` or `fail`.
    pub message: String,
}

/// Whoever wants to hear of notices.
pub type Notices = Arc<dyn Fn(Notice) + Send + Sync>;

/// The state of one render.
pub(crate) struct Host {
    /// Compiled regular expressions.
    pub(crate) regexes: Cache,
    /// The source of everything random.
    pub(crate) random: ChaCha20Rng,
    /// The time it is.
    pub(crate) now: Time,
    /// The local time zone.
    pub(crate) local: &'static TimeZone,
    /// Whether `required` and `fail` only warn, as `helm lint` has it.
    pub(crate) lint: bool,
    /// The cluster.
    pub(crate) lookup: Option<Arc<dyn Lookup>>,
    /// The name service, when it may be asked.
    pub(crate) resolve: Option<Arc<dyn Resolve>>,
    /// How many `include`s of each name are running.
    pub(crate) included: HashMap<Vec<u8>, u32>,
    /// How many `tpl`s are running.
    pub(crate) tpl_depth: u32,
    /// Whoever wants to hear what was only noted.
    pub(crate) notices: Option<Notices>,
}

impl Host {
    /// Tells whoever listens.
    pub(crate) fn note(&self, level: &'static str, text: &str, message: &str) {
        if let Some(tell) = &self.notices {
            tell(Notice { level, text: text.to_owned(), message: message.to_owned() });
        }
    }

    pub(crate) fn new(now: Time, local: &'static TimeZone, seed: Option<[u8; 32]>) -> Self {
        let seed = seed.unwrap_or_else(|| {
            let mut seed = [0; 32];
            OsRng.fill_bytes(&mut seed);
            seed
        });
        Self {
            regexes: Cache::default(),
            random: ChaCha20Rng::from_seed(seed),
            now,
            local,
            lint: false,
            lookup: None,
            resolve: None,
            included: HashMap::new(),
            tpl_depth: 0,
            notices: None,
        }
    }
}
