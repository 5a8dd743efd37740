//! Traces by OTLP over HTTP: a span for each request and for each operation, and nothing of what they carry.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanKind, Status, TracerProvider};
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::{HeaderExtractor, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter as Exporter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

use crate::fail::{Fail, Outcome};

/// How long the collector may take, and how long the last spans may at the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of a collector's answer is read.
const LONGEST: u64 = 64 << 10;

/// The attributes that are sent, by the fields of spans; those of HTTP as OpenTelemetry's conventions call them. What is
/// not named here stays here.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("method", "http.request.method"),
    ("route", "http.route"),
    ("status", "http.response.status_code"),
    ("request", "whipstaff.request.id"),
    ("operation", "whipstaff.operation.id"),
    ("kind", "whipstaff.operation.kind"),
    ("state", "whipstaff.operation.state"),
    ("cluster", "whipstaff.release.cluster"),
    ("namespace", "whipstaff.release.namespace"),
    ("release", "whipstaff.release.name"),
];

/// What sends spans.
pub(super) struct Traces(SdkTracerProvider);

/// Begins to send to a collector.
pub(super) fn begin(
    endpoint: &str,
    instance: Option<&str>,
) -> Outcome<(Traces, Box<dyn Layer<Registry> + Send + Sync>)> {
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Client::new(endpoint)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| Fail::new(format!("traces cannot be sent to `{endpoint}`: {error}")))?;
    let mut about = vec![KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
    about.extend(instance.map(|name| KeyValue::new("service.instance.id", name.to_owned())));
    let resource = Resource::builder().with_service_name("whipstaff").with_attributes(about).build();
    let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(Named(exporter)).build();
    // Only spans of the server: lines of the log may say more than is to leave this machine.
    let ours = filter_fn(|metadata| metadata.is_span() && metadata.target().starts_with("server"));
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("whipstaff"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(ours)
        .boxed();
    Ok((Traces(provider), layer))
}

impl Traces {
    /// Sends what was not sent yet.
    pub(super) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Has the span of a request go on with the trace that its headers name.
pub(super) fn traced() -> server::Traced {
    let propagator = TraceContextPropagator::new();
    Arc::new(move |span, headers| {
        let _ = span.set_parent(propagator.extract(&HeaderExtractor(headers)));
    })
}

/// Calls spans and attributes as the conventions do.
#[derive(Debug)]
struct Named<E>(E);

impl<E: Exporter> Exporter for Named<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch.into_iter().map(named).collect()).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn named(mut span: SpanData) -> SpanData {
    let text = |name: &str| span.attributes.iter().find(|one| one.key.as_str() == name).map(|one| one.value.clone());
    let (method, route, status) = (text("method"), text("route"), text("status"));
    let (kind, state) = (text("kind"), text("state"));
    match (&*span.name, &method, &route, &kind) {
        ("request", Some(method), Some(route), _) => {
            span.name = format!("{method} {route}").into();
            span.span_kind = SpanKind::Server;
        }
        ("operation", _, _, Some(kind)) => span.name = format!("operation {kind}").into(),
        _ => {}
    }
    if matches!(status, Some(Value::I64(status)) if status >= 500)
        || matches!(&state, Some(state) if state.as_str() == "failed")
    {
        span.status = Status::error("");
    }
    span.attributes = span.attributes.into_iter().filter_map(attribute).collect();
    span
}

fn attribute(attribute: KeyValue) -> Option<KeyValue> {
    let (_, name) = ATTRIBUTES.iter().find(|(field, _)| *field == attribute.key.as_str())?;
    Some(KeyValue::new(*name, attribute.value))
}

/// Speaks HTTP from the thread that spans are sent by, which may wait.
#[derive(Debug)]
struct Client(ureq::Agent);

impl Client {
    fn new(endpoint: &str) -> Outcome<Self> {
        let config =
            ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0);
        let config = match endpoint.starts_with("https:") {
            true => config.tls_config(crate::remote::tls(None)?),
            false => config,
        };
        Ok(Self(config.build().new_agent()))
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = self.0.run(request.map(|body| body.to_vec()))?.into_parts();
        let body = body.into_with_config().limit(LONGEST).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::InstrumentationScope;
    use opentelemetry::trace::{SpanContext, SpanId};

    use super::*;

    fn span(name: &'static str, attributes: Vec<KeyValue>) -> SpanData {
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes,
            dropped_attributes_count: 0,
            events: Default::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::default(),
        }
    }

    #[test]
    fn spans_are_called_as_the_conventions_have_it_and_say_nothing_else() {
        let request = named(span(
            "request",
            vec![
                KeyValue::new("method", "PUT"),
                KeyValue::new("route", "/v1/x/{name}"),
                KeyValue::new("status", 503),
                KeyValue::new("token", "hunter2"),
            ],
        ));
        assert_eq!((&*request.name, &request.span_kind), ("PUT /v1/x/{name}", &SpanKind::Server));
        assert_eq!(request.status, Status::error(""));
        let keys: Vec<&str> = request.attributes.iter().map(|one| one.key.as_str()).collect();
        assert_eq!(keys, ["http.request.method", "http.route", "http.response.status_code"]);
        let operation =
            named(span("operation", vec![KeyValue::new("kind", "upgrade"), KeyValue::new("state", "succeeded")]));
        assert_eq!((&*operation.name, operation.status), ("operation upgrade", Status::Unset));
    }
}
