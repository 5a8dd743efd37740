//! What the operator decides.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::auth::{Auth, Network};
use crate::hosts::Hosts;
use crate::own_repository::OwnRepository;
use crate::tls::Tls;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Is told of the span of each request as it begins, with the request's headers, to make it part of a wider trace.
pub type Traced = Arc<dyn Fn(&tracing::Span, &HeaderMap) + Send + Sync>;

/// How the server is set up.
#[derive(Clone)]
pub struct Config {
    /// Where it listens; a loopback address as long as there is no authentication.
    pub listen: SocketAddr,
    /// The server's own namespace, where it keeps what is its own.
    pub namespace: String,
    /// Who may ask.
    pub auth: Auth,
    /// The certificate that it is known by; without one it speaks plain HTTP.
    pub tls: Option<Tls>,
    /// Whether plain HTTP may be spoken with other machines: tokens can then be read by whoever listens.
    pub insecure_http: bool,
    /// The proxies that are believed when they say who has asked (`X-Forwarded-For`).
    pub trusted_proxies: Vec<Network>,
    /// Whether `/metrics` is shown without a token.
    pub open_metrics: bool,
    /// Where clusters may be that callers name.
    pub cluster_hosts: Hosts,
    /// Where repositories and registries may be, and whatever they lead to.
    pub repository_hosts: Hosts,
    /// Places in registries (`oci://ghcr.io/example`) whose charts may be fetched by who does not say who they are, and without a
    /// repository for them.
    pub registries: Vec<String>,
    /// How old what is known of a repository may be when it is used.
    pub refresh_interval: Duration,
    /// Where what was fetched is kept; a folder of its own, which goes with the server, when none is named.
    pub cache: Option<PathBuf>,
    /// How much that may be, in bytes.
    pub cache_size: u64,
    /// A folder that is served as a chart repository.
    pub repository: Option<OwnRepository>,
    /// What a caller may ask for.
    pub limits: Limits,
    /// How long uploaded charts and finished operations are kept.
    pub retention: Duration,
    /// How long running operations may go on after the server was told to end.
    pub grace: Duration,
    /// What is told of requests' spans.
    pub traced: Option<Traced>,
    /// Whether changes of releases must say which state they are meant for (`If-Match`, `If-None-Match`).
    pub require_preconditions: bool,
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
    /// The largest index of a repository in bytes.
    pub index_bytes: usize,
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
    /// How many requests a second one caller may make, in the long run; a caller is a user, or an address as long as nobody is
    /// asked who they are.
    pub caller_rate: u32,
    /// How many requests one caller may make at once beyond that rate.
    pub caller_burst: u32,
    /// How many requests of one caller are served at a time.
    pub caller_requests: usize,
    /// How many requests are served at a time.
    pub requests: usize,
    /// How many event streams one caller may have open.
    pub caller_streams: usize,
    /// How many event streams may be open.
    pub streams: usize,
    /// How long an event stream of a list lasts before its client has to come back.
    pub stream_time: Duration,
    /// How long a read may take until its answer begins.
    pub read_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            chart_bytes: 32 << 20,
            body_bytes: 16 << 20,
            index_bytes: 128 << 20,
            charts_total_bytes: 512 << 20,
            operations: 10_000,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(60),
            plan_time: Duration::from_secs(15),
            wait_time: Duration::from_secs(600),
            connections: 4_096,
            caller_rate: 500,
            caller_burst: 1_000,
            caller_requests: 256,
            requests: 1_024,
            caller_streams: 2_000,
            streams: 3_000,
            stream_time: Duration::from_secs(60 * 60),
            read_time: Duration::from_secs(60),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            namespace: "default".to_owned(),
            auth: Auth::default(),
            tls: None,
            insecure_http: false,
            trusted_proxies: Vec::new(),
            open_metrics: false,
            cluster_hosts: Hosts::default(),
            repository_hosts: Hosts::public(),
            registries: Vec::new(),
            refresh_interval: Duration::from_secs(5 * 60),
            cache: None,
            cache_size: 1 << 30,
            repository: None,
            limits: Limits::default(),
            retention: Duration::from_secs(24 * 60 * 60),
            grace: Duration::from_secs(30),
            traced: None,
            require_preconditions: false,
            now: Arc::new(Timestamp::now),
        }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("namespace", &self.namespace)
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .field("repository", &self.repository)
            .field("limits", &self.limits)
            .field("retention", &self.retention)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
