//! What the operator decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the server is set up.
#[derive(Clone)]
pub struct Config {
    /// Where it listens; a loopback address as long as there is no authentication.
    pub listen: SocketAddr,
    /// What a caller may ask for.
    pub limits: Limits,
    /// How long uploaded charts and finished operations are kept.
    pub retention: Duration,
    /// How long running operations may go on after the server was told to end.
    pub grace: Duration,
    /// The server's own namespace, in the cluster `default`: its operations and uploads are kept there.
    pub namespace: String,
    /// The clock.
    pub now: Clock,
}

/// What a caller may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest chart archive in bytes.
    pub chart_bytes: usize,
    /// The largest other body in bytes.
    pub body_bytes: usize,
    /// How much memory uploaded charts may take, unpacked, in bytes.
    pub charts_total_bytes: usize,
    /// How many finished operations are kept.
    pub operations: usize,
    /// How long a client may take to send its headers.
    pub header_time: Duration,
    /// How long a client may take to send its body.
    pub body_time: Duration,
    /// How long a request waits for the plan of its change before it answers 202.
    pub plan_time: Duration,
    /// The longest `Prefer: wait`.
    pub wait_time: Duration,
    /// How many connections there may be.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chart_bytes: 32 << 20,
            body_bytes: 16 << 20,
            charts_total_bytes: 512 << 20,
            operations: 10_000,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            plan_time: Duration::from_secs(15),
            wait_time: Duration::from_secs(600),
            connections: 4_096,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            limits: Limits::default(),
            retention: Duration::from_secs(24 * 60 * 60),
            grace: Duration::from_secs(30),
            namespace: "default".to_owned(),
            now: Arc::new(Timestamp::now),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("limits", &self.limits)
            .field("retention", &self.retention)
            .field("grace", &self.grace)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
