//! What is counted and measured, for `/metrics`. Nothing names a release or a namespace.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// From a look into memory to a list of everything.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Changes wait for objects to become ready.
const LONG: [f64; 10] = [0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0];

type Times<L> = Family<L, Histogram, fn() -> Histogram>;

/// All measures; clones share them.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<All>);

struct All {
    registry: Registry,
    requests: Times<RequestLabels>,
    in_flight: Gauge,
    operations: Times<OperationLabels>,
    running: Gauge,
    queued: Gauge,
    calls: Times<CallLabels>,
    renders: Histogram,
    streams: Gauge,
    cache: [Family<ClusterLabels, Gauge>; 3],
    uploads: Gauge,
    uploaded_bytes: Gauge<i64>,
    started: Gauge<f64, AtomicU64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    status: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    kind: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    verb: &'static str,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterLabels {
    cluster: String,
}

fn times() -> Histogram {
    Histogram::new(SECONDS)
}

fn long_times() -> Histogram {
    Histogram::new(LONG)
}

impl Default for Metrics {
    fn default() -> Self {
        let all = All {
            registry: Registry::with_prefix("whipstaff"),
            requests: Family::new_with_constructor(times),
            in_flight: Gauge::default(),
            operations: Family::new_with_constructor(long_times),
            running: Gauge::default(),
            queued: Gauge::default(),
            calls: Family::new_with_constructor(times),
            renders: times(),
            streams: Gauge::default(),
            cache: Default::default(),
            uploads: Gauge::default(),
            uploaded_bytes: Gauge::default(),
            started: Gauge::default(),
        };
        Self(Arc::new(all.registered()))
    }
}

impl All {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let seconds = || Unit::Seconds;
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took until their answer began, by operationId and status",
            seconds(),
            self.requests.clone(),
        );
        registry.register("http_requests_in_flight", "Requests that are being served", self.in_flight.clone());
        registry.register("event_streams", "Event streams that are open", self.streams.clone());
        registry.register_with_unit(
            "operation_duration",
            "How long finished operations took, by kind and result",
            seconds(),
            self.operations.clone(),
        );
        registry.register("operations_running", "Operations that run in this process", self.running.clone());
        registry.register("operations_queued", "Operations that wait for their turn", self.queued.clone());
        registry.register_with_unit(
            "kubernetes_request_duration",
            "How long calls to Kubernetes took until their answer began, by verb and status (`none`: there was no answer)",
            seconds(),
            self.calls.clone(),
        );
        registry.register_with_unit(
            "render_duration",
            "How long renders of charts took",
            seconds(),
            self.renders.clone(),
        );
        let [releases, revisions, current] = &self.cache;
        registry.register("cache_releases", "Releases that lists know of, by cluster", releases.clone());
        registry.register("cache_revisions", "Revisions that lists know of, by cluster", revisions.clone());
        registry.register(
            "cache_synced",
            "Whether what lists know is what there is (1), or the cluster has to be asked (0)",
            current.clone(),
        );
        registry.register("uploaded_charts", "Charts that were uploaded and are kept", self.uploads.clone());
        registry.register_with_unit(
            "uploaded_charts",
            "The size of the archives that were uploaded and are kept",
            Unit::Bytes,
            self.uploaded_bytes.clone(),
        );
        registry.register_with_unit("start_time", "When the server was started", seconds(), self.started.clone());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        self.started.set(now.as_secs_f64());
        self
    }
}

/// A request that is being measured; it counts as in flight until it is dropped.
pub(crate) struct Measured {
    metrics: Metrics,
    operation: &'static str,
    begun: Instant,
}

impl Measured {
    /// Notes how the request was answered.
    pub(crate) fn end(self, status: u16) {
        let labels = RequestLabels { operation: self.operation, status: status.into() };
        self.metrics.0.requests.get_or_create(&labels).observe(self.begun.elapsed().as_secs_f64());
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.metrics.0.in_flight.dec();
    }
}

impl Metrics {
    /// Begins to measure a request.
    pub(crate) fn begin(&self, operation: &'static str) -> Measured {
        self.0.in_flight.inc();
        Measured { metrics: self.clone(), operation, begun: Instant::now() }
    }

    /// Notes the end of an operation, in the contract's words.
    pub(crate) fn operation_finished(&self, kind: api::Kind, result: api::State, seconds: f64) {
        let labels = OperationLabels { kind: word(&kind), result: word(&result) };
        self.0.operations.get_or_create(&labels).observe(seconds);
    }

    /// Sets how many operations run in this process.
    pub(crate) fn operations_running(&self, count: usize) {
        self.0.running.set(number(count));
    }

    /// Sets how many operations wait.
    #[allow(dead_code, reason = "the queue of operations is being written")]
    pub(crate) fn operations_queued(&self, count: usize) {
        self.0.queued.set(number(count));
    }

    /// Sets how many event streams are open.
    pub(crate) fn event_streams(&self, count: usize) {
        self.0.streams.set(number(count));
    }

    /// Forgets what the cache of a cluster held that is gone.
    pub(crate) fn forget_cache(&self, cluster: &str) {
        let labels = ClusterLabels { cluster: cluster.to_owned() };
        for family in &self.0.cache {
            family.remove(&labels);
        }
    }

    /// Sets what the cache of a cluster holds.
    pub(crate) fn cache(&self, cluster: &str, releases: usize, revisions: usize, is_current: bool) {
        let labels = ClusterLabels { cluster: cluster.to_owned() };
        for (family, value) in self.0.cache.iter().zip([releases, revisions, usize::from(is_current)]) {
            family.get_or_create(&labels).set(number(value));
        }
    }

    /// Sets how many charts are kept, and how large their archives are.
    pub(crate) fn uploads(&self, count: usize, bytes: usize) {
        self.0.uploads.set(number(count));
        self.0.uploaded_bytes.set(number(bytes));
    }

    /// Whoever is told of calls to Kubernetes.
    pub(crate) fn calls(&self) -> cluster::CallObserver {
        let calls = self.0.calls.clone();
        Arc::new(move |call: cluster::KubernetesCall| {
            let status = call.status.map_or_else(|| "none".to_owned(), |status| status.to_string());
            calls.get_or_create(&CallLabels { verb: call.verb, status }).observe(call.time.as_secs_f64());
        })
    }

    /// Whoever is told of renders.
    pub(crate) fn renders(&self) -> Arc<dyn Fn(Duration) + Send + Sync> {
        let renders = self.0.renders.clone();
        Arc::new(move |time| renders.observe(time.as_secs_f64()))
    }

    /// All measures as OpenMetrics text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into memory does not fail.
        let _ = text::encode(&mut text, &self.0.registry);
        text
    }
}

/// The contract's word for something.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_is_there_by_the_names_of_prometheus() {
        let metrics = Metrics::default();
        metrics.begin("release_list").end(200);
        metrics.operation_finished(api::Kind::Upgrade, api::State::Succeeded, 2.0);
        metrics.operations_running(3);
        metrics.cache("default", 5, 9, true);
        metrics.uploads(2, 1000);
        (metrics.calls())(cluster::KubernetesCall { verb: "list", status: None, time: Duration::from_millis(3) });
        (metrics.renders())(Duration::from_millis(3));
        let text = metrics.text();
        for line in [
            "# TYPE whipstaff_http_request_duration_seconds histogram",
            "whipstaff_http_request_duration_seconds_count{operation=\"release_list\",status=\"200\"} 1",
            "whipstaff_http_requests_in_flight 0",
            "whipstaff_operation_duration_seconds_bucket{le=\"5.0\",kind=\"upgrade\",result=\"succeeded\"} 1",
            "whipstaff_operations_running 3",
            "whipstaff_kubernetes_request_duration_seconds_count{verb=\"list\",status=\"none\"} 1",
            "whipstaff_render_duration_seconds_count 1",
            "whipstaff_cache_releases{cluster=\"default\"} 5",
            "whipstaff_cache_revisions{cluster=\"default\"} 9",
            "whipstaff_cache_synced{cluster=\"default\"} 1",
            "whipstaff_uploaded_charts 2",
            "whipstaff_uploaded_charts_bytes 1000",
            "# EOF",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }
}
