//! How a sandbox is to be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// A user and the groups it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// What else is known of the user, such as scopes.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Makes a user.
    pub fn new(name: &str, groups: &[&str]) -> Self {
        Self { name: name.to_owned(), groups: groups.iter().map(|g| (*g).to_owned()).collect(), extra: BTreeMap::new() }
    }

    /// Whether the user may do everything.
    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|g| g == "system:masters")
    }
}

/// How a sandbox is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// What names and ids are made from: the same seed makes the same ones.
    pub seed: u64,
    /// Who a bearer token is.
    pub tokens: BTreeMap<String, User>,
    /// Who a caller without a token is; none: such a caller is `system:anonymous`, who may see nothing but discovery.
    pub anonymous: Option<User>,
    /// How long a pod takes to run; zero: it runs before the request that made it is answered.
    pub pod_start: Duration,
    /// How long a pod that is meant to end runs before it does.
    pub pod_run: Duration,
    /// The most objects there may be.
    pub max_objects: usize,
    /// About how much memory the objects may take, in bytes.
    pub max_bytes: usize,
    /// How many changes a watch can be resumed from.
    pub max_history: usize,
    /// The largest body of a request, in bytes.
    pub max_body: usize,
}

impl Default for Config {
    /// The tokens are `admin`, who may do everything, and `viewer`, who may do nothing until it is given a role; a caller
    /// without a token is `admin`. Pods run at once.
    fn default() -> Self {
        let admin = User::new("admin", &["system:masters", "system:authenticated"]);
        let viewer = User::new("viewer", &["viewers", "system:authenticated"]);
        Self {
            clock: Arc::new(SystemClock),
            seed: 1,
            tokens: BTreeMap::from([("admin".to_owned(), admin.clone()), ("viewer".to_owned(), viewer)]),
            anonymous: Some(admin),
            pod_start: Duration::ZERO,
            pod_run: Duration::ZERO,
            max_objects: 50_000,
            max_bytes: 1 << 30,
            max_history: 10_000,
            max_body: 3 << 20,
        }
    }
}
